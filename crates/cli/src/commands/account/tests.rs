//! Whole command lines against an API in this process.

use serde_json::json;

use crate::testing::FakeApi;

#[test]
fn the_account_is_shown_with_its_limits_and_limited() {
    let api = FakeApi::start(|action, _| {
        Ok(match action {
            "GetAccount" => json!({
                "AccountUsage": {
                    "NamespacesCount": 1, "Namespace": [{"Namespace": "default", "FunctionsCount": 3}],
                    "TotalConcurrencyMem": 128_000, "UserConcurrencyMemLimit": 64_000,
                    "TotalAllocatedConcurrencyMem": 1024,
                },
                "AccountLimit": {"NamespacesCount": 5, "Namespace": [{"Namespace": "default", "FunctionsCount": 50}]},
            }),
            _ => json!({}),
        })
    });
    let ran = api.run(&["account", "show"]);
    for part in ["1 of 5", "default: 3 of 50", "64000 MB", "128000 MB", "1024 MB"] {
        assert!(ran.out.contains(part), "{part}: {ran:?}");
    }
    let ran = api.run(&["account", "limit", "4000"]);
    assert_eq!(ran.exit, 0, "{ran:?}");
    assert_eq!(
        api.params("PutTotalConcurrencyConfig"),
        json!({"TotalConcurrencyMem": 4000})
    );
}
