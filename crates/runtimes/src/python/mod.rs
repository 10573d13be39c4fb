//! `CPython`: which versions the host has, and what a root file system with one is made of.

use std::fs;
use std::path::{Path, PathBuf};

use skiff_domain::RuntimeName;
use skiff_sandbox::{Bind, Boot, Command, Link, Template, TextFile};

use crate::Manifest;
use crate::host;

/// The zygote and the runtime it forks.
const BOOTSTRAP: &str = include_str!("bootstrap.py");
/// The same in the words of 2.7.
const BOOTSTRAP_2: &str = include_str!("bootstrap2.py");
/// How a zygote's memory is laid out.
const MEMORY: &str = include_str!("memory.py");
/// A function every instance runs on itself before code comes.
const WARM: &str = include_str!("warm.py");
/// Where distributions install interpreters.
const INTERPRETERS: &str = "/usr/bin";

/// A line of `CPython` that there is a bootstrap for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    major: u32,
    minor: u32,
}

impl Line {
    /// 2.7, or one of 3 from 3.6 on.
    pub(crate) fn new(major: u32, minor: u32) -> Option<Self> {
        let known = matches!((major, minor), (2, 7) | (3, 6..));
        known.then_some(Self { major, minor })
    }

    /// The name of its interpreter.
    pub(crate) fn program(self) -> String {
        format!("python{}.{}", self.major, self.minor)
    }

    /// As the contract names the folder of 3.7 (CONTRACT 1.4).
    fn folder(self) -> PathBuf {
        PathBuf::from(format!("/var/lang/python{}{}", self.major, self.minor))
    }

    /// The contract's own path for the interpreter of 2.7 and of 3.6 (CONTRACT 1.4). The environment of every version
    /// names it.
    pub(crate) fn well_known(self) -> &'static str {
        match self.major {
            2 => "/var/lang/python2/bin/python",
            _ => "/var/lang/python3/bin/python3",
        }
    }
}

/// Every `CPython` of the host's distribution, newest first.
#[must_use]
pub fn of_the_host() -> Vec<Manifest> {
    let mut found: Vec<(Line, Manifest)> = fs::read_dir(INTERPRETERS)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let (major, minor) = name.to_str()?.strip_prefix("python")?.split_once('.')?;
            let line = Line::new(major.parse().ok()?, minor.parse().ok()?)?;
            let name: RuntimeName = format!("Python{}.{}", line.major, line.minor).parse().ok()?;
            Some((line, manifest(name, line, &entry.path())))
        })
        .collect();
    found.sort_by_key(|(line, _)| std::cmp::Reverse(*line));
    found.into_iter().map(|(_, manifest)| manifest).collect()
}

fn manifest(name: RuntimeName, line: Line, interpreter: &Path) -> Manifest {
    let root = Path::new("/");
    let mut template = host::base(root);
    template.binds.extend(host::bind(root, "/etc/mime.types"));
    link(&mut template, line, interpreter);
    Manifest {
        name,
        source: format!("host:{}", interpreter.display()),
        bytes: None,
        compiles: true,
        template: install(template, line, interpreter, None),
    }
}

/// Names an interpreter of the root's own by the contract's path.
pub(crate) fn link(template: &mut Template, line: Line, interpreter: &Path) {
    template.links.push(Link {
        path: line.folder().join(format!("bin/python{}", line.major)),
        target: interpreter.to_owned(),
    });
}

/// Puts an interpreter's own files into a root that has its libraries. Gives back where they are inside.
pub(crate) fn place(template: &mut Template, line: Line, files: &Path) -> PathBuf {
    let folder = line.folder();
    template.binds.push(Bind {
        source: files.to_owned(),
        target: folder.clone(),
    });
    folder
}

/// Makes a root with an interpreter, here its path inside, a runtime. `libraries` is where the interpreter's own are that
/// the loader would not find.
pub(crate) fn install(mut template: Template, line: Line, interpreter: &Path, libraries: Option<&Path>) -> Template {
    template.links.push(Link {
        path: PathBuf::from(line.well_known()),
        target: interpreter.to_owned(),
    });
    // Isolated and without `site`: the distribution's packages and hooks are its own.
    let (bootstrap, options): (&str, &[&str]) = match line.major {
        2 => (BOOTSTRAP_2, &["-E", "-s", "-S", "-B"]),
        _ => (BOOTSTRAP, &["-I", "-S", "-X", "utf8"]),
    };
    template.files.extend([
        TextFile {
            path: "/var/runtime/python/bootstrap.py".into(),
            text: bootstrap.to_owned(),
        },
        TextFile {
            path: "/var/runtime/python/memory.py".into(),
            text: MEMORY.to_owned(),
        },
        TextFile {
            path: "/var/runtime/python/warm/skiff_warm.py".into(),
            text: WARM.to_owned(),
        },
    ]);
    let interpreter = interpreter.to_string_lossy();
    let words = [&*interpreter].into_iter().chain(options.iter().copied());
    template.boot = Boot::Fork(Command {
        argv: words
            .chain(["/var/runtime/python/bootstrap.py"])
            .map(str::to_owned)
            .collect(),
        environment: environment(line, libraries),
    });
    template
}

/// What the loader and the interpreter read once, when it starts.
fn environment(line: Line, libraries: Option<&Path>) -> Vec<String> {
    let mut environment = vec![match libraries {
        // CONTRACT 1.3.
        None => "LD_LIBRARY_PATH=/var/user:/opt".to_owned(),
        Some(folder) => format!("LD_LIBRARY_PATH=/var/user:/opt:{}", folder.display()),
    }];
    if matches!((line.major, line.minor), (2, 7) | (3, 6)) {
        // They have no UTF-8 mode, and go by this instead.
        environment.push("LC_ALL=C.UTF-8".to_owned());
    }
    environment
}
