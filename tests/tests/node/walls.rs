//! Functions that attack: the walls of a runtime that is executed, and the runtime itself, which is in the same process.

use serde_json::{Value, json};
use skiff_tests::{Package, assert_walled_in};

use crate::world::{VERSIONS, client, deploy, node, run};

/// Names of what cannot be done, and what came of trying.
const ATTEMPTS: &str = r"
const fs = require('fs'), childProcess = require('child_process');
const attempt = (what) => { try { return String(what()); } catch (error) { return error.code || error.message; } };
const shell = (line) => attempt(() => childProcess.execSync(line, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }));
exports.main_handler = (event, context, callback) => callback(null, {
    status: fs.readFileSync('/proc/self/status', 'utf8'),
    own: fs.readFileSync('/proc/self/environ', 'utf8').split('\0').filter((entry) => entry),
    environment: Object.keys(process.env).map((name) => name + '=' + process.env[name]),
    descriptors: fs.readdirSync('/proc/self/fd').map((name) => attempt(() => fs.readlinkSync('/proc/self/fd/' + name))),
    root: fs.readdirSync('/'),
    processes: fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length,
    init: attempt(() => fs.readFileSync('/proc/1/environ')),
    // The kernel takes it and does nothing: it would be the end of everything inside.
    kill: attempt(() => process.kill(1, 'SIGKILL')),
    root_id: attempt(() => process.setuid(0)),
    writes: ['/x', '/etc/x', '/var/user/x', '/var/runtime/node/bootstrap.js', '/var/lang/x', '/proc/sys/kernel/hostname']
        .map((path) => attempt(() => fs.writeFileSync(path, 'x'))),
    namespace: shell('unshare -U true'),
    mount: shell('mount -t tmpfs x /tmp')
});";

#[test]
fn an_executed_runtime_stands_behind_the_same_walls_as_a_forked_one() {
    for version in VERSIONS {
        let function = deploy(version, ATTEMPTS);
        let answer = function.invoke(&json!({}));
        let found = answer.returned();
        let status = found["status"].as_str().expect("text");
        assert_walled_in(status, &version);
        // What the process was started with is what every function has.
        let environment = found["environment"].as_array().expect("a list");
        let own = found["own"].as_array().expect("a list");
        assert!(
            own.iter().all(|entry| environment.contains(entry)),
            "{version:?} {own:?}"
        );
        for descriptor in found["descriptors"].as_array().expect("a list") {
            let descriptor = descriptor.as_str().expect("text");
            let harmless = ["pipe:", "anon_inode:", "/dev/null", "/proc/", "ENOENT"];
            assert!(
                harmless.iter().any(|kind| descriptor.starts_with(kind)),
                "{version:?} {descriptor}"
            );
        }
        assert!(found["processes"].as_u64() <= Some(3), "{version:?} {found}");
        assert!(
            ["EACCES", "EPERM"].contains(&found["init"].as_str().expect("text")),
            "{version:?} {found}"
        );
        assert_eq!(found["root_id"], json!("EPERM"), "{version:?}");
        for write in found["writes"].as_array().expect("a list") {
            assert!(
                ["EROFS", "EACCES", "ENOENT", "EPERM"].contains(&write.as_str().expect("text")),
                "{version:?} {found}"
            );
        }
        for refused in ["namespace", "mount"] {
            assert!(
                !found[refused].as_str().expect("text").is_empty(),
                "{version:?} {refused}"
            );
        }
        assert_eq!(function.invoke(&json!({})).status, 200, "{version:?}");
    }
}

#[test]
fn what_a_function_does_to_its_own_runtime_hurts_itself_alone() {
    let attacks = [
        "JSON.parse = JSON.stringify = () => 'broken'",
        "fs.readSync = fs.writeSync = fs.read = fs.statSync = () => { throw new Error('broken'); }",
        "Buffer.prototype.readUInt32LE = Buffer.prototype.writeUInt32LE = () => 7",
        "Buffer.byteLength = () => 1",
        "Buffer.concat = () => null",
        "Object.prototype.failed = Object.prototype.outcome = Object.prototype.promised = true",
        "Array.prototype.forEach = Array.prototype.some = Array.prototype.filter = null",
        "Promise.prototype.then = Promise.resolve = () => 1",
        "setImmediate = setTimeout = clearTimeout = process.exit = () => undefined",
        "process.nextTick = () => undefined",
        "process.removeAllListeners('beforeExit'), process.removeAllListeners('uncaughtException')",
        "process.on('beforeExit', () => { throw new Error('again and again'); })",
        "setInterval(() => { throw new Error('again and again'); }, 1)",
        "fs.closeSync(3)",
        "fs.closeSync(4)",
        "fs.closeSync(1), fs.closeSync(2)",
        "fs.writeSync(4, 'no frame at all, no frame at all')",
        "fs.writeSync(4, Buffer.alloc(12, 255))",
        "new (require('net').Socket)({ fd: 3 }).on('error', () => undefined).resume()",
    ];
    // The oldest, the newest and one between: each has its own ways inside.
    for version in [VERSIONS[0], VERSIONS[3], VERSIONS[8]] {
        for attack in attacks {
            let code = format!(
                "const fs = require('fs');
                exports.main_handler = (event, context, callback) => {{ if (event.attack) {{ {attack}; }} callback(null, 'mine'); }};"
            );
            let package = Package::default().file("index.js", code.as_bytes());
            let function = node(version, package).with("Timeout", 2).deploy(&client());
            for event in [json!({"attack": true}), json!({}), json!({})] {
                let answer = function.invoke(&event);
                let own = answer.status == 200 && [json!("mine"), Value::Null].contains(&answer.ret);
                assert!(
                    own || [430, 433, 439].contains(&answer.status),
                    "{version:?} {attack}: {answer:?}"
                );
            }
            let well = function_is_well(&function);
            assert!(well, "{version:?} {attack}: the function does not recover");
        }
        assert_eq!(
            run(version, "echo", json!({"value": 1})).returned(),
            &json!(1),
            "{version:?}"
        );
    }
}

/// A new instance takes the place of one that broke itself: at the latest when that one is replaced.
fn function_is_well(function: &skiff_tests::Function) -> bool {
    function.configure(json!({"Timeout": 20}));
    function.invoke(&json!({})).ret == json!("mine")
}
