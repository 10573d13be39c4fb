//! Every documented request field has an effect or is refused, and every answer has the documented shape: a walk
//! through the schema the official SDKs are made from.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::server::{Server, code, hello, web_zip_file, with, zip_file};

fn schema() -> Value {
    serde_json::from_str(include_str!("schema.json")).unwrap()
}

/// What a field does.
enum Proof {
    /// It is refused with this code.
    Refused(Value, &'static str),
    /// This value is refused by its own rule, as only a field that is looked at can be.
    Checked(Value, &'static str),
    /// Giving it changes what this other request answers, at this place.
    Seen(Value, &'static str, Value, &'static str),
}
use Proof::{Checked, Refused, Seen};

const GET: &str = "GetFunction";
const FIRST: &str = "/Functions/0/FunctionName";

/// One row a field: a request with it, and what comes of that.
#[rustfmt::skip]
fn proofs(action: &str) -> BTreeMap<&'static str, Proof> {
    let show = || json!({"FunctionName": "hello"});
    let made = || json!({"FunctionName": "made"});
    let made_layer = || json!({"LayerName": "made", "LayerVersion": 1});
    let copy = || json!({"FunctionName": "copy"});
    let text = |code| Refused(json!("x"), code);
    let on = |code| Refused(json!("TRUE"), code);
    let mut rows = match action {
        "CreateFunction" => vec![
            ("FunctionName", Checked(json!(""), "MissingParameter")),
            ("Code", Checked(json!({}), "MissingParameter.Code")),
            ("Handler", Checked(json!("other.main"), "InvalidParameterValue.Handler")),
            ("Description", Seen(json!("told"), GET, made(), "/Description")),
            ("MemorySize", Seen(json!(256), GET, made(), "/MemorySize")),
            ("Timeout", Seen(json!(7), GET, made(), "/Timeout")),
            ("InitTimeout", Seen(json!(7), GET, made(), "/InitTimeout")),
            ("Environment", Seen(json!({"Variables": [{"Key": "K1", "Value": "v"}]}), GET, made(), "/Environment/Variables")),
            ("Runtime", Seen(json!("Python3.9"), GET, made(), "/Runtime")),
            ("Namespace", Seen(json!("second"), "ListFunctions", json!({"Namespace": "second", "SearchKey": "made"}), "/TotalCount")),
            ("Tags", Seen(json!([{"Key": "team", "Value": "probe"}]), GET, made(), "/Tags")),
            ("Type", Checked(json!("x"), "InvalidParameterValue.FunctionType")),
            ("CodeSource", Refused(json!("Git"), "InvalidParameterValue.CodeSource")),
            ("AsyncRunEnable", on("UnsupportedOperation.AsyncRunEnable")),
            ("TraceEnable", on("InvalidParameterValue.TraceEnable")),
            ("AutoDeployClsTopicIndex", on("InvalidParameterValue.Cls")),
            ("AutoCreateClsTopic", on("InvalidParameterValue.Cls")),
            ("ProtocolType", Checked(json!("WS"), "InvalidParameterValue.ProtocolType")),
        ],
        "UpdateFunctionConfiguration" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Description", Seen(json!("told"), GET, show(), "/Description")),
            ("MemorySize", Seen(json!(256), GET, show(), "/MemorySize")),
            ("Timeout", Seen(json!(7), GET, show(), "/Timeout")),
            ("InitTimeout", Seen(json!(7), GET, show(), "/InitTimeout")),
            ("Environment", Seen(json!({"Variables": [{"Key": "K1", "Value": "v"}]}), GET, show(), "/Environment/Variables")),
            ("Runtime", Seen(json!("Python3.9"), GET, show(), "/Runtime")),
            ("Publish", Seen(json!("TRUE"), "ListVersionByFunction", show(), "/TotalCount")),
            ("L5Enable", on("InvalidParameterValue.L5Enable")),
            ("IgnoreSysLog", Refused(json!(true), "UnsupportedOperation")),
        ],
        "UpdateFunctionCode" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Handler", Checked(json!("other.main"), "InvalidParameterValue.Handler")),
            ("ZipFile", Checked(json!("%"), "InvalidParameterValue.ZipFileBase64BinasciiError")),
            ("Code", Checked(json!({"ZipFile": zip_file()}), "InvalidParameterValue.Code")),
            ("CosBucketName", text("UnsupportedOperation.Cos")),
            ("CosObjectName", text("UnsupportedOperation.Cos")),
            ("CosBucketRegion", text("UnsupportedOperation.Cos")),
            ("InstallDependency", on("UnsupportedOperation")),
            ("EnvId", text("UnsupportedOperation")),
            ("Publish", Seen(json!("TRUE"), "ListVersionByFunction", show(), "/TotalCount")),
            ("CodeSource", Refused(json!("Git"), "InvalidParameterValue.CodeSource")),
        ],
        "GetFunction" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Qualifier", Checked(json!("7"), "ResourceNotFound.Qualifier")),
            ("ShowCode", Seen(json!("TRUE"), "", json!({}), "/CodeInfo")),
        ],
        "ListFunctions" => vec![
            ("Order", Seen(json!("DESC"), "", json!({}), FIRST)),
            ("Orderby", Seen(json!("AddTime"), "", json!({}), FIRST)),
            ("Offset", Seen(json!(1), "", json!({}), FIRST)),
            ("Limit", Seen(json!(0), "", json!({}), FIRST)),
            ("SearchKey", Seen(json!("zero"), "", json!({}), "/TotalCount")),
            ("Description", Seen(json!("zero"), "", json!({}), "/TotalCount")),
            ("Namespace", Seen(json!("second"), "", json!({}), "/TotalCount")),
            ("Filters", Seen(json!([{"Name": "Status", "Values": ["Creating"]}]), "", json!({}), "/TotalCount")),
        ],
        "DeleteFunction" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Qualifier", Checked(json!("7"), "ResourceNotFound.Qualifier")),
        ],
        "CopyFunction" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("NewFunctionName", Checked(json!("hello"), "InvalidParameterValue.FunctionName")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("TargetNamespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("TargetRegion", Refused(json!("eu-nowhere"), "UnsupportedOperation.Region")),
            ("Description", Seen(json!("told"), GET, copy(), "/Description")),
            ("Override", Checked(json!(false), "ResourceInUse.Function")),
            ("CopyConfiguration", Seen(json!(false), GET, copy(), "/Timeout")),
        ],
        "Invoke" | "InvokeFunction" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Qualifier", Checked(json!("7"), "ResourceNotFound.Qualifier")),
            ("LogType", Seen(json!("Tail"), "", json!({}), "/Result/Log")),
            ("RoutingKey", Checked(json!("Bob"), "InvalidParameterValue.RoutingConfig")),
        ],
        "GetFunctionLogs" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Qualifier", Checked(json!("-"), "InvalidParameterValue.Qualifier")),
            ("FunctionRequestId", Checked(json!("x"), "InvalidParameterValue.FunctionRequestId")),
            ("Offset", Checked(json!(10_000), "LimitExceeded.Offset")),
            ("Limit", Checked(json!(10_001), "LimitExceeded.Offset")),
            ("Order", Checked(json!("up"), "InvalidParameterValue.Order")),
            ("OrderBy", Checked(json!("colour"), "InvalidParameterValue.OrderBy")),
            ("Filter", Checked(json!({"RetCode": "x"}), "InvalidParameterValue.RetCode")),
            ("StartTime", Checked(json!("x"), "InvalidParameterValue.DateTime")),
            ("EndTime", Checked(json!("x"), "InvalidParameterValue.DateTime")),
            ("SearchContext", Checked(json!({"Offset": "x", "Limit": 1}), "InvalidParameterValue.Offset")),
        ],
        "ListNamespaces" => vec![
            ("Limit", Seen(json!(0), "", json!({}), "/Namespaces")),
            ("Offset", Seen(json!(1), "", json!({}), "/Namespaces")),
            ("Order", Seen(json!("DESC"), "", json!({}), "/Namespaces")),
            ("Orderby", Checked(json!("colour"), "InvalidParameterValue.Orderby")),
            ("SearchKey", Seen(json!([{"Key": "Namespace", "Value": "second"}]), "", json!({}), "/TotalCount")),
        ],
        "CreateNamespace" => vec![
            ("Namespace", Checked(json!("second"), "ResourceInUse.Namespace")),
            ("Description", Seen(json!("told"), "ListNamespaces", json!({"SearchKey": [{"Key": "Description", "Value": "told"}]}), "/TotalCount")),
            ("ResourceEnv", Refused(json!({"TKE": {"ClusterID": "x"}}), "UnsupportedOperation")),
        ],
        "UpdateNamespace" => vec![
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Description", Seen(json!("told"), "ListNamespaces", json!({"SearchKey": [{"Key": "Description", "Value": "told"}]}), "/TotalCount")),
        ],
        "DeleteNamespace" => vec![("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace"))],
        "GetAccount" => vec![],
        "PublishVersion" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Description", Seen(json!("told"), "", json!({}), "/Description")),
        ],
        "ListVersionByFunction" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Offset", Seen(json!(1), "", json!({}), "/FunctionVersion")),
            ("Limit", Seen(json!(0), "", json!({}), "/FunctionVersion")),
            ("Order", Seen(json!("DESC"), "", json!({}), "/FunctionVersion")),
            ("OrderBy", Seen(json!("ModTime"), "", json!({}), "/FunctionVersion")),
        ],
        "DeleteFunctionVersion" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Qualifier", Checked(json!("7"), "ResourceNotFound.Qualifier")),
            ("ForceDelete", Checked(json!("FALSE"), "UnsupportedOperation.AliasBind")),
        ],
        "CreateAlias" | "UpdateAlias" => {
            let alias = if action == "CreateAlias" { "made" } else { "prod" };
            let seen = || json!({"FunctionName": "hello", "Name": alias});
            vec![
                ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
                ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
                ("Name", Checked(json!("1"), "InvalidParameterValue.Alias")),
                ("FunctionVersion", Seen(json!("$LATEST"), "GetAlias", seen(), "/FunctionVersion")),
                ("RoutingConfig", Seen(json!({"AdditionalVersionWeights": [{"Version": "$LATEST", "Weight": 0.25}]}), "GetAlias", seen(), "/RoutingConfig")),
                ("Description", Seen(json!("told"), "GetAlias", seen(), "/Description")),
            ]
        }
        "GetAlias" | "DeleteAlias" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Name", Checked(json!("nothing"), "ResourceNotFound.Alias")),
        ],
        "ListAliases" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("FunctionVersion", Seen(json!("1"), "", json!({}), "/TotalCount")),
            ("Offset", Seen(json!("1"), "", json!({}), "/Aliases")),
            ("Limit", Seen(json!("1"), "", json!({}), "/Aliases")),
        ],
        "PublishLayerVersion" => vec![
            ("LayerName", Checked(json!(""), "MissingParameter")),
            ("CompatibleRuntimes", Checked(json!([]), "InvalidParameterValue.CompatibleRuntimes")),
            ("Content", Checked(json!({}), "MissingParameter.Code")),
            ("Description", Seen(json!("told"), "GetLayerVersion", made_layer(), "/Description")),
            ("LicenseInfo", Seen(json!("MIT"), "GetLayerVersion", made_layer(), "/LicenseInfo")),
            ("Tags", Seen(json!([{"Key": "team", "Value": "probe"}]), "ListLayers", json!({"SearchKey": "made"}), "/Layers/0/Tags")),
        ],
        "GetLayerVersion" | "DeleteLayerVersion" => vec![
            ("LayerName", Checked(json!("nothing"), "ResourceNotFound.Layer")),
            ("LayerVersion", Checked(json!(7), "ResourceNotFound.LayerVersion")),
        ],
        "ListLayerVersions" => vec![
            ("LayerName", Checked(json!("nothing"), "ResourceNotFound.Layer")),
            ("CompatibleRuntime", Seen(json!(["Python3.9"]), "", json!({}), "/LayerVersions")),
        ],
        "ListLayers" => vec![
            ("CompatibleRuntime", Seen(json!("Python3.9"), "", json!({}), "/TotalCount")),
            ("Offset", Seen(json!(1), "", json!({}), "/Layers")),
            ("Limit", Seen(json!(0), "", json!({}), "/Layers")),
            ("SearchKey", Seen(json!("other"), "", json!({}), "/TotalCount")),
        ],
        "GetFunctionAddress" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Qualifier", Checked(json!("7"), "ResourceNotFound.Qualifier")),
        ],
        "PutReservedConcurrencyConfig" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("ReservedConcurrencyMem", Checked(json!(200_000), "LimitExceeded.FunctionReservedConcurrencyMemory")),
        ],
        "GetReservedConcurrencyConfig" | "DeleteReservedConcurrencyConfig" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
        ],
        "PutTotalConcurrencyConfig" => vec![
            ("TotalConcurrencyMem", Seen(json!(64_000), "GetAccount", json!({}), "/AccountUsage/UserConcurrencyMemLimit")),
            ("Namespace", Refused(json!("second"), "UnsupportedOperation")),
        ],
        "PutProvisionedConcurrencyConfig" => {
            let shown = || json!({"FunctionName": "hello"});
            let get = "GetProvisionedConcurrencyConfig";
            vec![
                ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
                ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
                ("Qualifier", Checked(json!("7"), "ResourceNotFound.Qualifier")),
                ("VersionProvisionedConcurrencyNum", Seen(json!(3), get, shown(), "/Allocated/0/AllocatedProvisionedConcurrencyNum")),
                ("TriggerActions", Seen(json!([{"TriggerName": "a", "TriggerProvisionedConcurrencyNum": 2, "TriggerCronConfig": "0 0 8 * * * *"}]), get, shown(), "/Allocated/0/TriggerActions")),
                ("ProvisionedType", Checked(json!("ConcurrencyUtilizationTracking"), "MissingParameter")),
                ("TrackingTarget", Checked(json!(0.5), "InvalidParameterValue.ProvisionType")),
                ("MinCapacity", Checked(json!(1), "InvalidParameterValue.ProvisionType")),
                ("MaxCapacity", Checked(json!(1), "InvalidParameterValue.ProvisionType")),
            ]
        }
        "GetProvisionedConcurrencyConfig" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Qualifier", Checked(json!("7"), "ResourceNotFound.Qualifier")),
        ],
        "DeleteProvisionedConcurrencyConfig" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("Qualifier", Checked(json!("7"), "ResourceNotFound.Qualifier")),
        ],
        "GetRequestStatus" => vec![
            ("FunctionName", Checked(json!("nobody"), "ResourceNotFound.Function")),
            ("Namespace", Checked(json!("nowhere"), "ResourceNotFound.Namespace")),
            ("FunctionRequestId", Checked(json!("x"), "InvalidParameterValue.FunctionRequestId")),
            ("StartTime", Checked(json!("x"), "InvalidParameterValue.DateTime")),
            ("EndTime", Checked(json!("x"), "InvalidParameterValue.DateTime")),
        ],
        other => panic!("{other} is served and has no proofs"),
    };
    if matches!(action, "CreateFunction" | "UpdateFunctionConfiguration") {
        rows.extend([
            ("VpcConfig", Refused(json!({"VpcId": "vpc-1", "SubnetId": "subnet-1"}), "UnsupportedOperation.VpcConfig")),
            ("PublicNetConfig", Checked(json!({"PublicNetStatus": "x"}), "InvalidParameterValue.PublicNetConfig")),
            ("Role", Checked(json!("SCF_QcsRole"), "ResourceNotFound.Role")),
            ("InstallDependency", on("UnsupportedOperation")),
            ("ClsLogsetId", text("InvalidParameterValue.Cls")),
            ("ClsTopicId", text("InvalidParameterValue.Cls")),
            ("Layers", Checked(json!([{"LayerName": "x", "LayerVersion": 1}]), "ResourceNotFound.Layer")),
            ("DeadLetterConfig", Refused(json!({"Type": "CMQ-QUEUE", "Name": "x"}), "InvalidParameterValue.DeadLetterConfig")),
            ("CfsConfig", Refused(json!({"CfsInsList": [{"CfsId": "x"}]}), "InvalidParameterValue.CfsParameterError")),
            ("ProtocolParams", Checked(json!({"WSParams": {"IdleTimeOut": 10}}), "InvalidParameterValue.WebSocketsParams")),
            ("InstanceConcurrencyConfig", Checked(json!({"MaxConcurrency": 2}), "InvalidParameterValue.InstanceConcurrencyConfig")),
            ("DnsCache", on("InvalidParameterValue.DnsInfo")),
            ("IntranetConfig", Refused(json!({"IpFixed": "ENABLE"}), "UnsupportedOperation")),
        ]);
    }
    match action {
        "Invoke" => rows.extend([
            ("InvocationType", Refused(json!("Event"), "UnsupportedOperation")),
            ("ClientContext", Checked(json!("not JSON"), "InvalidParameterValue.Param")),
        ]),
        "InvokeFunction" => rows.push(("Event", Checked(json!("not JSON"), "InvalidParameterValue.Param"))),
        _ => {}
    }
    rows.into_iter().collect()
}

