//! System calls without a C library: the same code runs in the server's own processes and, loaded
//! as a shared object, inside interpreters of any age and any libc.
//!
//! Numbers come from the kernel's tables (`arch/x86/entry/syscalls/syscall_64.tbl`,
//! `include/uapi/asm-generic/unistd.h`); the argument structures from `include/uapi/linux`.

use core::arch::asm;

/// One syscall number per architecture.
macro_rules! numbers {
    ($($name:ident: $x86_64:literal, $aarch64:literal;)*) => {
        $(
            #[cfg(target_arch = "x86_64")]
            const $name: usize = $x86_64;
            #[cfg(target_arch = "aarch64")]
            const $name: usize = $aarch64;
        )*
    };
}

numbers! {
    READ: 0, 63;
    WRITE: 1, 64;
    CLOSE: 3, 57;
    MMAP: 9, 222;
    BRK: 12, 214;
    MUNMAP: 11, 215;
    MADVISE: 28, 233;
    PREAD64: 17, 67;
    PWRITE64: 18, 68;
    FCNTL: 72, 25;
    FTRUNCATE: 77, 46;
    UMOUNT2: 166, 39;
    MEMFD_CREATE: 319, 279;
    RT_SIGPROCMASK: 14, 135;
    SENDMSG: 46, 211;
    RECVMSG: 47, 212;
    WAIT4: 61, 260;
    KILL: 62, 129;
    CHDIR: 80, 49;
    GETCWD: 79, 17;
    RT_SIGACTION: 13, 134;
    SIGALTSTACK: 131, 132;
    UMASK: 95, 166;
    GETTID: 186, 178;
    SETSID: 112, 157;
    SETGROUPS: 116, 159;
    SETRESUID: 117, 147;
    SETRESGID: 119, 149;
    CAPSET: 126, 91;
    PRCTL: 157, 167;
    MOUNT: 165, 40;
    SETHOSTNAME: 170, 161;
    EXIT_GROUP: 231, 94;
    KEYCTL: 250, 219;
    OPENAT: 257, 56;
    FCHOWN: 93, 55;
    PPOLL: 271, 73;
    UNSHARE: 272, 97;
    SIGNALFD4: 289, 74;
    DUP3: 292, 24;
    PRLIMIT64: 302, 261;
    SETPRIORITY: 141, 140;
    SETNS: 308, 268;
    SECCOMP: 317, 277;
    EXECVE: 59, 221;
    CLONE: 56, 220;
    PIDFD_OPEN: 434, 434;
    CLOSE_RANGE: 436, 436;
}

/// A kernel error number, e.g. 1 for EPERM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

/// Interrupted by a signal; every blocking wrapper below retries or hands it on.
pub const EINTR: Errno = Errno(4);

#[cfg(target_arch = "x86_64")]
unsafe fn syscall(number: usize, a: [usize; 6]) -> Result<usize, Errno> {
    let result: isize;
    // SAFETY: the kernel preserves every register but rax, rcx and r11; the caller upholds what the call itself
    // demands of its arguments.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") a[0], in("rsi") a[1], in("rdx") a[2],
            in("r10") a[3], in("r8") a[4], in("r9") a[5], lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    decode(result)
}

#[cfg(target_arch = "aarch64")]
unsafe fn syscall(number: usize, a: [usize; 6]) -> Result<usize, Errno> {
    let result: isize;
    // SAFETY: the kernel preserves every register but x0; the caller upholds what the call itself demands.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") a[0] => result, in("x1") a[1], in("x2") a[2],
            in("x3") a[3], in("x4") a[4], in("x5") a[5], options(nostack));
    }
    decode(result)
}

fn decode(result: isize) -> Result<usize, Errno> {
    match result {
        -4095..=-1 => Err(Errno(-result as i32)),
        _ => Ok(result as usize),
    }
}

/// Calls with plain numbers or pointers to live, correctly sized memory: the wrappers below see to that.
macro_rules! call {
    ($number:expr $(, $argument:expr)*) => {{
        let arguments: &[usize] = &[$($argument as usize),*];
        let mut padded = [0_usize; 6];
        let mut i = 0;
        while i < arguments.len() {
            padded[i] = arguments[i];
            i += 1;
        }
        // SAFETY: every pointer handed in by a wrapper comes from a reference that outlives the call, with the
        // length or C structure that the call expects; descriptors and flags can at worst be refused.
        unsafe { syscall($number, padded) }
    }};
}

