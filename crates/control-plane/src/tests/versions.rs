//! Publishing, listing and deleting versions.

use skiff_domain::limits::VERSIONS_PER_FUNCTION_MAX;
use skiff_domain::{Revision, VersionRef};
use skiff_store::{Expect, Op};

use super::*;

async fn update(bed: &Bed, name: &str, text: &str) {
    let input = UpdateFunctionCode {
        key: key(name),
        code: zip(&[("index.py", text)]),
        handler: None,
        publish: Publish::No,
    };
    bed.control.update_function_code(input).await.unwrap();
}

fn deletion(name: &str, qualifier: &str) -> DeleteFunctionVersion {
    DeleteFunctionVersion {
        key: key(name),
        qualifier: qualifier.parse().unwrap(),
        bound: BoundAliases::Keep,
    }
}

fn list(bed: &Bed, order_by: VersionOrder, order: Order, page: Page) -> (Vec<String>, usize) {
    let input = ListVersions {
        key: key("hello"),
        order_by,
        order,
        page,
    };
    let listing = bed.control.list_versions(&input).unwrap();
    let names = listing.items.iter().map(|entry| entry.version.to_string());
    (names.collect(), listing.total)
}

#[tokio::test]
async fn a_published_version_stays_what_it_was_whatever_becomes_of_the_latest() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let before = bed.resolve("hello", "$LATEST").unwrap();
    let input = PublishVersion {
        key: key("hello"),
        description: Description::new("first").ok(),
    };
    let first = bed.control.publish_version(input).await.unwrap();
    assert_eq!(first.number.to_string(), "1");
    let one = bed.resolve("hello", "1").unwrap();
    let as_latest = Version {
        label: Qualifier::latest(),
        ..Version::clone(&one)
    };
    assert_eq!(as_latest, *before);
    assert_eq!(one.label.as_str(), "1");

    update(&bed, "hello", "# second").await;
    let configuration = UpdateFunctionConfiguration {
        memory: MemorySize::from_mb(256).ok(),
        ..UpdateFunctionConfiguration::of(key("hello"))
    };
    bed.control.update_function_configuration(configuration).await.unwrap();
    assert!(
        Arc::ptr_eq(&one, &bed.resolve("hello", "1").unwrap()),
        "the very same version, with the same instances"
    );
    assert_eq!(bed.publish("hello").await, "2");
    let two = bed.resolve("hello", "2").unwrap();
    assert_ne!(two.code, one.code);
    assert_eq!((one.memory_mb, two.memory_mb), (128, 256));
    assert_eq!((one.revision, two.revision), (Revision(1), Revision(3)));

    let view = |qualifier: &str| {
        let qualifier = qualifier.parse().unwrap();
        bed.control.get_function(&key("hello"), &qualifier).unwrap()
    };
    assert_eq!(view("1").configuration.description.as_str(), "first");
    assert_eq!(
        view("2").configuration.description,
        view("$LATEST").configuration.description
    );
    assert_eq!(view("1").version.to_string(), "1");
    assert_eq!(view("$DEFAULT").version, VersionRef::Latest);
    assert_eq!(view("1").created_at, first.published_at);
    assert_eq!(bed.packages().await, 2, "both packages are in use");
    let retired = bed.around.retired.lock();
    assert!(
        retired.iter().all(|(_, label)| *label == Some(Qualifier::latest())),
        "no update lets instances of a published version go: {retired:?}"
    );
}

#[tokio::test]
async fn publishing_leaves_the_latest_alone() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let (function, version) = (bed.get("hello").unwrap(), bed.resolve("hello", "$LATEST").unwrap());
    bed.publish("hello").await;
    let after = bed.get("hello").unwrap();
    assert_eq!(after.configuration, function.configuration);
    assert_eq!(
        (after.revision, after.modified_at),
        (function.revision, function.modified_at)
    );
    assert!(Arc::ptr_eq(&version, &bed.resolve("hello", "$LATEST").unwrap()));
    assert!(bed.around.retired.lock().is_empty());
}

#[tokio::test]
async fn numbers_count_up_and_none_is_given_twice() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    for expected in ["1", "2", "3"] {
        assert_eq!(bed.publish("hello").await, expected);
    }
    bed.control
        .delete_function_version(deletion("hello", "3"))
        .await
        .unwrap();
    let bed = bed.restart().await;
    assert_eq!(bed.publish("hello").await, "4", "also after a restart");
    bed.create("other").await.unwrap();
    assert_eq!(bed.publish("other").await, "1", "each function counts for itself");
}

