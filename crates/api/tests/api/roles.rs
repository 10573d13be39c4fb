//! What callers that act in a role may do, and what roles functions have.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use skiff_auth::{Grant, Policy, Roles, Temporary};

use crate::server::{Server, code, hello, with};

/// A server with the function `hello`, and the role `orders` that may do these on those.
async fn server(actions: &[&str], functions: &[&str]) -> (Server, Temporary) {
    let server = Server::with_hello().await;
    let patterns = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned().into()).collect();
    let grant = Grant {
        actions: patterns(actions),
        functions: patterns(functions),
    };
    let policy = Arc::new(Policy::new(vec![grant]));
    server.keyring.set_roles(Roles::from([("orders".to_owned(), policy)]));
    let role = json!({"FunctionName": "hello", "Role": "orders"});
    server.ok("UpdateFunctionConfiguration", role).await;
    let caller = server
        .keyring
        .temporary("orders", "default/hello", Timestamp::now())
        .unwrap();
    (server, caller)
}

async fn call(server: &Server, caller: &Temporary, action: &str, parameters: Value) -> String {
    let request = server.signed_by(caller, action, parameters.to_string().into());
    code(&server.send(request).await)
}

#[tokio::test]
async fn a_caller_in_a_role_does_what_the_role_allows_and_nothing_else() {
    let (server, caller) = server(
        &["Invoke*", "Get*", "CreateFunction", "UpdateFunctionConfiguration"],
        &["default/*"],
    )
    .await;
    let refused = "AuthFailure.UnauthorizedOperation";
    let hello_in = |namespace: &str| json!({"FunctionName": "hello", "Namespace": namespace});
    server.ok("CreateNamespace", json!({"Namespace": "prod"})).await;
    for (action, parameters, expected) in [
        ("Invoke", hello_in("default"), ""),
        ("Invoke", json!({"FunctionName": "hello"}), ""),
        ("InvokeFunction", hello_in(""), ""),
        ("GetFunction", hello_in("default"), ""),
        ("GetFunction", hello_in("prod"), refused),
        ("GetAccount", json!({}), refused),
        ("DeleteFunction", hello_in("default"), refused),
        ("ListFunctions", json!({}), refused),
        (
            "CopyFunction",
            with(hello_in("default"), json!({"NewFunctionName": "b"})),
            refused,
        ),
        ("Nonsense", json!({}), refused),
        (
            "CreateFunction",
            with(hello(), json!({"FunctionName": "made", "Role": "orders"})),
            "",
        ),
        (
            "CreateFunction",
            with(hello(), json!({"FunctionName": "more", "Role": "admin"})),
            refused,
        ),
        (
            "UpdateFunctionConfiguration",
            json!({"FunctionName": "hello", "Role": "admin"}),
            refused,
        ),
        (
            "UpdateFunctionConfiguration",
            json!({"FunctionName": "hello", "Timeout": 9}),
            "",
        ),
    ] {
        let answer = call(&server, &caller, action, parameters.clone()).await;
        assert_eq!(answer, expected, "{action} {parameters}");
    }
}

#[tokio::test]
async fn a_caller_in_a_role_comes_by_no_other_role() {
    let (server, caller) = server(&["*"], &["*"]).await;
    let hello = |fields| with(json!({"FunctionName": "hello"}), fields);
    let zip = json!({"ZipFile": crate::server::zip_file()});
    for (action, fields) in [
        ("UpdateFunctionCode", zip.clone()),
        ("UpdateFunctionConfiguration", json!({"Timeout": 9})),
        ("CopyFunction", json!({"NewFunctionName": "copy"})),
    ] {
        assert_eq!(
            call(&server, &caller, action, hello(fields)).await,
            "",
            "{action} of its own"
        );
    }
    // The same of a function that acts in another role, as only the root credential can have made it.
    let mut roles = Roles::clone(&server.keyring.roles());
    roles.insert("admin".to_owned(), Arc::clone(&roles["orders"]));
    server.keyring.set_roles(roles);
    let other = with(
        crate::server::hello(),
        json!({"FunctionName": "other", "Role": "admin"}),
    );
    server.ok("CreateFunction", other).await;
    let stranger = server
        .keyring
        .temporary("admin", "default/other", Timestamp::now())
        .unwrap();
    let changes = [
        ("PublishVersion", json!({})),
        ("CreateAlias", json!({"Name": "live", "FunctionVersion": "$LATEST"})),
        ("UpdateAlias", json!({"Name": "$DEFAULT", "FunctionVersion": "1"})),
        ("PutReservedConcurrencyConfig", json!({"ReservedConcurrencyMem": 0})),
        ("DeleteFunctionVersion", json!({"Qualifier": "1"})),
        ("DeleteFunction", json!({})),
        ("UpdateFunctionCode", zip),
        ("UpdateFunctionConfiguration", json!({"Role": ""})),
        ("CopyFunction", json!({"NewFunctionName": "mine"})),
    ];
    server.ok("PublishVersion", hello(json!({}))).await;
    for who in ["$LATEST acts in it", "version 1 alone does"] {
        for (action, fields) in changes.clone() {
            let answer = call(&server, &stranger, action, hello(fields)).await;
            assert_eq!(answer, "AuthFailure.UnauthorizedOperation", "{action}: {who}");
        }
        server
            .ok("UpdateFunctionConfiguration", hello(json!({"Role": ""})))
            .await;
    }
    assert_eq!(
        call(&server, &stranger, "Invoke", hello(json!({}))).await,
        "",
        "calling it is not becoming it"
    );
}