/// A descriptor that goes when another program is executed.
pub const O_CLOEXEC: i32 = 0o2_000_000;

/// A NUL-terminated path or string.
pub type CStr<'a> = &'a core::ffi::CStr;

mod becoming;

pub use becoming::*;

/// Reads once; `EINTR` is retried.
pub fn read(fd: i32, into: &mut [u8]) -> Result<usize, Errno> {
    loop {
        match call!(READ, fd, into.as_mut_ptr(), into.len()) {
            Err(EINTR) => {}
            other => return other,
        }
    }
}

/// Writes once; `EINTR` is retried.
pub fn write(fd: i32, from: &[u8]) -> Result<usize, Errno> {
    loop {
        match call!(WRITE, fd, from.as_ptr(), from.len()) {
            Err(EINTR) => {}
            other => return other,
        }
    }
}

/// Closes a descriptor; a failure leaves nothing to do.
pub fn close(fd: i32) {
    let _ = call!(CLOSE, fd);
}

/// Closes every descriptor from `first` on.
pub fn close_from(first: u32) -> Result<(), Errno> {
    call!(CLOSE_RANGE, first, u32::MAX, 0).map(drop)
}

/// Makes `to` another name of `from`, kept across exec.
pub fn dup_onto(from: i32, to: i32) -> Result<(), Errno> {
    call!(DUP3, from, to, 0).map(drop)
}

/// Opens a path of the calling process's root for reading and writing as `flags` say.
pub fn open(path: CStr<'_>, flags: i32) -> Result<i32, Errno> {
    const AT_FDCWD: isize = -100;
    call!(OPENAT, AT_FDCWD, path.as_ptr(), flags, 0).map(|fd| fd as i32)
}

/// Gives an open file to another user.
pub fn fchown(fd: i32, uid: u32, gid: u32) -> Result<(), Errno> {
    call!(FCHOWN, fd, uid, gid).map(drop)
}

/// Changes the working directory.
pub fn chdir(path: CStr<'_>) -> Result<(), Errno> {
    call!(CHDIR, path.as_ptr()).map(drop)
}

/// Sets the file mode creation mask, and says what it was.
pub fn umask(mask: u32) -> u32 {
    call!(UMASK, mask).map_or(0, |before| before as u32)
}

/// The calling thread's number in its namespace.
pub fn thread_number() -> i32 {
    call!(GETTID).map_or(0, |number| number as i32)
}

/// Begins a session of its own, away from the server's terminal.
pub fn setsid() -> Result<(), Errno> {
    call!(SETSID).map(drop)
}

/// Drops every supplementary group.
pub fn clear_groups() -> Result<(), Errno> {
    call!(SETGROUPS, 0, 0).map(drop)
}

/// Becomes this user for good.
pub fn setresuid(uid: u32) -> Result<(), Errno> {
    call!(SETRESUID, uid, uid, uid).map(drop)
}

/// Becomes this group for good.
pub fn setresgid(gid: u32) -> Result<(), Errno> {
    call!(SETRESGID, gid, gid, gid).map(drop)
}

/// Gives up every capability of the thread (`struct __user_cap_data_struct`, version 3).
pub fn drop_capabilities() -> Result<(), Errno> {
    const VERSION_3: u32 = 0x2008_0522;
    let header = [VERSION_3, 0];
    let data = [0_u32; 6];
    call!(CAPSET, header.as_ptr(), data.as_ptr()).map(drop)
}

/// `prctl` with up to two plain arguments.
pub fn prctl(option: i32, first: usize, second: usize) -> Result<usize, Errno> {
    call!(PRCTL, option, first, second, 0, 0)
}

/// Mounts. Absent strings are null, as the kernel allows for binds and changes.
pub fn mount(
    source: Option<CStr<'_>>,
    target: CStr<'_>,
    kind: Option<CStr<'_>>,
    flags: usize,
    data: Option<CStr<'_>>,
) -> Result<(), Errno> {
    let pointer = |text: Option<CStr<'_>>| text.map_or(core::ptr::null(), core::ffi::CStr::as_ptr);
    call!(
        MOUNT,
        pointer(source),
        target.as_ptr(),
        pointer(kind),
        flags,
        pointer(data)
    )
    .map(drop)
}

/// Takes the topmost mount of a place away, also while somebody uses it.
pub fn unmount(target: CStr<'_>) -> Result<(), Errno> {
    const MNT_DETACH: usize = 2;
    call!(UMOUNT2, target.as_ptr(), MNT_DETACH).map(drop)
}

