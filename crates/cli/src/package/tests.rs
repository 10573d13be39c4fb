//! What a folder becomes.

use std::io::Read;
use std::os::unix::fs::symlink;

use zip::ZipArchive;

use super::*;

/// A folder of these files; a text that begins with `-> ` is a link, a name that ends in `/` a folder, in `*` executable.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name.trim_end_matches(['/', '*']));
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        if name.ends_with('/') {
            fs::create_dir_all(&path).expect("a folder");
        } else if let Some(target) = text.strip_prefix("-> ") {
            symlink(target, &path).expect("a link");
        } else {
            fs::write(&path, text).expect("a file");
            let mode = if name.ends_with('*') { 0o700 } else { 0o600 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
    }
    folder
}

/// Name, mode and content of everything in a package.
fn content(package: &Package) -> Vec<(String, u32, String)> {
    let mut zip = ZipArchive::new(Cursor::new(&package.zip)).expect("a zip");
    (0..zip.len())
        .map(|index| {
            let mut file = zip.by_index(index).expect("an entry");
            let mut text = String::new();
            file.read_to_string(&mut text).expect("text");
            (
                file.name().expect("a name").into_owned(),
                file.unix_mode().expect("a mode"),
                text,
            )
        })
        .collect()
}

fn names(files: &[(&str, &str)], ignore: &[&str]) -> Vec<String> {
    let ignore: Vec<String> = ignore.iter().map(|pattern| (*pattern).to_owned()).collect();
    let package = load(folder(files).path(), &ignore).expect("a package");
    content(&package).into_iter().map(|(name, ..)| name).collect()
}

#[test]
fn modes_links_and_empty_folders_survive_and_names_are_in_order() {
    let files = [
        ("z.py", "z"),
        ("bin/run*", "#!/bin/sh"),
        ("a.py", "a"),
        ("lib/now", "-> v1"),
        ("lib/v1/x", "1"),
        ("e/", ""),
    ];
    let package = load(folder(&files).path(), &[]).expect("a package");
    let expected = [
        ("a.py", 0o100_644, "a"),
        ("bin/run", 0o100_755, "#!/bin/sh"),
        ("e/", 0o040_755, ""),
        ("lib/now", 0o120_777, "v1"),
        ("lib/v1/x", 0o100_644, "1"),
        ("z.py", 0o100_644, "z"),
    ];
    assert_eq!(
        content(&package),
        expected.map(|(name, mode, text)| (name.to_owned(), mode, text.to_owned()))
    );
    assert_eq!(package.files, Some(5));
}

#[test]
fn the_same_content_gives_the_same_bytes_whenever_and_wherever() {
    let files = [("index.py", "x = 1"), ("lib/a*", "a"), ("lib/b", "-> a")];
    let (one, other) = (folder(&files), folder(&files));
    let old = File::options()
        .write(true)
        .open(other.path().join("index.py"))
        .expect("a file");
    old.set_modified(std::time::UNIX_EPOCH).expect("a time");
    assert_eq!(
        load(one.path(), &[]).expect("a package"),
        load(other.path(), &[]).expect("a package")
    );
}

#[test]
fn what_tools_leave_behind_and_patterns_stay_out_unless_let_in() {
    let files = [
        ("index.py", ""),
        ("skiff.yaml", ""),
        ("sub/skiff.yaml", ""),
        (".git/config", ""),
        ("__pycache__/index.pyc", ""),
        ("old.pyc", ""),
        ("notes.md", ""),
        ("data/big.bin", ""),
        (".skiffignore", "*.md\n"),
    ];
    assert_eq!(names(&files, &[]), ["data/big.bin", "index.py", "sub/skiff.yaml"]);
    assert_eq!(names(&files, &["data/"]), ["index.py", "sub/skiff.yaml"]);
    assert_eq!(
        names(&files, &["data", "sub", "!notes.md", "!skiff.yaml"]),
        ["index.py", "notes.md", "skiff.yaml"]
    );
}

#[test]
fn a_zip_is_taken_as_it_is() {
    let packed = load(folder(&[("index.py", "x = 1")]).path(), &[])
        .expect("a package")
        .zip;
    let folder = folder(&[("index.py", "x = 1")]);
    let zip = folder.path().join("code.zip");
    fs::write(&zip, &packed).expect("a file");
    let package = load(&zip, &[]).expect("a package");
    assert_eq!((package.zip, package.files), (packed, None));
    assert_eq!(package.names, ["index.py"]);
    let error = load(&folder.path().join("index.py"), &[]).expect_err("a source file");
    assert!(
        error.to_string().ends_with("give the folder it is in, or a zip"),
        "{error}"
    );
}

