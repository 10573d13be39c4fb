//! What the worker and a runtime say to each other over a pair of pipes: frames, one after another.
//!
//! A frame is a head of three little-endian words (length of the body, kind, sequence) and the body. A runtime
//! answers a frame with one of the same sequence, so that an answer nobody asked for is told from one that was.
//! The server trusts none of it: what the other side sends is the user's code speaking, for all it knows.

use bytes::{BufMut, Bytes, BytesMut};

/// Bytes of a frame's head.
pub const HEAD_BYTES: usize = 12;

/// Descriptor of the requests, inside.
pub const REQUESTS_FD: i32 = 3;
/// Descriptor of the responses, inside.
pub const RESPONSES_FD: i32 = 4;

/// What the worker asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Request {
    /// Take this code and initialise it; body: [`crate::Load`] as JSON, or none after [`Request::Prepare`].
    Load = 1,
    /// Run one event; body: the context's length as a word, the context, the event.
    Invoke = 2,
    /// Compile the sources of `/var/user`; no body.
    Compile = 3,
    /// Wait to be kept as you are, with your code initialised; no body.
    Keep = 4,
    /// Become what was kept. The body is that of [`Request::Load`], and so is the answer.
    Restore = 5,
    /// Go on as a child of your own: what is kept later must have another process id than what becomes it, since that is
    /// how libraries tell a fork. No body; answered with [`Response::Ready`].
    Fork = 6,
    /// Take the order to load, before the code is there. The body is that of [`Request::Load`]; not answered.
    Prepare = 7,
}

/// What a runtime answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Response {
    /// Booted; all walls stand. Sequence 0, or that of [`Request::Fork`].
    Ready = 1,
    /// Warm: nothing is left to do before code comes. Sequence 0.
    Warm = 2,
    /// The code is initialised; body: microseconds the user's own code took, as text.
    Loaded = 3,
    /// It could not be; body: a fault. The file or function is missing.
    NoHandler = 4,
    /// It could not be; body: a fault. The code raised while loading.
    LoadFailed = 5,
    /// The result's JSON text.
    Returned = 6,
    /// The handler raised, or its result cannot be JSON; body: a fault.
    Raised = 7,
    /// The result is too large; body: its size as text.
    TooLarge = 8,
    /// A compiled file, or a part of one that the next continues; body: the path's length as a word, the path, the content.
    Compiled = 9,
    /// Nothing more to compile; no body.
    CompileDone = 10,
    /// The program of the package cannot be executed; body: a fault.
    Unfit = 11,
    /// As [`Response::Raised`], by a process that ends with it.
    RaisedLast = 12,
    /// What the event of this sequence has written, before its answer; body: that. Of a runtime that runs several at once.
    Output = 13,
    /// It waits to be kept; no body.
    Kept = 14,
    /// The result's text, whatever the program made it: not JSON of a bootstrap's.
    Wrote = 15,
}

impl TryFrom<u32> for Response {
    type Error = ();
    fn try_from(kind: u32) -> Result<Self, ()> {
        const ALL: [Response; 15] = [
            Response::Ready,
            Response::Warm,
            Response::Loaded,
            Response::NoHandler,
            Response::LoadFailed,
            Response::Returned,
            Response::Raised,
            Response::TooLarge,
            Response::Compiled,
            Response::CompileDone,
            Response::Unfit,
            Response::RaisedLast,
            Response::Output,
            Response::Kept,
            Response::Wrote,
        ];
        ALL.into_iter().find(|response| *response as u32 == kind).ok_or(())
    }
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the body.
    pub length: u32,
    /// A [`Request`] or [`Response`], unchecked.
    pub kind: u32,
    /// Which question this is, or is the answer to.
    pub sequence: u32,
}

impl Head {
    /// Reads a head.
    #[must_use]
    pub fn from_bytes(bytes: [u8; HEAD_BYTES]) -> Self {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Self {
            length: word(0),
            kind: word(4),
            sequence: word(8),
        }
    }
}

/// A whole request in one buffer. `None` when the parts are longer than a frame can say.
#[must_use]
pub fn request(kind: Request, sequence: u32, parts: &[&[u8]]) -> Option<Bytes> {
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut frame = BytesMut::with_capacity(HEAD_BYTES + length);
    frame.put_u32_le(u32::try_from(length).ok()?);
    frame.put_u32_le(kind as u32);
    frame.put_u32_le(sequence);
    parts.iter().for_each(|part| frame.put_slice(part));
    Some(frame.freeze())
}

/// The request to run one event.
#[must_use]
pub fn invoke(sequence: u32, context: &[u8], event: &[u8]) -> Option<Bytes> {
    let length = u32::try_from(context.len()).ok()?.to_le_bytes();
    request(Request::Invoke, sequence, &[&length, context, event])
}

/// Path and content of a [`Response::Compiled`] body; `None` where it is none.
#[must_use]
pub fn compiled(mut body: Bytes) -> Option<(String, Bytes)> {
    let length = u32::from_le_bytes(body.get(..4)?.try_into().ok()?) as usize;
    let content = body.split_off(4_usize.checked_add(length).filter(|end| *end <= body.len())?);
    String::from_utf8(body.get(4..)?.to_vec())
        .ok()
        .map(|path| (path, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_its_length_kind_and_sequence() {
        let frame = invoke(7, b"{}", b"null").expect("short");
        let (head, body) = frame.split_at(HEAD_BYTES);
        let head = Head::from_bytes(head.try_into().expect("12 bytes"));
        assert_eq!(
            head,
            Head {
                length: 10,
                kind: Request::Invoke as u32,
                sequence: 7
            }
        );
        assert_eq!(body, b"\x02\0\0\0{}null");
    }

    #[test]
    fn a_kind_nobody_knows_is_no_response() {
        assert_eq!(Response::try_from(6), Ok(Response::Returned));
        assert!(Response::try_from(0).is_err() && Response::try_from(16).is_err());
    }

    #[test]
    fn a_compiled_file_that_lies_about_its_length_is_none() {
        assert_eq!(
            compiled(Bytes::from_static(b"\x01\0\0\0axy")),
            Some(("a".to_owned(), Bytes::from_static(b"xy")))
        );
        for bad in [&b""[..], b"\x01\0\0", b"\x02\0\0\0a", b"\xff\xff\xff\xffa"] {
            assert_eq!(compiled(Bytes::copy_from_slice(bad)), None);
        }
    }
}
