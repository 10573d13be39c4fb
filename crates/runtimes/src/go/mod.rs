//! Go: programs of the published library, which answer `net/rpc` at a port of their sandbox (CONTRACT 1.8).
//!
//! What is said to them, and what they say; the worker connects.

mod gob;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bytes::{Buf, Bytes, BytesMut};
use serde::Deserialize;
use skiff_domain::limits::RESULT_BYTES_MAX;
use skiff_domain::{UserFault, Version};

use crate::load::Variable;
use gob::{NoGob, Reader, Value, Writer, builtin, describe};

/// Where a program listens: the port of the contract's environment.
pub const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 28902);
/// Largest message: a result and what is around it.
const MESSAGE_BYTES_MAX: usize = RESULT_BYTES_MAX + 64 * 1024;

/// Folders of what stands around a handler on the stack.
const PLATFORM: [&str; 4] = ["runtime/", "reflect/", "net/rpc/", "cloudfunction/"];

/// Numbers of the types as we describe them.
const REQUEST: i64 = builtin::FIRST;
const PING: i64 = builtin::FIRST + 1;
const INVOKE: i64 = builtin::FIRST + 2;
const TIMESTAMP: i64 = builtin::FIRST + 3;

/// What the library reads of its environment.
pub(crate) fn environment(version: &Version) -> Vec<Variable<'_>> {
    vec![
        ("_LAMBDA_SERVER_PORT", Cow::Owned(ADDRESS.port().to_string())),
        ("FUNCTION_NAME", Cow::Borrowed(version.key.name.as_str())),
        ("FUNCTION_VERSION", Cow::Borrowed(version.label.as_str())),
        ("FUNCTION_MEMORY_SIZE", Cow::Owned(version.memory_mb.to_string())),
    ]
}

/// One conversation with one program.
#[derive(Debug, Default)]
pub struct Dialogue {
    sequence: u64,
    reader: Reader,
    /// The head of the reply whose body comes next.
    head: Option<Value>,
}

/// What a program says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is there.
    Pong,
    /// The result.
    Returned(Bytes),
    /// The handler failed.
    Failed {
        /// How.
        fault: UserFault,
        /// The program wants to be ended: its handler panicked.
        ends: bool,
    },
}

/// Why something is no reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoReply {
    /// It is no gob.
    #[error(transparent)]
    Gob(#[from] Wrong),
    /// It is larger than any reply; its announced length.
    #[error("a message of {0} bytes")]
    TooLarge(usize),
    /// The library has no such service.
    #[error("it answers calls of net/rpc with {0:?}: it must call cloudfunction.Start")]
    NoService(String),
    /// Nobody asked.
    #[error("the answer to {found} instead of {asked}")]
    OtherSequence {
        /// What it says it answers.
        found: u64,
        /// What was asked.
        asked: u64,
    },
}

/// What is wrong with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct Wrong(NoGob);

impl From<NoGob> for NoReply {
    fn from(wrong: NoGob) -> Self {
        Self::Gob(Wrong(wrong))
    }
}

/// The context, as the contract writes it (CONTRACT 1.2).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Context<'a> {
    #[serde(borrow)]
    request_id: Cow<'a, str>,
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    function_name: Cow<'a, str>,
    #[serde(borrow)]
    function_version: Cow<'a, str>,
    memory_limit_in_mb: i64,
    time_limit_in_ms: i64,
    #[serde(borrow)]
    environment: Cow<'a, str>,
    #[serde(borrow)]
    tencentcloud_region: Cow<'a, str>,
    #[serde(borrow)]
    tencentcloud_appid: Cow<'a, str>,
    #[serde(borrow)]
    tencentcloud_uin: Cow<'a, str>,
}

