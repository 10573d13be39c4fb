//! Reserved concurrency and the account's quota over the API.

use serde_json::{Value, json};
use skiff_control_plane::Draw;
use skiff_domain::RequestId;
use skiff_invoker::FunctionLoad;

use crate::server::{Server, with};

#[tokio::test]
async fn concurrency_is_set_apart_shown_and_given_back() {
    let server = Server::with_hello().await;
    let hello = || json!({"FunctionName": "hello"});
    let shown = || server.ok("GetReservedConcurrencyConfig", hello());
    assert!(shown().await["ReservedMem"].is_null());
    for mb in [1024, 0] {
        let put = with(hello(), json!({"ReservedConcurrencyMem": mb}));
        server.ok("PutReservedConcurrencyConfig", put).await;
        assert_eq!(shown().await["ReservedMem"], mb);
        let listed = server.ok("ListFunctions", json!({})).await;
        assert_eq!(listed["Functions"][0]["ReservedConcurrencyMem"], mb);
    }
    let put = with(hello(), json!({"ReservedConcurrencyMem": 2048}));
    server.ok("PutReservedConcurrencyConfig", put).await;
    server
        .ok("PutTotalConcurrencyConfig", json!({"TotalConcurrencyMem": 64_000}))
        .await;
    let usage = server.ok("GetAccount", json!({})).await["AccountUsage"].clone();
    for (field, mb) in [
        ("TotalConcurrencyMem", 128_000),
        ("UserConcurrencyMemLimit", 64_000),
        ("TotalAllocatedConcurrencyMem", 2048),
    ] {
        assert_eq!(usage[field], mb, "{field}: {usage}");
    }
    assert_eq!(usage["Namespace"][0]["TotalAllocatedConcurrencyMem"], 2048);
    server.ok("DeleteReservedConcurrencyConfig", hello()).await;
    assert!(shown().await["ReservedMem"].is_null());
}

#[tokio::test]
async fn what_cannot_be_set_apart_gets_its_documented_code() {
    let server = Server::with_hello().await;
    let hello = |mb: i64| json!({"FunctionName": "hello", "ReservedConcurrencyMem": mb});
    let total = |mb: i64| json!({"TotalConcurrencyMem": mb});
    for (action, parameters, code) in [
        ("PutReservedConcurrencyConfig", hello(-1), "InvalidParameterValue"),
        (
            "PutReservedConcurrencyConfig",
            hello(115_201),
            "LimitExceeded.FunctionReservedConcurrencyMemory",
        ),
        ("PutTotalConcurrencyConfig", total(-1), "InvalidParameterValue"),
        (
            "PutTotalConcurrencyConfig",
            total(128_001),
            "LimitExceeded.UserTotalConcurrencyMemory",
        ),
    ] {
        assert_eq!(
            server.code(action, parameters.clone()).await,
            code,
            "{action} {parameters}"
        );
    }
    server.ok("PutReservedConcurrencyConfig", hello(10_000)).await;
    let code = server.code("PutTotalConcurrencyConfig", total(11_000)).await;
    assert_eq!(code, "LimitExceeded.TotalConcurrencyMemory");
}

/// A server with version 1 of `hello`.
async fn published() -> Server {
    let server = Server::with_hello().await;
    server.ok("PublishVersion", json!({"FunctionName": "hello"})).await;
    server
}

fn keep(fields: Value) -> Value {
    with(
        json!({"FunctionName": "hello", "Qualifier": "1", "VersionProvisionedConcurrencyNum": 2}),
        fields,
    )
}

