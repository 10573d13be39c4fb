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
    let Some(pip) = tool::ask(&program, &["-m", "pip", "--version"]) else {
        return Err(BuildError::Missing {
            file,
            tool: format!("pip of {program}"),
            how: format!("install it with `apt-get install python3-pip` or `{program} -m ensurepip`"),
        });
    };
    let mut key = format!("python {which} {pip}\n").into_bytes();
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
        *local |= included.is_none() && is_local(line);
    }
    Ok(())
}

/// Whether a requirement is a file or a folder, or found in one.
fn is_local(line: &str) -> bool {
    let requirement = line.split(" #").next().unwrap_or_default();
    let flags = ["-e", "--editable", "-f", "--find-links"];
    if flags.iter().any(|flag| requirement.starts_with(flag)) || requirement.contains("file:") {
        return true;
    }
    if requirement.starts_with('#') || requirement.contains("://") {
        return false;
    }
    // Without its markers and extras; pip takes any name with a slash for a path.
    let named = requirement.split([';', '[']).next().unwrap_or_default().trim();
    let archive = [".whl", ".tar.gz", ".zip"].iter().any(|end| named.ends_with(end));
    named.starts_with('.') || named.contains('/') || archive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_requirement_that_pip_takes_from_this_machine_is_local() {
        for local in [
            "./shared",
            "../shared[extra]",
            "libs/shared",
            "libs/shared[extra]; python_version > '3'",
            "libs/shared  # ours",
            "/srv/shared",
            "shared @ file:///srv/shared",
            "shared.whl",
            "shared-1.0.tar.gz",
            "-e git+https://example.test/x",
            "--find-links wheels",
        ] {
            assert!(is_local(local), "{local}");
        }
        for other in [
            "",
            "# libs/shared",
            "numpy==1.26  # or / newer",
            "numpy>=1; sys_platform == 'a/b'",
            "shared @ https://example.test/shared.zip",
            "git+https://example.test/shared",
            "--index-url https://example.test/simple",
        ] {
            assert!(!is_local(other), "{other}");
        }
    }

    #[test]
    fn what_an_included_file_names_counts_and_its_path_alone_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("more")).expect("a folder");
        let file = folder.path().join(FILE);
        fs::write(&file, "-r more/list.txt\n").expect("a file");
        for (content, expected) in [("numpy==1\n", false), ("libs/shared\n", true)] {
            fs::write(folder.path().join("more/list.txt"), content).expect("a file");
            let (mut key, mut local) = (Vec::new(), false);
            read(&file, &mut key, &mut local, &mut BTreeSet::new()).expect("readable");
            assert_eq!(local, expected, "{content}");
            assert!(String::from_utf8_lossy(&key).contains(content.trim()));
        }
    }
}
