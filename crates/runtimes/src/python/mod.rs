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
pub(crate) const MINOR_MIN: u32 = 6;

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
            (minor >= MINOR_MIN).then(|| (minor, manifest(name, minor, &entry.path())))
        })
        .collect();
    found.sort_by_key(|(minor, _)| std::cmp::Reverse(*minor));
    found.into_iter().map(|(_, manifest)| manifest).collect()
}

fn manifest(name: RuntimeName, minor: u32, interpreter: &Path) -> Manifest {
    let root = Path::new("/");
    let mut template = host::base(root);
    template.binds.extend(host::bind(root, "/etc/mime.types"));
    link(&mut template, minor, interpreter);
    Manifest {
        name,
        source: format!("host:{}", interpreter.display()),
        bytes: None,
        compiles: true,
        template: install(template, minor, interpreter, None),
    }
}

/// As the contract names the folder of 3.7 (CONTRACT 1.4).
fn folder(minor: u32) -> PathBuf {
    PathBuf::from(format!("/var/lang/python3{minor}"))
}

/// Names an interpreter of the root's own by the contract's path.
pub(crate) fn link(template: &mut Template, minor: u32, interpreter: &Path) {
    template.links.push(Link {
        path: folder(minor).join("bin/python3"),
        target: interpreter.to_owned(),
    });
}

/// Puts an interpreter's own files into a root that has its libraries. Gives back where they are inside.
pub(crate) fn place(template: &mut Template, minor: u32, files: &Path) -> PathBuf {
    let folder = folder(minor);
    template.binds.push(Bind {
        source: files.to_owned(),
        target: folder.clone(),
    });
    folder
}

/// Makes a root with an interpreter, here its path inside, a runtime. `libraries` is where the interpreter's own are that
/// the loader would not find.
pub(crate) fn install(mut template: Template, minor: u32, interpreter: &Path, libraries: Option<&Path>) -> Template {
    // The contract's own path for 3.6, and what every version's environment names (CONTRACT 1.4).
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
        environment: environment(minor, libraries),
    });
    template
}

/// What the loader and the interpreter read once, when it starts.
fn environment(minor: u32, libraries: Option<&Path>) -> Vec<String> {
    let mut environment = vec![match libraries {
        // CONTRACT 1.3.
        None => "LD_LIBRARY_PATH=/var/user:/opt".to_owned(),
        Some(folder) => format!("LD_LIBRARY_PATH=/var/user:/opt:{}", folder.display()),
    }];
    if minor == 6 {
        // It has no UTF-8 mode, and goes by this instead.
        environment.push("LC_ALL=C.UTF-8".to_owned());
    }
    environment
}
