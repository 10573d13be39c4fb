//! What sandboxes are made of, made beforehand: control groups, network namespaces, user ids.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use skiff_domain::NetworkMode;
use skiff_domain::limits::MEMORY_MB_DEFAULT;
use skiff_sandbox::{Cgroup, Cgroups, Limits, Networks, Parts};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, mpsc};
use tokio_util::task::TaskTracker;

use crate::config::UID_FIRST;
use crate::endpoints::{Doors, Inbound};
use crate::nursery::REFILL_PAUSE;
use crate::start;

/// A stem cell's share of the processors: the kernel's default, so that a birth somebody waits for is not a slow one.
const WEIGHT: u32 = 100;
/// Kits kept ready per network mode that has been asked for.
const READY: usize = 8;

/// How often, and how far apart, it is looked whether a buried control group's last user is gone.
const LAST_USER_TRIES: u32 = 200;
const LAST_USER_PAUSE: Duration = Duration::from_millis(5);

/// All that one sandbox needs beside its runtime.
#[derive(Debug)]
pub(crate) struct Kit {
    pub(crate) parts: Parts,
    pub(crate) doors: Doors,
}

/// Why there is no kit.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StockError {
    /// All user ids are taken.
    #[error("all {0} sandboxes are in use (--sandboxes-max)")]
    Full(u32),
    /// The kernel refused.
    #[error("make a control group and a network: {0}")]
    Make(#[from] io::Error),
}

#[derive(Debug)]
pub(crate) struct Stock {
    cgroups: Cgroups,
    networks: Networks,
    inbound: mpsc::Sender<Inbound>,
    uids: Mutex<Uids>,
    ready: Mutex<HashMap<NetworkMode, Shelf>>,
    closed: AtomicBool,
    /// Sandboxes that are being buried.
    leaving: AtomicU32,
    /// A user id came back.
    freed: Notify,
    tasks: TaskTracker,
}

#[derive(Debug, Default)]
struct Shelf {
    kits: Vec<Kit>,
    coming: usize,
}

/// User ids nobody has. The one given back longest ago is given out next.
#[derive(Debug)]
struct Uids {
    free: std::collections::VecDeque<u32>,
    count: u32,
}

impl Stock {
    pub(crate) fn new(
        cgroups: Cgroups,
        networks: Networks,
        inbound: mpsc::Sender<Inbound>,
        sandboxes_max: u32,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        let uids = Uids {
            free: (UID_FIRST..UID_FIRST + sandboxes_max).collect(),
            count: sandboxes_max,
        };
        Arc::new(Self {
            cgroups,
            networks,
            inbound,
            uids: Mutex::new(uids),
            ready: Mutex::default(),
            closed: AtomicBool::new(false),
            leaving: AtomicU32::new(0),
            freed: Notify::new(),
            tasks,
        })
    }

    /// Sandboxes and kits alive.
    pub(crate) fn in_use(&self) -> u32 {
        let uids = self.uids.lock();
        uids.count
            .saturating_sub(u32::try_from(uids.free.len()).unwrap_or(u32::MAX))
    }

    /// A kit from the shelf, or a new one.
    pub(crate) async fn take(self: &Arc<Self>, mode: NetworkMode) -> Result<Kit, StockError> {
        let kit = self.ready.lock().entry(mode).or_default().kits.pop();
        self.refill(mode);
        match kit {
            Some(kit) => Ok(kit),
            None => self.make(mode).await,
        }
    }

    /// Takes apart what a buried sandbox left.
    pub(crate) async fn give_back(self: &Arc<Self>, parts: Parts) {
        let uid = parts.uid;
        let tracked = self.tasks.spawn_blocking(move || {
            let Parts { cgroup, network, .. } = parts;
            if let Err(error) = network.remove() {
                tracing::warn!(%error, "a network namespace could not be removed yet");
            }
            match alone(cgroup) {
                Some(cgroup) => {
                    if let Err(error) = cgroup.remove() {
                        tracing::warn!(%error, "a control group could not be removed yet");
                    }
                }
                None => tracing::error!("a buried control group is still in use; it goes with its last user"),
            }
        });
        if tracked.await.is_ok() {
            self.free(uid);
        }
    }

    fn free(&self, uid: u32) {
        self.uids.lock().free.push_back(uid);
        self.freed.notify_waiters();
    }

