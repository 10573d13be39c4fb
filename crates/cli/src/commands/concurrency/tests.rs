//! Whole command lines against an API in this process.

use serde_json::json;

use crate::testing::FakeApi;

#[test]
fn concurrency_is_reserved_shown_and_released() {
    let api = FakeApi::start(|action, _| {
        Ok(match action {
            "GetReservedConcurrencyConfig" => json!({"ReservedMem": 1024}),
            _ => json!({}),
        })
    });
    let ran = api.run(&["concurrency", "reserve", "hello", "1024", "-n", "prod"]);
    assert_eq!(ran.out, "1024 MB are reserved for hello\n", "{ran:?}");
    let expected = json!({"FunctionName": "hello", "ReservedConcurrencyMem": 1024, "Namespace": "prod"});
    assert_eq!(api.params("PutReservedConcurrencyConfig"), expected);
    let ran = api.run(&["concurrency", "reserve", "hello", "0"]);
    assert!(ran.out.contains("does not run"), "{ran:?}");
    let ran = api.run(&["concurrency", "show", "hello"]);
    assert!(ran.out.contains("1024 MB"), "{ran:?}");
    let ran = api.run(&["concurrency", "release", "hello", "other"]);
    assert_eq!(ran.out.lines().count(), 2, "{ran:?}");
    assert_eq!(
        api.params("DeleteReservedConcurrencyConfig"),
        json!({"FunctionName": "other"})
    );
}
