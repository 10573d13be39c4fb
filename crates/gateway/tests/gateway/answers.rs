//! What requests are answered with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use skiff_auth::Credentials;
use skiff_control_plane::{GivenRule, PublishVersion, PutAlias, Routing};
use skiff_domain::{FunctionKey, NamespaceName, Origin, StatusCode};

use crate::client::{Client, HELLO, basic, post, post_tc3};
use crate::world::World;

#[tokio::test]
async fn a_call_is_answered_with_its_result_and_numbers() {
    let world = World::start().await;
    let response = Client::connect(world.address)
        .await
        .ask(post(HELLO, "", "{\"a\": 1}"))
        .await;
    assert_eq!(response.status, 200);
    assert_eq!(response.text(), "\"Hello World\"");
    let seen = &world.invoker.seen.lock()[0];
    assert_eq!(seen.event, "{\"a\": 1}");
    assert_eq!(seen.origin, Origin::Gateway);
    assert_eq!(seen.version.key.to_string(), "default/hello");
    for (name, value) in [
        ("content-type", "application/json"),
        ("x-scf-request-id", &*seen.id.to_string()),
        ("x-scf-status", "200"),
        ("x-scf-duration-ms", "0.826"),
        ("x-scf-billed-ms", "1"),
        ("x-scf-memory-bytes", "3207168"),
        ("x-scf-error", ""),
        ("x-scf-log", ""),
    ] {
        assert_eq!(response.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_signed_call_is_believed_and_one_changed_on_the_way_is_not() {
    let world = World::start().await;
    let mut client = Client::connect(world.address).await;
    for path in [HELLO, "/2018-04-16/functions/default/hello:$LATEST/invocations"] {
        let response = client.ask(post_tc3(&world.credentials, path, "{}", "{}")).await;
        assert_eq!(response.status, 200, "{}", response.text());
    }
    let response = client.ask(post_tc3(&world.credentials, HELLO, "{}", "[]")).await;
    assert_eq!(
        (response.status, &response.json()["code"]),
        (401, &"AuthFailure.SignatureFailure".into())
    );
    assert_eq!(world.calls(), 2);
}

#[tokio::test]
async fn a_stranger_is_refused_before_the_function_is_looked_for() {
    let world = World::start().await;
    let mut client = Client::connect(world.address).await;
    let other = Credentials::new("AKIDother", "localsecret").unwrap();
    let with = |headers: &str| format!("POST {HELLO} HTTP/1.1\r\nHost: h\r\n{headers}Content-Length: 2\r\n\r\n{{}}");
    let missing = HELLO.replace("hello", "missing");
    let skip = "Authorization: SKIP\r\n";
    let bearer = "Authorization: Bearer x\r\n";
    for (request, code, says) in [
        (with(""), "AuthFailure.InvalidAuthorization", "curl -u"),
        (with(skip), "AuthFailure.InvalidAuthorization", "HTTP Basic"),
        (with(bearer), "AuthFailure.InvalidAuthorization", "TC3"),
        (
            with(&basic("AKIDlocaltest:wrong")),
            "AuthFailure.SignatureFailure",
            "secret key",
        ),
        (
            with(&basic("AKIDother:localsecret")),
            "AuthFailure.SecretIdNotFound",
            "not known",
        ),
        (with(&basic(":")), "AuthFailure.InvalidSecretId", "is the variable set"),
        (
            post_tc3(&other, &missing, "{}", "{}"),
            "AuthFailure.SecretIdNotFound",
            "not known",
        ),
    ] {
        let response = client.ask(request).await;
        assert_eq!((response.status, &response.json()["code"]), (401, &code.into()));
        let message = response.json()["message"].to_string();
        assert!(
            message.contains(says) && !message.contains("body are signed"),
            "{message}"
        );
        assert_eq!(response.header("content-type"), "application/json");
        assert_eq!(response.json()["requestId"], response.header("x-scf-request-id"));
    }
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn an_error_of_the_function_is_http_200_with_its_name() {
    let world = World::start().await;
    let error = "{\"errorCode\":-1,\"statusCode\":430}";
    world.end(StatusCode::UserException, error, "ValueError: boom", "");
    let response = Client::connect(world.address).await.ask(post(HELLO, "", "{}")).await;
    assert_eq!((response.status, response.text().as_str()), (200, error));
    assert_eq!(response.header("x-scf-status"), "430");
    assert_eq!(response.header("x-scf-error"), "UserCodeException");
}

#[tokio::test]
async fn a_refusal_of_the_invoker_is_no_http_200() {
    let world = World::start().await;
    let mut client = Client::connect(world.address).await;
    for (status, http, code) in [
        (StatusCode::ConcurrencyExceeded, 429, "ResourceLimitReached"),
        (StatusCode::InvalidEvent, 400, "InvalidParameterValue.Param"),
        (StatusCode::InternalError, 500, "InternalError"),
    ] {
        world.end(status, "{}", "why it was refused", "");
        let response = client.ask(post(HELLO, "", "{}")).await;
        assert_eq!((response.status, &response.json()["code"]), (http, &code.into()));
        assert_eq!(response.json()["message"], "why it was refused");
        assert_eq!(response.header("x-scf-status"), status.code().to_string());
    }
}

#[tokio::test]
async fn the_end_of_the_log_comes_when_asked_for() {
    let world = World::start().await;
    let log = format!("{}END RequestId: x\n", "line\n".repeat(2000));
    world.end(StatusCode::Success, "1", "", log.clone());
    let mut client = Client::connect(world.address).await;
    for value in ["Tail", "tail"] {
        let response = client
            .ask(post(HELLO, &format!("X-Scf-Log-Type: {value}\r\n"), "{}"))
            .await;
        let tail = STANDARD.decode(response.header("x-scf-log")).unwrap();
        assert_eq!(tail, &log.as_bytes()[log.len() - 4096..]);
    }
    let response = client.ask(post(HELLO, "X-Scf-Log-Type: None\r\n", "{}")).await;
    assert_eq!(response.header("x-scf-log"), "");
    let response = client.ask(post(HELLO, "X-Scf-Log-Type: Head\r\n", "{}")).await;
    assert_eq!(response.status, 400);
}

#[tokio::test]
async fn versions_and_aliases_are_called_by_the_path_and_a_routing_key_by_its_header() {
    let world = World::start().await;
    let control = &world.context.control;
    let key = FunctionKey {
        namespace: NamespaceName::default(),
        name: "hello".parse().unwrap(),
    };
    let version = PublishVersion {
        key: key.clone(),
        description: None,
    };
    control.publish_version(version).await.unwrap();
    let rule = GivenRule {
        version: "$LATEST".to_owned(),
        key: "invoke.headers.User".to_owned(),
        method: "exact".to_owned(),
        expression: "Bob".to_owned(),
    };
    let alias = PutAlias {
        key,
        name: "prod".parse().unwrap(),
        version: "1".parse().unwrap(),
        routing: Routing::parse(&[], vec![rule]).unwrap(),
        description: None,
    };
    control.create_alias(alias).await.unwrap();
    let mut client = Client::connect(world.address).await;
    for (qualifier, header, ran) in [
        (":1", "", "1"),
        (":prod", "", "1"),
        (":prod", "X-Scf-Routing-Key: {\"User\": \"Bob\"}\r\n", "$LATEST"),
        (":prod", "X-Scf-Routing-Key: {\"User\": \"Eve\"}\r\n", "1"),
        ("", "", "$LATEST"),
    ] {
        let path = format!("/2018-04-16/functions/default/hello{qualifier}/invocations");
        assert_eq!(client.ask(post(&path, header, "{}")).await.status, 200);
        let seen = world.invoker.seen.lock().pop().unwrap();
        assert_eq!(seen.version.label.as_str(), ran, "{qualifier} {header}");
        assert_eq!(seen.qualifier.as_str(), qualifier.get(1..).unwrap_or("$LATEST"));
    }
    let response = client.ask(post(HELLO, "X-Scf-Routing-Key: Bob\r\n", "{}")).await;
    assert_eq!(
        (response.status, &response.json()["code"]),
        (400, &"InvalidParameterValue.RoutingConfig".into())
    );
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn what_does_not_exist_is_said_by_its_kind() {
    let world = World::start().await;
    let mut client = Client::connect(world.address).await;
    for (function, code) in [
        ("default/missing", "ResourceNotFound.Function"),
        ("missing/hello", "ResourceNotFound.Namespace"),
        ("default/hello:7", "ResourceNotFound.Qualifier"),
    ] {
        let path = format!("/2018-04-16/functions/{function}/invocations");
        let response = client.ask(post(&path, "", "{}")).await;
        assert_eq!((response.status, &response.json()["code"]), (404, &code.into()));
    }
    assert_eq!(world.calls(), 0);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_in_json() {
    let world = World::start().await;
    let mut client = Client::connect(world.address).await;
    let response = client.ask("GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(
        (response.status, &response.json()["code"]),
        (404, &"ResourceNotFound".into())
    );
    let response = client.ask(format!("GET {HELLO} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
    assert_eq!((response.status, response.header("allow")), (405, "POST"));
    client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert_eq!(client.receive_head().await.status, 404);
    assert_eq!(
        client.ask(post(HELLO, "", "")).await.status,
        200,
        "the connection is in order"
    );
}
