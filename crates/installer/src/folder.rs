//! Copies the part of an interpreter's folder that functions need, with modes that let them read it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path};

use skiff_domain::RuntimeName;
use skiff_runtimes::{Family, Root, interpreter};

use crate::error::AddError;

/// What nobody needs of a Python: packages of its user, its own tests, caches. Nor of a Java: its sources, its compiler's
/// signatures of older versions, the archive for heaps larger than any function's.
const LEFT_OUT: &[&str] = &[
    "site-packages",
    "test",
    "tests",
    "__pycache__",
    "idlelib",
    "turtledemo",
    "src.zip",
    "ct.sym",
    "classes_nocoops.jsa",
];

/// Where Debian has files of its Java, and links to them among its others.
const LINKED: &[&str] = &["/etc/java-", "/etc/ssl/certs/java/"];

/// Copies from a folder as its makers publish it, the interpreter in `bin`.
pub(crate) fn copy(from: &Path, name: &RuntimeName, root: &Path) -> Result<(), AddError> {
    let program = interpreter(name, Root::Interpreter).ok_or_else(|| AddError::NotKnown(name.clone()))?;
    // The part of a JDK 8 that runs.
    let jre = from.join("jre");
    let is_java = matches!(Family::of(name), Family::Java { .. });
    let from = if is_java && jre.join(&program).is_file() {
        &jre
    } else {
        from
    };
    if !from.join(&program).is_file() {
        return Err(AddError::NoInterpreter {
            place: from.display().to_string(),
            what: program,
        });
    }
    // Before anything is copied: `/usr` has a `bin/java`, too, and gigabytes in `lib`.
    let wanted = match Family::of(name) {
        Family::Java { major: 8 } => &["lib/rt.jar"][..],
        Family::Java { .. } => &["lib/modules"],
        _ => &[],
    };
    let mut wanted: Vec<String> = wanted.iter().map(|file| (*file).to_owned()).collect();
    if let Family::Python { major, minor } = Family::of(name) {
        wanted.push(format!("lib/python{major}.{minor}/os.py"));
    }
    if let Some(missing) = wanted.into_iter().find(|file| !from.join(file).is_file()) {
        return Err(AddError::NoInterpreter {
            place: from.display().to_string(),
            what: missing,
        });
    }
    file(&from.join(&program), &root.join(&program)).map_err(AddError::io(from.join(&program)))?;
    if is_java {
        for folder in ["lib", "conf"].iter().filter(|folder| from.join(folder).is_dir()) {
            tree(&from.join(folder), &root.join(folder)).map_err(AddError::io(from.join(folder)))?;
        }
    }
    if let Family::Python { major, minor } = Family::of(name) {
        let library = format!("lib/python{major}.{minor}");
        tree(&from.join(&library), &root.join(&library)).map_err(AddError::io(from.join(&library)))?;
        // Of builds that share it; up to 3.7 they say by an `m` that they have pymalloc, as all have.
        for flags in ["", "m"] {
            let shared = format!("lib/libpython{major}.{minor}{flags}.so.1.0");
            if from.join(&shared).is_file() {
                file(&from.join(&shared), &root.join(&shared)).map_err(AddError::io(from.join(&shared)))?;
            }
        }
        // By the contract's name (CONTRACT 1.4).
        let link = root.join(format!("bin/python{major}"));
        symlink(format!("python{major}.{minor}"), &link).map_err(AddError::io(link))?;
    }
    Ok(())
}

/// Bytes of all files below a folder.
pub(crate) fn size(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() {
            size(&entry.path())?
        } else {
            about.len()
        };
    }
    Ok(bytes)
}

fn tree(from: &Path, to: &Path) -> io::Result<()> {
    make_folder(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), entry.file_type()?);
        // A library to link against is larger than all the rest.
        if LEFT_OUT.iter().any(|left_out| name == *left_out) || name.as_encoded_bytes().ends_with(b".a") {
            continue;
        }
        let (from, to) = (entry.path(), to.join(&name));
        if kind.is_dir() {
            tree(&from, &to)?;
        } else if kind.is_file() {
            file(&from, &to)?;
        } else if kind.is_symlink() {
            // One that leads elsewhere would lead nowhere inside.
            let target = fs::read_link(&from)?;
            if target.components().all(|part| matches!(part, Component::Normal(_))) {
                symlink(target, to)?;
            } else if from.is_file() && is_linked(&fs::canonicalize(&from)?) {
                file(&from, &to)?;
            }
        }
    }
    Ok(())
}

fn is_linked(target: &Path) -> bool {
    let target = target.as_os_str().as_encoded_bytes();
    LINKED.iter().any(|place| target.starts_with(place.as_bytes()))
}

/// The content, when it was changed and whether it may be run; owner and other bits are not taken along.
fn file(from: &Path, to: &Path) -> io::Result<()> {
    if let Some(parent) = to.parent() {
        make_folder(parent)?;
    }
    fs::copy(from, to)?;
    let about = fs::metadata(from)?;
    // Java's archive of classes knows by the time whether it is of these.
    File::options().write(true).open(to)?.set_modified(about.modified()?)?;
    let runs = about.permissions().mode() & 0o111 != 0;
    fs::set_permissions(to, Permissions::from_mode(if runs { 0o755 } else { 0o644 }))
}