/// A request of this action that is fine as it is.
fn plain(action: &str) -> Value {
    match action {
        "CreateFunction" => with(hello(), json!({"FunctionName": "made"})),
        "UpdateFunctionCode" => json!({"FunctionName": "hello", "ZipFile": zip_file()}),
        "CopyFunction" => json!({"FunctionName": "hello", "NewFunctionName": "copy", "Override": true}),
        "CreateNamespace" => json!({"Namespace": "third"}),
        "DeleteFunctionVersion" => json!({"FunctionName": "hello", "Qualifier": "1", "ForceDelete": "TRUE"}),
        "CreateAlias" => json!({"FunctionName": "hello", "Name": "made", "FunctionVersion": "1"}),
        "UpdateAlias" | "GetAlias" | "DeleteAlias" => {
            json!({"FunctionName": "hello", "Name": "prod", "FunctionVersion": "1"})
        }
        "PublishLayerVersion" => layer("made"),
        "GetLayerVersion" | "DeleteLayerVersion" | "ListLayerVersions" => {
            json!({"LayerName": "deps", "LayerVersion": 1})
        }
        "ListLayers" => json!({}),
        "PutReservedConcurrencyConfig" => json!({"FunctionName": "hello", "ReservedConcurrencyMem": 256}),
        "PutTotalConcurrencyConfig" => json!({"TotalConcurrencyMem": 32_000}),
        "PutProvisionedConcurrencyConfig" => {
            json!({"FunctionName": "hello", "Qualifier": "1", "VersionProvisionedConcurrencyNum": 1})
        }
        "DeleteProvisionedConcurrencyConfig" => json!({"FunctionName": "hello", "Qualifier": "1"}),
        "GetRequestStatus" => {
            json!({"FunctionName": "hello", "FunctionRequestId": "0b5cd2a5-0000-4000-8000-000000000000"})
        }
        "UpdateNamespace" | "DeleteNamespace" => json!({"Namespace": "second", "Description": "x"}),
        "ListFunctions" | "ListNamespaces" | "GetFunctionLogs" | "GetAccount" => json!({}),
        _ => json!({"FunctionName": "hello"}),
    }
}

