//! One kept-alive HTTP/1.1 connection, blocking, with as little of its own in the figures as can be.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

/// Longest wait for any answer.
const ANSWER_MAX: Duration = Duration::from_secs(120);
const CHUNK_BYTES: usize = 64 * 1024;
const HEADERS_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    inbox: Vec<u8>,
}

/// An answer; it lives until the next request.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    head: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        Ok(Self {
            stream,
            inbox: Vec::new(),
        })
    }

    /// Sends a whole request and reads its whole answer.
    pub(crate) fn call(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.send(request)?;
        self.receive()
    }

    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request)
    }

    /// Reads the answer to what was sent.
    pub(crate) fn receive(&mut self) -> Result<Answer<'_>> {
        self.inbox.clear();
        loop {
            if let Some(found) = parse(&self.inbox)? {
                let (head, body) = self.inbox.split_at(found.head_bytes);
                return Ok(Answer {
                    status: found.status,
                    head,
                    body: &body[..found.body_bytes],
                });
            }
            let filled = self.inbox.len();
            self.inbox.resize(filled + CHUNK_BYTES, 0);
            let read = self.stream.read(&mut self.inbox[filled..]).context("read an answer")?;
            self.inbox.truncate(filled + read);
            if read == 0 {
                bail!("the connection was closed in the middle of an answer");
            }
        }
    }
}

impl Answer<'_> {
    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut headers);
        response.parse(self.head).ok()?;
        let found = response
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))?;
        String::from_utf8(found.value.to_vec()).ok()
    }

    /// The body of an answer that went well.
    pub(crate) fn ok(&self) -> Result<&[u8]> {
        match self.status {
            200 => Ok(self.body),
            status => bail!("HTTP {status}: {}", String::from_utf8_lossy(self.body)),
        }
    }
}

/// A whole answer at the head of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) status: u16,
    pub(crate) head_bytes: usize,
    pub(crate) body_bytes: usize,
}

/// Looks for a whole answer. Everyone measured here says how long the body is.
pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Found>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head_bytes) = response.parse(bytes).context("an answer that is not HTTP")? else {
        return Ok(None);
    };
    let body_bytes = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse().ok())
        .ok_or_else(|| anyhow!("an answer without a content length"))?;
    let found = Found {
        status: response.code.unwrap_or(0),
        head_bytes,
        body_bytes,
    };
    Ok((bytes.len() >= head_bytes + body_bytes).then_some(found))
}

/// The bytes of a request with a body.
pub(crate) fn post(host: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// The bytes of a request without one.
pub(crate) fn get(host: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_announced_body_is_there() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 2\r\n\r\nhi";
        for cut in 0..whole.len() {
            assert_eq!(parse(&whole[..cut]).unwrap(), None, "{cut} bytes");
        }
        let found = parse(whole).unwrap().unwrap();
        assert_eq!((found.status, found.head_bytes, found.body_bytes), (200, 38, 2));
    }

    #[test]
    fn what_cannot_be_measured_by_its_length_is_an_error() {
        assert!(parse(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        assert!(parse(b"SSH-2.0-OpenSSH\r\n\r\n").is_err());
    }

    #[test]
    fn requests_are_written_as_the_protocol_wants() {
        let host = "127.0.0.1:80".parse().unwrap();
        assert_eq!(
            post(host, "/x", &[("A", "b")], b"{}"),
            b"POST /x HTTP/1.1\r\nHost: 127.0.0.1:80\r\nContent-Length: 2\r\nA: b\r\n\r\n{}"
        );
        assert_eq!(get(host, "/", &[]), b"GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n");
    }
}
