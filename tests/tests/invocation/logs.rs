//! What a function writes, as its caller and its owner read it.

use serde_json::{Value, json};
use skiff_tests::{Answer, eventually};

use crate::common::{SOON, client, python};

/// The lines of a log with the request id and the numbers of the report replaced.
fn shape(answer: &Answer) -> Vec<String> {
    let text = answer.log.replace(answer.request_id(), "ID");
    let digits = |text: &str| -> String {
        let mut shaped = String::new();
        for c in text.chars() {
            let c = if c.is_ascii_digit() { '9' } else { c };
            if c != '9' || !shaped.ends_with('9') {
                shaped.push(c);
            }
        }
        shaped
    };
    text.lines()
        .map(|line| {
            if line.starts_with("Report ") {
                digits(line)
            } else {
                line.to_owned()
            }
        })
        .collect()
}

const REPORT: &str = "Report RequestId: ID Duration:9ms Memory:9MB MemUsage:9.9MB";

#[test]
fn a_log_is_start_event_output_end_and_report() {
    let function = python("print('loading')\ndef main_handler(event, context):\n    print('handling', event)\n");
    let cold = function.invoke(&json!(1));
    let expected = [
        "START RequestId: ID",
        "loading",
        "Event RequestId: ID",
        "handling 1",
        "END RequestId: ID",
        REPORT,
    ];
    assert_eq!(shape(&cold), expected);
    let warm = function.invoke(&json!(2));
    assert_eq!(
        shape(&warm),
        [
            "START RequestId: ID",
            "Event RequestId: ID",
            "handling 2",
            "END RequestId: ID",
            REPORT
        ]
    );
    let report = cold.log.lines().last().expect("a report");
    let billed = cold.result["BillDuration"].as_u64().expect("milliseconds");
    let megabytes = cold.result["MemUsage"].as_f64().expect("bytes") / 1_048_576.0;
    let expected = format!("Duration:{billed}ms Memory:128MB MemUsage:{megabytes:.6}MB");
    assert!(report.ends_with(&expected), "{report} {expected}");
}

#[test]
fn a_failure_is_in_the_log_before_its_end() {
    let function = python("def main_handler(event, context):\n    print('trying')\n    raise ValueError('no')\n");
    let answer = function.invoke(&json!({}));
    let lines = shape(&answer);
    assert_eq!(lines[..3], ["START RequestId: ID", "Event RequestId: ID", "trying"]);
    assert!(
        lines[3].starts_with("ERROR RequestId:ID Result:{\"errorCode\":-1,"),
        "{}",
        lines[3]
    );
    assert_eq!(lines[4..], ["END RequestId: ID", REPORT]);
}

#[test]
fn stdout_and_stderr_keep_their_order_whoever_writes() {
    let code = "
import logging, os, subprocess, sys, threading
logging.basicConfig(level=logging.INFO, format='%(levelname)s %(message)s')

def main_handler(event, context):
    for n in range(3):
        print('out', n)
        print('err', n, file=sys.stderr)
    logging.info('logged')
    logging.getLogger('other').warning('too')
    thread = threading.Thread(target=print, args=('thread',))
    thread.start()
    thread.join()
    subprocess.run(['/bin/sh', '-c', 'echo child; echo child error >&2'])
    os.write(1, b'raw\\n')
    sys.stdout.write('no line feed')
";
    let answer = python(code).invoke(&json!({}));
    let lines = shape(&answer);
    let expected = [
        "out 0",
        "err 0",
        "out 1",
        "err 1",
        "out 2",
        "err 2",
        "INFO logged",
        "WARNING too",
        "thread",
        "child",
        "child error",
        "raw",
        "no line feed",
        "END RequestId: ID",
    ];
    assert_eq!(lines[2..lines.len() - 1], expected);
}

#[test]
fn text_in_any_language_is_logged_as_it_is() {
    let function = python("def main_handler(event, context):\n    print(event)\n    return event\n");
    for text in ["你好，世界", "Привет", "👋🏽 e\u{301}", "\u{202e}reversed", "tab\there"] {
        let answer = function.invoke(&json!(text));
        assert_eq!(answer.returned(), text);
        assert_eq!(shape(&answer)[answer.log.lines().count() - 3], text);
    }
    // What UTF-8 cannot say does not stop a handler from printing it.
    let answer = python("def main_handler(event, context):\n    print('half \\ud83d')\n").invoke(&json!({}));
    assert!(answer.log.contains("half \\ud83d"), "{}", answer.log);
}

