//! Aliases over the API.

use serde_json::{Value, json};

use crate::server::{Server, code, with};

/// `hello` with the versions 1 and 2.
async fn server() -> Server {
    let server = Server::with_hello().await;
    for _ in 0..2 {
        server.ok("PublishVersion", json!({"FunctionName": "hello"})).await;
    }
    server
}

fn prod(fields: Value) -> Value {
    let alias = json!({"FunctionName": "hello", "Name": "prod", "FunctionVersion": "1"});
    with(alias, fields)
}

/// The version a call ran, without anything else being looked at.
async fn ran(server: &Server, fields: Value) -> String {
    let call = json!({"FunctionName": "hello", "Qualifier": "prod"});
    server.ok("Invoke", with(call, fields)).await;
    server.invoker.seen.lock().pop().unwrap().version.label.to_string()
}

#[tokio::test]
async fn an_alias_is_created_shown_listed_changed_and_deleted() {
    let server = server().await;
    server.ok("CreateAlias", prod(json!({"Description": "live"}))).await;
    let named = json!({"FunctionName": "hello", "Name": "prod"});
    let alias = server.ok("GetAlias", named.clone()).await;
    for (field, value) in [
        ("Name", json!("prod")),
        ("FunctionVersion", json!("1")),
        ("Description", json!("live")),
        (
            "RoutingConfig",
            json!({"AdditionalVersionWeights": [], "AddtionVersionMatchs": []}),
        ),
    ] {
        assert_eq!(alias[field], value, "{field}");
    }
    assert_eq!(ran(&server, json!({})).await, "1");
    let call = server.invoker.seen.lock().len();
    assert_eq!(call, 0);
    server.ok("UpdateAlias", prod(json!({"FunctionVersion": "2"}))).await;
    assert_eq!(ran(&server, json!({})).await, "2");
    let shown = json!({"FunctionName": "hello", "Qualifier": "prod"});
    let shown = server.ok("GetFunction", shown).await;
    assert_eq!(
        (&shown["FunctionVersion"], &shown["Qualifier"]),
        (&json!("2"), &json!("prod"))
    );

    let list = json!({"FunctionName": "hello"});
    let listed = server.ok("ListAliases", list.clone()).await;
    let names = |listed: &Value| -> Vec<Value> {
        let aliases = listed["Aliases"].as_array().unwrap();
        aliases.iter().map(|alias| alias["Name"].clone()).collect()
    };
    assert_eq!(names(&listed), ["$DEFAULT", "prod"]);
    assert_eq!(listed["Aliases"][0]["FunctionVersion"], "$LATEST");
    for (fields, expected, total) in [
        (json!({"Offset": "1", "Limit": "20"}), vec!["prod"], 2),
        (json!({"Offset": 0, "Limit": 1}), vec!["$DEFAULT"], 2),
        (json!({"FunctionVersion": "2"}), vec!["prod"], 1),
        (json!({"FunctionVersion": "1"}), vec![], 0),
        (json!({"Offset": "", "Limit": ""}), vec!["$DEFAULT", "prod"], 2),
    ] {
        let listed = server.ok("ListAliases", with(list.clone(), fields)).await;
        assert_eq!(
            (names(&listed), &listed["TotalCount"]),
            (expected.iter().map(|name| json!(name)).collect(), &json!(total))
        );
    }
    server.ok("DeleteAlias", named.clone()).await;
    for action in ["GetAlias", "DeleteAlias"] {
        assert_eq!(server.code(action, named.clone()).await, "ResourceNotFound.Alias");
    }
}

