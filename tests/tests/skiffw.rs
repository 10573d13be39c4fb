//! `./skiffw`: which server it starts, finds and stops. It is given the binary beside this test, so nothing is built.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use skiff_tests::{Credentials, Mark, Server, Settings, Spec, binary, repository};
use tempfile::TempDir;

/// A data dir and what `skiffw` is told with it. Dropping it stops what was started on it.
struct Skiffw {
    data: Arc<TempDir>,
    environment: Vec<(&'static str, String)>,
}

impl Skiffw {
    fn new() -> Self {
        Self::on(&Arc::new(tempfile::tempdir().expect("a folder")))
    }

    fn on(data: &Arc<TempDir>) -> Self {
        Self {
            data: Arc::clone(data),
            environment: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::new(&self.command(arguments).output().expect("a shell"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg(repository().join("skiffw")).args(arguments);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SKIFF_")) {
            command.env_remove(name);
        }
        command
            .env("SKIFF_BIN", binary())
            .env("SKIFF_DATA_DIR", self.data.path())
            .env("SKIFF_API_LISTEN", "127.0.0.1:0")
            .env("SKIFF_GATEWAY_LISTEN", "127.0.0.1:0")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    fn file(&self, name: &str) -> PathBuf {
        self.data.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.file("skiffw.log")).unwrap_or_default()
    }
}

impl Drop for Skiffw {
    fn drop(&mut self) {
        self.run(&["down"]);
    }
}

/// How it ended and what it said.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn new(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    fn ended(self, code: i32, says: &str) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(
            self.stdout.contains(says) || self.stderr.contains(says),
            "{says}: {self:?}"
        );
        self
    }
}

fn runs_on(data: &Path) -> bool {
    data.join("listen.json").exists()
}

#[test]
fn a_server_is_found_and_stopped_also_when_its_binary_was_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("skiff");
    fs::copy(binary(), &program).expect("a copy");
    let skiffw = Skiffw::new().with("SKIFF_BIN", program.to_str().expect("text"));
    skiffw.run(&["up", "--detach"]).ended(0, "Skiff is running");
    fs::remove_file(&program).expect("removed");
    fs::copy(binary(), &program).expect("a copy");
    skiffw.run(&["up", "--detach"]).ended(0, "Already running");
    skiffw.run(&["down"]).ended(0, "Stopping process");
    assert!(!runs_on(skiffw.data.path()));
    skiffw.run(&["down"]).ended(0, "No server runs on");
}

#[test]
fn up_has_a_python_a_node_and_a_java_ready_and_calls_a_demo_of_each() {
    let skiffw = Skiffw::new();
    let ran = skiffw.run(&["up", "--detach"]).ended(0, "Skiff is running");
    for says in [
        "Hello, Skiff!\", \"request_id\"",
        "\"node\":\"v18.15.0\"",
        "\"java\":\"17.",
    ] {
        assert!(ran.stdout.contains(says), "{says}: {ran:?}");
    }
    let listed = skiffw.run(&["skiff", "runtime", "list"]).ended(0, "Java17");
    assert!(listed.stdout.contains("Nodejs18.15"), "{listed:?}");
}

#[test]
fn up_has_a_node_ready_also_where_there_is_no_way_to_npm() {
    let skiffw = Skiffw::new().with("NPM_CONFIG_REGISTRY", "http://127.0.0.1:1");
    let ran = skiffw.run(&["up", "--detach"]).ended(0, "Skiff is running");
    assert!(ran.stdout.contains("\"node\":\"v18."), "{ran:?}");
    skiffw.run(&["skiff", "runtime", "list"]).ended(0, "debian:bookworm");
}

