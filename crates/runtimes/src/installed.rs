//! Runtimes in the data dir: `runtimes/NAME/manifest.json` beside the files it tells of in `runtimes/NAME/root`.
//!
//! Reading only: whoever puts them there writes a folder whole and renames it into place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use skiff_domain::RuntimeName;
use skiff_sandbox::Boot;

use crate::family::Family;
use crate::manifest::Manifest;
use crate::{host, java, native, node, php, python, wasm};

/// Folder of the data dir.
const FOLDER: &str = "runtimes";
/// File of a runtime's folder.
const MANIFEST: &str = "manifest.json";
/// Folder of a runtime's folder.
const ROOT: &str = "root";

/// What `manifest.json` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The name functions are created with.
    pub name: RuntimeName,
    /// Where it comes from, e.g. `npm:18.15.0`.
    pub source: String,
    /// The interpreter's own version, e.g. `18.15.0`.
    pub version: String,
    /// What `root` holds.
    pub root: Root,
    /// The interpreter's path inside, without links, where it is not where this kind of root usually has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// Bytes of the files.
    pub bytes: u64,
}

/// What the files of a runtime are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Root {
    /// The interpreter's own, as its makers publish it; programs and libraries beside it are the host's.
    Interpreter,
    /// A whole root file system.
    System,
}

/// Why a folder of the store is no runtime.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Its manifest cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder's name and the manifest's differ.
    #[error("{path} is of {name}")]
    Misplaced {
        /// The file.
        path: PathBuf,
        /// The runtime it names.
        name: RuntimeName,
    },
    /// The interpreter is not where it should be.
    #[error("{0} is missing")]
    NoInterpreter(PathBuf),
    /// A runtime that this build cannot run.
    #[error("{0} is a runtime that this version of Skiff cannot run")]
    NoBootstrap(RuntimeName),
}

/// The runtimes of a data dir.
#[derive(Debug, Clone)]
pub struct Installed {
    folder: PathBuf,
}

impl Installed {
    /// Those of this data dir.
    #[must_use]
    pub fn of(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join(FOLDER),
        }
    }

    /// Where they are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where this one is, or would be.
    #[must_use]
    pub fn place(&self, name: &RuntimeName) -> PathBuf {
        self.folder.join(name.as_str())
    }

    /// Every runtime there is, and every folder that should be one and is not. Nothing installed is none.
    pub fn read(&self) -> io::Result<(Vec<Manifest>, Vec<Unusable>)> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Default::default()),
            entries => entries?,
        };
        let (mut usable, mut unusable) = (Vec::new(), Vec::new());
        for entry in entries {
            let name = entry?.file_name();
            // What is being made or removed begins with a dot.
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                continue;
            };
            match runtime(&self.folder.join(name)) {
                Ok(manifest) => usable.push(manifest),
                Err(error) => unusable.push(error),
            }
        }
        Ok((usable, unusable))
    }
}

/// Everything that can run here: the host's interpreters, what the server's own program does in a sandbox (of the tasks it
/// was built with), and what is installed, which wins over the host's of the same name. What should be installed and cannot
/// run comes beside it.
pub fn available(data_dir: &Path, tasks: &[&str]) -> io::Result<(Vec<Manifest>, Vec<Unusable>)> {
    let (mut manifests, unusable) = Installed::of(data_dir).read()?;
    let host = python::of_the_host().into_iter().chain(native::of_the_host());
    for host in host.chain(wasm::of_the_host()) {
        let runs = match &host.template.boot {
            Boot::Wait(task) => tasks.contains(&task.as_str()),
            Boot::Fork(_) | Boot::Exec(_) => true,
        };
        if runs && manifests.iter().all(|installed| installed.name != host.name) {
            manifests.push(host);
        }
    }
    Ok((manifests, unusable))
}

impl Record {
    /// The file of a runtime's folder that says this.
    #[must_use]
    pub fn path(place: &Path) -> PathBuf {
        place.join(MANIFEST)
    }

    /// Where the files are in a runtime's folder.
    #[must_use]
    pub fn root_path(place: &Path) -> PathBuf {
        place.join(ROOT)
    }
}

