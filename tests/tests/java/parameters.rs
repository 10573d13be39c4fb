//! What a handler may take and give back.

use serde_json::{Value, json};

use crate::world::{
    ANNOTATIONS, EVENTS, EXAMPLE, Version, client, compiled, deploy, extremes, java, library, package, versions,
};

/// Runs a method of `Shapes` on these events, and looks at what it returns.
fn check(version: Version, handler: &str, cases: &[(Value, Value)]) {
    let function = deploy(version, &format!("Shapes{handler}"));
    for (event, expected) in cases {
        let answer = function.invoke(event);
        assert_eq!(answer.returned(), expected, "{version:?} {handler} {event}");
    }
}

/// The same for events that do not fit, and what is said of them.
fn refused(version: Version, handler: &str, cases: &[(Value, &str)]) {
    let function = deploy(version, &format!("Shapes{handler}"));
    for (event, why) in cases {
        let answer = function.invoke(event);
        let said = answer.ret["stackTrace"].as_str().unwrap_or_default();
        assert!(
            answer.status == 430 && said.contains(why) && said.starts_with("the event does not fit"),
            "{version:?} {handler} {event}: {answer:?}"
        );
    }
}

fn same(values: &[Value]) -> Vec<(Value, Value)> {
    values.iter().map(|value| (value.clone(), value.clone())).collect()
}

