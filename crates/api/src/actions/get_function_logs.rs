//! GetFunctionLogs: the logs and results of past calls (CONTRACT 2.5, 5.1).

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use skiff_control_plane::{Function, ListFunctions};
use skiff_domain::{AttemptRecord, FunctionKey, NamespaceName, Qualifier, RequestId, StatusCode};
use skiff_observe::{LogQuery, Order, OrderBy, Outcome, QueryError};

use super::{Call, names};
use crate::error::ApiError;
use crate::time;

/// Records returned when no limit is given (CONTRACT 2.5).
const LIMIT_DEFAULT: i64 = 20;
/// `Offset + Limit` at most (CONTRACT 2.5).
const REACH_MAX: i64 = 10_000;
/// `StartTime` and `EndTime` are at most this far from each other (CONTRACT 2.5).
const WINDOW_MAX: SignedDuration = SignedDuration::from_hours(24);
/// Times are given in whole seconds; the last one counts to its end.
const SECOND_END: Duration = Duration::from_nanos(999_999_999);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    function_name: Option<String>,
    offset: Option<i64>,
    limit: Option<i64>,
    order: Option<String>,
    order_by: Option<String>,
    filter: Option<LogFilter>,
    namespace: Option<String>,
    qualifier: Option<String>,
    function_request_id: Option<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    search_context: Option<SearchContext>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct LogFilter {
    ret_code: Option<String>,
}

