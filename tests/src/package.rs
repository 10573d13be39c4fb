//! Code packages: zips made in memory, honest and otherwise.

use std::io::{Cursor, Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use zip::{ZipWriter, write::SimpleFileOptions};

/// A zip in the making.
#[derive(Debug)]
pub struct Package(ZipWriter<Cursor<Vec<u8>>>);

impl Default for Package {
    fn default() -> Self {
        Self(ZipWriter::new(Cursor::new(Vec::new())))
    }
}

impl Package {
    /// A package of one `index.py`.
    pub fn python(code: &str) -> Self {
        Self::default().file("index.py", code.as_bytes())
    }

    /// Adds a file under this path, whatever the path is.
    pub fn file(self, path: &str, content: &[u8]) -> Self {
        self.file_of_mode(path, content, 0o644)
    }

    /// Adds a file that can be executed.
    pub fn program(self, path: &str, content: &[u8]) -> Self {
        self.file_of_mode(path, content, 0o755)
    }

    fn file_of_mode(mut self, path: &str, content: &[u8], mode: u32) -> Self {
        self.0
            .start_file(path, SimpleFileOptions::default().unix_permissions(mode))
            .expect("a zip in memory");
        self.0.write_all(content).expect("a zip in memory");
        self
    }

    /// Adds a symbolic link.
    pub fn symlink(mut self, path: &str, target: &str) -> Self {
        self.0
            .add_symlink(path, target, SimpleFileOptions::default())
            .expect("a zip in memory");
        self
    }

    /// The zip's bytes.
    pub fn bytes(self) -> Vec<u8> {
        self.0.finish().expect("a zip in memory").into_inner()
    }

    /// The zip as the API takes it.
    pub fn base64(self) -> String {
        STANDARD.encode(self.bytes())
    }
}
