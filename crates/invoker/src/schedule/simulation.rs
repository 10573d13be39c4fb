//! Random lives of a few functions, checked after every step against a model that knows who holds what.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use proptest::prelude::*;
use skiff_domain::{Allotment, Capacity, Provisioned, Revision, Tracking, Utilization};

use super::*;
use crate::fakes::version;

const CONCURRENCY_MAX: u32 = 6;
const WAITING_MAX: u32 = 4;
const ACCOUNT_MB: u64 = 1280;
const IDLE: Duration = Duration::from_secs(10);

/// What may happen. Numbers choose among what there is, wherever there is more than one.
#[derive(Debug, Clone, Copy)]
enum Event {
    Arrive(usize),
    Finish {
        at: usize,
        alive: bool,
    },
    /// A start ends well, and its instance reaches the call it is given to, or finds it gone.
    Started {
        at: usize,
        claimed: bool,
    },
    StartFailed(usize),
    StopWaiting(usize),
    DieIdle(usize),
    Pass(u64),
    Retire(usize),
    Evict,
    /// So much is set apart for the first function, in units of a call's memory, or nothing.
    Allot(Option<u64>),
    /// So many instances of the published version are kept ready from now on.
    Keep(Capacity),
    /// What is kept ready is looked after.
    Look,
    Close,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        40 => (0..5_usize).prop_map(Event::Arrive),
        30 => (any::<usize>(), prop::bool::weighted(0.8)).prop_map(|(at, alive)| Event::Finish { at, alive }),
        20 => (any::<usize>(), prop::bool::weighted(0.8)).prop_map(|(at, claimed)| Event::Started { at, claimed }),
        5 => any::<usize>().prop_map(Event::StartFailed),
        8 => any::<usize>().prop_map(Event::StopWaiting),
        3 => any::<usize>().prop_map(Event::DieIdle),
        8 => (0..8_u64).prop_map(Event::Pass),
        1 => Just(Event::Pass(61)),
        3 => (0..5_usize).prop_map(Event::Retire),
        2 => Just(Event::Evict),
        2 => prop::option::of(0..5_u64).prop_map(Event::Allot),
        2 => capacity().prop_map(Event::Keep),
        4 => Just(Event::Look),
        1 => prop::bool::weighted(0.1).prop_map(|close| if close { Event::Close } else { Event::Evict }),
    ]
}

fn capacity() -> impl Strategy<Value = Capacity> {
    let tracking = (1..=KEPT_MAX).prop_map(|initial| {
        let utilization = Utilization::new(0.5).expect("a part");
        let (min, max) = (1, KEPT_MAX);
        Capacity::Tracking(Tracking {
            utilization,
            min,
            max,
            initial,
        })
    });
    prop_oneof![(0..=KEPT_MAX).prop_map(Capacity::Fixed), tracking]
}

/// What the model knows of an instance.
#[derive(Debug)]
struct Known {
    version: usize,
    /// How often its function had been retired when it was begun.
    begun_in: u32,
}

/// The schedule, and beside it who holds what.
struct Simulation {
    schedule: Schedule<u32, u32>,
    now: Instant,
    versions: Vec<Arc<Version>>,
    next: u32,
    /// Starts in flight, with the version and how often it had been retired.
    starts: Vec<(usize, u32, Start)>,
    /// Calls in the order they came, by version.
    waiting: Vec<VecDeque<(u32, Ticket)>>,
    /// Instances in a call's hands.
    running: BTreeMap<u32, (usize, Lent<u32>)>,
    /// Instances with nothing to do, by version, the most recently used last.
    idle: Vec<Vec<(u32, Instant)>>,
    instances: BTreeMap<u32, Known>,
    gone: BTreeSet<u32>,
    dead: BTreeSet<u32>,
    retired: Vec<u32>,
    closed: bool,
    /// What is set apart for the first function, in MB.
    reserved_mb: Option<u64>,
    /// What is to be kept ready of the published version.
    capacity: Capacity,
    /// How many instances that are now.
    kept: u32,
    /// When there were how many calls of it, since the capacity was set.
    demand: Vec<(Instant, u32)>,
}

/// Most instances that are kept ready: so many calls that no quota counted count once they are not any more.
const KEPT_MAX: u32 = 3;
/// The published version's place among the versions.
const PUBLISHED: usize = 4;

