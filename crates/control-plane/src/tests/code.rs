//! Updating and showing code.

use skiff_domain::Revision;

use super::*;

fn update(name: &str, code: Bytes) -> UpdateFunctionCode {
    UpdateFunctionCode {
        key: key(name),
        code,
        handler: None,
        publish: Publish::No,
    }
}

#[tokio::test]
async fn new_code_is_the_next_revision_and_the_old_instances_and_package_go() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let before = bed.get("hello").unwrap();
    let new = zip(&[("index.py", "# new"), ("app.py", "# new")]);
    let input = UpdateFunctionCode {
        handler: Some("app.run".to_owned()),
        ..update("hello", new.clone())
    };
    bed.control.update_function_code(input).await.unwrap();
    let after = bed.get("hello").unwrap();
    assert_eq!(after.configuration.code, skiff_domain::CodeDigest::of(&new));
    assert_eq!(after.configuration.handler, "app.run");
    assert_eq!(after.revision, Revision(2));
    assert!(after.modified_at > before.modified_at);
    assert_eq!((after.created_at, &after.uid), (before.created_at, &before.uid));
    assert_eq!(
        *bed.around.retired.lock(),
        [(before.uid.clone(), Some(Qualifier::latest()))]
    );
    assert_eq!(bed.packages().await, 1);

    // The handler is optional, and stays.
    let newer = zip(&[("app.py", "# newer")]);
    bed.control.update_function_code(update("hello", newer)).await.unwrap();
    assert_eq!(bed.get("hello").unwrap().configuration.handler, "app.run");
    assert_eq!(bed.get("hello").unwrap().revision, Revision(3));
}

#[tokio::test]
async fn code_and_settings_a_function_has_already_are_no_change_and_cost_no_instance() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let before = bed.get("hello").unwrap();
    let again = update("hello", creation("hello").code);
    bed.control.update_function_code(again).await.unwrap();
    let settings = UpdateFunctionConfiguration {
        memory: Some(before.configuration.memory),
        environment: Some(before.configuration.environment.clone()),
        ..UpdateFunctionConfiguration::of(key("hello"))
    };
    bed.control.update_function_configuration(settings).await.unwrap();
    assert_eq!(bed.get("hello").unwrap(), before);
    assert!(bed.around.retired.lock().is_empty());
    assert_eq!(bed.packages().await, 1);
}

#[tokio::test]
async fn a_failed_update_leaves_the_old_code_serving() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let before = bed.get("hello").unwrap();
    for (input, code) in [
        (update("nope", zip(&[("index.py", "")])), "ResourceNotFound.Function"),
        (
            update("hello", Bytes::from_static(b"no zip")),
            "InvalidParameterValue.ZipFile",
        ),
        (
            update("hello", zip(&[("other.py", "")])),
            "InvalidParameterValue.Handler",
        ),
    ] {
        let error = bed.control.update_function_code(input).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(bed.get("hello").unwrap(), before);
        assert_eq!(bed.packages().await, 1);
    }
    assert!(bed.around.retired.lock().is_empty());
}

#[tokio::test]
async fn a_package_stays_while_somebody_is_about_to_run_what_a_function_was() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let resolved = bed.resolve("hello", "$LATEST").unwrap();
    bed.control
        .update_function_code(update("hello", zip(&[("index.py", "# new")])))
        .await
        .unwrap();
    assert_eq!(
        bed.packages().await,
        2,
        "a call has resolved the old version and has not begun yet"
    );
    drop(resolved);
    assert_eq!(bed.packages().await, 1);
}

#[tokio::test]
async fn the_source_a_function_begins_in_is_shown_up_to_a_megabyte() {
    let bed = Bed::new().await;
    let source = async |files: &[(&str, &str)]| {
        let name = "shown";
        match bed.get(name) {
            Ok(_) => bed
                .control
                .update_function_code(update(name, zip(files)))
                .await
                .unwrap(),
            Err(_) => {
                let input = CreateFunction {
                    code: zip(files),
                    ..creation(name)
                };
                bed.control.create_function(input).await.unwrap();
            }
        }
        bed.control.entry_source(&bed.get(name).unwrap().configuration).await
    };
    let text = "print('你好')";
    assert_eq!(source(&[("index.py", text)]).await, EntrySource::Text(text.to_owned()));
    assert_eq!(
        source(&[("index/__init__.py", text)]).await,
        EntrySource::Text(text.to_owned())
    );
    let large = "#".repeat(1024 * 1024 + 1);
    assert_eq!(source(&[("index.py", &large)]).await, EntrySource::TooLarge);
    assert_eq!(
        source(&[("index.py", &large[1..])]).await,
        EntrySource::Text(large[1..].to_owned())
    );
}

#[tokio::test]
async fn nobody_waits_for_a_large_package_to_be_compiled() {
    // Text that does not compress well: a zip above what is waited for.
    let text: String = (0..20_000_u64)
        .map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let large = CreateFunction {
        code: zip(&[("index.py", &text)]),
        ..creation("large")
    };
    let bed = Bed::new().await;
    let around = Arc::clone(&bed.around);
    let busy = around.compiler.lock().await;
    bed.control.create_function(large.clone()).await.unwrap();
    assert!(bed.get("large").is_ok());
    drop(busy);
    bed.packages().await;
    assert_eq!(*around.compiled.lock(), [runtime("Python3.11")]);

    // A server that stops does not wait either.
    let _busy = around.compiler.lock().await;
    let other = CreateFunction {
        key: key("other"),
        code: zip(&[("index.py", &text), ("more.py", "")]),
        ..large
    };
    bed.control.create_function(other).await.unwrap();
    let bed = bed.restart().await;
    assert!(bed.get("other").is_ok());
    assert_eq!(around.compiled.lock().len(), 1);
}
