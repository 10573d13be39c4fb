//! Versions over the API.

use serde_json::{Value, json};

use crate::server::{Server, code, with, zip_file};

async fn versions(server: &Server) -> Vec<String> {
    let answer = server
        .ok("ListVersionByFunction", json!({"FunctionName": "hello"}))
        .await;
    let names: Vec<String> = serde_json::from_value(answer["FunctionVersion"].clone()).unwrap();
    let entries = answer["Versions"].as_array().unwrap();
    assert_eq!(
        entries.iter().map(|entry| entry["Version"].clone()).collect::<Value>(),
        json!(names)
    );
    assert!(entries.iter().all(|entry| entry["Status"] == "Active"));
    assert_eq!(answer["TotalCount"], names.len());
    names
}

#[tokio::test]
async fn a_version_is_published_shown_called_and_deleted() {
    let server = Server::with_hello().await;
    assert_eq!(versions(&server).await, ["$LATEST"]);
    let published = server
        .ok(
            "PublishVersion",
            json!({"FunctionName": "hello", "Description": "first"}),
        )
        .await;
    for (field, value) in [
        ("FunctionVersion", json!("1")),
        ("Description", json!("first")),
        ("MemorySize", json!(128)),
        ("Timeout", json!(3)),
        ("Handler", json!("index.main_handler")),
        ("Runtime", json!("Python3.11")),
        ("Namespace", json!("default")),
    ] {
        assert_eq!(published[field], value, "{field}");
    }
    assert!(published["CodeSize"].as_u64().unwrap() > 0);
    let change = json!({"FunctionName": "hello", "Timeout": 9});
    server.ok("UpdateFunctionConfiguration", change).await;

    let one = json!({"FunctionName": "hello", "Qualifier": "1"});
    let shown = server.ok("GetFunction", one.clone()).await;
    assert_eq!(
        [
            &shown["FunctionVersion"],
            &shown["Qualifier"],
            &shown["Timeout"],
            &shown["Description"]
        ],
        [&json!("1"), &json!("1"), &json!(3), &json!("first")]
    );
    server.ok("Invoke", one.clone()).await;
    server
        .ok("InvokeFunction", json!({"FunctionName": "hello", "Qualifier": "1"}))
        .await;
    for invocation in server.invoker.seen.lock().iter() {
        assert_eq!(
            (invocation.version.label.as_str(), invocation.qualifier.as_str()),
            ("1", "1")
        );
        assert_eq!(invocation.version.timeout.as_secs(), 3);
    }
    assert_eq!(versions(&server).await, ["$LATEST", "1"]);
    server.ok("DeleteFunctionVersion", one.clone()).await;
    for action in ["GetFunction", "Invoke", "DeleteFunctionVersion", "DeleteFunction"] {
        assert_eq!(
            server.code(action, one.clone()).await,
            "ResourceNotFound.Qualifier",
            "{action}"
        );
    }
    assert_eq!(versions(&server).await, ["$LATEST"]);
}

#[tokio::test]
async fn updates_publish_when_told_to_in_any_letter_case() {
    let server = Server::with_hello().await;
    let update = json!({"FunctionName": "hello", "ZipFile": zip_file(), "Publish": "true"});
    server.ok("UpdateFunctionCode", update.clone()).await;
    let change = json!({"FunctionName": "hello", "Timeout": 9, "Publish": "TRUE"});
    server.ok("UpdateFunctionConfiguration", change.clone()).await;
    assert_eq!(versions(&server).await, ["$LATEST", "1", "2"]);
    for (action, params) in [("UpdateFunctionCode", update), ("UpdateFunctionConfiguration", change)] {
        server
            .ok(action, with(params.clone(), json!({"Publish": "FALSE"})))
            .await;
        let answer = server.call(action, with(params, json!({"Publish": "maybe"}))).await;
        assert_eq!(code(&answer), "InvalidParameterValue", "{answer}");
    }
    assert_eq!(versions(&server).await, ["$LATEST", "1", "2"]);
}

#[tokio::test]
async fn delete_function_deletes_the_version_it_names_and_nothing_else() {
    let server = Server::with_hello().await;
    server.ok("PublishVersion", json!({"FunctionName": "hello"})).await;
    server
        .ok("DeleteFunction", json!({"FunctionName": "hello", "Qualifier": "1"}))
        .await;
    assert_eq!(versions(&server).await, ["$LATEST"]);
    let latest = json!({"FunctionName": "hello", "Qualifier": "$LATEST"});
    for action in ["DeleteFunction", "DeleteFunctionVersion"] {
        assert_eq!(
            server.code(action, latest.clone()).await,
            "InvalidParameterValue.Qualifier",
            "{action}"
        );
    }
}
