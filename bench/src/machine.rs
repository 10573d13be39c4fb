//! The machine the figures are of, and what else it is doing.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde::Serialize;

/// How long to look before saying what share of the processors is in use.
const LOOK: Duration = Duration::from_secs(1);
/// A machine that uses more than this while nothing is measured is not quiet.
const QUIET_BUSY_PERCENT: f64 = 10.0;
/// Time the hypervisor gave to others, in percent: invisible here, and in every figure.
const QUIET_STOLEN_PERCENT: f64 = 2.0;

/// What a figure must be read with.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_mb: u64,
    pub(crate) kernel: String,
    pub(crate) distribution: String,
    /// 1 or 2.
    pub(crate) cgroup_version: u8,
}

impl Machine {
    pub(crate) fn look() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str, separator: char| {
            text.lines()
                .find(|line| line.starts_with(name))
                .and_then(|line| line.split_once(separator))
                .map_or_else(String::new, |(_, value)| value.trim().trim_matches('"').to_owned())
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal", ':');
        let unified = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        Self {
            cpu: field(&read("/proc/cpuinfo"), "model name", ':'),
            cores: cores(),
            memory_mb: memory
                .split(' ')
                .next()
                .and_then(|text| text.parse().ok())
                .unwrap_or(0_u64)
                / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            distribution: field(&read("/etc/os-release"), "PRETTY_NAME", '='),
            cgroup_version: if unified { 2 } else { 1 },
        }
    }

    /// One line.
    pub(crate) fn text(&self) -> String {
        format!(
            "{} cores of {}, {} MB, Linux {}, {}, cgroup v{}",
            self.cores, self.cpu, self.memory_mb, self.kernel, self.distribution, self.cgroup_version
        )
    }
}

/// Processors this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// What the machine was doing while it should have done nothing.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Load {
    /// The kernel's average over a minute: a build that has just ended is still in it.
    pub(crate) average_1min: f64,
    /// Share of all processors in use over the last second.
    pub(crate) busy_percent: f64,
    /// Share taken by the hypervisor.
    pub(crate) stolen_percent: f64,
}

impl Load {
    /// Watches the machine for a second.
    pub(crate) fn look() -> Self {
        let before = Ticks::now();
        thread::sleep(LOOK);
        let (busy_percent, stolen_percent) = Ticks::now().since(before);
        let average = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            average_1min: average
                .split(' ')
                .next()
                .and_then(|text| text.parse().ok())
                .unwrap_or(f64::NAN),
            busy_percent,
            stolen_percent,
        }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.busy_percent <= QUIET_BUSY_PERCENT && self.stolen_percent <= QUIET_STOLEN_PERCENT
    }

    /// One line.
    pub(crate) fn text(&self) -> String {
        format!(
            "processors {:.0}% busy, {:.0}% stolen; load average {:.1}",
            self.busy_percent, self.stolen_percent, self.average_1min
        )
    }
}

/// The first line of `/proc/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Ticks {
    total: u64,
    idle: u64,
    stolen: u64,
}

impl Ticks {
    fn now() -> Self {
        Self::parse(&fs::read_to_string("/proc/stat").unwrap_or_default())
    }

    fn parse(text: &str) -> Self {
        let line = text.lines().next().unwrap_or_default();
        // user nice system idle iowait irq softirq steal; guest time is in user's already.
        let fields: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .take(8)
            .filter_map(|field| field.parse().ok())
            .collect();
        let at = |index: usize| fields.get(index).copied().unwrap_or(0);
        Self {
            total: fields.iter().sum(),
            idle: at(3) + at(4),
            stolen: at(7),
        }
    }

    /// Percent busy and percent stolen since then.
    fn since(self, before: Self) -> (f64, f64) {
        let total = self.total.saturating_sub(before.total).max(1) as f64;
        let stolen = self.stolen.saturating_sub(before.stolen) as f64;
        let idle = self.idle.saturating_sub(before.idle) as f64;
        ((total - idle - stolen) / total * 100.0, stolen / total * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_a_disk_is_not_busy_and_stolen_time_is_counted_apart() {
        let before = Ticks::parse("cpu  100 0 50 800 40 0 10 0 7 0\ncpu0 1 2 3\n");
        let after = Ticks::parse("cpu  120 0 60 850 50 0 10 10 9 0\n");
        assert_eq!(after.since(before), (30.0, 10.0));
        assert_eq!(Ticks::parse(""), Ticks::default());
    }
}
