//! What a runtime's root file system is made of and how the runtime boots in it: data, no act.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A runtime as the sandbox sees it. Every instance of it shares one read-only root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Folders and files of the host that appear inside, read-only, under another or the same path.
    pub binds: Vec<Bind>,
    /// Symbolic links.
    pub links: Vec<Link>,
    /// Files with their text.
    pub files: Vec<TextFile>,
    /// Files that are no text: compiled code.
    #[serde(default)]
    pub blobs: Vec<BinaryFile>,
    /// Empty folders, e.g. those that code will be mounted on.
    pub folders: Vec<PathBuf>,
    /// How the runtime starts.
    pub boot: Boot,
}

/// A folder or file of the host seen inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// Where it is on the host.
    pub source: PathBuf,
    /// Where it appears inside.
    pub target: PathBuf,
}

/// A symbolic link inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Where the link stands.
    pub path: PathBuf,
    /// What it says.
    pub target: PathBuf,
}

/// A file inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextFile {
    /// Where it stands.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// A file inside that is no text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinaryFile {
    /// Where it stands.
    pub path: PathBuf,
    /// What it holds.
    pub content: Vec<u8>,
}

/// How a runtime starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Boot {
    /// The program is a zygote itself: it loads [`LIBRARY_PATH`], takes orders from the descriptor whose number is
    /// its last argument, and forks instances.
    Fork(Command),
    /// The program is executed anew for each instance, behind the walls. Its last argument is `warm` when it is to warm
    /// itself before code comes, else `cold`.
    Exec(Command),
    /// The process stays the server's own program, and does this task of it behind the walls: see [`crate::Waiter`].
    Wait(String),
}

/// A program inside the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Path and arguments.
    pub argv: Vec<String>,
    /// The whole environment, `KEY=value`.
    pub environment: Vec<String>,
}

/// Where the shared object of the birth code stands inside, for [`Boot::Fork`].
pub const LIBRARY_PATH: &str = "/var/runtime/libskiffcell.so";

/// Where a function's code is mounted.
pub const CODE_TARGET: &str = "/var/user";

/// Where a function's layers are, in every root.
pub const LAYERS_TARGET: &str = "/opt";
