//! A load generator: many kept-alive connections on one thread, each with one request under way at all times.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::clock::ms;
use crate::http::parse;

/// Longest silence of everybody.
const SILENCE_MAX: Duration = Duration::from_secs(30);
const CHUNK_BYTES: usize = 16 * 1024;

/// What was done to whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order<'a> {
    pub(crate) address: SocketAddr,
    /// The same from every connection, every time.
    pub(crate) request: &'a [u8],
    /// The body every answer must have: a wrong answer may be a fast one.
    pub(crate) body: &'a [u8],
    pub(crate) connections: usize,
    pub(crate) duration: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) calls_per_second: f64,
    /// Of each call.
    pub(crate) latencies_ms: Vec<f64>,
}

struct Caller {
    stream: TcpStream,
    inbox: Vec<u8>,
    sent: Instant,
}

impl Order<'_> {
    /// Drives the load for its time.
    pub(crate) fn drive(&self) -> Result<Outcome> {
        let mut poll = Poll::new()?;
        let mut callers = (0..self.connections)
            .map(|at| self.connect(&poll, at))
            .collect::<Result<Vec<_>>>()?;
        let mut events = Events::with_capacity(self.connections.max(16));
        let mut latencies_ms = Vec::new();
        let began = Instant::now();
        for caller in &mut callers {
            self.send(caller)?;
        }
        while began.elapsed() < self.duration {
            poll.poll(&mut events, Some(SILENCE_MAX))?;
            if events.is_empty() {
                bail!("no answer for {} s", SILENCE_MAX.as_secs());
            }
            for event in &events {
                let caller = &mut callers[event.token().0];
                if caller.has_answer(self.body)? {
                    latencies_ms.push(ms(caller.sent.elapsed()));
                    self.send(caller)?;
                }
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        // The last ones are taken in, so that the next in line finds the server at rest.
        for caller in &mut callers {
            caller.finish(self.body)?;
        }
        Ok(Outcome {
            calls_per_second: latencies_ms.len() as f64 / seconds,
            latencies_ms,
        })
    }

    fn connect(&self, poll: &Poll, at: usize) -> Result<Caller> {
        let connected = std::net::TcpStream::connect(self.address);
        let stream = connected.with_context(|| format!("connect to {}", self.address))?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(at), Interest::READABLE)?;
        Ok(Caller {
            stream,
            inbox: Vec::with_capacity(CHUNK_BYTES),
            sent: Instant::now(),
        })
    }

    fn send(&self, caller: &mut Caller) -> Result<()> {
        caller.inbox.clear();
        caller.sent = Instant::now();
        // Much smaller than the empty buffer of a socket.
        match caller.stream.write(self.request) {
            Ok(written) if written == self.request.len() => Ok(()),
            Ok(written) => bail!("only {written} bytes of a request were taken"),
            Err(error) => Err(error).context("send a request"),
        }
    }
}

impl Caller {
    /// Reads until there is nothing more to read now; true when the answer is whole.
    fn has_answer(&mut self, expected: &[u8]) -> Result<bool> {
        loop {
            let filled = self.inbox.len();
            self.inbox.resize(filled + CHUNK_BYTES, 0);
            let read = self.stream.read(&mut self.inbox[filled..]);
            self.inbox.truncate(filled + read.as_ref().map_or(0, |read| *read));
            match read {
                Ok(0) => bail!("a connection was closed under load"),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("read an answer"),
            }
            let Some(found) = parse(&self.inbox)? else { continue };
            let body = &self.inbox[found.head_bytes..];
            if found.status != 200 || body != expected {
                bail!("HTTP {} under load: {}", found.status, String::from_utf8_lossy(body));
            }
            return Ok(true);
        }
    }

    fn finish(&mut self, expected: &[u8]) -> Result<()> {
        let deadline = Instant::now() + SILENCE_MAX;
        while !self.has_answer(expected)? {
            if Instant::now() > deadline {
                bail!("no last answer for {} s", SILENCE_MAX.as_secs());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}
