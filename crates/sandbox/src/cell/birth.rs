//! The walls, in the order they are put up. Each function is one step; `enter` runs them all.

use super::abi::{Order, Step, fd};
use super::raw::{self, CStr, Errno};

/// A step that failed, and how.
pub type Failure = (Step, Errno);

const CLONE_NEWNS: usize = 0x0002_0000;
const CLONE_NEWCGROUP: usize = 0x0200_0000;
const CLONE_NEWUTS: usize = 0x0400_0000;
const CLONE_NEWIPC: usize = 0x0800_0000;
const CLONE_NEWNET: usize = 0x4000_0000;

const MS_RDONLY: usize = 1;
const MS_NOSUID: usize = 2;
const MS_NODEV: usize = 4;
const MS_NOEXEC: usize = 8;
const MS_BIND: usize = 4096;

const O_RDWR: i32 = 2;
const O_WRONLY: i32 = 1;
const O_CLOEXEC: i32 = 0o2_000_000;

/// Files of `/proc` that tell about the machine or other users; container engines hide the same.
const MASKED_FILES: [CStr<'static>; 13] = [
    c"/proc/kcore",
    c"/proc/keys",
    c"/proc/key-users",
    c"/proc/timer_list",
    c"/proc/sysrq-trigger",
    c"/proc/kallsyms",
    c"/proc/sched_debug",
    c"/proc/interrupts",
    c"/proc/cmdline",
    c"/proc/config.gz",
    c"/proc/diskstats",
    c"/proc/partitions",
    c"/proc/vmstat",
];
/// Folders of `/proc` hidden for the same reason.
const MASKED_FOLDERS: [CStr<'static>; 5] = [
    c"/proc/acpi",
    c"/proc/bus",
    c"/proc/driver",
    c"/proc/pressure",
    c"/proc/scsi",
];

/// Puts up every wall around the calling process, which is pid 1 of a new namespace.
pub fn enter(order: &Order, fds: &[i32]) -> Result<(), Failure> {
    // The filter comes last but the descriptors must be in place before the user is dropped: pipes are handed to
    // the new user so that /dev/stdout can be opened again by name.
    raw::signal_mask(2, 0).map_err(|errno| (Step::Order, errno))?;
    join_cgroups(fds)?;
    raw::setns(fds[fd::NETWORK], CLONE_NEWNET).map_err(|errno| (Step::Network, errno))?;
    raw::unshare(CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP)
        .map_err(|errno| (Step::Namespaces, errno))?;
    let hostname = order.hostname.get(..order.hostname_length as usize).unwrap_or(&[]);
    raw::sethostname(hostname).map_err(|errno| (Step::Namespaces, errno))?;
    mount_tmp(order)?;
    mount_proc()?;
    prefer_for_oom_killing();
    arrange_descriptors(order, fds)?;
    set_limits(order)?;
    set_priority()?;
    drop_privileges(order)?;
    let filter = order.filter.get(..order.filter_length as usize).unwrap_or(&[]);
    if filter.is_empty() {
        return Err((Step::Seccomp, Errno(22)));
    }
    raw::install_filter(filter).map_err(|errno| (Step::Seccomp, errno))
}

/// The child writes `0`, which means itself: a supervisor writing a pid waits for an RCU grace period on v1.
fn join_cgroups(fds: &[i32]) -> Result<(), Failure> {
    for cgroup in &fds[fd::CGROUPS..] {
        raw::write(*cgroup, b"0").map_err(|errno| (Step::Cgroup, errno))?;
    }
    Ok(())
}

fn mount_tmp(order: &Order) -> Result<(), Failure> {
    let mut options = Text::new();
    options.push(b"mode=1777,size=");
    options.push_number(order.tmp_bytes);
    options.push(b",nr_inodes=");
    options.push_number(order.tmp_inodes);
    raw::mount(
        Some(c"tmp"),
        c"/tmp",
        Some(c"tmpfs"),
        MS_NOSUID | MS_NODEV,
        Some(options.as_c_str()),
    )
    .map_err(|errno| (Step::Tmp, errno))
}

fn mount_proc() -> Result<(), Failure> {
    raw::mount(
        Some(c"proc"),
        c"/proc",
        Some(c"proc"),
        MS_NOSUID | MS_NODEV | MS_NOEXEC,
        None,
    )
    .map_err(|errno| (Step::Proc, errno))?;
    for path in MASKED_FILES {
        mask(path, c"/dev/null")?;
    }
    for path in MASKED_FOLDERS {
        mask(path, c"/var/empty")?;
    }
    Ok(())
}

/// Covers a path; one this kernel does not have needs no cover.
fn mask(path: CStr<'_>, cover: CStr<'_>) -> Result<(), Failure> {
    const ENOENT: Errno = Errno(2);
    match raw::mount(Some(cover), path, None, MS_BIND | MS_RDONLY, None) {
        Ok(()) | Err(ENOENT) => Ok(()),
        Err(errno) => Err((Step::Mask, errno)),
    }
}

/// When the whole machine runs out of memory, functions go before the server. A kernel without the file has no
/// such preference to set.
fn prefer_for_oom_killing() {
    if let Ok(file) = raw::open(c"/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC) {
        let _ = raw::write(file, b"500");
        raw::close(file);
    }
}

