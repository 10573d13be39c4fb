//! Waiting until a created or updated function serves: the control plane answers at once and works on.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::error::CliError;

/// How often to ask, as the official clients do (CONTRACT 2.1: every 200 to 500 ms), sooner at first.
const POLL: Duration = Duration::from_millis(200);
const POLL_FIRST: Duration = Duration::from_millis(10);
/// Longer than any creation takes.
const WAIT_MAX: Duration = Duration::from_secs(120);

/// Waits until a function is active and returns what GetFunction says of it.
pub(super) fn wait(client: &Client, name: &str, namespace: &str) -> Result<Value, CliError> {
    let started = Instant::now();
    let mut pause = POLL_FIRST;
    loop {
        let function = client.call("GetFunction", &json!({"FunctionName": name, "Namespace": namespace}))?;
        let status = function["Status"].as_str().unwrap_or_default();
        if status == "Active" {
            return Ok(function);
        }
        if status.ends_with("Failed") {
            let reasons = function["StatusReasons"].as_array().into_iter().flatten();
            let reasons: Vec<_> = reasons.filter_map(|reason| reason["ErrorMessage"].as_str()).collect();
            let reason = match reasons.is_empty() {
                true => function["StatusDesc"].as_str().unwrap_or("no reason given").to_owned(),
                false => reasons.join("; "),
            };
            return Err(CliError::NotActive {
                name: name.to_owned(),
                status: status.to_owned(),
                reason,
            });
        }
        if started.elapsed() > WAIT_MAX {
            let status = status.to_owned();
            return Err(CliError::StillBusy {
                name: name.to_owned(),
                status,
                waited: started.elapsed(),
            });
        }
        thread::sleep(pause);
        pause = (pause * 2).min(POLL);
    }
}
