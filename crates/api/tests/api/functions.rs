//! A function's life over the API, and the shape of what is answered.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::server::{CODE, Server, code, hello, with, zip, zip_file};

async fn get(server: &Server, name: &str) -> Value {
    server.ok("GetFunction", json!({"FunctionName": name})).await
}

#[tokio::test]
async fn a_function_is_created_shown_changed_and_deleted() {
    let server = Server::start().await;
    assert_eq!(
        server.code("GetFunction", json!({"FunctionName": "hello"})).await,
        "ResourceNotFound.Function"
    );
    let created = server.ok("CreateFunction", hello()).await;
    assert_eq!(created.as_object().unwrap().len(), 1, "only the RequestId: {created}");
    assert_eq!(server.code("CreateFunction", hello()).await, "ResourceInUse.Function");
    let function = get(&server, "hello").await;
    for (field, value) in [
        ("FunctionName", json!("hello")),
        ("Namespace", json!("default")),
        ("Status", json!("Active")),
        ("AvailableStatus", json!("Available")),
        ("Runtime", json!("Python3.11")),
        ("Handler", json!("index.main_handler")),
        ("MemorySize", json!(128)),
        ("Timeout", json!(3)),
        ("InitTimeout", json!(65)),
        ("Type", json!("Event")),
        ("FunctionVersion", json!("$LATEST")),
        ("Qualifier", json!("$LATEST")),
        ("Environment", json!({"Variables": []})),
        ("VpcConfig", json!({"VpcId": "", "SubnetId": ""})),
        ("Tags", json!([])),
        ("CodeInfo", json!("")),
        ("CodeSize", json!(STANDARD.decode(zip_file()).unwrap().len())),
        ("CodeResult", json!("success")),
    ] {
        assert_eq!(function[field], value, "{field}");
    }
    assert_eq!(function["PublicNetConfig"]["PublicNetStatus"], "ENABLE");
    assert!(function["FunctionId"].as_str().unwrap().starts_with("lam-"));

    let change =
        json!({"FunctionName": "hello", "Timeout": 10, "Environment": {"Variables": [{"Key": "K1", "Value": "v1"}]}});
    server.ok("UpdateFunctionConfiguration", change).await;
    let changed = get(&server, "hello").await;
    assert_eq!(
        (&changed["Timeout"], &changed["MemorySize"]),
        (&json!(10), &json!(128)),
        "only what is given changes"
    );
    assert_eq!(
        changed["Environment"]["Variables"],
        json!([{"Key": "K1", "Value": "v1"}])
    );
    assert_eq!(changed["FunctionId"], function["FunctionId"]);

    server.ok("DeleteFunction", json!({"FunctionName": "hello"})).await;
    assert_eq!(
        server.code("GetFunction", json!({"FunctionName": "hello"})).await,
        "ResourceNotFound.Function"
    );
    assert_eq!(
        server.code("DeleteFunction", json!({"FunctionName": "hello"})).await,
        "ResourceNotFound.Function"
    );
}

#[tokio::test]
async fn code_is_replaced_from_beside_or_from_within_code_and_can_be_shown() {
    let server = Server::with_hello().await;
    let show = json!({"FunctionName": "hello", "ShowCode": "TRUE"});
    assert_eq!(server.ok("GetFunction", show.clone()).await["CodeInfo"], CODE);
    let other = |text: &str| STANDARD.encode(zip(&[("main.py", text)]));
    server
        .ok(
            "UpdateFunctionCode",
            json!({"FunctionName": "hello", "ZipFile": other("a = 1\n"), "Handler": "main.run"}),
        )
        .await;
    let answer = server.ok("GetFunction", show.clone()).await;
    assert_eq!(
        (&answer["CodeInfo"], &answer["Handler"]),
        (&json!("a = 1\n"), &json!("main.run"))
    );
    server
        .ok(
            "UpdateFunctionCode",
            json!({"FunctionName": "hello", "Code": {"ZipFile": other("a = 2\n")}}),
        )
        .await;
    assert_eq!(server.ok("GetFunction", show).await["CodeInfo"], "a = 2\n");
    let digest = async |params| server.ok("GetFunction", params).await["CodeSha256"].clone();
    assert_eq!(
        digest(json!({"FunctionName": "hello"})).await,
        Value::Null,
        "for who asks"
    );
    let zip = zip(&[("main.py", "a = 2\n")]);
    assert_eq!(
        digest(json!({"FunctionName": "hello", "ShowCodeSha256": "TRUE"})).await,
        skiff_domain::CodeDigest::of(&zip).to_string()
    );
    let invalid = json!({"FunctionName": "hello", "ShowCode": "yes"});
    assert_eq!(server.code("GetFunction", invalid).await, "InvalidParameterValue");
}

