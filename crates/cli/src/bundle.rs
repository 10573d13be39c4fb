//! A function as one file: a zip with `function.json` and the packages of its versions.
//!
//! Owns the format. What a function is set to is kept as the API's own parameters, so that it can be given back as it was.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use skiff_domain::CodeDigest;
use skiff_domain::limits::ZIP_BYTES_MAX;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// What the file says it is.
const FORMAT: &str = "skiff-function/1";
/// The file that describes the function.
const DESCRIPTION: &str = "function.json";
/// Longer than any description: 200 versions with all they can have.
const DESCRIPTION_BYTES_MAX: u64 = 16 << 20;

/// A function whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Bundle {
    format: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    /// `$LATEST`.
    pub(crate) latest: State,
    /// The published versions by number.
    pub(crate) versions: BTreeMap<u64, State>,
    /// Parameters of CreateAlias, one each.
    pub(crate) aliases: Vec<Map<String, Value>>,
    /// What is reserved for it.
    pub(crate) reserved_mb: Option<u64>,
    /// Parameters of PutProvisionedConcurrencyConfig, one each.
    pub(crate) provisioned: Vec<Map<String, Value>>,
    /// The packages by digest.
    #[serde(skip)]
    pub(crate) packages: BTreeMap<String, Vec<u8>>,
}

/// One version: parameters of CreateFunction, and the digest of the package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct State {
    pub(crate) code: String,
    pub(crate) configuration: Map<String, Value>,
}

/// Why a file cannot be written, or is not a function.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file cannot be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// There is a file already.
    #[error("{0} is there already: nothing was written")]
    Exists(PathBuf),
    /// It is something else, or damaged.
    #[error("{path} is not a function that `skiff function export` wrote: {what}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The server lacks what the function needs.
    #[error("{name} cannot be imported here: {lack}")]
    Lacks {
        /// The function.
        name: String,
        /// What the server lacks.
        lack: String,
        /// How to mend that.
        hint: String,
    },
    /// It was changed while it was read.
    #[error("{0} was updated while it was exported: nothing was written; export it again")]
    Changed(String),
}

impl BundleError {
    /// What to try next.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Lacks { hint, .. } => Some(hint.clone()),
            Self::Exists(_) => Some("give another name, or --force to put the function in its place".to_owned()),
            Self::File { .. } | Self::Invalid { .. } | Self::Changed(_) => None,
        }
    }
}

impl Bundle {
    /// A function without versions, aliases and concurrency.
    pub(crate) fn new(name: &str, namespace: &str, latest: State) -> Self {
        Self {
            format: FORMAT.to_owned(),
            name: name.to_owned(),
            namespace: namespace.to_owned(),
            latest,
            versions: BTreeMap::new(),
            aliases: Vec::new(),
            reserved_mb: None,
            provisioned: Vec::new(),
            packages: BTreeMap::new(),
        }
    }

    /// Every version, `$LATEST` last.
    pub(crate) fn states(&self) -> impl Iterator<Item = &State> {
        self.versions.values().chain([&self.latest])
    }

    /// Writes the file, whole or not at all, and for its owner alone: variables may be secrets.
    pub(crate) fn write(&self, path: &Path) -> Result<u64, BundleError> {
        let failed = |source| BundleError::File {
            path: path.to_owned(),
            source,
        };
        let zip = self.zip().map_err(failed)?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        // Of a name that nobody can have put there before.
        let mut part = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(failed)?;
        let written = part.write_all(&zip).and_then(|()| part.as_file().sync_all());
        written.map_err(failed)?;
        part.persist(path).map_err(|error| failed(error.error))?;
        Ok(zip.len() as u64)
    }

