//! Memory of the machine and of a tree of processes, as the kernel accounts for it.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// What a tree of processes holds.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Footprint {
    /// Proportional set size of all: shared pages are divided among those who share them.
    pub(crate) pss_mb: f64,
    /// Of that, the process at the root of the tree.
    pub(crate) root_pss_mb: f64,
    /// Memory of the kernel charged to the control groups of all but the root, where it is told.
    pub(crate) kernel_mb: Option<f64>,
}

/// `MemAvailable` of the machine.
pub(crate) fn available_mb() -> Result<f64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    kilobytes(&text, "MemAvailable:").context("no MemAvailable in /proc/meminfo")
}

impl Footprint {
    /// Of a process and everything below it.
    pub(crate) fn of_tree(root: u32) -> Result<Self> {
        let mut footprint = Self {
            root_pss_mb: pss_mb(root).context("read the server's memory")?,
            ..Self::default()
        };
        let mut groups = BTreeSet::new();
        for process in descendants(root, &parents()?) {
            // It may have ended since.
            footprint.pss_mb += pss_mb(process).unwrap_or(0.0);
            groups.extend(memory_group(process));
        }
        footprint.pss_mb += footprint.root_pss_mb;
        let kernel: Vec<f64> = outermost(&groups).filter_map(|group| kernel_mb(group)).collect();
        footprint.kernel_mb = (!kernel.is_empty()).then(|| kernel.iter().sum());
        Ok(footprint)
    }
}

/// Every process and its parent.
fn parents() -> Result<HashMap<u32, u32>> {
    let mut parents = HashMap::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        parents.extend(parent(&stat).map(|parent| (process, parent)));
    }
    Ok(parents)
}

/// The fourth field of `/proc/PID/stat`; the second, a name in brackets, may hold anything.
fn parent(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// Everything below a process, not itself.
fn descendants(root: u32, parents: &HashMap<u32, u32>) -> Vec<u32> {
    let mut found = Vec::new();
    let mut wanted = vec![root];
    while let Some(parent) = wanted.pop() {
        let children = parents.iter().filter(|(_, of)| **of == parent).map(|(child, _)| *child);
        let children: Vec<u32> = children.collect();
        wanted.extend(&children);
        found.extend(children);
    }
    found
}

fn pss_mb(process: u32) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    kilobytes(&text, "Pss:")
}

fn kilobytes(text: &str, field: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(field))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}

/// The folder of a process's group of the memory controller, in either version.
fn memory_group(process: u32) -> Option<PathBuf> {
    let text = fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?;
    let (hierarchy, path) = group_of(&text)?;
    Some(Path::new("/sys/fs/cgroup").join(hierarchy).join(path))
}

/// Those that are not within another: what is charged to a group is charged to all it is in.
fn outermost(groups: &BTreeSet<PathBuf>) -> impl Iterator<Item = &PathBuf> {
    let is_within = |group: &Path| group.ancestors().skip(1).any(|above| groups.contains(above));
    groups.iter().filter(move |group| !is_within(group))
}

fn group_of(text: &str) -> Option<(&'static str, &str)> {
    let v1 = text.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        controllers
            .split(',')
            .any(|name| name == "memory")
            .then(|| ("memory", path.trim_start_matches('/')))
    });
    let v2 = || {
        let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
        Some(("", path.trim_start_matches('/')))
    };
    v1.or_else(v2)
}

fn kernel_mb(group: &Path) -> Option<f64> {
    let v1 = || {
        fs::read_to_string(group.join("memory.kmem.usage_in_bytes"))
            .ok()?
            .trim()
            .parse()
            .ok()
    };
    let v2 = || {
        let text = fs::read_to_string(group.join("memory.stat")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("kernel "))?.parse().ok()
    };
    let bytes: f64 = v1().or_else(v2)?;
    Some(bytes / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_everything_below_its_root() {
        let parents = HashMap::from([(2, 1), (3, 2), (4, 2), (5, 4), (6, 1)]);
        let mut found = descendants(2, &parents);
        found.sort_unstable();
        assert_eq!(found, [3, 4, 5]);
    }

    #[test]
    fn a_name_with_brackets_hides_no_parent() {
        assert_eq!(parent("12 (a) b)) S 7 1 1"), Some(7));
        assert_eq!(parent(""), None);
    }

    #[test]
    fn the_memory_group_is_found_in_either_version() {
        for (text, group) in [
            (
                "5:cpu,cpuacct:/x\n4:memory:/skiff/7\n0::/\n",
                Some(("memory", "skiff/7")),
            ),
            ("0::/skiff/7\n", Some(("", "skiff/7"))),
            ("1:name=systemd:/\n", None),
        ] {
            assert_eq!(group_of(text), group);
        }
    }

    #[test]
    fn what_is_charged_to_a_group_within_another_is_counted_once() {
        let groups = ["/m/a", "/m/a/skiff/7", "/m/a/skiff/8", "/m/ab/9"].map(PathBuf::from);
        let groups = BTreeSet::from(groups);
        let counted: Vec<_> = outermost(&groups).filter_map(|group| group.to_str()).collect();
        assert_eq!(counted, ["/m/a", "/m/ab/9"]);
    }

    #[test]
    fn kilobytes_are_read_by_their_name() {
        assert_eq!(kilobytes("Rss: 1 kB\nPss:  2000 kB\n", "Pss:"), Some(2.048));
        assert_eq!(kilobytes("", "Pss:"), None);
    }
}
