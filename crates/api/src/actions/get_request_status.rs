//! GetRequestStatus: what became of one call (CONTRACT 2.5).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use skiff_domain::{AttemptRecord, Qualifier, RequestId, StatusCode};
use skiff_invoker::RunningCall;
use skiff_observe::{LogQuery, Order, OrderBy};

use super::get_function_logs::{refusal, request_id, window};
use super::{Call, names};
use crate::error::ApiError;
use crate::time;

/// How far back a call is looked for when no time is given (CONTRACT 2.5).
const WINDOW_DEFAULT: SignedDuration = SignedDuration::from_mins(15);
/// Most attempts of one call that are shown. A call has three (CONTRACT 4.6).
const ATTEMPTS_MAX: u32 = 100;
const BYTES_PER_MB: f64 = (1 << 20) as f64;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    function_request_id: Option<String>,
    namespace: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    total_count: u64,
    data: Vec<Entry>,
}

/// `RequestStatus`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    function_name: String,
    ret_msg: String,
    request_id: String,
    start_time: String,
    /// 0 for a success, 1 while it runs, -1 for a failure.
    ret_code: i8,
    /// Milliseconds.
    duration: f64,
    /// MB, where other answers have bytes.
    mem_usage: f64,
    retry_num: u32,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let key = names::key(request.function_name, request.namespace)?;
    let id = request_id(request.function_request_id.as_deref())?;
    let id = id.ok_or_else(|| ApiError::missing("FunctionRequestId"))?;
    let window = match window(request.start_time.as_deref(), request.end_time.as_deref())? {
        (None, None) => (Timestamp::now().checked_sub(WINDOW_DEFAULT).ok(), None),
        given => given,
    };
    let context = call.context;
    let view = context.control.get_function(&key, &Qualifier::latest());
    let function = view.map_err(|error| ApiError::refused(error.code(), &error))?.function;
    // Asked first: what ends meanwhile is among the records then.
    let running = context.invoker.running(id);
    let running = running.filter(|running| running.version.uid == function.uid && is_within(running, window));
    let query = LogQuery {
        namespace: key.namespace.clone(),
        function: Some(key.name.clone()),
        uid: Some(function.uid.clone()),
        qualifier: None,
        request_id: Some(id),
        start: window.0,
        end: window.1,
        outcome: None,
        keyword: None,
        order_by: OrderBy::StartTime,
        order: Order::Asc,
        offset: 0,
        limit: ATTEMPTS_MAX,
    };
    let page = context.logs.query(&query).await.map_err(|error| refusal(&error))?;
    let ended = page.records.iter().map(Entry::of);
    let is_over = |running: &RunningCall| {
        page.records
            .iter()
            .any(|record| record.started_at == running.started_at)
    };
    let running = running.filter(|running| !is_over(running));
    let data: Vec<Entry> = ended
        .chain(running.map(|running| Entry::running(id, &running)))
        .collect();
    Ok(Answer {
        total_count: page.total.max(data.len() as u64),
        data,
    })
}

fn is_within(running: &RunningCall, (start, end): (Option<Timestamp>, Option<Timestamp>)) -> bool {
    start.is_none_or(|start| running.started_at >= start) && end.is_none_or(|end| running.started_at <= end)
}

impl Entry {
    fn of(record: &AttemptRecord) -> Self {
        Self {
            function_name: record.key.name.to_string(),
            ret_msg: String::from_utf8_lossy(&record.ret_msg).into_owned(),
            request_id: record.request_id.to_string(),
            start_time: time::to_text(record.started_at),
            ret_code: if record.status == StatusCode::Success { 0 } else { -1 },
            duration: time::milliseconds(record.duration),
            mem_usage: record.memory_peak_bytes as f64 / BYTES_PER_MB,
            retry_num: record.retry_num,
        }
    }

    fn running(id: RequestId, running: &RunningCall) -> Self {
        Self {
            function_name: running.version.key.name.to_string(),
            ret_msg: String::new(),
            request_id: id.to_string(),
            start_time: time::to_text(running.started_at),
            ret_code: 1,
            duration: 0.0,
            mem_usage: 0.0,
            retry_num: 0,
        }
    }
}