/// Names the host inside the calling process's UTS namespace.
pub fn sethostname(name: &[u8]) -> Result<(), Errno> {
    call!(SETHOSTNAME, name.as_ptr(), name.len()).map(drop)
}

/// Joins a fresh, empty session keyring.
pub fn join_new_session_keyring() -> Result<(), Errno> {
    const KEYCTL_JOIN_SESSION_KEYRING: usize = 1;
    call!(KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, 0).map(drop)
}

/// Leaves the namespaces named by `flags` for new ones.
pub fn unshare(flags: usize) -> Result<(), Errno> {
    call!(UNSHARE, flags).map(drop)
}

/// Enters a namespace through a descriptor of it or of a process in it.
pub fn setns(fd: i32, kind: usize) -> Result<(), Errno> {
    call!(SETNS, fd, kind).map(drop)
}

/// Sets soft and hard limit of one resource.
pub fn set_limit(resource: u32, limit: u64) -> Result<(), Errno> {
    let pair = [limit, limit];
    call!(PRLIMIT64, 0, resource, pair.as_ptr(), 0).map(drop)
}

/// Installs a filter of `length` instructions of 8 bytes (`struct sock_fprog`).
pub fn install_filter(filter: &[u64]) -> Result<(), Errno> {
    #[repr(C)]
    struct Program {
        length: u16,
        filter: *const u64,
    }
    const SECCOMP_SET_MODE_FILTER: usize = 1;
    let program = Program {
        length: filter.len() as u16,
        filter: filter.as_ptr(),
    };
    call!(SECCOMP, SECCOMP_SET_MODE_FILTER, 0, &raw const program).map(drop)
}

/// A descriptor of a process. The caller must be its parent, or the number may be somebody else's by now.
pub fn pidfd_open(pid: i32) -> Result<i32, Errno> {
    call!(PIDFD_OPEN, pid, 0).map(|fd| fd as i32)
}

/// Blocks or unblocks (`how`) the signals in `set`.
pub fn signal_mask(how: i32, set: u64) -> Result<(), Errno> {
    call!(RT_SIGPROCMASK, how, &raw const set, 0, 8).map(drop)
}

/// A descriptor that becomes readable when one of `set` is pending.
pub fn signalfd(set: u64) -> Result<i32, Errno> {
    const SFD_CLOEXEC_NONBLOCK: usize = 0o2_000_000 | 0o4000;
    call!(SIGNALFD4, -1_isize, &raw const set, 8, SFD_CLOEXEC_NONBLOCK).map(|fd| fd as i32)
}

/// Waits until one of two descriptors is readable or closed; says which.
pub fn poll_two(first: i32, second: i32) -> Result<(bool, bool), Errno> {
    #[repr(C)]
    struct Entry {
        fd: i32,
        events: i16,
        revents: i16,
    }
    const POLLIN: i16 = 1;
    let mut entries = [
        Entry {
            fd: first,
            events: POLLIN,
            revents: 0,
        },
        Entry {
            fd: second,
            events: POLLIN,
            revents: 0,
        },
    ];
    match call!(PPOLL, entries.as_mut_ptr(), entries.len(), 0, 0, 8) {
        Err(EINTR) => Ok((false, false)),
        Err(errno) => Err(errno),
        Ok(_) => Ok((entries[0].revents != 0, entries[1].revents != 0)),
    }
}

/// Reaps a child: any (`-1`) or one. `None` when `block` is false and none has ended.
pub fn wait(pid: i32, block: bool) -> Result<Option<(i32, i32)>, Errno> {
    const WNOHANG: usize = 1;
    let mut status = 0_i32;
    loop {
        match call!(WAIT4, pid as isize, &raw mut status, if block { 0 } else { WNOHANG }, 0) {
            Err(EINTR) => {}
            Err(errno) => return Err(errno),
            Ok(0) => return Ok(None),
            Ok(pid) => return Ok(Some((pid as i32, status))),
        }
    }
}

/// Kills a process: a child that was not reaped yet, whose pid therefore is still its own.
pub fn kill(pid: i32) -> Result<(), Errno> {
    const SIGKILL: usize = 9;
    call!(KILL, pid, SIGKILL).map(drop)
}

/// Ends the process at once.
pub fn exit(code: i32) -> ! {
    loop {
        let _ = call!(EXIT_GROUP, code);
    }
}

