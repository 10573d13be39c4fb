//! How many events an instance takes at once.

use std::time::Duration;

use skiff_domain::Web;

use super::*;

fn events(events: u32) -> InstanceConcurrency {
    InstanceConcurrency::new(events).unwrap()
}

/// A web function whose instances take so many requests at once.
fn site(name: &str, concurrency: u32) -> CreateFunction {
    CreateFunction {
        code: zip(&[("scf_bootstrap", "#!/bin/sh\n")]),
        web: Some(Web::default()),
        concurrency: events(concurrency),
        ..creation(name)
    }
}

#[tokio::test]
async fn what_is_said_of_a_function_holds_for_its_versions_its_copies_and_after_a_restart() {
    let bed = Bed::new().await;
    bed.control.create_function(site("site", 50)).await.unwrap();
    bed.publish("site").await;
    let update = UpdateFunctionConfiguration {
        concurrency: Some(events(7)),
        ..UpdateFunctionConfiguration::of(key("site"))
    };
    bed.control.update_function_configuration(update).await.unwrap();
    let copy = CopyFunction {
        source: key("site"),
        target: key("twin"),
        description: None,
        existing: ExistingTarget::default(),
        what: CopyWhat::default(),
    };
    bed.control.copy_function(copy.clone()).await.unwrap();
    let code = CopyFunction {
        target: key("bare"),
        what: CopyWhat::Code,
        ..copy
    };
    bed.control.copy_function(code).await.unwrap();
    let said = |bed: &Bed| {
        [
            ("site", "1"),
            ("site", "$LATEST"),
            ("twin", "$LATEST"),
            ("bare", "$LATEST"),
        ]
        .map(|(name, qualifier)| bed.resolve(name, qualifier).unwrap().concurrency.get())
    };
    assert_eq!(said(&bed), [50, 7, 7, 1]);
    assert_eq!(said(&bed.restart().await), [50, 7, 7, 1]);
}

#[tokio::test]
async fn only_web_functions_without_sockets_and_some_runtimes_take_several_events_at_once() {
    let bed = Bed::new().await;
    let alone = CreateFunction {
        concurrency: events(2),
        ..creation("alone")
    };
    let socket = CreateFunction {
        web: Some(Web {
            socket_idle: Some(Duration::from_secs(600)),
        }),
        ..site("socket", 2)
    };
    for (input, told) in [(alone, "Python3.11"), (socket, "WebSocket")] {
        let error = bed.control.create_function(input).await.unwrap_err();
        assert_eq!(error.code(), "InvalidParameterValue.InstanceConcurrencyConfig");
        assert!(error.to_string().contains(told), "{error}");
    }
    assert_eq!(bed.packages().await, 0, "nothing is kept of what was refused");
    bed.create("hello").await.unwrap();
    let update = |concurrency| UpdateFunctionConfiguration {
        concurrency: Some(events(concurrency)),
        ..UpdateFunctionConfiguration::of(key("hello"))
    };
    let error = bed.control.update_function_configuration(update(2)).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue.InstanceConcurrencyConfig");
    let message = error.to_string();
    for allowed in ["web functions", "Node.js", "Java"] {
        assert!(message.contains(allowed), "it names what allows it: {message}");
    }
    bed.control
        .update_function_configuration(update(1))
        .await
        .expect("one event at a time is for all");
    // Code that does not go with what the target is set to.
    bed.control.create_function(site("site", 2)).await.unwrap();
    let copy = CopyFunction {
        source: key("hello"),
        target: key("site"),
        description: None,
        existing: ExistingTarget::Override,
        what: CopyWhat::Code,
    };
    let error = bed.control.copy_function(copy).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue.InstanceConcurrencyConfig");
    assert_eq!(bed.resolve("site", "$LATEST").unwrap().concurrency.get(), 2);
}

#[test]
fn functions_for_node_and_java_take_several_events_at_once() {
    for (name, is_fine) in [
        ("Nodejs6.10", true),
        ("Nodejs22.14", true),
        ("Java8", true),
        ("Java21", true),
        ("Php8.0", false),
        ("Go1", false),
        ("CustomRuntime", false),
    ] {
        let checked = crate::sharing::check(events(100), &runtime(name), None);
        assert_eq!(checked.is_ok(), is_fine, "{name}");
        let as_web = crate::sharing::check(events(100), &runtime(name), Some(Web::default()));
        assert_eq!(as_web, Ok(()), "{name}");
    }
}
