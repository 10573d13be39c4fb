//! `skiff serve`: settings, credentials, what it tells of itself, and what survives an orderly restart.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};
use skiff_tests::{Client, Credentials, Server, Settings, Spec};

const CONTEXT: &str =
    "def main_handler(event, context):\n    return [context['tencentcloud_region'], context['tencentcloud_appid']]\n";

#[test]
fn a_credential_is_made_once_kept_for_its_owner_alone_and_shown_once() {
    let server = Server::start();
    let path = server.data.path().join("credentials.json");
    let metadata = fs::metadata(&path).expect("the credential");
    assert_eq!((metadata.mode() & 0o777, metadata.uid()), (0o600, 0));
    let secret = server.credentials.secret_key.clone();
    assert_eq!(server.log().matches(&secret).count(), 1, "shown once");
    let (_, data) = server.stop();
    let again = Settings::default().on(&data).start();
    assert_eq!(again.credentials.secret_key, secret);
    assert_eq!(again.log().matches(&secret).count(), 1, "and not again");
    assert!(again.client().call("ListFunctions", json!({})).is_ok());
}

#[test]
fn a_given_credential_is_the_one_that_counts() {
    let given = Credentials {
        secret_id: "AKIDgivenbythetest".to_owned(),
        secret_key: "givenbythetest0123456789".to_owned(),
    };
    let server = Server::start();
    let own = server.client();
    let (_, data) = server.stop();
    let server = Settings::default()
        .flag("--secret-id", &given.secret_id)
        .flag("--secret-key", &given.secret_key)
        .on(&data)
        .start();
    let client = |credentials: &Credentials| {
        Client::new(
            server.listen.api.clone(),
            server.listen.gateway.clone(),
            credentials.clone(),
        )
    };
    assert!(client(&given).call("ListFunctions", json!({})).is_ok());
    let refused = client(&own.credentials)
        .call("ListFunctions", json!({}))
        .map_err(|error| error.code);
    assert_eq!(refused, Err("AuthFailure.SecretIdNotFound".to_owned()));
    assert!(
        !server.log().contains(&given.secret_key),
        "what the operator gave is not shown"
    );
}

#[test]
fn ports_of_the_kernels_choice_are_told_and_taken_back() {
    let server = Server::start();
    let path = server.data.path().join("listen.json");
    let listen: Value = serde_json::from_slice(&fs::read(&path).expect("listen.json")).expect("JSON");
    for name in ["api", "gateway"] {
        let address: std::net::SocketAddr = listen[name]
            .as_str()
            .and_then(|text| text.parse().ok())
            .expect("an address");
        assert!(address.ip().is_loopback() && address.port() != 0, "{listen}");
        std::net::TcpStream::connect(address).expect("ready means that every port accepts");
    }
    let (status, data) = server.stop();
    assert!(status.success());
    assert!(
        !data.path().join("listen.json").exists(),
        "nobody listens there any more"
    );
}

#[test]
fn health_readiness_and_metrics_are_told_without_a_credential() {
    let server = Server::start();
    let client = server.client();
    let function = Spec::python(CONTEXT).deploy(&client);
    function.invoke(&json!({})).returned();
    for (path, expected) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/no-such-page", 404),
    ] {
        assert_eq!(client.get(path).expect("an answer").status, expected, "{path}");
    }
    let metrics = client.get("/metrics").expect("an answer").body;
    assert!(
        metrics.contains("skiff_") && metrics.trim_end().ends_with("# EOF"),
        "{metrics}"
    );
    // Function names are nobody else's business.
    assert!(metrics.contains("skiff_invocations_total 1"), "{metrics}");
    assert!(!metrics.contains(&function.name), "{metrics}");
    let named = client.get_with_key("/metrics", &client.credentials.secret_key);
    assert!(named.expect("an answer").body.contains(&function.name));
    let wrong = client.get_with_key("/metrics", "wrong").expect("an answer");
    assert_eq!(wrong.status, 401);
    assert_eq!(client.get("/status.json").expect("an answer").status, 401);
}