#[tokio::test]
async fn what_a_request_names_beside_what_its_action_goes_by_opens_nothing() {
    let (server, caller) = server(&["*"], &["default/hello"]).await;
    for (action, parameters) in [
        ("PutTotalConcurrencyConfig", json!({"TotalConcurrencyMem": 128_000})),
        ("GetAccount", json!({})),
        ("ListNamespaces", json!({})),
        ("ListLayers", json!({})),
        ("GetLayerVersion", json!({"LayerName": "deps", "LayerVersion": 1})),
        ("DeleteLayerVersion", json!({"LayerName": "deps", "LayerVersion": 1})),
        ("ListFunctions", json!({})),
        ("DeleteNamespace", json!({})),
        ("UpdateNamespace", json!({})),
        (
            "UpdateFunctionConfiguration",
            json!({"Layers": [{"LayerName": "deps", "LayerVersion": 1}]}),
        ),
    ] {
        let named = with(parameters, json!({"FunctionName": "hello", "Namespace": "default"}));
        let answer = call(&server, &caller, action, named).await;
        assert_eq!(answer, "AuthFailure.UnauthorizedOperation", "{action}");
    }
    let own = json!({"FunctionName": "hello"});
    assert_eq!(call(&server, &caller, "GetFunction", own).await, "");
}

#[tokio::test]
async fn credentials_end_with_their_functions_part_in_the_role() {
    let (server, caller) = server(&["*"], &["*"]).await;
    let own = json!({"FunctionName": "hello"});
    server.ok("PublishVersion", own.clone()).await;
    let none = json!({"FunctionName": "hello", "Role": ""});
    server.ok("UpdateFunctionConfiguration", none).await;
    assert_eq!(
        call(&server, &caller, "Invoke", own.clone()).await,
        "",
        "version 1 acts in it"
    );
    let one = with(own.clone(), json!({"Qualifier": "1"}));
    server.ok("DeleteFunctionVersion", one).await;
    let refused = "AuthFailure.UnauthorizedOperation";
    assert_eq!(call(&server, &caller, "Invoke", own.clone()).await, refused);
    server.ok("DeleteFunction", own.clone()).await;
    assert_eq!(call(&server, &caller, "GetAccount", json!({})).await, refused);
}

#[tokio::test]
async fn a_role_that_is_gone_or_changed_counts_at_once() {
    let (server, caller) = server(&["*"], &["*"]).await;
    let ask = || call(&server, &caller, "GetAccount", json!({}));
    assert_eq!(ask().await, "");
    let nothing = Arc::new(Policy::default());
    server.keyring.set_roles(Roles::from([("orders".to_owned(), nothing)]));
    assert_eq!(ask().await, "AuthFailure.UnauthorizedOperation");
    server.keyring.set_roles(Roles::new());
    assert_eq!(ask().await, "AuthFailure.UnauthorizedOperation");
}

#[tokio::test]
async fn a_functions_role_is_one_that_there_is_shown_and_taken_away() {
    let server = Server::with_hello().await;
    let change = |role: &str| json!({"FunctionName": "hello", "Role": role});
    let shown = || async {
        let shown = server.ok("GetFunction", json!({"FunctionName": "hello"})).await;
        shown["Role"].as_str().unwrap().to_owned()
    };
    assert_eq!(shown().await, "");
    server.ok("UpdateFunctionConfiguration", change("orders")).await;
    server
        .ok(
            "UpdateFunctionConfiguration",
            json!({"FunctionName": "hello", "Timeout": 9}),
        )
        .await;
    assert_eq!(shown().await, "orders");
    for role in ["nobody", "no role"] {
        let refused = server.code("UpdateFunctionConfiguration", change(role)).await;
        assert_eq!(refused, "ResourceNotFound.Role");
    }
    server.ok("UpdateFunctionConfiguration", change("")).await;
    assert_eq!(shown().await, "");
}