    /// A sandbox goes to its grave: what it had will come back.
    pub(crate) fn leaves(&self) {
        self.leaving.fetch_add(1, Ordering::SeqCst);
    }

    /// It is buried, and what came back of it has.
    pub(crate) fn left(&self) {
        self.leaving.fetch_sub(1, Ordering::SeqCst);
        self.freed.notify_waiters();
    }

    /// Whether something is coming back, and when something has.
    pub(crate) fn is_awaited(&self) -> bool {
        self.leaving.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    /// Takes apart a kit that nobody asked for, of another network mode. False where there is none.
    pub(crate) fn give_way(self: &Arc<Self>, mode: NetworkMode) -> bool {
        let kit = {
            let mut ready = self.ready.lock();
            let others = ready.iter_mut().filter(|(other, _)| **other != mode);
            others
                .max_by_key(|(_, shelf)| shelf.kits.len())
                .and_then(|(_, shelf)| shelf.kits.pop())
        };
        let Some(kit) = kit else { return false };
        self.leaves();
        let stock = Arc::clone(self);
        self.tasks.spawn(async move {
            stock.give_back(kit.parts).await;
            stock.left();
        });
        true
    }

    /// Lets go of all that is on the shelves and puts nothing there any more.
    pub(crate) async fn clear(self: &Arc<Self>) {
        self.closed.store(true, Ordering::Relaxed);
        let kits: Vec<Kit> = self
            .ready
            .lock()
            .values_mut()
            .flat_map(|shelf| std::mem::take(&mut shelf.kits))
            .collect();
        for kit in kits {
            self.give_back(kit.parts).await;
        }
    }

    fn refill(self: &Arc<Self>, mode: NetworkMode) {
        if self.closed.load(Ordering::Relaxed) {
            return;
        }
        let missing = {
            let mut ready = self.ready.lock();
            let shelf = ready.entry(mode).or_default();
            let missing = READY.saturating_sub(shelf.kits.len() + shelf.coming);
            shelf.coming += missing;
            missing
        };
        if missing == 0 {
            return;
        }
        let stock = Arc::clone(self);
        self.tasks.spawn(async move {
            // What the kit was taken for comes first.
            tokio::time::sleep(REFILL_PAUSE).await;
            for _ in 0..missing {
                let made = stock.make(mode).await;
                let mut ready = stock.ready.lock();
                let shelf = ready.entry(mode).or_default();
                shelf.coming -= 1;
                match made {
                    Ok(kit) => shelf.kits.push(kit),
                    Err(error) => tracing::debug!(%error, %mode, "no kit for the shelf"),
                }
            }
        });
    }

    async fn make(self: &Arc<Self>, mode: NetworkMode) -> Result<Kit, StockError> {
        let uid = {
            let mut uids = self.uids.lock();
            uids.free.pop_front().ok_or(StockError::Full(uids.count))?
        };
        let stock = Arc::clone(self);
        let made = self.tasks.spawn_blocking(move || {
            let cgroup = Arc::new(stock.cgroups.create()?);
            // What nearly every function has: to change nothing is faster than to set a quota, which asks every core.
            cgroup.limit(&Limits {
                cpu_weight: WEIGHT,
                ..start::limits(MEMORY_MB_DEFAULT)
            })?;
            let network = stock.networks.create(mode)?;
            Ok::<_, io::Error>(Parts { cgroup, network, uid })
        });
        let made = made.await.map_err(io::Error::other).flatten();
        let opened = made.and_then(|mut parts| {
            let doors = Doors::open(std::mem::take(&mut parts.network.listeners), &self.inbound)?;
            Ok(Kit { parts, doors })
        });
        opened.map_err(|error| {
            self.free(uid);
            StockError::Make(error)
        })
    }
}

/// The group, once nobody else holds it: a killer or a look of the freezer may, for moments. Blocks for as long.
fn alone(mut cgroup: Arc<Cgroup>) -> Option<Cgroup> {
    for _ in 0..LAST_USER_TRIES {
        match Arc::try_unwrap(cgroup) {
            Ok(cgroup) => return Some(cgroup),
            Err(shared) => cgroup = shared,
        }
        std::thread::sleep(LAST_USER_PAUSE);
    }
    None
}
