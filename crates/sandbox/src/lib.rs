//! Linux isolation: namespaces, cgroups v1 and v2, mounts, seccomp, networks.

pub mod cgroup;
pub mod doctor;
pub mod network;

pub use cgroup::{Cgroup, CgroupError, Cgroups, Limits, Usage};
pub use network::{Endpoint, Network, NetworkConfig, NetworkError, NetworkMode, Networks, Subnet, Uplink};