#[tokio::test]
async fn what_is_kept_ready_is_shown_with_what_of_it_is_ready() {
    let server = published().await;
    let hello = || json!({"FunctionName": "hello"});
    let action = json!({
        "TriggerName": "morning", "TriggerProvisionedConcurrencyNum": 5, "TriggerCronConfig": "0 0 8 1 1 * 2099",
        "ProvisionedType": "Default",
    });
    let put = keep(json!({"TriggerActions": [action]}));
    server.ok("PutProvisionedConcurrencyConfig", put).await;
    let version = {
        let key = skiff_domain::FunctionKey {
            namespace: "default".parse().unwrap(),
            name: "hello".parse().unwrap(),
        };
        let draw = Draw::of(RequestId::random(), None);
        server.control.resolve(&key, &"1".parse().unwrap(), &draw).unwrap()
    };
    for (ready, failure, status, reason) in [
        (0, None, "InProgress", ""),
        (1, Some("no room"), "Failed", "no room"),
        (2, None, "Done", ""),
    ] {
        *server.invoker.loads.lock() = vec![FunctionLoad {
            version: version.clone(),
            running: 0,
            waiting: 0,
            busy: 0,
            idle: ready,
            provisioned: 2,
            ready,
            failure: failure.map(str::to_owned),
        }];
        let shown = server.ok("GetProvisionedConcurrencyConfig", hello()).await;
        let entry = &shown["Allocated"][0];
        for (field, value) in [
            ("Qualifier", json!("1")),
            ("AllocatedProvisionedConcurrencyNum", json!(2)),
            ("AvailableProvisionedConcurrencyNum", json!(ready)),
            ("Status", json!(status)),
            ("StatusReason", json!(reason)),
            ("TriggerActions", json!([action])),
        ] {
            assert_eq!(entry[field], value, "{field}: {entry}");
        }
        // 128,000 MB are 1,000 instances of 128 MB, of which the action takes 5.
        assert_eq!(shown["UnallocatedConcurrencyNum"], 995);
    }
    let listed = server.ok("ListFunctions", json!({})).await;
    assert_eq!(listed["Functions"][0]["TotalProvisionedConcurrencyMem"], 640);
    let usage = server.ok("GetAccount", json!({})).await["AccountUsage"].clone();
    assert_eq!(usage["Namespace"][0]["TotalAllocatedProvisionedMem"], 640);
    let deletion = with(hello(), json!({"Qualifier": "1"}));
    server.ok("DeleteProvisionedConcurrencyConfig", deletion).await;
    let shown = server.ok("GetProvisionedConcurrencyConfig", hello()).await;
    assert_eq!(shown["Allocated"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_kept_ready_gets_its_code() {
    let server = published().await;
    let action = |fields| {
        let action = json!({
            "TriggerName": "a", "TriggerProvisionedConcurrencyNum": 1, "TriggerCronConfig": "0 0 8 * * * *",
        });
        keep(json!({"TriggerActions": [with(action, fields)]}))
    };
    let tracking = |fields| {
        let tracking = json!({
            "ProvisionedType": "ConcurrencyUtilizationTracking", "TrackingTarget": 0.7, "MinCapacity": 1, "MaxCapacity": 3,
        });
        keep(with(tracking, fields))
    };
    for (parameters, code) in [
        (keep(json!({"Qualifier": "$LATEST"})), "InvalidParameterValue.Qualifier"),
        (
            keep(json!({"VersionProvisionedConcurrencyNum": -1})),
            "InvalidParameterValue",
        ),
        (
            keep(json!({"VersionProvisionedConcurrencyNum": 1001})),
            "FailedOperation.ProvisionedExceedAvailable",
        ),
        (
            keep(json!({"ProvisionedType": "x"})),
            "InvalidParameterValue.ProvisionType",
        ),
        (
            action(json!({"TriggerName": ""})),
            "InvalidParameterValue.ProvisionTriggerName",
        ),
        (
            action(json!({"TriggerProvisionedConcurrencyNum": -1})),
            "InvalidParameterValue.TriggerProvisionedConcurrencyNum",
        ),
        (
            action(json!({"TriggerCronConfig": "x"})),
            "InvalidParameterValue.TriggerCronConfig",
        ),
        (
            action(json!({"ProvisionedType": "ConcurrencyUtilizationTracking"})),
            "InvalidParameterValue.ProvisionType",
        ),
        (
            tracking(json!({"TrackingTarget": 1})),
            "InvalidParameterValue.TrackingTarget",
        ),
        (tracking(json!({"MinCapacity": 4})), "InvalidParameterValue.MinCapacity"),
        (
            tracking(json!({"VersionProvisionedConcurrencyNum": 4})),
            "InvalidParameterValue",
        ),
    ] {
        let refused = server.code("PutProvisionedConcurrencyConfig", parameters.clone()).await;
        assert_eq!(refused, code, "{parameters}");
    }
    server.ok("PutProvisionedConcurrencyConfig", tracking(json!({}))).await;
    let deletion = json!({"FunctionName": "hello", "Qualifier": "1"});
    server.ok("DeleteProvisionedConcurrencyConfig", deletion.clone()).await;
    assert_eq!(
        server.code("DeleteProvisionedConcurrencyConfig", deletion).await,
        "ResourceNotFound"
    );
}

#[tokio::test]
async fn what_is_wrong_within_a_list_is_told_with_its_place_and_what_was_given() {
    let server = published().await;
    let layers = |layers: Value| json!({"FunctionName": "hello", "Layers": layers});
    let weights = |weights: Value| {
        let alias = json!({"FunctionName": "hello", "Name": "prod", "FunctionVersion": "1"});
        with(alias, json!({"RoutingConfig": {"AdditionalVersionWeights": weights}}))
    };
    let (layer, keep_ready, alias) = (
        "UpdateFunctionConfiguration",
        "PutProvisionedConcurrencyConfig",
        "CreateAlias",
    );
    for (action, parameters, told) in [
        (layer, layers(json!([{}])), "parameter Layers[0].LayerName is missing"),
        (
            layer,
            layers(json!([{"LayerName": "a"}])),
            "parameter Layers[0].LayerVersion is missing",
        ),
        (
            layer,
            layers(json!([{"LayerName": "a", "LayerVersion": 0}])),
            "Layers[0].LayerVersion 0 is not valid",
        ),
        (
            keep_ready,
            keep(json!({"TriggerActions": [{}]})),
            "parameter TriggerActions[0].TriggerName is missing",
        ),
        (
            keep_ready,
            keep(json!({"Qualifier": "9"})),
            "hello has no published version 9: use one that",
        ),
        (
            alias,
            weights(json!([{"Version": "$LATEST"}])),
            "parameter RoutingConfig.AdditionalVersionWeights[0].Weight is missing",
        ),
        (
            alias,
            weights(json!([{"Version": "$LATEST", "Weight": 1.5}])),
            "Weight 1.5 is not valid: use 0 to 1",
        ),
    ] {
        let answer = server.call(action, parameters).await;
        let message = answer["Error"]["Message"].as_str().unwrap_or_default();
        assert!(message.contains(told), "{told}: {answer}");
    }
}
