//! `CPython` 3 as the host has it: which versions there are, and what their root file system is made of.

use std::fs;
use std::path::{Path, PathBuf};

use skiff_domain::RuntimeName;
use skiff_sandbox::{Boot, Command, TextFile};

use crate::Manifest;
use crate::host::{self, bind};

/// The zygote and the runtime it forks.
const BOOTSTRAP: &str = include_str!("bootstrap.py");
/// A function every instance runs on itself before code comes.
const WARM: &str = include_str!("warm.py");
/// Where distributions install interpreters.
const INTERPRETERS: &str = "/usr/bin";
/// The oldest `CPython` 3 the bootstrap is written for.
const MINOR_MIN: u32 = 8;

/// Every `CPython` 3 of the host's distribution, newest first.
#[must_use]
pub fn of_the_host() -> Vec<Manifest> {
    let mut found: Vec<(u32, Manifest)> = fs::read_dir(INTERPRETERS)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let minor = entry.file_name().to_str()?.strip_prefix("python3.")?.parse().ok()?;
            let name: RuntimeName = format!("Python3.{minor}").parse().ok()?;
            (minor >= MINOR_MIN).then(|| (minor, manifest(name, &entry.path())))
        })
        .collect();
    found.sort_by_key(|(minor, _)| std::cmp::Reverse(*minor));
    found.into_iter().map(|(_, manifest)| manifest).collect()
}

fn manifest(name: RuntimeName, interpreter: &Path) -> Manifest {
    let mut template = host::base();
    // The contract's own path for it (CONTRACT 1.4).
    template.links.push(skiff_sandbox::Link {
        path: PathBuf::from("/var/lang/python3/bin/python3"),
        target: interpreter.to_owned(),
    });
    template.files.extend([
        TextFile {
            path: "/var/runtime/python/bootstrap.py".into(),
            text: BOOTSTRAP.to_owned(),
        },
        TextFile {
            path: "/var/runtime/python/warm/skiff_warm.py".into(),
            text: WARM.to_owned(),
        },
    ]);
    template.binds.extend(bind("/etc/mime.types"));
    template.boot = Boot::Fork(Command {
        argv: [
            &*interpreter.to_string_lossy(),
            // Isolated and without `site`: the host's packages and hooks are the host's.
            "-I",
            "-S",
            "-X",
            "utf8",
            "/var/runtime/python/bootstrap.py",
        ]
        .map(str::to_owned)
        .to_vec(),
        // The loader reads this once, when the interpreter starts (CONTRACT 1.3).
        environment: vec!["LD_LIBRARY_PATH=/var/user:/opt".to_owned()],
    });
    Manifest {
        name,
        source: format!("host:{}", interpreter.display()),
        template,
    }
}