impl Simulation {
    fn new() -> Self {
        let mut newer = version("aa");
        newer.revision = Revision(2);
        let mut large = version("cc");
        large.memory_mb = 512;
        let mut published = version("aa");
        published.label = "1".parse().expect("a version's number");
        let versions: Vec<_> = [version("aa"), newer, version("bb"), large, published]
            .map(Arc::new)
            .into();
        let limits = Limits {
            function_concurrency_max: CONCURRENCY_MAX,
            function_waiting_max: WAITING_MAX,
            account_concurrency_mb: ACCOUNT_MB,
            idle_timeout: IDLE,
            ..Limits::default()
        };
        Self {
            schedule: Schedule::new(limits),
            now: Instant::now(),
            next: 0,
            starts: Vec::new(),
            waiting: versions.iter().map(|_| VecDeque::new()).collect(),
            running: BTreeMap::new(),
            idle: versions.iter().map(|_| Vec::new()).collect(),
            instances: BTreeMap::new(),
            gone: BTreeSet::new(),
            dead: BTreeSet::new(),
            retired: vec![0; versions.len()],
            closed: false,
            reserved_mb: None,
            capacity: Capacity::Fixed(0),
            kept: 0,
            demand: Vec::new(),
            versions,
        }
    }

    fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::Arrive(version) => self.arrive(version),
            Event::Finish { at, alive } => {
                if let Some(instance) = pick(self.running.keys().copied(), at) {
                    self.finish(instance, alive);
                }
            }
            Event::Started { at, claimed } => {
                if let Some(at) = pick(0..self.starts.len(), at) {
                    self.started(at, claimed);
                }
            }
            Event::StartFailed(at) => {
                if let Some(at) = pick(0..self.starts.len(), at) {
                    self.start_failed(at);
                }
            }
            Event::StopWaiting(at) => self.stop_waiting(at),
            Event::DieIdle(at) => {
                let idle: Vec<_> = self.idle.iter().flatten().map(|(instance, _)| *instance).collect();
                self.dead.extend(pick(idle.into_iter(), at));
            }
            Event::Pass(seconds) => self.pass(Duration::from_secs(seconds)),
            Event::Retire(version) => {
                let Version { uid, label, .. } = Version::clone(&self.versions[version]);
                // Alternately one version and all of the function.
                let label = self.next.is_multiple_of(2).then_some(label);
                let let_go = self.schedule.retire(&uid, label.as_ref());
                self.retire_all(|other| other.uid == uid && label.as_ref().is_none_or(|label| other.label == *label));
                self.expect_gone(let_go);
            }
            Event::Evict => {
                let spare = (0..self.idle.len()).filter(|index| self.spare(*index) > 0);
                let longest = spare.filter_map(|index| self.idle[index].first());
                let longest = longest.map(|(_, since)| *since).min();
                let evicted = self.schedule.evict();
                assert_eq!(evicted.is_some(), longest.is_some());
                if let Some(instance) = evicted {
                    let since = self.take_idle(instance);
                    assert_eq!(Some(since), longest, "it was idle longest");
                    self.goes(instance);
                }
            }
            Event::Allot(calls) => {
                self.reserved_mb = calls.map(|calls| calls * 128);
                self.allot();
            }
            Event::Keep(capacity) => {
                self.capacity = capacity;
                self.demand.clear();
                self.allot();
            }
            Event::Look => self.look(),
            Event::Close => {
                self.closed = true;
                self.capacity = Capacity::Fixed(0);
                self.kept = 0;
                let let_go = self.schedule.close();
                self.retire_all(|_| true);
                self.expect_gone(let_go);
            }
        }
    }

    fn allot(&mut self) {
        let uid = self.versions[0].uid.clone();
        let reserved_mb = self.reserved_mb.map(|mb| (uid, mb)).into_iter().collect();
        let provisioned = Provisioned {
            version: Arc::clone(&self.versions[PUBLISHED]),
            capacity: self.capacity,
        };
        if self.closed {
            self.capacity = Capacity::Fixed(0);
        }
        self.schedule.allot(&Allotment {
            reserved_mb,
            provisioned: (self.capacity.most() > 0).then_some(provisioned).into_iter().collect(),
            ..Allotment::default()
        });
        self.look_at_kept();
    }

    /// Sees how many are kept ready, and that it is what was set or what demand was.
    fn look_at_kept(&mut self) {
        let load = self.schedule.load();
        let published = load.iter().find(|load| load.version == self.versions[PUBLISHED]);
        self.kept = published.map_or(0, |load| load.provisioned);
        match self.capacity {
            Capacity::Fixed(instances) => assert_eq!(self.kept, instances),
            Capacity::Tracking(tracking) => assert!((tracking.min..=tracking.max).contains(&self.kept)),
        }
    }

    fn look(&mut self) {
        let dead = self.dead.clone();
        let due = self.schedule.provision(self.now, |instance| !dead.contains(instance));
        self.look_at_kept();
        if let Capacity::Tracking(tracking) = self.capacity {
            let minute = Duration::from_secs(60);
            let lately = self.demand.iter().filter(|(at, _)| *at + minute > self.now);
            let most = lately.map(|(_, calls)| *calls).max().unwrap_or(0);
            assert!(
                self.kept >= tracking.wanted(most),
                "no demand of the last minute is missed"
            );
        }
        for instance in due.let_go {
            assert!(dead.contains(&instance), "what is kept ready is not let go");
            self.take_idle(instance);
            self.goes(instance);
        }
        let missing = self
            .kept
            .saturating_sub(self.alive(PUBLISHED) + self.starts_of(PUBLISHED) as u32);
        assert!(
            due.starts.len() <= missing as usize,
            "no more is started than is missing"
        );
        assert_eq!(due.next.is_some(), self.kept > 0);
        for start in due.starts {
            assert_eq!(start.version, self.versions[PUBLISHED]);
            self.starts.push((PUBLISHED, self.retired[PUBLISHED], start));
        }
    }

    /// Instances of a version that are idle or in a call's hands.
    fn alive(&self, index: usize) -> u32 {
        let running = self.running.values().filter(|(version, _)| *version == index);
        (running.count() + self.idle[index].len()) as u32
    }

    /// How many instances of a version there are beyond those that are kept ready.
    fn spare(&self, index: usize) -> u32 {
        self.alive(index).saturating_sub(self.kept_of(index))
    }

    fn kept_of(&self, index: usize) -> u32 {
        if index == PUBLISHED { self.kept } else { 0 }
    }

    fn arrive(&mut self, index: usize) {
        let version = Arc::clone(&self.versions[index]);
        let call = self.number();
        let is_covered = self.calls_of_version(index) < self.kept_of(index) as usize;
        let running = self.counted_of(&version);
        let waiting = self.waiting_of(&version);
        let memory_mb = u64::from(version.memory_mb);
        let is_reserved = self.reserved_mb.is_some() && version.uid == self.versions[0].uid;
        // A reservation holds what is kept ready of its function.
        let kept_mb = match self.reserved_mb {
            Some(_) => 0,
            None => u64::from(self.kept) * u64::from(self.versions[PUBLISHED].memory_mb),
        };
        let account_mb = ACCOUNT_MB - kept_mb;
        let used_mb = self.used_mb(|other| other.uid == version.uid);
        let reserved_uid = self.versions[0].uid.clone();
        let shared_mb = self.counted_mb(|other| self.reserved_mb.is_none() || other.uid != reserved_uid);
        let left_mb = match (is_reserved, self.reserved_mb) {
            (true, Some(quota_mb)) => quota_mb.saturating_sub(used_mb),
            _ => (account_mb - self.reserved_mb.unwrap_or(0)).saturating_sub(shared_mb),
        };
        let left_mb = left_mb.min(account_mb.saturating_sub(self.running_mb()));
        // What is kept ready for it no quota is asked about but the function's own.
        let is_within_own = !is_reserved || self.reserved_mb.is_some_and(|quota_mb| used_mb + memory_mb <= quota_mb);
        let dead = self.dead.clone();
        let (arrival, let_go) = self
            .schedule
            .arrive(&version, |instance| !dead.contains(instance), || (call, ()));
        let is_within = memory_mb <= left_mb && (is_reserved || running < CONCURRENCY_MAX as usize);
        let is_within = is_within || (is_covered && is_within_own);
        assert!(
            is_within || arrival.is_err(),
            "nothing runs beyond the quotas: {arrival:?}"
        );
        // Whatever is let go was dead, or of an older revision of what now came.
        let newer_came = |other: &Version| other.label == version.label && other.revision < version.revision;
        let is_admitted = !matches!(
            arrival,
            Err(Refusal::Stopping | Refusal::AccountConcurrency { .. } | Refusal::FunctionConcurrency { .. })
        );
        if is_admitted && self.is_new(index) {
            let older: Vec<_> = (0..self.versions.len())
                .filter(|other| self.versions[*other].uid == version.uid && newer_came(&self.versions[*other]))
                .collect();
            older.into_iter().for_each(|other| self.retired[other] += 1);
        }
        for instance in let_go {
            let known = &self.instances[&instance];
            assert!(dead.contains(&instance) || newer_came(&self.versions[known.version]));
            self.take_idle(instance);
            self.goes(instance);
        }
        let is_accepted = arrival.is_ok();
        match arrival {
            Ok(Arrival::Run(lent)) => {
                let (top, _) = self.idle[index].pop().expect("an idle instance");
                assert_eq!(lent.instance, top, "the most recently used one");
                assert!(!lent.cold);
                self.holds(index, lent);
            }
            Ok(Arrival::Wait { ticket, start, .. }) => {
                assert!(self.idle[index].is_empty(), "nobody waits beside an idle instance");
                self.waiting[index].push_back((call, ticket));
                let in_flight = self.starts_of(index);
                assert_eq!(
                    start.is_some(),
                    in_flight < self.waiting[index].len(),
                    "a start is made exactly when it is of use"
                );
                if let Some(start) = start {
                    self.starts.push((index, self.retired[index], start));
                }
            }
            Err(Refusal::Stopping) => assert!(self.closed),
            Err(Refusal::AccountConcurrency { quota_mb }) => {
                let left_mb = account_mb - self.reserved_mb.unwrap_or(0);
                let shared = !is_reserved && shared_mb + memory_mb > left_mb && quota_mb == left_mb;
                assert!(shared || self.running_mb() + memory_mb > account_mb);
            }
            Err(Refusal::FunctionConcurrency { quota_mb }) if is_reserved => {
                assert_eq!(Some(quota_mb), self.reserved_mb);
                assert!(used_mb + memory_mb > quota_mb);
            }
            Err(Refusal::FunctionConcurrency { .. }) => assert!(running >= CONCURRENCY_MAX as usize),
            Err(Refusal::WaitingFull { .. }) => assert!(waiting >= WAITING_MAX as usize),
        }
        if is_accepted && index == PUBLISHED {
            self.demand.push((self.now, self.calls_of_version(index) as u32));
        }
    }

    fn finish(&mut self, instance: u32, alive: bool) {
        let (index, lent) = self.running.remove(&instance).expect("it runs");
        let version = Arc::clone(&self.versions[index]);
        if alive {
            let action = self.schedule.finish(&version, Returned::Alive(lent), self.now);
            self.placed(index, instance, action, true);
        } else {
            self.goes(instance);
            let action = self.schedule.finish(&version, Returned::Dead, self.now);
            assert!(action.is_none());
        }
    }

    fn started(&mut self, at: usize, claimed: bool) {
        let (index, begun_in, start) = self.starts.swap_remove(at);
        let instance = self.number();
        let version = index;
        self.instances.insert(instance, Known { version, begun_in });
        let action = self.schedule.started(start, instance, self.now);
        self.placed(index, instance, action, claimed);
    }

    fn start_failed(&mut self, at: usize) {
        let (index, _, start) = self.starts.swap_remove(at);
        match self
            .schedule
            .start_failed(start, StartError::NoRoom(String::new()), self.now)
        {
            Some(Action::Fail { to, .. }) => {
                assert!(
                    self.waiting[index].len() > self.starts_of(index),
                    "nothing else could serve it"
                );
                let (first, _) = self.waiting[index].pop_front().expect("a waiting call");
                assert_eq!(to, first);
                let version = Arc::clone(&self.versions[index]);
                assert!(self.schedule.finish(&version, Returned::Nothing, self.now).is_none());
            }
            None => assert!(self.waiting[index].len() <= self.starts_of(index)),
            other => panic!("{other:?}"),
        }
    }

    fn stop_waiting(&mut self, at: usize) {
        let waiting: Vec<_> = (0..self.waiting.len())
            .flat_map(|index| (0..self.waiting[index].len()).map(move |place| (index, place)))
            .collect();
        if let Some((index, place)) = pick(waiting.into_iter(), at) {
            let (_, ticket) = self.waiting[index].remove(place).expect("it waits");
            let version = Arc::clone(&self.versions[index]);
            self.schedule.leave(&version, ticket);
            assert!(self.schedule.finish(&version, Returned::Nothing, self.now).is_none());
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        let dead = self.dead.clone();
        let (let_go, next) = self.schedule.reap(self.now, |instance| !dead.contains(instance));
        for instance in let_go {
            let since = self.take_idle(instance);
            let index = self.instances[&instance].version;
            assert!(
                dead.contains(&instance) || since + IDLE <= self.now,
                "it was kept for its time"
            );
            self.goes(instance);
            assert!(
                dead.contains(&instance) || self.alive(index) >= self.kept_of(index),
                "what is kept ready does not grow old"
            );
        }
        let spare = (0..self.idle.len()).filter(|index| self.spare(*index) > 0);
        let due = spare.filter_map(|index| self.idle[index].first());
        let due = due.map(|(_, since)| *since + IDLE).min();
        assert_eq!(next, due, "the next look is at the right time");
        assert!(due.is_none_or(|due| due > self.now), "none was kept for longer");
    }

    /// Follows an instance to where the schedule puts it.
    fn placed(&mut self, index: usize, instance: u32, action: Option<Action<u32, u32>>, claimed: bool) {
        let version = Arc::clone(&self.versions[index]);
        match action {
            Some(Action::Give { to, lent }) => {
                assert_eq!(lent.instance, instance);
                let (first, _) = self.waiting[index].pop_front().expect("a waiting call");
                assert_eq!(to, first, "whoever waited longest is first");
                if claimed {
                    self.holds(index, lent);
                } else {
                    // The call gives up between being given an instance and taking it.
                    assert!(self.schedule.finish(&version, Returned::Nothing, self.now).is_none());
                    let action = self.schedule.unclaimed(&version, lent, self.now);
                    self.placed(index, instance, action, true);
                }
            }
            Some(Action::Drop(dropped)) => {
                assert_eq!(dropped, instance);
                let known = &self.instances[&instance];
                let is_old = known.begun_in != self.retired[index];
                let is_superseded = index == 0;
                assert!(is_old || is_superseded, "nothing is let go without a reason");
                self.goes(instance);
            }
            None | Some(Action::WatchIdle) => {
                assert!(self.waiting[index].is_empty(), "nothing is idle beside a waiting call");
                let known = &self.instances[&instance];
                assert_eq!(known.begun_in, self.retired[index], "what was retired never goes idle");
                self.idle[index].push((instance, self.now));
            }
            Some(Action::Fail { .. }) => panic!("an instance is no failure"),
        }
    }

    /// True when the schedule has just made the version's pool.
    fn is_new(&self, index: usize) -> bool {
        self.idle[index].is_empty()
            && self.waiting[index].is_empty()
            && self.starts_of(index) == 0
            && !self.running.values().any(|(version, _)| *version == index)
    }

    fn holds(&mut self, index: usize, lent: Lent<u32>) {
        let instance = lent.instance;
        assert_eq!(
            self.instances[&instance].version, index,
            "an instance serves its own revision only"
        );
        assert!(!self.gone.contains(&instance));
        let before = self.running.insert(instance, (index, lent));
        assert!(before.is_none(), "one call at a time");
    }

    fn goes(&mut self, instance: u32) {
        assert!(self.gone.insert(instance), "it goes once");
    }

    fn take_idle(&mut self, instance: u32) -> Instant {
        let index = self.instances[&instance].version;
        let at = self.idle[index]
            .iter()
            .position(|(idle, _)| *idle == instance)
            .expect("it is idle");
        self.idle[index].remove(at).1
    }

    fn expect_gone(&mut self, let_go: Vec<u32>) {
        for instance in let_go {
            self.take_idle(instance);
            self.goes(instance);
        }
        for (index, idle) in self.idle.iter().enumerate() {
            for (instance, _) in idle {
                assert_eq!(
                    self.instances[instance].begun_in, self.retired[index],
                    "the retired are gone"
                );
            }
        }
    }

    fn retire_all(&mut self, is_meant: impl Fn(&Version) -> bool) {
        for (index, version) in self.versions.iter().enumerate() {
            if is_meant(version) {
                self.retired[index] += 1;
            }
        }
    }

    fn starts_of(&self, index: usize) -> usize {
        self.starts.iter().filter(|(version, ..)| *version == index).count()
    }

    fn waiting_of(&self, version: &Version) -> usize {
        let indices = (0..self.versions.len()).filter(|index| self.versions[*index].uid == version.uid);
        indices.map(|index| self.waiting[index].len()).sum()
    }

    /// The calls of a version.
    fn calls_of_version(&self, index: usize) -> usize {
        let running = self.running.values().filter(|(version, _)| *version == index);
        running.count() + self.waiting[index].len()
    }

    /// The calls of a version that quotas count.
    fn counted(&self, index: usize) -> usize {
        self.calls_of_version(index)
            .saturating_sub(self.kept_of(index) as usize)
    }

    /// The calls of a function that quotas count.
    fn counted_of(&self, version: &Version) -> usize {
        let indices = (0..self.versions.len()).filter(|index| self.versions[*index].uid == version.uid);
        indices.map(|index| self.counted(index)).sum()
    }

    /// The memory of these versions' calls that quotas count.
    fn counted_mb(&self, is_meant: impl Fn(&Version) -> bool) -> u64 {
        let meant = (0..self.versions.len()).filter(|index| is_meant(&self.versions[*index]));
        meant
            .map(|index| self.counted(index) as u64 * u64::from(self.versions[index].memory_mb))
            .sum()
    }

    fn running_mb(&self) -> u64 {
        self.counted_mb(|_| true)
    }

    /// The memory of these versions' calls.
    fn used_mb(&self, is_meant: impl Fn(&Version) -> bool) -> u64 {
        let meant = |index: &usize| is_meant(&self.versions[*index]);
        let memory_mb = |index: usize| u64::from(self.versions[index].memory_mb);
        let running = self
            .running
            .values()
            .map(|(index, _)| *index)
            .filter(meant)
            .map(memory_mb);
        let waiting = (0..self.waiting.len()).filter(meant);
        running.sum::<u64>()
            + waiting
                .map(|index| memory_mb(index) * self.waiting[index].len() as u64)
                .sum::<u64>()
    }

    /// What holds at every moment.
    fn check(&self) {
        for (index, version) in self.versions.iter().enumerate() {
            assert!(self.counted_of(version) <= CONCURRENCY_MAX as usize + KEPT_MAX as usize);
            assert!(self.waiting_of(version) <= WAITING_MAX as usize);
            assert!(
                self.waiting[index].len() <= self.starts_of(index),
                "no waiter is forgotten"
            );
        }
        let newer_is_in_use = !self.is_new(1) || !self.idle[1].is_empty();
        assert!(
            !newer_is_in_use || self.idle[0].is_empty(),
            "nothing old is kept beside something newer"
        );
        let all_mb = self.used_mb(|_| true);
        assert!(
            all_mb <= ACCOUNT_MB + u64::from(KEPT_MAX) * 128,
            "also what no quota counts"
        );
        assert_eq!(self.schedule.quota.running_mb, self.running_mb());
        let load = self.schedule.load();
        let sum = |count: fn(&FunctionLoad) -> u32| load.iter().map(|load| count(load) as usize).sum::<usize>();
        let waiting: usize = self.waiting.iter().map(VecDeque::len).sum();
        assert_eq!(sum(|load| load.waiting), waiting);
        assert_eq!(sum(|load| load.running), self.running.len() + waiting);
        assert_eq!(sum(|load| load.idle), self.idle.iter().map(Vec::len).sum::<usize>());
        let known = self.running.len() + self.idle.iter().map(Vec::len).sum::<usize>() + self.gone.len();
        assert_eq!(
            known,
            self.instances.len(),
            "every instance is somewhere, and nowhere twice"
        );
    }

    /// Lets everything come to its end.
    fn drain(&mut self) {
        while !self.starts.is_empty() || !self.running.is_empty() {
            if self.starts.is_empty() {
                let instance = *self.running.keys().next().expect("a running call");
                self.finish(instance, true);
            } else {
                self.started(0, true);
            }
            self.check();
        }
        assert!(
            self.waiting.iter().all(VecDeque::is_empty),
            "everyone who waited was served"
        );
        self.capacity = Capacity::Fixed(0);
        self.allot();
        self.pass(IDLE);
        assert!(
            self.schedule.functions.is_empty(),
            "nothing is remembered of what is over"
        );
        assert_eq!(self.gone.len(), self.instances.len(), "scaled to zero");
    }
}

fn pick<T>(from: impl ExactSizeIterator<Item = T>, at: usize) -> Option<T> {
    let mut from = from;
    let count = from.len();
    if count == 0 { None } else { from.nth(at % count) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_life_breaks_an_invariant(events in prop::collection::vec(event(), 1..200)) {
        let mut simulation = Simulation::new();
        for event in events {
            simulation.apply(event);
            simulation.check();
        }
        simulation.drain();
    }
}
