//! Fifty calls at once of a function that has no instance, on a server as it is by default.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use skiff_tests::{Mark, Server, Spec, eventually};

const CALLS: usize = 50;
/// Longer than fifty starts take on any machine that these tests run on.
const ALL_RUN: Duration = Duration::from_secs(60);

/// Each of them runs until all do: so each has an instance of its own, and none waited for another's end.
#[test]
fn a_burst_of_fifty_calls_of_a_function_without_an_instance_is_served_whole() {
    let server = Server::start();
    let code = "
import subprocess, uuid
born = uuid.uuid4().hex

def main_handler(event, context):
    subprocess.run(['/bin/sleep', event['mark']])
    return born
";
    let function = Spec::python(code).with("Timeout", 120).deploy(&server.client());
    let mark = Mark::default();
    let event = json!({"mark": mark.as_str()});
    let began = Instant::now();
    let born: BTreeSet<String> = thread::scope(|scope| {
        let calls: Vec<_> = (0..CALLS).map(|_| scope.spawn(|| function.invoke(&event))).collect();
        eventually(ALL_RUN, "all calls to run at once", || {
            (mark.bearers().len() == CALLS).then_some(())
        });
        println!(
            "all {CALLS} ran {} ms after they were sent",
            began.elapsed().as_millis()
        );
        mark.release();
        let answers = calls.into_iter().map(|call| call.join().expect("a call's thread"));
        answers.map(|answer| answer.returned().to_string()).collect()
    });
    assert_eq!(born.len(), CALLS);
}
