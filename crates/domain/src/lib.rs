//! The values everything else speaks in: ids, names, versions, invocations, limits, status codes.
//!
//! Owns what a legal name, size or status *is*. Does no I/O, starts no task, reads no clock.
//! Invariant: a value of a type from here is valid by construction, so nobody checks it twice.

pub mod attempt;
pub mod code;
pub mod concurrency;
pub mod ids;
pub mod invocation;
pub mod layers;
pub mod limits;
pub mod network;
pub mod qualifier;
pub mod status;
pub mod stem;
pub mod text;
pub mod version;

pub use attempt::{AttemptEnd, AttemptReport, Call, InitOutput, InitReport, StartError, UserFault};
pub use code::{COMPILED_SUFFIX, CodeDigest};
pub use concurrency::{
    Allotment, Capacity, InstanceConcurrency, InvalidInstanceConcurrency, InvalidUtilization, Provisioned, Tracking,
    Utilization,
};
pub use ids::{FunctionKey, FunctionName, FunctionUid, InvalidName, NamespaceName, Qualifier, RequestId, RoleName};
pub use invocation::{AttemptRecord, Invocation, Origin, Outcome};
pub use layers::{LayerName, LayerRef, LayerStack};
pub use network::NetworkMode;
pub use qualifier::{AliasName, VersionNumber, VersionRef};
pub use status::StatusCode;
pub use stem::{Purpose, StemKind};
pub use version::{Revision, RuntimeName, Version, Web};
