//! Builds the shared object of `cell/lib.rs` and leaves its path to `include_bytes!`.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=cell");
    println!("cargo::rerun-if-changed=src/cell");
    let variable = |name: &str| env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"));
    let out = PathBuf::from(variable("OUT_DIR")).join("libskiffcell.so");
    // Freestanding: no C library is linked, so that it loads beside any of them.
    let status = Command::new(variable("RUSTC"))
        .args([
            "--crate-name",
            "skiffcell",
            "--crate-type",
            "cdylib",
            "--edition",
            "2024",
        ])
        .args(["--target", &variable("TARGET")])
        .args([
            "-C",
            "panic=abort",
            "-C",
            "opt-level=s",
            "-C",
            "lto=fat",
            "-C",
            "codegen-units=1",
        ])
        .args([
            "-C",
            "strip=debuginfo",
            "-C",
            "overflow-checks=off",
            "-C",
            "link-arg=-nostdlib",
        ])
        .arg("cell/lib.rs")
        .arg("-o")
        .arg(&out)
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("building cell/lib.rs failed: {status}"),
        Err(error) => panic!("rustc did not start: {error}"),
    }
    let size = fs::metadata(&out).map(|file| file.len()).unwrap_or_default();
    assert!(size > 0, "{} is empty", out.display());
}