#[test]
fn a_server_started_by_hand_keeps_what_it_says_of_itself_and_is_stopped_too() {
    let mut server = Server::start();
    let skiffw = Skiffw::on(&server.data);
    let said = fs::read(skiffw.file("listen.json")).expect("listen.json");
    skiffw.run(&["up", "--detach"]).ended(0, "Already running");
    assert_eq!(fs::read(skiffw.file("listen.json")).expect("listen.json"), said);
    assert!(!skiffw.file("skiffw.log").exists(), "nothing was started");
    skiffw.run(&["down"]).ended(0, "Stopping process");
    assert!(server.wait().success());
}

#[test]
fn a_server_that_still_finishes_calls_is_not_forgotten() {
    let mark = Mark::default();
    let server = Settings::default().start();
    let client = server.client();
    let code = format!(
        "import subprocess\n\ndef main_handler(event, context):\n    subprocess.run(['sleep', '{}'])\n    return 'done'\n",
        mark.as_str()
    );
    let function = Spec::python(&code).deploy(&client);
    let skiffw = Skiffw::on(&server.data).with("SKIFF_DRAIN_SECONDS", "1");
    std::thread::scope(|scope| {
        let call = scope.spawn(|| client.invoke(&function.name, &json!({})));
        mark.appeared();
        skiffw.run(&["down"]).ended(1, "still finishing calls after 1 s");
        skiffw.run(&["up", "--detach"]).ended(1, "finishes its last");
        mark.release();
        assert_eq!(call.join().expect("no panic").returned(), &json!("done"));
    });
    Skiffw::on(&server.data).run(&["down"]).ended(0, "");
}

#[test]
fn the_log_of_the_last_start_is_kept() {
    let skiffw = Skiffw::new();
    fs::write(skiffw.file("skiffw.log"), "of yesterday\n").expect("a file");
    skiffw.run(&["up", "--detach"]).ended(0, "Skiff is running");
    assert!(skiffw.log().starts_with("of yesterday\n"), "{}", skiffw.log());
    skiffw.run(&["down"]).ended(0, "");
    fs::write(skiffw.file("skiffw.log"), vec![b'x'; 11 << 20]).expect("a file");
    let ran = skiffw.run(&["up", "--detach"]).ended(0, "Skiff is running");
    assert!(skiffw.file("skiffw.log.1").exists(), "{ran:?}");
    assert!(skiffw.log().len() < 1 << 20, "a new one");
}

#[test]
fn a_server_that_does_not_start_is_shown_with_its_own_words_only() {
    let skiffw = Skiffw::new().with("SKIFF_API_LISTEN", "here");
    fs::write(skiffw.file("skiffw.log"), "of yesterday\n").expect("a file");
    let ran = skiffw.run(&["up", "--detach"]).ended(1, "SKIFF_API_LISTEN");
    assert!(!ran.stderr.contains("of yesterday"), "{ran:?}");
}

#[test]
fn the_secret_key_is_in_no_log_and_the_data_dir_is_closed() {
    let skiffw = Skiffw::new();
    let open = fs::Permissions::from_mode(0o755);
    fs::set_permissions(skiffw.data.path(), open).expect("its owner");
    let ran = skiffw.run(&["up", "--detach"]).ended(0, "credentials.json");
    let credential: Credentials =
        serde_json::from_slice(&fs::read(skiffw.file("credentials.json")).expect("a file")).expect("JSON");
    for text in [skiffw.log(), ran.stdout, ran.stderr] {
        assert!(!text.contains(&credential.secret_key), "{text}");
    }
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(
        (mode(skiffw.data.path()), mode(&skiffw.file("skiffw.log"))),
        (0o700, 0o600)
    );
}

#[test]
fn help_does_nothing_and_an_unknown_argument_is_refused() {
    let server = Server::start();
    let skiffw = Skiffw::on(&server.data);
    for command in ["up", "down", "test", "doctor"] {
        let ran = skiffw
            .run(&[command, "--help"])
            .ended(0, &format!("Usage: ./skiffw {command}"));
        assert_eq!(ran.stderr, "", "{command}");
        skiffw.run(&[command, "--no-such-flag"]).ended(2, "--no-such-flag");
    }
    skiffw.run(&["bench", "-h"]).ended(0, "--only");
    skiffw.run(&["down", "now"]).ended(2, "down does not take now");
    skiffw.run(&["upp"]).ended(2, "no such command: upp");
    skiffw.run(&[]).ended(2, "Usage: ./skiffw COMMAND");
    skiffw.run(&["doctor", "--output", "json"]).ended(0, "\"what\"");
    assert!(server.is_ready(), "none of these stops a server");
}

