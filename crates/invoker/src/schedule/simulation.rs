//! Random lives of a few functions, checked after every step against a model that knows who holds what.

mod model;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::{Rc, Weak};
use std::time::Duration;

use proptest::prelude::*;
use skiff_domain::{Allotment, Capacity, InstanceConcurrency, Provisioned, Revision, Tracking, Utilization};

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
    /// An instance dies, idle or busy. Its handles tell.
    Die(usize),
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
        3 => any::<usize>().prop_map(Event::Die),
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

/// A handle at an instance: its number.
type Handle = Rc<u32>;

/// What the model knows of an instance.
#[derive(Debug)]
struct Known {
    version: usize,
    /// How often its function had been retired when it was begun.
    begun_in: u32,
    /// Whether there are handles at it: it lives as long as there are.
    handles: Weak<u32>,
}

/// The schedule, and beside it who holds what.
struct Simulation {
    schedule: Schedule<Handle, u32>,
    now: Instant,
    versions: Vec<Arc<Version>>,
    next: u32,
    /// Starts in flight, with the version and how often it had been retired.
    starts: Vec<(usize, u32, Start)>,
    /// Calls in the order they came, by version.
    waiting: Vec<VecDeque<(u32, Ticket)>>,
    /// Calls with the instances they have, or have a part of, by version.
    running: Vec<(usize, Lent<Handle>)>,
    /// Instances with nothing to do, by version, the most recently used last.
    idle: Vec<Vec<(u32, Instant)>>,
    instances: BTreeMap<u32, Known>,
    dead: BTreeSet<u32>,
    /// Shared instances that are busy and get no further event.
    out: BTreeSet<u32>,
    retired: Vec<u32>,
    closed: bool,
    /// What is set apart for the first function, in MB.
    reserved_mb: Option<u64>,
    /// What is to be kept ready of the published version.
    capacity: Capacity,
    /// How many instances that are now.
    kept: u32,
    /// When calls of it took how many instances, since the capacity was set.
    demand: Vec<(Instant, u32)>,
}

/// Most instances that are kept ready: so many calls that no quota counted count once they are not any more.
const KEPT_MAX: u32 = 3;
/// The published version's place among the versions.
const PUBLISHED: usize = 4;