#[tokio::test]
async fn what_is_wrong_with_a_function_gets_its_documented_code_and_nothing_is_kept() {
    let server = Server::start().await;
    let broken = STANDARD.encode(b"PK no zip at all");
    let elsewhere = STANDARD.encode(zip(&[("other.py", CODE)]));
    for (fields, expected) in [
        (json!({"FunctionName": ""}), "MissingParameter"),
        (json!({"FunctionName": null}), "MissingParameter"),
        (json!({"FunctionName": "1st"}), "InvalidParameterValue.FunctionName"),
        (json!({"FunctionName": 7}), "InvalidParameter"),
        (json!({"Namespace": "nowhere"}), "ResourceNotFound.Namespace"),
        (json!({"Code": null}), "MissingParameter.Code"),
        (json!({"Code": {}}), "MissingParameter.Code"),
        (json!({"Code": {"ZipFile": ""}}), "MissingParameter.Code"),
        (
            json!({"Code": {"ZipFile": "%%%"}}),
            "InvalidParameterValue.ZipFileBase64BinasciiError",
        ),
        (json!({"Code": {"ZipFile": broken}}), "InvalidParameterValue.ZipFile"),
        (json!({"Code": {"ZipFile": elsewhere}}), "InvalidParameterValue.Handler"),
        (json!({"Handler": "index"}), "InvalidParameterValue.Handler"),
        (json!({"Runtime": "Cobol85"}), "InvalidParameterValue.Runtime"),
        (json!({"Runtime": "Java8"}), "InvalidParameterValue.Runtime"),
        (json!({"MemorySize": 100}), "InvalidParameterValue.MemorySize"),
        (json!({"MemorySize": -128}), "InvalidParameterValue.MemorySize"),
        (json!({"MemorySize": 4096}), "LimitExceeded.Memory"),
        (json!({"MemorySize": "128"}), "InvalidParameter"),
        (json!({"Timeout": 901}), "LimitExceeded.Timeout"),
        (json!({"Timeout": 0}), "InvalidParameterValue"),
        (json!({"InitTimeout": 301}), "LimitExceeded.InitTimeout"),
        (
            json!({"Description": "x".repeat(1001)}),
            "InvalidParameterValue.Description",
        ),
        (
            json!({"Environment": {"Variables": [{"Key": "1", "Value": ""}]}}),
            "InvalidParameterValue.Environment",
        ),
        (
            json!({"Environment": {"Variables": [{"Key": "SCF_X", "Value": ""}]}}),
            "InvalidParameterValue.EnvironmentSystemProtect",
        ),
        (json!({"Tags": [{"Key": "", "Value": "x"}]}), "InvalidParameterValue"),
    ] {
        let answer = server.call("CreateFunction", with(hello(), fields.clone())).await;
        assert_eq!(code(&answer), expected, "{fields}: {answer}");
    }
    assert_eq!(server.ok("ListFunctions", json!({})).await["TotalCount"], 0);
}

#[tokio::test]
async fn a_runtime_is_known_in_any_letter_case_and_python3_is_the_newest() {
    let server = Server::start().await;
    for (i, (given, known)) in [("python3.9", "Python3.9"), ("PYTHON3", "Python3.11")]
        .into_iter()
        .enumerate()
    {
        let name = format!("function{i}");
        server
            .ok(
                "CreateFunction",
                with(hello(), json!({"FunctionName": name, "Runtime": given})),
            )
            .await;
        assert_eq!(get(&server, &name).await["Runtime"], known);
    }
}

#[tokio::test]
async fn base64_in_lines_and_unknown_parameters_are_taken() {
    let server = Server::start().await;
    let zip = zip_file();
    let lines: Vec<&str> = zip
        .as_bytes()
        .chunks(76)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let fields = json!({"Code": {"ZipFile": format!("{}\n", lines.join("\n"))}, "Ype": "Event", "X": {"Y": [1]}});
    server.ok("CreateFunction", with(hello(), fields)).await;
}

#[tokio::test]
async fn functions_are_searched_filtered_ordered_and_paged() {
    let server = Server::start().await;
    server.ok("CreateNamespace", json!({"Namespace": "other"})).await;
    for fields in [
        json!({"FunctionName": "alpha", "Description": "first of all", "Tags": [{"Key": "team", "Value": "probe"}]}),
        json!({"FunctionName": "beta", "Runtime": "Python3.9"}),
        json!({"FunctionName": "alphabet"}),
        json!({"FunctionName": "gamma", "Namespace": "other"}),
    ] {
        server.ok("CreateFunction", with(hello(), fields)).await;
    }
    let filter = |name: &str, value: &str| json!({"Filters": [{"Name": name, "Values": [value]}]});
    for (parameters, expected, total) in [
        (json!({}), &["alpha", "alphabet", "beta"][..], 3),
        (
            json!({"Order": "DESC", "Orderby": "FunctionName"}),
            &["beta", "alphabet", "alpha"],
            3,
        ),
        (json!({"Offset": 1, "Limit": 1}), &["alphabet"], 3),
        (json!({"SearchKey": "alpha"}), &["alpha", "alphabet"], 2),
        (json!({"Description": "first"}), &["alpha"], 1),
        (json!({"Namespace": "other"}), &["gamma"], 1),
        (filter("Runtime", "Python3.9"), &["beta"], 1),
        (filter("Status", "Active"), &["alpha", "alphabet", "beta"], 3),
        (filter("Status", "Creating"), &[], 0),
        (filter("Type", "Event"), &["alpha", "alphabet", "beta"], 3),
        (filter("tag-team", "probe"), &["alpha"], 1),
    ] {
        let answer = server.ok("ListFunctions", parameters.clone()).await;
        let functions = answer["Functions"].as_array().unwrap();
        let names: Vec<_> = functions
            .iter()
            .map(|function| function["FunctionName"].as_str().unwrap())
            .collect();
        assert_eq!(
            (names.as_slice(), &answer["TotalCount"]),
            (expected, &json!(total)),
            "{parameters}"
        );
    }
    for (parameters, expected) in [
        (json!({"Order": "up"}), "InvalidParameterValue.Order"),
        (json!({"Orderby": "Colour"}), "InvalidParameterValue.Orderby"),
        (json!({"Limit": -1}), "InvalidParameterValue.Limit"),
        (json!({"Offset": -1}), "InvalidParameterValue.Offset"),
        (json!({"Namespace": "nowhere"}), "ResourceNotFound.Namespace"),
        (filter("Colour", "red"), "InvalidParameterValue.Filters"),
    ] {
        assert_eq!(
            server.code("ListFunctions", parameters.clone()).await,
            expected,
            "{parameters}"
        );
    }
}