/// The smallest PublishLayerVersion.
fn layer(name: &str) -> Value {
    json!({"LayerName": name, "CompatibleRuntimes": ["Python3.11"], "Content": {"ZipFile": zip_file()}})
}

/// A layer `deps`, functions `hello`, changed after its version 1, which its alias `prod` leads to, `copy` (created later, with other settings) and, in `second`, nothing.
async fn server() -> Server {
    let server = Server::start().await;
    server.ok("CreateNamespace", json!({"Namespace": "second"})).await;
    server.ok("CreateFunction", hello()).await;
    server.ok("PublishVersion", json!({"FunctionName": "hello"})).await;
    let prod = json!({"FunctionName": "hello", "Name": "prod", "FunctionVersion": "1"});
    server.ok("CreateAlias", prod).await;
    let change = json!({"FunctionName": "hello", "Timeout": 5});
    server.ok("UpdateFunctionConfiguration", change).await;
    server
        .ok("CreateFunction", with(hello(), json!({"FunctionName": "copy"})))
        .await;
    server.ok("PublishLayerVersion", layer("deps")).await;
    let kept = plain("PutProvisionedConcurrencyConfig");
    server.ok("PutProvisionedConcurrencyConfig", kept).await;
    server.invoker.end.lock().log = "START\n".into();
    server
}

