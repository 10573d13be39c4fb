//! One question to a runtime and its answer, with the output that comes meanwhile.
//!
//! The other end is the user's code for all we know: nothing it sends is believed, nothing it does makes this wait
//! longer than the deadline.

use std::future::Future;
use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use skiff_domain::limits::RESULT_BYTES_MAX;
use skiff_runtimes::wire::{HEAD_BYTES, Head, Response};
use skiff_sandbox::{Pipes, Sandbox};
use tokio::time::{Instant, sleep_until};

use crate::haste::{QUICK_MAX, Waiting};
use crate::output::Output;

/// Largest body of an answer: a result, or a fault whose traceback is as large.
const BODY_BYTES_MAX: usize = RESULT_BYTES_MAX + 64 * 1024;
/// Read at once, and at least.
const CHUNK_BYTES: usize = 64 * 1024;
const CHUNK_BYTES_MIN: usize = 4 * 1024;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The other end closed its pipes, mostly by ending.
    Closed,
    /// The deadline passed.
    TimedOut,
    /// An answer longer than any may be; its announced length.
    TooLarge(u64),
    /// What came is no answer to what was asked.
    Garbage(String),
}

/// The pipes of one runtime and where the conversation stands.
#[derive(Debug)]
pub(crate) struct Line {
    pipes: Pipes,
    inbox: BytesMut,
    output_closed: bool,
    /// True once the other end has closed its side of the requests.
    is_deaf: bool,
    /// Bytes of the last request that was asked that are in the pipe or were read.
    sent: usize,
    /// Whether the last answer came so fast that the next is waited for awake. Nothing is known before the first, which
    /// is that code was taken.
    is_quick: Option<bool>,
    /// Output since it was last taken.
    pub(crate) output: Output,
}

impl Line {
    pub(crate) fn new(pipes: Pipes) -> Self {
        Self {
            pipes,
            inbox: BytesMut::new(),
            output_closed: false,
            is_deaf: false,
            sent: 0,
            is_quick: None,
            output: Output::default(),
        }
    }

    /// Takes the pipe of the requests from whom it was given to, so that nobody inside can open it once more and put back what
    /// was read: what is there unread was never read. Who boots may open it.
    pub(crate) fn seal(&self) -> io::Result<()> {
        Ok(rustix::fs::fchown(
            &self.pipes.requests,
            Some(rustix::fs::Uid::ROOT),
            Some(rustix::fs::Gid::ROOT),
        )?)
    }

    /// Sends a request, waits for the answer of this sequence and takes in the output until then.
    ///
    /// # Cancel safety
    /// Not safe: a request may be half sent. The runtime must then be killed.
    pub(crate) async fn ask(
        &mut self,
        request: &Bytes,
        sequence: u32,
        deadline: Instant,
    ) -> Result<(Response, Bytes), NoAnswer> {
        if !self.inbox.is_empty() {
            return Err(NoAnswer::Garbage("an answer nobody asked for".to_owned()));
        }
        let waiting = Waiting::begin();
        let begun = Instant::now();
        let mut unsent = request.clone();
        self.sent = 0;
        self.send(&mut unsent);
        if unsent.is_empty() && self.is_quick == Some(true) && Waiting::is_dear(begun.elapsed()) {
            self.hear_at_once(&waiting);
        }
        let answer = self.converse(&mut unsent, sequence, deadline).await;
        // The first tells nothing of those to come.
        self.is_quick = Some(self.is_quick.is_none() || begun.elapsed() < QUICK_MAX);
        self.drain_output();
        answer
    }

    /// Waits for what comes unasked, or as a further answer.
    pub(crate) async fn listen(&mut self, sequence: u32, within: Duration) -> Result<(Response, Bytes), NoAnswer> {
        let answer = self
            .converse(&mut Bytes::new(), sequence, Instant::now() + within)
            .await;
        self.drain_output();
        answer
    }

