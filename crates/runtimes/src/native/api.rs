//! The runtime API: how a program asks for events and answers them, over HTTP at an address of its own sandbox
//! (CONTRACT 1.10), and the same in the words of AWS Lambda, for programs written for that.
//!
//! Names only: the worker serves it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::Method;
use serde::Deserialize;
use skiff_domain::UserFault;

/// Where a program finds it, and nobody else.
pub const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT);
/// The address as its environment says it.
pub(crate) const HOST: &str = "127.0.0.1";
/// Its port.
pub(crate) const PORT: u16 = 19_001;

/// Whose words a program uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The contract's own.
    Scf,
    /// AWS Lambda's of 2018-06-01.
    Lambda,
}

/// What a program wants. A call is named where the words have a place for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation<'a> {
    /// It is initialised.
    InitReady,
    /// It cannot be initialised.
    InitError,
    /// The next event.
    Next,
    /// A result.
    Respond(Option<&'a str>),
    /// An error instead of one.
    Fail(Option<&'a str>),
}

/// What a request asks for; `None` for one the API does not know.
#[must_use]
pub fn route<'a>(method: &Method, path: &'a str) -> Option<(Dialect, Operation<'a>)> {
    let (dialect, path) = match path.strip_prefix("/2018-06-01/runtime/") {
        Some(path) => (Dialect::Lambda, path),
        None => (Dialect::Scf, path.strip_prefix("/runtime/")?),
    };
    let operation = match (dialect, path) {
        (Dialect::Scf, "init/ready") => Operation::InitReady,
        (Dialect::Scf, "invocation/response") => Operation::Respond(None),
        (Dialect::Scf, "invocation/error") => Operation::Fail(None),
        (Dialect::Lambda, "init/error") => Operation::InitError,
        (_, "invocation/next") => Operation::Next,
        (Dialect::Scf, _) => return None,
        (Dialect::Lambda, path) => match path.strip_prefix("invocation/")?.split_once('/')? {
            (id, "response") => Operation::Respond(Some(id)),
            (id, "error") => Operation::Fail(Some(id)),
            _ => return None,
        },
    };
    let wanted = match operation {
        Operation::Next => Method::GET,
        _ => Method::POST,
    };
    (*method == wanted).then_some((dialect, operation))
}

/// How AWS Lambda's runtimes report an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LambdaFault {
    error_message: String,
    error_type: String,
    /// The runtimes of some languages call it so.
    #[serde(alias = "trace")]
    stack_trace: Vec<String>,
}

/// What a program reports as an error.
#[must_use]
pub fn fault(dialect: Dialect, body: &[u8]) -> UserFault {
    let said = match dialect {
        Dialect::Scf => None,
        Dialect::Lambda => serde_json::from_slice::<LambdaFault>(body).ok(),
    };
    let Some(said) = said else {
        return UserFault {
            message: String::from_utf8_lossy(body).into_owned(),
            stack_trace: String::new(),
        };
    };
    let message = match (said.error_type.as_str(), said.error_message.as_str()) {
        ("", message) => message.to_owned(),
        (kind, "") => kind.to_owned(),
        (kind, message) => format!("{kind}: {message}"),
    };
    let frames = said.stack_trace.iter().map(|frame| frame.trim_end_matches('\n'));
    let stack_trace = if said.stack_trace.is_empty() {
        String::new()
    } else {
        let frames = frames.skip_while(|frame| *frame == message);
        std::iter::once(message.as_str())
            .chain(frames)
            .collect::<Vec<_>>()
            .join("\n")
    };
    UserFault { message, stack_trace }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_its_path_in_both_dialects() {
        use Dialect::{Lambda, Scf};
        use Operation::{Fail, InitError, InitReady, Next, Respond};
        let get = Method::GET;
        let post = Method::POST;
        for (method, path, meant) in [
            (&post, "/runtime/init/ready", Some((Scf, InitReady))),
            (&get, "/runtime/invocation/next", Some((Scf, Next))),
            (&post, "/runtime/invocation/response", Some((Scf, Respond(None)))),
            (&post, "/runtime/invocation/error", Some((Scf, Fail(None)))),
            (&get, "/2018-06-01/runtime/invocation/next", Some((Lambda, Next))),
            (&post, "/2018-06-01/runtime/init/error", Some((Lambda, InitError))),
            (
                &post,
                "/2018-06-01/runtime/invocation/7/response",
                Some((Lambda, Respond(Some("7")))),
            ),
            (
                &post,
                "/2018-06-01/runtime/invocation/7/error",
                Some((Lambda, Fail(Some("7")))),
            ),
            (&post, "/runtime/invocation/next", None),
            (&get, "/runtime/init/ready", None),
            (&post, "/runtime/invocation/7/response", None),
            (&post, "/2018-06-01/runtime/invocation/response", None),
            (&get, "/", None),
        ] {
            assert_eq!(route(method, path), meant, "{method} {path}");
        }
    }

    #[test]
    fn an_error_is_its_text_or_what_a_lambda_runtime_says_of_it() {
        let check = |dialect, body: &str| {
            let fault = fault(dialect, body.as_bytes());
            (fault.message, fault.stack_trace)
        };
        let pair = |message: &str, trace: &str| (message.to_owned(), trace.to_owned());
        assert_eq!(check(Dialect::Scf, "it broke"), pair("it broke", ""));
        assert_eq!(check(Dialect::Lambda, "no JSON"), pair("no JSON", ""));
        assert_eq!(
            check(
                Dialect::Lambda,
                r#"{"errorMessage":"m","errorType":"T","stackTrace":["a\n","b"]}"#
            ),
            pair("T: m", "T: m\na\nb")
        );
        assert_eq!(
            check(
                Dialect::Lambda,
                r#"{"errorMessage":"m","errorType":"T","trace":["T: m","    at f"]}"#
            ),
            pair("T: m", "T: m\n    at f")
        );
        assert_eq!(check(Dialect::Lambda, r#"{"errorMessage":"m"}"#), pair("m", ""));
    }
}
