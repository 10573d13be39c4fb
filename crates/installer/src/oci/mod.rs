//! A root file system from an OCI image, of a registry or of a layout on this machine: no container engine takes part.
//!
//! Nothing of an image is believed: every piece is what its digest says, is unpacked below the root and nowhere else, and
//! has an end.

mod documents;
mod layers;
mod layout;
mod login;
mod registry;

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use oci_client::manifest::{OciDescriptor, OciImageManifest};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use skiff_domain::RuntimeName;
use skiff_runtimes::{Root, interpreter};

use crate::error::AddError;
use crate::source::Image;
use layers::{Compression, Tree};

/// Largest image, all layers as they come together.
const IMAGE_BYTES_MAX: u64 = 4 << 30;
/// Most layers of an image; those of engines end at 127.
const LAYERS_MAX: usize = 128;
/// Longest configuration read.
const CONFIG_BYTES_MAX: u64 = 4 << 20;
/// Where programs are looked for when the image does not say.
const USUAL_PATH: &str = "/usr/local/bin:/usr/bin:/bin";
/// What of a root file system functions can never see, and need not lie on the disk.
const LEFT_OUT: &[&str] = &[
    "boot",
    "dev",
    "home",
    "media",
    "mnt",
    "proc",
    "root",
    "run",
    "srv",
    "sys",
    "tmp",
    "var",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
];

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
    Registry(registry::Registry),
    Layout(layout::Layout),
}

impl Origin {
    /// The image for this machine's processor, and its digest.
    fn manifest(&self) -> Result<(OciImageManifest, String), AddError> {
        match self {
            Self::Registry(registry) => registry.manifest(),
            Self::Layout(layout) => layout.manifest(),
        }
    }

    /// A piece of it, whole and what its digest says, to be read from its beginning.
    fn blob(&self, piece: &OciDescriptor, spool: &Path) -> Result<File, AddError> {
        let size = u64::try_from(piece.size).unwrap_or_default();
        let mut file = match self {
            Self::Registry(registry) => registry.blob(piece, size, spool)?,
            Self::Layout(layout) => layout.blob(piece)?,
        };
        let read = check((&mut file).take(size + 1), &piece.digest, spool)?;
        if read != size {
            return Err(AddError::Digest {
                digest: piece.digest.clone(),
            });
        }
        file.rewind().map_err(AddError::io(spool))?;
        Ok(file)
    }
}

/// Reads to the end and sees that it was what this digest says. Gives back how long it was.
fn check(mut piece: impl Read, digest: &str, place: &Path) -> Result<u64, AddError> {
    let (mut sum, mut read, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        match piece.read(&mut buffer).map_err(AddError::io(place))? {
            0 => break,
            length => {
                sum.update(&buffer[..length]);
                read += length as u64;
            }
        }
    }
    let found: String = sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if digest.strip_prefix("sha256:") == Some(&*found) {
        Ok(read)
    } else {
        Err(AddError::Digest {
            digest: digest.to_owned(),
        })
    }
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
    let origin = match image {
        Image::Registry(reference) => Origin::Registry(registry::Registry::of(reference)?),
        Image::Layout { folder, tag } => Origin::Layout(layout::Layout::open(folder, tag.as_deref())?),
    };
    let (manifest, digest) = origin.manifest()?;
    let refused = |reason: String| AddError::Image {
        image: image.to_string(),
        reason,
    };
    let sizes = manifest
        .layers
        .iter()
        .map(|layer| u64::try_from(layer.size).unwrap_or(u64::MAX));
    let bytes = sizes.fold(0, u64::saturating_add);
    if bytes > IMAGE_BYTES_MAX || manifest.layers.len() > LAYERS_MAX {
        let layers = manifest.layers.len();
        let limits = format!("{IMAGE_BYTES_MAX} bytes in {LAYERS_MAX} are allowed");
        return Err(refused(format!("it has {bytes} bytes in {layers} layers, {limits}")));
    }
    say(&format!(
        "unpacking {} layers ({} MB) of {image}",
        manifest.layers.len(),
        bytes >> 20
    ));
    let config = config(&origin, &manifest, spool.path()).map_err(|error| match error {
        ConfigError::Add(error) => error,
        ConfigError::Read(error) => refused(format!("its configuration cannot be read: {error}")),
    })?;
    let mut tree = Tree::open(root).map_err(AddError::io(root))?;
    for layer in &manifest.layers {
        let kind = Compression::of(&layer.media_type)
            .ok_or_else(|| refused(format!("it has a layer of {}", layer.media_type)))?;
        let mut file = origin.blob(layer, spool.path())?;
        let applied = tree.apply(&mut file, kind);
        applied.map_err(|error| refused(format!("layer {}: {error}", layer.digest)))?;
    }
    let found = find(root, &program, &config).ok_or_else(|| AddError::NoInterpreter {
        place: image.to_string(),
        what: program,
    })?;
    leave_out(root).map_err(AddError::io(root))?;
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

fn config(origin: &Origin, manifest: &OciImageManifest, spool: &Path) -> Result<Config, ConfigError> {
    if u64::try_from(manifest.config.size).is_ok_and(|size| size > CONFIG_BYTES_MAX) {
        return Err(ConfigError::Read(io::Error::other(format!(
            "more than {CONFIG_BYTES_MAX} bytes"
        ))));
    }
    let file = origin.blob(&manifest.config, spool).map_err(ConfigError::Add)?;
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

/// Removes what nobody can see, never through a link.
fn leave_out(root: &Path) -> io::Result<()> {
    for folder in LEFT_OUT {
        let path = root.join(folder);
        let mut own = path.ancestors().take_while(|above| *above != root);
        let all_folders = own.all(|above| fs::symlink_metadata(above).is_ok_and(|about| about.is_dir()));
        if all_folders {
            fs::remove_dir_all(path)?;
        }
    }
    Ok(())
}