#[test]
fn a_flag_wins_over_the_environment_the_environment_over_the_file() {
    let data = Arc::new(tempfile::tempdir().expect("a folder"));
    let file = "region = \"of-the-file\"\napp-id = \"1111111111\"\n";
    fs::write(data.path().join("skiff.toml"), file).expect("a file");
    let told = |settings: Settings| {
        let server = settings.on(&data).start();
        Spec::python(CONTEXT)
            .deploy(&server.client())
            .invoke(&json!({}))
            .returned()
            .clone()
    };
    assert_eq!(told(Settings::default()), json!(["of-the-file", "1111111111"]));
    assert_eq!(
        told(Settings::default().flag("--region", "of-the-flag")),
        json!(["of-the-flag", "1111111111"])
    );
    let with_environment = Settings::default().environment("SKIFF_REGION", "of-the-environment");
    assert_eq!(told(with_environment), json!(["of-the-environment", "1111111111"]));
    let with_both = Settings::default()
        .environment("SKIFF_REGION", "of-the-environment")
        .flag("--region", "of-the-flag");
    assert_eq!(told(with_both), json!(["of-the-flag", "1111111111"]));
}

#[test]
fn functions_namespaces_and_logs_survive_an_orderly_restart() {
    let server = Server::start();
    let client = server.client();
    client
        .call(
            "CreateNamespace",
            json!({"Namespace": "kept", "Description": "kept too"}),
        )
        .expect("created");
    let code = "def main_handler(event, context):\n    print('said', event)\n    return event\n";
    let zip = skiff_tests::Package::python(code).base64();
    let params = json!({
        "FunctionName": "kept", "Namespace": "kept", "Runtime": "Python3", "Description": "说明", "Timeout": 7,
        "Code": {"ZipFile": zip}, "Environment": {"Variables": [{"Key": "KEY", "Value": "值"}]},
    });
    client.call("CreateFunction", params).expect("created");
    let invoke = json!({"FunctionName": "kept", "Namespace": "kept", "ClientContext": "[1]"});
    assert_eq!(
        client.call("Invoke", invoke.clone()).expect("Invoke")["Result"]["RetMsg"],
        "[1]"
    );
    let name = json!({"FunctionName": "kept", "Namespace": "kept"});
    let before = client.call("GetFunction", name.clone()).expect("GetFunction");
    let (status, data) = server.stop();
    assert!(status.success());

    let server = Settings::default().on(&data).start();
    let client = server.client();
    let mut after = client.call("GetFunction", name.clone()).expect("GetFunction");
    after["RequestId"] = before["RequestId"].clone();
    assert_eq!(after, before);
    let logs = client.call("GetFunctionLogs", name).expect("GetFunctionLogs");
    assert_eq!(logs["TotalCount"], 1, "the drain stored what was still to be stored");
    assert!(
        logs["Data"][0]["Log"]
            .as_str()
            .is_some_and(|log| log.contains("\nsaid [1]\n")),
        "{logs}"
    );
    assert_eq!(
        client.call("Invoke", invoke).expect("Invoke")["Result"]["RetMsg"],
        "[1]"
    );
    let namespaces = client.call("ListNamespaces", json!({})).expect("ListNamespaces");
    assert!(namespaces.to_string().contains("kept too"), "{namespaces}");
}

#[test]
fn two_servers_on_one_machine_do_not_disturb_each_other() {
    let (one, other) = (Server::start(), Server::start());
    let code = |word: &str| format!("def main_handler(event, context): return '{word}'");
    let first = Spec::python(&code("first")).deploy(&one.client());
    let second = Spec::python(&code("second")).deploy(&other.client());
    assert_eq!(first.invoke(&json!({})).returned(), "first");
    drop(first);
    drop(one);
    assert_eq!(second.invoke(&json!({})).returned(), "second");
    let stranger = Spec::python(&code("third")).deploy(&other.client());
    assert_eq!(stranger.invoke(&json!({})).returned(), "third");
}

#[test]
fn a_server_leaves_no_firewall_rules_behind() {
    let tables = || {
        let output = Command::new("nft").args(["list", "tables"]).output().expect("nft");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let before = tables();
    let server = Server::start();
    // Other tests have servers, too: the ones that came meanwhile and stay are looked at.
    let came: Vec<_> = tables().difference(&before).cloned().collect();
    assert!(!came.is_empty(), "a server walls public functions off");
    server.stop();
    let left = tables();
    assert!(
        came.iter().any(|table| !left.contains(table)),
        "none of {came:?} is gone"
    );
}