/// Gives the calling process this nice value.
pub fn set_nice(value: i32) -> Result<(), Errno> {
    const PRIO_PROCESS: usize = 0;
    call!(SETPRIORITY, PRIO_PROCESS, 0, value as isize).map(drop)
}

/// Copies the calling, single-threaded process. 0 in the child.
pub fn fork() -> Result<i32, Errno> {
    const SIGCHLD: usize = 17;
    call!(CLONE, SIGCHLD, 0, 0, 0, 0).map(|pid| pid as i32)
}

/// Unmaps a range of memory.
///
/// # Safety
/// Nothing in the range is used any more.
pub unsafe fn unmap(start: usize, length: usize) -> Result<(), Errno> {
    call!(MUNMAP, start, length).map(drop)
}

const PROT_READ: usize = 1;
const PROT_WRITE: usize = 2;
const MAP_PRIVATE: usize = 2;

/// Zeroed memory of its own, somewhere.
pub fn map_anonymous(length: usize) -> Result<usize, Errno> {
    const MAP_ANONYMOUS: usize = 0x20;
    call!(
        MMAP,
        0,
        length,
        PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS,
        -1_isize,
        0
    )
}

/// Maps a part of a file privately: instead of what is at `place`, or anywhere where that is 0.
///
/// # Safety
/// What is at the place may go.
pub unsafe fn map_file(place: usize, length: usize, file: i32, at: usize, writable: bool) -> Result<usize, Errno> {
    const MAP_FIXED: usize = 0x10;
    let fixed = if place == 0 { 0 } else { MAP_FIXED };
    let protection = if writable { PROT_READ | PROT_WRITE } else { PROT_READ };
    call!(MMAP, place, length, protection, MAP_PRIVATE | fixed, file, at)
}

/// Forgets what was written to a private mapping: it is again what its file says.
///
/// # Safety
/// Nobody misses what was written.
pub unsafe fn drop_pages(place: usize, length: usize) -> Result<(), Errno> {
    const MADV_DONTNEED: usize = 4;
    call!(MADVISE, place, length, MADV_DONTNEED).map(drop)
}

/// A file in memory that can be sealed and never executed.
pub fn memory_file(name: CStr<'_>) -> Result<i32, Errno> {
    const MFD_CLOEXEC: usize = 1;
    const MFD_ALLOW_SEALING: usize = 2;
    const MFD_NOEXEC_SEAL: usize = 8;
    const EINVAL: Errno = Errno(22);
    let made = match call!(MEMFD_CREATE, name.as_ptr(), MFD_CLOEXEC | MFD_NOEXEC_SEAL) {
        // Linux before 6.3.
        Err(EINVAL) => call!(MEMFD_CREATE, name.as_ptr(), MFD_CLOEXEC | MFD_ALLOW_SEALING),
        made => made,
    };
    made.map(|fd| fd as i32)
}

/// Makes a file so long.
pub fn truncate(file: i32, length: usize) -> Result<(), Errno> {
    call!(FTRUNCATE, file, length).map(drop)
}

/// Makes a memory file so that nobody can change it any more, nor this.
pub fn seal(file: i32) -> Result<(), Errno> {
    const F_ADD_SEALS: usize = 1033;
    // Of more seals, shrinking, growing, writing.
    const ALL: usize = 1 | 2 | 4 | 8;
    call!(FCNTL, file, F_ADD_SEALS, ALL).map(drop)
}

/// Writes once, at a place of a file.
pub fn write_at(file: i32, from: &[u8], at: usize) -> Result<usize, Errno> {
    call!(PWRITE64, file, from.as_ptr(), from.len(), at)
}

/// Reads entries of 8 bytes, from the `first` on, and says how many.
pub fn read_entries(file: i32, into: &mut [u64], first: usize) -> Result<usize, Errno> {
    call!(PREAD64, file, into.as_mut_ptr(), into.len() * 8, first * 8).map(|bytes| bytes / 8)
}

/// Blocks every signal and gives back those that were blocked before.
pub fn block_signals() -> Result<u64, Errno> {
    const SIG_SETMASK: i32 = 2;
    let (all, mut before) = (u64::MAX, 0_u64);
    call!(RT_SIGPROCMASK, SIG_SETMASK, &raw const all, &raw mut before, 8).map(|_| before)
}

/// Blocks these signals and no other.
pub fn restore_signals(set: u64) -> Result<(), Errno> {
    const SIG_SETMASK: i32 = 2;
    signal_mask(SIG_SETMASK, set)
}

