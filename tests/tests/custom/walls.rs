//! Programs that attack: their walls, the runtime API that is served to them, and, in PHP, the runtime in their own process.

use serde_json::{Value, json};
use skiff_tests::{Function, assert_walled_in};

use crate::php;
use crate::world::{client, custom, program, run};

#[test]
fn a_program_of_the_packages_own_stands_behind_the_same_walls() {
    let code = r"
import os, subprocess
def attempt(what):
    try:
        return str(what())
    except OSError as error:
        return error.strerror
result = {
    'status': open('/proc/self/status').read(),
    'init': attempt(lambda: open('/proc/1/environ').read()),
    'program': attempt(lambda: os.readlink('/proc/1/exe')),
    'root': attempt(lambda: os.setuid(0)),
    'processes': sum(name.isdigit() for name in os.listdir('/proc')),
    'writes': [attempt(lambda path=path: open(path, 'w')) for path in ['/x', '/etc/x', '/var/user/x', '/var/runtime/x']],
    'commands': [subprocess.run(line, shell=True, capture_output=True).returncode for line in ['unshare -U true', 'mount -t tmpfs x /tmp']],
}";
    let answer = run("run", json!({ "code": code }));
    let found = answer.returned();
    let status = found["status"].as_str().expect("text");
    assert_walled_in(status, &"a program");
    for denied in ["init", "program"] {
        assert_eq!(found[denied], json!("Permission denied"), "{denied}");
    }
    assert_eq!(found["root"], json!("Operation not permitted"));
    assert!(found["processes"].as_u64() <= Some(3), "{found}");
    for write in found["writes"].as_array().expect("a list") {
        assert!(
            ["Read-only file system", "Permission denied"].contains(&write.as_str().expect("text")),
            "{found}"
        );
    }
    assert!(
        found["commands"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|code| *code != json!(0)),
        "{found}"
    );
}

#[test]
fn what_a_program_does_to_its_runtime_api_hurts_itself_alone() {
    let open = "import socket\ndef connect():\n    return socket.create_connection(API, 5)\n";
    let attacks = [
        "kept = [socket.socket() for _ in range(200)]\n[s.setblocking(False) or s.connect_ex(API) for s in kept]",
        "kept = [connect() for _ in range(30)]\n[s.sendall(b'GET /runtime/invocation/next HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' * 50) for s in kept]",
        "kept = connect()\nkept.sendall(b'POST /runtime/invocation/response HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 99999999999\\r\\n\\r\\nx')",
        "kept = connect()\nkept.sendall(b'this is no HTTP\\r\\n\\r\\n' * 1000)",
        "kept = connect()\nkept.sendall(b'GET /' + b'x' * 60000)",
        "kept = connect()\nfor _ in range(100):\n    kept.sendall(b'POST /runtime/init/ready HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\n\\r\\n')",
    ];
    for attack in attacks {
        let function = custom(include_str!("bootstrap.py"))
            .with("Timeout", 3)
            .deploy(&client());
        let answer = function.invoke(&json!({"case": "run", "code": format!("{open}{attack}")}));
        assert!([200, 433, 439].contains(&answer.status), "{attack}: {answer:?}");
        // Whatever became of that instance, the function is served, and so is every other.
        let well = (0..3).any(|_| function.invoke(&json!({"case": "count"})).status == 200);
        assert!(well, "{attack}: the function does not recover");
        assert_eq!(
            run("echo", json!({"value": 1})).returned()["value"],
            json!(1),
            "{attack}"
        );
    }
    // An answer forged before it was asked for is the answer of nothing.
    let function = program();
    let forged = "for _ in range(3):\n    respond('forged')";
    assert_eq!(
        function.invoke(&json!({"case": "run", "code": forged})).ret_text,
        "forged"
    );
    assert_eq!(function.invoke(&json!({"case": "count"})).returned(), &json!(2));
}

#[test]
fn what_a_php_function_does_to_its_own_runtime_hurts_itself_alone() {
    let attacks = [
        "fwrite(fopen('php://fd/4', 'w'), 'no frame at all, no frame at all');",
        "fwrite(fopen('php://fd/4', 'w'), str_repeat(chr(255), 12));",
        "fread(fopen('php://fd/3', 'r'), 1);",
        "register_shutdown_function(function () { while (true); }); exit;",
        "set_exception_handler(function () { exit; }); throw new Exception();",
        "ob_start(function () { throw new Exception('in a buffer'); });",
        "ob_start(); ob_start(); ob_start();",
        "fclose(STDOUT); fclose(STDERR);",
        "new ReflectionClass('Skiff\\\\Runtime'); Skiff\\Runtime::loaded();",
        "Skiff\\Runtime::serve();",
        "chdir('/'); putenv('PATH'); $_SERVER = []; $GLOBALS['argv'] = null;",
        "set_error_handler(function () { throw new Exception('of a notice'); }); echo $missing;",
    ];
    for version in php::VERSIONS {
        for attack in attacks {
            let code = format!(
                "<?php function main_handler($event) {{ if ($event->attack ?? false) {{ {attack} }} return 'mine'; }}"
            );
            let function: Function = php::spec(version, &code).with("Timeout", 2).deploy(&php::client());
            for event in [json!({"attack": true}), json!({}), json!({})] {
                let answer = function.invoke(&event);
                let own = answer.status == 200 && [json!("mine"), Value::Null].contains(&answer.ret);
                assert!(
                    own || [430, 433, 439].contains(&answer.status),
                    "{version} {attack}: {answer:?}"
                );
            }
            let well = (0..3).any(|_| function.invoke(&json!({})).ret == json!("mine"));
            assert!(well, "{version} {attack}: the function does not recover");
        }
    }
}
