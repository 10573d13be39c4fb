//! A question to the log store, and its answer.

use jiff::Timestamp;
use skiff_domain::{AttemptRecord, FunctionName, FunctionUid, NamespaceName, Qualifier, RequestId, StatusCode};

/// How far a search goes: offset and limit together (CONTRACT 2.5, GetFunctionLogs).
pub const REACH_MAX: u32 = 10_000;

/// `Filter.RetCode` of GetFunctionLogs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// `is0`: ended well.
    Is0,
    /// `not0`: ended otherwise.
    Not0,
    /// `TimeLimitExceeded`: ran out of time (433, 450).
    TimeLimitExceeded,
    /// `ResourceLimitExceeded`: a limit of memory, size, concurrency or the machine.
    ResourceLimitExceeded,
    /// `UserCodeException`: the user's code is at fault (430, 437, 439, 443).
    UserCodeException,
}

/// How many classes of outcomes the index counts apart.
pub(crate) const CLASSES: usize = 5;

/// A status's class: 0 ended well, 1 out of time, 2 over a limit, 3 the user's code is at fault, 4 anything else.
/// The numbers are in the index and never change.
pub(crate) fn class(status: StatusCode) -> usize {
    use StatusCode as S;
    match status {
        S::Success => 0,
        S::TimeLimitReached | S::InitTimeout | S::PortBindingFailed => 1,
        S::MemoryLimitReached
        | S::ConcurrencyExceeded
        | S::ScaleUpLimit
        | S::InsufficientResources
        | S::RequestTooLarge
        | S::ResponseTooLarge => 2,
        S::UserException | S::HandlerNotFound | S::ProcessExited | S::UserCodeError | S::ContainerExited => 3,
        S::InvalidEvent
        | S::SocketIdle
        | S::SocketAborted
        | S::FunctionNotFound
        | S::FunctionStatusError
        | S::InitFailed
        | S::Canceled
        | S::InternalError => 4,
    }
}

impl Outcome {
    /// The classes it is made of.
    pub(crate) fn classes(self) -> &'static [usize] {
        match self {
            Self::Is0 => &[0],
            Self::Not0 => &[1, 2, 3, 4],
            Self::TimeLimitExceeded => &[1],
            Self::ResourceLimitExceeded => &[2],
            Self::UserCodeException => &[3],
        }
    }

    /// True for a record that ended so.
    #[must_use]
    pub fn holds(self, status: StatusCode) -> bool {
        self.classes().contains(&class(status))
    }
}

/// What an answer is ordered by. Equal ones are ordered by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrderBy {
    /// The function's name.
    FunctionName,
    /// The run time.
    Duration,
    /// The peak of memory.
    MemUsage,
    /// When the invocation was accepted.
    #[default]
    StartTime,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The smallest or earliest first.
    Asc,
    /// The largest or latest first.
    #[default]
    Desc,
}

/// A question to the log store: every filter that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogQuery {
    /// The namespace.
    pub namespace: NamespaceName,
    /// Only functions of this name.
    pub function: Option<FunctionName>,
    /// Only this function: without it, former functions of the same name are found too.
    pub uid: Option<FunctionUid>,
    /// Only calls that asked for this qualifier, or were run by the version of this number.
    pub qualifier: Option<Qualifier>,
    /// Only this invocation.
    pub request_id: Option<RequestId>,
    /// Only calls accepted at this time or later.
    pub start: Option<Timestamp>,
    /// Only calls accepted at this time or earlier.
    pub end: Option<Timestamp>,
    /// Only calls that ended so.
    pub outcome: Option<Outcome>,
    /// Only calls whose log or result holds this text, letter for letter.
    pub keyword: Option<String>,
    /// What to order by.
    pub order_by: OrderBy,
    /// Which way.
    pub order: Order,
    /// How many of the first ones to leave out.
    pub offset: u32,
    /// How many to return. With the offset at most [`REACH_MAX`].
    pub limit: u32,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogPage {
    /// How many records match in all.
    pub total: u64,
    /// Those asked for. Fewer than the limit when their texts together would be more than 16 MiB: ask again with the
    /// offset behind them.
    pub records: Vec<AttemptRecord>,
}
