//! What the server and a zygote say to each other: fixed structures over a `SOCK_SEQPACKET` pair.
//!
//! Both ends are built from this file in one build, so there is no version to negotiate.

/// Most instructions of a seccomp filter in an order.
pub const FILTER_MAX: usize = 480;
/// Longest host name, in bytes.
pub const HOSTNAME_MAX: usize = 64;

/// Where the descriptors of an order stand; cgroup descriptors follow.
pub mod fd {
    /// Requests to the runtime, read end.
    pub const REQUESTS: usize = 0;
    /// Responses of the runtime, write end.
    pub const RESPONSES: usize = 1;
    /// stdout and stderr of the runtime, write end.
    pub const OUTPUT: usize = 2;
    /// The network namespace to live in.
    pub const NETWORK: usize = 3;
    /// The first of the cgroup files to write `0` into.
    pub const CGROUPS: usize = 4;
}

/// The server's order to a zygote: make one cell.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Order {
    /// Echoed in the answer.
    pub id: u64,
    /// Size of `/tmp`, in bytes.
    pub tmp_bytes: u64,
    /// Files and folders in `/tmp`.
    pub tmp_inodes: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// Processes and threads of the cell's user.
    pub pids: u64,
    /// User and group id of everything in the cell; nobody else has it.
    pub uid: u32,
    /// How many cgroup descriptors came along.
    pub cgroups: u32,
    /// Length of `hostname`.
    pub hostname_length: u32,
    /// Instructions in `filter`.
    pub filter_length: u32,
    /// 1 when the runtime is to warm itself before code comes, 0 when somebody is waiting for it already.
    pub warm: u32,
    /// Keeps the structure free of padding.
    pub reserved: u32,
    /// The cell's host name.
    pub hostname: [u8; HOSTNAME_MAX],
    /// The seccomp filter, one instruction (`struct sock_filter`) a word.
    pub filter: [u64; FILTER_MAX],
}

impl Order {
    /// An order with nothing in it.
    pub const EMPTY: Self = Self {
        id: 0,
        tmp_bytes: 0,
        tmp_inodes: 0,
        open_files: 0,
        pids: 0,
        uid: 0,
        cgroups: 0,
        hostname_length: 0,
        filter_length: 0,
        warm: 0,
        reserved: 0,
        hostname: [0; HOSTNAME_MAX],
        filter: [0; FILTER_MAX],
    };

    /// The order as it is sent.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `Order` is `repr(C)` without padding (five u64, six u32, arrays of u8 and u64 whose sizes are
        // multiples of 8), so all its bytes are initialised.
        unsafe { core::slice::from_raw_parts((&raw const *self).cast(), size_of::<Self>()) }
    }

    /// The order's memory, to receive into. Every bit pattern is a valid order.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and every field is an integer or an array of integers.
        unsafe { core::slice::from_raw_parts_mut((&raw mut *self).cast(), size_of::<Self>()) }
    }
}

/// What a notice tells.
pub mod kind {
    /// The zygote has booted and takes orders.
    pub const READY: u32 = 1;
    /// A cell's first process exists; its pidfd comes along. `value` is its pid.
    pub const BORN: u32 = 2;
    /// A cell's first process has ended. `id` is its pid, `value` the wait status.
    pub const EXITED: u32 = 3;
    /// A birth failed. `step` says where, `value` is the error number.
    pub const FAILED: u32 = 4;
}

/// A zygote's word to the server.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// One of [`kind`].
    pub kind: u32,
    /// For [`kind::FAILED`]: a [`Step`].
    pub step: u32,
    /// The order's id, or a pid.
    pub id: u64,
    /// What `kind` says.
    pub value: i64,
}

impl Notice {
    /// Size on the wire.
    pub const SIZE: usize = size_of::<Self>();

    /// The notice as it is sent.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: `repr(C)`, two u32 and two 8-byte words: no padding.
        unsafe { core::slice::from_raw_parts((&raw const *self).cast(), Self::SIZE) }
    }

    /// Reads a notice back; `None` when the length is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != Self::SIZE {
            return None;
        }
        // SAFETY: the length was checked and every bit pattern is a valid notice; `read_unaligned` asks for no
        // alignment.
        Some(unsafe { bytes.as_ptr().cast::<Self>().read_unaligned() })
    }
}

/// Where a birth can fail.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reading the order or its descriptors.
    Order = 1,
    /// A new process id namespace.
    PidNamespace,
    /// The first fork.
    Fork,
    /// Writing into the cgroups.
    Cgroup,
    /// Entering the network namespace.
    Network,
    /// New mount, IPC, UTS and cgroup namespaces.
    Namespaces,
    /// Mounting `/tmp`.
    Tmp,
    /// Mounting `/proc`.
    Proc,
    /// Hiding parts of `/proc`.
    Mask,
    /// Descriptors 0 to 4.
    Descriptors,
    /// Resource limits.
    Limits,
    /// Dropping user, groups and capabilities.
    Privileges,
    /// The seccomp filter.
    Seccomp,
    /// The second fork: the runtime itself.
    Runtime,
    /// Becoming the interpreter.
    Exec,
}

impl Step {
    /// The step as text for an error message.
    pub fn name(code: u32) -> &'static str {
        const NAMES: [&str; 15] = [
            "read the order",
            "new process id namespace",
            "fork",
            "join the cgroup",
            "enter the network namespace",
            "new mount, IPC, UTS and cgroup namespaces",
            "mount /tmp",
            "mount /proc",
            "mask /proc",
            "arrange descriptors",
            "set resource limits",
            "drop privileges",
            "install the seccomp filter",
            "fork the runtime",
            "execute the runtime",
        ];
        NAMES
            .get((code as usize).wrapping_sub(1))
            .copied()
            .unwrap_or("unknown step")
    }
}
