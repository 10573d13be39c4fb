//! The command line as its users meet it: deploy, invoke, read, list; what it prints, where, and how it exits.

mod deploying;
mod moving;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};
use skiff_tests::{Server, binary, eventually, repository};

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

/// What a command said and how it ended.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    /// Its output, of a command that went well.
    #[track_caller]
    fn fine(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        &self.out
    }

    /// Its output as JSON.
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(self.fine()).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// It ended with this code and said this to the person who typed it.
    #[track_caller]
    fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(words.iter().all(|word| self.err.contains(word)), "{words:?}: {self:?}");
        assert_eq!(self.out, "", "nothing of a failure is among the results");
    }
}

/// The binary without the caller's settings.
fn bare() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SKIFF_")) {
        command.env_remove(name);
    }
    command
}

fn run(command: &mut Command) -> Said {
    let output = command.stdin(Stdio::null()).output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// A command line to the shared server, which is found by its data dir.
fn skiff(line: &str) -> Said {
    skiff_with(line, &[])
}

/// The same with arguments that are not to be split.
fn skiff_with(line: &str, more: &[&str]) -> Said {
    let data = SERVER.data.path();
    run(bare()
        .args(line.split_whitespace())
        .args(more)
        .arg("--data-dir")
        .arg(data))
}

/// A folder with one function.
fn folder(name: &str, code: &str, more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("index.py"), code).expect("a file");
    fs::write(
        folder.path().join("skiff.yaml"),
        format!("name: {name}\nruntime: Python3\n{more}"),
    )
    .expect("a file");
    folder
}

fn path(folder: &tempfile::TempDir) -> &str {
    folder.path().to_str().expect("text")
}

const GREET: &str = "import os\ndef main_handler(event, context):\n    print('greeting', event)\n    return os.environ.get('WORD', 'Hello') + ' ' + event.get('name', 'nobody')\n";

