//! Every way a run can end: its status, its message, whose fault it is, and whether the instance lives on.

use serde_json::{Value, json};
use skiff_tests::{Package, Spec};

use crate::common::{client, python};

/// How a failed run is reported.
struct Expected {
    status: u16,
    message: &'static str,
    /// 1: the user's code; -1: a limit or the platform.
    invoke_result: i64,
    has_trace: bool,
}

fn expect(status: u16, message: &'static str, invoke_result: i64, has_trace: bool) -> Expected {
    Expected {
        status,
        message,
        invoke_result,
        has_trace,
    }
}

#[test]
fn every_failure_has_its_documented_status_and_message() {
    const HANDLER: &str = "def main_handler(event, context):\n    ";
    let handler = |body: &str| Spec::python(&format!("{HANDLER}{body}"));
    let module = |code: &str| Spec::python(&format!("{code}\n{HANDLER}return 1"));
    let exited = "User process exit when running";
    let cases = [
        (
            handler("raise Exception('err msg')"),
            expect(430, "user code exception caught", 1, true),
        ),
        (
            handler("return {1, 2}"),
            expect(430, "user code exception caught", 1, true),
        ),
        (
            handler("while True: pass").with("Timeout", 1),
            expect(433, "Invoking task timed out after 1 seconds", -1, false),
        ),
        (
            handler("return 'x' * (128 << 20)"),
            expect(434, "Memory limit of 128 MB reached", -1, false),
        ),
        (
            handler("return [b'x' * (64 << 20)]").with("MemorySize", 64),
            expect(434, "Memory limit of 64 MB reached", -1, false),
        ),
        (
            Spec::python("def another(event, context): return 1"),
            expect(
                437,
                "index.py has no function main_handler (Handler is index.main_handler)",
                1,
                true,
            ),
        ),
        (
            Spec::python("main_handler = 'text'"),
            expect(
                437,
                "index.py has something that is no function: main_handler (Handler is index.main_handler)",
                1,
                true,
            ),
        ),
        (handler("import os; os._exit(1)"), expect(439, exited, -1, false)),
        (handler("exit()"), expect(439, exited, -1, false)),
        (
            module("import sys; sys.exit(2)"),
            expect(439, "User process exit when initialising", -1, false),
        ),
        (
            module("this is no Python"),
            expect(443, "SyntaxError: invalid syntax", 1, true),
        ),
        (
            module("import nowhere"),
            expect(443, "ModuleNotFoundError: No module named 'nowhere'", 1, true),
        ),
        (
            module("1 / 0"),
            expect(443, "ZeroDivisionError: division by zero", 1, true),
        ),
        (
            module("while True: pass").with("InitTimeout", 1),
            expect(450, "Initialising function timed out after 1 seconds", -1, false),
        ),
        (
            handler("return 'x' * (6 << 20)"),
            expect(407, "size of response exceeds the upper limit (6MB)", -1, false),
        ),
    ];
    for (spec, expected) in cases {
        let answer = spec.deploy(&client()).invoke(&json!({}));
        let Expected {
            status,
            message,
            invoke_result,
            has_trace,
        } = expected;
        assert_eq!(
            (answer.status, answer.error_message()),
            (status, message),
            "log: {}",
            answer.log
        );
        let error = answer.ret.as_object().expect("an object");
        let keys: Vec<&str> = error.keys().map(String::as_str).collect();
        let trace = has_trace.then_some("stackTrace");
        let documented: Vec<&str> = ["errorCode", "errorMessage", "requestId"]
            .into_iter()
            .chain(trace)
            .chain(["statusCode"])
            .collect();
        assert_eq!(keys, documented, "{message}");
        assert_eq!(error["errorCode"], -1);
        assert_eq!(error["requestId"], answer.request_id());
        assert_eq!(answer.result["InvokeResult"], invoke_result, "{message}");
        assert!(
            answer.result["ErrMsg"].as_str().is_some_and(|text| !text.is_empty()),
            "{message}"
        );
        let logged = format!("\nERROR RequestId:{} Result:{}\n", answer.request_id(), answer.ret_text);
        assert!(answer.log.contains(&logged), "{}", answer.log);
    }
}

#[test]
fn a_traceback_has_the_users_frames_and_no_other() {
    let code = "\
def main_handler(event, context):
    step(event)


def step(event):
    raise ValueError('no ' + event)
";
    let answer = python(code).invoke(&json!("luck"));
    let expected = "\
Traceback (most recent call last):
  File \"/var/user/index.py\", line 2, in main_handler
    step(event)
  File \"/var/user/index.py\", line 6, in step
    raise ValueError('no ' + event)
ValueError: no luck";
    assert_eq!(answer.ret["stackTrace"], expected);
    assert_eq!(answer.result["ErrMsg"], "ValueError: no luck");
}

