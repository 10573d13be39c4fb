//! The runtimes of this machine and their stem cells: kept ready of the kinds there are functions of, and for a while of
//! those that are taken all the same. What nobody uses takes no memory.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use skiff_domain::{NetworkMode, Purpose, RuntimeName, StemKind};
use skiff_runtimes::Manifest;
use skiff_sandbox::{TextFile, ZygoteConfig};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::config::PoolConfig;
use crate::graveyard::Graveyard;
use crate::nursery::{BearError, Nursery, StemCell};
use crate::pressure::Pressure;
use crate::seat::ZygoteSeat;
use crate::stock::{Stock, StockError};
use crate::worker::RuntimeStatus;

/// Looks for what nobody uses any more, in the time it may stay.
const LOOKS: u32 = 6;
/// Between two of them at least.
const LOOK_MIN: Duration = Duration::from_millis(10);

/// How long a call that finds all sandboxes in use waits for what gives way to be gone.
const GIVE_WAY_MAX: Duration = Duration::from_secs(2);

/// What pools are made of.
pub(crate) struct Ground {
    pub(crate) zygotes: ZygoteConfig,
    pub(crate) pool: PoolConfig,
    /// Every runtime's list of name servers.
    pub(crate) resolver: TextFile,
    /// Why functions cannot have a public network, where they cannot.
    pub(crate) public: Result<(), String>,
    pub(crate) stock: Arc<Stock>,
    pub(crate) pressure: Arc<Pressure>,
    pub(crate) graveyard: Graveyard,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// All pools of a worker.
pub(crate) struct Pools {
    ground: Ground,
    kept: Mutex<Everything>,
}

#[derive(Default)]
struct Everything {
    seats: HashMap<RuntimeName, Seats>,
    nurseries: HashMap<StemKind, Kept>,
    /// Of these kinds there are functions.
    used: BTreeSet<StemKind>,
}

/// The zygotes of one runtime.
#[derive(Clone)]
struct Seats {
    events: Arc<ZygoteSeat>,
    web: Arc<ZygoteSeat>,
}

impl Seats {
    fn of(&self, purpose: Purpose) -> &Arc<ZygoteSeat> {
        match purpose {
            Purpose::Events => &self.events,
            Purpose::Web => &self.web,
        }
    }
}

/// A nursery that is kept filled until this is dropped.
struct Kept {
    nursery: Arc<Nursery>,
    _keeping: DropGuard,
}

impl Pools {
    pub(crate) fn new(ground: Ground) -> Self {
        Self {
            ground,
            kept: Mutex::default(),
        }
    }

    /// Makes these the runtimes. One that is there already and has not changed keeps its pools.
    pub(crate) fn set_runtimes(&self, manifests: Vec<Manifest>) {
        let mut kept = self.kept.lock();
        let mut seats = HashMap::new();
        for mut manifest in manifests {
            manifest.template.files.push(self.ground.resolver.clone());
            let name = manifest.name.clone();
            let seat = match kept.seats.get(&name) {
                Some(seats) if *seats.events.manifest() == manifest => seats.clone(),
                _ => {
                    let Ground { zygotes, pool, .. } = &self.ground;
                    Seats {
                        web: ZygoteSeat::for_web(zygotes.clone(), &manifest, pool.clone()),
                        events: ZygoteSeat::new(zygotes.clone(), manifest, pool.clone()),
                    }
                }
            };
            seats.insert(name, seat);
        }
        kept.seats = seats;
        let Everything { seats, nurseries, .. } = &mut *kept;
        nurseries.retain(|kind, kept| {
            let seats = seats.get(&kind.runtime);
            seats.is_some_and(|seats| kept.nursery.is_of(seats.of(kind.purpose)))
        });
        self.open_used(&mut kept);
    }

    /// Makes these the kinds that stem cells are kept ready of.
    pub(crate) fn set_used(&self, used: BTreeSet<StemKind>) {
        let mut kept = self.kept.lock();
        for (kind, kept) in &kept.nurseries {
            kept.nursery.set_used(used.contains(kind));
        }
        kept.used = used;
        self.open_used(&mut kept);
    }

    fn open_used(&self, kept: &mut Everything) {
        for kind in kept.used.clone() {
            if self.ground.public.is_ok() || kind.network != NetworkMode::Public {
                self.open(kept, &kind);
            }
        }
    }

    /// The nursery of a kind, opened when it is first asked for. `None` for a runtime that is not here.
    pub(crate) fn nursery(&self, kind: &StemKind) -> Option<Arc<Nursery>> {
        self.open(&mut self.kept.lock(), kind)
    }

