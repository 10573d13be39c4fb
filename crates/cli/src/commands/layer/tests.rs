//! Whole command lines against an API in this process.

use std::fs;

use serde_json::{Value, json};

use crate::testing::FakeApi;

#[test]
fn layers_are_published_listed_shown_and_deleted() {
    let api = FakeApi::start(|action, params| {
        let version = |number| {
            json!({"LayerName": "deps", "LayerVersion": number, "CompatibleRuntimes": ["Python3.9", "Python3.11"],
                "Description": "what all need", "Location": "http://here/packages/x"})
        };
        Ok(match action {
            "PublishLayerVersion" => json!({"LayerVersion": 3}),
            "ListLayers" => {
                let all = [version(3)];
                let offset = usize::try_from(params["Offset"].as_u64().expect("a number")).expect("small");
                json!({"Layers": all[offset..], "TotalCount": 1})
            }
            "ListLayerVersions" => json!({"LayerVersions": [version(2), version(3)]}),
            "GetLayerVersion" => version(3),
            _ => json!({}),
        })
    });
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("lib.py"), "x = 1\n").expect("written");
    let path = folder.path().to_str().expect("UTF-8");
    let ran = api.run(&[
        "layer",
        "publish",
        "deps",
        "--code",
        path,
        "--runtime",
        "Python3",
        "--runtime",
        "Nodejs18.15",
        "--license",
        "MIT",
    ]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "layer deps:3 published\n"), "{ran:?}");
    let sent = api.params("PublishLayerVersion");
    assert_eq!(
        (&sent["LayerName"], &sent["CompatibleRuntimes"], &sent["LicenseInfo"]),
        (&json!("deps"), &json!(["Python3", "Nodejs18.15"]), &json!("MIT"))
    );
    assert!(sent["Content"]["ZipFile"].as_str().is_some_and(|zip| !zip.is_empty()));

    let ran = api.run(&["layer", "list", "--runtime", "Python3.11"]);
    assert!(
        ran.out.contains("deps   3") && ran.out.contains("Python3.9, Python3.11"),
        "{ran:?}"
    );
    assert_eq!(api.params("ListLayers")["CompatibleRuntime"], "Python3.11");
    let ran = api.run(&["layer", "versions", "deps", "-o", "json"]);
    let versions: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(versions.as_array().map(Vec::len), Some(2));
    let ran = api.run(&["layer", "show", "deps:3"]);
    assert!(ran.out.contains("http://here/packages/x"), "{ran:?}");
    let ran = api.run(&["layer", "delete", "deps:1", "deps:2"]);
    assert_eq!(ran.out, "layer deps:1 deleted\nlayer deps:2 deleted\n");
    assert_eq!(
        api.params("DeleteLayerVersion"),
        json!({"LayerName": "deps", "LayerVersion": 2})
    );
}

#[test]
fn a_functions_layers_are_given_in_their_order_and_taken_away() {
    let api = FakeApi::start(|action, _| {
        Ok(match action {
            "GetFunction" => json!({"Status": "Active"}),
            _ => json!({}),
        })
    });
    let ran = api.run(&[
        "function", "update", "hello", "--layer", "deps:3", "--layer", "models:1",
    ]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    let expected = json!([{"LayerName": "deps", "LayerVersion": 3}, {"LayerName": "models", "LayerVersion": 1}]);
    assert_eq!(api.params("UpdateFunctionConfiguration")["Layers"], expected);
    api.run(&["function", "update", "hello", "--no-layers"]);
    assert_eq!(api.params("UpdateFunctionConfiguration")["Layers"], json!([]));
}
