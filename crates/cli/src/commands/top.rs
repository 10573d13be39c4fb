//! `skiff top`: a live table of what is running, from the server's `GET /status.json`.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::Client;
use crate::console::{Console, Format, text};
use crate::error::CliError;

/// Counters are since the server's start.
const COLUMNS: [&str; 15] = [
    "NAMESPACE",
    "NAME",
    "VERSION",
    "RUNTIME",
    "MEMORY",
    "RUNNING",
    "WAITING",
    "BUSY",
    "IDLE",
    "CALLS",
    "CALLS/S",
    "ERRORS",
    "THROTTLED",
    "COLD",
    "BILLED/CALL",
];

/// What a narrow terminal does without, first things first.
const SPARE: [&str; 9] = [
    "VERSION",
    "BUSY",
    "COLD",
    "THROTTLED",
    "MEMORY",
    "RUNTIME",
    "BILLED/CALL",
    "NAMESPACE",
    "ERRORS",
];

/// Arguments of `skiff top`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Seconds between two looks
    #[arg(long, short = 'i', default_value_t = 1.0, value_parser = seconds, value_name = "SECONDS")]
    interval: f64,
    /// Look once and end; so does output that is no terminal
    #[arg(long)]
    once: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: Result<f64, _> = text.parse();
    seconds
        .ok()
        .filter(|seconds| (0.1..=3600.0).contains(seconds))
        .ok_or_else(|| "use 0.1 to 3600 seconds".to_owned())
}

impl Args {
    pub(super) fn run(&self, client: &Client, console: &mut Console) -> Result<(), CliError> {
        let live = console.terminal && !self.once && console.format == Format::Table;
        let mut before = None;
        loop {
            let status = client.get("/status.json")?;
            if console.format == Format::Json {
                return Ok(console.json(&status)?);
            }
            if live {
                console.clear()?;
            }
            let now = Look::at(&status, Instant::now());
            let table = view(console, &status, &now, before.as_ref());
            console.print(format_args!("{table}\n"))?;
            if !live {
                return Ok(());
            }
            console.flush()?;
            thread::sleep(Duration::from_secs_f64(self.interval));
            before = Some(now);
        }
    }
}

/// The counters of one look, for the rates between two.
struct Look {
    at: Instant,
    /// Calls by namespace and name.
    calls: HashMap<(String, String), u64>,
}

impl Look {
    fn at(status: &Value, at: Instant) -> Self {
        let calls = |function| (name(function), function["calls"].as_u64().unwrap_or_default());
        Self {
            at,
            calls: functions(status).map(calls).collect(),
        }
    }

    /// Calls a second since an earlier look. A counter that fell began anew.
    fn rate(&self, before: &Self, function: &Value) -> f64 {
        let count = |look: &Self| look.calls.get(&name(function)).copied().unwrap_or_default();
        let seconds = self.at.duration_since(before.at).as_secs_f64().max(0.001);
        count(self).saturating_sub(count(before)) as f64 / seconds
    }
}

fn functions(status: &Value) -> impl Iterator<Item = &Value> {
    status["functions"].as_array().into_iter().flatten()
}

fn name(function: &Value) -> (String, String) {
    (text(function, "namespace"), text(function, "name"))
}

/// The whole screen.
fn view(console: &Console, status: &Value, now: &Look, before: Option<&Look>) -> String {
    let sum = |field: &str| {
        functions(status)
            .filter_map(|function| function[field].as_u64())
            .sum::<u64>()
    };
    let ready = status["stemCells"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|cells| cells["ready"].as_u64());
    let uptime = Duration::from_secs(status["uptimeSeconds"].as_u64().unwrap_or_default());
    let header = format!(
        "skiff {}, up {}; {} running, {} waiting, {} idle, {} stem cells ready",
        text(status, "version"),
        age(uptime),
        sum("running"),
        sum("waiting"),
        sum("idle"),
        ready.sum::<u64>(),
    );
    if functions(status).next().is_none() {
        return format!("{header}\n\nno function was called yet");
    }
    let row = |function| {
        let mut row = ["namespace", "name", "version", "runtime"]
            .map(|field| text(function, field))
            .to_vec();
        row.push(
            function["memoryMb"]
                .as_u64()
                .map_or_else(String::new, |mb| format!("{mb} MB")),
        );
        row.extend(["running", "waiting", "busy", "idle", "calls"].map(|field| text(function, field)));
        row.push(before.map_or_else(String::new, |before| format!("{:.1}", now.rate(before, function))));
        row.extend(["errors", "throttles", "coldStarts"].map(|field| text(function, field)));
        row.push(match (function["billedMs"].as_u64(), function["calls"].as_u64()) {
            (Some(billed), Some(calls @ 1..)) => format!("{:.1} ms", billed as f64 / calls as f64),
            _ => String::new(),
        });
        row
    };
    format!(
        "{header}\n\n{}",
        console.table(&COLUMNS, &SPARE, functions(status).map(row))
    )
}

/// A duration for people: its two largest units.
fn age(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rate_is_of_the_calls_between_two_looks_and_never_negative() {
        let status = |calls: u64| json!({"functions": [{"namespace": "default", "name": "hello", "calls": calls}]});
        let start = Instant::now();
        let look = |calls, seconds| Look::at(&status(calls), start + Duration::from_secs(seconds));
        let function = &status(0)["functions"][0];
        assert_eq!(look(30, 2).rate(&look(10, 0), function), 10.0);
        assert_eq!(
            look(3, 2).rate(&look(10, 0), function),
            0.0,
            "the server was started again"
        );
    }

    #[test]
    fn an_age_shows_its_two_largest_units() {
        for (seconds, shown) in [(5, "5 s"), (65, "1 min 5 s"), (3660, "1 h 1 min"), (90_000, "1 d 1 h")] {
            assert_eq!(age(Duration::from_secs(seconds)), shown);
        }
    }
}
