//! HTTP in: direct invocation.
//!
//! `POST /2018-04-16/functions/{namespace}/{name}[:{qualifier}]/invocations` with the event as the body, signed with
//! TC3-HMAC-SHA256 or with HTTP Basic of `<SecretId>:<SecretKey>`. A function that ran, or could not be run by its
//! own fault, is answered with HTTP 200: the body is `RetMsg`, `X-Scf-Status` its status, and `X-Scf-Error` names the
//! error when the status is not 200. What was refused, by a quota, a limit or the platform, is answered with HTTP 4xx
//! or 5xx and `{"code", "message", "requestId"}`, so that proxies and load generators see it for what it is.
//!
//! Knows how a request becomes an `Invocation` and how an `Outcome` becomes a response; who runs it is the invoker's.
//! Invariant: nothing a stranger sends makes it hold more than a bounded amount of memory, a connection for longer
//! than a bounded time without progress, or a function running.

mod body;
mod direct;
mod patience;
mod refusal;
mod reply;
mod route;
mod server;
mod steady;
mod web;

pub use patience::Patient;
pub use server::{GatewayContext, Stream, serve, serve_streams};
