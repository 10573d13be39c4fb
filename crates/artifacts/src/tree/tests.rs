use super::*;

const FILE: Node = Node::File {
    index: 0,
    executable: false,
};

/// Builds a tree of `path`, `path/` and `path>target` entries and checks it.
fn check(entries: &[&str]) -> Result<Vec<String>, BadPackage> {
    let mut tree = Tree::default();
    for entry in entries {
        match entry.split_once('>') {
            Some((path, target)) => tree.insert(
                path,
                Node::Link {
                    target: target.to_owned(),
                },
            )?,
            None if entry.ends_with('/') => tree.insert(entry, Node::Folder)?,
            None => tree.insert(entry, FILE)?,
        }
    }
    tree.check()?;
    Ok(tree.nodes().map(|(path, _)| path.to_owned()).collect())
}

#[test]
fn paths_are_normalised_and_parents_come_first() {
    let paths = check(&["./b//c.py", "a/", "./", "b/d/e.py"]).unwrap();
    assert_eq!(paths, ["a", "b", "b/c.py", "b/d", "b/d/e.py"]);
}

#[test]
fn a_path_out_of_the_package_is_refused() {
    for path in ["../x", "a/../../x", "a/../x", "..", "/etc/passwd", "/", "//x", "a/.."] {
        let error = check(&["ok.py", path]).unwrap_err();
        assert!(matches!(error, BadPackage::PathOut(_)), "{path}: {error}");
    }
}

#[test]
fn a_path_no_file_system_takes_is_refused() {
    let long_name = "n".repeat(NAME_BYTES_MAX + 1);
    let long_path = vec!["p".repeat(200); 6].join("/");
    let deep_path = vec!["d"; DEPTH_MAX + 1].join("/");
    for (path, rule) in [
        ("a\0.py", PathRule::Control),
        ("a\n.py", PathRule::Control),
        ("a\\b.py", PathRule::Backslash),
        ("..\\..\\x", PathRule::Backslash),
        ("", PathRule::Length),
        (&long_name, PathRule::Length),
        (&long_path, PathRule::Length),
        (&deep_path, PathRule::Depth),
    ] {
        let error = check(&["ok.py", path]).unwrap_err();
        assert!(
            matches!(error, BadPackage::Path { rule: r, .. } if r == rule),
            "{path:?}: {error}"
        );
    }
    assert!(check(&[&"n".repeat(NAME_BYTES_MAX)]).is_ok());
    assert!(check(&[&vec!["d"; DEPTH_MAX].join("/")]).is_ok());
}

#[test]
fn a_path_given_twice_is_refused_however_it_is_written() {
    for [first, second] in [["a/b", "a//b"], ["a", "./a"], ["a>b", "a>c"], ["a", "a>b"]] {
        let error = check(&["b", first, second]).unwrap_err();
        assert!(matches!(error, BadPackage::Duplicate(_)), "{first} {second}: {error}");
    }
    assert!(check(&["a/", "./a/", "a/b"]).is_ok(), "a folder may be named again");
}

#[test]
fn names_that_are_for_compiled_files_are_refused() {
    for path in [
        "m.wasm.skiff-compiled",
        "a//.skiff-compiled",
        "a.skiff-compiled>b",
        "a.skiff-compiled/",
    ] {
        let error = check(&["b", path]).unwrap_err();
        assert!(matches!(error, BadPackage::Reserved(_)), "{path}: {error}");
    }
    assert!(
        check(&["m.cwasm", "skiff-compiled"]).is_ok(),
        "every other name is the user's"
    );
}

#[test]
fn a_path_is_a_file_or_a_folder_and_nothing_is_written_through_a_link() {
    for [first, second] in [
        ["a", "a/b"],
        ["a/b", "a"],
        ["a>.", "a/b"],
        ["a/b", "a>."],
        ["a/", "a>."],
        ["a", "a/"],
    ] {
        let error = check(&["c", first, second]).unwrap_err();
        assert!(matches!(error, BadPackage::BelowFile(_)), "{first} {second}: {error}");
    }
}

#[test]
fn a_link_inside_the_package_is_kept() {
    for links in [
        vec!["bin/run>../lib/run.py", "lib/run.py"],
        vec!["a>b", "b>c", "c"],
        vec!["deep/er/up>../..", "x"],
        vec!["missing>nowhere/at/all", "x"],
        vec!["self>.", "x"],
        vec!["node_modules/.bin/tool>../tool/cli.js", "node_modules/tool/cli.js"],
    ] {
        assert!(check(&links).is_ok(), "{links:?}");
    }
}

#[test]
fn a_link_out_of_the_package_is_refused_also_by_way_of_other_links() {
    for links in [
        vec!["a>..", "x"],
        vec!["a>../x", "x"],
        vec!["a>/etc/passwd", "x"],
        vec!["a>", "x"],
        vec!["d/a>../../x", "x"],
        // Each link alone looks as if it stayed inside.
        vec!["d/e/here>.", "d/e/out>here/../../../x", "x"],
        vec!["top>d/..", "d>.", "x"],
        vec!["a>b/../../..", "b>c/d", "c/d/x"],
        vec!["a>d1/up/up", "d1/up>..", "up>..", "x"],
        vec!["a>not/there/../../..", "x"],
    ] {
        let error = check(&links).unwrap_err();
        assert!(matches!(error, BadPackage::LinkOut { .. }), "{links:?}: {error}");
    }
}

#[test]
fn links_in_a_circle_or_too_long_a_chain_are_refused() {
    let chain: Vec<String> = (0..=LINK_HOPS_MAX).map(|i| format!("l{i}>l{}", i + 1)).collect();
    let chain: Vec<&str> = chain.iter().map(String::as_str).chain(["x"]).collect();
    for links in [vec!["a>a", "x"], vec!["a>b", "b>a", "x"], vec!["a>a/b/c", "x"], chain] {
        let error = check(&links).unwrap_err();
        assert!(matches!(error, BadPackage::LinkLoop(_)), "{links:?}: {error}");
    }
}

#[test]
fn a_package_without_a_file_is_empty() {
    for entries in [vec![], vec!["a/"], vec!["a>b"]] {
        assert_eq!(check(&entries), Err(BadPackage::Empty), "{entries:?}");
    }
}

#[test]
fn the_number_of_places_and_links_is_limited_implied_folders_too() {
    let mut tree = Tree::default();
    let mut refused = None;
    for i in 0..PACKAGE_ENTRIES_MAX {
        if let Err(error) = tree.insert(&format!("d{i}/f"), FILE) {
            refused = Some((i, error));
            break;
        }
    }
    assert_eq!(refused, Some((PACKAGE_ENTRIES_MAX / 2, BadPackage::TooManyEntries)));
    let mut tree = Tree::default();
    let link = || Node::Link { target: "x".to_owned() };
    for i in 0..LINKS_MAX {
        assert_eq!(tree.insert(&format!("l{i}"), link()), Ok(()));
    }
    assert_eq!(tree.insert("one more", link()), Err(BadPackage::TooManyLinks));
}
