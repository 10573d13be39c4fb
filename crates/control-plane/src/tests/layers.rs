//! Layers: published, listed, bound, laid over each other, deleted.

use skiff_domain::limits::{LAYERS_MAX, LAYERS_PER_FUNCTION_MAX, UNPACKED_BYTES_MAX, VERSIONS_PER_LAYER_MAX};
use skiff_domain::{CodeDigest, LayerName, LayerRef};
use skiff_store::{Expect, Op};

use super::*;
use crate::document::Document;
use crate::layer::{EMPTIED_LAYERS_MAX, Layer};

fn content(text: &str) -> Bytes {
    zip(&[("lib/m.py", text)])
}

fn publication(name: &str, text: &str) -> PublishLayerVersion {
    PublishLayerVersion {
        name: name.parse().unwrap(),
        content: content(text),
        runtimes: CompatibleRuntimes::parse(&["Python3".to_owned()]).unwrap(),
        description: Description::default(),
        license: License::default(),
        tags: None,
    }
}

async fn publish(bed: &Bed, name: &str, text: &str) -> LayerRef {
    let version = bed
        .control
        .publish_layer_version(publication(name, text))
        .await
        .unwrap();
    LayerRef {
        name: version.name.clone(),
        number: version.number,
    }
}

fn layer(text: &str) -> LayerRef {
    let (name, number) = text.split_once(':').unwrap();
    LayerRef {
        name: name.parse().unwrap(),
        number: number.parse().unwrap(),
    }
}

fn with_layers(name: &str, layers: &[&str]) -> CreateFunction {
    CreateFunction {
        layers: layers.iter().map(|text| layer(text)).collect(),
        ..creation(name)
    }
}

async fn rebind(bed: &Bed, name: &str, layers: &[&str]) -> Result<(), UpdateFunctionConfigurationError> {
    let input = UpdateFunctionConfiguration {
        layers: Some(layers.iter().map(|text| layer(text)).collect()),
        ..UpdateFunctionConfiguration::of(key(name))
    };
    bed.control.update_function_configuration(input).await
}

fn bound(bed: &Bed, name: &str) -> Vec<String> {
    let function = bed.get(name).unwrap();
    let layers = function.configuration.layers.as_slice().iter();
    layers.map(|layer| format!("{}:{}", layer.name, layer.number)).collect()
}

fn listed(bed: &Bed, input: &ListLayers) -> Vec<String> {
    let listing = bed.control.list_layers(input);
    let items = listing.items.iter();
    items
        .map(|view| format!("{}:{}", view.version.name, view.version.number))
        .collect()
}

#[tokio::test]
async fn versions_of_a_layer_count_up_and_none_is_given_twice() {
    let bed = Bed::new().await;
    for expected in ["deps:1", "deps:2"] {
        assert_eq!(publish(&bed, "deps", expected).await.to_string(), expected);
    }
    assert_eq!(publish(&bed, "other", "x").await.to_string(), "other:1");
    for gone in ["deps:1", "deps:2"] {
        bed.control.delete_layer_version(layer(gone)).await.unwrap();
    }
    let bed = bed.restart().await;
    assert_eq!(
        publish(&bed, "deps", "3").await.to_string(),
        "deps:3",
        "also after all are gone"
    );
}

#[tokio::test]
async fn a_publication_whose_caller_goes_away_while_it_waits_keeps_its_package() {
    let bed = Bed::new().await;
    let turn = bed.control.inner.turn.acquire().await.unwrap();
    let mut publication = Box::pin(bed.control.publish_layer_version(publication("deps", "x")));
    let tasks = &bed.control.inner.tasks;
    let waits = async {
        while tasks.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        published = &mut publication => panic!("it has not had its turn: {published:?}"),
        () = waits => {}
    }
    drop(publication);
    bed.control.collect().await;
    drop(turn);
    assert_eq!(bed.packages().await, 1);
    let view = bed.control.get_layer_version(&layer("deps:1")).unwrap();
    assert!(bed.control.inner.artifacts.folder(view.version.code).await.is_ok());
}

