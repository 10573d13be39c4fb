//! Python: what `requirements.txt` names, installed by the pip of the function's own version.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{BuildError, Recipe, tool};

/// The file that names the dependencies.
pub(super) const FILE: &str = "requirements.txt";
/// Where pip puts them in the copy.
const OUTPUT: &str = ".skiff-dependencies";
/// Asks a Python which it is: the version, and what compiled parts it takes.
const WHICH: &str = "import sys, platform; print('%d.%d %s %s' % (sys.version_info[:2] + (sys.implementation.name if \
                     hasattr(sys, 'implementation') else 'cpython', platform.machine())))";

/// How the folder's dependencies are installed for this version, e.g. `3.11`.
pub(super) fn recipe(folder: &Path, version: &str) -> Result<Option<Recipe>, BuildError> {
    let file = folder.join(FILE);
    if !file.is_file() {
        return Ok(None);
    }
    let (program, which) = interpreter(&file, version)?;
    if tool::ask(&program, &["-m", "pip", "--version"]).is_none() {
        return Err(BuildError::Missing {
            file,
            tool: format!("pip of {program}"),
            how: format!("install it with `apt-get install python3-pip` or `{program} -m ensurepip`"),
        });
    }
    let mut key = format!("python {which}\n").into_bytes();
    let mut local = false;
    read(&file, &mut key, &mut local, &mut BTreeSet::new())?;
    let command = [
        &program,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-input",
        "--disable-pip-version-check",
        "--target",
        OUTPUT,
        "--requirement",
        FILE,
    ];
    Ok(Some(Recipe {
        file,
        key,
        local,
        tool: format!("pip of {program}"),
        command: command.map(Into::into).to_vec(),
        output: OUTPUT,
        inside: "",
        instead_of: None,
    }))
}

/// The machine's interpreter of this version, and what it says it is.
fn interpreter(file: &Path, version: &str) -> Result<(String, String), BuildError> {
    let names = [
        format!("python{version}"),
        format!("python{}", version.split('.').next().unwrap_or_default()),
        "python".to_owned(),
    ];
    let found = names.iter().find_map(|name| {
        let which = tool::ask(name, &["-c", WHICH])?;
        let is_it = which.split(' ').next() == Some(version);
        is_it.then(|| (name.clone(), which))
    });
    found.ok_or_else(|| BuildError::Missing {
        file: file.to_owned(),
        tool: format!("python{version}"),
        how: format!(
            "install Python {version} with its pip (where the distribution has it: `apt-get install python{version} \
             python3-pip`), deploy from a machine that has it, or give the function the runtime of a Python you have"
        ),
    })
}

/// Adds a requirement file to the key, and those it includes; says whether any names files of this machine.
fn read(file: &Path, key: &mut Vec<u8>, local: &mut bool, seen: &mut BTreeSet<PathBuf>) -> Result<(), BuildError> {
    if !seen.insert(file.to_owned()) {
        return Ok(());
    }
    let text = fs::read_to_string(file).map_err(|source| BuildError::File {
        path: file.to_owned(),
        source,
    })?;
    key.extend(text.as_bytes());
    key.push(0);
    for line in text.lines().map(str::trim) {
        let included = ["--requirement", "--constraint", "-r", "-c"];
        let included = included.iter().find_map(|flag| line.strip_prefix(flag));
        if let Some(name) = included {
            let name = name
                .trim_start_matches(['=', ' '])
                .split(" #")
                .next()
                .unwrap_or_default();
            // One behind a link of the web is pip's to fetch.
            if !name.contains("://") {
                read(
                    &file.parent().unwrap_or(Path::new("")).join(name.trim()),
                    key,
                    local,
                    seen,
                )?;
            }
        }
        *local |= is_local(line);
    }
    Ok(())
}

/// Whether a requirement is a file or a folder, or found in one.
fn is_local(line: &str) -> bool {
    let path = line.starts_with(['.', '/']) || line.contains("file:") || line.contains(" /");
    let flags = ["-e", "--editable", "-f", "--find-links"];
    let archive = [".whl", ".tar.gz", ".zip"].iter().any(|end| line.ends_with(end)) && !line.contains("://");
    path || archive || flags.iter().any(|flag| line.starts_with(flag))
}