#[test]
fn tracebacks_of_causes_of_modules_and_of_syntax_are_the_users_too() {
    let code = "\
def main_handler(event, context):
    try:
        {}['key']
    except KeyError as error:
        raise RuntimeError('wrapped') from error
";
    let trace = python(code).invoke(&json!({})).ret["stackTrace"].clone();
    let text = trace.as_str().expect("text");
    let whole = [
        "Traceback (most recent call last):\n  File \"/var/user/index.py\", line 3, in main_handler\n    {}['key']\n",
        "KeyError: 'key'\n\nThe above exception was the direct cause of the following exception:\n\n",
        "  File \"/var/user/index.py\", line 5, in main_handler\n    raise RuntimeError('wrapped') from error\nRuntimeError: wrapped",
    ];
    assert!(whole.iter().all(|part| text.contains(part)), "{text}");
    assert!(!text.contains("/var/runtime"), "{text}");

    let package = Package::python("import helpers.broken\ndef main_handler(event, context):\n    return 1\n")
        .file("helpers/broken.py", b"raise OSError('gone')\n");
    let answer = Spec::package(package).deploy(&client()).invoke(&json!({}));
    let expected = "\
Traceback (most recent call last):
  File \"/var/user/index.py\", line 1, in <module>
    import helpers.broken
  File \"/var/user/helpers/broken.py\", line 1, in <module>
    raise OSError('gone')
OSError: gone";
    assert_eq!((answer.status, &answer.ret["stackTrace"]), (443, &json!(expected)));

    let answer = python("def main_handler(event, context)\n    return 1\n").invoke(&json!({}));
    let text = answer.ret["stackTrace"].as_str().expect("text");
    assert!(
        text.contains("  File \"/var/user/index.py\", line 1\n    def main_handler(event, context)\n"),
        "{text}"
    );
    assert!(text.ends_with("SyntaxError: expected ':'"), "{text}");
}

#[test]
fn a_missing_module_of_the_users_is_an_import_error_and_not_a_missing_handler() {
    let answer = python("import index.nothing\ndef main_handler(event, context): return 1").invoke(&json!({}));
    assert_eq!(answer.status, 443, "{}", answer.ret_text);
}

#[test]
fn what_ends_an_instance_is_forgotten_with_it_and_what_does_not_is_kept() {
    let code = "
import os
calls = 0

def spin():
    while True:
        pass

def main_handler(event, context):
    global calls
    calls += 1
    return eval(event)
";
    let function = Spec::python(code).with("Timeout", 1).deploy(&client());
    let mut calls = 0;
    for (event, status, survives) in [
        ("1 / 0", 430, true),
        ("{1, 2}", 430, true),
        ("'x' * (7 << 20)", 407, true),
        ("spin()", 433, false),
        ("len(b'x' * (200 << 20))", 434, false),
        ("os._exit(0)", 439, false),
    ] {
        assert_eq!(function.invoke(&json!("calls")).returned(), calls + 1);
        assert_eq!(function.invoke(&json!(event)).status, status, "{event}");
        calls = if survives { calls + 2 } else { 0 };
        assert_eq!(function.invoke(&json!("calls")).returned(), calls + 1, "after {event}");
        calls += 1;
    }
}

#[test]
fn a_timeout_is_billed_as_its_limit_and_keeps_what_was_written() {
    let code = "def main_handler(event, context):\n    print('so far')\n    while True: pass\n";
    let answer = Spec::python(code)
        .with("Timeout", 1)
        .deploy(&client())
        .invoke(&json!({}));
    assert_eq!(answer.status, 433);
    assert_eq!(
        (&answer.result["Duration"], &answer.result["BillDuration"]),
        (&json!(1000.0), &json!(1000))
    );
    assert!(answer.log.contains("\nso far\n"), "{}", answer.log);
    assert!(answer.log.contains(" Duration:1000ms "), "{}", answer.log);
}

#[test]
fn events_that_are_none_are_refused_by_the_api() {
    let function = python("def main_handler(event, context): return event");
    let invoke = |event: &str| {
        let answer = client().call("Invoke", json!({"FunctionName": function.name, "ClientContext": event}));
        answer
            .map(|answer| answer["Result"]["RetMsg"].clone())
            .map_err(|error| error.code)
    };
    for event in ["{", "nonsense", "{'a': 1}", "NaN", "[1,]", "{} {}"] {
        assert_eq!(invoke(event), Err("InvalidParameterValue.Param".to_owned()), "{event}");
    }
    let most = 6 * 1024 * 1024;
    let event = format!("\"{}\"", "x".repeat(most - 2));
    assert_eq!(invoke(&event).as_ref().map(Value::as_str), Ok(Some(event.as_str())));
    let event = format!("\"{}\"", "x".repeat(most - 1));
    assert_eq!(invoke(&event), Err("InvalidParameter.RequestTooLarge".to_owned()));
}

#[test]
fn what_cannot_be_called_is_refused_by_the_api() {
    let function = python("def main_handler(event, context): return event");
    for (params, code) in [
        (json!({"FunctionName": "nobody"}), "ResourceNotFound.Function"),
        (
            json!({"FunctionName": function.name, "Namespace": "nowhere"}),
            "ResourceNotFound.Namespace",
        ),
        (
            json!({"FunctionName": function.name, "Qualifier": "7"}),
            "ResourceNotFound.Qualifier",
        ),
        (
            json!({"FunctionName": function.name, "InvocationType": "Maybe"}),
            "InvalidParameterValue.InvokeType",
        ),
        (
            json!({"FunctionName": function.name, "InvocationType": "Event"}),
            "UnsupportedOperation",
        ),
        (json!({"FunctionName": "no name"}), "InvalidParameterValue.FunctionName"),
        (json!({}), "MissingParameter"),
    ] {
        let refused = client().call("Invoke", params.clone()).map_err(|error| error.code);
        assert_eq!(refused, Err(code.to_owned()), "{params}");
    }
}
