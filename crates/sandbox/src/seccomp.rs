//! Which system calls a cell may make, as a filter for the kernel.
//!
//! Everything a language runtime needs is allowed; what reaches the host, other processes' memory or kernel
//! interfaces nobody needs for computing is not, and numbers newer than this table do not exist for a cell. The
//! filter is a binary search over ranges of numbers: a linear one costs a millisecond to install.

mod program;

use program::{Check, Rule};

/// Compiles the filter, one instruction (`struct sock_filter`) a word.
#[must_use]
pub fn filter() -> Vec<u64> {
    program::compile(&rules())
}

const EPERM: u16 = libc::EPERM as u16;
const ENOSYS: u16 = libc::ENOSYS as u16;

/// The last number of the table below; the kernel of 6.10 has no higher one.
const LAST_KNOWN: u32 = 462;

/// Calls a cell may not make, each with the reason of its group.
#[rustfmt::skip]
fn denied() -> Vec<i64> {
    let mut calls = vec![
        // Mounts and roots: the file system a cell sees is the one it was given.
        libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root, libc::SYS_chroot, libc::SYS_open_tree,
        libc::SYS_move_mount, libc::SYS_fsopen, libc::SYS_fsconfig, libc::SYS_fsmount, libc::SYS_fspick,
        libc::SYS_mount_setattr, libc::SYS_swapon, libc::SYS_swapoff, libc::SYS_quotactl,
        libc::SYS_quotactl_fd,
        // Namespaces: a user namespace of its own would give a cell capabilities again.
        libc::SYS_unshare, libc::SYS_setns,
        // Other processes' memory and descriptors. A cell's processes could otherwise rewrite their runtime.
        libc::SYS_ptrace, libc::SYS_process_vm_readv, libc::SYS_process_vm_writev, libc::SYS_kcmp,
        libc::SYS_pidfd_getfd, libc::SYS_process_madvise, libc::SYS_move_pages, libc::SYS_migrate_pages,
        // The kernel itself.
        libc::SYS_init_module, libc::SYS_finit_module, libc::SYS_delete_module, libc::SYS_kexec_load, libc::SYS_bpf,
        libc::SYS_perf_event_open, libc::SYS_reboot, libc::SYS_acct, libc::SYS_syslog, libc::SYS_vhangup,
        libc::SYS_userfaultfd, libc::SYS_lookup_dcookie, libc::SYS_fanotify_init, libc::SYS_fanotify_mark,
        libc::SYS_memfd_secret, libc::SYS_nfsservctl,
        // The keyring is shared by all processes of a user id and some of a session.
        libc::SYS_add_key, libc::SYS_request_key, libc::SYS_keyctl,
        // Files by number instead of by path: a way around every mount.
        libc::SYS_open_by_handle_at, libc::SYS_name_to_handle_at,
        // The clock of the host.
        libc::SYS_settimeofday, libc::SYS_clock_settime, libc::SYS_clock_adjtime, libc::SYS_adjtimex,
        // Names of the host.
        libc::SYS_sethostname, libc::SYS_setdomainname,
        // io_uring does the work of other calls without passing this filter.
        libc::SYS_io_uring_setup, libc::SYS_io_uring_enter, libc::SYS_io_uring_register,
    ];
    // Ports, segments and calls of kernels before 2.6.
    #[cfg(target_arch = "x86_64")]
    calls.extend([
        libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt, libc::SYS_uselib, libc::SYS_ustat, libc::SYS_sysfs,
        libc::SYS__sysctl, libc::SYS_kexec_file_load,
    ]);
    calls
}

/// Not among the names of every C library.
const IO_PGETEVENTS: i64 = if cfg!(target_arch = "x86_64") { 333 } else { 292 };

/// Calls of a kernel that was built without them: C libraries and programs look for another way on this error alone.
#[rustfmt::skip]
fn missing() -> Vec<i64> {
    let mut calls = vec![
        // Its flags are in memory, where a filter cannot look; `clone` is the other way.
        libc::SYS_clone3,
        // Asynchronous reading of files, which nobody needs: what a context holds is one number of the whole machine.
        libc::SYS_io_setup, libc::SYS_io_destroy, libc::SYS_io_submit, libc::SYS_io_cancel, libc::SYS_io_getevents,
        IO_PGETEVENTS,
        // Watching a folder of the host tells which of its programs run.
        libc::SYS_inotify_init1, libc::SYS_inotify_add_watch, libc::SYS_inotify_rm_watch,
        // Copies what is in a pipe and leaves it there: whether an event was read could not be told.
        libc::SYS_tee,
    ];
    #[cfg(target_arch = "x86_64")]
    calls.push(libc::SYS_inotify_init);
    calls
}

/// Writes back what others wrote: nothing that a cell can write to is on a disk. They do nothing, and succeed.
const FUTILE: [i64; 2] = [libc::SYS_sync, libc::SYS_syncfs];

/// The table: one rule per number up to the last known.
fn rules() -> Vec<Rule> {
    let mut rules = vec![Rule::Allow; LAST_KNOWN as usize + 1];
    let mut set = |call: i64, rule| {
        if let Some(place) = usize::try_from(call).ok().and_then(|call| rules.get_mut(call)) {
            *place = rule;
        }
    };
    denied().into_iter().for_each(|call| set(call, Rule::Errno(EPERM)));
    missing().into_iter().for_each(|call| set(call, Rule::Errno(ENOSYS)));
    FUTILE.into_iter().for_each(|call| set(call, Rule::Succeed));
    set(libc::SYS_clone, Rule::Check(Check::CloneFlags));
    set(libc::SYS_socket, Rule::Check(Check::Socket));
    set(libc::SYS_socketpair, Rule::Check(Check::SocketPair));
    set(libc::SYS_fcntl, Rule::Check(Check::FileControl));
    set(libc::SYS_personality, Rule::Check(Check::Personality));
    rules
}

#[cfg(test)]
mod tests;
