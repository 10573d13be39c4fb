//! An OCI layout: a folder with `oci-layout`, `index.json` and `blobs/sha256/…`, as `skopeo copy … oci:PATH` or
//! `docker buildx build --output type=oci,tar=false,dest=PATH` make it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use oci_spec::image::{Descriptor, ImageIndex};
use rustix::fs::{CWD, Mode, OFlags, openat};
use serde::de::DeserializeOwned;

use crate::error::AddError;

/// Longest index or manifest read.
const DOCUMENT_BYTES_MAX: u64 = 4 << 20;
/// The annotation that names an image of the index.
const NAME: &str = "org.opencontainers.image.ref.name";

/// One image of a layout.
#[derive(Debug)]
pub(super) struct Layout {
    folder: PathBuf,
    image: Descriptor,
}

impl Layout {
    /// The image with this tag, or the only one.
    pub(super) fn open(folder: &Path, tag: Option<&str>) -> Result<Self, AddError> {
        let refused = |reason: String| AddError::Image {
            image: format!("oci:{}", folder.display()),
            reason,
        };
        let index: ImageIndex = document(&folder.join("index.json"))?;
        let name = |entry: &Descriptor| entry.annotations().as_ref().and_then(|all| all.get(NAME)).cloned();
        let names: Vec<String> = index.manifests().iter().filter_map(name).collect();
        let mut found = index.manifests().clone();
        match tag {
            Some(tag) => {
                found.retain(|entry| name(entry).as_deref() == Some(tag));
                if found.is_empty() {
                    return Err(refused(format!("it has no {tag:?}; it has {names:?}")));
                }
            }
            None if found.len() != 1 => {
                let count = found.len();
                return Err(refused(format!(
                    "it has {count} images: say which, as PATH:TAG with one of {names:?}"
                )));
            }
            None => {}
        }
        let image = found.swap_remove(0);
        Ok(Self {
            folder: folder.to_owned(),
            image,
        })
    }

    /// Which it is: a digest.
    pub(super) fn named(&self) -> &str {
        self.image.digest().as_ref()
    }

    /// A manifest or an index, yet to be held against its digest.
    pub(super) fn document(&self, digest: &str) -> Result<Vec<u8>, AddError> {
        let mut text = Vec::new();
        let read = self.blob(digest)?.take(DOCUMENT_BYTES_MAX).read_to_end(&mut text);
        read.map_err(AddError::io(&self.folder))?;
        Ok(text)
    }

    /// A piece, yet to be held against its digest.
    pub(super) fn blob(&self, digest: &str) -> Result<File, AddError> {
        let wrong = || AddError::Digest {
            digest: digest.to_owned(),
        };
        let sum = digest.strip_prefix("sha256:").ok_or_else(wrong)?;
        // It becomes part of a path.
        if sum.len() != 64 || !sum.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        let path = self.folder.join("blobs/sha256").join(sum);
        let opened = openat(
            CWD,
            &path,
            OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK,
            Mode::empty(),
        );
        opened.map(File::from).map_err(|error| AddError::io(path)(error.into()))
    }
}

fn document<T: DeserializeOwned>(path: &Path) -> Result<T, AddError> {
    let mut text = Vec::new();
    let file = File::open(path).map_err(AddError::io(path))?;
    let read = file.take(DOCUMENT_BYTES_MAX).read_to_end(&mut text);
    read.map_err(AddError::io(path))?;
    serde_json::from_slice(&text).map_err(|error| AddError::io(path)(error.into()))
}
