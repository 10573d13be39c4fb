//! A store that fails, at every step.

use std::sync::atomic::AtomicU8;

use skiff_store::{
    Change, Committed, Delivery, Doc, Epoch, Key, NodeId, Op, Page as StorePage, Prefix, QueueId, QueueStats, Rev,
    StoreError, UsageQuery, UsageSum,
};

use super::*;

const WELL: u8 = 0;
const FAILS_BEFORE: u8 = 1;
const FAILS_AFTER: u8 = 2;

/// The model, reached by a line that can break before or after a commit.
#[derive(Debug)]
struct Line {
    store: Arc<MemStore>,
    state: AtomicU8,
}

impl Line {
    fn broken() -> StoreError {
        StoreError::Engine("the line is broken".into())
    }

    fn set(&self, state: u8) {
        self.state.store(state, Ordering::SeqCst);
    }
}

#[async_trait]
impl Store for Line {
    async fn commit(&self, ops: Vec<Op>) -> Result<Committed, StoreError> {
        match self.state.load(Ordering::SeqCst) {
            FAILS_BEFORE => Err(Self::broken()),
            FAILS_AFTER => {
                self.store.commit(ops).await?;
                Err(Self::broken())
            }
            _ => self.store.commit(ops).await,
        }
    }
    async fn get(&self, key: &Key) -> Result<Option<Doc>, StoreError> {
        self.store.get(key).await
    }
    async fn list(&self, prefix: &Prefix, after: Option<&Key>, limit: u32) -> Result<StorePage, StoreError> {
        self.store.list(prefix, after, limit).await
    }
    async fn changes(&self, after: Rev, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.store.changes(after, limit).await
    }
    async fn claim(&self, q: &QueueId, n: u32, lease: Duration, who: &NodeId) -> Result<Vec<Delivery>, StoreError> {
        self.store.claim(q, n, lease, who).await
    }
    async fn queue_stats(&self, q: &QueueId) -> Result<QueueStats, StoreError> {
        self.store.queue_stats(q).await
    }
    async fn lease(&self, name: &str, who: &NodeId, ttl: Duration) -> Result<Option<Epoch>, StoreError> {
        self.store.lease(name, who, ttl).await
    }
    async fn usage(&self, query: &UsageQuery) -> Result<Vec<UsageSum>, StoreError> {
        self.store.usage(query).await
    }
    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.store.now().await
    }
}

async fn bed_on_a_line() -> (Bed, Arc<Line>) {
    let store = Arc::new(MemStore::new());
    let line = Arc::new(Line {
        store: Arc::clone(&store),
        state: AtomicU8::new(WELL),
    });
    (Bed::on(store, line.clone()).await, line)
}

fn update_code(text: &str) -> UpdateFunctionCode {
    UpdateFunctionCode {
        key: key("there"),
        code: zip(&[("index.py", text)]),
        handler: None,
        publish: Publish::No,
    }
}

fn deletion(name: &str) -> DeleteFunction {
    DeleteFunction {
        key: key(name),
        qualifier: None,
    }
}

#[tokio::test]
async fn a_change_whose_commit_fails_changes_nothing_and_leaves_nothing() {
    let (bed, line) = bed_on_a_line().await;
    bed.create("there").await.unwrap();
    let before = bed.get("there").unwrap();
    line.set(FAILS_BEFORE);
    let other = CreateFunction {
        code: zip(&[("index.py", "# other")]),
        ..creation("hello")
    };
    let settings = UpdateFunctionConfiguration {
        timeout: Some(Timeout::from_secs(9).unwrap()),
        ..UpdateFunctionConfiguration::of(key("there"))
    };
    let codes = [
        bed.control.create_function(other).await.unwrap_err().code(),
        bed.control
            .update_function_code(update_code("# new"))
            .await
            .unwrap_err()
            .code(),
        bed.control
            .update_function_configuration(settings)
            .await
            .unwrap_err()
            .code(),
        bed.control.delete_function(deletion("there")).await.unwrap_err().code(),
    ];
    assert_eq!(codes, ["InternalError.System"; 4]);
    assert_eq!(bed.get("there").unwrap(), before);
    assert!(bed.get("hello").is_err());
    assert_eq!(bed.packages().await, 1);
    assert!(bed.around.retired.lock().is_empty());
    line.set(WELL);
    bed.create("hello")
        .await
        .expect("it goes on when the store is well again");
}

#[tokio::test]
async fn a_commit_that_went_through_though_it_failed_is_known_afterwards() {
    let (bed, line) = bed_on_a_line().await;
    line.set(FAILS_AFTER);
    assert_eq!(bed.create("there").await.unwrap_err().code(), "InternalError.System");
    let created = bed.get("there").expect("memory says what the store says");
    assert_eq!(bed.packages().await, 1, "and its package was not taken for a leftover");
    bed.control.delete_function(deletion("there")).await.unwrap_err();
    assert!(bed.get("there").is_err());
    line.set(WELL);
    bed.create("there").await.unwrap();
    assert_ne!(bed.get("there").unwrap().uid, created.uid);
    let told = bed.control.list_namespaces(&ListNamespaces::default());
    assert_eq!(told.items[0].functions, 1);
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_memory_and_store_alike() {
    let bed = Bed::new().await;
    for polls in 0..30 {
        let mut creating = Box::pin(bed.create("hello"));
        for _ in 0..polls {
            if futures::poll!(&mut creating).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(creating);
        // Changes are made in turn: after this one, that one is done or was never begun.
        let change = bed.control.update_namespace(UpdateNamespace {
            name: "default".parse().unwrap(),
            description: Description::default(),
        });
        change.await.unwrap();
        let stored = bed.store.get(&"fn/default/hello".parse().unwrap()).await.unwrap();
        assert_eq!(bed.get("hello").is_ok(), stored.is_some(), "after {polls} polls");
        if stored.is_some() {
            bed.control.delete_function(deletion("hello")).await.unwrap();
        }
    }
}

#[tokio::test]
async fn after_the_shutdown_no_change_is_taken_and_reading_goes_on() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    bed.control.shutdown().await;
    let error = bed.create("more").await.unwrap_err();
    assert_eq!(error.code(), "InternalError.System");
    assert!(error.to_string().contains("stopping"), "{error}");
    assert!(bed.resolve("hello", "$LATEST").is_ok());
}
