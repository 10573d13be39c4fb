//! `skiff top`: a live table of what is running, from the server's `GET /status.json`.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::client::Client;
use crate::console::{Console, Format, text};
use crate::error::CliError;

/// Clears the screen and goes to its first place.
const REDRAW: &str = "\x1b[H\x1b[2J";

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
        loop {
            let status = client.get("/status.json")?;
            if console.format == Format::Json {
                return Ok(console.json(&status)?);
            }
            if live {
                console.print(REDRAW)?;
            }
            let table = view(console, &status);
            console.print(format_args!("{table}\n"))?;
            if !live {
                return Ok(());
            }
            console.flush()?;
            thread::sleep(Duration::from_secs_f64(self.interval));
        }
    }
}

/// The whole screen.
fn view(console: &Console, status: &Value) -> String {
    let functions: Vec<&Value> = status["functions"].as_array().into_iter().flatten().collect();
    let sum = |field: &str| {
        functions
            .iter()
            .filter_map(|function| function[field].as_u64())
            .sum::<u64>()
    };
    let uptime = Duration::from_secs(status["uptimeSeconds"].as_u64().unwrap_or_default());
    let header = format!(
        "skiff {}, up {}; {} running, {} waiting, {} idle",
        text(status, "version"),
        age(uptime),
        sum("running"),
        sum("waiting"),
        sum("idle"),
    );
    if functions.is_empty() {
        return format!("{header}\n\nno function has an instance");
    }
    let columns = [
        "NAMESPACE",
        "NAME",
        "VERSION",
        "RUNTIME",
        "MEMORY",
        "RUNNING",
        "WAITING",
        "IDLE",
    ];
    let table = console.table(
        &columns,
        functions.iter().map(|function| {
            let mut row = ["namespace", "name", "version", "runtime"]
                .map(|field| text(function, field))
                .to_vec();
            row.push(format!("{} MB", text(function, "memoryMb")));
            row.extend(["running", "waiting", "idle"].map(|field| text(function, field)));
            row
        }),
    );
    format!("{header}\n\n{table}")
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
    use super::*;

    #[test]
    fn an_age_shows_its_two_largest_units() {
        for (seconds, shown) in [(5, "5 s"), (65, "1 min 5 s"), (3660, "1 h 1 min"), (90_000, "1 d 1 h")] {
            assert_eq!(age(Duration::from_secs(seconds)), shown);
        }
    }
}
