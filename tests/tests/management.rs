//! Versions, aliases and layers: with the official SDK, over crashes, and while calls run.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use skiff_tests::{Answer, Client, Package, Server, Settings, Spec, binary, eventually, python_sdk};

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

/// A handler that returns a constant and the version it runs as.
fn saying(word: &str) -> Package {
    Package::python(&format!(
        "def main_handler(event, context):\n    return [{word:?}, context['function_version']]\n"
    ))
}

fn invoke(client: &Client, name: &str, qualifier: &str) -> Value {
    let params = json!({"FunctionName": name, "Qualifier": qualifier, "LogType": "Tail"});
    let answer = client.call("Invoke", params).expect("Invoke");
    Answer::read(&answer).returned().clone()
}

/// What a command line prints that goes well.
fn skiff(arguments: &[&str]) -> String {
    let credentials = &SERVER.credentials;
    let output = Command::new(binary())
        .args(arguments)
        .env("SKIFF_ENDPOINT", &SERVER.listen.api)
        .env("SKIFF_SECRET_ID", &credentials.secret_id)
        .env("SKIFF_SECRET_KEY", &credentials.secret_key)
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn versions_are_used_as_users_of_the_sdk_do() {
    python_sdk(&SERVER, "management.py", "versions");
}

#[test]
fn aliases_are_used_as_users_of_the_sdk_do() {
    python_sdk(&SERVER, "management.py", "aliases");
}

#[test]
fn layers_are_used_as_users_of_the_sdk_do() {
    python_sdk(&SERVER, "management.py", "layers");
}

#[test]
fn a_person_publishes_a_layer_and_deploys_a_function_on_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    write("layer/words.py", "WORD = 'shared'\n");
    write(
        "f/index.py",
        "import words\ndef main_handler(event, context):\n    return words.WORD\n",
    );
    let name = format!("layered-{}", std::process::id());
    let network = std::env::var_os("SKIFF_TESTS_PRIVATE").map_or("public", |_| "private");
    let manifest = |layers: &str| {
        let text = format!("name: {name}\nruntime: Python3\nnetwork: {network}\nlayers: {layers}\n");
        write("f/skiff.yaml", &text);
        skiff(&["deploy", folder.path().join("f").to_str().expect("UTF-8")])
    };
    let layer = folder.path().join("layer");
    let publish = ["layer", "publish", "words", "--runtime", "Python3", "--code"];
    let publish = [&publish[..], &[layer.to_str().expect("UTF-8")]].concat();
    assert_eq!(skiff(&publish), "layer words:1 published\n");
    manifest("[words:1]");
    assert_eq!(skiff(&["invoke", &name]), "\"shared\"\n");
    write("layer/words.py", "WORD = 'newer'\n");
    assert_eq!(skiff(&publish), "layer words:2 published\n");
    let deployed = manifest("[words:2]");
    assert!(deployed.contains("layers words:1 -> words:2"), "{deployed}");
    assert_eq!(skiff(&["invoke", &name]), "\"newer\"\n");
    assert!(skiff(&["layer", "list"]).contains("words"));
    skiff(&["layer", "delete", "words:1", "words:2"]);
    assert!(skiff(&["function", "show", &name]).contains("words:2"));
    skiff(&["function", "delete", &name]);
}

#[test]
fn reserved_concurrency_is_used_as_users_of_the_sdk_do() {
    python_sdk(&SERVER, "management.py", "concurrency");
}

#[test]
fn provisioned_concurrency_is_used_as_users_of_the_sdk_do() {
    python_sdk(&SERVER, "management.py", "provisioned");
}

