//! What was kept of instances, by version: how many, how large and how old, and who may become one.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use skiff_domain::{FunctionUid, Qualifier, Revision, Version};
use skiff_sandbox::{KeepError, Sandbox, Zygote, make_snapshot_folder};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// Most versions that are kept at once; the one not started for longest makes room.
const KEPT_MAX: usize = 32;
/// Most bytes of files all of them may take.
const BYTES_MAX: u64 = 2 << 30;
/// How old one may get: a zygote's age, as what becomes it shares its addresses. What an instance was told of the time, of
/// addresses and credentials while it was initialised is no older. After as long a version that could not be kept is tried
/// again.
const AGE_MAX: Duration = Duration::from_secs(30 * 60);
/// Between two looks for what is too old.
const PERIOD: Duration = Duration::from_secs(60);

/// Names a pool of interchangeable instances.
type Pool = (FunctionUid, Qualifier, Revision);

fn pool(version: &Version) -> Pool {
    (version.uid.clone(), version.label.clone(), version.revision)
}

/// What was kept of one instance. Its files go with the last hand on it.
#[derive(Debug)]
pub(crate) struct Snapshot {
    folder: PathBuf,
    zygote: Weak<Zygote>,
    bytes: u64,
    since: Instant,
}

impl Snapshot {
    /// Keeps what waits for that in a sandbox. Blocks.
    pub(crate) fn of(sandbox: &Sandbox, folder: PathBuf) -> Result<Self, KeepError> {
        let mut snapshot = Self {
            folder,
            zygote: Arc::downgrade(sandbox.zygote()),
            bytes: 0,
            since: Instant::now(),
        };
        make_snapshot_folder(&snapshot.folder)?;
        snapshot.bytes = sandbox.keep(&snapshot.folder)?;
        Ok(snapshot)
    }

    /// The folder that its children find it in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// True where this sandbox can become it.
    pub(crate) fn suits(&self, sandbox: &Sandbox) -> bool {
        self.is_good() && self.zygote.as_ptr() == Arc::as_ptr(sandbox.zygote())
    }

    /// False once nothing can become it any more, or nothing should.
    fn is_good(&self) -> bool {
        self.zygote.strong_count() > 0 && self.since.elapsed() < AGE_MAX
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // What is left goes when a server starts.
        drop(fs::remove_dir_all(&self.folder));
    }
}

#[derive(Debug)]
enum Slot {
    Making,
    Kept(Arc<Snapshot>, Instant),
    /// It could not be kept, or did not start, at that time, and why.
    Given(Instant, Arc<str>),
}

impl Slot {
    fn is_good(&self) -> bool {
        match self {
            Self::Making => true,
            Self::Kept(snapshot, _) => snapshot.is_good(),
            Self::Given(since, _) => since.elapsed() < AGE_MAX,
        }
    }

    /// What one takes, and when it was last used.
    fn kept(&self) -> Option<(u64, Instant)> {
        match self {
            Self::Kept(snapshot, used) => Some((snapshot.bytes, *used)),
            Self::Making | Self::Given(..) => None,
        }
    }
}

/// All that are kept.
#[derive(Debug)]
pub(crate) struct Snapshots {
    folder: PathBuf,
    next: AtomicU64,
    slots: Mutex<HashMap<Pool, Slot>>,
    /// Files are removed beside what goes on.
    tasks: TaskTracker,
}

impl Snapshots {
    /// In this folder, which is emptied: nothing there outlives its zygote.
    pub(crate) fn open(folder: PathBuf, tasks: TaskTracker) -> io::Result<Self> {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        make_snapshot_folder(&folder)?;
        Ok(Self {
            folder,
            next: AtomicU64::new(0),
            slots: Mutex::default(),
            tasks,
        })
    }