/// The runtime in this folder.
fn runtime(place: &Path) -> Result<Manifest, Unusable> {
    let path = Record::path(place);
    let failed = |source| Unusable::Read {
        path: path.clone(),
        source,
    };
    let text = fs::read(&path).map_err(failed)?;
    let record: Record = serde_json::from_slice(&text).map_err(|error| failed(error.into()))?;
    if place.file_name().is_none_or(|folder| folder != record.name.as_str()) {
        return Err(Unusable::Misplaced {
            path,
            name: record.name,
        });
    }
    let root = Record::root_path(place);
    let usual = interpreter(&record.name, record.root).ok_or(Unusable::NoBootstrap(record.name.clone()))?;
    let interpreter = record.program.unwrap_or(usual);
    let program = host::inside(&root, &interpreter);
    if !program.is_file() {
        return Err(Unusable::NoInterpreter(program));
    }
    let mut template = match record.root {
        Root::Interpreter => host::base(Path::new("/")),
        Root::System => host::base(&root),
    };
    let (template, compiles) = match Family::of(&record.name) {
        Family::Node { major, .. } => (node::install(template, major, &program, &root), false),
        Family::Java { major } => {
            let home = program.ancestors().nth(2).unwrap_or(&program);
            (java::install(template, major, home, &root), false)
        }
        Family::Python { major, minor } => {
            let line = python::Line::new(major, minor).ok_or(Unusable::NoBootstrap(record.name.clone()))?;
            let template = match record.root {
                Root::Interpreter => {
                    let folder = python::place(&mut template, line, &root);
                    python::install(template, line, &folder.join(interpreter), Some(&folder.join("lib")))
                }
                Root::System => {
                    python::link(&mut template, line, Path::new(&interpreter));
                    python::install(template, line, Path::new(&interpreter), None)
                }
            };
            (template, true)
        }
        Family::Php { major, minor } => (php::install(template, (major, minor), &program, &root), false),
        Family::Custom | Family::Go | Family::Wasm | Family::Other => return Err(Unusable::NoBootstrap(record.name)),
    };
    Ok(Manifest {
        name: record.name,
        source: record.source,
        bytes: Some(record.bytes),
        compiles,
        template,
    })
}

/// Where the interpreter is among the files of a runtime; none for one without a bootstrap.
#[must_use]
pub fn interpreter(name: &RuntimeName, root: Root) -> Option<String> {
    let program = match Family::of(name) {
        Family::Python { major, minor } => python::Line::new(major, minor)?.program(),
        Family::Node { .. } => "node".to_owned(),
        Family::Java { major } if root == Root::System => {
            return Some(format!("{}/bin/java", java::debian_home(major)));
        }
        Family::Java { .. } => "java".to_owned(),
        Family::Php { .. } => "php".to_owned(),
        Family::Custom | Family::Go | Family::Wasm | Family::Other => return None,
    };
    Some(match root {
        Root::Interpreter => format!("bin/{program}"),
        Root::System => format!("/usr/bin/{program}"),
    })
}

