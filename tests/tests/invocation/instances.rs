//! Instances: one event at a time, what they keep between events, what they share with nobody.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use skiff_tests::{Settings, eventually, own_pages, runtime_of};

use crate::common::{Held, SERVER, client, holding, python};

const SOON: Duration = Duration::from_secs(30);

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
fn an_event_that_an_instance_had_not_read_when_it_died_is_given_to_another_one() {
    // In the pipe whole, and more than it holds.
    for bytes in [1, 1 << 20] {
        let text = format!("{bytes} bytes that nobody reads");
        let function = holding(&format!("[calls, len(event['filled'])]  # {text}")).deploy(&client());
        let event = json!({"filled": "x".repeat(bytes)});
        let first_call = json!([1, bytes]);
        assert_eq!(function.invoke(&event).returned(), &first_call);
        let runtime = i32::try_from(runtime_of(SERVER.pid(), "index.py", &text)).expect("a process id");
        let runtime = Pid::from_raw(runtime).expect("a process id");
        kill_process(runtime, Signal::STOP).expect("stopped");
        let answer = thread::scope(|scope| {
            let call = scope.spawn(|| function.invoke(&event));
            client().until_one_runs(&function.name);
            kill_process(runtime, Signal::KILL).expect("killed");
            call.join().expect("the call's thread")
        });
        assert_eq!(answer.returned(), &first_call);
        let told = "[skiff] an instance ended before it had read the event, which was given to another one: killed by signal 9";
        assert!(answer.log.contains(told), "{}", answer.log);
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

/// What an instance has read is written to all the same, because references are counted: its pages are its own then, and
/// mostly say what they said before.
#[test]
fn an_idle_instance_shares_again_what_is_as_it_was_and_keeps_what_is_not() {
    let code = |mark: &str| {
        format!(
            "
# {mark}
import threading
kept = []

def main_handler(event, context):
    if event['thread'] and not kept:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    kept.append([str(number) for number in range(1000)])
    return [len(kept), len({{word for words in kept for word in words}})]
"
        )
    };
    let marks = ["alone-in-its-process", "beside-a-thread"];
    let functions = marks.map(|mark| python(&code(mark)));
    let call = |which: usize| {
        functions[which]
            .invoke(&json!({"thread": which == 1}))
            .returned()
            .clone()
    };
    for round in 1..4 {
        for which in [0, 1] {
            assert_eq!(call(which), json!([round, 1000]));
        }
        // Whether another thread writes meanwhile nobody knows, so beside one nothing is given back.
        let own = || marks.map(|mark| own_pages(runtime_of(SERVER.pid(), "index.py", mark)));
        eventually(SOON, "a tenth less of its own", || {
            let [alone, beside] = own();
            (alone + beside / 10 < beside).then_some(())
        });
    }
}

/// Objects of the zygote stay whatever is counted: what an instance has counted up is forgotten while it is idle, and what
/// it counts down afterwards is more than there ever was.
#[test]
fn what_an_instance_counts_down_after_it_was_idle_is_still_there() {
    let code = "
# counts-up-and-down
import collections, gc, json, os, re, sys
kept = []

def things():
    found = [thing for module in list(sys.modules.values()) for thing in vars(module).values()]
    return found + [word for text in (json.JSONEncoder, collections.OrderedDict, re.compile) for word in dir(text)]

def own_pages():
    [line] = [line for line in open('/proc/self/smaps_rollup') if line.startswith('Private_Dirty:')]
    return int(line.split()[1]) // 4

def main_handler(event, context):
    if kept:
        kept.clear()
        gc.collect()
    else:
        kept.extend(things() * 40)
    compiled = compile('1 + len(name)', 'x', 'eval')
    works = json.loads(json.dumps({'a': [1, None, os.sep]})), eval(compiled, {'name': 'four'}), len(things()) > 1000
    return [own_pages(), works]
";
    let function = python(code);
    for _up_or_down in 0..6 {
        let answer = function.invoke(&json!({})).returned().clone();
        assert_eq!(answer[1], json!([{"a": [1, null, "/"]}, 5, true]));
        let while_it_ran = answer[0]
            .as_u64()
            .and_then(|pages| usize::try_from(pages).ok())
            .expect("pages");
        let runtime = runtime_of(SERVER.pid(), "index.py", "counts-up-and-down");
        eventually(SOON, "a tenth less of its own", || {
            (own_pages(runtime) < while_it_ran - while_it_ran / 10).then_some(())
        });
    }
}