fn make_folder(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        fs::create_dir_all(path)?;
        fs::set_permissions(path, Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_what_functions_need_readable_for_them_and_nothing_else() {
        let from = tempfile::tempdir().expect("a folder");
        let to = tempfile::tempdir().expect("a folder");
        let write = |path: &str, mode| {
            let path = from.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(&path, "x").expect("a file");
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("modes");
        };
        write("bin/python3.12", 0o4700);
        write("bin/pip", 0o755);
        write("lib/libpython3.12.so.1.0", 0o555);
        write("lib/python3.12/os.py", 0o600);
        write("lib/python3.12/config-3.12/libpython3.12.a", 0o644);
        write("lib/python3.12/json/__init__.py", 0o644);
        write("lib/python3.12/site-packages/user.py", 0o644);
        symlink("os.py", from.path().join("lib/python3.12/near.py")).expect("a link");
        symlink("/etc/shadow", from.path().join("lib/python3.12/far.py")).expect("a link");
        copy(from.path(), &"Python3.12".parse().expect("known"), to.path()).expect("copied");
        let mode = |path: &str| {
            let about = fs::symlink_metadata(to.path().join(path)).ok()?;
            Some(about.permissions().mode() & 0o7777)
        };
        assert_eq!(mode("bin/python3.12"), Some(0o755));
        assert_eq!(mode("lib/libpython3.12.so.1.0"), Some(0o755));
        assert_eq!(mode("lib/python3.12/os.py"), Some(0o644));
        assert_eq!(mode("lib/python3.12/json/__init__.py"), Some(0o644));
        assert!(mode("lib/python3.12/near.py").is_some());
        for absent in [
            "bin/pip",
            "lib/python3.12/site-packages",
            "lib/python3.12/far.py",
            "lib/python3.12/config-3.12/libpython3.12.a",
        ] {
            assert_eq!(mode(absent), None, "{absent}");
        }
        let link = fs::read_link(to.path().join("bin/python3")).expect("a link");
        assert_eq!(link, Path::new("python3.12"));
        assert_eq!(size(&to.path().join("lib/python3.12/json")).expect("readable"), 1);
    }

    #[test]
    fn of_a_jdk_what_runs_is_copied_with_what_debian_has_elsewhere() {
        let from = tempfile::tempdir().expect("a folder");
        let write = |path: &str| {
            let path = from.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(&path, "x").expect("a file");
        };
        for path in [
            "bin/java",
            "bin/javac",
            "lib/modules",
            "lib/rt.jar",
            "lib/src.zip",
            "jmods/a",
            "conf/x.properties",
        ] {
            write(path);
            write(&format!("jre/{path}"));
        }
        symlink("/etc/shadow", from.path().join("lib/far")).expect("a link");
        let of = |name: &str| {
            let to = tempfile::tempdir().expect("a folder");
            copy(from.path(), &name.parse().expect("known"), to.path()).expect("copied");
            let there = |path: &&str| to.path().join(path).symlink_metadata().is_ok();
            let all = [
                "bin/java",
                "bin/javac",
                "lib/modules",
                "lib/src.zip",
                "lib/far",
                "jmods/a",
                "conf/x.properties",
            ];
            all.into_iter().filter(there).collect::<Vec<_>>()
        };
        assert_eq!(of("Java8"), ["bin/java", "lib/modules", "conf/x.properties"]);
        fs::remove_dir_all(from.path().join("jre")).expect("removed");
        assert_eq!(of("Java17"), ["bin/java", "lib/modules", "conf/x.properties"]);
        for (target, linked) in [
            ("/etc/java-17-openjdk/net.properties", true),
            ("/etc/ssl/certs/java/cacerts", true),
            ("/etc/shadow", false),
            ("/home/etc/java-17-openjdk/x", false),
        ] {
            assert_eq!(is_linked(Path::new(target)), linked, "{target}");
        }
    }

    #[test]
    fn a_folder_without_the_interpreter_is_refused_by_its_name() {
        let from = tempfile::tempdir().expect("a folder");
        let to = tempfile::tempdir().expect("a folder");
        let error = copy(from.path(), &"Nodejs18.15".parse().expect("known"), to.path()).expect_err("nothing there");
        assert!(error.to_string().ends_with("has no bin/node"), "{error}");
    }

    #[test]
    fn a_folder_that_is_no_home_of_the_interpreter_is_refused_before_anything_is_copied() {
        for (name, program, missing) in [
            ("Java17", "bin/java", "has no lib/modules"),
            ("Java8", "bin/java", "has no lib/rt.jar"),
            ("Python3.12", "bin/python3.12", "has no lib/python3.12/os.py"),
        ] {
            let from = tempfile::tempdir().expect("a folder");
            let to = tempfile::tempdir().expect("a folder");
            for path in [program, "lib/large"] {
                let path = from.path().join(path);
                fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
                fs::write(path, "x").expect("a file");
            }
            let error = copy(from.path(), &name.parse().expect("known"), to.path()).expect_err("no home");
            assert!(error.to_string().ends_with(missing), "{error}");
            assert_eq!(fs::read_dir(to.path()).expect("a folder").count(), 0, "{name}");
        }
    }
}
