//! A control API in this process, for the tests: it checks every signature and answers as it is told.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::response::IntoResponse;
use clap::Parser;
use http::{StatusCode, header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use skiff_auth::{BodyHash, Credentials, Keyring, SignedRequest, verify};
use tokio::runtime::Runtime;

use crate::console::Console;
use crate::{Command, Global, RuntimeCommand};

const SECRET_ID: &str = "AKIDlocaltest";
const SECRET_KEY: &str = "localsecret";

/// One action as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) params: Value,
}

/// Answers an action: fields of `Response`, or an error's code and message.
pub(crate) type Answer = Result<Value, (&'static str, &'static str)>;

/// The running API. Dropping it stops it.
pub(crate) struct FakeApi {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    _runtime: Runtime,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl FakeApi {
    /// Starts it. `answer` sees the action and its parameters; a GET comes as its path without parameters.
    pub(crate) fn start(answer: impl Fn(&str, &Value) -> Answer + Send + Sync + 'static) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("runtime");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("bound");
        let calls = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&calls);
        let answer = Arc::new(answer);
        let keyring = Arc::new(Keyring::new(Credentials::new(SECRET_ID, SECRET_KEY).expect("valid")));
        let handler = move |request: Request| {
            let (seen, answer, keyring) = (Arc::clone(&seen), Arc::clone(&answer), Arc::clone(&keyring));
            async move {
                let (parts, body) = request.into_parts();
                assert!(
                    !parts.headers.contains_key(header::TRANSFER_ENCODING),
                    "a length is announced, not chunks"
                );
                let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
                let signed = SignedRequest {
                    method: &parts.method,
                    path: parts.uri.path(),
                    query: "",
                    headers: &parts.headers,
                    body: BodyHash::of(&body),
                    parameters: &[],
                };
                if let Err(error) = verify(&signed, &keyring, jiff::Timestamp::now()) {
                    return reply(
                        &json!({"Response": {"Error": {"Code": error.code(), "Message": "auth"}, "RequestId": "r"}}),
                    );
                }
                if parts.method == http::Method::GET {
                    return reply(&answer(parts.uri.path(), &Value::Null).unwrap_or_default());
                }
                let action = parts.headers["x-tc-action"].to_str().expect("text").to_owned();
                let params: Value = serde_json::from_slice(&body).expect("JSON");
                seen.lock().push(Call {
                    action: action.clone(),
                    params: params.clone(),
                });
                let mut response = match answer(&action, &params) {
                    Ok(fields) => fields,
                    Err((code, message)) => json!({"Error": {"Code": code, "Message": message}}),
                };
                response["RequestId"] = json!("0b5cd2a5-0000-4000-8000-000000000000");
                reply(&json!({ "Response": response }))
            }
        };
        let router = Router::new().fallback(handler);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            calls,
            _runtime: runtime,
        }
    }

    /// What was asked of it so far, polls for a state left out.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().clone()
    }

    /// The names of the actions asked for, without GetFunction, with which commands wait.
    pub(crate) fn changes(&self) -> Vec<String> {
        self.calls()
            .into_iter()
            .map(|call| call.action)
            .filter(|action| action != "GetFunction")
            .collect()
    }

    /// The parameters of the last call of an action.
    pub(crate) fn params(&self, action: &str) -> Value {
        let calls = self.calls();
        let call = calls.iter().rev().find(|call| call.action == action);
        call.unwrap_or_else(|| panic!("no {action} in {calls:?}"))
            .params
            .clone()
    }

    /// Where it listens.
    pub(crate) fn endpoint(&self) -> String {
        self.address.to_string()
    }

    /// Runs a command line against it, with the right credential.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let endpoint = self.endpoint();
        let connection = [
            "--endpoint",
            &endpoint,
            "--secret-id",
            SECRET_ID,
            "--secret-key",
            SECRET_KEY,
        ];
        run(&[arguments, &connection].concat())
    }
}

/// Runs a command line as the binary would.
pub(crate) fn run(arguments: &[&str]) -> Ran {
    #[derive(Parser)]
    #[command(name = "skiff")]
    struct Root {
        #[command(flatten)]
        global: Global,
        #[command(subcommand)]
        command: Any,
    }
    #[derive(clap::Subcommand)]
    #[expect(clippy::large_enum_variant, reason = "there is one, for a moment")]
    enum Any {
        #[command(subcommand)]
        Runtime(RuntimeCommand),
        #[command(flatten)]
        Client(Command),
    }
    let arguments = std::iter::once("skiff").chain(arguments.iter().copied());
    let root = Root::try_parse_from(arguments).unwrap_or_else(|error| panic!("{error}"));
    let (out, err) = (Captured::default(), Captured::default());
    let mut console = Console::to(root.global.output, Box::new(out.clone()), Box::new(err.clone()));
    let result = match &root.command {
        Any::Runtime(command) => command.run(&root.global, &mut console, || None),
        Any::Client(command) => command.run(&root.global, &mut console, <Root as clap::CommandFactory>::command),
    };
    let exit = crate::finish(&mut console, result) as u8;
    Ran {
        exit,
        out: out.text(),
        err: err.text(),
    }
}

fn reply(body: &Value) -> impl IntoResponse + use<> {
    (
        StatusCode::OK,
        [(header::CONTENT_TYPE, "application/json")],
        Bytes::from(body.to_string()),
    )
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().clone()).expect("UTF-8")
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