    fn zip(&self) -> io::Result<Vec<u8>> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default());
        zip.start_file(DESCRIPTION, options)?;
        zip.write_all(&serde_json::to_vec_pretty(self)?)?;
        for (digest, package) in &self.packages {
            zip.start_file(place(digest), options)?;
            zip.write_all(package)?;
        }
        Ok(zip.finish()?.into_inner())
    }

    /// Reads a file: everything that it names is in it, and is what its digest says.
    pub(crate) fn read(path: &Path) -> Result<Self, BundleError> {
        let failed = |source| BundleError::File {
            path: path.to_owned(),
            source,
        };
        let invalid = |what: String| BundleError::Invalid {
            path: path.to_owned(),
            what,
        };
        let file = File::open(path).map_err(failed)?;
        let mut zip = ZipArchive::new(file).map_err(|error| invalid(error.to_string()))?;
        let mut take = |name: &str, max: u64| {
            let entry = zip.by_name(name).map_err(|_| invalid(format!("it has no {name}")))?;
            let mut content = Vec::new();
            let read = entry.take(max + 1).read_to_end(&mut content);
            read.map_err(|error| invalid(format!("{name}: {error}")))?;
            match content.len() as u64 > max {
                true => Err(invalid(format!("{name} is too large"))),
                false => Ok(content),
            }
        };
        let description = take(DESCRIPTION, DESCRIPTION_BYTES_MAX)?;
        let mut bundle: Self =
            serde_json::from_slice(&description).map_err(|error| invalid(format!("{DESCRIPTION}: {error}")))?;
        if bundle.format != FORMAT {
            return Err(invalid(format!("its format is {:?}, and not {FORMAT}", bundle.format)));
        }
        let digests: Vec<String> = bundle.states().map(|state| state.code.clone()).collect();
        for digest in digests {
            if bundle.packages.contains_key(&digest) {
                continue;
            }
            let package = take(&place(&digest), ZIP_BYTES_MAX as u64)?;
            if CodeDigest::of(&package).to_string() != digest {
                return Err(invalid(format!("{} is damaged", place(&digest))));
            }
            bundle.packages.insert(digest, package);
        }
        Ok(bundle)
    }
}

/// Where a package is in the file.
fn place(digest: &str) -> String {
    format!("code/{digest}.zip")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn bundle() -> Bundle {
        let package = b"a package".to_vec();
        let code = CodeDigest::of(&package).to_string();
        let configuration = json!({"Runtime": "Python3.11"}).as_object().expect("an object").clone();
        let state = State { code, configuration };
        let mut bundle = Bundle::new("hello", "default", state.clone());
        bundle.packages.insert(state.code.clone(), package);
        bundle.versions.insert(2, state);
        bundle
    }

    #[test]
    fn a_function_reads_back_as_it_was_written_and_only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hello.zip");
        bundle().write(&path).expect("written");
        assert_eq!(Bundle::read(&path).expect("read"), bundle());
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(folder.path()).expect("a folder").count(),
            1,
            "nothing beside it"
        );
    }

    #[test]
    fn a_file_that_is_there_is_replaced_only_by_force() {
        let api = crate::testing::FakeApi::start(|_, _| Err(("ResourceNotFound.Function", "there is none")));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hello.zip");
        fs::write(&path, "mine").expect("a file");
        let export = ["function", "export", "hello", path.to_str().expect("text")];
        let ran = api.run(&export);
        assert!(
            ran.exit == 2 && ran.err.contains("hello.zip is there already"),
            "{ran:?}"
        );
        assert!(ran.err.contains("--force") && api.calls().is_empty(), "{ran:?}");
        let ran = api.run(&[&export[..], &["--force"]].concat());
        assert!(ran.err.contains("there is none"), "{ran:?}");
        assert_eq!(
            fs::read_to_string(&path).expect("a file"),
            "mine",
            "nothing was written"
        );
    }

    #[test]
    fn what_lies_beside_it_under_whatever_name_is_neither_written_to_nor_made_its_file() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let (path, theirs) = (folder.path().join("hello.zip"), folder.path().join("theirs"));
        fs::write(&theirs, "theirs").expect("a file");
        symlink(&theirs, folder.path().join("hello.zip.part")).expect("a link");
        symlink(&theirs, &path).expect("a link");
        bundle().write(&path).expect("written");
        assert_eq!(fs::read_to_string(&theirs).expect("a file"), "theirs");
        let about = fs::symlink_metadata(&path).expect("a file");
        assert_eq!((about.is_file(), about.permissions().mode() & 0o777), (true, 0o600));
    }

    #[test]
    fn what_is_damaged_or_something_else_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hello.zip");
        let refused = |bundle: Option<Bundle>, said: &str| {
            if let Some(bundle) = bundle {
                bundle.write(&path).expect("written");
            }
            let error = Bundle::read(&path).expect_err(said).to_string();
            assert!(error.contains(said), "{said}: {error}");
        };
        let mut other = bundle();
        other.format = "skiff-function/9".to_owned();
        refused(Some(other), "skiff-function/9");
        let mut damaged = bundle();
        damaged.packages.values_mut().for_each(|package| package.push(0));
        refused(Some(damaged), "is damaged");
        let mut incomplete = bundle();
        incomplete.packages.clear();
        refused(Some(incomplete), "it has no code/");
        fs::write(&path, "no zip").expect("a file");
        refused(None, "is not a function");
    }
}
