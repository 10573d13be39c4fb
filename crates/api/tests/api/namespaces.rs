//! Namespaces and the account.

use serde_json::{Value, json};

use crate::server::{Server, hello, with};

fn names(answer: &Value) -> Vec<&str> {
    answer["Namespaces"]
        .as_array()
        .unwrap()
        .iter()
        .map(|namespace| namespace["Name"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_namespace_is_created_listed_described_and_deleted() {
    let server = Server::start().await;
    server
        .ok(
            "CreateNamespace",
            json!({"Namespace": "probes", "Description": "what looks at others"}),
        )
        .await;
    let answer = server.ok("ListNamespaces", json!({})).await;
    assert_eq!(
        (names(&answer), &answer["TotalCount"]),
        (vec!["default", "probes"], &json!(2))
    );
    assert_eq!(answer["Namespaces"][0]["Type"], "default");
    let probes = &answer["Namespaces"][1];
    assert_eq!(
        (&probes["Description"], &probes["Type"]),
        (&json!("what looks at others"), &json!("custom"))
    );
    assert_eq!(probes["AddTime"].as_str().unwrap().len(), "2018-01-16 08:00:00".len());

    server
        .ok("UpdateNamespace", json!({"Namespace": "probes", "Description": "else"}))
        .await;
    let answer = server
        .ok(
            "ListNamespaces",
            json!({"Order": "DESC", "Orderby": "Name", "Limit": 1}),
        )
        .await;
    assert_eq!(answer["Namespaces"][0]["Description"], "else");

    server.ok("DeleteNamespace", json!({"Namespace": "probes"})).await;
    assert_eq!(names(&server.ok("ListNamespaces", json!({})).await), ["default"]);
}

#[tokio::test]
async fn namespaces_are_searched_ordered_and_paged() {
    let server = Server::start().await;
    for (name, description) in [("alpha", "one"), ("beta", "two"), ("alphabet", "two")] {
        server
            .ok(
                "CreateNamespace",
                json!({"Namespace": name, "Description": description}),
            )
            .await;
    }
    for (parameters, expected) in [
        (json!({}), &["alpha", "alphabet", "beta", "default"][..]),
        (json!({"Order": "desc"}), &["default", "beta", "alphabet", "alpha"]),
        (json!({"Offset": 1, "Limit": 2}), &["alphabet", "beta"]),
        (
            json!({"SearchKey": [{"Key": "Namespace", "Value": "alpha"}]}),
            &["alpha", "alphabet"],
        ),
        (
            json!({"SearchKey": [{"Key": "Description", "Value": "two"}]}),
            &["alphabet", "beta"],
        ),
    ] {
        assert_eq!(
            names(&server.ok("ListNamespaces", parameters.clone()).await),
            expected,
            "{parameters}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_namespace_gets_its_documented_code() {
    let server = Server::with_hello().await;
    server.ok("CreateNamespace", json!({"Namespace": "full"})).await;
    server
        .ok("CreateFunction", with(hello(), json!({"Namespace": "full"})))
        .await;
    for (action, parameters, expected) in [
        ("CreateNamespace", json!({}), "MissingParameter"),
        (
            "CreateNamespace",
            json!({"Namespace": "full"}),
            "ResourceInUse.Namespace",
        ),
        (
            "CreateNamespace",
            json!({"Namespace": "a/b"}),
            "InvalidParameterValue.Namespace",
        ),
        (
            "UpdateNamespace",
            json!({"Namespace": "nowhere", "Description": ""}),
            "ResourceNotFound.Namespace",
        ),
        ("UpdateNamespace", json!({"Namespace": "full"}), "MissingParameter"),
        (
            "DeleteNamespace",
            json!({"Namespace": "nowhere"}),
            "ResourceNotFound.Namespace",
        ),
        (
            "DeleteNamespace",
            json!({"Namespace": "full"}),
            "FailedOperation.DeleteNamespace",
        ),
        (
            "DeleteNamespace",
            json!({"Namespace": "default"}),
            "InvalidParameterValue.DefaultNamespace",
        ),
        (
            "ListNamespaces",
            json!({"Orderby": "Colour"}),
            "InvalidParameterValue.Orderby",
        ),
        ("ListNamespaces", json!({"Order": "up"}), "InvalidParameterValue.Order"),
        ("ListNamespaces", json!({"Limit": -1}), "InvalidParameterValue.Limit"),
        ("ListNamespaces", json!({"Offset": -1}), "InvalidParameterValue.Offset"),
        (
            "ListNamespaces",
            json!({"SearchKey": [{"Key": "Colour", "Value": "x"}]}),
            "InvalidParameterValue.SearchKey",
        ),
    ] {
        assert_eq!(
            server.code(action, parameters.clone()).await,
            expected,
            "{action} {parameters}"
        );
    }
    for name in ["b2", "b3", "b4"] {
        server.ok("CreateNamespace", json!({"Namespace": name})).await;
    }
    assert_eq!(
        server.code("CreateNamespace", json!({"Namespace": "b5"})).await,
        "LimitExceeded.Namespace"
    );
}

#[tokio::test]
async fn the_account_shows_what_is_used_and_what_may_be() {
    let server = Server::with_hello().await;
    let answer = server.ok("GetAccount", json!({})).await;
    let usage = &answer["AccountUsage"];
    assert_eq!(
        (&usage["NamespacesCount"], &usage["TotalConcurrencyMem"]),
        (&json!(1), &json!(128_000))
    );
    assert_eq!(usage["Namespace"][0]["Functions"], json!(["hello"]));
    assert_eq!(usage["Namespace"][0]["FunctionsCount"], 1);
    let limit = &answer["AccountLimit"];
    assert_eq!(limit["NamespacesCount"], 5);
    assert_eq!(limit["Namespace"][0]["Namespace"], "default");
    assert_eq!(
        (
            &limit["Namespace"][0]["FunctionsCount"],
            &limit["Namespace"][0]["TimeoutLimit"]
        ),
        (&json!(50), &json!(900))
    );
}
