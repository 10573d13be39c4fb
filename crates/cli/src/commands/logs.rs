//! `skiff logs`: what a function's calls wrote, oldest first; with `-f` also what they write from now on.

mod follow;
mod since;
mod window;

use std::borrow::Cow;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use skiff_domain::StatusCode;

use self::follow::Follow;
use self::window::windows;
use super::InNamespace;
use crate::client::Client;
use crate::console::{Console, Format, text};
use crate::error::CliError;

/// Calls shown when no limit is given.
const LIMIT_DEFAULT: usize = 100;
/// Most calls asked for at a time.
const PAGE: usize = 100;
/// Offset and limit together (CONTRACT 2.5).
const REACH: usize = 10_000;
/// How the platform's line about an error begins and goes on.
const ERROR: &str = "ERROR RequestId:";
const RESULT: &str = " Result:";
/// How often to ask for more.
const POLL: Duration = Duration::from_secs(1);

/// Arguments of `skiff logs`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function
    name: String,
    #[command(flatten)]
    namespace: InNamespace,
    /// Go on with new calls, each when it has ended, until interrupted
    #[arg(long, short)]
    follow: bool,
    /// Calls since then: an age such as 10m, 2h or 3d, or a time as shown (UTC+8), or in RFC 3339
    #[arg(long, default_value = "1d", value_name = "AGE|TIME")]
    since: String,
    /// The newest so many calls
    #[arg(long, default_value_t = LIMIT_DEFAULT, value_name = "CALLS", value_parser = some)]
    limit: usize,
    /// This call only
    #[arg(long, value_name = "ID")]
    request_id: Option<String>,
    /// Calls that ended like this only: ok, failed, timeout, limit or exception
    #[arg(long, value_enum, value_name = "STATUS", hide_possible_values = true)]
    status: Option<Status>,
    /// Calls of this version only
    #[arg(long, value_name = "VERSION")]
    qualifier: Option<String>,
}

/// How a call ended, as the API filters it (CONTRACT 2.5).
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Status {
    /// Returned
    Ok,
    /// Did not return
    Failed,
    /// Ran out of time
    Timeout,
    /// Reached its memory or another limit
    Limit,
    /// Raised an exception
    Exception,
}

impl Status {
    fn ret_code(self) -> &'static str {
        match self {
            Self::Ok => "is0",
            Self::Failed => "not0",
            Self::Timeout => "TimeLimitExceeded",
            Self::Limit => "ResourceLimitExceeded",
            Self::Exception => "UserCodeException",
        }
    }
}

fn some(text: &str) -> Result<usize, &'static str> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or("give a number of calls, at least 1")
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let now = Timestamp::now();
        let since = since::parse(&self.since, now)?;
        let mut follow = Follow::new(now);
        let page = |window, offset| self.page(client, window, offset, PAGE);
        if self.follow {
            // What is there already is no news, whether the limit lets it be shown or not.
            follow.news(now, page)?;
        }
        let calls = self.newest(client, since, now)?;
        if calls.is_empty() {
            console.say(self.nothing())?;
        }
        for call in calls {
            follow.remember(&call);
            show(console, &call)?;
        }
        if !self.follow {
            return Ok(());
        }
        loop {
            console.flush()?;
            thread::sleep(POLL);
            for call in follow.news(Timestamp::now(), page)? {
                show(console, &call)?;
            }
        }
    }

    /// That there is nothing to show, and of what: an empty answer can be a mistyped filter.
    fn nothing(&self) -> String {
        let with =
            |name: &str, value: Option<&str>| value.map_or_else(String::new, |value| format!(", {name} {value}"));
        let status = self
            .status
            .and_then(|status| clap::ValueEnum::to_possible_value(&status));
        format!(
            "no calls of {} since {}{}{}{}; a call appears when it has ended",
            self.name,
            self.since,
            with("request id", self.request_id.as_deref()),
            with("qualifier", self.qualifier.as_deref()),
            with("status", status.as_ref().map(clap::builder::PossibleValue::get_name)),
        )
    }

    /// The newest calls since then, oldest first. The API answers a day at a time, so days are asked for newest first.
    fn newest(&self, client: &Client, since: Timestamp, now: Timestamp) -> Result<Vec<Value>, CliError> {
        let mut found: Vec<Value> = Vec::new();
        for window in windows(since, now) {
            let mut offset = 0;
            while found.len() < self.limit && offset < REACH {
                let limit = PAGE.min(self.limit - found.len()).min(REACH - offset);
                let page = self.page(client, window, offset, limit)?;
                let next = page.next(offset);
                found.extend(page.calls);
                match next {
                    Some(next) => offset = next,
                    None => break,
                }
            }
        }
        found.reverse();
        Ok(found)
    }

    /// Calls of a window, newest first.
    fn page(
        &self,
        client: &Client,
        (start, end): (Timestamp, Timestamp),
        offset: usize,
        limit: usize,
    ) -> Result<Page, CliError> {
        let mut params = json!({
            "FunctionName": self.name,
            "StartTime": since::shown(start),
            "EndTime": since::shown(end),
            "Offset": offset,
            "Limit": limit,
            "Order": "desc",
            "OrderBy": "start_time",
        });
        self.namespace.add_to(&mut params);
        if let Some(id) = &self.request_id {
            params["FunctionRequestId"] = json!(id);
        }
        if let Some(qualifier) = &self.qualifier {
            params["Qualifier"] = json!(qualifier);
        }
        if let Some(status) = self.status {
            params["Filter"] = json!({"RetCode": status.ret_code()});
        }
        Ok(Page::of(client.call("GetFunctionLogs", &params)?))
    }
}