impl Dialogue {
    /// Asks whether the program is there. The first question of a conversation.
    pub fn ping(&mut self) -> Vec<u8> {
        let mut message = Vec::new();
        describe(
            REQUEST,
            "Request",
            &[("ServiceMethod", builtin::STRING), ("Seq", builtin::UINT)],
            &mut message,
        );
        self.ask("Function.Ping", &mut message);
        describe(PING, "PingRequest", &[], &mut message);
        let mut body = Writer::behind(&mut message);
        body.int(PING);
        body.end();
        body.finish();
        describe(
            TIMESTAMP,
            "InvokeRequest_Timestamp",
            &[("Seconds", builtin::INT), ("Nanos", builtin::INT)],
            &mut message,
        );
        message
    }

    /// Hands an event over. `deadline` is in milliseconds of the epoch.
    pub fn invoke(&mut self, said: &[u8], event: &[u8], deadline_ms: i64) -> Vec<u8> {
        let context: Context<'_> = serde_json::from_slice(said).unwrap_or_default();
        let mut message = Vec::with_capacity(event.len() + said.len() + 2048);
        self.ask("Function.Invoke", &mut message);
        let fields = [
            ("Payload", Field::Bytes(event)),
            ("RequestId", Field::Bytes(context.request_id.as_bytes())),
            ("Deadline", Field::Time(deadline_ms)),
            ("Namespace", Field::Bytes(context.namespace.as_bytes())),
            ("FunctionName", Field::Bytes(context.function_name.as_bytes())),
            ("FunctionVersion", Field::Bytes(context.function_version.as_bytes())),
            ("MemoryLimitInMb", Field::Int(context.memory_limit_in_mb)),
            ("TimeLimitInMs", Field::Int(context.time_limit_in_ms)),
            ("Environment", Field::Bytes(context.environment.as_bytes())),
            (
                "TencentcloudRegion",
                Field::Bytes(context.tencentcloud_region.as_bytes()),
            ),
            ("TencentcloudAppID", Field::Bytes(context.tencentcloud_appid.as_bytes())),
            ("TencentcloudUin", Field::Bytes(context.tencentcloud_uin.as_bytes())),
        ];
        // The first invocation follows the ping.
        if self.sequence == 2 {
            let described = fields.each_ref().map(|(name, field)| (*name, field.of(name)));
            describe(INVOKE, "InvokeRequest", &described, &mut message);
        }
        let mut body = Writer::behind(&mut message);
        body.int(INVOKE);
        let mut skip = 0;
        for (_, field) in &fields {
            skip += 1;
            if field.write(skip, &mut body) {
                skip = 0;
            }
        }
        body.end();
        body.finish();
        message
    }

    fn ask(&mut self, method: &str, to: &mut Vec<u8>) {
        self.sequence += 1;
        let mut head = Writer::behind(to);
        head.int(REQUEST);
        head.skip(1).bytes(method.as_bytes());
        head.skip(1).uint(self.sequence);
        head.end();
        head.finish();
    }

    /// The reply at the head of what was received, once it is whole.
    pub fn take(&mut self, received: &mut BytesMut) -> Result<Option<Reply>, NoReply> {
        while let Some((head, length)) = Reader::length(received)? {
            if length > MESSAGE_BYTES_MAX {
                return Err(NoReply::TooLarge(length));
            }
            if received.len() < head + length {
                return Ok(None);
            }
            received.advance(head);
            let Some(value) = self.reader.read(received.split_to(length).freeze())? else {
                continue;
            };
            match self.head.take() {
                None => self.head = Some(value),
                Some(head) => return self.reply(&head, &value).map(Some),
            }
        }
        Ok(None)
    }