    /// Waits for something that happens elsewhere, and takes in the output until then.
    ///
    /// # Cancel safety
    /// As safe as what is waited for.
    pub(crate) async fn attend<T>(
        &mut self,
        sandbox: &mut Sandbox,
        deadline: Instant,
        happens: impl Future<Output = T>,
    ) -> Result<T, NoAnswer> {
        let timer = sleep_until(deadline);
        tokio::pin!(timer, happens);
        let happened = loop {
            tokio::select! {
                biased;
                happened = &mut happens => break Ok(happened),
                () = &mut timer => break Err(NoAnswer::TimedOut),
                _ = sandbox.ended() => break Err(NoAnswer::Closed),
                () = self.overhear() => {}
            }
        };
        self.drain_output();
        happened
    }

    /// True once the other end has closed its side, as a process does that ends, before anybody hears of its end.
    pub(crate) fn is_closed(&self) -> bool {
        let mut responses = [PollFd::new(&self.pipes.responses, PollFlags::IN)];
        let looked = poll(&mut responses, Some(&Timespec::default()));
        looked.is_ok() && responses[0].revents().contains(PollFlags::HUP)
    }

    /// Sends what the pipe takes now.
    pub(crate) fn send(&mut self, unsent: &mut Bytes) {
        match rustix::io::write(&self.pipes.requests, unsent) {
            Ok(written) => self.advance(unsent, written),
            // What else fails here fails again where it is waited for.
            Err(error) => self.is_deaf |= error == rustix::io::Errno::PIPE,
        }
    }

    fn advance(&mut self, unsent: &mut Bytes, written: usize) {
        unsent.advance(written);
        self.sent += written;
    }

    /// True where nothing of the last request that was asked has been read: all of it that was sent is in the pipe still,
    /// behind what may be left of those before it. To be asked once nobody can read it any more.
    pub(crate) fn is_unread(&self) -> bool {
        let in_pipe = rustix::io::ioctl_fionread(&self.pipes.requests);
        in_pipe.is_ok_and(|in_pipe| in_pipe >= self.sent as u64)
    }

    /// True once a request could not be sent, as nobody can read it any more.
    pub(crate) fn is_deaf(&self) -> bool {
        self.is_deaf
    }

    /// Takes in the beginning of an answer that comes within microseconds.
    fn hear_at_once(&mut self, waiting: &Waiting) {
        let mut chunk = [0; 4096];
        // The end of the pipe is for those who wait for it.
        let read = waiting.awake(|| match rustix::io::read(&self.pipes.responses, &mut chunk) {
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => None,
            done => Some(done.unwrap_or(0)),
        });
        self.inbox.extend_from_slice(&chunk[..read.unwrap_or(0)]);
    }

    async fn converse(
        &mut self,
        unsent: &mut Bytes,
        sequence: u32,
        deadline: Instant,
    ) -> Result<(Response, Bytes), NoAnswer> {
        let timer = sleep_until(deadline);
        tokio::pin!(timer);
        loop {
            if let Some(answer) = self.take_answer(sequence)? {
                return Ok(answer);
            }
            tokio::select! {
                biased;
                () = &mut timer => return Err(NoAnswer::TimedOut),
                stepped = self.step(unsent) => stepped?,
            }
        }
    }

