//! Programs of the user's machine.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a short question to a program is answered with, in one line; nothing where it cannot be asked.
pub(super) fn ask(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let output = output.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a command line in a folder; an error is all it said.
pub(super) fn run(command: &[OsString], folder: &Path) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("there is no program to run")?;
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Err(format!("{}{}", text(&output.stdout), text(&output.stderr)))
}