#[tokio::test]
async fn a_call_that_comes_before_its_layers_are_compiled_again_leaves_no_stack_without_byte_code() {
    let bed = Bed::new().await;
    for name in ["one", "two"] {
        publish(&bed, name, name).await;
    }
    let input = with_layers("hello", &["one:1", "two:1"]);
    bed.control.create_function(input).await.unwrap();
    std::fs::write(bed.base.path().join("boot"), "another boot").unwrap();
    let bed = bed.restart().await;
    let version = bed.resolve("hello", "$LATEST").unwrap();
    let stack = async || {
        bed.control
            .inner
            .artifacts
            .stack(&version.layers)
            .await
            .unwrap()
            .unwrap()
    };
    let byte_code = "__pycache__/index.Python3.11.pyc";
    let compiler = bed.around.compiler.lock().await;
    let called = async {
        let called = stack().await;
        drop(compiler);
        called
    };
    let ((), called) = tokio::join!(bed.control.prepare(), called);
    assert!(!called.join(byte_code).exists(), "what is in use stays as it is");
    drop(called);
    bed.control.collect().await;
    assert!(stack().await.join(byte_code).exists());
}

#[tokio::test]
async fn layers_whose_versions_are_all_deleted_count_no_more() {
    let bed = Bed::new().await;
    for i in 1..=LAYERS_MAX {
        publish(&bed, &format!("l{i}"), "x").await;
    }
    let error = bed.control.publish_layer_version(publication("more", "x")).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), "LimitExceeded.Layers", "{error}");
    bed.control.delete_layer_version(layer("l1:1")).await.unwrap();
    publish(&bed, "more", "x").await;
}

#[tokio::test]
async fn layers_without_versions_are_remembered_up_to_a_number_the_last_ones() {
    let bed = Bed::new().await;
    // As if they had been published and deleted.
    let emptied = (0..EMPTIED_LAYERS_MAX).map(|i| Layer {
        name: format!("old{i}").parse().unwrap(),
        last_version: "7".parse().unwrap(),
        tags: Tags::default(),
    });
    for layer in emptied {
        let document = Document::Layer(layer);
        let op = Op::Put {
            key: document.id().key().unwrap(),
            value: document.encode().unwrap(),
            expect: Expect::Absent,
        };
        bed.store.commit(vec![op]).await.unwrap();
    }
    let bed = bed.restart().await;
    publish(&bed, "new", "x").await;
    bed.control.delete_layer_version(layer("new:1")).await.unwrap();
    let bed = bed.restart().await;
    for (name, expected) in [("old1", "old1:8"), ("old0", "old0:1"), ("new", "new:2")] {
        assert_eq!(publish(&bed, name, "x").await.to_string(), expected);
    }
}

#[tokio::test]
async fn a_layer_is_shown_with_everything_it_was_published_with() {
    let bed = Bed::new().await;
    let tags = Tags::new(vec![("team".to_owned(), "probe".to_owned())]).unwrap();
    let input = PublishLayerVersion {
        description: Description::new("numbers").unwrap(),
        license: License::new("MIT").unwrap(),
        runtimes: CompatibleRuntimes::parse(&["Python3.11".to_owned(), "Nodejs18.15".to_owned()]).unwrap(),
        tags: Some(tags.clone()),
        ..publication("deps", "x = 1")
    };
    bed.control.publish_layer_version(input.clone()).await.unwrap();
    bed.control
        .publish_layer_version(publication("deps", "x = 2"))
        .await
        .unwrap();
    let bed = bed.restart().await;
    let view = bed.control.get_layer_version(&layer("deps:1")).unwrap();
    assert_eq!(view.version.description, input.description);
    assert_eq!(view.version.license, input.license);
    assert_eq!(view.version.runtimes, input.runtimes);
    assert_eq!(view.version.code, CodeDigest::of(&input.content));
    assert_eq!(view.version.code_bytes, input.content.len() as u64);
    assert_eq!(view.version.unpacked_bytes, "x = 1".len() as u64);
    assert_eq!(view.layer.tags, tags, "the second version said nothing of tags");
    assert_eq!(bed.packages().await, 2, "nobody binds them, and they are kept");
    for (wanted, code) in [
        ("deps:3", "ResourceNotFound.LayerVersion"),
        ("nothing:1", "ResourceNotFound.Layer"),
    ] {
        let error = bed.control.get_layer_version(&layer(wanted)).unwrap_err();
        assert_eq!(error.code(), code);
        let error = bed.control.delete_layer_version(layer(wanted)).await.unwrap_err();
        assert_eq!(error.code(), code);
    }
}