#[test]
fn what_is_kept_ready_is_ready_again_after_a_kill() {
    let server = Server::start();
    let client = server.client();
    let function = Spec::package(saying("one")).deploy(&client);
    let name = function.name.clone();
    client
        .call("PublishVersion", json!({"FunctionName": name}))
        .expect("PublishVersion");
    let version = json!({"FunctionName": name, "Qualifier": "1", "VersionProvisionedConcurrencyNum": 2});
    client
        .call("PutProvisionedConcurrencyConfig", version)
        .expect("PutProvisionedConcurrencyConfig");
    let data = server.kill();
    let server = Settings::default().on(&data).start();
    let client = server.client();
    eventually(Duration::from_secs(60), "both instances to be ready", || {
        let shown = client.call("GetProvisionedConcurrencyConfig", json!({"FunctionName": name}));
        let shown = shown.expect("GetProvisionedConcurrencyConfig");
        (shown["Allocated"][0]["AvailableProvisionedConcurrencyNum"] == 2).then_some(())
    });
}

#[test]
fn a_function_acts_in_its_role_and_within_what_the_role_allows() {
    let data = tempfile::Builder::new()
        .prefix("skiff-test-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()
        .expect("a folder");
    let roles = "[callers]\nallow = [{ actions = [\"Invoke*\"], functions = [\"default/*\"] }]\n";
    std::fs::write(data.path().join("roles.toml"), roles).expect("written");
    let server = Settings::default().on(&Arc::new(data)).start();
    python_sdk(&server, "management.py", "roles");

    credentials_are_an_instances_own(&server.client());

    // What is wrong changes nothing; what is right counts without a restart.
    let (client, file) = (server.client(), server.data.path().join("roles.toml"));
    let function = Spec::package(saying("one")).with("Role", "callers").deploy(&client);
    let give = |role: &str| {
        let change = json!({"FunctionName": function.name, "Role": role});
        client.call("UpdateFunctionConfiguration", change)
    };
    std::fs::write(&file, "callers").expect("written");
    server.hang_up();
    eventually(Duration::from_secs(30), "the wrong file to be told of", || {
        server.log().contains("the roles stay as they are").then_some(())
    });
    assert!(give("callers").is_ok() && give("watchers").is_err());
    std::fs::write(&file, roles.replace("callers", "watchers")).expect("written");
    server.hang_up();
    eventually(Duration::from_secs(30), "the new role", || give("watchers").ok());
    assert!(give("callers").is_err(), "and the old one is gone");
}

/// Also of those that go on from where the code was initialised once.
fn credentials_are_an_instances_own(client: &Client) {
    let code = "import os, uuid\nborn = uuid.uuid4().hex\n\ndef main_handler(event, context):\n    if event.get('exit'):\n        \
        os._exit(3)\n    return [born] + [os.environ['TENCENTCLOUD_' + name] for name in ('SECRETID', 'SECRETKEY', 'SESSIONTOKEN')]\n";
    let variables = json!({"Variables": [{"Key": "SKIFF_SNAPSHOT", "Value": "on"}]});
    let function = Spec::python(code)
        .with("Role", "callers")
        .with("Environment", variables)
        .deploy(client);
    let mut last = function.invoke(&json!({})).returned().clone();
    let [one, other] = eventually(Duration::from_secs(60), "instances of what was kept", || {
        assert_eq!(function.invoke(&json!({"exit": true})).status, 439);
        let next = function.invoke(&json!({})).returned().clone();
        let pair = [std::mem::replace(&mut last, next.clone()), next];
        (pair[0][0] == pair[1][0]).then_some(pair)
    });
    for credential in 1..4 {
        assert_ne!(one[credential], other[credential]);
    }
}

#[test]
fn the_operators_quotas_are_kept_to_and_told() {
    let server = Settings::default()
        .flag("--concurrency-memory", "1000")
        .flag("--namespaces-max", "3")
        .flag("--functions-max", "2")
        .start();
    python_sdk(&server, "management.py", "quotas");
}

#[test]
fn an_alias_led_forward_and_back_under_load_loses_no_call() {
    let client = SERVER.client();
    let function = Spec::package(saying("one")).deploy(&client);
    let name = &function.name;
    let call = |action: &str, params: Value| client.call(action, params).expect("an answer");
    call("PublishVersion", json!({"FunctionName": name}));
    function.replace_code(saying("two"));
    call("PublishVersion", json!({"FunctionName": name}));
    let lead = |action: &str, version: &str| {
        let alias = json!({"FunctionName": name, "Name": "prod", "FunctionVersion": version});
        call(action, alias);
    };
    lead("CreateAlias", "1");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let callers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut answers = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        answers.push(invoke(&client, name, "prod"));
                    }
                    answers
                })
            })
            .collect();
        for _ in 0..10 {
            for (version, word) in [("2", "two"), ("1", "one")] {
                lead("UpdateAlias", version);
                // Whatever is called from now on runs there.
                assert_eq!(invoke(&client, name, "prod"), json!([word, version]));
            }
        }
        stop.store(true, Ordering::Relaxed);
        for caller in callers {
            for answer in caller.join().expect("no call failed") {
                assert!(
                    answer == json!(["one", "1"]) || answer == json!(["two", "2"]),
                    "code and label are of one version: {answer}"
                );
            }
        }
    });
}

