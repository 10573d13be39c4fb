//! Linux isolation: namespaces, cgroups v1 and v2, mounts, seccomp, networks.
//!
//! A *zygote* is a process in a runtime's root that bears sandboxes on order; a *cell* is a sandbox seen from inside
//! while it is being born. This is the only crate with `unsafe`.
//! Invariant: a sandbox whose walls cannot stand does not come to be. It knows no language and no function.

#[expect(unsafe_code, reason = "system calls without a C library")]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "compiled twice: the shared object and the exec zygote use different parts"
)]
mod cell;
pub mod cgroup;
pub mod doctor;
mod mounter;
mod name;
pub mod network;
#[expect(unsafe_code, reason = "a process of one thread leaves its mount namespace")]
mod root;
mod sandbox;
pub mod seccomp;
mod snapshot;
#[expect(unsafe_code, reason = "system calls no library wraps")]
mod sys;
mod template;
#[expect(unsafe_code, reason = "the runtime watches a descriptor it owns")]
mod zygote;
#[expect(unsafe_code, reason = "inherited descriptors and exec")]
mod zygote_main;

pub use cgroup::{Cgroup, CgroupError, Cgroups, Limits, MemoryUse, Usage};
pub use mounter::Mounter;
pub use name::InvalidServerName;
pub use network::{
    Endpoint, Inside, InvalidSubnet, Network, NetworkConfig, NetworkError, NetworkMode, Networks, Subnet, Uplink,
};
pub use sandbox::{Exit, Killer, Mount, Pipes, Sandbox};
pub use snapshot::{KeepError, SNAPSHOT_TARGET, make_folder as make_snapshot_folder};
pub use template::{
    BinaryFile, Bind, Boot, CODE_TARGET, Command, LAYERS_TARGET, LIBRARY_PATH, Link, Template, TextFile,
};
pub use zygote::{
    BirthError, BirthSpec, BootError, Parts, Stillborn, Zygote, ZygoteConfig, is_exhaustion, make_staging,
};
pub use zygote_main::{Waiter, Waiting, become_program, zygote_main};
