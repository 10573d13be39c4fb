//! The conversation with a program that listens inside its sandbox and answers the calls of Go's `net/rpc`.

use bytes::{Bytes, BytesMut};
use skiff_domain::Call;
use skiff_runtimes::go::{self, Dialogue, NoReply, Reply};
use skiff_runtimes::wire::Response;
use skiff_sandbox::Inside;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::exchange::NoAnswer;
use crate::knock::knock;

/// Read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// A connection into one sandbox, once there is one.
#[derive(Debug)]
pub(crate) struct Rpc {
    inside: Inside,
    stream: Option<TcpStream>,
    dialogue: Dialogue,
    inbox: BytesMut,
    /// The program has asked to be ended.
    ends: bool,
}

impl Rpc {
    pub(crate) fn new(inside: Inside) -> Self {
        Self {
            inside,
            stream: None,
            dialogue: Dialogue::default(),
            inbox: BytesMut::new(),
            ends: false,
        }
    }

    /// True once the program has asked to be ended.
    pub(crate) fn asks_to_end(&self) -> bool {
        self.ends
    }

    /// Knocks until the program listens, and asks whether it speaks as it should.
    pub(crate) async fn initialise(&mut self) -> Result<(), NoAnswer> {
        let stream = knock(&self.inside, go::ADDRESS).await?;
        self.stream = Some(stream);
        let question = self.dialogue.ping();
        self.converse(&question).await.map(drop)
    }

    /// Runs one event.
    ///
    /// # Cancel safety
    /// Not safe: half of a question may be sent. The program must then be killed.
    pub(crate) async fn ask(&mut self, call: &Call) -> Result<(Response, Bytes), NoAnswer> {
        let timeout = i64::try_from(call.timeout.as_millis()).unwrap_or(i64::MAX);
        let deadline_ms = jiff::Timestamp::now().as_millisecond().saturating_add(timeout);
        let question = self.dialogue.invoke(&call.context, &call.event, deadline_ms);
        match self.converse(&question).await? {
            Reply::Pong => Err(NoAnswer::Garbage("an answer to nothing".to_owned())),
            Reply::Returned(result) => Ok((Response::Wrote, result)),
            Reply::Failed { fault, ends } => {
                self.ends = ends;
                let fault = serde_json::to_vec(&fault).unwrap_or_default();
                Ok((Response::Raised, fault.into()))
            }
        }
    }

    async fn converse(&mut self, question: &[u8]) -> Result<Reply, NoAnswer> {
        let stream = self.stream.as_mut().ok_or(NoAnswer::Closed)?;
        // It may have answered and ended before it read all: what is left to read decides.
        let _ = stream.write_all(question).await;
        loop {
            match self.dialogue.take(&mut self.inbox) {
                Ok(Some(reply)) => {
                    // A large answer's memory goes with the answer, not with the instance.
                    self.inbox = BytesMut::from(&self.inbox[..]);
                    return Ok(reply);
                }
                Ok(None) => {}
                Err(NoReply::TooLarge(bytes)) => return Err(NoAnswer::TooLarge(bytes as u64)),
                Err(wrong) => return Err(NoAnswer::Garbage(wrong.to_string())),
            }
            self.inbox.reserve(CHUNK_BYTES);
            match stream.read_buf(&mut self.inbox).await {
                Ok(0) | Err(_) => return Err(NoAnswer::Closed),
                Ok(_) => {}
            }
        }
    }
}
