//! A root file system from an OCI image, of a registry or of a layout on this machine: no container engine takes part.
//!
//! Nothing of an image is believed: every piece is what its digest says, is unpacked below the root and nowhere else, and
//! has an end.

mod layers;
mod layout;
mod login;
mod repository;

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use oci_spec::image::{Arch, Descriptor, ImageIndex, ImageManifest, Os};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use skiff_domain::RuntimeName;
use skiff_runtimes::{Root, interpreter};

use crate::error::AddError;
use crate::source::Image;
use crate::trim::trim;
use layers::{Compression, Tree};
use layout::Layout;
use repository::Repository;

/// Largest image, all layers as they come together.
const IMAGE_BYTES_MAX: u64 = 4 << 30;
/// Most layers of an image; those of engines end at 127.
const LAYERS_MAX: usize = 128;
/// Longest configuration read.
const CONFIG_BYTES_MAX: u64 = 4 << 20;
/// Where programs are looked for when the image does not say.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// What was brought.
#[derive(Debug)]
pub(crate) struct Brought {
    /// The interpreter, as its path in the root without links.
    pub(crate) program: String,
    /// The image by its digest.
    pub(crate) source: String,
}

/// Where an image is read from.
enum Origin {
    Registry(Repository),
    Layout(Layout),
}

/// What an image begins with.
#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Image(Box<ImageManifest>),
    /// Images of one name for many processors.
    Index(Box<ImageIndex>),
}

impl Origin {
    fn of(image: &Image) -> Result<Self, AddError> {
        Ok(match image {
            Image::Registry(reference) => {
                let login = login::of(reference.resolve_registry());
                Self::Registry(Repository::of(reference, login)?)
            }
            Image::Layout { folder, tag } => Self::Layout(Layout::open(folder, tag.as_deref())?),
        })
    }

    /// The manifest for this machine's processor, and its digest, which it has been held against.
    fn manifest(&self, refused: &dyn Fn(String) -> AddError) -> Result<(ImageManifest, String), AddError> {
        let named = match self {
            Self::Registry(repository) => repository.named(),
            Self::Layout(layout) => layout.named(),
        };
        let index = match self.document(named, refused)? {
            (Document::Image(manifest), digest) => return Ok((*manifest, digest)),
            (Document::Index(index), _) => index,
        };
        let is_own = |entry: &&Descriptor| {
            let platform = entry.platform().as_ref();
            platform.is_some_and(|it| *it.os() == Os::default() && *it.architecture() == Arch::default())
        };
        let own = index.manifests().iter().find(is_own);
        let own = own.ok_or_else(|| refused("it is not for this machine's processor".to_owned()))?;
        match self.document(own.digest().as_ref(), refused)? {
            (Document::Image(manifest), digest) => Ok((*manifest, digest)),
            (Document::Index(_), _) => Err(refused("its index leads to another index".to_owned())),
        }
    }

    /// What has this tag or digest, and its digest, which it is held against where it is known.
    fn document(&self, which: &str, refused: &dyn Fn(String) -> AddError) -> Result<(Document, String), AddError> {
        let text = match self {
            Self::Registry(repository) => repository.manifest(which)?,
            Self::Layout(layout) => layout.document(which)?,
        };
        let found = digest(&Sha256::digest(&text));
        // A tag has no colon.
        if which.contains(':') && which != found {
            return Err(AddError::Digest {
                digest: which.to_owned(),
            });
        }
        let document = serde_json::from_slice(&text);
        document.map_or_else(
            |error| Err(refused(format!("{which} is no manifest: {error}"))),
            |document| Ok((document, found)),
        )
    }

    /// A piece of it, whole and what its digest says, to be read from its beginning.
    fn blob(&self, piece: &Descriptor, spool: &Path) -> Result<File, AddError> {
        let (named, size) = (piece.digest().as_ref(), piece.size());
        let mut file = match self {
            Self::Registry(repository) => repository.blob(named, size, spool)?,
            Self::Layout(layout) => layout.blob(named)?,
        };
        file.rewind().map_err(AddError::io(spool))?;
        let mut sum = Summed(Sha256::new());
        let read = io::copy(&mut (&mut file).take(size.saturating_add(1)), &mut sum).map_err(AddError::io(spool))?;
        if read != size || digest(&sum.0.finalize()) != named {
            return Err(AddError::Digest {
                digest: named.to_owned(),
            });
        }
        file.rewind().map_err(AddError::io(spool))?;
        Ok(file)
    }
}

