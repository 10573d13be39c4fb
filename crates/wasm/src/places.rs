//! What of the sandbox's file system a program sees.

use std::io;
use std::path::PathBuf;

use skiff_sandbox::{CODE_TARGET, LAYERS_TARGET};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// The folder for scratch files.
const SCRATCH: &str = "/tmp";

/// Where the folders are that a program is given.
#[derive(Debug)]
pub(crate) struct Places {
    /// The package, which relative paths begin in as well.
    pub(crate) code: PathBuf,
    /// The layers.
    layers: PathBuf,
    /// What may be written to.
    scratch: PathBuf,
}

impl Places {
    /// Where they are in every sandbox.
    pub(crate) fn of_the_sandbox() -> Self {
        Self {
            code: CODE_TARGET.into(),
            layers: LAYERS_TARGET.into(),
            scratch: SCRATCH.into(),
        }
    }

    /// Shows them to a program, each where it is in every sandbox.
    pub(crate) fn show(&self, wasi: &mut WasiCtxBuilder) -> io::Result<()> {
        for (place, shown, may) in [
            (&self.code, ".", FsPerms::ReadOnly),
            (&self.code, CODE_TARGET, FsPerms::ReadOnly),
            (&self.layers, LAYERS_TARGET, FsPerms::ReadOnly),
            (&self.scratch, SCRATCH, FsPerms::ReadWrite),
        ] {
            wasi.preopened_dir(place, shown, may).map_err(io::Error::other)?;
        }
        Ok(())
    }
}
