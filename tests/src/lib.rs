//! The kit of the acceptance tests: a real server of one's own, a signed client, packages, functions.
//!
//! It knows the built binary and the public interfaces only: no crate of the product is linked in, so that what the
//! tests say about a signature or a status is said from outside.
#![forbid(unsafe_code)]

mod client;
mod function;
mod mark;
mod package;
mod process;
mod python;
mod runtimes;
mod server;
mod sign;

pub use client::{Answer, ApiError, Client, Raw};
pub use function::{Function, Spec};
pub use mark::Mark;
pub use package::Package;
pub use process::{Sandboxed, cgroups, children, exists, interfaces, own_pages, runtime_of, sandboxed, with_argument};
pub use python::{pip, python_sdk};
pub use runtimes::{assert_walled_in, is_installed, kept_data_dir, runtime, server_with_runtimes};
pub use server::{Credentials, Listen, Server, Settings, binary, eventually, repository};
pub use sign::tc3;
