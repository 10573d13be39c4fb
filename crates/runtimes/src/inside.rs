//! The other end of the pipes, for what Skiff's own program does in a sandbox: it reads a frame, and answers.

use std::fs::File;
use std::io::{self, Read, Write};

use crate::wire::{HEAD_BYTES, Head, Response};

/// The pipes, as a sandbox has them.
#[derive(Debug)]
pub struct Inside {
    /// What the server asks.
    pub requests: File,
    /// What it is answered.
    pub responses: File,
}

impl Inside {
    /// The next request. Its length is believed: it comes from the server.
    pub fn read(&mut self) -> io::Result<(Head, Vec<u8>)> {
        let mut head = [0; HEAD_BYTES];
        self.requests.read_exact(&mut head)?;
        let head = Head::from_bytes(head);
        let mut body = vec![0; head.length as usize];
        self.requests.read_exact(&mut body)?;
        Ok((head, body))
    }

    /// Answers the request of this sequence.
    pub fn answer(&mut self, kind: Response, sequence: u32, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let head = [length, kind as u32, sequence].map(u32::to_le_bytes);
        self.responses.write_all(&[head.as_flattened(), body].concat())
    }

    /// Hands over a file that was compiled, in pieces of what a frame may hold.
    pub fn compiled(&mut self, sequence: u32, path: &str, content: &[u8]) -> io::Result<()> {
        let length = u32::try_from(path.len()).map_err(io::Error::other)?;
        for piece in content.chunks(PIECE_BYTES) {
            let body = [&length.to_le_bytes(), path.as_bytes(), piece].concat();
            self.answer(Response::Compiled, sequence, &body)?;
        }
        Ok(())
    }
}

/// Compiled code goes over in pieces of this size: an answer is at most as long as a result.
const PIECE_BYTES: usize = 1 << 20;