#[test]
fn what_cannot_be_packed_is_named() {
    let nothing = folder(&[("__pycache__/a.pyc", "")]);
    assert!(matches!(load(nothing.path(), &[]), Err(PackageError::Empty { .. })));
    assert!(matches!(
        load(Path::new("/nowhere/at/all"), &[]),
        Err(PackageError::Read { .. })
    ));
    let socket = folder(&[("index.py", "")]);
    let _listener = std::os::unix::net::UnixListener::bind(socket.path().join("s")).expect("a socket");
    assert!(matches!(load(socket.path(), &[]), Err(PackageError::Special { .. })));
    assert!(matches!(
        load(socket.path(), &["[z-a]".to_owned()]),
        Err(PackageError::Pattern { .. })
    ));
}

#[test]
fn a_folder_too_large_names_its_largest_files() {
    let folder = folder(&[("index.py", "")]);
    let file = File::create(folder.path().join("model.bin")).expect("a file");
    file.set_len(UNPACKED_BYTES_MAX + 1).expect("a sparse file");
    let error = load(folder.path(), &[]).expect_err("too large");
    assert!(error.to_string().contains("unpacked, at most 500.0 MB"), "{error}");
    assert!(error.hint().expect("a hint").contains("model.bin (500.0 MB)"));
}

#[test]
fn what_is_laid_under_a_folder_fills_in_and_never_replaces() {
    let own = folder(&[
        ("index.py", "own"),
        ("lib/mine.py", "own"),
        ("empty/", ""),
        ("link", "-> lib"),
    ]);
    let under = folder(&[
        ("index.py", "under"),
        ("lib/theirs.py", "under"),
        ("empty/full.py", "under"),
        ("link/x.py", "under"),
        ("lib/__pycache__/x.pyc", "under"),
    ]);
    let package = load_over(own.path(), &[], Some(under.path())).expect("packed");
    let content = content(&package);
    let found: Vec<_> = content
        .iter()
        .map(|(name, _, text)| (name.as_str(), text.as_str()))
        .collect();
    let expected = [
        ("empty/", ""),
        ("empty/full.py", "under"),
        ("index.py", "own"),
        ("lib/mine.py", "own"),
        ("lib/theirs.py", "under"),
        ("link", "lib"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn patterns_mean_what_they_mean_to_git() {
    let patterns = "# a comment\n\n/a/*.py\nlogs/\n!src/logs/\nbuild/*\n!build/keep\ndocs/**/readme.md\n\\#hash\n\\!bang\n\
                    space\\ \nfoo[0-9]\n*.log\n!keep.log\nwith space   \n**/y.txt\n";
    let there = [
        "#hash",
        "!bang",
        "space ",
        "with space",
        "README.md",
        "a/b/x.py",
        "a/b/y.txt",
        "a/x.py",
        "build/g",
        "build/keep/f",
        "docs/readme.md",
        "docs/x/readme.md",
        "foo1",
        "foo2",
        "foob",
        "index.py",
        "logs/one.log",
        "src/keep.log",
        "src/logs/two.log",
    ];
    let files: Vec<_> = there
        .map(|name| (name, ""))
        .into_iter()
        .chain([(".skiffignore", patterns)])
        .collect();
    let mut packed = names(&files, &[]);
    packed.retain(|name| !name.ends_with('/'));
    // As `git ls-files --others --exclude-standard` has it.
    let expected = [
        "README.md",
        "a/b/x.py",
        "build/keep/f",
        "foob",
        "index.py",
        "src/keep.log",
    ];
    assert_eq!(packed, expected);
}

#[test]
fn what_a_folder_is_deployed_by_stays_out_of_the_package_unless_let_in() {
    let files = [
        ("index.py", ""),
        ("skiff.yaml", ""),
        ("template.yaml", ""),
        ("template.yml", ""),
        ("serverless.yml", ""),
        ("serverless.yaml", ""),
        ("pages/template.yaml", ""),
    ];
    assert_eq!(names(&files, &[]), ["index.py", "pages/template.yaml"]);
    assert_eq!(
        names(&files, &["!template.yaml"]),
        ["index.py", "pages/template.yaml", "template.yaml"]
    );
}

#[test]
fn a_pattern_that_is_none_is_refused_by_name() {
    let folder = folder(&[("index.py", ""), ("[z", ""), ("]", "")]);
    for pattern in ["[z", "a[", "[!]", "*.[ch", "x\\"] {
        let error = load(folder.path(), &[pattern.to_owned()])
            .expect_err(pattern)
            .to_string();
        assert!(error.contains("ignore pattern") && error.contains(pattern), "{error}");
    }
    for (pattern, left) in [("\\[z", 2), ("[]]", 2), ("[[]z", 2), ("[!]]", 3), ("[a-y]ndex.py", 2)] {
        let package = load(folder.path(), &[pattern.to_owned()]).expect(pattern);
        assert_eq!(package.names.len(), left, "{pattern}: {:?}", package.names);
    }
}