/// Where the C library keeps what belongs to the calling thread.
#[cfg(target_arch = "x86_64")]
pub fn thread_pointer() -> usize {
    let pointer;
    // SAFETY: the first word of the block is its own address, by the platform's ABI.
    unsafe { asm!("mov {}, fs:[0]", out(reg) pointer, options(nostack, readonly, preserves_flags)) };
    pointer
}

/// Where the C library keeps what belongs to the calling thread.
#[cfg(target_arch = "aarch64")]
pub fn thread_pointer() -> usize {
    let pointer;
    // SAFETY: reads a register.
    unsafe { asm!("mrs {}, tpidr_el0", out(reg) pointer, options(nostack, nomem, preserves_flags)) };
    pointer
}

/// Becomes another program. `argv` and `envp` are null-terminated arrays of C strings.
///
/// # Safety
/// Every pointer in both arrays but the last is a valid C string, and the last is null.
pub unsafe fn execve(path: CStr<'_>, argv: *const *const u8, envp: *const *const u8) -> Errno {
    match call!(EXECVE, path.as_ptr(), argv, envp) {
        Err(errno) => errno,
        Ok(_) => Errno(0),
    }
}

#[repr(C)]
struct IoVec {
    base: *mut u8,
    length: usize,
}

#[repr(C)]
struct MsgHdr {
    name: *const u8,
    name_length: u32,
    iov: *const IoVec,
    iov_length: usize,
    control: *mut u8,
    control_length: usize,
    flags: i32,
}

/// Room for one `SCM_RIGHTS` message of up to `FDS_MAX` descriptors, aligned as the kernel wants it.
#[repr(C, align(8))]
struct Control {
    length: usize,
    level: i32,
    kind: i32,
    fds: [i32; FDS_MAX],
}

/// Most descriptors in one message.
pub const FDS_MAX: usize = 16;
const CONTROL_HEADER: usize = 16;
const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 1;

/// Receives one message and the descriptors that came with it (close-on-exec). Returns both lengths; 0 bytes mean
/// that the other side is gone.
pub fn receive(socket: i32, into: &mut [u8], fds: &mut [i32; FDS_MAX]) -> Result<(usize, usize), Errno> {
    const MSG_CMSG_CLOEXEC: usize = 0x4000_0000;
    let mut control = Control {
        length: 0,
        level: 0,
        kind: 0,
        fds: [-1; FDS_MAX],
    };
    let iov = IoVec {
        base: into.as_mut_ptr(),
        length: into.len(),
    };
    let mut header = MsgHdr {
        name: core::ptr::null(),
        name_length: 0,
        iov: &raw const iov,
        iov_length: 1,
        control: (&raw mut control).cast(),
        control_length: size_of::<Control>(),
        flags: 0,
    };
    let received = loop {
        match call!(RECVMSG, socket, &raw mut header, MSG_CMSG_CLOEXEC) {
            Err(EINTR) => {}
            Err(errno) => return Err(errno),
            Ok(received) => break received,
        }
    };
    let is_rights =
        header.control_length >= CONTROL_HEADER && control.level == SOL_SOCKET && control.kind == SCM_RIGHTS;
    let count = if is_rights {
        (control.length - CONTROL_HEADER) / 4
    } else {
        0
    };
    *fds = control.fds;
    Ok((received, count))
}

/// Sends one message, with a descriptor where one is given.
pub fn send(socket: i32, from: &[u8], fd: Option<i32>) -> Result<(), Errno> {
    const MSG_NOSIGNAL: usize = 0x4000;
    let mut control = Control {
        length: CONTROL_HEADER + 4,
        level: SOL_SOCKET,
        kind: SCM_RIGHTS,
        fds: [fd.unwrap_or(-1); FDS_MAX],
    };
    let iov = IoVec {
        base: from.as_ptr().cast_mut(),
        length: from.len(),
    };
    let header = MsgHdr {
        name: core::ptr::null(),
        name_length: 0,
        iov: &raw const iov,
        iov_length: 1,
        control: if fd.is_some() {
            (&raw mut control).cast()
        } else {
            core::ptr::null_mut()
        },
        control_length: if fd.is_some() { CONTROL_HEADER + 8 } else { 0 },
        flags: 0,
    };
    loop {
        match call!(SENDMSG, socket, &raw const header, MSG_NOSIGNAL) {
            Err(EINTR) => {}
            other => return other.map(drop),
        }
    }
}