#[tokio::test]
async fn calls_are_shared_out_by_weight_or_by_the_routing_key() {
    let server = server().await;
    let weights =
        |weight: f64| json!({"RoutingConfig": {"AdditionalVersionWeights": [{"Version": "2", "Weight": weight}]}});
    server.ok("CreateAlias", prod(weights(1.0))).await;
    assert_eq!(ran(&server, json!({})).await, "2");
    server.ok("UpdateAlias", prod(weights(0.0))).await;
    assert_eq!(ran(&server, json!({})).await, "1");

    let rules = json!({"AddtionVersionMatchs": [
        {"Version": "2", "Key": "invoke.headers.User", "Method": "exact", "Expression": "Bob"},
        {"Version": "$LATEST", "Key": "invoke.headers.Age", "Method": "range", "Expression": "(1,50)"},
    ]});
    server.ok("UpdateAlias", prod(json!({"RoutingConfig": rules}))).await;
    let alias = server
        .ok("GetAlias", json!({"FunctionName": "hello", "Name": "prod"}))
        .await;
    assert_eq!(
        alias["RoutingConfig"]["AddtionVersionMatchs"],
        rules["AddtionVersionMatchs"]
    );
    for (routing_key, version) in [
        (r#"{"User": "Bob"}"#, "2"),
        (r#"{"User": "Eve"}"#, "1"),
        (r#"{"Age": "7"}"#, "$LATEST"),
        (r#"{"Age": 50}"#, "1"),
        ("", "1"),
    ] {
        assert_eq!(
            ran(&server, json!({"RoutingKey": routing_key})).await,
            version,
            "{routing_key}"
        );
    }
    let call = json!({"FunctionName": "hello", "Qualifier": "prod", "RoutingKey": "{\"User\": \"Bob\"}"});
    server.ok("InvokeFunction", call).await;
    let invocation = server.invoker.seen.lock().pop().unwrap();
    assert_eq!(
        (invocation.version.label.as_str(), invocation.qualifier.as_str()),
        ("2", "prod")
    );
}

#[tokio::test]
async fn what_is_wrong_with_an_alias_gets_its_documented_code() {
    let server = server().await;
    server.ok("CreateAlias", prod(json!({}))).await;
    let weights = |weights: Value| json!({"RoutingConfig": {"AdditionalVersionWeights": weights}});
    let rule = |rule: Value| json!({"RoutingConfig": {"AddtionVersionMatchs": [rule]}});
    for (fields, expected) in [
        (json!({"FunctionVersion": "9"}), "ResourceNotFound.FunctionVersion"),
        (json!({"FunctionVersion": "prod"}), "InvalidParameterValue"),
        (json!({"Name": "1st"}), "InvalidParameterValue.Alias"),
        (json!({"Name": "$LATEST"}), "InvalidParameterValue.Alias"),
        (
            weights(json!([{"Version": "2", "Weight": 1.5}])),
            "InvalidParameterValue.AdditionalVersionWeights",
        ),
        (
            weights(json!([{"Version": "2", "Weight": 0.1}, {"Version": "$LATEST", "Weight": 0.1}])),
            "InvalidParameterValue.AdditionalVersionWeights",
        ),
        (weights(json!([{"Version": "2"}])), "MissingParameter"),
        (weights(json!([{"Weight": 0.1}])), "MissingParameter"),
        (weights(json!([{"Version": "2", "Weight": "much"}])), "InvalidParameter"),
        (
            weights(json!([{"Version": "1", "Weight": 0.1}])),
            "InvalidParameterValue.RoutingConfig",
        ),
        (
            rule(json!({"Version": "2", "Key": "User", "Method": "exact", "Expression": "Bob"})),
            "InvalidParameterValue.RoutingConfig",
        ),
        (
            rule(json!({"Version": "2", "Key": "invoke.headers.User", "Method": "range", "Expression": "1-50"})),
            "InvalidParameterValue.RoutingConfig",
        ),
        (
            rule(json!({"Version": "9", "Key": "invoke.headers.User", "Method": "exact", "Expression": "Bob"})),
            "ResourceNotFound.FunctionVersion",
        ),
    ] {
        for action in ["CreateAlias", "UpdateAlias"] {
            let fields = match action {
                "CreateAlias" => with(json!({"Name": "other"}), fields.clone()),
                _ => fields.clone(),
            };
            let answer = server.call(action, prod(fields)).await;
            assert_eq!(code(&answer), expected, "{action}: {answer}");
        }
    }
    assert_eq!(server.code("CreateAlias", prod(json!({}))).await, "ResourceInUse.Alias");
    let listing = json!({"FunctionName": "hello"});
    for (fields, expected) in [
        (json!({"Offset": "one"}), "InvalidParameterValue.Offset"),
        (json!({"Offset": "-1"}), "InvalidParameterValue.Offset"),
        (json!({"Limit": "many"}), "InvalidParameterValue.Limit"),
        (json!({"FunctionVersion": "x"}), "InvalidParameterValue"),
    ] {
        assert_eq!(
            server.code("ListAliases", with(listing.clone(), fields)).await,
            expected
        );
    }
    let default = json!({"FunctionName": "hello", "Name": "$DEFAULT"});
    assert_eq!(server.code("DeleteAlias", default).await, "FailedOperation.DeleteAlias");
    for bad in ["Bob", "[]", &format!("{{\"User\": \"{}\"}}", "x".repeat(1024))] {
        let call = json!({"FunctionName": "hello", "RoutingKey": bad});
        assert_eq!(
            server.code("Invoke", call).await,
            "InvalidParameterValue.RoutingConfig",
            "{bad}"
        );
    }
    assert!(server.invoker.seen.lock().is_empty());
}

#[tokio::test]
async fn a_version_an_alias_leads_to_is_deleted_by_force_only() {
    let server = server().await;
    server.ok("CreateAlias", prod(json!({}))).await;
    let one = json!({"FunctionName": "hello", "Qualifier": "1"});
    for action in ["DeleteFunctionVersion", "DeleteFunction"] {
        assert_eq!(
            server.code(action, one.clone()).await,
            "UnsupportedOperation.AliasBind",
            "{action}"
        );
    }
    server
        .ok("DeleteFunctionVersion", with(one, json!({"ForceDelete": "TRUE"})))
        .await;
    let call = json!({"FunctionName": "hello", "Qualifier": "prod"});
    assert_eq!(server.code("Invoke", call).await, "ResourceNotFound.Qualifier");
}