#[tokio::test]
async fn every_documented_field_has_an_effect_or_is_refused() {
    let schema = schema();
    for (action, fields) in schema["served"].as_object().unwrap() {
        let proofs = proofs(action);
        let documented: BTreeSet<_> = fields["request"]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let proven: BTreeSet<_> = proofs.keys().copied().collect();
        assert_eq!(documented, proven, "{action}: one proof a documented field");
        for (field, proof) in proofs {
            check(action, field, proof).await;
        }
    }
}

async fn check(action: &str, field: &str, proof: Proof) {
    let server = server().await;
    match proof {
        Refused(value, expected) | Checked(value, expected) => {
            if expected == "InvalidParameterValue.Param" {
                // Whether an event is JSON is the invoker's word; here it is its answer's way to the caller.
                server.invoker.end.lock().status = skiff_domain::StatusCode::InvalidEvent;
            }
            let answer = server.call(action, with(plain(action), json!({field: value}))).await;
            assert_eq!(code(&answer), expected, "{action}.{field}: {answer}");
            let seen = server.invoker.seen.lock();
            if let Some(invocation) = seen.first() {
                assert_eq!(
                    invocation.event, "not JSON",
                    "{action}.{field} was run although it is refused"
                );
            }
        }
        Seen(value, asked, question, place) => {
            let request = with(plain(action), json!({field: value}));
            let (without, given) = if asked.is_empty() {
                (server.ok(action, plain(action)).await, server.ok(action, request).await)
            } else {
                let other = self::server().await;
                other.ok(action, plain(action)).await;
                server.ok(action, request).await;
                (
                    other.call(asked, question.clone()).await,
                    server.call(asked, question).await,
                )
            };
            assert_ne!(
                without.pointer(place),
                given.pointer(place),
                "{action}.{field} has no effect: {given}"
            );
        }
    }
}

