//! Why a package is refused, and what else can go wrong with one.

use std::error::Error;
use std::io;

use skiff_domain::limits::{PACKAGE_ENTRIES_MAX, UNPACKED_BYTES_MAX, ZIP_BYTES_MAX};
use skiff_domain::{COMPILED_SUFFIX, CodeDigest};

use crate::tree::{DEPTH_MAX, LINK_HOPS_MAX, LINKS_MAX, NAME_BYTES_MAX, PATH_BYTES_MAX};
use crate::unpack::RATIO_MAX;

/// Why a package was not taken. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// The zip is larger than a request may carry.
    #[error("ZipFile is {0} bytes: use at most {ZIP_BYTES_MAX}")]
    TooLarge(usize),
    /// Its content is not what a package may hold.
    #[error("ZipFile {0}")]
    Bad(#[from] BadPackage),
    /// The disk or the blob store failed.
    #[error("the package could not be stored")]
    Storage(#[from] StorageError),
}

impl AdmitError {
    /// The documented error code (CONTRACT 2.9).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "InvalidParameterValue.InlineZipFile",
            Self::Bad(_) => "InvalidParameterValue.ZipFile",
            Self::Storage(error) if is_full(error) => "FailedOperation.InsufficientResources",
            Self::Storage(_) => "InternalError.System",
        }
    }
}

/// True when some cause of it is a full disk.
fn is_full(error: &StorageError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref().map(io::Error::kind);
        if matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// What is wrong with a package. Each text continues "ZipFile …" and says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPackage {
    /// Not a zip at all, or one whose directory is damaged.
    #[error("is not a zip file that can be read: {0}")]
    NotZip(String),
    /// Nothing inside.
    #[error("holds no file: put the function's code into it")]
    Empty,
    /// An entry's bytes do not unpack, or are not what its header and checksum say.
    #[error("is damaged at {0:?}: its bytes do not match its size and checksum")]
    Damaged(String),
    /// Too many entries.
    #[error("has more than {PACKAGE_ENTRIES_MAX} files and folders")]
    TooManyEntries,
    /// Unpacks to too much.
    #[error("unpacks to more than {UNPACKED_BYTES_MAX} bytes")]
    UnpackedTooLarge,
    /// Unpacks to suspiciously much.
    #[error("unpacks to more than {RATIO_MAX} times its own size, as a zip bomb does")]
    Bomb,
    /// Entries that share bytes, as only a zip bomb's do.
    #[error("has entries that overlap, as a zip bomb does")]
    Overlap,
    /// Two entries of the very same name.
    #[error("has two entries of the same name: give each path once")]
    RepeatedName,
    /// Two entries whose names mean one path.
    #[error("has {0:?} twice: give each path once")]
    Duplicate(String),
    /// A path that is a file or link here and a folder there.
    #[error("has {0:?} as a file or link, and something below it: a path is one or the other")]
    BelowFile(String),
    /// An encrypted entry.
    #[error("has the encrypted entry {0:?}: make it without a password")]
    Encrypted(String),
    /// A compression other than stored or deflate.
    #[error("has {path:?} compressed with method {method}: use stored or deflate")]
    Method {
        /// The entry.
        path: String,
        /// The compression, as the zip format numbers it.
        method: String,
    },
    /// A path out of the package.
    #[error("has the path {0:?}, which leads out of the package: use paths below its root, without '..'")]
    PathOut(String),
    /// A path no file system or runtime can be given.
    #[error("has the path {path:?}, which is not usable: {rule}")]
    Path {
        /// The entry.
        path: String,
        /// The rule it breaks.
        rule: PathRule,
    },
    /// A name that is for what Skiff itself adds.
    #[error("has {0:?}: names that end in {COMPILED_SUFFIX} are for what Skiff itself compiles, leave it out")]
    Reserved(String),
    /// A symbolic link out of the package.
    #[error("has the link {path:?} to {target:?}, which leads out of the package: link to a relative path inside it")]
    LinkOut {
        /// The entry.
        path: String,
        /// What it points to.
        target: String,
    },
    /// Links that follow each other for too long, or in a circle.
    #[error("has the link {0:?}, which takes more than {LINK_HOPS_MAX} links to follow, or is part of a circle")]
    LinkLoop(String),
    /// Too many symbolic links.
    #[error("has more than {LINKS_MAX} links")]
    TooManyLinks,
    /// A device, pipe or socket.
    #[error("has {0:?}, which is neither file, folder nor link")]
    Special(String),
}

/// What a path inside a package has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathRule {
    /// Text.
    #[error("names are UTF-8")]
    Utf8,
    /// No control character.
    #[error("names have no control characters")]
    Control,
    /// No backslash.
    #[error("folders are separated by '/', and names have no '\\'")]
    Backslash,
    /// Not too long.
    #[error("a name has 1 to {NAME_BYTES_MAX} bytes and a path at most {PATH_BYTES_MAX}")]
    Length,
    /// Not too deep.
    #[error("a path has at most {DEPTH_MAX} parts")]
    Depth,
}

/// The disk or the blob store failed. For the operator's log; users learn only that it failed.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The local disk.
    #[error("unpacked packages on disk")]
    Disk(#[from] io::Error),
    /// The blob store.
    #[error("blob store")]
    Blobs(#[from] object_store::Error),
    /// The blocking task died.
    #[error("unpacking was interrupted")]
    Interrupted,
}

/// Why a package's folder or zip cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// No such package.
    #[error("package {0} is not stored")]
    Missing(CodeDigest),
    /// The blob is not what its name says.
    #[error("package {0} is damaged in the blob store")]
    Damaged(CodeDigest),
    /// The disk or the blob store failed.
    #[error("package could not be read")]
    Storage(#[from] StorageError),
}

/// Why the packages cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made, read or cleaned.
    #[error("packages folder {path}")]
    Folder {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The blobs cannot be listed.
    #[error("list packages in the blob store")]
    Blobs(#[source] object_store::Error),
}