#[test]
fn a_person_publishes_leads_an_alias_forward_and_rolls_back() {
    let function = Spec::package(saying("old")).deploy(&SERVER.client());
    let name = function.name.as_str();
    assert_eq!(
        skiff(&["version", "publish", name, "--description", "works"]),
        format!("version 1 of {name} published\n")
    );
    skiff(&["alias", "create", name, "prod", "1"]);
    function.replace_code(saying("new"));
    skiff(&["version", "publish", name]);
    let ran = || skiff(&["invoke", name, "--qualifier", "prod"]);
    assert_eq!(ran(), "[\"old\", \"1\"]\n");
    skiff(&["alias", "update", name, "prod", "1", "--weight", "2=1"]);
    assert_eq!(ran(), "[\"new\", \"2\"]\n");
    assert!(skiff(&["alias", "list", name]).contains("100% to 2"));
    skiff(&["alias", "update", name, "prod", "1", "--rule", "2=User:Bob"]);
    assert_eq!(ran(), "[\"old\", \"1\"]\n");
    let bob = [
        "invoke",
        name,
        "--qualifier",
        "prod",
        "--routing-key",
        "{\"User\": \"Bob\"}",
    ];
    assert_eq!(skiff(&bob), "[\"new\", \"2\"]\n");
    skiff(&["alias", "update", name, "prod", "2"]);
    assert_eq!(ran(), "[\"new\", \"2\"]\n");
    let back = skiff(&["alias", "update", name, "prod", "1"]);
    assert_eq!(back, format!("alias prod of {name} leads to version 1 (before: 2)\n"));
    assert_eq!(ran(), "[\"old\", \"1\"]\n");
    let listed = skiff(&["version", "list", name]);
    assert!(listed.contains("$LATEST") && listed.contains("works"), "{listed}");
    skiff(&["version", "delete", name, "2"]);
    skiff(&["version", "delete", name, "1", "--force"]);
    let aliases = skiff(&["alias", "list", name]);
    assert!(!aliases.contains("prod") && aliases.contains("$DEFAULT"), "{aliases}");
}

#[test]
fn versions_and_aliases_survive_a_killed_server() {
    let server = Server::start();
    let client = server.client();
    let function = Spec::package(saying("old")).deploy(&client);
    let name = function.name.clone();
    client
        .call("PublishVersion", json!({"FunctionName": name}))
        .expect("PublishVersion");
    client
        .call(
            "CreateAlias",
            json!({"FunctionName": name, "Name": "prod", "FunctionVersion": "1"}),
        )
        .expect("CreateAlias");
    function.replace_code(saying("new"));
    let data = server.kill();
    let server = Settings::default().on(&data).start();
    let client = server.client();
    assert_eq!(invoke(&client, &name, "1"), json!(["old", "1"]));
    assert_eq!(invoke(&client, &name, "prod"), json!(["old", "1"]));
    assert_eq!(invoke(&client, &name, "$LATEST"), json!(["new", "$LATEST"]));
    let next = client.call("PublishVersion", json!({"FunctionName": name}));
    assert_eq!(next.expect("PublishVersion")["FunctionVersion"], "2");
    assert_eq!(invoke(&client, &name, "2"), json!(["new", "2"]));
}
