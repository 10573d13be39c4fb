//! The bare interpreter, and the bare process: started and waited for, with nothing around them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use skiff_runtimes::Manifest;
use skiff_sandbox::Boot;

/// The interpreter that the server under test uses for `Python3`.
pub(crate) fn of_the_server() -> Result<(Manifest, PathBuf)> {
    let manifest = skiff_runtimes::host_pythons()
        .into_iter()
        .next()
        .context("this host has no CPython 3")?;
    let program = match &manifest.template.boot {
        Boot::Fork(command) | Boot::Exec(command) => command.argv.first().map(PathBuf::from),
        Boot::Wait(_) => None,
    };
    let program = program.context("a runtime without a program")?;
    Ok((manifest, program))
}

/// `python3 -I -S -c pass`, from its spawn to its end.
pub(crate) fn pass(python: &Path) -> Result<Duration> {
    run(Command::new(python).args(["-I", "-S", "-c", "pass"]))
}

/// A program with these arguments, from its spawn to its end.
pub(crate) fn program(program: &Path, arguments: &[&str]) -> Result<Duration> {
    run(Command::new(program).args(arguments))
}

/// `/bin/true`, from its spawn to its end.
pub(crate) fn nothing() -> Result<Duration> {
    run(&mut Command::new("/bin/true"))
}

/// Without anything to do between fork and exec the standard library spawns and does not fork.
fn run(command: &mut Command) -> Result<Duration> {
    command.env_clear().stdin(Stdio::null());
    let began = Instant::now();
    let status = command.spawn().with_context(|| format!("start {command:?}"))?.wait()?;
    let elapsed = began.elapsed();
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(elapsed)
}
