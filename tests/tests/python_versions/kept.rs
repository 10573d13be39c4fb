//! Functions whose code is initialised once: what new instances have in common with the one that was kept, and what not.

use std::time::Duration;

use serde_json::{Value, json};
use skiff_tests::{Function, Package, eventually};

use crate::world::{Version, client, data_dir, log, python, versions};

const CODE: &str = r#"
import calendar, collections, os, random, signal, ssl, sys, tempfile, threading, time, uuid

born = uuid.uuid4().hex
uuid.uuid1()
tempfile.mktemp()
calls = 0
heard = []
large = [str(number) for number in range(200000)]
table = dict((word, word) for word in large)

def ring(number, frame):
    heard.append(number)

signal.signal(signal.SIGUSR1, ring)
signal.signal(signal.SIGUSR2, signal.SIG_IGN)
os.umask(0o027)
os.environ["SET_BY_THE_CODE"] = "x"
hooks = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: hooks.append(uuid.uuid4().hex))

def down(left):
    return 0 if left == 0 else 1 + down(left - 1)

def main_handler(event, context):
    global calls
    calls += 1
    if event.get("exit"):
        os._exit(3)
    if event.get("eat"):
        return len(bytearray(1 << 30))
    os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR2)
    hooked = list(hooks)
    found = []
    thread = threading.Thread(target=lambda: found.append(sum(len(word) for word in large)))
    thread.start()
    thread.join()
    child = os.fork()
    if child == 0:
        os._exit(7)
    with open("/tmp/own", "a") as file:
        file.write("x")
    sys.setrecursionlimit(20000)
    return {
        "born": born, "calls": calls, "heard": len(heard), "large": found[0], "same": table["199999"], "deep": down(3000),
        "child": os.WEXITSTATUS(os.waitpid(child, 0)[1]), "cwd": os.getcwd(), "own": os.path.getsize("/tmp/own"),
        "host": os.environ["HOSTNAME"] == os.uname()[1], "greeting": os.environ.get("GREETING"),
        "grown": len("".join(large * 20)),
        "umask": os.umask(0o027), "set": os.environ["SET_BY_THE_CODE"], "hooked": len(hooked),
        "id": context["request_id"],
        "draws": [uuid.uuid4().hex, uuid.uuid1().hex, random.random(), tempfile.mktemp(),
                  hooked or uuid.uuid4().hex, list(bytearray(os.urandom(8))), list(bytearray(getattr(ssl, "RAND_bytes", os.urandom)(8)))],
    }
"#;

fn variables() -> Value {
    json!({"Variables": [{"Key": "SKIFF_SNAPSHOT", "Value": "on"}, {"Key": "GREETING", "Value": "nǐ hǎo"}]})
}

fn deploy(version: Version, code: &str) -> Function {
    python(version, Package::python(code))
        .with("Environment", variables())
        .with("MemorySize", 256)
        .deploy(&client())
}

/// What two instances that go on from where the code was initialised say in their first calls, once there are such.
pub(crate) fn two_of_what_was_kept(first_call: impl Fn() -> Value) -> [Value; 2] {
    let mut last = first_call();
    eventually(Duration::from_secs(60), "instances of what was kept", || {
        let next = first_call();
        let pair = [std::mem::replace(&mut last, next.clone()), next];
        (pair[0]["born"] == pair[1]["born"]).then_some(pair)
    })
}

/// The first call of a new instance of the code above.
fn of_a_new_instance(function: &Function) -> Value {
    assert_eq!(function.invoke(&json!({"exit": true})).status, 439);
    let answer = function.invoke(&json!({}));
    let mut value = answer.returned().clone();
    assert_eq!(value["id"], json!(answer.request_id()));
    value.as_object_mut().expect("an object").remove("id");
    value
}

/// What is said of a new instance in the log of its first call.
const WENT_ON: &str = "[skiff] SKIFF_SNAPSHOT: this instance went on from one whose code was initialised before\n";
const BY_ITSELF: &str = "[skiff] SKIFF_SNAPSHOT: this instance initialised its code itself, as ";

/// The log of the first call of a new instance of the code above.
fn log_of_a_new_instance(function: &Function) -> String {
    assert_eq!(function.invoke(&json!({"exit": true})).status, 439);
    function.invoke(&json!({})).log
}

#[test]
fn new_instances_go_on_from_where_the_code_was_initialised_once_and_draw_numbers_of_their_own() {
    for version in versions() {
        let function = deploy(*version, CODE);
        let first = function.invoke(&json!({})).log;
        assert!(
            first.contains(&format!("{BY_ITSELF}none is kept yet\n")),
            "{version:?}: {first}"
        );
        let [mut one, mut other] = two_of_what_was_kept(|| of_a_new_instance(&function));
        let draws = |value: &mut Value| {
            value
                .as_object_mut()
                .expect("an object")
                .remove("draws")
                .expect("draws")
        };
        let (mine, others) = (draws(&mut one), draws(&mut other));
        for (mine, others) in mine
            .as_array()
            .expect("a list")
            .iter()
            .zip(others.as_array().expect("a list"))
        {
            assert_ne!(mine, others, "{version:?}");
        }
        assert_eq!(one, other, "{version:?}");
        let born = one["born"].clone();
        let expected = json!({
            "born": born, "calls": 1, "heard": 1, "large": 1_088_890, "same": "199999", "deep": 3000, "child": 7,
            "cwd": "/var/user", "own": 1, "host": true, "greeting": "nǐ hǎo", "grown": 21_777_800, "umask": 0o027, "set": "x",
            "hooked": u8::from((version.major, version.minor) >= (3, 7)),
        });
        assert_eq!(one, expected, "{version:?}");
        let again = function.invoke(&json!({}));
        assert_eq!(
            (&again.returned()["calls"], &again.returned()["own"]),
            (&json!(2), &json!(2)),
            "{version:?}"
        );
        assert!(!again.log.contains("SKIFF_SNAPSHOT"), "{}", again.log);
        let next = log_of_a_new_instance(&function);
        assert!(next.contains(WENT_ON), "{version:?}: {next}");
    }
}

