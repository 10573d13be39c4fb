//! Laying packages over each other: one folder that shows what is in all of them, a later one's where two have the same.
//!
//! Files are shared with the packages by hard links, since neither ever changes. Blocking; run it on a blocking thread.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::unpack::seal_folder;

/// Where Python keeps what it compiled, each file named by its source: `m.cpython-311.pyc` of `m.py`.
const BYTE_CODE: &str = "__pycache__";

/// Lays the packages into `root`, which exists and is empty, the first one lowest. On error `root` may hold a part.
pub(crate) fn lay(layers: &[Arc<Path>], root: &Path) -> io::Result<()> {
    for layer in layers {
        let mut byte_code = Vec::new();
        over(layer, root, &mut byte_code)?;
        // After the sources: theirs goes when another source takes the place of one.
        for (from, to) in byte_code {
            over(&from, &to, &mut Vec::new())?;
        }
    }
    seal(root)
}

/// Lays one folder over another. Nothing is written through a link: what stands in the way is replaced.
fn over(from: &Path, to: &Path, byte_code: &mut Vec<(PathBuf, PathBuf)>) -> io::Result<()> {
    let mut entries = fs::read_dir(from)?.collect::<Result<Vec<_>, _>>()?;
    // Sources before what Python 2 has beside them: `m.py`, `m.pyc`.
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let there = match fs::symlink_metadata(&target) {
            Ok(there) => Some(there),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if entry.file_type()?.is_dir() {
            if !there.as_ref().is_some_and(fs::Metadata::is_dir) {
                if there.is_some() {
                    fs::remove_file(&target)?;
                }
                fs::create_dir(&target)?;
            }
            if entry.file_name() == BYTE_CODE {
                byte_code.push((source, target));
            } else {
                over(&source, &target, byte_code)?;
            }
            continue;
        }
        match there {
            Some(there) if there.is_dir() => fs::remove_dir_all(&target)?,
            Some(_) => fs::remove_file(&target)?,
            None => {}
        }
        if entry.file_type()?.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else if fs::hard_link(&source, &target).is_err() {
            // A file system that gives a file no further name.
            fs::copy(&source, &target)?;
        }
        forget_byte_code(to, &entry.file_name())?;
    }
    Ok(())
}

