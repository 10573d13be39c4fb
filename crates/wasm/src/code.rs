//! From a file of the package to machine code: what was compiled at deployment, else compiled now.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use skiff_domain::COMPILED_SUFFIX;
use skiff_runtimes::wasm::SUFFIX;
use wasmtime::component::Component;
use wasmtime::{Engine, Module, Precompiled, Result};

/// How every module and component begins.
const MAGIC: &[u8] = b"\0asm";
/// Where the layer is said: 0 for modules, 1 for components.
const LAYER: std::ops::Range<usize> = 6..8;

/// Code that can be linked.
pub(crate) enum Code {
    /// A core module.
    Module(Module),
    /// A component.
    Component(Component),
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoCode {
    #[error("the package has no file {0}")]
    Missing(String),
    #[error("{path} cannot be read: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("{0} is neither a WebAssembly module nor a component: it does not begin as they do")]
    Foreign(String),
    #[error("{path} is not valid: {cause}")]
    Invalid { path: String, cause: String },
}

impl Code {
    /// The code of a file of the package.
    pub(crate) fn open(engine: &Engine, package: &Path, path: &str) -> Result<Self, NoCode> {
        if let Some(code) = compiled(engine, &package.join(format!("{path}{COMPILED_SUFFIX}"))) {
            return Ok(code);
        }
        let bytes = fs::read(package.join(path)).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => NoCode::Missing(path.to_owned()),
            _ => NoCode::Unreadable {
                path: path.to_owned(),
                source,
            },
        })?;
        let made = match Kind::of(&bytes) {
            Some(Kind::Module) => Module::new(engine, &bytes).map(Self::Module),
            Some(Kind::Component) => Component::new(engine, &bytes).map(Self::Component),
            None => return Err(NoCode::Foreign(path.to_owned())),
        };
        made.map_err(|error| NoCode::Invalid {
            path: path.to_owned(),
            cause: format!("{error:#}"),
        })
    }
}

/// What a file holds.
enum Kind {
    Module,
    Component,
}

impl Kind {
    /// None for what is neither: machine code that somebody else has made, above all.
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.get(LAYER)? {
            _ if !bytes.starts_with(MAGIC) => None,
            [0, 0] => Some(Self::Module),
            [1, 0] => Some(Self::Component),
            _ => None,
        }
    }
}

/// What was compiled at deployment, where it was, and by this very compiler for this very machine.
#[expect(unsafe_code, reason = "machine code is taken from a file")]
fn compiled(engine: &Engine, path: &Path) -> Option<Code> {
    match Engine::detect_precompiled_file(path).ok()?? {
        // SAFETY: a file of this name was made by `compile` below, in a sandbox of the same package, and is written by the
        // server alone: it refuses packages that have one of their own, the mount is read-only, and it replaces files
        // by renaming. Were it forged all the same, its code would run where the package's own code runs anyway.
        Precompiled::Module => unsafe { Module::deserialize_file(engine, path) }.ok().map(Code::Module),
        // SAFETY: as above.
        Precompiled::Component => unsafe { Component::deserialize_file(engine, path) }
            .ok()
            .map(Code::Component),
    }
}

/// Machine code for a file of a package; none for what is no valid code, which is complained about when it is loaded.
pub(crate) fn compile(engine: &Engine, path: &Path) -> Option<Vec<u8>> {
    let bytes = fs::read(path).ok()?;
    match Kind::of(&bytes)? {
        Kind::Module => engine.precompile_module(&bytes).ok(),
        Kind::Component => engine.precompile_component(&bytes).ok(),
    }
}

/// Every file below a folder that may be code, as paths below it. Links are not followed.
pub(crate) fn sources(package: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        // What cannot be read is not compiled.
        for entry in fs::read_dir(package.join(&folder)).into_iter().flatten().flatten() {
            let path = folder.join(entry.file_name());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() && entry.file_name().to_string_lossy().ends_with(SUFFIX) => found.push(path),
                _ => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::engine::Host;

    use super::*;

    #[test]
    fn code_is_taken_as_compiled_and_compiled_where_that_does_not_fit() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = Host::new().expect("a host").engine;
        let module = wat::parse_str("(module (func (export \"_start\")))").expect("text");
        let component = wat::parse_str("(component)").expect("text");
        for (name, source) in [("m.wasm", &module), ("deep/c.wasm", &component)] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, source).expect("a file");
        }
        fs::write(folder.path().join("damaged.wasm"), "\0asm\x01\0\0\0?").expect("a file");
        let mut found = sources(folder.path());
        found.sort();
        assert_eq!(found, ["damaged.wasm", "deep/c.wasm", "m.wasm"].map(PathBuf::from));
        assert!(compile(&engine, &folder.path().join("damaged.wasm")).is_none());
        for name in ["m.wasm", "deep/c.wasm"] {
            let machine_code = compile(&engine, &folder.path().join(name)).expect("valid");
            let place = folder.path().join(format!("{name}{COMPILED_SUFFIX}"));
            fs::write(&place, machine_code).expect("a file");
            assert!(compiled(&engine, &place).is_some(), "{name}");
            assert!(Code::open(&engine, folder.path(), name).is_ok(), "{name}");
            // What another compiler has made.
            fs::write(&place, "\x7fELF").expect("a file");
            assert!(compiled(&engine, &place).is_none(), "{name}");
            assert!(Code::open(&engine, folder.path(), name).is_ok(), "{name}");
        }
    }

    #[test]
    fn machine_code_of_somebody_else_is_no_code_whatever_it_is_called() {
        let folder = tempfile::tempdir().expect("a folder");
        let engine = Host::new().expect("a host").engine;
        let module = wat::parse_str("(module (func (export \"_start\")))").expect("text");
        let forged = engine.precompile_module(&module).expect("valid");
        fs::write(folder.path().join("main.wasm"), forged).expect("a file");
        let refused = Code::open(&engine, folder.path(), "main.wasm").err().expect("refused");
        assert!(matches!(refused, NoCode::Foreign(_)), "{refused}");
        for (path, text) in [("none.wasm", "no file none.wasm"), (".", "cannot be read")] {
            let refused = Code::open(&engine, folder.path(), path).err().expect("refused");
            assert!(refused.to_string().contains(text), "{refused}");
        }
    }
}