#[tokio::test]
async fn every_field_of_code_is_the_zip_or_refused() {
    let schema = schema();
    for (field, _) in schema["types"]["Code"].as_object().unwrap() {
        let value = if field == "ImageConfig" {
            json!({"ImageUri": "x"})
        } else {
            json!("x")
        };
        let expected = match field.as_str() {
            "ZipFile" => "InvalidParameterValue.ZipFileBase64BinasciiError".to_owned(),
            "CosBucketName" | "CosObjectName" | "CosBucketRegion" => "UnsupportedOperation.Cos".to_owned(),
            "ImageConfig" => "UnsupportedOperation".to_owned(),
            other => format!("InvalidParameterValue.{other}"),
        };
        let server = Server::with_hello().await;
        for (action, parameters) in [
            ("CreateFunction", with(hello(), json!({"FunctionName": "made"}))),
            ("UpdateFunctionCode", json!({"FunctionName": "hello"})),
        ] {
            let answer = server
                .call(action, with(parameters, json!({"Code": {field: value}})))
                .await;
            assert_eq!(code(&answer), expected, "{action} Code.{field}: {answer}");
        }
    }
}

#[tokio::test]
async fn every_field_of_instance_concurrency_has_an_effect_or_is_refused() {
    let schema = schema();
    let session = json!({"SessionSource": "HEADER", "SessionName": "x"});
    let site =
        json!({"FunctionName": "site", "Type": "HTTP", "Runtime": "Python3.11", "Code": {"ZipFile": web_zip_file()}});
    let server = server().await;
    server.ok("CreateFunction", site).await;
    for (field, _) in schema["types"]["InstanceConcurrencyConfig"].as_object().unwrap() {
        let (value, expected) = match field.as_str() {
            "DynamicEnabled" => (json!("TRUE"), "InvalidParameterValue.DynamicEnabled"),
            "MaxConcurrency" => (json!(101), "InvalidParameterValue.MaxConcurrency"),
            "InstanceIsolationEnabled" => (json!("TRUE"), "FailedOperation.InstanceIsolationEnabled"),
            "Type" => (json!("Session-Based"), "InvalidParameterValue.Type"),
            "MixNodeConfig" => (json!([{"NodeSpec": "x", "Num": 1}]), "FailedOperation.MixNodeConfig"),
            "SessionConfig" => (session.clone(), "FailedOperation.SessionName"),
            other => panic!("{other} has no proof"),
        };
        let change = json!({"FunctionName": "site", "InstanceConcurrencyConfig": {field: value}});
        let answer = server.call("UpdateFunctionConfiguration", change).await;
        assert_eq!(code(&answer), expected, "{field}: {answer}");
    }
    let shown = || server.ok(GET, json!({"FunctionName": "site"}));
    let config = |events| json!({"DynamicEnabled": "FALSE", "MaxConcurrency": events});
    assert_eq!(shown().await["InstanceConcurrencyConfig"], config(1));
    for events in [100, 1] {
        let change = json!({"FunctionName": "site", "InstanceConcurrencyConfig": config(events)});
        server.ok("UpdateFunctionConfiguration", change).await;
        assert_eq!(shown().await["InstanceConcurrencyConfig"], config(events));
    }
}

