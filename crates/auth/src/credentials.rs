//! A secret id and its key, and the file the created ones are kept in.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The file in the data dir.
const FILE_NAME: &str = "credentials.json";
/// Longest id or key taken.
const TEXT_BYTES_MAX: usize = 128;
/// Longest credentials file read: two texts and their names.
const FILE_BYTES_MAX: u64 = 4096;
/// Random characters in a created id (after `AKID`) and in a created key: 190 bits.
const RANDOM_CHARS: usize = 32;

/// The public half of a credential: 1 to 128 letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretId(String);

/// The secret half of a credential: 1 to 128 printable ASCII characters. Never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretKey(String);

/// An id and its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// What a request names.
    pub secret_id: SecretId,
    /// What signs it.
    pub secret_key: SecretKey,
}

/// A text that can be neither an id nor a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredential {
    /// For an id.
    #[error("a secret id is 1 to 128 letters, digits, '-' and '_'")]
    SecretId,
    /// For a key.
    #[error("a secret key is 1 to 128 printable ASCII characters without spaces")]
    SecretKey,
}

/// What [`Credentials::load_or_create`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loaded {
    /// They were there.
    Existing(Credentials),
    /// They were made just now: show them once.
    Created(Credentials),
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub enum CredentialFileError {
    /// Others could read the file.
    #[error("{path} can be read by other users: run `chmod 600 {path}`, or delete it to have new credentials made", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// The file is there and cannot be understood.
    #[error("{path} is not valid: give {{\"secret_id\": …, \"secret_key\": …}}, or delete it to have new ones made", path = path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// The file cannot be read or written.
    #[error("read or write {path}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl SecretId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SecretKey {
    /// The key as text, for the two who need it: the signer, and the one who shows it once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Credentials {
    /// Checks both halves.
    pub fn new(secret_id: &str, secret_key: &str) -> Result<Self, InvalidCredential> {
        Ok(Self {
            secret_id: secret_id.parse()?,
            secret_key: secret_key.parse()?,
        })
    }

    /// A new random pair.
    pub fn random() -> io::Result<Self> {
        let (id, key) = (random_text()?, random_text()?);
        Ok(Self {
            secret_id: SecretId(format!("AKID{id}")),
            secret_key: SecretKey(key),
        })
    }

    /// Reads `credentials.json` of this folder, or makes the file with a new random pair, readable by its owner only.
    ///
    /// The file appears whole or not at all. Two callers at once are the caller's matter: the data dir is locked.
    pub fn load_or_create(dir: &Path) -> Result<Loaded, CredentialFileError> {
        let path = dir.join(FILE_NAME);
        let failed = |source| CredentialFileError::Io {
            path: path.clone(),
            source,
        };
        match File::open(&path) {
            Ok(file) => read(file, &path).map(Loaded::Existing),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let credentials = Self::random().map_err(failed)?;
                write(dir, &path, &credentials).map_err(failed)?;
                Ok(Loaded::Created(credentials))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

impl Loaded {
    /// The credentials, however they came about.
    #[must_use]
    pub fn credentials(&self) -> &Credentials {
        match self {
            Self::Existing(credentials) | Self::Created(credentials) => credentials,
        }
    }
}

fn read(file: File, path: &Path) -> Result<Credentials, CredentialFileError> {
    let failed = |source| CredentialFileError::Io {
        path: path.to_owned(),
        source,
    };
    if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
        return Err(CredentialFileError::Exposed { path: path.to_owned() });
    }
    let mut text = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut text).map_err(failed)?;
    serde_json::from_slice(&text).map_err(|source| CredentialFileError::Malformed {
        path: path.to_owned(),
        source,
    })
}

fn write(dir: &Path, path: &Path, credentials: &Credentials) -> io::Result<()> {
    let unfinished = path.with_extension("json.new");
    // What a killed start left behind.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(&serde_json::to_vec_pretty(credentials)?)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    File::open(dir)?.sync_all()
}

/// Letters and digits, each equally likely.
fn random_text() -> io::Result<String> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(RANDOM_CHARS);
    while text.len() < RANDOM_CHARS {
        let mut random = [0_u8; 64];
        let filled = rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
        // A byte of 248 or more would make the first letters likelier than the last.
        let letters = random[..filled]
            .iter()
            .filter(|byte| **byte < 248)
            .map(|byte| char::from(ALPHABET[usize::from(byte % 62)]));
        text.extend(letters.take(RANDOM_CHARS - text.len()));
    }
    Ok(text)
}

impl FromStr for SecretId {
    type Err = InvalidCredential;
    fn from_str(text: &str) -> Result<Self, InvalidCredential> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=TEXT_BYTES_MAX).contains(&text.len()) && text.bytes().all(legal) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidCredential::SecretId)
    }
}

impl FromStr for SecretKey {
    type Err = InvalidCredential;
    fn from_str(text: &str) -> Result<Self, InvalidCredential> {
        if (1..=TEXT_BYTES_MAX).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidCredential::SecretKey)
    }
}

impl TryFrom<String> for SecretId {
    type Error = InvalidCredential;
    fn try_from(text: String) -> Result<Self, InvalidCredential> {
        text.parse()
    }
}

impl From<SecretId> for String {
    fn from(id: SecretId) -> String {
        id.0
    }
}

impl TryFrom<String> for SecretKey {
    type Error = InvalidCredential;
    fn try_from(text: String) -> Result<Self, InvalidCredential> {
        text.parse()
    }
}

impl From<SecretKey> for String {
    fn from(key: SecretKey) -> String {
        key.0
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

#[cfg(test)]
mod tests;