#[tokio::test]
async fn a_copy_takes_code_and_configuration_unless_told_otherwise() {
    let server = Server::start().await;
    server.ok("CreateNamespace", json!({"Namespace": "other"})).await;
    server
        .ok(
            "CreateFunction",
            with(hello(), json!({"MemorySize": 256, "Description": "origin"})),
        )
        .await;
    let copy = |fields: Value| with(json!({"FunctionName": "hello", "NewFunctionName": "copy"}), fields);
    server.ok("CopyFunction", copy(json!({}))).await;
    let copied = get(&server, "copy").await;
    assert_eq!(
        (&copied["MemorySize"], &copied["Description"]),
        (&json!(256), &json!("origin"))
    );
    assert_eq!(
        server.code("CopyFunction", copy(json!({}))).await,
        "ResourceInUse.Function"
    );
    server
        .ok("CopyFunction", copy(json!({"Override": true, "Description": "again"})))
        .await;
    assert_eq!(get(&server, "copy").await["Description"], "again");
    server
        .ok(
            "CopyFunction",
            copy(json!({"TargetNamespace": "other", "CopyConfiguration": false})),
        )
        .await;
    let bare = server
        .ok("GetFunction", json!({"FunctionName": "copy", "Namespace": "other"}))
        .await;
    assert_eq!((&bare["MemorySize"], &bare["Description"]), (&json!(128), &json!("")));
    // Within a namespace other than the default, the copy stays there.
    server
        .ok(
            "CopyFunction",
            json!({"FunctionName": "copy", "NewFunctionName": "third", "Namespace": "other"}),
        )
        .await;
    server
        .ok("GetFunction", json!({"FunctionName": "third", "Namespace": "other"}))
        .await;
    for (fields, expected) in [
        (json!({"NewFunctionName": ""}), "MissingParameter"),
        (
            json!({"NewFunctionName": "hello"}),
            "InvalidParameterValue.FunctionName",
        ),
        (json!({"FunctionName": "nobody"}), "ResourceNotFound.Function"),
        (json!({"TargetNamespace": "nowhere"}), "ResourceNotFound.Namespace"),
        (json!({"TargetRegion": "eu-nowhere"}), "UnsupportedOperation.Region"),
        (json!({"Override": "TRUE"}), "InvalidParameter"),
    ] {
        assert_eq!(
            server.code("CopyFunction", copy(fields.clone())).await,
            expected,
            "{fields}"
        );
    }
    for region in ["local", "ap-guangzhou"] {
        server
            .ok("CopyFunction", copy(json!({"TargetRegion": region, "Override": true})))
            .await;
    }
}

#[tokio::test]
async fn networks_are_public_private_or_none_at_all() {
    let server = Server::with_hello().await;
    for (fields, public, vpc) in [
        (
            json!({"PublicNetConfig": {"PublicNetStatus": "DISABLE"}}),
            "DISABLE",
            "",
        ),
        (json!({"VpcConfig": {"VpcId": "none"}}), "DISABLE", "none"),
        (json!({"VpcConfig": {"VpcId": "", "SubnetId": ""}}), "DISABLE", "none"),
        (
            json!({"PublicNetConfig": {"PublicNetStatus": "ENABLE", "EipConfig": {"EipStatus": "DISABLE"}}}),
            "ENABLE",
            "",
        ),
    ] {
        server
            .ok(
                "UpdateFunctionConfiguration",
                with(json!({"FunctionName": "hello"}), fields.clone()),
            )
            .await;
        let function = get(&server, "hello").await;
        assert_eq!(function["PublicNetConfig"]["PublicNetStatus"], public, "{fields}");
        assert_eq!(function["VpcConfig"]["VpcId"], vpc, "{fields}");
    }
}
