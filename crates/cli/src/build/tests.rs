//! What is built from what, and what is taken from the cache.

use std::fs;

use super::*;

fn quiet() -> Console {
    Console::to(
        crate::console::Format::Table,
        Box::new(io::sink()),
        Box::new(io::sink()),
    )
}

#[test]
fn a_missing_interpreter_is_an_error_that_says_how_to_get_it() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("requirements.txt"), "x==1\n").expect("a file");
    let cache = Cache::at(&folder.path().join("cache"));
    let error = dependencies(folder.path(), "Python3.0", &cache, &mut quiet()).expect_err("nobody has it");
    assert!(
        error.to_string().contains("requirements.txt needs python3.0"),
        "{error}"
    );
    assert!(
        error.hint().is_some_and(|hint| hint.contains("install Python 3.0")),
        "{error:?}"
    );
    assert_eq!(error.exit(), crate::Exit::Usage);
}

#[test]
fn without_a_requirement_file_there_is_nothing_to_build() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::at(&folder.path().join("cache"));
    for runtime in ["Python3.11", "Nodejs18.15", "Java11"] {
        let built = dependencies(folder.path(), runtime, &cache, &mut quiet()).expect("fine");
        assert!(built.is_none(), "{runtime}");
    }
    let file = folder.path().join("code.zip");
    fs::write(&file, "").expect("a file");
    let error = dependencies(&file, "Python3.11", &cache, &mut quiet()).expect_err("a zip is as it is");
    assert!(error.to_string().contains("is a file"), "{error}");
}

#[test]
fn a_folder_is_kept_under_its_key_and_the_first_stays() {
    let root = tempfile::tempdir().expect("a folder");
    let cache = Cache::at(&root.path().join("cache"));
    assert_eq!(cache.get(b"key"), None);
    for content in ["one", "two"] {
        let work = cache.scratch().expect("a folder");
        let result = work.path().join("result");
        fs::create_dir(&result).expect("a folder");
        fs::write(result.join("module.py"), content).expect("a file");
        let kept = cache.keep(b"key", &result).expect("kept").expect("there is a cache");
        assert_eq!(cache.get(b"key"), Some(kept));
    }
    let kept = cache.get(b"key").expect("kept");
    assert_eq!(fs::read_to_string(kept.join("module.py")).expect("a file"), "one");
    let left = fs::read_dir(root.path().join("cache")).expect("a folder").count();
    assert_eq!(left, 1, "no work is left behind");
}

#[test]
fn a_copy_has_files_and_links_and_not_what_is_made_anew() {
    let root = tempfile::tempdir().expect("a folder");
    let from = root.path().join("from");
    fs::create_dir_all(from.join("node_modules/old")).expect("a folder");
    fs::create_dir_all(from.join("lib")).expect("a folder");
    fs::write(from.join("lib/a.py"), "a").expect("a file");
    std::os::unix::fs::symlink("lib/a.py", from.join("link")).expect("a link");
    let to = root.path().join("to");
    cache::copy(&from, &to).expect("copied");
    assert_eq!(fs::read_to_string(to.join("link")).expect("a link"), "a");
    assert!(to.join("link").is_symlink() && !to.join("node_modules").exists());
}

#[test]
fn of_what_a_tool_said_the_end_is_shown() {
    let said = (1..=40).map(|line| format!("line {line}\n\n")).collect::<String>();
    let shown = last(&said);
    assert!(shown.starts_with("line 26\n") && shown.ends_with("line 40"), "{shown}");
}
