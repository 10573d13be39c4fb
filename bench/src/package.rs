//! The functions that are measured, as packages.

use std::io::{Cursor, Write};

use anyhow::Result;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// The handler of every package here.
pub(crate) const HANDLER: &str = "index.main_handler";

/// Says when its first statement ran, then waits as long as it is told to.
pub(crate) const CLOCK: &str = "\
import time


def main_handler(event, context):
    now = time.monotonic_ns()
    if event:
        time.sleep(event['seconds'])
    return now
";

/// Greets; what its peers do too.
pub(crate) const HELLO: &str = "\
def main_handler(event, context):
    return {'message': 'Hello, ' + event['name'] + '!'}
";

/// Modules of the large package, beside its entry.
const MODULES: usize = 100;
/// Functions in each.
const FUNCTIONS: usize = 40;
/// Size of the large package, in bytes: 1 MB.
pub(crate) const LARGE_BYTES: usize = 1_000_000;

/// A package of one file.
pub(crate) fn small(source: &str) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("index.py", SimpleFileOptions::default())?;
    zip.write_all(source.as_bytes())?;
    Ok(zip.finish()?.into_inner())
}

/// A package of 1 MB: 100 modules of Python, about 6 KB of source each, and data that does not compress. Every seed
/// gives different data, so that no package is known already. The entry imports one of the modules.
pub(crate) fn large(seed: u64) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    zip.start_file("index.py", options)?;
    write!(
        zip,
        "from lib import module_0\n\n\ndef main_handler(event, context):\n    return module_0.compute_0(event, 1)\n"
    )?;
    zip.start_file("lib/__init__.py", options)?;
    for module in 0..MODULES {
        zip.start_file(format!("lib/module_{module}.py"), options)?;
        zip.write_all(source(module).as_bytes())?;
    }
    let code = zip.finish()?.into_inner();
    let mut zip = ZipWriter::new_append(Cursor::new(code.clone()))?;
    zip.start_file("data.bin", options)?;
    zip.write_all(&noise(seed, LARGE_BYTES.saturating_sub(code.len())))?;
    Ok(zip.finish()?.into_inner())
}

/// A module as a person might write it: short functions with a docstring, a branch and a loop.
fn source(module: usize) -> String {
    let mut text =
        format!("\"\"\"Module {module} of a package that stands for all others.\"\"\"\n\nSCALE = {module}\n");
    for function in 0..FUNCTIONS {
        text.push_str(&format!(
            "\n\ndef compute_{function}(event, times):\n    \"\"\"Sums what it is given.\"\"\"\n    total = SCALE * {function}\n    \
             for step in range(times):\n        total += step if step % 2 else -step\n    return [event, total]\n"
        ));
    }
    text
}

/// Bytes that do not compress: splitmix64.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::from_fn(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(word ^ (word >> 31))
    });
    words.flat_map(u64::to_le_bytes).take(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_large_package_is_a_megabyte_and_never_the_same() {
        let (one, other) = (large(1).unwrap(), large(2).unwrap());
        assert!(
            one.len().abs_diff(LARGE_BYTES) < LARGE_BYTES / 100,
            "{} bytes",
            one.len()
        );
        assert_ne!(one, other);
        let mut zip = zip::ZipArchive::new(Cursor::new(one)).unwrap();
        assert_eq!(zip.len(), MODULES + 3);
        assert!(zip.by_name("lib/module_99.py").unwrap().size() > 5000);
    }
}
