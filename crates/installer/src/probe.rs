//! Asks an interpreter for its version, which also shows that it runs on this machine.

use std::path::Path;
use std::process::Command;

use skiff_domain::RuntimeName;
use skiff_runtimes::{Family, Root};

use crate::error::AddError;

/// The version of the interpreter among these files, e.g. `18.15.0`.
pub(crate) fn version(files: &Path, name: &RuntimeName, root: Root, inside: &str) -> Result<String, AddError> {
    let program = files.join(inside.trim_start_matches('/'));
    let mut command = match root {
        Root::Interpreter => Command::new(&program),
        // With its own libraries, which may be older or newer than this machine's.
        Root::System => {
            // As nobody: it may be a stranger's.
            let mut command = Command::new("chroot");
            command
                .args(["--userspec=65534:65534", "--groups="])
                .arg(files)
                .arg(inside);
            command
        }
    };
    let does_not_run = |reason: String| AddError::DoesNotRun {
        program: program.clone(),
        reason,
    };
    // Java 8 has no other, and every Java says its version beside the output, as for errors.
    let is_java = matches!(Family::of(name), Family::Java { .. });
    // The search path is for `chroot` alone.
    let command = command
        .arg(if is_java { "-version" } else { "--version" })
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    if is_java && root == Root::System {
        // There is no `/proc` by which it would find them beside itself.
        let home = inside.trim_end_matches("/bin/java");
        let folders = ["lib", "lib/jli", "lib/amd64/jli", "lib/aarch64/jli"].map(|folder| format!("{home}/{folder}"));
        command.env("LD_LIBRARY_PATH", folders.join(":"));
    }
    let output = command.output().map_err(|error| does_not_run(error.to_string()))?;
    // Python 2.7 says it on the other stream.
    let said = [&output.stdout, &output.stderr].map(|stream| String::from_utf8_lossy(stream).trim().to_owned());
    let said = said.into_iter().find(|said| !said.is_empty()).unwrap_or_default();
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(does_not_run(format!("{}: {why}", output.status)));
    }
    if is_java {
        // `openjdk version "17.0.15" 2025-04-15`
        let said = String::from_utf8_lossy(&output.stderr);
        let version = said.split('"').nth(1).map(str::to_owned);
        return version.ok_or_else(|| does_not_run(format!("it does not say its version: {}", said.trim())));
    }
    // `v18.15.0`, `Python 3.11.2`, `PHP 8.2.28 (cli) (built: …`.
    let said = said
        .trim_start_matches("Python ")
        .trim_start_matches("PHP ")
        .trim_start_matches('v');
    Ok(said.split_whitespace().next().unwrap_or_default().to_owned())
}