#[test]
fn what_cannot_be_kept_starts_as_every_other_and_logs_say_why() {
    let starts_thread = "threading.Thread(target=threading.Event().wait, daemon=True).start()";
    let version = *versions().last().expect("a version");
    for (code, why) in [
        (starts_thread, "it has started threads"),
        ("opened = open('/var/user/index.py')", "it has open files"),
        (
            "child = subprocess.Popen(['/bin/sleep', '1000'])",
            "it has started processes",
        ),
        ("shared = mmap.mmap(-1, 4096)", "it shares memory"),
        (
            "spread = [mmap.mmap(-1, 10 << 30, flags=0x4022) for _ in range(8)]\nfor part in spread:\n    part[0] = 1",
            "its memory is spread over too much",
        ),
        ("listener = socket.socket()", "it has open files"),
        ("open('/tmp/made', 'w').close()", "it has written files into /tmp"),
        ("os.dup2(os.open('/dev/null', os.O_WRONLY), 1)", "it has open files"),
        (
            "memory = ctypes.pythonapi.PyMem_RawMalloc(280 << 20)\nctypes.memset(memory, 1, 280 << 20)",
            "it has more than 256 MB",
        ),
        (
            "os.register_at_fork(before=lambda: os._exit(4))",
            "it ended in what is to run before a fork",
        ),
        (
            "os.register_at_fork(before=lambda: time.sleep(1000))",
            "what is to run before a fork took more than 3 s",
        ),
        (
            "os.register_at_fork(after_in_child=lambda: os.write(2, b'gone\\n') and os._exit(4))",
            "it ended in what is to run after a fork, and wrote last: gone",
        ),
    ] {
        let code = format!(
            "import ctypes, mmap, os, socket, subprocess, threading, time, uuid\nctypes.pythonapi.PyMem_RawMalloc.restype = ctypes.c_void_p\nctypes.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]\n{code}\nborn = uuid.uuid4().hex\n\ndef main_handler(event, context):\n    \
             if event.get('exit'):\n        os._exit(3)\n    return {{'born': born, 'id': context['request_id']}}\n"
        );
        let function = python(version, Package::python(&code))
            .with("Environment", variables())
            .with("MemorySize", 512)
            .with("InitTimeout", 3)
            .deploy(&client());
        let first = function.invoke(&json!({})).returned()["born"].clone();
        let said = format!("function={} why=\"{why}", function.name);
        eventually(Duration::from_secs(60), why, || log().contains(&said).then_some(()));
        let born = [(); 2].map(|()| of_a_new_instance(&function)["born"].clone());
        assert!(born[0] != born[1] && born[0] != first, "{why}");
        let told = log_of_a_new_instance(&function);
        let expected = format!("{BY_ITSELF}none can be kept: {why}");
        assert!(told.contains(&expected), "{expected}: {told}");
    }
}

/// An instance that goes on from where the code was initialised, as another did before it.
fn of_what_was_kept(function: &Function) -> Value {
    function.invoke(&json!({}));
    let [one, _] = two_of_what_was_kept(|| of_a_new_instance(function));
    one
}

#[test]
fn a_new_version_is_initialised_anew_and_what_is_kept_goes_with_its_function() {
    let version = *versions().last().expect("a version");
    let function = deploy(version, &CODE.replace("calls = 0", "calls = 40"));
    let name = function.name.clone();
    let files = || kept_files(&name);
    let old = of_what_was_kept(&function);
    assert_eq!(old["calls"], json!(41));
    function.replace_code(Package::python(CODE));
    let new = of_what_was_kept(&function);
    assert!(new["calls"] == json!(1) && new["born"] != old["born"], "{new}");
    assert_eq!(files(), 1, "what was kept of the old code is gone");
    drop(function);
    eventually(Duration::from_secs(30), "what was kept to go", || {
        (files() == 0).then_some(())
    });
}

/// How many files keep an instance of this function: the name is among its variables.
fn kept_files(name: &str) -> usize {
    let folders = std::fs::read_dir(data_dir().join("run/snapshots")).expect("a folder");
    let content = |folder: std::fs::DirEntry| std::fs::read(folder.path().join("memory")).unwrap_or_default();
    let has_name = |content: &Vec<u8>| content.windows(name.len()).any(|window| window == name.as_bytes());
    folders.flatten().map(content).filter(has_name).count()
}

#[test]
fn an_instance_that_takes_too_much_memory_ends_alone() {
    let function = deploy(*versions().last().expect("a version"), CODE);
    let before = of_what_was_kept(&function);
    assert_eq!(function.invoke(&json!({"eat": true})).status, 434);
    let after = function.invoke(&json!({}));
    assert_eq!(after.returned()["born"], before["born"]);
}
