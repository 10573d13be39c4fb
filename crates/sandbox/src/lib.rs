//! Linux isolation: namespaces, cgroups v1 and v2, mounts, seccomp, networks.
