//! The stem cell of programs: waits for an order to load, and becomes what it names.
//!
//! Runs in the sandbox, behind all walls, in a copy of the zygote: one thread, no environment, and nothing of the server's
//! but its program text.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::Deserialize;
use skiff_domain::UserFault;
use skiff_sandbox::{CODE_TARGET, Command, Waiting, become_program};

use crate::inside::Inside;
use crate::wire::{Request, Response};

/// What it is called in a template.
pub const TASK: &str = "program";

/// What is read of [`crate::Load`].
#[derive(Debug, Deserialize)]
struct Order {
    program: String,
    environment: Vec<(String, String)>,
}

/// Waits for the order and becomes the program. Comes back where it cannot, having said why: a
/// [`skiff_sandbox::Waiter`].
pub fn wait(waiting: Waiting) {
    // Whoever waits at the other end sees the pipe close when something is wrong with it.
    let _ = serve(waiting);
}

fn serve(waiting: Waiting) -> io::Result<()> {
    let mut inside = Inside {
        requests: waiting.requests,
        responses: waiting.responses,
    };
    inside.answer(Response::Ready, 0, &[])?;
    if waiting.warm {
        // There is nothing to warm.
        inside.answer(Response::Warm, 0, &[])?;
    }
    let (head, body) = inside.read()?;
    if head.kind != Request::Load as u32 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let order: Order = serde_json::from_slice(&body)?;
    // Returns only when it failed.
    std::env::set_current_dir(CODE_TARGET)?;
    let environment = order.environment.iter();
    let error = become_program(&Command {
        argv: vec![order.program.clone()],
        environment: environment.map(|(key, value)| format!("{key}={value}")).collect(),
    });
    let (kind, message) = failure(&order.program, &error);
    let fault = UserFault {
        message,
        stack_trace: String::new(),
    };
    inside.answer(kind, head.sequence, &serde_json::to_vec(&fault)?)
}

/// Why a program of the package could not be executed, for its author.
fn failure(program: &str, error: &io::Error) -> (Response, String) {
    let path = Path::new(program);
    let file = path.strip_prefix(CODE_TARGET).unwrap_or(path).display();
    let Ok(metadata) = std::fs::metadata(path) else {
        return (Response::NoHandler, format!("the package has no file {file}"));
    };
    let why = if !metadata.is_file() {
        "it is not a file".to_owned()
    } else if metadata.permissions().mode() & 0o111 == 0 {
        "it is not executable: give it mode 755 in the package".to_owned()
    } else {
        match error.kind() {
            io::ErrorKind::NotFound => {
                "its interpreter or loader is not there: look at its first line, which must begin with #! and an \
                 absolute path and end with a line feed alone"
                    .to_owned()
            }
            io::ErrorKind::ExecutableFileBusy => "it is being written".to_owned(),
            // What `ENOEXEC` is called has no stable name.
            _ if error.raw_os_error() == Some(8) => {
                "it is no program of this machine: a script must begin with #! and its interpreter".to_owned()
            }
            _ => error.to_string(),
        }
    };
    (Response::Unfit, format!("{file} cannot be executed: {why}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn who_wrote_a_program_that_cannot_be_executed_is_told_why() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bootstrap");
        let program = path.to_str().expect("text");
        let check = |text: Option<&str>, mode: u32| {
            let _ = fs::remove_file(&path);
            if let Some(text) = text {
                fs::write(&path, text).expect("a file");
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
            }
            failure(
                program,
                &become_program(&Command {
                    argv: vec![program.to_owned()],
                    environment: Vec::new(),
                }),
            )
        };
        let (kind, message) = check(None, 0);
        assert_eq!(kind, Response::NoHandler, "{message}");
        for (text, mode, why) in [
            ("#!/bin/sh\n", 0o644, "mode 755"),
            ("#!/bin/sh\r\n", 0o755, "line feed alone"),
            ("#!/no/such\n", 0o755, "interpreter or loader is not there"),
            ("echo hello\n", 0o755, "no program of this machine"),
        ] {
            let (kind, message) = check(Some(text), mode);
            assert_eq!(kind, Response::Unfit, "{message}");
            assert!(message.contains(why), "{message}");
        }
    }
}
