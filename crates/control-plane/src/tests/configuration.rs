//! Updating configuration.

use skiff_domain::Web;

use super::*;

fn nothing(name: &str) -> UpdateFunctionConfiguration {
    UpdateFunctionConfiguration::of(key(name))
}

fn variables(pairs: &[(&str, &str)]) -> Environment {
    let pairs = pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Environment::new(pairs.collect()).unwrap()
}

#[tokio::test]
async fn only_what_is_given_changes() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    type Change = (fn(&mut UpdateFunctionConfiguration), fn(&mut Configuration));
    let changes: [Change; 6] = [
        (
            |i| i.description = Some(Description::new("new").unwrap()),
            |f| f.description = Description::new("new").unwrap(),
        ),
        (
            |i| i.memory = MemorySize::from_mb(64).ok(),
            |f| f.memory = MemorySize::from_mb(64).unwrap(),
        ),
        (
            |i| i.timeout = Timeout::from_secs(9).ok(),
            |f| f.timeout = Timeout::from_secs(9).unwrap(),
        ),
        (
            |i| i.init_timeout = InitTimeout::from_secs(9).ok(),
            |f| f.init_timeout = InitTimeout::from_secs(9).unwrap(),
        ),
        (
            |i| i.network = Some(NetworkMode::Private),
            |f| f.network = NetworkMode::Private,
        ),
        (
            |i| i.runtime = Some("Python3.9".parse().unwrap()),
            |f| f.runtime = runtime("Python3.9"),
        ),
    ];
    for (give, change) in changes {
        let before = bed.get("hello").unwrap();
        let mut expected = Configuration::clone(&before.configuration);
        let mut input = nothing("hello");
        give(&mut input);
        bed.control.update_function_configuration(input).await.unwrap();
        let after = bed.get("hello").unwrap();
        change(&mut expected);
        assert!(after.modified_at > before.modified_at);
        assert_eq!(*after, before.changed(expected, after.modified_at));
    }
    assert_eq!(
        bed.around.retired.lock().len(),
        6,
        "every change lets the old instances go"
    );
}

#[tokio::test]
async fn an_environment_replaces_the_whole_list() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    for environment in [
        variables(&[("AA", "1"), ("BB", "2")]),
        variables(&[("CC", "3")]),
        variables(&[]),
    ] {
        let input = UpdateFunctionConfiguration {
            environment: Some(environment.clone()),
            ..nothing("hello")
        };
        bed.control.update_function_configuration(input).await.unwrap();
        assert_eq!(bed.get("hello").unwrap().configuration.environment, environment);
    }
}

#[tokio::test]
async fn how_long_websockets_may_be_silent_changes_where_there_are_any() {
    let bed = Bed::new().await;
    let idle = |name: &str, seconds: u64| UpdateFunctionConfiguration {
        socket_idle: Some(Duration::from_secs(seconds)),
        ..nothing(name)
    };
    for (name, web, changes) in [
        ("event", None, false),
        ("http", Some(Web { socket_idle: None }), false),
        (
            "sockets",
            Some(Web {
                socket_idle: Some(Duration::from_secs(600)),
            }),
            true,
        ),
    ] {
        let input = CreateFunction {
            web,
            code: zip(&[
                ("index.py", "def main_handler(event, context): pass"),
                ("scf_bootstrap", "#!/bin/sh"),
            ]),
            ..creation(name)
        };
        bed.control.create_function(input).await.unwrap();
        let updated = bed.control.update_function_configuration(idle(name, 30)).await;
        let expected = if changes {
            Ok(())
        } else {
            Err("InvalidParameterValue.WebSocketsParams")
        };
        assert_eq!(updated.map_err(|error| error.code()), expected, "{name}");
        let has = bed.get(name).unwrap().configuration.web.and_then(|web| web.socket_idle);
        assert_eq!(has, changes.then_some(Duration::from_secs(30)), "{name}");
    }
}

#[tokio::test]
async fn a_runtime_that_is_not_installed_or_has_no_entry_is_refused_and_nothing_changes() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let before = bed.get("hello").unwrap();
    let input = UpdateFunctionConfiguration {
        runtime: Some("Java11".parse().unwrap()),
        memory: MemorySize::from_mb(1024).ok(),
        ..nothing("hello")
    };
    let error = bed.control.update_function_configuration(input).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue.Runtime");
    let error = bed
        .control
        .update_function_configuration(nothing("nope"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "ResourceNotFound.Function");
    assert_eq!(bed.get("hello").unwrap(), before);
}

#[tokio::test]
async fn another_runtime_has_the_code_compiled_for_it() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let input = UpdateFunctionConfiguration {
        runtime: Some("Python3.10".parse().unwrap()),
        ..nothing("hello")
    };
    bed.control.update_function_configuration(input).await.unwrap();
    assert_eq!(
        *bed.around.compiled.lock(),
        [runtime("Python3.11"), runtime("Python3.10")]
    );
}
