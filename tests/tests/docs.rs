//! The documents say what the tree is: folders, edges, links, tests and error codes.
//!
//! Reads the repository's text and `cargo metadata`; starts nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use skiff_tests::repository;

/// Crates whose errors reach users by code.
const SPEAKING: [&str; 8] = [
    "api",
    "artifacts",
    "auth",
    "control-plane",
    "gateway",
    "invoker",
    "observe",
    "runtimes",
];

fn read(path: impl AsRef<Path>) -> String {
    let path = repository().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Files below a folder of the repository with this extension; nothing that is built or hidden.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![repository().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_str().expect("a name in UTF-8");
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What stands between two marks, wherever they do.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(open)
        .skip(1)
        .filter_map(move |rest| Some(rest.split_once(close)?.0))
}

/// A crate by its folder, and the crates its code uses; those of its tests do not count.
fn edges_of_the_tree() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let folder = |manifest: &str| {
        let folder = Path::new(manifest).parent().and_then(Path::file_name);
        folder.expect("a folder").to_string_lossy().into_owned()
    };
    let edges = packages.iter().map(|package| {
        let of = package["dependencies"].as_array().expect("dependencies");
        let ours = of.iter().filter(|dependency| dependency["kind"].is_null());
        let ours = ours.filter_map(|dependency| Some(folder(&format!("{}/Cargo.toml", dependency["path"].as_str()?))));
        (
            folder(package["manifest_path"].as_str().expect("a path")),
            ours.collect(),
        )
    });
    edges.collect()
}

#[test]
fn the_workspace_has_the_edges_that_the_architecture_allows() {
    let architecture = read("ARCHITECTURE.md");
    let listed = between(&architecture, "```edges\n", "```").next().expect("the list");
    let listed: BTreeMap<String, BTreeSet<String>> = listed
        .lines()
        .map(|line| {
            let (one, others) = line.split_once(':').expect("crate: crates");
            (one.to_owned(), others.split_whitespace().map(str::to_owned).collect())
        })
        .collect();
    let found = edges_of_the_tree();
    for (one, uses) in &found {
        assert_eq!(
            Some(uses),
            listed.get(one),
            "{one}: left the tree, right ARCHITECTURE.md"
        );
    }
    assert_eq!(found.len(), listed.len(), "the list names a crate that is not there");
}