    /// Waits until something can be sent, or something comes, and does that.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn step(&mut self, unsent: &mut Bytes) -> Result<(), NoAnswer> {
        tokio::select! {
            biased;
            writable = self.pipes.requests.writable(), if !unsent.is_empty() => {
                writable.map_err(|_| NoAnswer::Closed)?;
                match self.pipes.requests.try_write(unsent) {
                    Ok(written) => self.advance(unsent, written),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    // It may have answered and ended before it read all: what is left to read decides.
                    Err(_) => {
                        self.is_deaf = true;
                        unsent.clear();
                    }
                }
            }
            readable = self.pipes.responses.readable() => {
                readable.map_err(|_| NoAnswer::Closed)?;
                self.inbox.reserve(self.wanted());
                match self.pipes.responses.try_read_buf(&mut self.inbox) {
                    Ok(0) => return Err(NoAnswer::Closed),
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return Err(NoAnswer::Closed),
                }
            }
            readable = self.pipes.output.readable(), if !self.output_closed => {
                self.output_closed = readable.is_err() || !self.read_output();
            }
        }
        Ok(())
    }

    /// Waits for output and takes in one chunk of it. Never ends once there can be none.
    ///
    /// # Cancel safety
    /// Safe.
    pub(crate) async fn overhear(&mut self) {
        if self.output_closed {
            return std::future::pending().await;
        }
        let readable = self.pipes.output.readable().await;
        self.output_closed = readable.is_err() || !self.read_output();
    }

    /// Waits until the other end speaks unasked, or closes its side.
    ///
    /// # Cancel safety
    /// What was said may be lost.
    pub(crate) async fn unasked(&mut self) {
        while self.inbox.is_empty() && self.pipes.responses.readable().await.is_ok() {
            match self.pipes.responses.try_read_buf(&mut self.inbox) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Room for what comes next: an instance that answers little keeps little.
    fn wanted(&self) -> usize {
        let announced = self
            .inbox
            .first_chunk::<HEAD_BYTES>()
            .map_or(0, |head| Head::from_bytes(*head).length as usize);
        announced
            .saturating_sub(self.inbox.len())
            .clamp(CHUNK_BYTES_MIN, CHUNK_BYTES)
    }

    /// Takes in one chunk of output. False at its end.
    fn read_output(&mut self) -> bool {
        let mut chunk = [0; 8192];
        match self.pipes.output.try_read(&mut chunk) {
            Ok(0) => false,
            Ok(read) => {
                self.output.push(&chunk[..read]);
                true
            }
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }

    /// The answer at the head of the inbox, once it is whole.
    fn take_answer(&mut self, sequence: u32) -> Result<Option<(Response, Bytes)>, NoAnswer> {
        let frame = self.take_frame(|other| {
            if other == sequence {
                Ok(())
            } else {
                Err(format!("the answer to {other} instead of {sequence}"))
            }
        })?;
        Ok(frame.map(|(kind, _, body)| (kind, body)))
    }

    /// The frame at the head of the inbox, once it is whole, with its sequence. `check` says what is wrong with that.
    pub(crate) fn take_frame(
        &mut self,
        check: impl FnOnce(u32) -> Result<(), String>,
    ) -> Result<Option<(Response, u32, Bytes)>, NoAnswer> {
        let Some(head) = self.inbox.first_chunk::<HEAD_BYTES>() else {
            return Ok(None);
        };
        let head = Head::from_bytes(*head);
        let kind = Response::try_from(head.kind)
            .map_err(|()| NoAnswer::Garbage(format!("an answer of unknown kind {}", head.kind)))?;
        check(head.sequence).map_err(NoAnswer::Garbage)?;
        let length = head.length as usize;
        if length > BODY_BYTES_MAX {
            return Err(NoAnswer::TooLarge(u64::from(head.length)));
        }
        if self.inbox.len() < HEAD_BYTES + length {
            return Ok(None);
        }
        self.inbox.advance(HEAD_BYTES);
        let body = self.inbox.split_to(length).freeze();
        if length > CHUNK_BYTES || self.inbox.is_empty() {
            // An answer's memory goes with the answer, not with the instance.
            self.inbox = BytesMut::from(&self.inbox[..]);
        }
        Ok(Some((kind, head.sequence, body)))
    }

    /// Takes in what was written before the answer: it is in the pipe already, whether or not the runtime's reactor
    /// has noticed.
    pub(crate) fn drain_output(&mut self) {
        let mut chunk = [0; 8192];
        // A process that never stops writing must not keep us here.
        let mut left = CHUNK_BYTES;
        while left > 0 {
            match rustix::io::read(&self.pipes.output, &mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(read) => {
                    self.output.push(&chunk[..read]);
                    left = left.saturating_sub(read);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
