//! Instances: one event at a time, what they keep between events, what they share with nobody.

use std::collections::BTreeSet;
use std::thread;

use serde_json::{Value, json};
use skiff_tests::Settings;

use crate::common::{Held, client, holding, python};

#[test]
fn an_instance_is_used_again_and_keeps_globals_and_tmp() {
    let code = "
import os
calls = 0

def main_handler(event, context):
    global calls
    calls += 1
    with open('/tmp/calls', 'a') as file:
        file.write('x')
    return [calls, os.path.getsize('/tmp/calls')]
";
    let function = python(code);
    for n in 1..20 {
        assert_eq!(function.invoke(&json!({})).returned(), &json!([n, n]));
    }
}

#[test]
fn instances_of_one_function_share_nothing_and_no_randomness() {
    const CALLS: usize = 6;
    let expression = "[born, calls, os.urandom(8).hex(), ssl.RAND_bytes(8).hex(), random.random(), random.getrandbits(64), \
                      uuid.uuid4().hex, secrets.token_hex(8), os.listdir('/tmp'), open('/tmp/' + born, 'w').write('x')]";
    let function = holding(expression).deploy(&client());
    let returned: Vec<Value> = thread::scope(|scope| {
        let held: Vec<_> = (0..CALLS)
            .map(|_| Held::new(scope, &client(), &function.name))
            .collect();
        held.into_iter().map(|held| held.release().returned().clone()).collect()
    });
    // Each call was alone in an instance of its own.
    for what in [0, 2, 3, 4, 5, 6, 7] {
        let values: BTreeSet<String> = returned.iter().map(|values| values[what].to_string()).collect();
        assert_eq!(values.len(), CALLS, "value {what}: {values:?}");
    }
    for values in &returned {
        assert_eq!(
            (&values[1], &values[8]),
            (&json!(1), &json!([])),
            "a first call in a fresh /tmp"
        );
    }
    // Afterwards all are warm: the next call goes to one of them.
    let again = function.invoke(&json!({})).returned().clone();
    assert!(
        returned.iter().any(|values| values[0] == again[0]),
        "a warm instance is used again"
    );
    assert_eq!((&again[1], again[8].as_array().map(Vec::len)), (&json!(2), Some(1)));
}

#[test]
fn an_instance_has_one_event_at_a_time() {
    let code = "
import threading, time
lock = threading.Lock()

def main_handler(event, context):
    if not lock.acquire(blocking=False):
        raise RuntimeError('two at once')
    for _ in range(50):
        time.sleep(0.0002)
    lock.release()
    return event
";
    let function = python(code);
    thread::scope(|scope| {
        for caller in 0..8 {
            let function = &function;
            scope.spawn(move || {
                for n in 0..25 {
                    let event = json!([caller, n]);
                    assert_eq!(function.invoke(&event).returned(), &event);
                }
            });
        }
    });
}

#[test]
fn an_idle_function_scales_to_zero_and_comes_back() {
    let server = Settings::default().flag("--idle-timeout", "1").start();
    let client = server.client();
    let code = "
import subprocess
calls = 0

def main_handler(event, context):
    global calls
    calls += 1
    if 'mark' in event:
        subprocess.Popen(['/bin/sleep', event['mark']])
    return calls
";
    let function = skiff_tests::Spec::python(code).deploy(&client);
    let mark = skiff_tests::Mark::default();
    assert_eq!(function.invoke(&json!({"mark": mark.as_str()})).returned(), 1);
    mark.appeared();
    mark.vanished();
    assert_eq!(function.invoke(&json!({})).returned(), 1, "a new instance");
}