#[test]
fn a_tail_is_the_last_4_kb_in_whole_characters_and_the_stored_log_is_all_of_it() {
    let function = python("def main_handler(event, context):\n    for n in range(1000): print('строка', n)\n");
    let answer = function.invoke(&json!({}));
    assert!((4090..=4096).contains(&answer.log.len()), "{}", answer.log.len());
    assert!(answer.log.contains("строка 999\nEND RequestId: "), "{}", answer.log);
    assert!(!answer.log.contains('\u{fffd}'), "cut inside a character");
    let stored = stored(&function.name, answer.request_id());
    let log = stored["Log"].as_str().expect("text");
    assert!(
        log.starts_with("START RequestId: ") && log.ends_with(&answer.log),
        "the tail is the end of the log"
    );
    assert!(
        (0..1000).all(|n| log.contains(&format!("\nстрока {n}\n"))),
        "every line is kept"
    );
}

#[test]
fn of_too_much_output_the_beginning_and_the_end_are_kept_and_the_tail_is_the_end() {
    let function = python("def main_handler(event, context):\n    for n in range(12000): print('line', n)\n");
    let answer = function.invoke(&json!({}));
    assert!(
        answer.log.contains("line 11998\nline 11999\nEND RequestId: "),
        "{}",
        answer.log
    );
    let stored = stored(&function.name, answer.request_id());
    let lines: Vec<&str> = stored["Log"].as_str().expect("text").lines().collect();
    // START, Event; 2,500 lines, one about those between, 2,500 lines; END, Report.
    assert_eq!(lines.len(), 2 + 2500 + 1 + 2500 + 2);
    assert_eq!((lines[2], lines[2501]), ("line 0", "line 2499"));
    assert_eq!((lines[2503], lines[5002]), ("line 9500", "line 11999"));
    let missing: usize = (2500..9500).map(|n| format!("line {n}\n").len()).sum();
    let said = format!("[skiff] {missing} bytes of output in 7000 lines were not kept here");
    assert!(lines[2502].starts_with(&said), "{}", lines[2502]);
}

/// The record of one call, once it is stored.
fn stored(name: &str, request_id: &str) -> Value {
    eventually(SOON, "the record to be stored", || {
        let query = json!({"FunctionName": name, "FunctionRequestId": request_id});
        let found = client().call("GetFunctionLogs", query).expect("GetFunctionLogs");
        found["Data"].get(0).cloned()
    })
}

#[test]
fn records_say_what_the_result_said() {
    let function = python("def main_handler(event, context):\n    return event['a']\n");
    for (event, ret_code, finished) in [(json!({"a": "b"}), 0, 1), (json!({}), 430, 1)] {
        let answer = function.invoke(&event);
        let record = stored(&function.name, answer.request_id());
        assert_eq!(record["RequestId"], answer.request_id());
        assert_eq!(record["FunctionName"], function.name.as_str());
        assert_eq!(
            (&record["RetCode"], &record["InvokeFinished"]),
            (&json!(ret_code), &json!(finished))
        );
        assert_eq!(record["RetMsg"], answer.ret_text.as_str());
        assert_eq!(record["BillDuration"], answer.result["BillDuration"]);
        assert_eq!(record["MemUsage"], answer.result["MemUsage"]);
        assert_eq!(record["Log"], answer.log.as_str());
    }
}

#[test]
fn records_are_found_by_how_they_ended_in_the_order_asked_for() {
    let code = "def main_handler(event, context):\n    if event == 'raise': raise ValueError\n    while event == 'loop': pass\n    return event\n";
    let function = skiff_tests::Spec::python(code).with("Timeout", 1).deploy(&client());
    let ids: Vec<String> = ["a", "raise", "b", "loop"]
        .into_iter()
        .map(|event| function.invoke(&json!(event)).request_id().to_owned())
        .collect();
    ids.iter().for_each(|id| drop(stored(&function.name, id)));
    let find = |more: Value| -> Vec<usize> {
        let mut query = json!({"FunctionName": function.name, "OrderBy": "start_time", "Order": "asc"});
        query
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        let found = client().call("GetFunctionLogs", query).expect("GetFunctionLogs");
        let records = found["Data"].as_array().expect("records");
        let place = |record: &Value| {
            ids.iter()
                .position(|id| record["RequestId"] == id.as_str())
                .expect("own record")
        };
        records.iter().map(place).collect()
    };
    let filter = |code: &str| json!({"Filter": {"RetCode": code}});
    assert_eq!(find(json!({})), [0, 1, 2, 3]);
    assert_eq!(find(json!({"Order": "desc"})), [3, 2, 1, 0]);
    assert_eq!(find(json!({"Offset": 1, "Limit": 2})), [1, 2]);
    assert_eq!(find(filter("is0")), [0, 2]);
    assert_eq!(find(filter("not0")), [1, 3]);
    assert_eq!(find(filter("UserCodeException")), [1]);
    assert_eq!(find(filter("TimeLimitExceeded")), [3]);
}