    fn open(&self, kept: &mut Everything, kind: &StemKind) -> Option<Arc<Nursery>> {
        let seat = kept.seats.get(&kind.runtime)?.of(kind.purpose);
        if let Some(kept) = kept.nurseries.get(kind) {
            return Some(Arc::clone(&kept.nursery));
        }
        let Ground { tasks, stop, .. } = &self.ground;
        let nursery = Nursery::new(Arc::clone(seat), kind.network, &self.ground);
        nursery.set_used(kept.used.contains(kind));
        let let_go = stop.child_token();
        let keeper = Arc::clone(&nursery);
        let until = let_go.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = until.cancelled() => {}
                () = keeper.keep() => {}
            }
            // Whoever took from it meanwhile has what they took.
            keeper.clear();
        });
        let opened = Kept {
            nursery: Arc::clone(&nursery),
            _keeping: let_go.drop_guard(),
        };
        kept.nurseries.insert(kind.clone(), opened);
        Some(nursery)
    }

    /// A stem cell for somebody who waits. Where all sandboxes are in use, one that is ready for nobody in particular gives
    /// way: a stem cell of another kind, the one whose kind was taken from longest ago, or what one would be made of.
    pub(crate) async fn take(&self, nursery: &Arc<Nursery>) -> Result<StemCell, BearError> {
        let stock = &self.ground.stock;
        let until = Instant::now() + GIVE_WAY_MAX;
        let mut taken = nursery.take().await;
        while matches!(taken, Err(BearError::Stock(StockError::Full(_)))) {
            let freed = stock.freed();
            if !stock.is_awaited() && !self.give_way(nursery) {
                // What was awaited may just have come.
                taken = nursery.take_again().await;
                break;
            }
            if timeout_at(until, freed).await.is_err() {
                break;
            }
            // Whoever was quicker has what came: then there is more to wait for, or to give way.
            taken = nursery.take_again().await;
        }
        taken.map(|(cell, _)| cell)
    }

    fn give_way(&self, to: &Arc<Nursery>) -> bool {
        let from = {
            let kept = self.kept.lock();
            let others = kept.nurseries.values().filter(|kept| !Arc::ptr_eq(&kept.nursery, to));
            let spare = others.filter_map(|kept| Some((kept.nursery.spare_since()?, &kept.nursery)));
            spare
                .min_by_key(|(since, _)| *since)
                .map(|(_, nursery)| Arc::clone(nursery))
        };
        from.is_some_and(|nursery| nursery.give_way()) || self.ground.stock.give_way(to.mode())
    }

    /// Has what is ready looked at again: there is too little memory.
    pub(crate) fn look(&self) {
        self.kept.lock().nurseries.values().for_each(|kept| kept.nursery.look());
    }

    /// Whether packages of a runtime are compiled. `None` for one that is not here.
    pub(crate) fn compiles(&self, runtime: &RuntimeName) -> Option<bool> {
        let kept = self.kept.lock();
        Some(kept.seats.get(runtime)?.events.manifest().compiles)
    }

    /// The names of all runtimes.
    pub(crate) fn runtimes(&self) -> Vec<RuntimeName> {
        let mut names: Vec<_> = self.kept.lock().seats.keys().cloned().collect();
        names.sort();
        names
    }

    /// What there is of each runtime.
    pub(crate) fn status(&self) -> Vec<RuntimeStatus> {
        let kept = self.kept.lock();
        let mut runtimes: Vec<_> = kept.seats.values().map(|seats| self.of_one(&kept, seats)).collect();
        runtimes.sort_by(|a, b| a.name.cmp(&b.name));
        runtimes
    }

    fn of_one(&self, kept: &Everything, seats: &Seats) -> RuntimeStatus {
        let manifest = seats.events.manifest();
        let nurseries = || {
            let of_it = kept.nurseries.iter().filter(|(kind, _)| kind.runtime == manifest.name);
            of_it.map(|(_, kept)| &kept.nursery)
        };
        let ready = nurseries().map(|nursery| nursery.ready()).sum();
        let is_used = kept.used.iter().any(|kind| kind.runtime == manifest.name);
        let short = self.ground.pressure.check().err();
        let failure = nurseries().find_map(|nursery| nursery.failure());
        RuntimeStatus {
            name: manifest.name.to_string(),
            source: manifest.source.clone(),
            bytes: manifest.bytes,
            stem_cells: ready,
            fails: failure.is_some(),
            reason: failure.or_else(|| match &self.ground.public {
                _ if ready > 0 => None,
                _ if short.is_some() => short,
                _ if nurseries().any(|nursery| nursery.wants_some()) => Some("booting".to_owned()),
                _ if !is_used => Some("no function uses it".to_owned()),
                Err(reason) if nurseries().next().is_none() => Some(reason.clone()),
                _ => Some("none is kept ready (--pool-min)".to_owned()),
            }),
        }
    }

    /// Lets go again and again of what nobody uses any more, for as long as it is polled.
    pub(crate) async fn tidy(&self) {
        let period = (self.ground.pool.zygote_unused_max / LOOKS).max(LOOK_MIN);
        loop {
            tokio::time::sleep(period).await;
            let mut kept = self.kept.lock();
            let Everything { seats, nurseries, used } = &mut *kept;
            nurseries.retain(|kind, kept| used.contains(kind) || !kept.nursery.is_idle());
            for seat in seats.values().flat_map(|seats| [&seats.events, &seats.web]) {
                if !nurseries.values().any(|kept| kept.nursery.is_of(seat)) {
                    seat.rest();
                }
            }
        }
    }

    /// Lets go of all stem cells.
    pub(crate) fn clear(&self) {
        let nurseries = std::mem::take(&mut self.kept.lock().nurseries);
        nurseries.values().for_each(|kept| kept.nursery.clear());
    }
}