#[test]
fn primitives_boxes_and_texts_are_taken_and_returned() {
    for version in extremes() {
        for (handler, values) in [
            ("::aByte", vec![json!(-128), json!(127)]),
            ("::aShort", vec![json!(-32768)]),
            ("::anInt", vec![json!(2_147_483_647), json!(0)]),
            ("::aLong", vec![json!(9_007_199_254_740_993_i64), json!(1)]),
            ("::aFloat", vec![json!(0.5)]),
            ("::aDouble", vec![json!(1.5e-7), json!(-2.25)]),
            ("::aChar", vec![json!("é")]),
            ("::aBoolean", vec![json!(true), json!(false)]),
            ("::aBox", vec![json!(7), Value::Null]),
            ("::aString", vec![json!("snow \u{2603}"), json!(""), Value::Null]),
            ("::bytes", vec![json!("AQID")]),
            ("::aDate", vec![json!(1_545_205_770_000_i64)]),
        ] {
            check(version, handler, &same(&values));
        }
        check(version, "::nothing", &[(json!({"any": 1}), json!("nothing"))]);
        check(version, "::aVoid", &[(json!(1), Value::Null)]);
        check(version, "::aStatic", &[(json!(1), json!(2)), (json!("41"), json!(42))]);
        // An event that is no text reaches a handler that takes one as it was sent.
        check(version, "::aString", &[(json!({"a": [1, 2]}), json!(r#"{"a":[1,2]}"#))]);
        check(
            version,
            "::aDecimal",
            &[(json!("0.10"), json!(0.10)), (json!(3), json!(3))],
        );
    }
}

#[test]
fn an_event_that_does_not_fit_is_the_functions_error_and_says_where() {
    for version in extremes() {
        let number = |type_name| format!("a number that fits {type_name} is expected");
        refused(
            version,
            "::anInt",
            &[
                (json!("x"), &number("int")),
                (json!(1.5), &number("int")),
                (json!(2_147_483_648_i64), &number("int")),
                (json!({}), &number("int")),
            ],
        );
        refused(version, "::aByte", &[(json!(200), &number("byte"))]);
        refused(
            version,
            "::aChar",
            &[(json!("ab"), "a text of one character is expected")],
        );
        refused(
            version,
            "::anEnum",
            &[(json!("BLUE"), "one of [RED, GREEN] is expected")],
        );
        refused(
            version,
            "::anArray",
            &[(json!([1, "x"]), "[1]: a number that fits int")],
        );
        refused(
            version,
            "::anOrder",
            &[
                (json!([]), "an object is expected"),
                (
                    json!({"items": [{"count": 1}, {"count": "many"}]}),
                    ".items[1].count: a number that fits int",
                ),
            ],
        );
    }
}

#[test]
fn mutable_objects_collections_and_generic_types_are_filled_and_shown() {
    for version in extremes() {
        let order = json!({"id": 1_545_205_770_123_i64, "paid": true, "items": [{"name": "ü", "count": 1, "price": 0.5}],
            "byName": {"a": {"name": "x", "count": 2, "price": 0.0}}, "colours": ["RED"], "URL": "http://x", "unknown": [1]});
        let mut expected = order.clone();
        expected["items"][0]["count"] = json!(2);
        expected.as_object_mut().expect("an object").remove("unknown");
        check(
            version,
            "::anOrder",
            &[
                (order.clone(), expected),
                (
                    json!({"Id": 7, "paid": null, "ITEMS": []}),
                    json!({"id": 7, "paid": false, "items": [], "byName": null, "colours": null, "URL": null}),
                ),
            ],
        );
        check(version, "::orders", &[(json!([{}, order]), json!(1))]);
        check(
            version,
            "::generic",
            &[(json!({"a": [1, 2], "b": [3]}), json!({"sum": [6]}))],
        );
        check(version, "::anArray", &same(&[json!([]), json!([3, 2, 1])]));
        let moment = json!({"day": "2026-01-31", "id": "00000000-0000-0000-0000-000000000001", "place": "http://x/y"});
        check(version, "::aMoment", &same(&[moment]));
        refused(
            version,
            "::aMoment",
            &[(json!({"day": "yesterday"}), ".day: the text of a LocalDate is expected")],
        );
        check(version, "::anEnum", &same(&[json!("GREEN")]));
        check(
            version,
            "$OfOrders::handle",
            &[(
                json!({"id": 3}),
                json!({"id": 3, "paid": false, "items": [], "byName": null, "colours": null, "URL": null}),
            )],
        );
        check(
            version,
            "$Implementing::apply",
            &[(json!({"name": "erased"}), json!("erased"))],
        );
    }
}

#[test]
fn what_a_setter_throws_is_the_functions_error() {
    for version in extremes() {
        let function = deploy(version, "Shapes::picky");
        assert_eq!(
            function.invoke(&json!({"value": 1})).returned(),
            &json!(1),
            "{version:?}"
        );
        let answer = function.invoke(&json!({"value": -1}));
        let stack = answer.ret["stackTrace"].as_str().expect("a stack");
        assert!(
            stack.starts_with("java.lang.IllegalArgumentException: negative: -1\n\tat example.Shapes$Picky.setValue")
        );
    }
}

#[test]
fn any_json_comes_as_javas_own_values_and_goes_as_it_came() {
    let values = [
        Value::Null,
        json!(true),
        json!(-1.5e-7),
        json!(9_007_199_254_740_993_u64),
        json!(18_446_744_073_709_551_615_u64),
        json!("snow \u{2603}, clef \u{1d11e}, nul \u{0}, line \u{2028}, \"\\/"),
        json!([[], {}, [null, {"": "empty"}]]),
        json!({"a": {"b": [1, 2.5, "x", false]}}),
    ];
    for version in extremes() {
        check(version, "::anything", &same(&values));
        check(
            version,
            "::results",
            &[(
                json!({}),
                json!({
                    "optional": 1, "empty": null, "chars": "quote \" back \\ tab \t nul \u{0} \u{2028} \u{1d11e}", "half": "\u{fffd}",
                    "builder": "built", "uuid": "00000000-0000-0000-0000-000000000001", "exact": 12_345_678_901_234_567_890.123_f64,
                    "anonymous": {"size": 3}
                }),
            )],
        );
    }
}

#[test]
fn the_context_is_the_published_one_or_any_interface_that_asks_for_what_is_documented() {
    for version in extremes() {
        let alone = deploy(version, "Shapes::contextAlone").invoke(&json!({}));
        assert_eq!(alone.returned(), &json!(alone.request_id()), "{version:?}");
        let function = deploy(version, "Shapes::moreContext");
        let more = function.invoke(&json!({}));
        assert_eq!(
            more.returned(),
            &json!([more.request_id(), function.name, 256]),
            "{version:?}"
        );
        let map = deploy(version, "Shapes::aMapContext").invoke(&json!({}));
        assert_eq!(map.returned()["request_id"], json!(map.request_id()), "{version:?}");
        assert_eq!(map.returned()["namespace"], json!("default"), "{version:?}");
    }
}

/// Events as they come (CONTRACT 3.2 to 3.5), and what the handlers make of them.
fn documented() -> [(&'static str, Value, Value); 4] {
    [
        (
            "::cos",
            json!({"Records": [{"cos": {"cosSchemaVersion": "1.0", "cosObject": {"url": "http://x/testfile",
                "meta": {"x-cos-request-id": "NWMxOWY4MGFf", "Content-Type": "text/plain"}, "vid": "",
                "key": "/1253970026/testpic/testfile", "size": 1029}, "cosBucket": {"region": "cd", "name": "testpic",
                "appid": "1253970026", "cosRegion": "ap-chengdu"}, "cosNotificationId": "unkown"},
                "event": {"eventName": "cos:ObjectCreated:Put", "eventVersion": "1.0", "eventTime": 1_545_205_770,
                "eventSource": "qcs::cos", "requestParameters": {"requestSourceIP": "192.168.15.101",
                "requestHeaders": {"Authorization": "q-sign-algorithm=sha1"}}, "eventQueue": "qcs:0:scf:cd:appid",
                "reservedInfo": "", "reqid": 179_398_952}}]}),
            json!("cos:ObjectCreated:Put /1253970026/testpic/testfile 1029 text/plain 1545205770 192.168.15.101"),
        ),
        (
            "::cmq",
            json!({"Records": [{"CMQ": {"type": "topic", "topicOwner": 120_000_000, "topicName": "testtopic",
                "subscriptionName": "s", "publishTime": "1970-01-01T00:00:00.000Z", "msgId": "1", "requestId": "2",
                "msgBody": "Hello from CMQ!", "msgTag": "tag1,tag2"}}]}),
            json!("testtopic 120000000 Hello from CMQ! tag1,tag2"),
        ),
        (
            "::ckafka",
            json!({"Records": [{"Ckafka": {"topic": "test-topic", "Partition": 1, "offset": 36, "msgKey": "None",
                "msgBody": "Hello from Ckafka!"}}]}),
            json!("test-topic 1 36 Hello from Ckafka!"),
        ),
        (
            "::gateway",
            json!({"requestContext": {"serviceId": "service-f94sy04v", "path": "/test/{path}", "httpMethod": "POST",
                "requestId": "c6af9ac6", "identity": {"secretId": "abdcdxxxxxxxsdfs"}, "sourceIp": "10.0.2.14",
                "stage": "release"}, "headers": {"accept": "text/html"}, "body": "{\"test\":\"body\"}",
                "pathParameters": {"path": "value"}, "queryStringParameters": {"foo": "bar"}, "headerParameters": {},
                "stageVariables": {"stage": "release"}, "path": "/test/value",
                "queryString": {"foo": "bar", "many": ["a", "b"], "alone": true}, "httpMethod": "POST",
                "isBase64Encoded": false}),
            json!([
                "POST",
                "/test/value",
                "{\"test\":\"body\"}",
                "service-f94sy04v",
                "abdcdxxxxxxxsdfs"
            ]),
        ),
    ]
}

#[test]
fn the_event_classes_are_offered_to_packages_that_do_not_bring_them() {
    for version in extremes() {
        for (handler, event, result) in documented() {
            check(version, handler, &[(event, result)]);
        }
        let answer = crate::world::run(version, "timer", json!({}));
        assert_eq!(
            answer.returned(),
            &json!("{type=null, triggerName=null, time=null, message=tick} tick"),
            "{version:?}"
        );
    }
}

#[test]
fn a_package_that_brings_the_published_library_gets_its_own_classes() {
    for version in extremes() {
        for annotated in [false, true] {
            for (handler, event, result) in documented() {
                let mut bundle = package(&EXAMPLE).file("lib/events.jar", &library(EVENTS));
                if annotated {
                    bundle = bundle.file("lib/annotations.jar", &library(ANNOTATIONS));
                }
                let function = java(version, bundle, &format!("example.Shapes{handler}")).deploy(&client());
                let answer = function.invoke(&event);
                assert_eq!(answer.returned(), &result, "{version:?} {handler} {annotated}");
            }
        }
    }
}

#[test]
fn records_are_taken_and_returned_where_java_has_them() {
    let modern = compiled(&["modern"], 17);
    for &version in versions().iter().filter(|version| version.0 >= 17) {
        let function = java(version, package(&modern), "modern.Modern::handle").deploy(&client());
        let answer = function.invoke(&json!({"id": 1, "items": [{"name": "ü", "count": 2}, {"NAME": "x"}]}));
        let items = json!([{"name": "ü", "count": 2}, {"name": "x", "count": 0}]);
        let expected = json!({"id": 2, "items": items, "first": {"name": "some", "count": 2}});
        assert_eq!(answer.returned(), &expected, "{version:?}");
    }
}
