//! How calls fail, and what is said of it.

use serde_json::json;
use skiff_tests::{Answer, Package};

use crate::world::{Version, client, deploy, java, run, versions};

fn stack(answer: &Answer, version: Version) -> &str {
    assert_eq!(
        (answer.status, answer.error_message()),
        (430, "user code exception caught"),
        "{version:?} {answer:?}"
    );
    answer.ret["stackTrace"].as_str().expect("a stack")
}

#[test]
fn what_a_handler_throws_comes_with_its_cause_and_without_the_platforms_frames() {
    for &version in versions() {
        let answer = run(version, "throw", json!({}));
        let stack = stack(&answer, version);
        let lines: Vec<&str> = stack.lines().collect();
        assert_eq!(lines[0], "java.lang.IllegalStateException: too deep: ü", "{version:?}");
        assert!(
            lines[1].starts_with("\tat example.Cases.deeper(Cases.java:"),
            "{version:?} {stack}"
        );
        assert!(
            lines[2].starts_with("\tat example.Cases.main(Cases.java:"),
            "{version:?} {stack}"
        );
        let cause = "Caused by: java.lang.NumberFormatException: For input string: \"zwölf\"";
        assert!(lines[3].starts_with(cause), "{version:?} {stack}");
        assert!(
            !stack.contains("skiff") && !stack.contains("reflect"),
            "{version:?} {stack}"
        );
        let message = json!("java.lang.IllegalStateException: too deep: ü");
        assert_eq!(answer.result["ErrMsg"], message, "{version:?}");
    }
}

#[test]
fn every_way_to_fail_is_the_users_error_and_the_instance_lives_on_in_java() {
    for &version in versions() {
        for (case, begins, contains) in [
            ("checked", "java.io.IOException: checked\n", "Cases.java"),
            (
                "endless",
                "java.lang.StackOverflowError",
                "at example.Cases.endless(Cases.java:",
            ),
            (
                "huge",
                "java.lang.OutOfMemoryError: ",
                "at example.Cases.main(Cases.java:",
            ),
            (
                "nan",
                "the handler's result is not JSON: NaN is no number that JSON has",
                "",
            ),
            (
                "itself",
                "the handler's result is not JSON: it is nested more than 1000 deep",
                "",
            ),
            (
                "getter",
                "java.lang.IllegalStateException: no name\n",
                "at example.Cases$Broken.getName",
            ),
            ("unspeakable", "example.Cases$Unspeakable", ""),
            ("none", "java.lang.IllegalArgumentException: no such case", ""),
        ] {
            let answer = run(version, case, json!({}));
            let stack = stack(&answer, version);
            assert!(
                stack.starts_with(begins) && stack.contains(contains),
                "{version:?} {case}: {stack}"
            );
            assert!(!stack.contains("skiff."), "{version:?} {case}: {stack}");
        }
        let answer = run(version, "thread", json!({}));
        assert_eq!(answer.returned(), &json!("lives"), "{version:?}");
        assert!(
            answer.log.contains("java.lang.IllegalStateException: in a thread"),
            "{version:?} {}",
            answer.log
        );
    }
}

#[test]
fn a_process_that_exits_is_439_with_all_it_wrote_and_the_next_call_is_answered_in_java() {
    for &version in versions() {
        let function = deploy(version, "Cases::main");
        let answer = function.invoke(&json!({"case": "exit"}));
        assert_eq!(answer.status, 439, "{version:?} {answer:?}");
        assert!(
            answer.log.contains("before the end") && answer.log.contains("exit code 3"),
            "{version:?} {}",
            answer.log
        );
        let flood = function.invoke(&json!({"case": "flood"}));
        assert_eq!(flood.status, 439, "{version:?}");
        assert!(flood.log.contains("line 1999 xxx"), "{version:?} {}", flood.log);
        assert_eq!(
            function.invoke(&json!({"case": "count"})).returned(),
            &json!([1, 1]),
            "{version:?}"
        );
    }
}