#[tokio::test]
async fn a_switch_that_is_off_asks_for_nothing() {
    let server = Server::start().await;
    let off = json!({
        "Type": "event", "CodeSource": "ZipFile", "Role": "", "InstallDependency": "FALSE", "ClsLogsetId": "",
        "ClsTopicId": "", "Layers": [], "DeadLetterConfig": {"Type": "", "Name": ""}, "CfsConfig": {"CfsInsList": []},
        "AsyncRunEnable": "false", "TraceEnable": "FALSE", "AutoDeployClsTopicIndex": "FALSE", "AutoCreateClsTopic": "FALSE",
        "ProtocolType": "", "InstanceConcurrencyConfig": {"DynamicEnabled": "FALSE", "MaxConcurrency": 1},
        "DnsCache": "FALSE", "IntranetConfig": {"IpFixed": "DISABLE"}, "VpcConfig": {"VpcId": "", "SubnetId": ""},
        "PublicNetConfig": {"PublicNetStatus": "ENABLE", "EipConfig": {"EipStatus": "DISABLE"}}, "ProtocolParams": null
    });
    server.ok("CreateFunction", with(hello(), off)).await;
    let change = json!({"FunctionName": "hello", "Publish": "FALSE", "L5Enable": "FALSE", "IgnoreSysLog": false});
    server.ok("UpdateFunctionConfiguration", change).await;
}

