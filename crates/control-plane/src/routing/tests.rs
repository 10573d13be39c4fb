//! Which version a call goes to.

use super::*;

fn rule(method: &str, expression: &str) -> GivenRule {
    GivenRule {
        version: "2".to_owned(),
        key: "invoke.headers.User".to_owned(),
        method: method.to_owned(),
        expression: expression.to_owned(),
    }
}

fn matches(method: &str, expression: &str, key: &str) -> bool {
    let routing = Routing::parse(&[], vec![rule(method, expression)]).expect("a rule");
    let key = RoutingKey::parse(key).expect("a key");
    let draw = Draw {
        chance: 0.0,
        routing_key: Some(&key),
    };
    routing.choose(&draw).is_some()
}

#[test]
fn an_exact_rule_holds_for_its_value_alone() {
    for (expression, key, holds) in [
        ("Bob", r#"{"User": "Bob"}"#, true),
        ("Bob", r#"{"User": "bob"}"#, false),
        ("Bob", r#"{"user": "Bob"}"#, false),
        ("Bob", r#"{"User": "Bob ", "Other": "Bob"}"#, false),
        ("Bob", "{}", false),
        ("7", r#"{"User": 7}"#, true),
        ("true", r#"{"User": true}"#, true),
        ("说", r#"{"User": "说"}"#, true),
    ] {
        assert_eq!(matches("exact", expression, key), holds, "{expression} {key}");
        assert_eq!(matches("Exact", expression, key), holds, "in any letter case");
    }
}

#[test]
fn a_range_has_its_ends_or_not() {
    for (expression, value, holds) in [
        ("[1,50]", "1", true),
        ("[1,50]", "50", true),
        ("[1,50]", "51", false),
        ("[1,50]", "0", false),
        ("(1,50)", "1", false),
        ("(1,50)", "50", false),
        ("(1,50)", "1.5", true),
        ("(1,50)", "2", true),
        ("[1,50)", "1", true),
        ("[1,50)", "50", false),
        ("(1,50]", "50", true),
        (" [ -5 , 5 ] ", "-5", true),
        ("[1,50]", "1e1", true),
        ("[1,50]", "ten", false),
        ("[1,50]", "", false),
        ("[1,50]", "NaN", false),
        ("[1,50]", "inf", false),
        ("[9007199254740993,9007199254740993]", "9007199254740992", false),
    ] {
        let key = format!("{{\"User\": {value:?}}}");
        assert_eq!(matches("range", expression, &key), holds, "{value} in {expression}");
    }
}

#[test]
fn the_first_rule_that_holds_counts() {
    let to = |version: &str, expression: &str| GivenRule {
        version: version.to_owned(),
        ..rule("range", expression)
    };
    let routing = Routing::parse(&[], vec![to("1", "[1,10]"), to("2", "[5,20]")]).expect("rules");
    let chosen = |value: u32| {
        let key = RoutingKey::parse(&format!("{{\"User\": {value}}}")).expect("a key");
        let draw = Draw {
            chance: 0.0,
            routing_key: Some(&key),
        };
        routing.choose(&draw)
    };
    assert_eq!(
        [1, 5, 10, 11, 20, 21].map(chosen),
        [Some(0), Some(0), Some(0), Some(1), Some(1), None]
    );
    let unkeyed = Draw {
        chance: 0.0,
        routing_key: None,
    };
    assert_eq!(routing.choose(&unkeyed), None, "without a key nothing matches");
}

#[test]
fn a_weight_is_the_share_of_chances_below_it() {
    let chosen = |weight: f64, chance: f64| {
        let routing = Routing::parse(&[("2".to_owned(), weight)], Vec::new()).expect("a weight");
        let draw = Draw {
            chance,
            routing_key: None,
        };
        routing.choose(&draw).is_some()
    };
    for (weight, chance, extra) in [
        (0.0, 0.0, false),
        (0.25, 0.0, true),
        (0.25, 0.249, true),
        (0.25, 0.25, false),
        (1.0, 1.0 - f64::EPSILON, true),
    ] {
        assert_eq!(chosen(weight, chance), extra, "{chance} of {weight}");
    }
}

#[test]
fn chances_are_spread_evenly_over_ids_and_one_id_has_one() {
    let mut below = [0; 4];
    for _ in 0..8000 {
        let id = RequestId::random();
        let chance = Draw::of(id, None).chance;
        assert!((0.0..1.0).contains(&chance));
        assert!((chance - Draw::of(id, None).chance).abs() < f64::EPSILON);
        below[(chance * 4.0) as usize] += 1;
    }
    // Each quarter is 2000 by expectation with a deviation of 39: a thousand is never off by luck.
    assert!(below.iter().all(|count| (1000..3000).contains(count)), "{below:?}");
}

#[test]
fn a_routing_that_cannot_be_is_refused_by_name() {
    let weight = |version: &str, weight: f64| (version.to_owned(), weight);
    let refused = |weights: &[(String, f64)], rules: Vec<GivenRule>| {
        let error = Routing::parse(weights, rules).expect_err("not a routing");
        (error.code(), error.to_string())
    };
    for (weights, rules, code, says) in [
        (
            vec![weight("1", 0.1), weight("2", 0.1)],
            vec![],
            "AdditionalVersionWeights",
            "at most one",
        ),
        (vec![weight("2", 1.1)], vec![], "AdditionalVersionWeights", "0 to 1"),
        (vec![weight("2", -0.1)], vec![], "AdditionalVersionWeights", "0 to 1"),
        (
            vec![weight("2", f64::NAN)],
            vec![],
            "AdditionalVersionWeights",
            "0 to 1",
        ),
        (vec![weight("prod", 0.1)], vec![], "AdditionalVersionWeights", "$LATEST"),
        (
            vec![weight("2", 0.1)],
            vec![rule("exact", "Bob")],
            "RoutingConfig",
            "one of them",
        ),
        (vec![], vec![rule("exact", "Bob"); 11], "RoutingConfig", "at most 10"),
        (vec![], vec![rule("exact", "")], "RoutingConfig", "1 to 1024"),
        (vec![], vec![rule("prefix", "B")], "RoutingConfig", "exact or range"),
        (vec![], vec![rule("range", "1,50")], "RoutingConfig", "[1,50]"),
        (vec![], vec![rule("range", "[50,1]")], "RoutingConfig", "[1,50]"),
        (vec![], vec![rule("range", "[a,b]")], "RoutingConfig", "[1,50]"),
        (vec![], vec![rule("range", "[1,50")], "RoutingConfig", "[1,50]"),
    ] {
        let (found, message) = refused(&weights, rules);
        assert_eq!(found, format!("InvalidParameterValue.{code}"), "{message}");
        assert!(message.contains(says), "{message}");
    }
    for key in ["", "User", "invoke.headers.", "headers.User", "http.headers.User"] {
        let given = GivenRule {
            key: key.to_owned(),
            ..rule("exact", "Bob")
        };
        assert!(refused(&[], vec![given]).1.contains("invoke.headers."), "{key}");
    }
}

#[test]
fn a_routing_key_is_a_small_object_of_plain_values() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(1024));
    for bad in [
        "",
        "Bob",
        "[]",
        "1",
        "null",
        r#"{"a": null}"#,
        r#"{"a": {}}"#,
        r#"{"a": [1]}"#,
        &long,
    ] {
        assert!(RoutingKey::parse(bad).is_err(), "{bad}");
    }
    for good in [
        "{}",
        r#"{"User": "Bob", "Age": 7, "ok": true}"#,
        &long[..long.len() - 2].replace("xxxxxxxxxx", "x"),
    ] {
        let good = if good.ends_with('}') {
            good.to_owned()
        } else {
            format!("{good}\"}}")
        };
        assert!(RoutingKey::parse(&good).is_ok(), "{good}");
    }
}

#[test]
fn rules_read_back_as_they_were_given() {
    for (method, expression, back) in [
        ("exact", "Bob", "Bob"),
        ("range", "[1,50]", "[1,50]"),
        ("range", "( 1, 50 )", "(1,50)"),
    ] {
        let Routing::Ruled(rules) = Routing::parse(&[], vec![rule(method, expression)]).expect("a rule") else {
            panic!("no rules");
        };
        let given = rules[0].to_given();
        assert_eq!(
            (
                given.version.as_str(),
                given.key.as_str(),
                given.method.as_str(),
                given.expression.as_str()
            ),
            ("2", "invoke.headers.User", method, back)
        );
    }
}
