//! What a template may say, and that nothing of it is passed over.

use super::*;
use crate::manifest::FunctionSpec;

const HEAD: &str = "Resources:\n  default:\n    Type: TencentCloud::Serverless::Namespace\n";

fn read(text: &str) -> Result<Vec<FunctionSpec>, String> {
    let manifest = crate::manifest::format::parse_any(text, Path::new("template.yaml"), &|_| None);
    manifest
        .map(|manifest| manifest.functions)
        .map_err(|error| error.to_string())
}

/// A function with these properties.
fn function(properties: &str) -> String {
    format!("{HEAD}    fun:\n      Type: TencentCloud::Serverless::Function\n      Properties:\n{properties}")
}

#[test]
fn a_template_with_globals_and_namespaces_is_read_whole() {
    let text = "
Globals:
  Function:
    Runtime: Python2.7
    Timeout: 30
    Environment: {Variables: {DB_NAME: mydb, SIZE: 1.10}}
Resources:
  default:
    Type: TencentCloud::Serverless::Namespace
    hello_world:
      Type: TencentCloud::Serverless::Function
      Properties:
        CodeUri: ./
        Type: Event
        Handler: index.handler
        Runtime: Nodejs8.9
        MemorySize: 256
        Description: text
        Role: QCS_SCFExcuteRole
        Environment: {Variables: {DB_NAME: other}}
        VpcConfig: {VpcId: '', SubnetId: ''}
        InstanceConcurrencyConfig: {DynamicEnabled: 'FALSE', MaxConcurrency: 20}
  staging:
    Type: TencentCloud::Serverless::Namespace
    plain:
      Type: TencentCloud::Serverless::Function
      Properties: {VpcConfig: {VpcId: none}}
";
    let [hello, plain] = read(text).expect("a template").try_into().expect("two");
    let settings = hello.settings;
    assert_eq!(
        (hello.name.as_str(), hello.namespace.as_str()),
        ("hello_world", "default")
    );
    assert_eq!(settings.runtime.as_deref(), Some("Nodejs8.9"));
    assert_eq!(settings.handler.as_deref(), Some("index.handler"));
    assert_eq!((settings.memory_mb, settings.timeout_s), (Some(256), Some(30)));
    assert_eq!(settings.instance_concurrency, Some(20));
    assert_eq!(plain.settings.instance_concurrency, Some(1));
    assert_eq!(settings.role.as_deref(), Some("QCS_SCFExcuteRole"));
    let variables = [("DB_NAME", "other"), ("SIZE", "1.10")].map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(settings.environment, Some(variables.to_vec()), "as they are written");
    assert_eq!((plain.name.as_str(), plain.namespace.as_str()), ("plain", "staging"));
    assert_eq!(plain.settings.runtime.as_deref(), Some("Python2.7"));
    assert_eq!(plain.settings.network, Some(skiff_domain::NetworkMode::None));
}

#[test]
fn what_skiff_lacks_or_does_not_know_in_a_template_is_an_error_with_its_line() {
    for (properties, said) in [
        (
            "        Runtime: Python3.6\n        Events:\n          t1: {Type: Timer, Properties: {Enable: True}}\n",
            "template.yaml:9: Events: t1: a trigger (Timer) cannot",
        ),
        (
            "        Runtime: Python3.6\n        CodeUri: {Bucket: b, Key: /code.zip}\n",
            "template.yaml:8: CodeUri: code in a bucket",
        ),
        (
            "        Runtime: Python3.6\n        InstanceConcurrencyConfig: {DynamicEnabled: 'TRUE'}\n",
            "template.yaml:8: InstanceConcurrencyConfig: an instance takes as many",
        ),
        (
            "        Runtime: Python3.6\n        VpcConfig: {VpcId: vpc-x, SubnetId: subnet-x}\n",
            "template.yaml:8: VpcConfig: there is no private network \"vpc-x\"",
        ),
        (
            "        Runtime: Python3.6\n        Type: Other\n",
            "template.yaml:8: Type: \"Other\" is none of",
        ),
        ("        Timeout: 3\n", "template.yaml:4: Runtime: fun needs a Runtime"),
        (
            "        Runtime: Python3.6\n        MemorySize: 100\n",
            "template.yaml:8: MemorySize: 100 MB is not possible",
        ),
        (
            "        Runtime: Python3.6\n        Timeout: 3s\n",
            "template.yaml:8: Timeout: \"3s\" is no whole number",
        ),
        (
            "        Runtime: Python3.6\n        CodeUri: gone\n",
            "template.yaml:8: CodeUri: there is no gone",
        ),
        (
            "        Runtime: Python3.6\n        Cfs: x\n",
            "template.yaml:8:9: unknown field \"Cfs\"",
        ),
    ] {
        let error = read(&function(properties)).expect_err(properties);
        assert!(error.contains(said), "{said}: {error}");
    }
    let error = read("Resources:\n  default:\n    Type: AWS::Serverless::Function\n").expect_err("another tool's");
    assert!(error.contains("TencentCloud::Serverless::Namespace"), "{error}");
    let error = read(HEAD).expect_err("nothing to deploy");
    assert!(error.contains("no function"), "{error}");
}

#[test]
fn one_file_can_be_a_functions_code() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("index.py"), "def main_handler(e, c): pass\n").expect("a file");
    std::fs::write(folder.path().join("other.txt"), "").expect("a file");
    let file = folder.path().join("template.yaml");
    std::fs::write(
        &file,
        function("        Runtime: Python3.6\n        CodeUri: index.py\n"),
    )
    .expect("a file");
    let [spec] = crate::manifest::read(folder.path())
        .expect("found")
        .functions
        .try_into()
        .expect("one");
    assert!(spec.lone_file);
    assert_eq!(crate::package::lone(&spec.code).expect("packed").names, ["index.py"]);
}
