//! The built binary's command line: what a wrong one says and how it ends, before any server is there.

use std::process::{Command, Output};

use tempfile::TempDir;

/// Runs the binary in an empty folder, without the caller's settings.
fn skiff(folder: &TempDir, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skiff"));
    command.args(arguments).current_dir(folder.path()).env_clear();
    command
        .env("HOME", folder.path())
        .env("SKIFF_DATA_DIR", folder.path().join("data"));
    command
        .envs(environment.iter().copied())
        .output()
        .expect("the binary runs")
}

#[track_caller]
fn check(arguments: &[&str], environment: &[(&str, &str)], exit: i32, says: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let output = skiff(&folder, arguments, environment);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {stderr}");
    assert!(stderr.contains(says), "{arguments:?}: {stderr}");
    assert!(!folder.path().join("data").exists(), "{arguments:?}: nothing is made");
}

#[test]
fn a_wrong_setting_of_the_server_exits_64_wherever_it_is_written() {
    check(&["serve", "--idle-timeout", "never"], &[], 64, "--idle-timeout");
    check(&["serve"], &[("SKIFF_API_LISTEN", "here")], 64, "SKIFF_API_LISTEN");
    check(&["serve", "--no-such-flag"], &[], 64, "--no-such-flag");
    check(&["serve", "--endpoint", "http://x"], &[], 64, "--endpoint");
    check(&["serve", "--config", "gone.toml"], &[], 64, "gone.toml");
    check(&["serve", "--secret-id", "AKIDx"], &[], 64, "secret-key");
}

#[test]
fn an_unknown_key_of_the_file_is_refused_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(
        folder.path().join("skiff.toml"),
        "region = \"r\"\ngatewy-listen = \"127.0.0.1:1\"\n",
    )
    .expect("a file");
    let output = skiff(&folder, &["serve"], &[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(64), "{stderr}");
    assert!(
        stderr.contains("skiff.toml:2:") && stderr.contains("did you mean gateway-listen?"),
        "{stderr}"
    );
}

#[test]
fn a_wrong_command_exits_2_and_a_server_that_is_not_there_4() {
    check(&["funktion"], &[], 2, "funktion");
    check(&["invoke"], &[], 2, "<NAME>");
    check(&["function", "list"], &[], 2, "no credential");
    let credential = [
        ("SKIFF_SECRET_ID", "AKIDx"),
        ("SKIFF_SECRET_KEY", "k"),
        ("SKIFF_ENDPOINT", "127.0.0.1:1"),
    ];
    check(&["function", "list"], &credential, 4, "127.0.0.1:1");
    check(&["deploy"], &credential, 2, "skiff.yaml");
}

#[test]
fn help_version_and_completion_exit_0() {
    let folder = tempfile::tempdir().expect("a folder");
    for (arguments, says) in [
        (&["--help"][..], "Usage: skiff"),
        (&["--version"], "skiff "),
        (&["completion", "bash"], "complete -F"),
    ] {
        let output = skiff(&folder, arguments, &[]);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(says), "{arguments:?}");
    }
}
