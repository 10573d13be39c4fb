//! What a program finds, and how it gets events and answers them.

use serde_json::json;
use skiff_tests::Package;

use crate::world::{client, custom, program, run, shell};

#[test]
fn a_program_finds_the_documented_environment_and_the_address_of_its_runtime_api() {
    let found = custom(include_str!("bootstrap.py"))
        .with("Handler", "any text: 处理")
        .with("MemorySize", 256)
        .with(
            "Environment",
            json!({"Variables": [{"Key": "MINE", "Value": "with = and ü"}]}),
        )
        .deploy(&client());
    let answer = found.invoke(&json!({"case": "environment"}));
    let environment = answer.returned();
    let name = found.name.as_str();
    for (key, value) in [
        ("SCF_RUNTIME_API", "127.0.0.1"),
        ("SCF_RUNTIME_API_PORT", "19001"),
        ("_HANDLER", "any text: 处理"),
        ("MINE", "with = and ü"),
        ("SCF_RUNTIME", "CustomRuntime"),
        ("SCF_FUNCTIONNAME", name),
        ("SCF_FUNCTIONVERSION", "$LATEST"),
        ("SCF_NAMESPACE", "default"),
        ("USER_CODE_ROOT", "/var/user/"),
        ("TENCENTCLOUD_RUNENV", "SCF"),
        ("HOME", "/home/qcloud"),
        ("PWD", "/var/user"),
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:19001"),
        ("AWS_LAMBDA_FUNCTION_NAME", name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("LAMBDA_TASK_ROOT", "/var/user"),
    ] {
        assert_eq!(environment[key], json!(value), "{key}");
    }
    let names: Vec<&String> = environment.as_object().expect("variables").keys().collect();
    assert!(
        names
            .iter()
            .all(|name| !name.starts_with("SKIFF_SECRET") && *name != "CARGO"),
        "nothing of the server's: {names:?}"
    );
}

#[test]
fn a_program_runs_in_its_package_as_qcloud_with_nothing_of_the_platform_open() {
    let answer = run("place", json!({}));
    // The connection is its own.
    let opened = ["/dev/null", "pipe", "pipe", "socket"];
    assert_eq!(
        answer.returned(),
        &json!({"folder": "/var/user", "user": "qcloud", "arguments": ["/var/user/bootstrap"], "open": opened})
    );
}

#[test]
fn an_event_comes_with_its_id_and_limits_and_is_the_same_until_it_is_answered() {
    let answer = run("headers", json!({}));
    let headers = answer.returned();
    assert_eq!(headers["request_id"], json!(answer.request_id()));
    assert_eq!(headers["memory_limit_in_mb"], json!("128"));
    assert_eq!(headers["time_limit_in_ms"], json!("20000"));
    let answer = run("again", json!({"mark": "ü"}));
    assert_eq!(
        answer.returned(),
        &json!({"same": true, "body": {"case": "again", "mark": "ü"}})
    );
}

#[test]
fn what_a_program_answers_is_the_result_as_it_is() {
    let answer = run("text", json!({}));
    assert_eq!((answer.status, answer.ret_text.as_str()), (200, "no JSON: ü\n"));
    let text = "ü".repeat(1 << 20);
    let answer = run("echo", json!({ "text": text }));
    assert_eq!(answer.returned()["text"], json!(text));
    let answer = run("size", json!({"bytes": 6 << 20}));
    assert_eq!((answer.status, answer.ret_text.len()), (200, 6 << 20));
    let answer = run("size", json!({"bytes": (6 << 20) + 1}));
    assert_eq!(answer.status, 407, "{}", answer.error_message());
    assert!(answer.log.contains("6291457 bytes"), "{}", answer.log);
}

#[test]
fn an_error_is_the_users_and_the_program_lives_on() {
    let function = program();
    let answer = function.invoke(&json!({"case": "error"}));
    assert_eq!(
        (answer.status, answer.error_message()),
        (430, "user code exception caught")
    );
    assert_eq!(answer.ret["stackTrace"], json!("it broke: ü\n  at line 7"));
    assert_eq!(function.invoke(&json!({"case": "count"})).returned(), &json!(2));
}

#[test]
fn the_first_answer_counts_and_what_the_api_does_not_know_is_refused() {
    let function = program();
    assert_eq!(function.invoke(&json!({"case": "late"})).ret_text, "the first");
    let answer = function.invoke(&json!({"case": "refused"}));
    assert_eq!(answer.returned(), &json!(200), "ready again changes nothing");
    assert!(answer.log.contains("answered 200 403 403\n"), "{}", answer.log);
    assert!(answer.log.contains("refused 404 404\n"), "{}", answer.log);
}

#[test]
fn what_a_program_writes_is_the_log_of_its_call_and_what_it_wrote_before_of_its_first() {
    let function = program();
    let answer = function.invoke(&json!({"case": "output"}));
    let lines: Vec<&str> = answer.log.lines().collect();
    assert!(lines.contains(&"starting"), "{}", answer.log);
    let written = "to stdout\nto stderr\nof a child\nthe last\n";
    assert!(answer.log.contains(written), "{}", answer.log);
    let answer = function.invoke(&json!({"case": "output"}));
    assert!(
        answer.log.contains(written) && !answer.log.contains("starting"),
        "{}",
        answer.log
    );
}

#[test]
fn a_shell_script_with_curl_is_a_runtime_and_its_pipes_end_as_pipes_do() {
    let function = shell(
        r#"
api=http://$SCF_RUNTIME_API:$SCF_RUNTIME_API_PORT/runtime
curl -s -X POST -d ' ' "$api/init/ready" >/dev/null
while true; do
    event=$(curl -s -D /tmp/headers "$api/invocation/next")
    id=$(grep -i '^request_id:' /tmp/headers | tr -d '\r' | cut -d' ' -f2)
    yes | head -n 1 >/dev/null
    printf '%s %s' "$id" "$event" | curl -s -X POST --data-binary @- "$api/invocation/response" >/dev/null
done
"#,
    );
    // An argument of a program is at most 128 KB.
    for event in [json!({"n": 1}), json!([2]), json!("x".repeat(300_000))] {
        let answer = function.invoke(&event);
        assert_eq!(answer.ret_text, format!("{} {event}", answer.request_id()));
        assert!(!answer.log.to_lowercase().contains("broken pipe"), "{}", answer.log);
    }
}

#[test]
fn the_runtime_api_is_there_without_any_network_and_only_for_programs() {
    let none = json!({"VpcId": "none"});
    let function = custom(include_str!("bootstrap.py"))
        .with("VpcConfig", none)
        .deploy(&client());
    assert_eq!(function.invoke(&json!({"case": "count"})).returned(), &json!(1));
    let code = "import socket\ndef main_handler(event, context):\n    try:\n        socket.create_connection(('127.0.0.1', \
                19001), 5)\n        return 'reached'\n    except ConnectionRefusedError:\n        return 'refused'\n";
    let python = skiff_tests::Spec::package(Package::python(code));
    assert_eq!(
        python.deploy(&client()).invoke(&json!({})).returned(),
        &json!("refused")
    );
}