/// Some calls of a window, and how many it has. A page of long logs has fewer calls than were asked for, so that only
/// the count tells the last one.
struct Page {
    calls: Vec<Value>,
    total: usize,
}

impl Page {
    fn of(mut answer: Value) -> Self {
        let calls = match answer["Data"].take() {
            Value::Array(calls) => calls,
            _ => Vec::new(),
        };
        let total = answer["TotalCount"].as_u64().unwrap_or_default();
        Self {
            calls,
            total: usize::try_from(total).unwrap_or(usize::MAX),
        }
    }

    /// Where the page after this one begins, if there is one.
    fn next(&self, offset: usize) -> Option<usize> {
        let next = offset + self.calls.len();
        (!self.calls.is_empty() && next < self.total).then_some(next)
    }
}

/// One call: a line of its own, then its log as it is. Programs get one JSON object a line.
fn show(console: &mut Console, call: &Value) -> Result<(), CliError> {
    if console.format == Format::Json {
        return Ok(console.json_line(call)?);
    }
    // 0, or the status code of what went wrong; 2 and 3 are states of calls that are not over (CONTRACT 2.5).
    let ended = match call["RetCode"].as_u64() {
        Some(0) => "ok".to_owned(),
        Some(2) => "running".to_owned(),
        Some(3) => "interrupted".to_owned(),
        code => {
            let status = code.and_then(|code| StatusCode::try_from(u16::try_from(code).ok()?).ok());
            status.map_or_else(|| "failed".to_owned(), |status| status.to_string())
        }
    };
    let (start, id) = (text(call, "StartTime"), text(call, "RequestId"));
    let log = readable(call["Log"].as_str().unwrap_or_default().trim_end());
    Ok(console.print(format_args!(
        "==> {start} UTC+8 {id} {ended}, {} ms\n{log}\n",
        text(call, "Duration")
    ))?)
}

/// A log for people: the platform's line about an error, which is JSON, as its message and its traceback.
fn readable(log: &str) -> Cow<'_, str> {
    if !log.contains(ERROR) {
        return Cow::Borrowed(log);
    }
    let lines = log.split('\n');
    let lines = lines.map(|line| error_line(line).map_or(Cow::Borrowed(line), Cow::Owned));
    Cow::Owned(lines.collect::<Vec<_>>().join("\n"))
}

fn error_line(line: &str) -> Option<String> {
    let (id, result) = line.strip_prefix(ERROR)?.split_once(RESULT)?;
    let error: Value = serde_json::from_str(result).ok()?;
    let message = error["errorMessage"].as_str()?;
    let trace = error["stackTrace"].as_str().unwrap_or_default();
    let trace = trace.trim_end().lines().map(|line| format!("\n  {line}"));
    Some(format!("{ERROR}{id} {message}{}", trace.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_shown_with_its_traceback_and_all_else_as_it_is() {
        let log = "START RequestId: a\nERROR RequestId: mine\nERROR RequestId:a Result:{\"errorMessage\":\"user code exception caught\",\"stackTrace\":\"Traceback\\n  boom\"}\nEND RequestId: a";
        let shown = "START RequestId: a\nERROR RequestId: mine\nERROR RequestId:a user code exception caught\n  Traceback\n    boom\nEND RequestId: a";
        assert_eq!(readable(log), shown);
        for other in ["", "ERROR RequestId:a Result:{", "hello\nERROR RequestId:"] {
            assert_eq!(readable(other), other);
        }
    }
}
