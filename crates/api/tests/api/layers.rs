//! Layers over the API, and packages behind links.

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::server::{HOST, Server, hello, with, zip};

fn content(text: &str) -> Vec<u8> {
    zip(&[("lib.py", text)])
}

fn publication(name: &str, text: &str) -> Value {
    json!({
        "LayerName": name, "CompatibleRuntimes": ["Python3.9", "Python3.11"],
        "Content": {"ZipFile": STANDARD.encode(content(text))},
    })
}

/// What a link leads to: status and body.
async fn get(server: &Server, link: &str) -> (u16, Bytes) {
    let path = link.strip_prefix(&format!("http://{HOST}")).unwrap();
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = server.router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    (status, response.into_body().collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn a_layer_is_published_listed_shown_bound_and_deleted() {
    let server = Server::start().await;
    let told =
        json!({"Description": "what all need", "LicenseInfo": "MIT", "Tags": [{"Key": "team", "Value": "probe"}]});
    for (text, number) in [("1", 1), ("2", 2)] {
        let published = with(publication("deps", text), told.clone());
        assert_eq!(
            server.ok("PublishLayerVersion", published).await["LayerVersion"],
            number
        );
    }
    let shown = server
        .ok("GetLayerVersion", json!({"LayerName": "deps", "LayerVersion": 1}))
        .await;
    for (field, value) in [
        ("LayerName", json!("deps")),
        ("LayerVersion", json!(1)),
        ("CompatibleRuntimes", json!(["Python3.9", "Python3.11"])),
        ("Description", json!("what all need")),
        ("LicenseInfo", json!("MIT")),
        ("Status", json!("Active")),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    let listed = server.ok("ListLayers", json!({})).await;
    assert_eq!(
        (&listed["TotalCount"], &listed["Layers"][0]["LayerVersion"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(listed["Layers"][0]["Tags"], told["Tags"]);
    let versions = server.ok("ListLayerVersions", json!({"LayerName": "deps"})).await;
    assert_eq!(versions["LayerVersions"].as_array().unwrap().len(), 2);

    let layers = |numbers: &[i64]| -> Value {
        numbers
            .iter()
            .map(|number| json!({"LayerName": "deps", "LayerVersion": number}))
            .collect()
    };
    server
        .ok("CreateFunction", with(hello(), json!({"Layers": layers(&[1])})))
        .await;
    server
        .ok("DeleteLayerVersion", json!({"LayerName": "deps", "LayerVersion": 1}))
        .await;
    let function = json!({"FunctionName": "hello"});
    let bound = server.ok("GetFunction", function.clone()).await["Layers"].clone();
    assert_eq!(
        bound[0]["LayerVersion"], 1,
        "a function keeps a deleted version: {bound}"
    );
    for (numbers, left) in [(&[2][..], 1), (&[], 0)] {
        let change = with(function.clone(), json!({"Layers": layers(numbers)}));
        server.ok("UpdateFunctionConfiguration", change).await;
        let bound = server.ok("GetFunction", function.clone()).await["Layers"].clone();
        assert_eq!(bound.as_array().unwrap().len(), left, "{bound}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_layers_gets_its_documented_code() {
    let server = Server::with_hello().await;
    server.ok("PublishLayerVersion", publication("deps", "1")).await;
    server
        .ok(
            "PublishLayerVersion",
            with(publication("old", "1"), json!({"CompatibleRuntimes": ["Python3.9"]})),
        )
        .await;
    let publish = |fields| with(publication("deps", "2"), fields);
    let layer = |name: &str, version: i64| json!([{"LayerName": name, "LayerVersion": version}]);
    let bind = |layers: Value| json!({"FunctionName": "hello", "Layers": layers});
    let six: Value = (0..6).map(|_| layer("deps", 1)[0].clone()).collect();
    let twice = json!([layer("deps", 1)[0], layer("deps", 1)[0]]);
    for (action, parameters, code) in [
        (
            "PublishLayerVersion",
            publish(json!({"LayerName": "1st"})),
            "InvalidParameterValue.LayerName",
        ),
        (
            "PublishLayerVersion",
            publish(json!({"CompatibleRuntimes": []})),
            "InvalidParameterValue.CompatibleRuntimes",
        ),
        (
            "PublishLayerVersion",
            publish(json!({"CompatibleRuntimes": ["Cobol"]})),
            "InvalidParameterValue.CompatibleRuntimes",
        ),
        (
            "PublishLayerVersion",
            publish(json!({"Content": {}})),
            "MissingParameter.Code",
        ),
        (
            "PublishLayerVersion",
            publish(json!({"Content": {"ZipFile": "%"}})),
            "InvalidParameterValue.ZipFileBase64BinasciiError",
        ),
        (
            "PublishLayerVersion",
            publish(json!({"Content": {"ZipFile": "eA=="}})),
            "InvalidParameterValue.ZipFile",
        ),
        (
            "PublishLayerVersion",
            publish(json!({"Content": {"CosBucketName": "x"}})),
            "UnsupportedOperation.Cos",
        ),
        (
            "PublishLayerVersion",
            publish(json!({"LicenseInfo": "x".repeat(1001)})),
            "InvalidParameterValue",
        ),
        (
            "GetLayerVersion",
            json!({"LayerName": "nothing", "LayerVersion": 1}),
            "ResourceNotFound.Layer",
        ),
        (
            "GetLayerVersion",
            json!({"LayerName": "deps", "LayerVersion": 7}),
            "ResourceNotFound.LayerVersion",
        ),
        (
            "GetLayerVersion",
            json!({"LayerName": "deps", "LayerVersion": 0}),
            "InvalidParameterValue",
        ),
        (
            "DeleteLayerVersion",
            json!({"LayerName": "deps", "LayerVersion": 7}),
            "ResourceNotFound.LayerVersion",
        ),
        (
            "ListLayerVersions",
            json!({"LayerName": "nothing"}),
            "ResourceNotFound.Layer",
        ),
        (
            "ListLayers",
            json!({"CompatibleRuntime": "Cobol"}),
            "InvalidParameterValue.CompatibleRuntimes",
        ),
        ("UpdateFunctionConfiguration", bind(six), "LimitExceeded.Layers"),
        (
            "UpdateFunctionConfiguration",
            bind(twice),
            "InvalidParameterValue.Layers",
        ),
        (
            "UpdateFunctionConfiguration",
            bind(layer("old", 1)),
            "InvalidParameterValue.Layers",
        ),
        (
            "UpdateFunctionConfiguration",
            bind(layer("nothing", 1)),
            "ResourceNotFound.Layer",
        ),
        (
            "UpdateFunctionConfiguration",
            bind(layer("deps", 2)),
            "ResourceNotFound.LayerVersion",
        ),
        (
            "UpdateFunctionConfiguration",
            bind(json!([{"LayerName": "deps"}])),
            "MissingParameter",
        ),
    ] {
        assert_eq!(
            server.code(action, parameters.clone()).await,
            code,
            "{action} {parameters}"
        );
    }
    let versions = server.ok("ListLayerVersions", json!({"LayerName": "deps"})).await;
    assert_eq!(
        versions["LayerVersions"].as_array().unwrap().len(),
        1,
        "nothing was published"
    );
}

#[tokio::test]
async fn a_link_leads_to_the_package_as_it_was_uploaded_and_to_nothing_else() {
    let server = Server::with_hello().await;
    server.ok("PublishLayerVersion", publication("deps", "1")).await;
    let layer = json!({"LayerName": "deps", "LayerVersion": 1});
    let shown = server.ok("GetLayerVersion", layer.clone()).await;
    let link = shown["Location"].as_str().unwrap();
    assert_eq!(get(&server, link).await, (200, content("1").into()));
    let address = server.ok("GetFunctionAddress", json!({"FunctionName": "hello"})).await;
    let (status, zip) = get(&server, address["Url"].as_str().unwrap()).await;
    assert_eq!(status, 200);
    let created = hello();
    assert_eq!(STANDARD.encode(&zip), created["Code"]["ZipFile"].as_str().unwrap());
    let code = address["CodeSha256"].as_str().unwrap();
    assert!(address["Url"].as_str().unwrap().contains(code));

    let (path, query) = link.split_once('?').unwrap();
    let other = link.replace(shown["CodeSha256"].as_str().unwrap(), code);
    let later = link.replacen("expires=", "expires=9", 1);
    for (wrong, status) in [
        (path, 403),
        (&other, 403),
        (&later, 403),
        (&format!("http://{HOST}/packages/x?{query}"), 404),
    ] {
        assert_eq!(get(&server, wrong).await.0, status, "{wrong}");
    }
    server.ok("DeleteLayerVersion", layer).await;
    assert_eq!(get(&server, link).await.0, 404, "what nobody has is not to be had");
    server.ok("DeleteFunction", json!({"FunctionName": "hello"})).await;
    let of_the_function = get(&server, address["Url"].as_str().unwrap()).await;
    assert_eq!(of_the_function.0, 404, "it ends with its function");
}
