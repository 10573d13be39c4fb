//! Instances that run several events at once: who is on which, and where there is room for one more.

use skiff_domain::InstanceConcurrency;

/// Names a shared instance for as long as events run on it. Unique for the life of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number(pub(super) u64);

/// The shared instances of a pool that run something.
#[derive(Debug)]
pub(super) struct Shared<I> {
    concurrency: InstanceConcurrency,
    /// Few enough to be searched: a call ends far less often than a search through all of them takes.
    busy: Vec<Busy<I>>,
}

#[derive(Debug)]
struct Busy<I> {
    number: Number,
    /// The schedule's own handle. None once the instance is out of service: it takes no further event.
    instance: Option<I>,
    /// Calls that hold a handle, or to which one is on its way. Never 0.
    events: u32,
}

/// What is left of an instance when one of its events is over.
pub(super) enum Left<I> {
    /// Other events.
    Others,
    /// Nothing: it is idle.
    Idle(I),
    /// Nothing, and it was out of service already.
    Nothing,
}

impl<I: Clone> Shared<I> {
    pub(super) fn new(concurrency: InstanceConcurrency) -> Self {
        Self {
            concurrency,
            busy: Vec::new(),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.busy.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.busy.is_empty()
    }

    /// How many of them are in service.
    pub(super) fn in_service(&self) -> usize {
        self.busy.iter().filter(|busy| busy.instance.is_some()).count()
    }

    /// A handle at the fullest instance that takes one more: so the others become idle, and can grow old and go.
    pub(super) fn take(&mut self, usable: impl Fn(&I) -> bool, let_go: &mut Vec<I>) -> Option<(Number, I)> {
        loop {
            let most = self.concurrency.get();
            let in_service = self.busy.iter_mut().filter(|busy| busy.instance.is_some());
            let roomy = in_service.filter(|busy| busy.events < most);
            let fullest = roomy.max_by_key(|busy| busy.events)?;
            match &fullest.instance {
                Some(instance) if usable(instance) => {
                    fullest.events += 1;
                    return Some((fullest.number, instance.clone()));
                }
                _ => let_go.extend(fullest.instance.take()),
            }
        }
    }

    /// Takes in an instance that runs so many events; out of service without a handle.
    pub(super) fn add(&mut self, number: Number, instance: Option<I>, events: u32) {
        self.busy.push(Busy {
            number,
            instance,
            events,
        });
    }

    /// Another handle at an instance one of whose events is over, for the event that follows it.
    pub(super) fn hand_on(&self, number: Number) -> Option<I> {
        let busy = self.busy.iter().find(|busy| busy.number == number);
        busy.and_then(|busy| busy.instance.clone())
    }

    /// An event is over that nothing follows.
    pub(super) fn leave(&mut self, number: Number) -> Left<I> {
        let Some(at) = self.busy.iter().position(|busy| busy.number == number) else {
            // Not reachable: an instance stays while it has events.
            return Left::Nothing;
        };
        self.busy[at].events -= 1;
        if self.busy[at].events > 0 {
            return Left::Others;
        }
        self.busy.swap_remove(at).instance.map_or(Left::Nothing, Left::Idle)
    }

    /// Takes an instance out of service. Those of its events that run go on.
    pub(super) fn close(&mut self, number: Number) -> Option<I> {
        let mut busy = self.busy.iter_mut();
        busy.find(|busy| busy.number == number)
            .and_then(|busy| busy.instance.take())
    }

    /// Takes all instances out of service.
    pub(super) fn close_all(&mut self, let_go: &mut Vec<I>) {
        let_go.extend(self.busy.iter_mut().filter_map(|busy| busy.instance.take()));
    }
}