#[test]
fn every_crate_is_told_of_behind_those_it_uses() {
    let architecture = read("ARCHITECTURE.md");
    let told: Vec<&str> = between(&architecture, "\n### [crates/", "]").collect();
    let there: BTreeSet<String> = fs::read_dir(repository().join("crates"))
        .expect("crates")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        told.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
        there
    );
    let edges = edges_of_the_tree();
    for (place, one) in told.iter().enumerate() {
        for used in &edges[*one] {
            assert!(
                told[..place].contains(&used.as_str()),
                "{one} uses {used}, which is told of later"
            );
        }
    }
    assert_eq!(
        told.len(),
        architecture.matches("**Invariant:**").count(),
        "one invariant a crate"
    );
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let mut broken = Vec::new();
    for file in documents() {
        let text = fs::read_to_string(&file).expect("text");
        let folder = file.parent().expect("a folder");
        // What is in a block of code is no link.
        let prose: String = text.split("```").step_by(2).collect();
        for target in between(&prose, "](", ")") {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            if target.contains("://") {
                continue;
            }
            let place = if path.is_empty() {
                file.clone()
            } else {
                folder.join(path)
            };
            let leads = place.exists() && (anchor.is_empty() || anchors(&place).contains(anchor));
            if !leads {
                broken.push(format!("{}: {target}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Every document of ours; what users put beside them is theirs.
fn documents() -> Vec<PathBuf> {
    let top = fs::read_dir(repository()).expect("a folder").flatten();
    let top = top.map(|entry| entry.path());
    let top = top.filter(|path| path.extension().is_some_and(|found| found == "md"));
    let below = ["bench", "crates", "docs", "examples", "tests"];
    top.chain(below.iter().flat_map(|folder| files(folder, "md"))).collect()
}

/// The headings of a document as a forge makes anchors of them.
fn anchors(document: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(document).unwrap_or_default();
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let heading = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        heading
            .chars()
            .filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_')
            .collect()
    };
    headings.map(anchor).collect()
}

#[test]
fn every_promise_names_tests_that_exist() {
    let tests = tests();
    let spec = read("SPEC.md");
    let mut promises = 0;
    for line in spec.lines().filter(|line| line.starts_with("| ") && line.contains('`')) {
        let (_, named) = line.trim_end_matches(" |").rsplit_once(" | ").expect("promise | tests");
        let named: Vec<&str> = between_ticks(named).collect();
        assert!(!named.is_empty(), "no test is named: {line}");
        for test in named {
            assert!(tests.contains(test), "there is no test {test}: {line}");
        }
        promises += 1;
    }
    assert!(promises > 100, "{promises}");
}

/// The names of all tests: Rust's, the claims every engine of the store is held to, and those in Python.
fn tests() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for file in ["crates", "tests", "bench"]
        .iter()
        .flat_map(|folder| files(folder, "rs"))
    {
        let is_suite = file.components().any(|part| part.as_os_str() == "conformance");
        let text = fs::read_to_string(&file).expect("text");
        let mut is_test = false;
        for line in text.lines().map(str::trim_start) {
            if line.starts_with("#[") {
                is_test |= line.contains("test");
                continue;
            }
            if let (true, Some((_, rest))) = (is_test || is_suite, line.split_once("fn ")) {
                tests.extend(rest.split(['(', '<']).next().map(str::to_owned));
            }
            is_test = false;
        }
    }
    for file in files("tests/python", "py") {
        let text = fs::read_to_string(&file).expect("text");
        tests.extend(between(&text, "def ", "(").map(str::to_owned));
    }
    tests
}

fn between_ticks(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_code_and_status_has_its_page_and_every_page_its_code() {
    let pages: BTreeSet<String> = files("docs/errors", "md")
        .iter()
        .map(|page| page.file_stem().expect("a name").to_string_lossy().into_owned())
        .filter(|name| name != "README")
        .collect();
    let mut spoken = codes();
    spoken.extend(names_used_as_codes());
    // Names that differ in case alone cannot be two files everywhere: they share a page, which names both.
    for code in &spoken {
        let page = pages.iter().find(|page| page.eq_ignore_ascii_case(code));
        let page = page.unwrap_or_else(|| panic!("docs/errors/{code}.md is missing"));
        let text = read(format!("docs/errors/{page}.md"));
        assert!(
            text.lines().next().expect("a heading").contains(code),
            "{page}.md is not about {code}"
        );
    }
    let statuses = statuses();
    for (number, name) in &statuses {
        let text = read(format!("docs/errors/{number}.md"));
        assert!(text.starts_with(&format!("# {number} {name}\n")), "{number}.md");
    }
    for page in &pages {
        let known = statuses.contains_key(page) || spoken.iter().any(|code| code.eq_ignore_ascii_case(page));
        assert!(known, "docs/errors/{page}.md is of no code");
    }
    let index = read("docs/errors/README.md");
    for page in &pages {
        assert!(
            index.contains(&format!("]({page}.md)")),
            "docs/errors/README.md does not list {page}"
        );
    }
}

/// Every documented code that stands in the product's source, tests left out.
fn codes() -> BTreeSet<String> {
    let documented = read("crates/api/tests/api/codes.txt");
    let documented: BTreeSet<&str> = documented.split_whitespace().collect();
    let mut found = BTreeSet::new();
    for file in SPEAKING
        .iter()
        .flat_map(|name| files(&format!("crates/{name}/src"), "rs"))
    {
        if file.ends_with("tests.rs") || file.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("text");
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let texts = product
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| line.split('"').skip(1).step_by(2));
        found.extend(texts.filter(|text| documented.contains(text)).map(str::to_owned));
    }
    found
}

/// Number and name of every status.
fn statuses() -> BTreeMap<String, String> {
    let source = read("crates/domain/src/status.rs");
    let names: BTreeMap<&str, &str> = source
        .lines()
        .filter_map(|line| {
            let (variant, name) = line.trim().strip_prefix("Self::")?.split_once(" => \"")?;
            Some((variant, name.strip_suffix("\",")?))
        })
        .collect();
    let numbers = source.lines().filter_map(|line| {
        let (variant, number) = line.trim().strip_suffix(',')?.split_once(" = ")?;
        number.parse::<u16>().ok()?;
        Some((number.to_owned(), names[variant].to_owned()))
    });
    numbers.collect()
}

/// The gateway answers some statuses by their name as the code.
fn names_used_as_codes() -> BTreeSet<String> {
    let source = read("crates/gateway/src/reply.rs");
    let arms = between(&source, "fn refused_with", "\n}\n").next().expect("the match");
    let source = read("crates/domain/src/status.rs");
    let mut names = BTreeSet::new();
    let mut pattern = String::new();
    for line in arms.lines() {
        if line.contains("StatusCode::") && line.contains("=>") || line.trim_start().starts_with("| StatusCode::") {
            pattern = line.to_owned();
        }
        if !line.contains("status.name()") {
            continue;
        }
        for variant in pattern.split("StatusCode::").skip(1) {
            let variant: String = variant.chars().take_while(|c| c.is_alphanumeric()).collect();
            let arm = format!("Self::{variant} => \"");
            names.extend(between(&source, &arm, "\"").next().map(str::to_owned));
        }
    }
    assert!(names.contains("ResourceLimitReached"), "{names:?}");
    names
}
