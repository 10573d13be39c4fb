//! What goes in and comes out: any JSON, in any language, of any size allowed.

use serde_json::{Value, json};

use crate::common::{client, python};

const ECHO: &str = "def main_handler(event, context): return event";

#[test]
fn a_result_has_the_documented_fields_and_no_other() {
    let function = python("def main_handler(event, context): return 'Hello World'");
    let response = client()
        .call("Invoke", json!({"FunctionName": function.name}))
        .expect("Invoke");
    let mut fields: Vec<&str> = response
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    fields.sort_unstable();
    assert_eq!(fields, ["RequestId", "Result"]);
    let result = &response["Result"];
    let fields: Vec<&str> = result
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let documented = [
        "Log",
        "RetMsg",
        "ErrMsg",
        "MemUsage",
        "Duration",
        "BillDuration",
        "FunctionRequestId",
        "InvokeResult",
    ];
    assert_eq!(fields, documented);
    // JSON text, so that a string has its quotes; the log only when it is asked for.
    assert_eq!(
        (&result["RetMsg"], &result["Log"]),
        (&json!("\"Hello World\""), &json!(""))
    );
    assert_eq!((&result["ErrMsg"], &result["InvokeResult"]), (&json!(""), &json!(0)));
    assert!(
        result["MemUsage"]
            .as_u64()
            .is_some_and(|bytes| bytes > 0 && bytes < 128 << 20),
        "{result}"
    );
    let duration = result["Duration"].as_f64().expect("milliseconds");
    assert!(result["Duration"].is_f64() && duration > 0.0, "{result}");
    assert_eq!(
        result["BillDuration"].as_f64(),
        Some(duration.ceil()),
        "billed in whole milliseconds"
    );
    assert_eq!(result["FunctionRequestId"].as_str().map(str::len), Some(36));
}

#[test]
fn every_json_value_is_an_event_and_a_result() {
    let function = python(ECHO);
    for event in [
        json!(null),
        json!(true),
        json!(0),
        json!(-1.5e300),
        json!(""),
        json!("text"),
        json!([]),
        json!([[[]], {}]),
        json!({"a": {"b": [1, "2", null, 3.5]}}),
        json!(9_007_199_254_740_993_i64),
        json!("\u{0}\u{1f}\"\\/"),
        json!({"": "empty key", "键": "值", "ключ": "значение", "😀": "👩‍👩‍👧‍👦"}),
    ] {
        assert_eq!(function.invoke(&event).returned(), &event);
    }
}

#[test]
fn no_event_is_an_empty_object() {
    let function = python(ECHO);
    for params in [json!({}), json!({"ClientContext": ""})] {
        let mut params = params;
        params["FunctionName"] = json!(function.name);
        assert_eq!(
            client().call("Invoke", params).expect("Invoke")["Result"]["RetMsg"],
            "{}"
        );
    }
}

#[test]
fn invoke_function_is_the_same_with_other_names() {
    let function = python("def main_handler(event, context): return [event, context['function_version']]");
    for qualifier in [json!(null), json!("$DEFAULT"), json!("$LATEST")] {
        let params = json!({"FunctionName": function.name, "Event": "[1]", "Qualifier": qualifier, "LogType": "tail"});
        let result = client().call("InvokeFunction", params).expect("InvokeFunction")["Result"].clone();
        assert_eq!(result["RetMsg"], r#"[[1], "$LATEST"]"#);
        assert!(
            result["Log"]
                .as_str()
                .is_some_and(|log| log.starts_with("START RequestId: ")),
            "{result}"
        );
    }
}

#[test]
fn parameters_nobody_knows_are_ignored() {
    let function = python(ECHO);
    let params = json!({"FunctionName": function.name, "ClientContext": "1", "Ype": "Event", "Nothing": {"a": [1]}});
    assert_eq!(
        client().call("Invoke", params).expect("Invoke")["Result"]["RetMsg"],
        "1"
    );
}

#[test]
fn events_and_results_of_nearly_6_mb_pass_unchanged() {
    let function = python(ECHO);
    let words: Vec<Value> = (0..350_000).map(|n| json!(format!("wörd {n:06}"))).collect();
    let event = json!(words);
    let bytes = event.to_string().len();
    assert!((5 << 20..6 << 20).contains(&bytes), "{bytes}");
    // json.dumps puts a space after each comma, so the way back takes less of it.
    assert_eq!(
        function.invoke(&json!(words[..300_000])).returned(),
        &json!(words[..300_000])
    );
    let counts = python("def main_handler(event, context): return [len(event), event[-1]]");
    assert_eq!(counts.invoke(&event).returned(), &json!([350_000, "wörd 349999"]));
}

#[test]
fn results_python_has_words_for_and_json_has_not() {
    let code = "
import collections, decimal, enum

class Colour(enum.IntEnum):
    RED = 1

VALUES = {
    'none': None, 'tuple': (1, 2), 'decimal': decimal.Decimal('1.10'), 'nested': {'d': [decimal.Decimal(2)]},
    'int key': {1: 'a', None: 'b', True: 'c'}, 'ordered': collections.OrderedDict(b=1, a=2), 'enum': Colour.RED,
    'text': '你好', 'named': collections.namedtuple('P', 'x y')(1, 2), 'big': 2 ** 70,
}

def main_handler(event, context):
    return VALUES[event]
";
    let function = python(code);
    for (what, text) in [
        ("none", "null"),
        ("tuple", "[1, 2]"),
        ("decimal", "\"1.10\""),
        ("nested", r#"{"d": ["2"]}"#),
        ("int key", r#"{"1": "c", "null": "b"}"#),
        ("ordered", r#"{"b": 1, "a": 2}"#),
        ("enum", "1"),
        ("text", "\"你好\""),
        ("named", "[1, 2]"),
        ("big", "1180591620717411303424"),
    ] {
        let answer = function.invoke(&json!(what));
        assert_eq!((answer.status, answer.ret_text.as_str()), (200, text), "{what}");
    }
}
