//! What the model knows of who holds what, and what of that holds at every moment.

use super::*;

impl Simulation {
    /// Instances of a version that are idle or in calls' hands and in service.
    pub(super) fn alive(&self, index: usize) -> u32 {
        let busy = self.busy();
        let in_service = busy.keys().filter(|instance| !self.out.contains(instance));
        let busy = in_service.filter(|instance| self.instances[instance].version == index);
        (busy.count() + self.idle[index].len()) as u32
    }

    /// How many calls there are on each instance that has any.
    pub(super) fn busy(&self) -> BTreeMap<u32, u32> {
        let mut busy = BTreeMap::new();
        for (_, lent) in &self.running {
            *busy.entry(*lent.instance).or_default() += 1;
        }
        busy
    }

    /// How many calls an instance of a version takes at once.
    pub(super) fn concurrency(&self, index: usize) -> u32 {
        self.versions[index].concurrency.get()
    }

    /// The fullest of a version's instances that take one more call: how many they have.
    pub(super) fn fullest(&self, index: usize) -> Option<u32> {
        let is_open = |instance: &u32| !self.out.contains(instance) && !self.dead.contains(instance);
        let busy = self.busy().into_iter().filter(|(instance, calls)| {
            self.instances[instance].version == index && is_open(instance) && *calls < self.concurrency(index)
        });
        busy.map(|(_, calls)| calls).max()
    }

    /// How many instances of a version there are beyond those that are kept ready.
    pub(super) fn spare(&self, index: usize) -> u32 {
        self.alive(index).saturating_sub(self.kept_of(index))
    }

    pub(super) fn kept_of(&self, index: usize) -> u32 {
        if index == PUBLISHED { self.kept } else { 0 }
    }

    pub(super) fn starts_of(&self, index: usize) -> usize {
        self.starts.iter().filter(|(version, ..)| *version == index).count()
    }

    pub(super) fn waiting_of(&self, version: &Version) -> usize {
        let indices = (0..self.versions.len()).filter(|index| self.versions[*index].uid == version.uid);
        indices.map(|index| self.waiting[index].len()).sum()
    }

    /// Whether the starts in flight of a version can serve everyone who waits, and so many more.
    pub(super) fn are_served(&self, index: usize, more: usize) -> bool {
        self.waiting[index].len() + more <= self.starts_of(index) * self.concurrency(index) as usize
    }

    /// The instances that the calls of a version take at least, and so many more.
    pub(super) fn needed_for(&self, index: usize, more: usize) -> usize {
        let running = self.running.iter().filter(|(version, _)| *version == index);
        let calls = running.count() + self.waiting[index].len() + more;
        calls.div_ceil(self.concurrency(index) as usize)
    }

    /// The instances of a version that quotas count.
    pub(super) fn counted(&self, index: usize) -> usize {
        self.needed_for(index, 0).saturating_sub(self.kept_of(index) as usize)
    }

    /// The instances of a function that quotas count.
    pub(super) fn counted_of(&self, version: &Version) -> usize {
        let indices = (0..self.versions.len()).filter(|index| self.versions[*index].uid == version.uid);
        indices.map(|index| self.counted(index)).sum()
    }

    /// The memory of these versions' instances that quotas count.
    pub(super) fn counted_mb(&self, is_meant: impl Fn(&Version) -> bool) -> u64 {
        let meant = (0..self.versions.len()).filter(|index| is_meant(&self.versions[*index]));
        meant
            .map(|index| self.counted(index) as u64 * u64::from(self.versions[index].memory_mb))
            .sum()
    }

    pub(super) fn running_mb(&self) -> u64 {
        self.counted_mb(|_| true)
    }

    /// The memory of the instances that these versions' calls take.
    pub(super) fn used_mb(&self, is_meant: impl Fn(&Version) -> bool) -> u64 {
        let meant = (0..self.versions.len()).filter(|index| is_meant(&self.versions[*index]));
        meant
            .map(|index| self.needed_for(index, 0) as u64 * u64::from(self.versions[index].memory_mb))
            .sum()
    }

    /// What holds at every moment.
    pub(super) fn check(&self) {
        for (index, version) in self.versions.iter().enumerate() {
            assert!(self.counted_of(version) <= CONCURRENCY_MAX as usize + KEPT_MAX as usize);
            assert!(self.waiting_of(version) <= WAITING_MAX as usize);
            assert!(self.are_served(index, 0), "no waiter is forgotten");
            let has_room = self.fullest(index).is_some();
            assert!(self.waiting[index].is_empty() || !has_room, "nobody waits beside room");
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
        let busy = self.busy();
        assert_eq!(sum(|load| load.busy), busy.len());
        for (instance, known) in &self.instances {
            let calls = busy.get(instance).copied().unwrap_or(0);
            assert!(
                calls <= self.concurrency(known.version),
                "an instance has as many calls as it may"
            );
            let is_idle = self.idle[known.version].iter().any(|(idle, _)| idle == instance);
            let is_kept = is_idle || (calls > 0 && self.is_shared(known.version) && !self.out.contains(instance));
            assert!(!is_idle || calls == 0, "an instance is nowhere twice");
            let handles = known.handles.strong_count();
            assert_eq!(
                handles,
                calls as usize + usize::from(is_kept),
                "who has no use for it has no handle"
            );
        }
    }
}
