//! Installing a runtime, from its source to its place, and removing one.

use std::fs;
use std::path::{Path, PathBuf};

use skiff_domain::RuntimeName;
use skiff_runtimes::{Family, Record, Root, interpreter, usual_source, wasm};

use crate::error::{AddError, RemoveError};
use crate::probe::Probe;
use crate::source::Source;
use crate::store::Store;
use crate::{debian, folder, node_release, oci};

/// A runtime that has just been installed.
#[derive(Debug, Clone)]
pub struct Added {
    /// What its manifest says.
    pub record: Record,
    /// Where it is.
    pub place: PathBuf,
}

/// Installs a runtime into a data dir, instead of the one of this name that may be there. Without a source it is the
/// usual one. `say` hears of what takes long before it is done.
pub fn add(data_dir: &Path, name: &RuntimeName, source: Option<Source>, say: &dyn Fn(&str)) -> Result<Added, AddError> {
    if matches!(Family::of(name), Family::Custom | Family::Go) {
        return Err(AddError::AlwaysThere(name.clone()));
    }
    if let Some(command) = wasm::build_command(name) {
        return Err(AddError::BuiltIn(name.clone(), command));
    }
    let runs = interpreter(name, Root::Interpreter).is_some();
    if !runs {
        return Err(AddError::NotKnown(name.clone()));
    }
    let usual = || usual_source(name).and_then(|usual| usual.parse().ok());
    let source = source
        .or_else(usual)
        .ok_or_else(|| AddError::NoUsualSource(name.clone()))?;
    let store = Store::take(data_dir)?;
    let place = store.begin(name)?;
    let made = fill(&Record::root_path(&place), name, &source, say);
    let made = made.and_then(|filled| record(&place, name, filled));
    let finished = made.and_then(|record| Ok((store.finish(&place, &record)?, record)));
    match finished {
        Ok((place, record)) => Ok(Added { record, place }),
        Err(error) => {
            // What is left goes with the next command; this one's error is what matters.
            drop(fs::remove_dir_all(&place));
            Err(error)
        }
    }
}

/// Removes a runtime from a data dir.
pub fn remove(data_dir: &Path, name: &RuntimeName) -> Result<(), RemoveError> {
    let store = Store::take(data_dir)?;
    if store.put_away(name)? {
        Ok(())
    } else {
        Err(RemoveError::NotInstalled {
            name: name.clone(),
            place: store.place(name),
        })
    }
}

/// What was brought.
struct Filled {
    root: Root,
    /// Where the interpreter is, where that is not its usual place.
    program: Option<String>,
    /// Where exactly the files came from.
    source: String,
}

impl Filled {
    fn usual(root: Root, source: String) -> Self {
        Self {
            root,
            program: None,
            source,
        }
    }
}

/// Brings the files.
fn fill(root: &Path, name: &RuntimeName, source: &Source, say: &dyn Fn(&str)) -> Result<Filled, AddError> {
    match source {
        Source::Npm(version) => {
            let Family::Node { major, .. } = Family::of(name) else {
                return Err(AddError::NotOfNpm(name.clone()));
            };
            if u64::from(major) != version.major() {
                return Err(AddError::OtherVersion {
                    found: format!("npm:{version}"),
                    wanted: name.clone(),
                });
            }
            let version = node_release::fetch(version, root, say)?;
            Ok(Filled::usual(Root::Interpreter, format!("npm:{version}")))
        }
        Source::Folder(from) => {
            let from = fs::canonicalize(from).map_err(AddError::io(from))?;
            folder::copy(&from, name, root)?;
            Ok(Filled::usual(Root::Interpreter, format!("dir:{}", from.display())))
        }
        Source::Debian(suite) => {
            debian::build(suite, name, root, say)?;
            Ok(Filled::usual(Root::System, format!("debian:{suite}")))
        }
        Source::Oci(image) => {
            let brought = oci::build(image, name, root, say)?;
            Ok(Filled {
                root: Root::System,
                program: Some(brought.program),
                source: brought.source,
            })
        }
    }
}

/// Says what was brought, once it is seen to be what was wanted.
fn record(place: &Path, name: &RuntimeName, filled: Filled) -> Result<Record, AddError> {
    let Filled { root, program, source } = filled;
    let files = Record::root_path(place);
    let usual = || interpreter(name, root).ok_or_else(|| AddError::NotKnown(name.clone()));
    let inside = program.clone().map_or_else(usual, Ok)?;
    let probe = Probe {
        files: &files,
        name,
        root,
        inside: &inside,
    };
    let version = probe.version()?;
    let series = |version: &str| {
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
        (numbers.next().flatten(), numbers.next().flatten())
    };
    let wanted = match (Family::of(name), series(&version)) {
        (Family::Node { major, .. }, (found, _)) => found == Some(major),
        // Up to 8 it calls itself 1.8.
        (Family::Java { major: 8 }, (Some(1), Some(8))) => true,
        (Family::Java { major }, (found, _)) => found == Some(major),
        (Family::Python { major, minor }, found) => found == (Some(major), Some(minor)),
        // Any 8 may be 8.0, which Debian has not; 7.4 is 7.4.
        (Family::Php { major: 8, .. }, (found, _)) => found == Some(8),
        (Family::Php { major, minor: None }, (found, _)) => found == Some(major),
        (Family::Php { major, minor }, found) => found == (Some(major), minor),
        (Family::Custom | Family::Go | Family::Wasm | Family::Other, _) => false,
    };
    if !wanted {
        return Err(AddError::OtherVersion {
            found: version,
            wanted: name.clone(),
        });
    }
    probe.runs()?;
    let bytes = folder::size(&files).map_err(AddError::io(&files))?;
    Ok(Record {
        name: name.clone(),
        source,
        version,
        root,
        program,
        bytes,
    })
}