/// 0 is `/dev/null`, 1 and 2 the output pipe, 3 requests, 4 responses; nothing else stays open.
fn arrange_descriptors(order: &Order, fds: &[i32]) -> Result<(), Failure> {
    let step = |errno| (Step::Descriptors, errno);
    // Received descriptors are above 4 already: a zygote keeps 0 to 4 occupied.
    for pipe in [fds[fd::REQUESTS], fds[fd::RESPONSES], fds[fd::OUTPUT]] {
        raw::fchown(pipe, order.uid, order.uid).map_err(step)?;
    }
    let null = raw::open(c"/dev/null", O_RDWR).map_err(step)?;
    raw::dup_onto(null, 0).map_err(step)?;
    raw::dup_onto(fds[fd::OUTPUT], 1).map_err(step)?;
    raw::dup_onto(fds[fd::OUTPUT], 2).map_err(step)?;
    raw::dup_onto(fds[fd::REQUESTS], 3).map_err(step)?;
    raw::dup_onto(fds[fd::RESPONSES], 4).map_err(step)
}

/// Numbers from `include/uapi/asm-generic/resource.h`.
fn set_limits(order: &Order) -> Result<(), Failure> {
    const CORE: u32 = 4;
    const NPROC: u32 = 6;
    const NOFILE: u32 = 7;
    const MEMLOCK: u32 = 8;
    const SIGPENDING: u32 = 11;
    const MSGQUEUE: u32 = 12;
    const NICE: u32 = 13;
    const RTPRIO: u32 = 14;
    for (resource, limit) in [
        (CORE, 0),
        (NPROC, order.pids),
        (NOFILE, order.open_files),
        (MEMLOCK, 64 * 1024),
        (SIGPENDING, 1024),
        (MSGQUEUE, 0),
        (NICE, 0),
        (RTPRIO, 0),
    ] {
        raw::set_limit(resource, limit).map_err(|errno| (Step::Limits, errno))?;
    }
    Ok(())
}

/// A server that was started with a higher priority does not hand it on.
fn set_priority() -> Result<(), Failure> {
    raw::set_nice(0).map_err(|errno| (Step::Limits, errno))
}

fn drop_privileges(order: &Order) -> Result<(), Failure> {
    const PR_SET_PDEATHSIG: i32 = 1;
    const PR_CAPBSET_DROP: i32 = 24;
    const PR_SET_NO_NEW_PRIVS: i32 = 38;
    const PR_CAP_AMBIENT: i32 = 47;
    const PR_CAP_AMBIENT_CLEAR_ALL: usize = 4;
    const SIGKILL: usize = 9;
    const EINVAL: Errno = Errno(22);

    let step = |errno| (Step::Privileges, errno);
    raw::umask(0o022);
    raw::setsid().map_err(step)?;
    // A kernel built without keyrings has none to share.
    let _ = raw::join_new_session_keyring();
    for capability in 0..64 {
        match raw::prctl(PR_CAPBSET_DROP, capability, 0) {
            Ok(_) => {}
            // Past the kernel's last capability.
            Err(EINVAL) => break,
            Err(errno) => return Err(step(errno)),
        }
    }
    raw::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0).map_err(step)?;
    raw::clear_groups().map_err(step)?;
    raw::setresgid(order.uid).map_err(step)?;
    raw::setresuid(order.uid).map_err(step)?;
    raw::drop_capabilities().map_err(step)?;
    raw::prctl(PR_SET_NO_NEW_PRIVS, 1, 0).map_err(step)?;
    // The kernel forgets this wish when the user changes, so it comes after: no cell outlives its zygote.
    raw::prctl(PR_SET_PDEATHSIG, SIGKILL, 0).map_err(step)?;
    raw::chdir(c"/").map_err(step)
}

/// A short C string built without an allocator.
struct Text {
    bytes: [u8; 96],
    length: usize,
}

impl Text {
    const fn new() -> Self {
        Self {
            bytes: [0; 96],
            length: 0,
        }
    }

    /// Adds text; what does not fit beside the final NUL is left out, which the kernel then refuses to parse.
    fn push(&mut self, text: &[u8]) {
        for byte in text {
            if self.length + 1 < self.bytes.len() {
                self.bytes[self.length] = *byte;
                self.length += 1;
            }
        }
    }

    fn push_number(&mut self, number: u64) {
        let mut digits = [0_u8; 20];
        let mut at = digits.len();
        let mut rest = number;
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.push(&digits[at..]);
    }

    fn as_c_str(&self) -> CStr<'_> {
        core::ffi::CStr::from_bytes_until_nul(&self.bytes).unwrap_or(c"")
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn mount_options_are_written_as_decimal_text() {
        let mut text = Text::new();
        text.push(b"size=");
        text.push_number(0);
        text.push(b",nr_inodes=");
        text.push_number(u64::MAX);
        assert_eq!(text.as_c_str(), c"size=0,nr_inodes=18446744073709551615");
    }

    #[test]
    fn text_that_does_not_fit_is_cut_and_still_ends() {
        let mut text = Text::new();
        (0..50).for_each(|_| text.push(b"abc"));
        assert_eq!(text.as_c_str().to_bytes().len(), 95);
    }
}