    fn reply(&self, head: &Value, body: &Value) -> Result<Reply, NoReply> {
        let found = match head.field("Seq") {
            Some(Value::Uint(found)) => *found,
            _ => 0,
        };
        if found != self.sequence {
            return Err(NoReply::OtherSequence {
                found,
                asked: self.sequence,
            });
        }
        if let Some(error) = head.field("Error") {
            return Err(NoReply::NoService(text(Some(error))));
        }
        if self.sequence == 1 {
            return Ok(Reply::Pong);
        }
        Ok(match body.field("Error") {
            None => Reply::Returned(body.field("Payload").map(Value::bytes).unwrap_or_default()),
            Some(error) => Reply::Failed {
                fault: fault(error),
                ends: error.field("ShouldExit") == Some(&Value::Uint(1)),
            },
        })
    }
}

/// A field of an invocation.
enum Field<'a> {
    Bytes(&'a [u8]),
    Int(i64),
    /// Milliseconds of the epoch.
    Time(i64),
}

impl Field<'_> {
    fn of(&self, name: &str) -> i64 {
        match self {
            Self::Bytes(_) if name == "Payload" => builtin::BYTES,
            Self::Bytes(_) => builtin::STRING,
            Self::Int(_) => builtin::INT,
            Self::Time(_) => TIMESTAMP,
        }
    }

    /// Writes a field, which gob does only with those that are not zero. False where it did not.
    fn write(&self, skip: u64, to: &mut Writer<'_>) -> bool {
        match self {
            Self::Bytes([]) => return false,
            Self::Int(0) => return false,
            Self::Bytes(bytes) => to.skip(skip).bytes(bytes),
            Self::Int(value) => to.skip(skip).int(*value),
            Self::Time(milliseconds) => {
                to.skip(skip);
                let parts = [milliseconds / 1000, milliseconds % 1000 * 1_000_000];
                let mut skip = 0;
                for part in parts {
                    skip += 1;
                    if part != 0 {
                        to.skip(skip).int(part);
                        skip = 0;
                    }
                }
                to.end();
            }
        }
        true
    }
}

fn text(value: Option<&Value>) -> String {
    let bytes = value.map(Value::bytes).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An error as the library reports it, in the words of Go's own traces.
fn fault(error: &Value) -> UserFault {
    let message = text(error.field("Message"));
    let frames = match error.field("StackTrace") {
        Some(Value::List(frames)) => frames.as_slice(),
        _ => &[],
    };
    if frames.is_empty() {
        // A plain error: its type tells its reader nothing.
        return UserFault {
            message,
            stack_trace: String::new(),
        };
    }
    let mut stack_trace = format!("panic: {message}");
    for frame in frames {
        let line = match frame.field("Line") {
            Some(Value::Int(line)) => *line,
            _ => 0,
        };
        let (label, path) = (text(frame.field("Label")), text(frame.field("Path")));
        // What calls the handler, and what catches its panic, is not the user's.
        if PLATFORM.iter().any(|folder| path.contains(folder)) {
            continue;
        }
        stack_trace.push_str(&format!("\n    {label} ({path}:{line})"));
    }
    UserFault { message, stack_trace }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_says_what_the_package_would_write() {
        let mut dialogue = Dialogue::default();
        let ping = dialogue.ping();
        let mut received = Bytes::from(ping);
        let (mut reader, mut values) = (Reader::default(), Vec::new());
        while let Some((head, length)) = Reader::length(&received).expect("gob") {
            received.advance(head);
            values.extend(reader.read(received.split_to(length)).expect("gob"));
        }
        assert_eq!(text(values[0].field("ServiceMethod")), "Function.Ping");
        assert_eq!(values[0].field("Seq"), Some(&Value::Uint(1)));
        assert_eq!(values[1], Value::Struct(Vec::new()));
    }

    #[test]
    fn an_answer_nobody_asked_for_is_no_reply() {
        let mut dialogue = Dialogue::default();
        dialogue.ping();
        // What we write ourselves reads as a reply to the second question.
        let mut other = Dialogue::default();
        other.ping();
        let mut received = BytesMut::from(&other.ping()[..]);
        let wrong = dialogue.take(&mut received);
        assert_eq!(wrong, Err(NoReply::OtherSequence { found: 2, asked: 1 }));
    }
}