/// Sums what is written to it.
struct Summed(Sha256);

impl io::Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn digest(sum: &[u8]) -> String {
    let hex: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// What of an image's configuration is of use here.
#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    config: Process,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Process {
    #[serde(default)]
    env: Option<Vec<String>>,
}

/// Unpacks the image into `root`, which exists and is empty.
pub(crate) fn build(image: &Image, name: &RuntimeName, root: &Path, say: &dyn Fn(&str)) -> Result<Brought, AddError> {
    let program = program_of(name).ok_or_else(|| AddError::NotKnown(name.clone()))?;
    let spool = tempfile::tempdir_in(root.parent().unwrap_or(root)).map_err(AddError::io(root))?;
    let refused = |reason: String| AddError::Image {
        image: image.to_string(),
        reason,
    };
    let origin = Origin::of(image)?;
    let (manifest, digest) = origin.manifest(&refused)?;
    let bytes = manifest
        .layers()
        .iter()
        .map(Descriptor::size)
        .fold(0, u64::saturating_add);
    let layers = manifest.layers().len();
    if bytes > IMAGE_BYTES_MAX || layers > LAYERS_MAX {
        let limits = format!("{IMAGE_BYTES_MAX} bytes in {LAYERS_MAX} are allowed");
        return Err(refused(format!("it has {bytes} bytes in {layers} layers, {limits}")));
    }
    say(&format!("unpacking {layers} layers ({} MB) of {image}", bytes >> 20));
    let config = config(&origin, &manifest, spool.path()).map_err(|error| match error {
        ConfigError::Add(error) => error,
        ConfigError::Read(error) => refused(format!("its configuration cannot be read: {error}")),
    })?;
    let mut tree = Tree::open(root).map_err(AddError::io(root))?;
    for layer in manifest.layers() {
        let kind = layer.media_type();
        let kind = Compression::of(kind.as_ref()).ok_or_else(|| refused(format!("it has a layer of {kind}")))?;
        let mut file = origin.blob(layer, spool.path())?;
        let applied = tree.apply(&mut file, kind);
        applied.map_err(|error| refused(format!("layer {}: {error}", layer.digest())))?;
    }
    let found = find(root, &program, &config).ok_or_else(|| AddError::NoInterpreter {
        place: image.to_string(),
        what: program,
    })?;
    trim(root).map_err(AddError::io(root))?;
    fs::set_permissions(root, Permissions::from_mode(0o755)).map_err(AddError::io(root))?;
    Ok(Brought {
        program: found,
        source: image.at(&digest),
    })
}

enum ConfigError {
    Add(AddError),
    Read(io::Error),
}

fn config(origin: &Origin, manifest: &ImageManifest, spool: &Path) -> Result<Config, ConfigError> {
    if manifest.config().size() > CONFIG_BYTES_MAX {
        return Err(ConfigError::Read(io::Error::other(format!(
            "more than {CONFIG_BYTES_MAX} bytes"
        ))));
    }
    let file = origin.blob(manifest.config(), spool).map_err(ConfigError::Add)?;
    serde_json::from_reader(io::BufReader::new(file)).map_err(|error| ConfigError::Read(error.into()))
}

/// The name of the program that is looked for.
fn program_of(name: &RuntimeName) -> Option<String> {
    let usual = interpreter(name, Root::System)?;
    Path::new(&usual).file_name()?.to_str().map(str::to_owned)
}

/// Where a program is in the root by the image's search path, without links.
fn find(root: &Path, program: &str, config: &Config) -> Option<String> {
    let variables = config.config.env.iter().flatten();
    let own = variables
        .filter_map(|variable| variable.strip_prefix("PATH="))
        .next_back();
    let folders = own.unwrap_or(USUAL_PATH).split(':').chain(USUAL_PATH.split(':'));
    let tree = Tree::open(root).ok()?;
    folders.filter(|folder| folder.starts_with('/')).find_map(|folder| {
        let found = tree.resolve(&Path::new(folder).join(program)).ok()?;
        let runs = fs::symlink_metadata(root.join(&found)).ok()?;
        let runs = runs.is_file() && runs.permissions().mode() & 0o111 != 0;
        runs.then(|| Path::new("/").join(found).to_str().map(str::to_owned))?
    })
}
