//! System calls no library wraps: one a function, a safe signature, the proof beside it.

pub(crate) mod mntns;
pub(crate) mod mount;
pub(crate) mod netns;
