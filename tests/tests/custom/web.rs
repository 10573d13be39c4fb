//! Web functions: what passes to their servers and back, as it is and as it comes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use skiff_tests::{Function, Package, Spec, eventually};

use crate::world::client;

/// How long an answer may take on a machine that has much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn spec() -> Spec {
    let package = Package::default()
        .program(
            "scf_bootstrap",
            b"#!/bin/bash\nexec /usr/bin/python3 -u /var/user/web.py\n",
        )
        .file("web.py", include_bytes!("web.py"));
    Spec::package(package).with("Type", "HTTP")
}

fn shared() -> &'static Function {
    static FUNCTION: LazyLock<Function> = LazyLock::new(|| spec().deploy(&client()));
    &FUNCTION
}

/// A connection to the gateway with a request on its way.
pub(crate) fn send(function: &Function, method: &str, path: &str, headers: &str, body: &[u8]) -> TcpStream {
    let client = client();
    let credentials = &client.credentials;
    let basic = STANDARD.encode(format!("{}:{}", credentials.secret_id, credentials.secret_key));
    let address = client.gateway.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("the gateway");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let head = format!(
        "{method} /2018-04-16/functions/default/{}/http{path} HTTP/1.1\r\nHost: app.example\r\nAuthorization: Basic {basic}\r\n\
         Content-Length: {}\r\n{headers}\r\n",
        function.name,
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(body).expect("sent");
    stream
}

/// Reads until what was read ends so.
pub(crate) fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        let mut byte = [0];
        match stream.read(&mut byte) {
            Ok(1) => read.push(byte[0]),
            other => panic!("{other:?} after {}", String::from_utf8_lossy(&read)),
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// Status, head and body of an answer to a request whose connection is then closed.
pub(crate) fn ask(function: &Function, method: &str, path: &str, headers: &str, body: &[u8]) -> (u16, String, String) {
    let headers = format!("Connection: close\r\n{headers}");
    let mut stream = send(function, method, path, &headers, body);
    let head = read_until(&mut stream, "\r\n\r\n");
    let mut body = Vec::new();
    // An answer that breaks off ends its connection in whatever way.
    let _ = stream.read_to_end(&mut body);
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .expect("a status");
    (status, head, String::from_utf8_lossy(&body).into_owned())
}

fn get(function: &Function, path: &str) -> (u16, String) {
    let (status, _, body) = ask(function, "GET", path, "", b"");
    (status, body)
}

/// The newest record of a function that ended so.
pub(crate) fn recorded(function: &Function, status: u16) -> Value {
    eventually(PATIENCE, "a record", || {
        let logs = client().call("GetFunctionLogs", json!({"FunctionName": function.name, "Limit": 20}));
        let logs = logs.expect("GetFunctionLogs");
        let mut records = logs["Data"].as_array()?.iter();
        records
            .find(|record| {
                record["RetCode"] == json!(status)
                    || record["RetMsg"]
                        .to_string()
                        .contains(&format!("statusCode\\\":{status}"))
            })
            .cloned()
    })
}

#[test]
fn a_request_reaches_the_functions_server_as_it_is_without_the_credential_it_came_with() {
    assert_eq!(get(shared(), "/echo/../echo").0, 404, "a path is not tidied");
    let (status, head, body) = ask(
        shared(),
        "PATCH",
        "/echo?q=%C3%BC&q=2",
        "X-Mine: 1\r\nX-Scf-Name: forged\r\nX-TC-Token: \r\nX-Forwarded-For: 192.0.2.7\r\nCookie: c=1\r\n",
        "the body ü".as_bytes(),
    );
    let seen = body.to_lowercase();
    assert_eq!(status, 201, "{head}");
    assert!(
        body.starts_with("PATCH /echo?q=%C3%BC&q=2\n") && body.ends_with("\n\nthe body ü"),
        "{body}"
    );
    for line in [
        "host: app.example",
        "x-mine: 1",
        "x-forwarded-for: 192.0.2.7",
        "cookie: c=1",
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    let name = format!("x-scf-name: {}", shared().name);
    for line in [
        name.as_str(),
        "x-scf-memory: 128",
        "x-scf-timeout: 20000",
        "x-scf-version: $latest",
        "x-scf-request-id: ",
        "x-scf-namespace: default",
        "x-scf-region: local",
        "x-scf-appid: 1250000000",
        "x-scf-uin: 1250000000",
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    assert!(
        !seen.contains("forged") && !seen.contains("x-tc-") && !seen.contains("authorization"),
        "{seen}"
    );
    let head = head.to_lowercase();
    for line in [
        "set-cookie: a=1",
        "set-cookie: b=2",
        "x-mine: yes",
        "x-scf-request-id: ",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    assert_eq!(get(shared(), "").0, 404);
    assert_eq!(ask(shared(), "HEAD", "/count", "", b"").0, 200);
}

#[test]
fn a_server_keeps_its_state_and_what_it_writes_is_the_log_of_its_request() {
    let function = spec().deploy(&client());
    assert_eq!(get(&function, "/count"), (200, "1".to_owned()));
    assert_eq!(get(&function, "/count"), (200, "2".to_owned()));
    get(&function, "/print");
    eventually(PATIENCE, "the log", || {
        let logs = client().call("GetFunctionLogs", json!({"FunctionName": function.name}));
        let text = logs.expect("GetFunctionLogs")["Data"].to_string();
        (text.contains("starting\\n") && text.contains("of the request\\n")).then_some(())
    });
}

#[test]
fn events_of_a_stream_come_as_they_are_sent() {
    let function = spec().deploy(&client());
    let mut stream = send(&function, "GET", "/events", "Accept: text/event-stream\r\n", b"");
    let head = read_until(&mut stream, "\r\n\r\n");
    assert!(
        head.to_lowercase().contains("content-type: text/event-stream"),
        "{head}"
    );
    // The server says nothing more before this has come: it waits for a file that is not there.
    assert!(read_until(&mut stream, "data: 0\n\n\r\n").ends_with("data: 0\n\n\r\n"));
    drop(stream);
    // Who goes away ends the request and not the instance.
    recorded(&function, 499);
    assert_eq!(get(&function, "/count"), (200, "2".to_owned()));
}

#[test]
fn what_a_server_does_wrong_has_its_status_and_its_answer() {
    let function = spec().with("Timeout", 2).deploy(&client());
    let size = |bytes: usize| {
        ask(&function, "GET", "/size", &format!("X-Size: {bytes}\r\n"), b"")
            .2
            .len()
    };
    assert_eq!(size(6 << 20), 6 << 20);
    assert!(size((6 << 20) + 1) < (6 << 20) + 1);
    recorded(&function, 407);
    for (path, status, code) in [
        ("/exit", 502, 439),
        ("/sleep", 504, 433),
        ("/garbage", 502, 439),
        ("/headers", 502, 439),
    ] {
        let (answered, _, body) = ask(&function, "GET", path, "", b"");
        let error: Value = serde_json::from_str(&body).unwrap_or_default();
        assert_eq!(
            (answered, &error["statusCode"]),
            (status, &json!(code)),
            "{path} {body}"
        );
        assert_eq!(get(&function, "/count"), (200, "1".to_owned()), "{path}");
    }
    let (status, _, body) = ask(&function, "GET", "/break", "", b"");
    assert_eq!(status, 200);
    assert!(
        body.contains("half") && !body.contains("\r\n0\r\n"),
        "it is seen to be cut off: {body:?}"
    );
    let (status, _, _) = ask(&function, "GET", "/endless", "", b"");
    assert_eq!(status, 200);
    recorded(&function, 433);
}

#[test]
fn a_server_that_does_not_listen_or_is_not_there_says_so() {
    let deploy = |script: &str| {
        let package = Package::default().program("scf_bootstrap", script.as_bytes());
        let spec = Spec::package(package).with("Type", "HTTP").with("InitTimeout", 3);
        spec.deploy(&client())
    };
    for (script, status, code) in [
        ("#!/bin/sh\nexec sleep 60\n", 504, 446),
        ("#!/bin/sh\nexit 3\n", 502, 439),
        ("no program\n", 502, 405),
    ] {
        let (answered, _, body) = ask(&deploy(script), "GET", "/", "", b"");
        let error: Value = serde_json::from_str(&body).unwrap_or_default();
        assert_eq!(
            (answered, &error["statusCode"]),
            (status, &json!(code)),
            "{script} {body}"
        );
    }
    let refused = Spec::package(Package::default().file("index.py", b"")).with("Type", "http");
    let refused = refused.try_deploy(&client()).expect_err("no scf_bootstrap");
    assert_eq!(refused.code, "InvalidParameterValue.Handler");
    assert!(refused.message.contains("scf_bootstrap"), "{refused:?}");
}

#[test]
fn a_web_function_takes_no_events_an_event_function_no_requests_and_nobody_without_a_credential() {
    let error = client().try_invoke(&shared().name, &json!({})).expect_err("no events");
    assert_eq!(error.code, "InvalidParameterValue.FunctionType");
    assert_eq!(client().gateway_invoke(&shared().name, b"{}").status, 400);
    let event = Spec::python("def main_handler(event, context):\n    return 1\n").deploy(&client());
    assert_eq!(get(&event, "/").0, 400);
    let url = format!("/2018-04-16/functions/default/{}/http/count", shared().name);
    let address = client().gateway;
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).expect("the gateway");
    write!(stream, "GET {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let described = shared().describe();
    assert_eq!(
        (&described["Type"], &described["ProtocolType"]),
        (&json!("HTTP"), &json!(""))
    );
}

/// A text frame of a client.
fn frame(text: &[u8]) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let masked = text.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]);
    [&[0x81, 0x80 | u8::try_from(text.len()).expect("short")][..], &mask]
        .concat()
        .into_iter()
        .chain(masked)
        .collect()
}

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[test]
fn a_websocket_is_carried_both_ways_and_ends_with_the_status_of_how_it_closes() {
    let sockets = spec().with("ProtocolType", "WS").deploy(&client());
    let update = |function: &Function, idle: u32| {
        let params = json!({"WSParams": {"IdleTimeOut": idle}});
        let params = json!({"FunctionName": function.name, "ProtocolParams": params});
        client().call("UpdateFunctionConfiguration", params)
    };
    update(&sockets, 10).expect("updated");
    let refused = update(shared(), 10).expect_err("it takes no WebSockets");
    assert_eq!(refused.code, "InvalidParameterValue.WebSocketsParams");
    assert_eq!(
        sockets.describe()["ProtocolParams"]["WSParams"]["IdleTimeOut"],
        json!(10)
    );
    let open = |function: &Function| {
        let mut stream = send(function, "GET", "/socket", UPGRADE, b"");
        let head = read_until(&mut stream, "\r\n\r\n");
        (stream, head)
    };
    let (mut stream, head) = open(&sockets);
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    for text in ["one", "zwei ü"] {
        stream.write_all(&frame(text.as_bytes())).expect("sent");
        let mut answer = vec![0; 2 + text.len()];
        stream.read_exact(&mut answer).expect("an echo");
        assert_eq!(answer[2..], *text.as_bytes());
    }
    stream.write_all(&frame(b"close")).expect("sent");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).expect("the end");
    assert_eq!(rest, [0x88, 2, 0x03, 0xe8]);
    recorded(&sockets, 101);
    let (stream, _) = open(&sockets);
    drop(stream);
    recorded(&sockets, 456);
    // Nobody says anything for ten seconds.
    let (mut stream, _) = open(&sockets);
    rest.clear();
    stream.read_to_end(&mut rest).expect("the end");
    assert_eq!(rest, [0x88, 2, 0x03, 0xe9]);
    recorded(&sockets, 455);
    // One that is not said to take WebSockets gets the request without what asks for one.
    let (status, _, body) = ask(shared(), "GET", "/echo", "Upgrade: websocket\r\n", b"");
    assert_eq!(status, 201);
    assert!(!body.to_lowercase().contains("upgrade"), "{body}");
}

#[test]
fn a_folder_with_a_server_is_deployed_as_a_web_function() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &[u8], mode: u32| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    let name = format!("web{}", std::process::id());
    let yaml = |more: &str| format!("name: {name}\nruntime: Python3\n{more}");
    write("skiff.yaml", yaml("type: web\nwebsocketIdle: 60\n").as_bytes(), 0o644);
    write(
        "scf_bootstrap",
        b"#!/bin/sh\nexec /usr/bin/python3 /var/user/web.py\n",
        0o755,
    );
    write("web.py", include_bytes!("web.py"), 0o644);
    write("index.py", b"", 0o644);
    let deploy = || {
        let client = client();
        let output = std::process::Command::new(skiff_tests::binary())
            .arg("deploy")
            .arg(folder.path())
            .env("SKIFF_ENDPOINT", &client.api)
            .env("SKIFF_SECRET_ID", &client.credentials.secret_id)
            .env("SKIFF_SECRET_KEY", &client.credentials.secret_key)
            .output()
            .expect("the binary runs");
        (
            output.status.success(),
            String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
        )
    };
    for (idle, says) in [(60, "created"), (60, "unchanged"), (30, "websocketIdle 60 -> 30")] {
        let settings = format!("type: web\nwebsocketIdle: {idle}\n");
        write("skiff.yaml", yaml(&settings).as_bytes(), 0o644);
        let (deployed, said) = deploy();
        assert!(deployed && said.contains(says), "{says}: {said}");
        let described = client()
            .call("GetFunction", json!({"FunctionName": name}))
            .expect("GetFunction");
        assert_eq!(
            (&described["Type"], &described["ProtocolType"]),
            (&json!("HTTP"), &json!("WS"))
        );
        assert_eq!(described["ProtocolParams"]["WSParams"]["IdleTimeOut"], json!(idle));
    }
    for (settings, is) in [("", "web"), ("type: web\n", "web with WebSockets")] {
        write("skiff.yaml", yaml(settings).as_bytes(), 0o644);
        let (deployed, said) = deploy();
        assert!(
            !deployed && said.contains(&format!("of type {is}")) && said.contains("on the server"),
            "{said}"
        );
    }
    client()
        .call("DeleteFunction", json!({"FunctionName": name}))
        .expect("DeleteFunction");
}