#[test]
fn a_folder_is_deployed_called_and_deployed_again() {
    let folder = folder("cli-greet", GREET, "environment:\n  WORD: Hi\nmemory: 128\n");
    let said = skiff_with("deploy", &[path(&folder)]);
    assert!(said.fine().starts_with("cli-greet created: Python3."), "{said:?}");

    let said = skiff_with("invoke cli-greet --data", &[r#"{"name": "you"}"#]);
    assert_eq!(said.fine(), "\"Hi you\"\n", "the result alone");
    assert!(said.err.contains("request id"), "{said:?}");
    let said = skiff_with("invoke cli-greet --log --data", &[r#"{"name": "you"}"#]);
    assert_eq!(said.fine(), "\"Hi you\"\n");
    assert!(
        said.err.contains("greeting {'name': 'you'}") && said.err.contains("START RequestId: "),
        "{said:?}"
    );

    fs::write(folder.path().join("index.py"), GREET.replace("'Hello'", "'Good day'")).expect("a file");
    fs::write(
        folder.path().join("skiff.yaml"),
        "name: cli-greet\nruntime: Python3\nmemory: 256\n",
    )
    .expect("a file");
    let said = skiff_with("deploy", &[path(&folder)]);
    assert!(said.fine().starts_with("cli-greet updated: "), "{said:?}");
    assert!(
        said.out.contains("memory 128 -> 256") && said.out.contains("environment"),
        "{said:?}"
    );
    assert_eq!(skiff("invoke cli-greet").fine(), "\"Good day nobody\"\n");

    let shown = skiff("function show cli-greet");
    assert!(
        shown.fine().contains("256") && shown.out.contains("Active"),
        "{shown:?}"
    );
    skiff("function delete cli-greet").fine();
    skiff("function show cli-greet").fails(3, &["ResourceNotFound.Function"]);
}

#[test]
fn programs_get_json() {
    let folder = folder("cli-json", GREET, "");
    let report = skiff_with("deploy --output json", &[path(&folder)]).json();
    assert_eq!(
        (&report[0]["name"], &report[0]["action"]),
        (&json!("cli-json"), &json!("created"))
    );
    let result = skiff_with("invoke cli-json --log -o json --data", &[r#"{"name": "you"}"#]).json();
    assert_eq!(
        (&result["RetMsg"], &result["InvokeResult"]),
        (&json!("\"Hello you\""), &json!(0))
    );
    assert!(
        result["Log"].as_str().is_some_and(|log| log.contains("greeting")),
        "{result}"
    );
    let id = result["FunctionRequestId"].as_str().expect("an id").to_owned();

    let listed = skiff("function list -o json").json();
    let names: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["FunctionName"])
        .collect();
    assert!(names.contains(&&json!("cli-json")), "{listed}");
    assert_eq!(
        skiff("function show cli-json -o json").json()["FunctionName"],
        "cli-json"
    );
    // One call a line.
    let line = eventually(std::time::Duration::from_secs(60), "the call to be in the logs", || {
        let said = skiff("logs cli-json -o json");
        said.fine()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .next()
    });
    assert_eq!(line["RequestId"], id.as_str());
    let error = skiff("invoke cli-jsno -o json");
    assert_eq!(error.code, Some(3));
    let error: Value = serde_json::from_str(&error.err).unwrap_or_else(|_| panic!("{error:?}"));
    assert!(error.to_string().contains("ResourceNotFound.Function"), "{error}");
}

#[test]
fn tables_have_a_header_and_a_line_for_each() {
    let folder = folder("cli-table", GREET, "description: Greets 人\n");
    skiff_with("deploy", &[path(&folder)]).fine();
    let said = skiff("function list");
    let header = said.fine().lines().next().expect("a header");
    assert!(
        ["NAME", "RUNTIME", "STATUS"].iter().all(|word| header.contains(word)),
        "{said:?}"
    );
    let line = said
        .out
        .lines()
        .find(|line| line.contains("cli-table"))
        .expect("a line");
    assert!(line.contains("Active") && line.contains("Greets 人"), "{line}");
    assert!(skiff("runtime list").fine().contains("Python3."), "the runtimes");
    assert!(skiff("namespace list").fine().contains("default"), "the namespaces");
    skiff("invoke cli-table").fine();
    assert!(skiff("top --once").fine().contains("cli-table"), "it has an instance");
}

#[test]
fn logs_are_what_calls_wrote_oldest_first() {
    let folder = folder("cli-logs", GREET, "");
    skiff_with("deploy", &[path(&folder)]).fine();
    for name in ["one", "two"] {
        skiff_with("invoke cli-logs --data", &[&format!(r#"{{"name": "{name}"}}"#)]).fine();
    }
    let said = eventually(
        std::time::Duration::from_secs(60),
        "both calls to be in the logs",
        || {
            let said = skiff("logs cli-logs");
            (said.fine().matches("==> ").count() == 2).then_some(said)
        },
    );
    let place = |text: &str| said.out.find(text).unwrap_or_else(|| panic!("{text}: {said:?}"));
    assert!(
        place("greeting {'name': 'one'}") < place("greeting {'name': 'two'}"),
        "{said:?}"
    );
    let one = skiff("logs cli-logs --limit 1");
    assert!(
        one.fine().contains("'two'") && !one.out.contains("'one'"),
        "the newest: {one:?}"
    );
    assert_eq!(skiff("logs cli-logs --status failed").fine(), "");
}

#[test]
fn logs_are_followed() {
    let folder = folder("cli-follow", GREET, "");
    skiff_with("deploy", &[path(&folder)]).fine();
    skiff_with("invoke cli-follow --data", &[r#"{"name": "before"}"#]).fine();
    eventually(std::time::Duration::from_secs(60), "the call to be in the logs", || {
        (!skiff("logs cli-follow").fine().is_empty()).then_some(())
    });
    let mut following = bare()
        .args(["logs", "cli-follow", "-f", "--data-dir"])
        .arg(SERVER.data.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut lines = BufReader::new(following.stdout.take().expect("piped"))
        .lines()
        .map_while(Result::ok);
    assert!(lines.any(|line| line.contains("'before'")), "what is there comes first");
    skiff_with("invoke cli-follow --data", &[r#"{"name": "after"}"#]).fine();
    assert!(
        lines.any(|line| line.contains("'after'")),
        "what comes is shown as it comes"
    );
    drop(following.kill());
    drop(following.wait());
}

#[test]
fn exit_codes_tell_whose_fault_it_is() {
    let broken = "def main_handler(event, context):\n    raise ValueError('no luck')\n";
    let folder = folder("cli-broken", broken, "");
    skiff_with("deploy", &[path(&folder)]).fine();
    let said = skiff("invoke cli-broken");
    said.fails(
        1,
        &["ValueError: no luck", "File \"/var/user/index.py\", line 2", "430"],
    );
    skiff("invoke").fails(2, &["NAME"]);
    skiff_with("invoke cli-broken --data", &["{not json"]).fails(2, &["--data"]);
    skiff("frobnicate").fails(2, &["frobnicate"]);
    let said = run(bare().args(["invoke", "-o", "json"]).env("SKIFF_DATA_DIR", "/nowhere"));
    said.fails(2, &["<NAME>"]);
    let error: Value = serde_json::from_str(&said.err).unwrap_or_else(|_| panic!("{said:?}"));
    assert_eq!(error["error"]["code"], "Usage");
    let said = run(bare().arg("invoke").env("SKIFF_DATA_DIR", "/nowhere"));
    said.fails(2, &["<NAME>"]);
    assert!(!said.err.contains("--data-dir"), "nobody typed it: {said:?}");
    // Of a later issue: said, and nothing is run.
    skiff("invoke cli-broken --async").fails(3, &["UnsupportedOperation"]);
    skiff("deploy /nowhere").fails(2, &["/nowhere"]);
    skiff("invoke cli-nobody-of-this-name").fails(3, &["ResourceNotFound.Function"]);
    skiff("function create cli-broken --code /nowhere").fails(2, &["/nowhere"]);
    skiff_with("function create cli-broken --code", &[path(&folder)]).fails(3, &["ResourceInUse.Function"]);
    let credential = ["--secret-id", "AKIDnobody", "--secret-key", "wrong"];
    let said = run(bare()
        .args(["function", "list", "--endpoint", &SERVER.listen.api])
        .args(credential));
    said.fails(3, &["AuthFailure.SecretIdNotFound"]);
    // A port nobody listens at any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|port| port.local_addr())
        .expect("a port");
    let said = run(bare()
        .args(["function", "list", "--endpoint", &closed.to_string()])
        .args(credential));
    said.fails(4, &["cannot reach", "skiff serve"]);
}

#[test]
fn a_mistyped_name_is_answered_with_the_near_one() {
    let folder = folder("cli-suggested", GREET, "");
    skiff_with("deploy", &[path(&folder)]).fine();
    for line in [
        "invoke cli-sugested",
        "function show cli-suggestde",
        "logs CLI-suggested",
        "function delete cli-suggest",
    ] {
        skiff(line).fails(3, &["cli-suggested"]);
    }
    skiff("funktion list").fails(2, &["function"]);
    skiff("function lsit").fails(2, &["list"]);
}

#[test]
fn events_come_from_a_file_and_from_stdin() {
    let folder = folder("cli-events", GREET, "");
    skiff_with("deploy", &[path(&folder)]).fine();
    let file = folder.path().join("event.json");
    fs::write(&file, r#"{"name": "file"}"#).expect("a file");
    assert_eq!(
        skiff_with("invoke cli-events --data", &[&format!("@{}", file.display())]).fine(),
        "\"Hello file\"\n"
    );
    let mut child = bare()
        .args(["invoke", "cli-events", "--data", "-", "--data-dir"])
        .arg(SERVER.data.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(br#"{"name": "stdin"}"#)
        .expect("a pipe");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "\"Hello stdin\"\n");
}

#[test]
fn functions_and_namespaces_are_managed_one_by_one() {
    let folder = folder("unused", GREET, "");
    skiff("namespace create cli-space").fine();
    let create = "function create cli-own --namespace cli-space --runtime Python3 --memory 64 --timeout 9 --env WORD=Hey --network none --code";
    skiff_with(create, &[path(&folder)]).fine();
    let shown = skiff("function show cli-own -n cli-space -o json").json();
    assert_eq!((&shown["MemorySize"], &shown["Timeout"]), (&json!(64), &json!(9)));
    assert_eq!(skiff("invoke cli-own -n cli-space").fine(), "\"Hey nobody\"\n");
    skiff("function update cli-own -n cli-space --timeout 5 --env WORD=Ho").fine();
    assert_eq!(skiff("invoke cli-own -n cli-space").fine(), "\"Ho nobody\"\n");
    skiff("function copy cli-own cli-copied -n cli-space --to-namespace default").fine();
    assert_eq!(skiff("invoke cli-copied").fine(), "\"Ho nobody\"\n");
    skiff("function update cli-own -n cli-space").fails(2, &["nothing to update"]);
    skiff("function list").fine();
    assert!(
        skiff("function list --all").fine().contains("cli-own"),
        "of every namespace"
    );
    skiff("namespace delete cli-space").fails(3, &["FailedOperation.DeleteNamespace"]);
    skiff("function delete cli-own -n cli-space").fine();
    skiff("namespace delete cli-space").fine();
}

#[test]
fn the_examples_deploy_and_run() {
    let deploy = |name: &str| {
        let example = repository().join("examples").join(name);
        skiff_with("deploy", &[example.to_str().expect("text")])
    };
    let result = |said: &Said| -> Value { serde_json::from_str(said.fine()).expect("a result and nothing else") };
    deploy("hello-python").fine();
    let said = skiff_with("invoke hello-python --data", &[r#"{"name": "you"}"#]);
    assert_eq!(result(&said)["message"], "Hello, you!");
    assert!(
        deploy("hello-python")
            .fine()
            .starts_with("hello-python unchanged: Python3.")
    );
    let shown = skiff("function show hello-python --code");
    assert!(
        shown.fine().contains("GREETING=Hello") && shown.out.contains("def main_handler"),
        "{shown:?}"
    );

    deploy("probe").fine();
    // Its own loopback has a door to the API and nobody at port 1.
    let event = r#"{"urls": [{"url": "http://127.0.0.1:19000/", "contains": "Response"}, "http://127.0.0.1:1/"]}"#;
    let told = result(&skiff_with("invoke probe --data", &[event]));
    assert_eq!((&told["ok"], &told["failed"]), (&json!(false), &json!(1)), "{told}");
    assert_eq!(
        (&told["checks"][0]["ok"], &told["checks"][1]["ok"]),
        (&json!(true), &json!(false)),
        "{told}"
    );
}

#[test]
fn a_mistake_in_the_file_is_shown_where_it_is() {
    let mistyped = folder("cli-mistaken", GREET, "memroy: 1\n");
    skiff_with("deploy", &[path(&mistyped)]).fails(2, &["skiff.yaml:3:", "did you mean memory?"]);
    let missing = folder("cli-mistaken", GREET, "handler: gone.main\n");
    skiff_with("deploy", &[path(&missing)]).fails(2, &["skiff.yaml:3: handler:", "gone.py"]);
    skiff("function show cli-mistaken").fails(3, &["ResourceNotFound.Function"]);
}

#[test]
fn completion_and_doctor_need_no_server() {
    for shell in ["bash", "zsh", "fish"] {
        let said = run(bare().args(["completion", shell]));
        assert!(said.fine().contains("skiff"), "{shell}");
    }
    let said = run(bare().arg("doctor"));
    assert!(said.code == Some(0) && said.out.contains("cgroup"), "{said:?}");
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_the_first_goes_on() {
    let server = Server::start();
    let listen = fs::read(server.data.path().join("listen.json")).expect("listen.json");
    let ports = ["--api-listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0"];
    let said = run(bare()
        .arg("serve")
        .args(ports)
        .arg("--data-dir")
        .arg(server.data.path()));
    said.fails(
        1,
        &["is in use by the server with process id", &server.pid().to_string()],
    );
    assert!(server.is_ready());
    assert_eq!(
        fs::read(server.data.path().join("listen.json")).expect("listen.json"),
        listen
    );
}

#[test]
fn a_port_that_is_taken_is_said_and_nothing_is_left_running() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let data = tempfile::tempdir().expect("a folder");
    let said = run(bare().args([
        "serve",
        "--api-listen",
        "127.0.0.1:0",
        "--gateway-listen",
        &address,
        "--data-dir",
        path(&data),
    ]));
    said.fails(1, &[&address, "--gateway-listen or SKIFF_GATEWAY_LISTEN"]);
    assert!(
        !data.path().join("listen.json").exists(),
        "nobody is told of ports nobody listens at"
    );
}

#[test]
fn a_server_without_root_is_refused_and_told_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    // The build's folder may be closed to others: a link outside it would be too.
    let copy = folder.path().join("skiff");
    fs::copy(binary(), &copy).expect("a copy");
    let open = |path: &Path| {
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("own files");
    };
    open(folder.path());
    open(&copy);
    let mut command = Command::new(&copy);
    command
        .env_clear()
        .args(["serve", "--data-dir", "/tmp/skiff-of-nobody"])
        .uid(65_534)
        .gid(65_534);
    run(&mut command).fails(1, &["root", "sudo"]);
    assert!(!Path::new("/tmp/skiff-of-nobody").exists());
}