/// Where a search goes on, and what for. Its offset and limit stand in for the outer ones.
#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase", default)]
struct SearchContext {
    offset: Option<String>,
    limit: Option<i64>,
    keyword: Option<String>,
    r#type: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer {
    total_count: u64,
    data: Vec<FunctionLog>,
    search_context: SearchContext,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct FunctionLog {
    function_name: String,
    ret_msg: String,
    request_id: String,
    start_time: String,
    /// 0 for a success, else the status code (CONTRACT 2.5: "others failed").
    ret_code: u16,
    /// 1: it is over.
    invoke_finished: u8,
    /// Milliseconds.
    duration: f64,
    /// Milliseconds.
    bill_duration: u64,
    /// Bytes.
    mem_usage: u64,
    log: String,
    level: &'static str,
    source: &'static str,
    retry_num: u32,
}

pub(super) async fn run(mut call: Call<'_>) -> Result<Answer, ApiError> {
    let request: Request = call.parameters.parse()?;
    let search = request.search_context.unwrap_or_default();
    check_type(search.r#type.as_deref())?;
    let (offset, limit) = reach(request.offset, request.limit, &search)?;
    let (start, end) = window(request.start_time.as_deref(), request.end_time.as_deref())?;
    let namespace = names::namespace(request.namespace)?;
    let function = function(&call, request.function_name, &namespace)?;
    let query = LogQuery {
        uid: function.as_ref().map(|function| function.uid.clone()),
        function: function.map(|function| function.key.name.clone()),
        namespace,
        qualifier: names::optional_qualifier(request.qualifier)?,
        request_id: request_id(request.function_request_id.as_deref())?,
        start,
        end,
        outcome: outcome(request.filter.and_then(|filter| filter.ret_code).as_deref())?,
        keyword: search.keyword.clone().filter(|keyword| !keyword.is_empty()),
        order_by: order_by(request.order_by.as_deref())?,
        order: order(request.order.as_deref())?,
        offset,
        limit,
    };
    let page = call.context.logs.query(&query).await.map_err(|error| refusal(&error))?;
    let next = u64::from(offset) + page.records.len() as u64;
    Ok(Answer {
        total_count: page.total,
        data: page.records.into_iter().map(FunctionLog::of).collect(),
        search_context: SearchContext {
            offset: Some(next.to_string()),
            limit: Some(i64::from(limit)),
            ..search
        },
    })
}

pub(super) fn refusal(error: &QueryError) -> ApiError {
    match error {
        QueryError::TooFar => ApiError::refused("LimitExceeded.Offset", error),
        QueryError::Closed | QueryError::Io(_) | QueryError::Store(_) | QueryError::Blob(_) => {
            ApiError::refused("InternalError.System", error)
        }
    }
}

/// Which part of the records is wanted.
fn reach(offset: Option<i64>, limit: Option<i64>, search: &SearchContext) -> Result<(u32, u32), ApiError> {
    let continued = search.offset.as_deref().filter(|text| !text.is_empty());
    let continued = continued.map(|text| {
        text.parse::<i64>().map_err(|_| {
            ApiError::new(
                "InvalidParameterValue.Offset",
                "SearchContext.Offset is not valid: give the one of the last answer",
            )
        })
    });
    let offset = continued.transpose()?.or(offset).unwrap_or(0);
    let limit = search.limit.or(limit).unwrap_or(LIMIT_DEFAULT);
    let invalid = |code, field| ApiError::new(code, format!("{field} is not valid: use 0 to {REACH_MAX}"));
    if offset < 0 {
        return Err(invalid("InvalidParameterValue.Offset", "Offset"));
    }
    if limit < 0 {
        return Err(invalid("InvalidParameterValue.Limit", "Limit"));
    }
    let too_far = || {
        ApiError::new(
            "LimitExceeded.Offset",
            format!("Offset + Limit is more than {REACH_MAX}"),
        )
    };
    if offset.saturating_add(limit) > REACH_MAX {
        return Err(too_far());
    }
    Ok((
        u32::try_from(offset).map_err(|_| too_far())?,
        u32::try_from(limit).map_err(|_| too_far())?,
    ))
}

/// From when to when. One end alone means a day; none means everything that is kept.
pub(super) fn window(
    start: Option<&str>,
    end: Option<&str>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), ApiError> {
    let read = |given: Option<&str>, field| {
        let text = given.filter(|text| !text.is_empty());
        text.map(|text| {
            time::from_text(text).ok_or_else(|| {
                ApiError::new(
                    "InvalidParameterValue.DateTime",
                    format!("{field} is not valid: write YYYY-MM-DD HH:MM:SS in UTC+8"),
                )
            })
        })
        .transpose()
    };
    let invalid = |what| ApiError::new("InvalidParameterValue.StartTimeOrEndTime", what);
    let beyond = |_| invalid("StartTime or EndTime is out of range");
    let (start, end) = match (read(start, "StartTime")?, read(end, "EndTime")?) {
        (None, None) => return Ok((None, None)),
        (Some(start), None) => (start, start.checked_add(WINDOW_MAX).map_err(beyond)?),
        (None, Some(end)) => (end.checked_sub(WINDOW_MAX).map_err(beyond)?, end),
        (Some(start), Some(end)) => (start, end),
    };
    if start > end {
        return Err(invalid("StartTime is later than EndTime"));
    }
    if end.duration_since(start) > WINDOW_MAX {
        return Err(invalid("StartTime and EndTime are more than a day apart"));
    }
    Ok((Some(start), Some(end.checked_add(SECOND_END).map_err(beyond)?)))
}

fn outcome(given: Option<&str>) -> Result<Option<Outcome>, ApiError> {
    let text = given.unwrap_or_default();
    let known = [
        ("is0", Outcome::Is0),
        ("not0", Outcome::Not0),
        ("TimeLimitExceeded", Outcome::TimeLimitExceeded),
        ("ResourceLimitExceeded", Outcome::ResourceLimitExceeded),
        ("UserCodeException", Outcome::UserCodeException),
    ];
    match known.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
        Some((_, outcome)) => Ok(Some(outcome)),
        None if text.is_empty() => Ok(None),
        None => Err(ApiError::new(
            "InvalidParameterValue.RetCode",
            "Filter.RetCode is not valid: use is0, not0, TimeLimitExceeded, ResourceLimitExceeded or UserCodeException",
        )),
    }
}

/// `acs` is how the documentation of 2018 writes `asc`.
fn order(given: Option<&str>) -> Result<Order, ApiError> {
    match given.unwrap_or_default().to_ascii_lowercase().as_str() {
        "" | "desc" => Ok(Order::Desc),
        "asc" | "acs" => Ok(Order::Asc),
        _ => Err(ApiError::new(
            "InvalidParameterValue.Order",
            "Order is not valid: use asc or desc",
        )),
    }
}

/// The names of today and those of 2018.
fn order_by(given: Option<&str>) -> Result<OrderBy, ApiError> {
    match given.unwrap_or_default().to_ascii_lowercase().replace('_', "").as_str() {
        "" | "starttime" => Ok(OrderBy::StartTime),
        "functionname" => Ok(OrderBy::FunctionName),
        "duration" => Ok(OrderBy::Duration),
        "memusage" => Ok(OrderBy::MemUsage),
        _ => Err(ApiError::new(
            "InvalidParameterValue.OrderBy",
            "OrderBy is not valid: use function_name, duration, mem_usage or start_time",
        )),
    }
}

pub(super) fn request_id(given: Option<&str>) -> Result<Option<RequestId>, ApiError> {
    let text = given.filter(|text| !text.is_empty());
    text.map(|text| {
        text.parse()
            .map_err(|error| ApiError::name("InvalidParameterValue.FunctionRequestId", &error))
    })
    .transpose()
}

/// Function and platform lines are one log here, as they are one text in every answer.
fn check_type(given: Option<&str>) -> Result<(), ApiError> {
    match given.unwrap_or_default() {
        "" => Ok(()),
        application if application.eq_ignore_ascii_case("Application") => Ok(()),
        _ => Err(ApiError::new(
            "UnsupportedOperation",
            "SearchContext.Type is not served: use Application",
        )),
    }
}

/// The function whose logs are wanted, if they are of one: as it is now, not a former one of the same name.
fn function(
    call: &Call<'_>,
    given: Option<String>,
    namespace: &NamespaceName,
) -> Result<Option<Arc<Function>>, ApiError> {
    let control = &call.context.control;
    let Some(name) = given.filter(|name| !name.is_empty()) else {
        // Asked for what it says of a namespace that does not exist.
        let any = ListFunctions {
            namespace: Some(namespace.clone()),
            ..ListFunctions::default()
        };
        let listed = control.list_functions(&any);
        return listed
            .map(|_| None)
            .map_err(|error| ApiError::refused(error.code(), &error));
    };
    let key = FunctionKey {
        namespace: namespace.clone(),
        name: names::function(Some(name), "FunctionName")?,
    };
    let view = control.get_function(&key, &Qualifier::latest());
    view.map(|view| Some(view.function))
        .map_err(|error| ApiError::refused(error.code(), &error))
}

impl FunctionLog {
    fn of(record: AttemptRecord) -> Self {
        let succeeded = record.status == StatusCode::Success;
        Self {
            function_name: record.key.name.into(),
            ret_msg: String::from_utf8_lossy(&record.ret_msg).into_owned(),
            request_id: record.request_id.to_string(),
            start_time: time::to_text(record.started_at),
            ret_code: if succeeded { 0 } else { record.status.code() },
            invoke_finished: 1,
            duration: time::milliseconds(record.duration),
            bill_duration: record.billed_ms,
            mem_usage: record.memory_peak_bytes,
            log: String::from_utf8_lossy(&record.log).into_owned(),
            level: if succeeded { "INFO" } else { "ERROR" },
            source: "Application",
            retry_num: record.retry_num,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        time::from_text(text)
    }

    #[test]
    fn a_window_is_a_day_at_most_and_its_last_second_counts_to_the_end() {
        let (start, end) = window(Some("2018-01-16 08:00:00"), Some("2018-01-16 09:00:00")).unwrap();
        assert_eq!(start, at("2018-01-16 08:00:00"));
        assert!(end > at("2018-01-16 09:00:00") && end < at("2018-01-16 09:00:01"));
        assert_eq!(window(None, None).unwrap(), (None, None));
        assert_eq!(
            window(Some("2018-01-16 08:00:00"), None)
                .unwrap()
                .1
                .map(time::to_text)
                .as_deref(),
            Some("2018-01-17 08:00:00")
        );
        assert_eq!(
            window(None, Some("2018-01-16 08:00:00")).unwrap().0,
            at("2018-01-15 08:00:00")
        );
        for (start, end, code) in [
            (
                "2018-01-16 08:00:00",
                "2018-01-17 08:00:01",
                "InvalidParameterValue.StartTimeOrEndTime",
            ),
            (
                "2018-01-16 08:00:01",
                "2018-01-16 08:00:00",
                "InvalidParameterValue.StartTimeOrEndTime",
            ),
            ("yesterday", "2018-01-16 08:00:00", "InvalidParameterValue.DateTime"),
            ("2018-01-16 08:00:00", "2018-01-16", "InvalidParameterValue.DateTime"),
        ] {
            assert_eq!(
                window(Some(start), Some(end)).unwrap_err().code,
                code,
                "{start} to {end}"
            );
        }
        assert!(window(Some("9999-12-31 23:59:59"), None).is_err());
    }

    #[test]
    fn offset_and_limit_reach_10000_records_far() {
        let search = |offset: &str, limit| SearchContext {
            offset: Some(offset.to_owned()),
            limit,
            ..SearchContext::default()
        };
        let none = SearchContext::default();
        for (offset, limit, search, reached) in [
            (None, None, &none, Ok((0, 20))),
            (Some(0), Some(1000), &none, Ok((0, 1000))),
            (Some(9980), None, &none, Ok((9980, 20))),
            (Some(5), Some(5), &search("40", Some(10)), Ok((40, 10))),
            (Some(9981), None, &none, Err("LimitExceeded.Offset")),
            (Some(i64::MAX), Some(i64::MAX), &none, Err("LimitExceeded.Offset")),
            (Some(-1), None, &none, Err("InvalidParameterValue.Offset")),
            (None, Some(-1), &none, Err("InvalidParameterValue.Limit")),
            (None, None, &search("next", None), Err("InvalidParameterValue.Offset")),
        ] {
            assert_eq!(
                reach(offset, limit, search).map_err(|error| error.code.into_owned()),
                reached.map_err(str::to_owned)
            );
        }
    }

    #[test]
    fn words_of_2018_and_of_today_are_understood() {
        assert_eq!(order(Some("acs")).unwrap(), Order::Asc);
        assert_eq!(order(None).unwrap(), Order::Desc);
        assert_eq!(order_by(Some("memUsage")).unwrap(), OrderBy::MemUsage);
        assert_eq!(order_by(Some("mem_usage")).unwrap(), OrderBy::MemUsage);
        assert_eq!(outcome(Some("not0")).unwrap(), Some(Outcome::Not0));
        assert_eq!(outcome(None).unwrap(), None);
        assert_eq!(order(Some("up")).unwrap_err().code, "InvalidParameterValue.Order");
        assert_eq!(
            order_by(Some("name")).unwrap_err().code,
            "InvalidParameterValue.OrderBy"
        );
        assert_eq!(outcome(Some("1")).unwrap_err().code, "InvalidParameterValue.RetCode");
    }
}