#[tokio::test]
async fn layers_are_listed_each_with_its_newest_version_by_name_and_runtime() {
    let bed = Bed::new().await;
    let node = CompatibleRuntimes::parse(&["Nodejs18.15".to_owned()]).unwrap();
    for (name, runtimes) in [
        ("deps", None),
        ("deps", None),
        ("deps", Some(node.clone())),
        ("lint", Some(node)),
        ("alpha", None),
    ] {
        let plain = publication(name, name);
        let input = PublishLayerVersion {
            runtimes: runtimes.unwrap_or_else(|| plain.runtimes.clone()),
            ..plain
        };
        bed.control.publish_layer_version(input).await.unwrap();
    }
    let all = ListLayers::default;
    let node: RuntimeName = runtime("Nodejs18.15");
    for (input, expected) in [
        (all(), vec!["alpha:1", "deps:3", "lint:1"]),
        (
            ListLayers {
                search_key: Some("l".to_owned()),
                ..all()
            },
            vec!["alpha:1", "lint:1"],
        ),
        (
            ListLayers {
                runtimes: vec![runtime("Python3.9")],
                ..all()
            },
            vec!["alpha:1", "deps:2"],
        ),
        (
            ListLayers {
                page: Page { offset: 1, limit: 1 },
                ..all()
            },
            vec!["deps:3"],
        ),
    ] {
        assert_eq!(listed(&bed, &input), expected, "{input:?}");
    }
    let deps: LayerName = "deps".parse().unwrap();
    let numbers = |runtimes: &[RuntimeName]| -> Vec<u64> {
        let versions = bed.control.list_layer_versions(&deps, runtimes).unwrap();
        versions.iter().map(|view| view.version.number.get()).collect()
    };
    assert_eq!(numbers(&[]), [1, 2, 3]);
    assert_eq!(numbers(&[node]), [3]);
    assert!(bed.control.list_layer_versions(&"no".parse().unwrap(), &[]).is_err());
    for gone in ["lint:1", "deps:3"] {
        bed.control.delete_layer_version(layer(gone)).await.unwrap();
    }
    assert_eq!(listed(&bed, &all()), ["alpha:1", "deps:2"]);
}

#[tokio::test]
async fn a_function_has_its_layers_in_their_order_until_they_are_stated_anew() {
    let bed = Bed::new().await;
    for name in ["one", "two", "three"] {
        publish(&bed, name, name).await;
    }
    let input = with_layers("hello", &["two:1", "one:1"]);
    bed.control.create_function(input).await.unwrap();
    assert_eq!(bound(&bed, "hello"), ["two:1", "one:1"]);
    let version = bed.resolve("hello", "$LATEST").unwrap();
    let digests = ["two", "one"].map(|text| CodeDigest::of(&content(text)));
    assert_eq!(version.layers.layers(), digests);
    rebind(&bed, "hello", &["one:1", "two:1", "three:1"]).await.unwrap();
    let bed = bed.restart().await;
    assert_eq!(bound(&bed, "hello"), ["one:1", "two:1", "three:1"]);
    let untouched = UpdateFunctionConfiguration {
        timeout: Timeout::from_secs(9).ok(),
        ..UpdateFunctionConfiguration::of(key("hello"))
    };
    bed.control.update_function_configuration(untouched).await.unwrap();
    assert_eq!(bound(&bed, "hello").len(), 3, "what is not given stays");
    bed.publish("hello").await;
    rebind(&bed, "hello", &[]).await.unwrap();
    assert!(bound(&bed, "hello").is_empty());
    assert!(bed.resolve("hello", "$LATEST").unwrap().layers.whole().is_none());
    assert_eq!(bed.resolve("hello", "1").unwrap().layers.layers().len(), 3);
}

