//! Why a runtime could not be installed or removed, in the operator's words.

use std::io;
use std::path::PathBuf;

use skiff_domain::RuntimeName;

use crate::store::StoreError;

/// Why a runtime was not installed. The one that was there before, if any, is as it was.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// This build cannot run it.
    #[error(
        "{0} cannot be installed: this version of Skiff runs Java, Nodejs, Php7 or newer, Python2.7 and Python3.6 or newer"
    )]
    NotKnown(RuntimeName),
    /// It is the host's, always.
    #[error(
        "{0} is always there: it runs programs of the package with the host's libraries, and nothing is to be installed"
    )]
    AlwaysThere(RuntimeName),
    /// A part of Skiff itself, if it was built with it.
    #[error("{0} is a part of Skiff where it was built with it, and nothing is to be installed: `{1}`")]
    BuiltIn(RuntimeName, &'static str),
    /// No usual source is known.
    #[error("say where {0} comes from: --from dir:PATH, oci:IMAGE, or debian:SUITE with a suite that has it")]
    NoUsualSource(RuntimeName),
    /// npm has Node alone.
    #[error("{0} does not come from npm, which has Node.js: use dir:PATH, debian:SUITE or oci:IMAGE")]
    NotOfNpm(RuntimeName),
    /// The version of another runtime.
    #[error("{found} is no {wanted}: it is of another series")]
    OtherVersion {
        /// The interpreter's version, or the one that was asked for.
        found: String,
        /// The runtime that it was to be.
        wanted: RuntimeName,
    },
    /// Nobody makes it for this processor.
    #[error("there is no release of Node.js for {0} processors in npm: use dir:PATH or oci:IMAGE")]
    Processor(&'static str),
    /// Nothing says which registry this machine uses.
    #[error(
        "no npm registry is known: set NPM_CONFIG_REGISTRY to the address of yours, or install npm; or use dir:PATH, debian:SUITE or oci:IMAGE"
    )]
    NoRegistry,
    /// The registry could not be asked.
    #[error("{url}: {reason}")]
    Registry {
        /// What was asked for.
        url: String,
        /// Why.
        reason: String,
    },
    /// The registry has no such version.
    #[error("{registry} has no {package} {version}")]
    NoSuchVersion {
        /// Where it was looked for.
        registry: String,
        /// The package.
        package: String,
        /// The version asked for.
        version: String,
    },
    /// What came is not what the registry promised.
    #[error("{url} is not what the registry says it is: its sha512 is another. Nothing was installed")]
    Integrity {
        /// What was fetched.
        url: String,
    },
    /// An image that cannot be a runtime's root file system.
    #[error("{image}: {reason}")]
    Image {
        /// Which.
        image: String,
        /// Why.
        reason: String,
    },
    /// A piece of an image is not what it is called by.
    #[error("{digest} is not what came: its sha256 or its size is another. Nothing was installed")]
    Digest {
        /// What it should have been.
        digest: String,
    },
    /// The source has no interpreter.
    #[error("{place} has no {what}")]
    NoInterpreter {
        /// Where it was looked for.
        place: String,
        /// What is missing.
        what: String,
    },
    /// The interpreter does not run on this machine.
    #[error("{program} does not run on this machine: {reason}")]
    DoesNotRun {
        /// The interpreter.
        program: PathBuf,
        /// What it said.
        reason: String,
    },
    /// A program that makes root file systems is missing or failed.
    #[error("mmdebstrap {0}")]
    Mmdebstrap(String),
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AddError {
    /// What failed with a file.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }
}

/// Why a runtime was not removed.
#[derive(Debug, thiserror::Error)]
pub enum RemoveError {
    /// It is not there.
    #[error("{name} is not installed in {place}; what comes from the host itself is removed there")]
    NotInstalled {
        /// Which.
        name: RuntimeName,
        /// Where.
        place: PathBuf,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}
