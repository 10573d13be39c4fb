//! What is there after a restart.

use skiff_store::{Expect, Key, Op};

use super::*;

#[tokio::test]
async fn a_restart_finds_everything_as_it_was() {
    let bed = Bed::new().await;
    let prod = CreateNamespace {
        name: "prod".parse().unwrap(),
        description: Description::new("live").unwrap(),
    };
    bed.control.create_namespace(prod).await.unwrap();
    for (name, memory) in [("one", 128), ("two", 256), ("prod/one", 512)] {
        let input = CreateFunction {
            memory: MemorySize::from_mb(memory).unwrap(),
            environment: Environment::new(vec![("AB".to_owned(), "ü\n".to_owned())]).unwrap(),
            tags: Tags::new(vec![("k".to_owned(), "v".to_owned())]).unwrap(),
            network: NetworkMode::Private,
            description: Description::new(name).unwrap(),
            ..creation(name)
        };
        bed.control.create_function(input).await.unwrap();
    }
    let update = UpdateFunctionConfiguration {
        timeout: Timeout::from_secs(77).ok(),
        ..UpdateFunctionConfiguration::of(key("two"))
    };
    bed.control.update_function_configuration(update).await.unwrap();
    let everything = |bed: &Bed| {
        let functions = ["one", "two", "prod/one"].map(|name| bed.get(name).unwrap());
        let versions = ["one", "two", "prod/one"].map(|name| bed.resolve(name, "$LATEST"));
        (
            functions,
            versions,
            bed.control.list_namespaces(&ListNamespaces::default()),
            bed.control.account(),
        )
    };
    let before = everything(&bed);
    let bed = bed.restart().await;
    assert_eq!(everything(&bed), before);
    bed.create("three").await.expect("and it goes on from there");
}

#[tokio::test]
async fn more_functions_than_a_page_of_the_store_are_all_found() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let doc = bed
        .store
        .get(&"fn/default/hello".parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let puts = (0..2500).map(|i| Op::Put {
        key: format!("fn/default/f{i:04}").parse().unwrap(),
        value: doc.value.clone(),
        expect: Expect::Absent,
    });
    bed.store.commit(puts.collect()).await.unwrap();
    let bed = bed.restart().await;
    let listing = bed.control.list_functions(&ListFunctions::default()).unwrap();
    assert_eq!(listing.total, 2501);
}

#[tokio::test]
async fn packages_nobody_came_to_use_are_removed_when_opened() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    let artifacts = Artifacts::open(bed.base.path(), bed.blobs.clone()).await.unwrap();
    drop(artifacts.admit(zip(&[("orphan.py", "")])).await.unwrap());
    drop(artifacts);
    let bed = bed.restart().await;
    let folders = std::fs::read_dir(bed.base.path().join("packages")).unwrap().count();
    assert_eq!(folders, 1, "removed before anything was asked");
    assert_eq!(bed.packages().await, 1);
}

#[tokio::test]
async fn packages_lost_to_a_reboot_are_unpacked_and_compiled_again() {
    let bed = Bed::new().await;
    bed.create("hello").await.unwrap();
    bed.create("again").await.unwrap();
    let same_code = CreateFunction {
        runtime: Some("Python3.9".parse().unwrap()),
        ..creation("older")
    };
    bed.control.create_function(same_code).await.unwrap();
    bed.around.compiled.lock().clear();
    let code = bed.get("hello").unwrap().configuration.code;
    std::fs::write(bed.base.path().join("boot"), "another boot").unwrap();
    let bed = bed.restart().await;
    assert!(!bed.base.path().join(format!("packages/{code}")).exists());
    bed.control.prepare().await;
    for file in [
        "index.py",
        "__pycache__/index.Python3.11.pyc",
        "__pycache__/index.Python3.9.pyc",
    ] {
        assert!(
            bed.base.path().join(format!("packages/{code}/{file}")).exists(),
            "{file}"
        );
    }
    assert_eq!(bed.around.compiled.lock().len(), 2);
    bed.control.prepare().await;
    assert_eq!(bed.around.compiled.lock().len(), 2, "nothing was left to do");
}

#[tokio::test]
async fn a_document_that_cannot_be_read_is_named_and_stops_the_start() {
    for (name, value) in [
        ("fn/default/hello", "{}"),
        ("fn/default/hello", r#"{"schema":"2","anything":1}"#),
        ("fn/default/-", "{}"),
        ("ns/default", "not json"),
        ("account", r#"{"schema":"9"}"#),
    ] {
        let bed = Bed::new().await;
        let put = Op::Put {
            key: name.parse::<Key>().unwrap(),
            value: Bytes::copy_from_slice(value.as_bytes()),
            expect: Expect::Any,
        };
        bed.store.commit(vec![put]).await.unwrap();
        let opened = open(bed.base.path(), bed.store.clone(), bed.blobs.clone(), &bed.around).await;
        let error = opened.unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[tokio::test]
async fn documents_of_others_are_left_alone() {
    let bed = Bed::new().await;
    let key = "trigger/default/t1".parse::<Key>().unwrap();
    let put = Op::Put {
        key: key.clone(),
        value: Bytes::from_static(b"x"),
        expect: Expect::Absent,
    };
    bed.store.commit(vec![put]).await.unwrap();
    let bed = bed.restart().await;
    assert!(bed.store.get(&key).await.unwrap().is_some());
}