#[tokio::test]
async fn layers_that_cannot_be_bound_are_refused_and_nothing_is_kept() {
    let bed = Bed::new().await;
    for number in 0..=LAYERS_PER_FUNCTION_MAX {
        publish(&bed, &format!("l{number}"), "x").await;
    }
    publish(&bed, "l0", "y").await;
    let node = PublishLayerVersion {
        runtimes: CompatibleRuntimes::parse(&["Nodejs18.15".to_owned()]).unwrap(),
        ..publication("node", "x")
    };
    bed.control.publish_layer_version(node).await.unwrap();
    bed.create("there").await.unwrap();
    let before = bed.get("there").unwrap();
    let too_many = ["l0:1", "l1:1", "l2:1", "l3:1", "l4:1", "l5:1"];
    for (layers, code) in [
        (&too_many[..], "LimitExceeded.Layers"),
        (&["l0:1", "l0:2"], "InvalidParameterValue.Layers"),
        (&["l0:1", "l0:1"], "InvalidParameterValue.Layers"),
        (&["nothing:1"], "ResourceNotFound.Layer"),
        (&["l0:3"], "ResourceNotFound.LayerVersion"),
        (&["l0:1", "node:1"], "InvalidParameterValue.Layers"),
    ] {
        let error = bed
            .control
            .create_function(with_layers("hello", layers))
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        let error = rebind(&bed, "there", layers).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
    assert!(bed.get("hello").is_err());
    assert_eq!(bed.get("there").unwrap(), before);
    rebind(&bed, "there", &too_many[..5]).await.expect("five are fine");
}

#[tokio::test]
async fn a_runtime_that_a_layer_is_not_for_is_not_changed_to() {
    let bed = Bed::new().await;
    let input = PublishLayerVersion {
        runtimes: CompatibleRuntimes::parse(&["Python3.11".to_owned()]).unwrap(),
        ..publication("deps", "x")
    };
    bed.control.publish_layer_version(input).await.unwrap();
    bed.control
        .create_function(with_layers("hello", &["deps:1"]))
        .await
        .unwrap();
    let older = UpdateFunctionConfiguration {
        runtime: Some("Python3.9".parse().unwrap()),
        ..UpdateFunctionConfiguration::of(key("hello"))
    };
    let error = bed
        .control
        .update_function_configuration(older.clone())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue.Layers");
    assert!(error.to_string().contains("Python3.11"), "{error}");
    let both = UpdateFunctionConfiguration {
        layers: Some(Vec::new()),
        ..older
    };
    bed.control
        .update_function_configuration(both)
        .await
        .expect("together they go");
}

#[tokio::test]
async fn a_deleted_layer_version_stays_with_the_functions_that_have_it() {
    let bed = Bed::new().await;
    publish(&bed, "deps", "x").await;
    bed.control
        .create_function(with_layers("hello", &["deps:1"]))
        .await
        .unwrap();
    bed.control.delete_layer_version(layer("deps:1")).await.unwrap();
    assert_eq!(bound(&bed, "hello"), ["deps:1"]);
    assert_eq!(bed.packages().await, 2);
    let error = bed
        .control
        .create_function(with_layers("late", &["deps:1"]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "ResourceNotFound.LayerVersion");
    let bed = bed.restart().await;
    publish(&bed, "more", "y").await;
    rebind(&bed, "hello", &["more:1", "deps:1"])
        .await
        .expect("what it has it keeps");
    let version = bed.resolve("hello", "$LATEST").unwrap();
    let stack = bed
        .control
        .inner
        .artifacts
        .stack(&version.layers)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        std::fs::read_to_string(stack.join("lib/m.py")).unwrap(),
        "x",
        "the later one"
    );
    drop((stack, version));
    assert_eq!(bed.packages().await, 3);
    rebind(&bed, "hello", &["more:1"]).await.unwrap();
    assert_eq!(bed.packages().await, 2, "and the stack is gone too");
    let error = rebind(&bed, "hello", &["deps:1"]).await.unwrap_err();
    assert_eq!(error.code(), "ResourceNotFound.LayerVersion", "what it let go is gone");
}

#[tokio::test]
async fn code_and_layers_together_have_a_limit() {
    let bed = Bed::new().await;
    publish(&bed, "large", "x").await;
    // As if there were so much in it that 20 bytes of code are left.
    let place = "layer-version/large/1".parse().unwrap();
    let stored = bed.store.get(&place).await.unwrap().unwrap();
    let mut document: serde_json::Value = serde_json::from_slice(&stored.value).unwrap();
    document["unpacked_bytes"] = (UNPACKED_BYTES_MAX - 20).into();
    let put = Op::Put {
        key: place,
        value: document.to_string().into(),
        expect: Expect::Any,
    };
    bed.store.commit(vec![put]).await.unwrap();
    let bed = bed.restart().await;
    let [small, large] = ["#".repeat(20), "#".repeat(21)].map(|text| zip(&[("index.py", &text)]));
    let input = |name: &str, code: &Bytes, layers: &[&str]| CreateFunction {
        code: code.clone(),
        ..with_layers(name, layers)
    };
    let refused = |code: &'static str| assert_eq!(code, "LimitExceeded.Layers");
    let create = |input| bed.control.create_function(input);
    create(input("hello", &small, &["large:1"]))
        .await
        .expect("up to the limit");
    refused(create(input("other", &large, &["large:1"])).await.unwrap_err().code());
    create(input("other", &large, &[])).await.expect("alone it is fine");
    refused(rebind(&bed, "other", &["large:1"]).await.unwrap_err().code());
    let update = UpdateFunctionCode {
        key: key("hello"),
        code: large,
        handler: None,
        publish: Publish::No,
    };
    refused(bed.control.update_function_code(update).await.unwrap_err().code());
    let copy = CopyFunction {
        source: key("other"),
        target: key("hello"),
        description: None,
        existing: ExistingTarget::Override,
        what: CopyWhat::Code,
    };
    refused(bed.control.copy_function(copy).await.unwrap_err().code());
    assert_eq!(bed.packages().await, 3);
}

#[tokio::test]
async fn a_refused_layer_leaves_nothing() {
    let bed = Bed::new().await;
    let input = PublishLayerVersion {
        content: Bytes::from_static(b"no zip"),
        ..publication("deps", "")
    };
    let error = bed.control.publish_layer_version(input).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue.ZipFile");
    assert_eq!(bed.packages().await, 0);
    assert!(listed(&bed, &ListLayers::default()).is_empty());
}

#[tokio::test]
async fn a_layer_is_compiled_for_the_installed_runtimes_it_is_for() {
    let bed = Bed::new().await;
    let input = PublishLayerVersion {
        runtimes: CompatibleRuntimes::parse(&["Python3.11".to_owned(), "Python3.13".to_owned()]).unwrap(),
        ..publication("deps", "x")
    };
    bed.control.publish_layer_version(input).await.unwrap();
    assert_eq!(*bed.around.compiled.lock(), [runtime("Python3.11")]);
}

#[tokio::test]
async fn layers_lost_to_a_reboot_are_made_again() {
    let bed = Bed::new().await;
    publish(&bed, "one", "1").await;
    publish(&bed, "two", "2").await;
    bed.control
        .create_function(with_layers("hello", &["one:1", "two:1"]))
        .await
        .unwrap();
    let stack = bed.resolve("hello", "$LATEST").unwrap().layers.clone();
    std::fs::write(bed.base.path().join("boot"), "another boot").unwrap();
    let bed = bed.restart().await;
    bed.control.prepare().await;
    let folder = bed.base.path().join("stacks").join(stack.whole().unwrap().to_string());
    assert_eq!(std::fs::read_to_string(folder.join("lib/m.py")).unwrap(), "2");
    assert_eq!(bed.packages().await, 3);
}

#[tokio::test]
async fn a_copy_has_the_layers_with_the_configuration_and_not_with_the_code_alone() {
    let bed = Bed::new().await;
    publish(&bed, "deps", "x").await;
    bed.control
        .create_function(with_layers("hello", &["deps:1"]))
        .await
        .unwrap();
    for (what, target, layers) in [
        (CopyWhat::CodeAndConfiguration, "whole", 1),
        (CopyWhat::Code, "code", 0),
    ] {
        let copy = CopyFunction {
            source: key("hello"),
            target: key(target),
            description: None,
            existing: ExistingTarget::Keep,
            what,
        };
        bed.control.copy_function(copy).await.unwrap();
        assert_eq!(bound(&bed, target).len(), layers, "{target}");
    }
}

#[tokio::test]
async fn versions_of_a_layer_are_as_many_as_there_can_be() {
    let bed = Bed::new().await;
    for _ in 0..VERSIONS_PER_LAYER_MAX {
        publish(&bed, "deps", "the same").await;
    }
    let error = bed
        .control
        .publish_layer_version(publication("deps", "more"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "LimitExceeded.LayerVersions", "{error}");
    bed.control.delete_layer_version(layer("deps:7")).await.unwrap();
    publish(&bed, "deps", "more").await;
}

#[tokio::test]
async fn a_layer_of_links_alone_is_told_that_a_layer_needs_files() {
    let bed = Bed::new().await;
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer
        .add_symlink("here", "there", zip::write::SimpleFileOptions::default())
        .unwrap();
    let input = PublishLayerVersion {
        content: writer.finish().unwrap().into_inner().into(),
        ..publication("deps", "")
    };
    let error = bed.control.publish_layer_version(input).await.unwrap_err();
    assert_eq!(error.code(), "InvalidParameterValue.ZipFile");
    let text = error.to_string();
    assert!(
        text.contains("the layer's files") && !text.contains("function"),
        "{text}"
    );
}
