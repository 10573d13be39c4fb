//! One file of the local log: appended to, cut where it is torn, read back.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::frame::{Frames, MAGIC};

/// A segment's file. It stays readable by who holds it after it was removed.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) seq: u64,
    pub(crate) path: PathBuf,
    pub(crate) file: Arc<File>,
    /// Bytes of the magic and whole frames.
    pub(crate) size: u64,
    /// True while there may be a torn frame behind them.
    is_torn: bool,
}

/// Makes the folder, readable by nobody else: logs are the users'.
pub(crate) fn make_folder(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// The segments in a folder, oldest first, each cut behind its last whole frame.
pub(crate) fn recover(dir: &Path) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let seq = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".wal"))
            .and_then(|number| u64::from_str_radix(number, 16).ok());
        if let Some(seq) = seq {
            segments.extend(Segment::recover(seq, path)?);
        }
    }
    segments.sort_by_key(|segment| segment.seq);
    Ok(segments)
}

impl Segment {
    /// A new, empty one.
    pub(crate) fn create(dir: &Path, seq: u64) -> io::Result<Self> {
        let path = dir.join(format!("{seq:016x}.wal"));
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(MAGIC)?;
        // The name is on disk before anything it names.
        File::open(dir)?.sync_all()?;
        Ok(Self {
            seq,
            path,
            file: Arc::new(file),
            size: MAGIC.len() as u64,
            is_torn: false,
        })
    }

    /// `None` for a file that is not one of ours, or not any more: it is set aside, for a person to look at.
    fn recover(seq: u64, path: PathBuf) -> io::Result<Option<Self>> {
        let mut file = OpenOptions::new().read(true).append(true).open(&path)?;
        let found = file.metadata()?.len();
        let bytes = read(&file, found)?;
        let size = if bytes.starts_with(MAGIC) {
            let mut frames = Frames::from(&bytes, MAGIC.len());
            frames.by_ref().for_each(drop);
            frames.good() as u64
        } else if MAGIC.starts_with(&bytes) {
            // Killed, or out of power, while it was made.
            0
        } else {
            let aside = path.with_extension("unreadable");
            tracing::error!(path = %path.display(), aside = %aside.display(), "a log segment cannot be read; it is set aside");
            fs::rename(&path, &aside)?;
            return Ok(None);
        };
        if size < found {
            let cut = bytes
                .get(usize::try_from(size).unwrap_or(usize::MAX)..)
                .unwrap_or_default();
            match set_aside(&path, cut) {
                Ok(aside) => tracing::warn!(
                    path = %path.display(), kept = size, cut = cut.len(), aside = %aside.display(),
                    "cut the torn or damaged end of a log segment; it is set aside"
                ),
                // A full disk is no reason not to start.
                Err(error) => tracing::error!(
                    path = %path.display(), kept = size, cut = cut.len(), %error,
                    "cut the torn or damaged end of a log segment, which could not be set aside"
                ),
            }
            file.set_len(size)?;
        }
        if size == 0 {
            file.write_all(MAGIC)?;
        }
        Ok(Some(Self {
            seq,
            path,
            file: Arc::new(file),
            size: size.max(MAGIC.len() as u64),
            is_torn: false,
        }))
    }

    /// Appends whole frames, all of them or none.
    pub(crate) fn append(&mut self, frames: &[u8]) -> io::Result<()> {
        if self.is_torn {
            // It would hide everything appended behind it.
            self.file.set_len(self.size)?;
        }
        self.is_torn = true;
        (&*self.file).write_all(frames)?;
        self.is_torn = false;
        self.size += frames.len() as u64;
        Ok(())
    }

    /// True when it holds no record.
    pub(crate) fn is_empty(&self) -> bool {
        self.size <= MAGIC.len() as u64
    }

    /// All of it, the magic first.
    pub(crate) fn read(&self) -> io::Result<Bytes> {
        read(&self.file, self.size).map(Bytes::from)
    }

    /// How many records it holds.
    pub(crate) fn records(&self) -> io::Result<u64> {
        let bytes = self.read()?;
        Ok(Frames::from(&bytes, MAGIC.len()).count() as u64)
    }

    /// Removes the file. Nothing is wrong when it is gone already.
    pub(crate) fn remove(&self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Keeps what is cut off a segment: behind one damaged record may be many whole ones, for a person to look at.
fn set_aside(segment: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut names = std::iter::once("cut".to_owned()).chain((1..).map(|number| format!("cut.{number}")));
    loop {
        let aside = segment.with_extension(names.next().unwrap_or_default());
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside);
        let mut file = match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            made => made?,
        };
        file.write_all(bytes)?;
        file.sync_all()?;
        return Ok(aside);
    }
}

fn read(file: &File, size: u64) -> io::Result<Vec<u8>> {
    let size = usize::try_from(size).map_err(io::Error::other)?;
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
