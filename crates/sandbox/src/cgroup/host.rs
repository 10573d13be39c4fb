//! Which control groups this machine offers, and where in them the calling process stands.

use std::fs;
use std::path::{Path, PathBuf};

use super::CgroupError;

/// A controller that limits or measures functions.
pub(super) const CONTROLLERS_V1: [&str; 5] = ["memory", "cpu", "cpuacct", "pids", "freezer"];
/// The same on version 2, where freezing and CPU accounting need no controller.
pub(super) const CONTROLLERS_V2: [&str; 3] = ["memory", "cpu", "pids"];

/// The kernel's own limit where nobody set another.
const PID_MAX_DEFAULT: u64 = 32_768;

/// One tree of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hierarchy {
    /// The controllers of [`CONTROLLERS_V1`] or [`CONTROLLERS_V2`] that act in it.
    pub(super) controllers: Vec<&'static str>,
    /// Where it is mounted.
    pub(super) mount: PathBuf,
    /// The folder of the group the calling process is in.
    pub(super) own: PathBuf,
}

/// What a machine offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// A tree per controller, or per few.
    V1(Vec<Hierarchy>),
    /// One tree.
    V2(Hierarchy),
}

impl Host {
    /// Looks at this machine.
    pub(super) fn look() -> Result<Self, CgroupError> {
        let read = |path: &str| {
            fs::read_to_string(path).map_err(|source| CgroupError::SetUp {
                path: PathBuf::from(path),
                source,
            })
        };
        let controllers_of = |mount: &Path| fs::read_to_string(mount.join("cgroup.controllers")).unwrap_or_default();
        Self::find(
            &read("/proc/self/mountinfo")?,
            &read("/proc/self/cgroup")?,
            controllers_of,
        )
    }

    fn find(mountinfo: &str, own: &str, controllers_of: impl Fn(&Path) -> String) -> Result<Self, CgroupError> {
        let mounts: Vec<Mount> = mountinfo.lines().filter_map(Mount::parse).collect();
        if let Some(mount) = mounts.iter().find(|mount| mount.kind == "cgroup2") {
            let offered = controllers_of(&mount.point);
            if CONTROLLERS_V2
                .iter()
                .all(|wanted| offered.split_whitespace().any(|one| one == *wanted))
            {
                let own = mount.folder(own_path(own, None));
                return Ok(Self::V2(Hierarchy {
                    controllers: CONTROLLERS_V2.to_vec(),
                    mount: mount.point.clone(),
                    own,
                }));
            }
        }
        let mut hierarchies: Vec<Hierarchy> = Vec::new();
        let mut missing = Vec::new();
        for controller in CONTROLLERS_V1 {
            let offers = |mount: &&Mount| mount.kind == "cgroup" && mount.options.iter().any(|one| one == controller);
            let Some(mount) = mounts.iter().find(offers) else {
                missing.push(controller);
                continue;
            };
            if let Some(known) = hierarchies.iter_mut().find(|known| known.mount == mount.point) {
                known.controllers.push(controller);
                continue;
            }
            let own = mount.folder(own_path(own, Some(controller)));
            hierarchies.push(Hierarchy {
                controllers: vec![controller],
                mount: mount.point.clone(),
                own,
            });
        }
        if missing.is_empty() {
            Ok(Self::V1(hierarchies))
        } else {
            Err(CgroupError::Missing { controllers: missing })
        }
    }
}

/// Processes and threads that all cells together may be: half of what there can be, so that however many of them fork
/// without end, the host and the server can still make some. `base` is the group they count towards, below `mount`.
pub(super) fn processes_of_all_cells(base: &Path, mount: &Path) -> u64 {
    let number = |path: PathBuf| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let kernel = ["pid_max", "threads-max"].map(|name| Path::new("/proc/sys/kernel").join(name));
    let groups = base
        .ancestors()
        .take_while(|group| group.starts_with(mount))
        .map(|group| group.join("pids.max"));
    // "max" is no number and no limit.
    let least = kernel.into_iter().chain(groups).filter_map(number).min();
    least.unwrap_or(PID_MAX_DEFAULT) / 2
}