#[test]
fn a_call_over_its_time_is_433() {
    for &version in versions() {
        let answer = crate::world::package(&crate::world::EXAMPLE);
        let function = java(version, answer, "example.Cases::main")
            .with("Timeout", 1)
            .deploy(&client());
        assert_eq!(
            function.invoke(&json!({"case": "garbage", "rounds": 1})).status,
            200,
            "{version:?}"
        );
        assert_eq!(function.invoke(&json!({"case": "forever"})).status, 433, "{version:?}");
    }
}

#[test]
fn what_is_wrong_with_a_handler_is_said_when_it_is_loaded() {
    for &version in versions() {
        for (handler, status, contains) in [
            (
                "Shapes::missing",
                437,
                "example.Shapes has no public method missing (Handler is ",
            ),
            ("Shapes::hidden", 437, "has no public method hidden"),
            ("Shapes::twice", 437, "has 2 methods twice with 1 parameters: have one"),
            (
                "Shapes::three",
                437,
                "has no method three that takes nothing, an event, or an event and a Context",
            ),
            ("Shapes$Base::handle", 437, "example.Shapes$Base is abstract"),
            (
                "Shapes$NeedsParameters::handle",
                437,
                "has no constructor without parameters",
            ),
            (
                "Shapes$FailsToLoad::handle",
                443,
                "java.lang.NumberFormatException: For input string",
            ),
            (
                "Shapes$FailsToBegin::handle",
                443,
                "java.lang.UnsupportedOperationException: not today",
            ),
            (
                "Shapes$NeedsMore::handle",
                443,
                "java.lang.NoClassDefFoundError: missing/Library",
            ),
        ] {
            let answer = deploy(version, handler).invoke(&json!({}));
            let said = answer.ret.to_string();
            assert_eq!(answer.status, status, "{version:?} {handler}: {answer:?}");
            assert!(
                said.contains(contains) && !said.contains("skiff."),
                "{version:?} {handler}: {said}"
            );
        }
    }
}

#[test]
fn a_handler_that_names_no_class_of_the_package_is_refused_at_creation_or_when_it_is_loaded() {
    for &version in versions() {
        let refused = java(version, Package::default().file("a.txt", b""), "example.Missing::main")
            .try_deploy(&client())
            .expect_err("nothing is there");
        assert_eq!(refused.code, "InvalidParameterValue.Handler", "{version:?}");
        assert!(
            refused.message.contains("example/Missing.class"),
            "{version:?} {refused:?}"
        );
        let malformed = java(version, Package::default(), "example.Missing.main").try_deploy(&client());
        let malformed = malformed.expect_err("no handler of Java's");
        assert!(
            malformed.message.contains("write package.Class::method"),
            "{version:?} {malformed:?}"
        );
        // What is in a jar shows when it is loaded.
        let jar = Package::default().file("lib/some.jar", &Package::default().file("a.txt", b"").bytes());
        let answer = java(version, jar, "example.Missing::main")
            .deploy(&client())
            .invoke(&json!({}));
        assert_eq!(answer.status, 437, "{version:?}");
        let said = answer.ret.to_string();
        assert!(
            said.contains("there is no class example.Missing in the package"),
            "{version:?} {said}"
        );
        // Not what its name says.
        let broken = Package::default().file("example/Broken.class", b"no class at all");
        let answer = java(version, broken, "example.Broken::main")
            .deploy(&client())
            .invoke(&json!({}));
        assert_eq!(answer.status, 443, "{version:?} {answer:?}");
        assert!(
            answer.ret.to_string().contains("java.lang.ClassFormatError"),
            "{version:?} {answer:?}"
        );
    }
}

#[test]
fn classes_of_a_newer_java_are_told_so() {
    let modern = crate::world::compiled(&["modern"], 17);
    for &version in versions().iter().filter(|version| version.0 < 17) {
        let function = java(version, crate::world::package(&modern), "modern.Modern::handle").deploy(&client());
        let answer = function.invoke(&json!({}));
        assert_eq!(answer.status, 443, "{version:?}");
        let said = answer.ret.to_string();
        assert!(
            said.contains("java.lang.UnsupportedClassVersionError"),
            "{version:?} {said}"
        );
        assert!(said.contains("class file version 61.0"), "{version:?} {said}");
    }
}
