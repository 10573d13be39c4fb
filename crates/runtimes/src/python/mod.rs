//! `CPython` 3: which versions the host has, and what a root file system with one is made of.

use std::fs;
use std::path::{Path, PathBuf};

use skiff_domain::RuntimeName;
use skiff_sandbox::{Bind, Boot, Command, Link, Template, TextFile};

use crate::Manifest;
use crate::host;

/// The zygote and the runtime it forks.
const BOOTSTRAP: &str = include_str!("bootstrap.py");
/// A function every instance runs on itself before code comes.
const WARM: &str = include_str!("warm.py");
/// Where distributions install interpreters.
const INTERPRETERS: &str = "/usr/bin";
/// The oldest `CPython` 3 the bootstrap is written for.
pub(crate) const MINOR_MIN: u32 = 8;

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
    let root = Path::new("/");
    let mut template = host::base(root);
    template.binds.extend(host::bind(root, "/etc/mime.types"));
    Manifest {
        name,
        source: format!("host:{}", interpreter.display()),
        bytes: None,
        compiles: true,
        template: install(template, interpreter, None),
    }
}

/// Puts an interpreter's own files into a root that has its libraries. Gives back where they are inside.
pub(crate) fn place(template: &mut Template, minor: u32, files: &Path) -> PathBuf {
    // As the contract names the folder of 3.7 (CONTRACT 1.4).
    let folder = PathBuf::from(format!("/var/lang/python3{minor}"));
    template.binds.push(Bind {
        source: files.to_owned(),
        target: folder.clone(),
    });
    folder
}

/// Makes a root with an interpreter, here its path inside, a runtime. `libraries` is where the interpreter's own are that
/// the loader would not find.
pub(crate) fn install(mut template: Template, interpreter: &Path, libraries: Option<&Path>) -> Template {
    // The contract's own path for it (CONTRACT 1.4).
    template.links.push(Link {
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
    template.boot = Boot::Fork(Command {
        argv: [
            &*interpreter.to_string_lossy(),
            // Isolated and without `site`: the distribution's packages and hooks are its own.
            "-I",
            "-S",
            "-X",
            "utf8",
            "/var/runtime/python/bootstrap.py",
        ]
        .map(str::to_owned)
        .to_vec(),
        // The loader reads this once, when the interpreter starts (CONTRACT 1.3).
        environment: vec![match libraries {
            None => "LD_LIBRARY_PATH=/var/user:/opt".to_owned(),
            Some(folder) => format!("LD_LIBRARY_PATH=/var/user:/opt:{}", folder.display()),
        }],
    });
    template
}