/// One line of `/proc/self/mountinfo`.
struct Mount {
    root: PathBuf,
    point: PathBuf,
    kind: String,
    options: Vec<String>,
}

impl Mount {
    fn parse(line: &str) -> Option<Self> {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let mut after = after.split(' ');
        Some(Self {
            root: PathBuf::from(unescape(before.next()?)),
            point: PathBuf::from(unescape(before.next()?)),
            kind: after.next()?.to_owned(),
            options: after.nth(1)?.split(',').map(str::to_owned).collect(),
        })
    }

    /// The folder of the group at `path`. Inside a container the mount shows a part of the tree only; a group
    /// outside of that part has no folder, and then the part's top is the nearest.
    fn folder(&self, path: &str) -> PathBuf {
        let inside = Path::new(path).strip_prefix(&self.root).unwrap_or(Path::new(""));
        if inside.components().any(|part| part.as_os_str() == "..") {
            self.point.clone()
        } else {
            join(&self.point, inside)
        }
    }
}

/// `Path::join` without the slash at the end that joining nothing leaves.
fn join(point: &Path, inside: &Path) -> PathBuf {
    if inside.as_os_str().is_empty() {
        point.to_owned()
    } else {
        point.join(inside)
    }
}

/// The path in `/proc/self/cgroup` for a controller of version 1, or for version 2.
fn own_path<'a>(own: &'a str, controller: Option<&str>) -> &'a str {
    let found = own.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        let named = match controller {
            Some(controller) => controllers.split(',').any(|one| one == controller),
            None => controllers.is_empty(),
        };
        named.then_some(path)
    });
    found.unwrap_or("/")
}

/// Blanks, tabs, newlines and backslashes are written in octal there.
fn unescape(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (code, character)| text.replace(code, character))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Host, Mount};
    use crate::cgroup::CgroupError;

    fn find(mountinfo: &str, own: &str, v2: &str) -> Result<Host, CgroupError> {
        Host::find(mountinfo, own, |_| v2.to_owned())
    }

    #[test]
    fn version_2_is_taken_where_it_has_the_controllers() {
        let mounts = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        let host = find(mounts, "0::/system.slice/skiff.service\n", "cpuset cpu io memory pids").expect("offered");
        let Host::V2(hierarchy) = host else {
            panic!("not version 2: {host:?}")
        };
        assert_eq!(hierarchy.own, Path::new("/sys/fs/cgroup/system.slice/skiff.service"));
        assert_eq!(hierarchy.mount, Path::new("/sys/fs/cgroup"));
    }

    #[test]
    fn controllers_of_version_1_mounted_together_are_one_tree() {
        let mounts = "\
            31 24 0:27 / /sys/fs/cgroup/unified rw - cgroup2 none rw\n\
            32 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
            33 24 0:29 /box/1 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
            34 24 0:30 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n\
            35 24 0:31 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n";
        let own = "4:memory:/box/1/inner\n3:cpu,cpuacct:/work\n2:pids:/../out\n1:freezer:/\n0::/\n";
        let Host::V1(hierarchies) = find(mounts, own, "").expect("offered") else {
            panic!("not version 1")
        };
        let folders: Vec<_> = hierarchies
            .iter()
            .map(|one| (one.own.to_str().unwrap(), one.controllers.len()))
            .collect();
        assert_eq!(
            folders,
            [
                ("/sys/fs/cgroup/memory/inner", 1),
                ("/sys/fs/cgroup/cpu,cpuacct/work", 2),
                ("/sys/fs/cgroup/pids", 1),
                ("/sys/fs/cgroup/freezer", 1),
            ]
        );
    }

    #[test]
    fn missing_controllers_are_all_named() {
        let mounts = "33 24 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
        let error = find(mounts, "", "memory").expect_err("incomplete");
        assert!(
            matches!(&error, CgroupError::Missing { controllers } if controllers == &["cpu", "cpuacct", "pids", "freezer"])
        );
    }

    #[test]
    fn mount_points_may_have_blanks() {
        let mount = Mount::parse(r"1 2 0:1 / /a\040b rw - cgroup2 none rw").expect("a mount");
        assert_eq!(mount.point, Path::new("/a b"));
    }
}
