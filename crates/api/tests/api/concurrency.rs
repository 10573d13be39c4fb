//! Reserved concurrency and the account's quota over the API.

use serde_json::json;

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