/// Removes what was compiled of the source that had this name before: nothing else checks whether they belong together.
fn forget_byte_code(folder: &Path, name: &OsStr) -> io::Result<()> {
    let Some(stem) = name.to_str().and_then(|name| name.strip_suffix(".py")) else {
        return Ok(());
    };
    let beside = folder.join(format!("{stem}.pyc"));
    if fs::symlink_metadata(&beside).is_ok_and(|there| !there.is_dir()) {
        fs::remove_file(beside)?;
    }
    let cache = folder.join(BYTE_CODE);
    if !fs::symlink_metadata(&cache).is_ok_and(|there| there.is_dir()) {
        return Ok(());
    }
    for entry in fs::read_dir(&cache)? {
        let entry = entry?;
        let compiled = entry.file_name();
        let of_it = compiled.to_str().and_then(|compiled| compiled.strip_prefix(stem));
        if of_it.is_some_and(|rest| rest.starts_with('.')) && !entry.file_type()?.is_dir() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Modes and times of folders, as of an unpacked package.
fn seal(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            seal(&entry.path())?;
        }
    }
    seal_folder(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    /// A folder of these paths: a text is a file's, `-> target` a link's; a path with a `/` at its end is a folder.
    fn folder(base: &Path, name: &str, content: &[(&str, &str)]) -> Arc<Path> {
        let root = base.join(name);
        fs::create_dir(&root).unwrap();
        for (path, text) in content {
            let place = root.join(path);
            fs::create_dir_all(place.parent().unwrap()).unwrap();
            match text.strip_prefix("-> ") {
                Some(target) => symlink(target, place).unwrap(),
                None if path.ends_with('/') => fs::create_dir(place).unwrap(),
                None => fs::write(place, text).unwrap(),
            }
        }
        root.into()
    }

    /// What is in a folder, by path.
    fn shown(root: &Path) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let entry = entry.unwrap();
                let path = entry.path();
                let kind = entry.file_type().unwrap();
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                if kind.is_dir() {
                    folders.push(path);
                    found.push((format!("{name}/"), String::new()));
                } else if kind.is_symlink() {
                    found.push((name, format!("-> {}", fs::read_link(path).unwrap().display())));
                } else {
                    found.push((name, fs::read_to_string(path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    fn check(layers: &[&[(&str, &str)]], expected: &[(&str, &str)]) {
        let base = tempfile::tempdir().unwrap();
        let outside = base.path().join("outside");
        fs::write(&outside, "untouched").unwrap();
        let folders: Vec<_> = layers
            .iter()
            .enumerate()
            .map(|(at, content)| folder(base.path(), &format!("layer{at}"), content))
            .collect();
        let before: Vec<_> = folders.iter().map(|folder| shown(folder)).collect();
        let root = base.path().join("root");
        fs::create_dir(&root).unwrap();
        lay(&folders, &root).unwrap();
        let expected: Vec<_> = expected
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect();
        assert_eq!(shown(&root), expected, "{layers:?}");
        let after: Vec<_> = folders.iter().map(|folder| shown(folder)).collect();
        assert_eq!(after, before, "the layers are what they were");
        assert_eq!(fs::read_to_string(outside).unwrap(), "untouched");
    }

    #[test]
    fn where_two_layers_have_the_same_path_the_later_ones_is_seen() {
        check(
            &[
                &[("a.txt", "1"), ("lib/x", "1"), ("lib/y", "1")],
                &[("lib/y", "2"), ("lib/z", "2")],
                &[("a.txt", "3")],
            ],
            &[
                ("a.txt", "3"),
                ("lib/", ""),
                ("lib/x", "1"),
                ("lib/y", "2"),
                ("lib/z", "2"),
            ],
        );
    }

    #[test]
    fn a_file_a_folder_and_a_link_take_each_others_place() {
        check(&[&[("a", "1")], &[("a/b", "2")]], &[("a/", ""), ("a/b", "2")]);
        check(&[&[("a/b", "1")], &[("a", "2")]], &[("a", "2")]);
        check(&[&[("a/b", "1")], &[("a", "-> c")]], &[("a", "-> c")]);
        check(&[&[("a", "-> c")], &[("a", "2")]], &[("a", "2")]);
        check(&[&[("a/", "")], &[("b", "2")]], &[("a/", ""), ("b", "2")]);
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        check(&[&[("a", "-> ../outside")], &[("a", "2")]], &[("a", "2")]);
        check(
            &[&[("dir/x", "1"), ("a", "-> dir")], &[("a/x", "2")]],
            &[("a/", ""), ("a/x", "2"), ("dir/", ""), ("dir/x", "1")],
        );
        check(
            &[
                &[("m.py", "1"), ("__pycache__", "-> .."), ("outside.py", "1")],
                &[("outside.py", "2")],
            ],
            &[("__pycache__", "-> .."), ("m.py", "1"), ("outside.py", "2")],
        );
    }

    #[test]
    fn compiled_files_stay_with_the_source_they_are_of() {
        check(
            &[
                &[
                    ("m.py", "1"),
                    ("__pycache__/m.cpython-311.pyc", "of 1"),
                    ("n.py", "1"),
                    ("__pycache__/n.cpython-311.pyc", "of 1"),
                    ("__pycache__/mm.cpython-311.pyc", "of mm"),
                    ("m.pyc", "of 1"),
                    ("n.pyc", "of 1"),
                ],
                &[("m.py", "2")],
                &[
                    ("n.py", "3"),
                    ("n.pyc", "of 3"),
                    ("__pycache__/n.cpython-39.pyc", "of 3"),
                ],
            ],
            &[
                ("__pycache__/", ""),
                ("__pycache__/mm.cpython-311.pyc", "of mm"),
                ("__pycache__/n.cpython-39.pyc", "of 3"),
                ("m.py", "2"),
                ("n.py", "3"),
                ("n.pyc", "of 3"),
            ],
        );
    }

    #[test]
    fn files_are_shared_and_keep_their_modes() {
        let base = tempfile::tempdir().unwrap();
        let layer = folder(base.path(), "layer", &[("bin/run", "#!"), ("readme", "r")]);
        fs::set_permissions(layer.join("bin/run"), PermissionsExt::from_mode(0o755)).unwrap();
        let root = base.path().join("root");
        fs::create_dir(&root).unwrap();
        lay(&[Arc::clone(&layer)], &root).unwrap();
        let [inside, outside] = [root.join("bin/run"), layer.join("bin/run")].map(|path| fs::metadata(path).unwrap());
        assert_eq!((inside.ino(), inside.mode() & 0o777), (outside.ino(), 0o755));
        assert_eq!(fs::metadata(root.join("bin")).unwrap().mode() & 0o777, 0o755);
    }
}