/// True when `value` is of this type of the schema, has no field it does not know, and is as deep as it is.
fn conforms(schema: &Value, kind: &str, value: &Value) -> Result<(), String> {
    if value.is_null() {
        return Ok(());
    }
    if let Some(inner) = kind.strip_prefix("Array<").and_then(|rest| rest.strip_suffix('>')) {
        let elements = value.as_array().ok_or_else(|| format!("{value} is no array"))?;
        return elements.iter().try_for_each(|element| conforms(schema, inner, element));
    }
    match kind {
        "string" if value.is_string() => Ok(()),
        "number" if value.is_number() => Ok(()),
        "boolean" if value.is_boolean() => Ok(()),
        "string" | "number" | "boolean" => Err(format!("{value} is no {kind}")),
        _ => {
            let known = &schema["types"][kind];
            let fields = value.as_object().ok_or_else(|| format!("{value} is no {kind}"))?;
            fields.iter().try_for_each(|(name, field)| {
                let kind = known[name].as_str().ok_or_else(|| format!("{kind} has no {name}"))?;
                conforms(schema, kind, field).map_err(|what| format!("{name}: {what}"))
            })
        }
    }
}

#[tokio::test]
async fn every_answer_has_the_documented_fields_and_no_other() {
    let schema = schema();
    for (action, fields) in schema["served"].as_object().unwrap() {
        let server = server().await;
        let answer = server.ok(action, plain(action)).await;
        let answered: BTreeSet<_> = answer.as_object().unwrap().keys().collect();
        let documented: BTreeSet<_> = fields["response"].as_object().unwrap().keys().collect();
        assert_eq!(answered, documented, "{action}");
        for (name, kind) in fields["response"].as_object().unwrap() {
            let fits = conforms(&schema, kind.as_str().unwrap(), &answer[name]);
            assert_eq!(fits, Ok(()), "{action}.{name}");
        }
    }
}

