//! SQLite keeps every promise of the trait.
#![allow(clippy::unwrap_used, reason = "a store that cannot be made is a failed test")]

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use skiff_store::conformance::{Factory, history};
use skiff_store::{EngineOptions, Store};
use skiff_store_sqlite::SqliteStore;
use tempfile::TempDir;

/// Each store in a folder of its own, kept until the test is over.
#[derive(Default)]
struct Files(Mutex<Vec<TempDir>>);

#[async_trait]
impl Factory for Files {
    async fn open(&self, options: EngineOptions) -> Arc<dyn Store> {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open_with(&folder.path().join("skiff.db"), options).unwrap();
        self.0.lock().push(folder);
        Arc::new(store)
    }
}

skiff_store::conformance_tests!(Files::default());

#[test]
fn random_histories_are_answered_as_by_the_model() {
    history::matches_the_model(&Files::default(), 96);
}