#[test]
fn what_is_said_to_a_file_has_no_colours() {
    let skiffw = Skiffw::new();
    let ran = skiffw.run(&["up", "--detach"]).ended(0, "Skiff is running");
    for text in [ran.stdout, ran.stderr, skiffw.log()] {
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}

#[test]
fn a_credential_of_the_operators_is_asked_for_and_an_earlier_one_not_sent() {
    let skiffw = Skiffw::new();
    skiffw.run(&["up", "--detach"]).ended(0, "hello-python");
    skiffw.run(&["down"]).ended(0, "");
    let settings = "secret-id = \"AKIDgiven\"\nsecret-key = \"given-key\"\n";
    fs::write(skiffw.file("skiff.toml"), settings).expect("a file");
    for _ in ["an earlier one is there", "none is there"] {
        let ran = skiffw.run(&["up", "--detach"]).ended(0, "No demo");
        assert!(!format!("{ran:?}").contains("Traceback"), "{ran:?}");
        ran.ended(0, "secret id AKIDgiven and the key you gave");
        skiffw.run(&["skiff", "function", "list"]).ended(2, "AKIDgiven");
        let knowing = Skiffw::on(&skiffw.data)
            .with("SKIFF_SECRET_ID", "AKIDgiven")
            .with("SKIFF_SECRET_KEY", "given-key");
        knowing.run(&["skiff", "function", "list"]).ended(0, "hello-python");
        knowing.run(&["down"]).ended(0, "");
        drop(fs::remove_file(skiffw.file("credentials.json")));
    }
}

#[test]
fn the_commands_that_come_next_find_the_same_data_dir() {
    let skiffw = Skiffw::new();
    let ran = skiffw.run(&["up", "--detach"]).ended(0, "Skiff is running");
    let line = ran
        .stdout
        .lines()
        .find(|line| line.ends_with("what is deployed"))
        .expect("a line");
    assert!(
        line.contains(&format!("SKIFF_DATA_DIR={} ", skiffw.data.path().display())),
        "{line}"
    );
}

#[test]
fn a_failed_demo_leaves_no_server_behind_or_says_that_it_does() {
    // The demo goes to where nobody listens; the server is fine.
    let skiffw = Skiffw::new().with("SKIFF_ENDPOINT", "127.0.0.1:1");
    skiffw.run(&["up"]).ended(1, "the demo failed");
    assert!(!runs_on(skiffw.data.path()), "{}", skiffw.log());
    skiffw.run(&["up", "--detach"]).ended(1, "The server runs (process");
    assert!(runs_on(skiffw.data.path()));
    skiffw.run(&["down"]).ended(0, "Stopping process");
}

#[test]
fn an_interrupted_up_stops_its_server() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let skiffw = Skiffw::new();
        let mut up = skiffw
            .command(&["up"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut said = BufReader::new(up.stderr.take().expect("a pipe")).lines();
        let follows = |line: Result<String, _>| line.is_ok_and(|line| line.contains("Following the server's log"));
        assert!(
            said.by_ref().any(follows),
            "it never followed the log: {}",
            skiffw.log()
        );
        assert!(runs_on(skiffw.data.path()));
        let pid = i32::try_from(up.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id");
        kill_process(pid, signal).expect("it runs");
        assert_eq!(up.wait().expect("own child").code(), Some(0), "{signal:?}");
        assert!(!runs_on(skiffw.data.path()), "{signal:?}");
    }
}