#[tokio::test]
async fn a_required_field_that_is_missing_is_named() {
    for (action, field) in [
        ("CreateFunction", "FunctionName"),
        ("GetFunction", "FunctionName"),
        ("Invoke", "FunctionName"),
        ("InvokeFunction", "FunctionName"),
        ("UpdateFunctionCode", "FunctionName"),
        ("UpdateFunctionConfiguration", "FunctionName"),
        ("DeleteFunction", "FunctionName"),
        ("CopyFunction", "FunctionName"),
        ("CopyFunction", "NewFunctionName"),
        ("CreateNamespace", "Namespace"),
        ("UpdateNamespace", "Namespace"),
        ("UpdateNamespace", "Description"),
        ("PublishVersion", "FunctionName"),
        ("ListVersionByFunction", "FunctionName"),
        ("DeleteFunctionVersion", "FunctionName"),
        ("DeleteFunctionVersion", "Qualifier"),
        ("CreateAlias", "FunctionName"),
        ("CreateAlias", "Name"),
        ("CreateAlias", "FunctionVersion"),
        ("UpdateAlias", "FunctionName"),
        ("UpdateAlias", "Name"),
        ("UpdateAlias", "FunctionVersion"),
        ("GetAlias", "FunctionName"),
        ("GetAlias", "Name"),
        ("ListAliases", "FunctionName"),
        ("DeleteAlias", "FunctionName"),
        ("DeleteAlias", "Name"),
        ("DeleteNamespace", "Namespace"),
        ("PublishLayerVersion", "LayerName"),
        ("PublishLayerVersion", "CompatibleRuntimes"),
        ("PublishLayerVersion", "Content"),
        ("GetLayerVersion", "LayerName"),
        ("GetLayerVersion", "LayerVersion"),
        ("ListLayerVersions", "LayerName"),
        ("DeleteLayerVersion", "LayerName"),
        ("DeleteLayerVersion", "LayerVersion"),
        ("GetFunctionAddress", "FunctionName"),
        ("GetRequestStatus", "FunctionName"),
        ("GetRequestStatus", "FunctionRequestId"),
        ("PutReservedConcurrencyConfig", "FunctionName"),
        ("PutReservedConcurrencyConfig", "ReservedConcurrencyMem"),
        ("GetReservedConcurrencyConfig", "FunctionName"),
        ("DeleteReservedConcurrencyConfig", "FunctionName"),
        ("PutTotalConcurrencyConfig", "TotalConcurrencyMem"),
        ("PutProvisionedConcurrencyConfig", "FunctionName"),
        ("PutProvisionedConcurrencyConfig", "Qualifier"),
        ("PutProvisionedConcurrencyConfig", "VersionProvisionedConcurrencyNum"),
        ("GetProvisionedConcurrencyConfig", "FunctionName"),
        ("DeleteProvisionedConcurrencyConfig", "FunctionName"),
        ("DeleteProvisionedConcurrencyConfig", "Qualifier"),
    ] {
        let server = server().await;
        let mut parameters = plain(action);
        parameters.as_object_mut().unwrap().remove(field);
        let answer = server.call(action, parameters).await;
        assert_eq!(code(&answer), "MissingParameter", "{action} without {field}: {answer}");
        assert!(answer["Error"]["Message"].as_str().unwrap().contains(field), "{answer}");
    }
}