    /// A folder for the next one.
    pub(crate) fn place(&self) -> PathBuf {
        self.folder.join(self.next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// What this sandbox can become to be an instance of the version, or why there is nothing.
    pub(crate) fn find(&self, version: &Version, sandbox: &Sandbox) -> Result<Arc<Snapshot>, Cow<'static, str>> {
        match self.slots.lock().get_mut(&pool(version)) {
            Some(Slot::Kept(snapshot, used)) if snapshot.suits(sandbox) => {
                *used = Instant::now();
                Ok(Arc::clone(snapshot))
            }
            Some(Slot::Kept(..)) => Err("the one that is kept is too old".into()),
            Some(Slot::Making) | None => Err("none is kept yet".into()),
            Some(Slot::Given(_, why)) => Err(none_can_be(why).into()),
        }
    }

    /// True for whoever is to keep one now: there is none that is good.
    pub(crate) fn begin(&self, version: &Version) -> bool {
        self.change(|slots| {
            let wanted = slots.get(&pool(version)).is_none_or(|slot| !slot.is_good());
            if wanted {
                let replaced = slots.insert(pool(version), Slot::Making);
                return (true, replaced.into_iter().collect());
            }
            (false, Vec::new())
        })
    }

    /// The version's instances start as every other from now on.
    pub(crate) fn give_up(&self, version: &Version, why: &str) {
        tracing::warn!(function = %version.key.name, why, "an instance could not be kept, so new ones initialise themselves");
        self.set(version, Slot::Given(Instant::now(), why.into()));
    }

    /// It was not kept for a reason that is not the version's: the next start tries again.
    pub(crate) fn put_off(&self, version: &Version, why: &str) {
        tracing::info!(function = %version.key.name, why, "no instance was kept this time");
        self.change(|slots| ((), slots.remove(&pool(version)).into_iter().collect()));
    }

    /// The one that was made, unless the version went meanwhile.
    pub(crate) fn have(&self, version: &Version, snapshot: Snapshot) {
        self.set(version, Slot::Kept(Arc::new(snapshot), Instant::now()));
        self.change(|slots| ((), make_room(slots)));
    }

    /// Lets go of what a function no longer is: of one version, or of all.
    pub(crate) fn retire(&self, uid: &FunctionUid, label: Option<&Qualifier>) {
        let is_meant = |(of, version, _): &Pool| of == uid && label.is_none_or(|label| label == version);
        self.remove_where(|pool, _| is_meant(pool));
    }

    /// Lets go of what is too old, for as long as it is polled.
    pub(crate) async fn watch(&self) {
        let mut tick = tokio::time::interval(PERIOD);
        loop {
            tick.tick().await;
            self.remove_where(|_, slot| !slot.is_good());
        }
    }

    /// In place of what there is. A version that went meanwhile has nothing.
    fn set(&self, version: &Version, slot: Slot) {
        self.change(|slots| {
            let gone = match slots.get_mut(&pool(version)) {
                Some(old) => std::mem::replace(old, slot),
                None => slot,
            };
            ((), vec![gone])
        });
    }

    fn remove_where(&self, mut is_meant: impl FnMut(&Pool, &Slot) -> bool) {
        self.change(|slots| {
            (
                (),
                slots
                    .extract_if(|pool, slot| is_meant(pool, slot))
                    .map(|(_, slot)| slot)
                    .collect(),
            )
        });
    }

    /// Changes the slots. Those that go are let go of later, as that removes files.
    fn change<T>(&self, change: impl FnOnce(&mut HashMap<Pool, Slot>) -> (T, Vec<Slot>)) -> T {
        let (result, gone) = change(&mut self.slots.lock());
        if !gone.is_empty() {
            self.tasks.spawn_blocking(move || drop(gone));
        }
        result
    }
}

/// In the words in which [`Snapshots::find`] says it.
pub(crate) fn none_can_be(why: &str) -> String {
    format!("none can be kept: {why}")
}

/// Takes out those not used for longest, until the rest is no more and no larger than may be.
fn make_room(slots: &mut HashMap<Pool, Slot>) -> Vec<Slot> {
    let mut gone = Vec::new();
    loop {
        let kept = slots
            .iter()
            .filter_map(|(pool, slot)| slot.kept().map(|kept| (pool, kept)));
        let (count, bytes) = kept
            .clone()
            .fold((0, 0), |(count, sum), (_, (bytes, _))| (count + 1, sum + bytes));
        if count <= KEPT_MAX && bytes <= BYTES_MAX {
            return gone;
        }
        let oldest = kept.min_by_key(|(_, (_, used))| *used).map(|(pool, _)| pool.clone());
        gone.extend(oldest.and_then(|pool| slots.remove(&pool)));
    }
}