/// Where a runtime can be had from, as `skiff runtime add --from` takes it.
#[must_use]
pub fn usual_source(name: &RuntimeName) -> Option<String> {
    match Family::of(name) {
        Family::Node { major, minor } => Some(format!("npm:{major}.{minor}")),
        Family::Java { major } => java::usual_source(major),
        Family::Python { major, minor } => {
            let suite = match (major, minor) {
                (2, 7) | (3, 9) => "bullseye",
                (3, 11) => "bookworm",
                (3, 13) => "trixie",
                _ => return None,
            };
            Some(format!("debian:{suite}"))
        }
        Family::Php { major, .. } => Some(php::usual_source(major)),
        Family::Custom | Family::Go | Family::Wasm | Family::Other => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(name: &str, manifest: &str, program: Option<&str>) -> (tempfile::TempDir, Installed) {
        let data = tempfile::tempdir().expect("a folder");
        let installed = Installed::of(data.path());
        let place = installed.folder().join(name);
        fs::create_dir_all(place.join("root/bin")).expect("folders");
        fs::write(place.join(MANIFEST), manifest).expect("a file");
        if let Some(program) = program {
            fs::write(place.join("root").join(program), "").expect("a file");
        }
        (data, installed)
    }

    const NODE: &str =
        r#"{"name":"Nodejs18.15","source":"npm:18.15.0","version":"18.15.0","root":"interpreter","bytes":7}"#;

    #[test]
    fn nothing_installed_is_none_and_what_is_being_made_is_not_there_yet() {
        let data = tempfile::tempdir().expect("a folder");
        let (usable, unusable) = Installed::of(data.path()).read().expect("readable");
        assert!(usable.is_empty() && unusable.is_empty());
        let (_data, installed) = store(".new-Nodejs18.15", NODE, None);
        let (usable, unusable) = installed.read().expect("readable");
        assert!(usable.is_empty() && unusable.is_empty());
    }

    #[test]
    fn an_installed_node_is_bound_to_the_contracts_path_over_the_hosts_libraries() {
        let (_data, installed) = store("Nodejs18.15", NODE, Some("bin/node"));
        let (usable, unusable) = installed.read().expect("readable");
        assert!(unusable.is_empty(), "{unusable:?}");
        let manifest = &usable[0];
        assert_eq!(
            (manifest.source.as_str(), manifest.bytes, manifest.compiles),
            ("npm:18.15.0", Some(7), false)
        );
        let node = installed.folder().join("Nodejs18.15/root/bin/node");
        let bound = |source: &Path, target: &str| {
            let mut binds = manifest.template.binds.iter();
            binds.any(|bind| bind.source == source && bind.target == Path::new(target))
        };
        assert!(bound(&node, "/var/lang/node18/bin/node"));
        assert!(bound(Path::new("/usr/lib"), "/usr/lib"));
    }

    #[test]
    fn what_a_link_of_an_image_leads_to_outside_is_not_bound() {
        let text = r#"{"name":"Python3.12","source":"oci:x","version":"3.12.1","root":"system","bytes":7,
            "program":"/usr/local/bin/python3.12"}"#;
        let (_data, installed) = store("Python3.12", text, None);
        let root = installed.folder().join("Python3.12/root");
        for folder in ["usr/local/bin", "usr/libexec", "real", "etc/ssl"] {
            fs::create_dir_all(root.join(folder)).expect("folders");
        }
        fs::write(root.join("usr/local/bin/python3.12"), "").expect("a file");
        for (link, target) in [
            ("usr/lib", "/etc"),
            ("usr/sbin", "../real"),
            ("usr/bin", "../../../../../../../../../../usr"),
            ("etc/services", "/etc/shadow"),
        ] {
            std::os::unix::fs::symlink(target, root.join(link)).expect("a link");
        }
        let (usable, unusable) = installed.read().expect("readable");
        assert!(unusable.is_empty(), "{unusable:?}");
        let targets: Vec<_> = usable[0].template.binds.iter().map(|bind| &*bind.target).collect();
        let expected = ["/usr/sbin", "/usr/libexec", "/usr/local/bin", "/bin"].map(Path::new);
        assert_eq!(targets, expected);
    }

    #[test]
    fn a_folder_that_is_no_runtime_is_named_and_harms_no_other() {
        for (folder, manifest, program, why) in [
            ("Nodejs18.15", "{", None, "manifest.json"),
            ("Nodejs18.15", NODE, None, "root/bin/node is missing"),
            ("Nodejs20.19", NODE, Some("bin/node"), "is of Nodejs18.15"),
            (
                "Go1",
                r#"{"name":"Go1","source":"dir:/x","version":"1","root":"interpreter","bytes":7}"#,
                None,
                "cannot run",
            ),
        ] {
            let (_data, installed) = store(folder, manifest, program);
            let (usable, unusable) = installed.read().expect("readable");
            assert!(usable.is_empty(), "{folder} {manifest}");
            assert!(unusable[0].to_string().contains(why), "{why}: {}", unusable[0]);
        }
    }

    #[test]
    fn what_the_servers_own_program_cannot_do_is_no_runtime() {
        let data = tempfile::tempdir().expect("a folder");
        let names = |tasks: &[&str]| {
            let (manifests, _) = available(data.path(), tasks).expect("readable");
            let names = manifests.iter().map(|manifest| manifest.name.to_string());
            names.filter(|name| !name.starts_with("Python")).collect::<Vec<_>>()
        };
        assert_eq!(names(&[native::TASK]), ["CustomRuntime", "Go1"]);
        assert_eq!(names(&[native::TASK, wasm::TASK]), ["CustomRuntime", "Go1", "Wasm1"]);
        let command = |name: &str| wasm::build_command(&name.parse().expect("known"));
        assert!(command("Wasm1").is_some_and(|command| command.ends_with("--features runtime-wasm")));
        assert_eq!(command("Go1"), None);
    }

    #[test]
    fn where_a_runtime_can_be_had_from_is_known_for_those_that_can_be_installed() {
        let of = |name: &str| usual_source(&name.parse().expect("known"));
        assert_eq!(of("Nodejs18.15").as_deref(), Some("npm:18.15"));
        assert_eq!(of("Python3.9").as_deref(), Some("debian:bullseye"));
        assert_eq!(of("Python2.7").as_deref(), Some("debian:bullseye"));
        assert_eq!(of("Python3.6"), None);
    }
}
