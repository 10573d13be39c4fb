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

#[test]
fn instances_are_kept_ready_shown_and_let_go() {
    let api = FakeApi::start(|action, _| {
        Ok(match action {
            "GetReservedConcurrencyConfig" => json!({"ReservedMem": null}),
            "GetProvisionedConcurrencyConfig" => json!({"Allocated": [{
                "Qualifier": "1", "AllocatedProvisionedConcurrencyNum": 3, "AvailableProvisionedConcurrencyNum": 1,
                "Status": "Failed", "StatusReason": "no room",
                "TriggerActions": [{
                    "TriggerName": "night", "TriggerProvisionedConcurrencyNum": 0, "TriggerCronConfig": "0 0 22 * * * *",
                }],
            }]}),
            _ => json!({}),
        })
    });
    let ran = api.run(&[
        "concurrency",
        "provision",
        "hello",
        "1",
        "3",
        "--at",
        "night=0@0 0 22 * * * *",
    ]);
    assert_eq!(ran.out, "3 instances of version 1 of hello are kept ready\n", "{ran:?}");
    let expected = json!({
        "FunctionName": "hello", "Qualifier": "1", "VersionProvisionedConcurrencyNum": 3,
        "TriggerActions": [{
            "TriggerName": "night", "TriggerProvisionedConcurrencyNum": 0, "TriggerCronConfig": "0 0 22 * * * *",
            "ProvisionedType": "Default",
        }],
    });
    assert_eq!(api.params("PutProvisionedConcurrencyConfig"), expected);
    let tracking = [
        "concurrency",
        "provision",
        "hello",
        "1",
        "2",
        "--track",
        "0.7",
        "--min",
        "1",
        "--max",
        "9",
    ];
    assert_eq!(api.run(&tracking).exit, 0);
    let sent = api.params("PutProvisionedConcurrencyConfig");
    assert_eq!(
        [
            &sent["ProvisionedType"],
            &sent["TrackingTarget"],
            &sent["MinCapacity"],
            &sent["MaxCapacity"]
        ],
        [
            &json!("ConcurrencyUtilizationTracking"),
            &json!(0.7),
            &json!(1),
            &json!(9)
        ]
    );
    let ran = api.run(&["concurrency", "provision", "hello", "1", "3", "--at", "night"]);
    assert!(ran.exit == 2 && ran.err.contains("NAME=NUMBER@CRON"), "{ran:?}");
    let ran = api.run(&["concurrency", "show", "hello"]);
    for part in [
        "nothing: it shares",
        "version 1: 1 of 3, no room",
        "night: 0 at 0 0 22 * * * *",
    ] {
        assert!(ran.out.contains(part), "{part}: {ran:?}");
    }
    let ran = api.run(&["concurrency", "unprovision", "hello", "1", "2"]);
    assert_eq!(ran.out.lines().count(), 2, "{ran:?}");
    assert_eq!(
        api.params("DeleteProvisionedConcurrencyConfig"),
        json!({"FunctionName": "hello", "Qualifier": "2"})
    );
}
