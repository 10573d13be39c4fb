//! Whole command lines against an API in this process.

use serde_json::{Value, json};

use crate::testing::FakeApi;

#[test]
fn versions_are_published_listed_and_deleted() {
    let api = FakeApi::start(|action, params| {
        Ok(match action {
            "PublishVersion" => json!({"FunctionVersion": "3", "Description": "", "CodeSize": 7}),
            "ListVersionByFunction" => {
                let all = [
                    json!({"Version": "$LATEST", "Status": "Active"}),
                    json!({"Version": "3", "Status": "Active", "Description": "works"}),
                ];
                let offset = usize::try_from(params["Offset"].as_u64().expect("a number")).expect("small");
                json!({"Versions": all[offset..], "FunctionVersion": ["$LATEST", "3"], "TotalCount": 2})
            }
            _ => json!({}),
        })
    });
    let ran = api.run(&["version", "publish", "hello", "-n", "prod", "--description", "works"]);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "version 3 of hello published\n"),
        "{ran:?}"
    );
    let expected = json!({"FunctionName": "hello", "Namespace": "prod", "Description": "works"});
    assert_eq!(api.params("PublishVersion"), expected);
    let ran = api.run(&["version", "publish", "hello", "-o", "json"]);
    let published: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(published["FunctionVersion"], "3");

    let ran = api.run(&["version", "list", "hello"]);
    assert_eq!((ran.exit, ran.out.lines().count()), (0, 3), "{ran:?}");
    assert!(
        ran.out.contains("$LATEST  Active") && ran.out.contains("works"),
        "{ran:?}"
    );

    let ran = api.run(&["version", "delete", "hello", "1", "2"]);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "version 1 of hello deleted\nversion 2 of hello deleted\n"),
        "{ran:?}"
    );
    let expected = json!({"FunctionName": "hello", "Qualifier": "2"});
    assert_eq!(api.params("DeleteFunctionVersion"), expected);
    api.run(&["version", "delete", "hello", "2", "--force"]);
    assert_eq!(api.params("DeleteFunctionVersion")["ForceDelete"], "TRUE");
}

#[test]
fn a_version_in_use_is_kept_and_the_flag_named_that_deletes_it() {
    let api = FakeApi::start(|_, _| {
        Err((
            "UnsupportedOperation.AliasBind",
            "Version 1 is used by the alias prod: change or delete it first, or set ForceDelete",
        ))
    });
    let ran = api.run(&["version", "delete", "hello", "1"]);
    assert!(ran.exit != 0 && ran.err.contains("give --force"), "{ran:?}");
    assert!(!ran.err.contains("ForceDelete"), "{ran:?}");
}