impl Simulation {
    fn new(concurrency: &[u32]) -> Self {
        let mut newer = version("aa");
        newer.revision = Revision(2);
        let mut large = version("cc");
        large.memory_mb = 512;
        let mut published = version("aa");
        published.label = "1".parse().expect("a version's number");
        let mut versions = [version("aa"), newer, version("bb"), large, published];
        for (version, concurrency) in versions.iter_mut().zip(concurrency) {
            version.concurrency = InstanceConcurrency::new(*concurrency).expect("legal");
        }
        let versions: Vec<_> = versions.map(Arc::new).into();
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
            running: Vec::new(),
            idle: versions.iter().map(|_| Vec::new()).collect(),
            instances: BTreeMap::new(),
            dead: BTreeSet::new(),
            out: BTreeSet::new(),
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
                if let Some(at) = pick(0..self.running.len(), at) {
                    self.finish(at, alive);
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
            Event::Die(at) => {
                let living = self
                    .instances
                    .iter()
                    .filter(|(_, known)| known.handles.strong_count() > 0);
                let living: Vec<_> = living.map(|(instance, _)| *instance).collect();
                self.dead.extend(pick(living.into_iter(), at));
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
                    let since = self.take_idle(*instance);
                    assert_eq!(Some(since), longest, "it was idle longest");
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
        let due = self
            .schedule
            .provision(self.now, |instance| !dead.contains(&**instance));
        self.look_at_kept();
        if let Capacity::Tracking(tracking) = self.capacity {
            let minute = Duration::from_secs(60);
            let lately = self.demand.iter().filter(|(at, _)| *at + minute > self.now);
            let most = lately.map(|(_, needed)| *needed).max().unwrap_or(0);
            assert!(
                self.kept >= tracking.wanted(most),
                "no demand of the last minute is missed"
            );
        }
        for instance in due.let_go {
            assert!(dead.contains(&*instance), "what is kept ready is not let go");
            self.take_idle(*instance);
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

    fn arrive(&mut self, index: usize) {
        let version = Arc::clone(&self.versions[index]);
        let call = self.number();
        let needs_another = self.needed_for(index, 1) > self.needed_for(index, 0);
        let is_covered = self.needed_for(index, 0) < self.kept_of(index) as usize;
        let fullest = self.fullest(index);
        let before = self.busy();
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
            .arrive(&version, |instance| !dead.contains(&**instance), || (call, ()));
        let is_within = memory_mb <= left_mb && (is_reserved || running < CONCURRENCY_MAX as usize);
        let is_within = is_within || (is_covered && is_within_own) || !needs_another;
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
            let known = &self.instances[&*instance];
            assert!(dead.contains(&*instance) || newer_came(&self.versions[known.version]));
            self.let_go(*instance);
        }
        if let Err(Refusal::AccountConcurrency { .. } | Refusal::FunctionConcurrency { .. }) = arrival {
            assert!(needs_another, "what other calls take already is counted once");
        }
        let is_accepted = arrival.is_ok();
        match arrival {
            Ok(Arrival::Run(lent)) => {
                match fullest {
                    Some(calls) => assert_eq!(before.get(&*lent.instance), Some(&calls), "the fullest with room"),
                    None => {
                        let (top, _) = self.idle[index].pop().expect("an idle instance");
                        assert_eq!(*lent.instance, top, "the most recently used one");
                    }
                }
                self.holds(index, lent);
            }
            Ok(Arrival::Wait { ticket, start, .. }) => {
                assert!(self.idle[index].is_empty(), "nobody waits beside an idle instance");
                assert!(fullest.is_none(), "nobody waits beside an instance with room");
                let were_served = self.are_served(index, 1);
                self.waiting[index].push_back((call, ticket));
                assert_eq!(
                    start.is_none(),
                    were_served,
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
            self.demand.push((self.now, self.needed_for(index, 0) as u32));
        }
    }

    fn finish(&mut self, at: usize, alive: bool) {
        let (index, lent) = self.running.swap_remove(at);
        let instance = *lent.instance;
        let version = Arc::clone(&self.versions[index]);
        if alive && !self.dead.contains(&instance) {
            let action = self.schedule.finish(&version, lent.give_back(), self.now);
            self.placed(index, instance, action, true);
            return;
        }
        let is_first_to_tell = self.is_shared(index) && !self.out.contains(&instance);
        let action = self.schedule.finish(&version, lent.bury(), self.now);
        match action {
            Some(Action::Drop(dropped)) => {
                assert!(is_first_to_tell, "it was in service");
                assert_eq!(*dropped, instance);
                self.closes(instance);
            }
            None => assert!(!is_first_to_tell, "what died goes out of service"),
            other => panic!("{other:?}"),
        }
    }

    fn started(&mut self, at: usize, claimed: bool) {
        let (index, begun_in, start) = self.starts.swap_remove(at);
        let instance = self.number();
        let handle = Rc::new(instance);
        let known = Known {
            version: index,
            begun_in,
            handles: Rc::downgrade(&handle),
        };
        self.instances.insert(instance, known);
        let waiting = self.waiting[index].len();
        let mut actions = self.schedule.started(start, handle, self.now);
        let served = actions.iter().filter(|action| matches!(action, Action::Give { .. }));
        let served = served.count();
        assert_eq!(
            served,
            waiting.min(self.concurrency(index) as usize),
            "it serves as many as it can"
        );
        if served == 0 {
            assert!(actions.len() <= 1);
            self.placed(index, instance, actions.pop(), claimed);
            return;
        }
        // All are given theirs before anybody comes to take it.
        let rest = actions.split_off(served);
        let given = actions.into_iter().map(|action| self.given(index, instance, action));
        let mut given: Vec<_> = given.collect();
        let first = given.remove(0);
        given.into_iter().for_each(|lent| self.holds(index, lent));
        for action in rest {
            let Action::Drop(dropped) = action else {
                panic!("{action:?}");
            };
            assert_eq!(*dropped, instance);
            assert_ne!(begun_in, self.retired[index], "nothing is let go without a reason");
            self.closes(instance);
        }
        self.takes(index, first, claimed);
    }

    fn start_failed(&mut self, at: usize) {
        let (index, _, start) = self.starts.swap_remove(at);
        let version = Arc::clone(&self.versions[index]);
        let error = StartError::NoRoom(String::new());
        for action in self.schedule.start_failed(start, &error, self.now) {
            let Action::Fail { to, .. } = action else {
                panic!("{action:?}");
            };
            assert!(!self.are_served(index, 0), "nothing else could serve it");
            let (first, _) = self.waiting[index].pop_front().expect("a waiting call");
            assert_eq!(to, first);
            assert!(self.schedule.finish(&version, Returned::Nothing, self.now).is_none());
        }
        assert!(self.are_served(index, 0));
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
        let (let_go, next) = self.schedule.reap(self.now, |instance| !dead.contains(&**instance));
        for instance in let_go.into_iter().map(|instance| *instance) {
            let since = self.take_idle(instance);
            let index = self.instances[&instance].version;
            assert!(
                dead.contains(&instance) || since + IDLE <= self.now,
                "it was kept for its time"
            );
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

    /// Follows an instance to where the schedule puts it when a call is done with it.
    fn placed(&mut self, index: usize, instance: u32, action: Option<Action<Handle, u32>>, claimed: bool) {
        match action {
            Some(action @ Action::Give { .. }) => {
                let lent = self.given(index, instance, action);
                self.takes(index, lent, claimed);
            }
            Some(Action::Drop(dropped)) => {
                assert_eq!(*dropped, instance);
                let known = &self.instances[&instance];
                let is_old = known.begun_in != self.retired[index];
                let is_superseded = index == 0;
                assert!(is_old || is_superseded, "nothing is let go without a reason");
            }
            // Others are still on it, or the last of those that were left on it is gone.
            None if self.busy().contains_key(&instance) || self.out.contains(&instance) => {}
            None | Some(Action::WatchIdle) => {
                assert!(!self.busy().contains_key(&instance));
                assert!(self.waiting[index].is_empty(), "nothing is idle beside a waiting call");
                let known = &self.instances[&instance];
                assert_eq!(known.begun_in, self.retired[index], "what was retired never goes idle");
                self.idle[index].push((instance, self.now));
            }
            Some(Action::Fail { .. }) => panic!("an instance is no failure"),
        }
    }

    /// An instance is on its way to a waiting call.
    fn given(&mut self, index: usize, instance: u32, action: Action<Handle, u32>) -> Lent<Handle> {
        let Action::Give { to, lent } = action else {
            panic!("{action:?}");
        };
        assert_eq!(*lent.instance, instance);
        let (first, _) = self.waiting[index].pop_front().expect("a waiting call");
        assert_eq!(to, first, "whoever waited longest is first");
        lent
    }

    /// A call takes what it is given, or gives up between being given an instance and taking it.
    fn takes(&mut self, index: usize, lent: Lent<Handle>, claimed: bool) {
        if claimed {
            self.holds(index, lent);
            return;
        }
        let instance = *lent.instance;
        let version = Arc::clone(&self.versions[index]);
        assert!(self.schedule.finish(&version, Returned::Nothing, self.now).is_none());
        let action = self.schedule.unclaimed(&version, lent.give_back(), self.now);
        self.placed(index, instance, action, true);
    }

    /// True when the schedule has just made the version's pool.
    fn is_new(&self, index: usize) -> bool {
        self.idle[index].is_empty()
            && self.waiting[index].is_empty()
            && self.starts_of(index) == 0
            && !self.running.iter().any(|(version, _)| *version == index)
    }

    fn holds(&mut self, index: usize, lent: Lent<Handle>) {
        let known = &self.instances[&*lent.instance];
        assert_eq!(known.version, index, "an instance serves its own revision only");
        self.running.push((index, lent));
    }

    fn is_shared(&self, index: usize) -> bool {
        self.versions[index].concurrency.is_shared()
    }

    /// A busy instance gets no further event.
    fn closes(&mut self, instance: u32) {
        assert!(self.out.insert(instance), "it goes out of service once");
    }

    /// The schedule lets an instance go: an idle one, or its own handle at one that is shared and busy.
    fn let_go(&mut self, instance: u32) {
        if self.busy().contains_key(&instance) {
            assert!(self.is_shared(self.instances[&instance].version));
            self.closes(instance);
        } else {
            self.take_idle(instance);
        }
    }

    fn take_idle(&mut self, instance: u32) -> Instant {
        let index = self.instances[&instance].version;
        let at = self.idle[index]
            .iter()
            .position(|(idle, _)| *idle == instance)
            .expect("it is idle");
        self.idle[index].remove(at).1
    }

    fn expect_gone(&mut self, let_go: Vec<Handle>) {
        for instance in let_go {
            self.let_go(*instance);
        }
        for instance in self.busy().keys().filter(|instance| !self.out.contains(instance)) {
            let Known { version, begun_in, .. } = &self.instances[instance];
            let is_retired = *begun_in != self.retired[*version];
            assert!(
                !self.is_shared(*version) || !is_retired,
                "the retired get no further event"
            );
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

    /// Lets everything come to its end.
    fn drain(&mut self) {
        while !self.starts.is_empty() || !self.running.is_empty() {
            if self.starts.is_empty() {
                self.finish(0, true);
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
        let living = self.instances.values().filter(|known| known.handles.strong_count() > 0);
        assert_eq!(living.count(), 0, "scaled to zero");
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
    fn no_life_breaks_an_invariant(
        concurrency in prop::array::uniform5(prop_oneof![Just(1), 1..5_u32]),
        events in prop::collection::vec(event(), 1..200),
    ) {
        let mut simulation = Simulation::new(&concurrency);
        for event in events {
            simulation.apply(event);
            simulation.check();
        }
        simulation.drain();
    }
}