#[tokio::test]
async fn an_update_publishes_what_it_makes_when_asked_to() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let new = zip(&[("index.py", "# new")]);
    let code = UpdateFunctionCode {
        key: key("hello"),
        code: new.clone(),
        handler: None,
        publish: Publish::Yes,
    };
    bed.control.update_function_code(code).await.unwrap();
    assert_eq!(
        bed.resolve("hello", "1").unwrap().code,
        skiff_domain::CodeDigest::of(&new)
    );
    let configuration = UpdateFunctionConfiguration {
        timeout: Timeout::from_secs(9).ok(),
        publish: Publish::Yes,
        ..UpdateFunctionConfiguration::of(key("hello"))
    };
    bed.control.update_function_configuration(configuration).await.unwrap();
    assert_eq!(bed.resolve("hello", "2").unwrap().timeout, Duration::from_secs(9));
    assert_eq!(bed.resolve("hello", "1").unwrap().timeout, Duration::from_secs(3));
}

#[tokio::test]
async fn versions_are_listed_with_the_latest_among_them() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    bed.publish("hello").await;
    bed.publish("hello").await;
    update(&bed, "hello", "# changed after both").await;
    for (order_by, order, offset, limit, expected) in [
        (VersionOrder::Number, Order::Ascending, 0, 20, vec!["$LATEST", "1", "2"]),
        (
            VersionOrder::Number,
            Order::Descending,
            0,
            20,
            vec!["2", "1", "$LATEST"],
        ),
        (
            VersionOrder::AddTime,
            Order::Ascending,
            0,
            20,
            vec!["$LATEST", "1", "2"],
        ),
        (
            VersionOrder::ModTime,
            Order::Ascending,
            0,
            20,
            vec!["1", "2", "$LATEST"],
        ),
        (VersionOrder::Number, Order::Ascending, 1, 1, vec!["1"]),
    ] {
        let (names, total) = list(&bed, order_by, order, Page { offset, limit });
        assert_eq!((names, total), (expected.iter().map(ToString::to_string).collect(), 3));
    }
    let nowhere = ListVersions {
        key: key("nope"),
        order_by: VersionOrder::default(),
        order: Order::default(),
        page: Page::default(),
    };
    let error = bed.control.list_versions(&nowhere).unwrap_err();
    assert_eq!(error.code(), "ResourceNotFound.Function");
}

#[tokio::test]
async fn a_deleted_version_is_gone_with_its_instances_and_its_package_and_the_others_stay() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    bed.publish("hello").await;
    update(&bed, "hello", "# new").await;
    bed.publish("hello").await;
    assert_eq!(bed.packages().await, 2);
    bed.around.retired.lock().clear();
    bed.control
        .delete_function_version(deletion("hello", "1"))
        .await
        .unwrap();
    assert_eq!(
        bed.resolve("hello", "1").unwrap_err().code(),
        "ResourceNotFound.Qualifier"
    );
    assert!(bed.resolve("hello", "2").is_ok() && bed.resolve("hello", "$LATEST").is_ok());
    let uid = bed.get("hello").unwrap().uid.clone();
    assert_eq!(*bed.around.retired.lock(), [(uid, Some("1".parse().unwrap()))]);
    assert_eq!(bed.packages().await, 1);
    for (name, qualifier, code) in [
        ("hello", "1", "ResourceNotFound.Qualifier"),
        ("hello", "02", "ResourceNotFound.Qualifier"),
        ("hello", "prod", "ResourceNotFound.Qualifier"),
        ("hello", "$LATEST", "InvalidParameterValue.Qualifier"),
        ("hello", "$DEFAULT", "InvalidParameterValue.Qualifier"),
        ("nope", "1", "ResourceNotFound.Function"),
    ] {
        let error = bed
            .control
            .delete_function_version(deletion(name, qualifier))
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    let input = DeleteFunction {
        key: key("hello"),
        qualifier: Some("2".parse().unwrap()),
    };
    assert_eq!(bed.control.delete_function(input).await.unwrap(), Deleted::Version);
    assert!(bed.resolve("hello", "2").is_err() && bed.get("hello").is_ok());
}

