//! Whole command lines against an API in this process.

use serde_json::json;

use crate::testing::FakeApi;

fn api() -> FakeApi {
    FakeApi::start(|action, _| {
        let prod = json!({
            "Name": "prod", "FunctionVersion": "1", "Description": "live", "ModTime": "2026-03-18 09:16:13",
            "RoutingConfig": {"AdditionalVersionWeights": [{"Version": "2", "Weight": 0.29}], "AddtionVersionMatchs": []},
        });
        let team = json!({
            "Name": "team", "FunctionVersion": "1", "RoutingConfig": {"AddtionVersionMatchs": [
                {"Version": "2", "Key": "invoke.headers.User", "Method": "exact", "Expression": "Bob"},
                {"Version": "3", "Key": "invoke.headers.Age", "Method": "range", "Expression": "[1,50]"},
            ]},
        });
        Ok(match action {
            "ListAliases" => json!({"Aliases": [prod, team], "TotalCount": 2}),
            "GetAlias" => prod,
            _ => json!({}),
        })
    })
}

#[test]
fn aliases_are_listed_and_shown_with_where_their_calls_go() {
    let api = api();
    let ran = api.run(&["alias", "list", "hello", "--version", "1"]);
    assert_eq!((ran.exit, ran.out.lines().count()), (0, 3), "{ran:?}");
    for said in ["29% to 2", "User=Bob to 2, Age in [1,50] to 3"] {
        assert!(ran.out.contains(said), "{ran:?}");
    }
    let params = api.params("ListAliases");
    assert_eq!(
        (&params["FunctionVersion"], &params["Offset"]),
        (&json!("1"), &json!("0"))
    );
    let ran = api.run(&["alias", "show", "hello", "prod", "-n", "staging"]);
    assert!(ran.exit == 0 && ran.out.contains("29% to 2"), "{ran:?}");
    let expected = json!({"FunctionName": "hello", "Name": "prod", "Namespace": "staging"});
    assert_eq!(api.params("GetAlias"), expected);
}

#[test]
fn an_alias_goes_forward_by_a_share_and_back_as_a_whole() {
    let api = api();
    let ran = api.run(&["alias", "create", "hello", "prod", "1", "--description", "live"]);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (0, "alias prod of hello leads to version 1\n"),
        "{ran:?}"
    );
    let expected = json!({"FunctionName": "hello", "Name": "prod", "FunctionVersion": "1", "Description": "live"});
    assert_eq!(api.params("CreateAlias"), expected);

    let ran = api.run(&["alias", "update", "hello", "prod", "1", "--weight", "2=0.1"]);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (
            0,
            "alias prod of hello leads to version 1, 10% to 2 (before: 1, 29% to 2)\n"
        ),
        "{ran:?}"
    );
    let expected = json!({
        "FunctionName": "hello", "Name": "prod", "FunctionVersion": "1",
        "RoutingConfig": {"AdditionalVersionWeights": [{"Version": "2", "Weight": 0.1}]},
    });
    assert_eq!(api.params("UpdateAlias"), expected);
    let ran = api.run(&["alias", "update", "hello", "prod", "$LATEST"]);
    assert_eq!(
        (ran.exit, ran.out.as_str()),
        (
            0,
            "alias prod of hello leads to version $LATEST (before: 1, 29% to 2)\n"
        ),
        "{ran:?}"
    );
    let expected = json!({"FunctionName": "hello", "Name": "prod", "FunctionVersion": "$LATEST"});
    assert_eq!(api.params("UpdateAlias"), expected);

    let ran = api.run(&["alias", "delete", "hello", "prod", "team"]);
    assert_eq!((ran.exit, ran.out.lines().count()), (0, 2), "{ran:?}");
}

#[test]
fn a_mistyped_alias_suggests_the_near_one() {
    let api = FakeApi::start(|action, _| match action {
        "ListAliases" => Ok(json!({"Aliases": [{"Name": "prod"}, {"Name": "team"}]})),
        "GetAlias" | "DeleteAlias" => Err(("ResourceNotFound.Alias", "Function hello has no such alias")),
        _ => Err((
            "ResourceNotFound.Qualifier",
            "Function hello has no such version or alias",
        )),
    });
    for (command, hint) in [
        (&["alias", "show", "hello", "prdo"][..], "did you mean prod?"),
        (&["alias", "update", "hello", "tem", "1"], "did you mean team?"),
        (&["invoke", "hello", "--qualifier", "prdo"], "did you mean prod?"),
        (
            &["function", "show", "hello", "--qualifier", "7"],
            "`skiff alias list hello`",
        ),
    ] {
        let ran = api.run(command);
        assert!(ran.exit == 3 && ran.err.contains(hint), "{ran:?}");
    }
}

#[test]
fn rules_are_written_short_and_sent_in_full() {
    let api = api();
    let rules = [
        "--rule",
        "2=User:Bob:s",
        "--rule",
        "3=Age:(1,50]",
        "--rule",
        "3=Tag:[x]",
    ];
    let ran = api.run(&[&["alias", "update", "hello", "team", "1"][..], &rules].concat());
    assert_eq!(ran.exit, 0, "{ran:?}");
    let rule = |version: &str, key: &str, method: &str, expression: &str| json!({"Version": version, "Key": format!("invoke.headers.{key}"), "Method": method, "Expression": expression});
    assert_eq!(
        api.params("UpdateAlias")["RoutingConfig"],
        json!({"AddtionVersionMatchs": [
            rule("2", "User", "exact", "Bob:s"), rule("3", "Age", "range", "(1,50]"), rule("3", "Tag", "exact", "[x]"),
        ]})
    );
    let calls = api.calls().len();
    for bad in [
        ["--weight", "2"],
        ["--weight", "2=much"],
        ["--rule", "2"],
        ["--rule", "2=User"],
    ] {
        let ran = api.run(&[&["alias", "create", "hello", "team", "1"][..], &bad].concat());
        assert_eq!(ran.exit, 2, "{ran:?}");
        assert!(ran.err.contains(bad[0]), "{ran:?}");
    }
    assert_eq!(api.calls().len(), calls);
}
