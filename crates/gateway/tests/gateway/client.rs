//! An HTTP client that sends exactly what it is given and reads what comes.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use jiff::Timestamp;
use serde_json::Value;
use skiff_auth::{Credentials, ToSign, sign_tc3};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

pub(crate) const HELLO: &str = "/2018-04-16/functions/default/hello/invocations";
/// Longest any test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    received: Vec<u8>,
}

/// A response, with the names of its headers in lower case.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            received: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads one response.
    pub(crate) async fn receive(&mut self) -> Response {
        timeout(PATIENCE, self.read_response(true))
            .await
            .expect("a response in time")
    }

    /// Reads one response that has no body whatever its headers say.
    pub(crate) async fn receive_head(&mut self) -> Response {
        timeout(PATIENCE, self.read_response(false))
            .await
            .expect("a response in time")
    }

    async fn read_response(&mut self, has_body: bool) -> Response {
        let end = loop {
            if let Some(at) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.read_more().await, "the connection ended before a response");
        };
        let head = String::from_utf8(self.received.drain(..end).collect()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: HashMap<_, _> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = headers
            .get("content-length")
            .map_or(0, |length| length.parse().unwrap());
        let length = if has_body { length } else { 0 };
        while self.received.len() < length {
            assert!(self.read_more().await, "the connection ended inside a response");
        }
        let body = self.received.drain(..length).collect();
        Response { status, headers, body }
    }

    /// Sends a request and reads its response.
    pub(crate) async fn ask(&mut self, request: impl AsRef<[u8]>) -> Response {
        self.send(request).await;
        self.receive().await
    }

    /// Waits until the server closes the connection. Fails if it sends something first.
    pub(crate) async fn expect_close(&mut self) {
        let more = timeout(PATIENCE, self.read_more()).await.expect("the end in time");
        assert!(
            !more,
            "nothing more was to come: {}",
            String::from_utf8_lossy(&self.received)
        );
    }

    async fn read_more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        let count = self.stream.read(&mut buffer).await.unwrap_or(0);
        self.received.extend_from_slice(&buffer[..count]);
        count > 0
    }
}

/// `Authorization: Basic` of this pair.
pub(crate) fn basic(pair: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(pair))
}

/// A POST with HTTP Basic by the rightful caller.
pub(crate) fn post(path: &str, headers: &str, body: &str) -> String {
    let authorization = basic("AKIDlocaltest:localsecret");
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}{headers}Content-Length: {length}\r\n\r\n{body}")
}

/// A POST signed with TC3 for `signed`, but with this `body`.
pub(crate) fn post_tc3(credentials: &Credentials, path: &str, signed: &str, body: &str) -> String {
    post_tc3_query(credentials, path, ("", ""), signed, body)
}

/// The same with a query that is signed and one that is sent.
pub(crate) fn post_tc3_query(
    credentials: &Credentials,
    path: &str,
    (signed_query, query): (&str, &str),
    signed: &str,
    body: &str,
) -> String {
    let timestamp = Timestamp::now();
    let authorization = sign_tc3(
        &ToSign {
            method: &Method::POST,
            path,
            query: signed_query,
            host: "localhost",
            content_type: "application/json",
            action: None,
            body: signed.as_bytes(),
            service: "scf",
            timestamp,
        },
        credentials,
    );
    let timestamp = timestamp.as_second();
    let length = body.len();
    let question = if query.is_empty() { "" } else { "?" };
    format!(
        "POST {path}{question}{query} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-TC-Timestamp: {timestamp}\r\n\
         Authorization: {authorization}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}