#[tokio::test]
async fn a_deleted_function_takes_its_versions_along() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    bed.publish("hello").await;
    update(&bed, "hello", "# new").await;
    let input = DeleteFunction {
        key: key("hello"),
        qualifier: None,
    };
    bed.control.delete_function(input).await.unwrap();
    assert_eq!(
        bed.resolve("hello", "1").unwrap_err().code(),
        "ResourceNotFound.Function"
    );
    assert_eq!(bed.packages().await, 0);
    bed.create("hello").await.unwrap();
    let bed = bed.restart().await;
    assert_eq!(
        bed.resolve("hello", "1").unwrap_err().code(),
        "ResourceNotFound.Qualifier"
    );
    assert_eq!(bed.publish("hello").await, "1", "another function counts anew");
}

#[tokio::test]
async fn versions_that_a_former_function_left_behind_are_not_the_new_ones() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    bed.publish("hello").await;
    let stored = bed
        .store
        .get(&"version/default/hello/1".parse().unwrap())
        .await
        .unwrap();
    let input = DeleteFunction {
        key: key("hello"),
        qualifier: None,
    };
    bed.control.delete_function(input).await.unwrap();
    bed.create("hello").await.unwrap();
    let put = Op::Put {
        key: "version/default/hello/7".parse().unwrap(),
        value: stored.unwrap().value,
        expect: Expect::Absent,
    };
    bed.store.commit(vec![put]).await.unwrap();
    let bed = bed.restart().await;
    assert!(bed.resolve("hello", "7").is_err());
}

#[tokio::test]
async fn versions_are_as_many_as_there_can_be() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    for _ in 0..VERSIONS_PER_FUNCTION_MAX {
        bed.publish("hello").await;
    }
    let before = bed.get("hello").unwrap();
    let error = bed
        .control
        .publish_version(PublishVersion {
            key: key("hello"),
            description: None,
        })
        .await
        .unwrap_err();
    assert_eq!(error.code(), "LimitExceeded.FunctionVersions", "{error}");
    let input = UpdateFunctionConfiguration {
        publish: Publish::Yes,
        timeout: Timeout::from_secs(9).ok(),
        ..UpdateFunctionConfiguration::of(key("hello"))
    };
    let error = bed.control.update_function_configuration(input).await.unwrap_err();
    assert_eq!(error.code(), "LimitExceeded.FunctionVersions", "{error}");
    assert_eq!(bed.get("hello").unwrap(), before, "and nothing of the update is done");
    let bed = bed.restart().await;
    bed.control
        .delete_function_version(deletion("hello", "7"))
        .await
        .unwrap();
    assert_eq!(bed.publish("hello").await, (VERSIONS_PER_FUNCTION_MAX + 1).to_string());
    let input = DeleteFunction {
        key: key("hello"),
        qualifier: None,
    };
    bed.control.delete_function(input).await.expect("in one commit");
}

#[tokio::test]
async fn packages_of_published_versions_are_kept_and_prepared_over_restarts() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    bed.publish("hello").await;
    let first = bed.resolve("hello", "1").unwrap();
    update(&bed, "hello", "# new").await;
    assert_eq!(bed.packages().await, 2);
    std::fs::write(bed.base.path().join("boot"), "another boot").unwrap();
    let bed = bed.restart().await;
    assert_eq!(bed.resolve("hello", "1").unwrap(), first);
    bed.control.prepare().await;
    assert!(
        bed.base
            .path()
            .join(format!("packages/{}/index.py", first.code))
            .exists()
    );
    assert_eq!(bed.packages().await, 2);
}

#[tokio::test]
async fn functions_stored_before_there_were_versions_are_read() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let function = bed.get("hello").unwrap();
    let of = &function.configuration;
    let old = format!(
        r#"{{"schema":"1","uid":"{}","created_at":"{}","modified_at":"{}","revision":{},"description":"",
            "runtime":"Python3.11","handler":"index.main_handler","memory_mb":128,"timeout_s":3,"init_timeout_s":65,
            "environment":[],"network":"public","tags":[],"code":"{}","code_bytes":{}}}"#,
        function.uid, function.created_at, function.modified_at, function.revision.0, of.code, of.code_bytes
    );
    let put = Op::Put {
        key: "fn/default/hello".parse().unwrap(),
        value: old.into_bytes().into(),
        expect: Expect::Any,
    };
    bed.store.commit(vec![put]).await.unwrap();
    let bed = bed.restart().await;
    let of = Configuration {
        unpacked_bytes: 0, // not recorded then
        ..Configuration::clone(of)
    };
    let expected = Function {
        configuration: Arc::new(of),
        ..Function::clone(&function)
    };
    assert_eq!(*bed.get("hello").unwrap(), expected);
    assert_eq!(bed.publish("hello").await, "1");
}
