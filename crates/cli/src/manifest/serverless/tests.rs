//! What a `serverless.yml` may say, and that nothing of it is passed over.

use super::*;

fn read(text: &str) -> Result<Manifest, String> {
    let env = |name: &str| (name == "WORD").then(|| "Hi".to_owned());
    crate::manifest::format::parse_any(text, Path::new("serverless.yml"), &env).map_err(|error| error.to_string())
}

/// A file with these inputs beside a name and a runtime.
fn inputs(more: &str) -> String {
    format!("component: scf\nname: demo\ninputs:\n  name: fun\n  runtime: Python3.6\n{more}")
}

#[test]
fn a_serverless_yml_is_read_whole() {
    let text = "
component: scf
app: shop
stage: dev
name: scfdemo
inputs:
  name: ${name}-${stage}
  namespace: staging
  src: {src: ./, exclude: [tests/]}
  type: event
  handler: index.main_handler
  runtime: Nodejs10.15
  region: ap-guangzhou
  memorySize: 256
  timeout: 20
  initTimeout: 3
  environment: {variables: {WORD: '${env:WORD} from ${app}', SIZE: 1.10}}
  layers: [{name: deps, version: 1}]
  asyncRunEnable: false
  instanceConcurrencyConfig: {enable: true, dynamicEnabled: false, maxConcurrency: 10}
  vpcConfig: {vpcId: none}
";
    let Manifest { functions, notes } = read(text).expect("fine");
    let [spec] = functions.try_into().expect("one");
    let settings = spec.settings;
    assert_eq!(
        (spec.name.as_str(), spec.namespace.as_str()),
        ("scfdemo-dev", "staging")
    );
    assert_eq!(spec.ignore, ["tests/"]);
    assert_eq!(
        (settings.memory_mb, settings.timeout_s, settings.init_timeout_s),
        (Some(256), Some(20), Some(3))
    );
    assert_eq!(settings.instance_concurrency, Some(10));
    let variables = [("SIZE", "1.10"), ("WORD", "Hi from shop")];
    let variables = variables.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(settings.environment, Some(variables.to_vec()));
    assert_eq!(settings.layers, Some(vec!["deps:1".parse().expect("legal")]));
    assert_eq!(settings.network, Some(skiff_domain::NetworkMode::None));
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("ap-guangzhou"), "{notes:?}");
}

#[test]
fn what_skiff_lacks_or_does_not_know_in_a_serverless_yml_is_an_error_with_its_line() {
    for (more, said) in [
        (
            "  events:\n    - timer: {parameters: {enable: true}}\n",
            "serverless.yml:7: events: a trigger (timer) cannot",
        ),
        (
            "  deadLetter: {type: t}\n",
            "serverless.yml:6: deadLetter: Skiff does not have",
        ),
        ("  msgTTL: 21600\n", "serverless.yml:6: msgTTL: Skiff does not have"),
        ("  cfs: []\n", "serverless.yml:6: cfs: Skiff does not have"),
        (
            "  instanceConcurrencyConfig: {dynamicEnabled: true}\n",
            "serverless.yml:6: instanceConcurrencyConfig: an instance takes as many",
        ),
        (
            "  instanceConcurrencyConfig: {maxConcurrency: 101}\n",
            "serverless.yml:6: instanceConcurrencyConfig: 101 is not possible",
        ),
        (
            "  instanceConcurrencyConfig: {sessions: 1}\n",
            "unknown field \"sessions\"",
        ),
        ("  type: other\n", "serverless.yml:6: type: \"other\" is none of"),
        ("  asyncRunEnable: true\n", "serverless.yml:6: asyncRunEnable: "),
        (
            "  vpcConfig: {vpcId: vpc-x, subnetId: s}\n",
            "serverless.yml:6: vpcConfig: there is no private network",
        ),
        ("  src: {bucket: b, object: o}\n", "serverless.yml:6: src: "),
        (
            "  memorySize: 100\n",
            "serverless.yml:6: memorySize: 100 MB is not possible",
        ),
        (
            "  description: ${env:NOBODY}\n",
            "serverless.yml:6: description: the environment has no NOBODY",
        ),
        (
            "  description: ${output:x}\n",
            "serverless.yml:6: description: ${output:x} is not known",
        ),
        (
            "  description: ${stage}\n",
            "serverless.yml:6: description: ${stage} is not known",
        ),
        ("  eip: true\n", "serverless.yml:6:3: unknown field \"eip\""),
    ] {
        let error = read(&inputs(more)).expect_err(more);
        assert!(error.contains(said), "{said}: {error}");
    }
    let error = read("component: website\nname: x\ninputs: {name: fun}\n").expect_err("another component");
    assert!(error.contains("serverless.yml:1: component: "), "{error}");
    let error = read("service: x\nprovider: {name: tencent}\n").expect_err("the framework's older form");
    assert!(error.contains("component: scf"), "{error}");
}

#[test]
fn of_two_foreign_files_one_has_to_be_named_and_skiffs_own_comes_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("a file");
    write("serverless.yml", &inputs(""));
    write("template.yaml", "Resources: {}\n");
    let error = crate::manifest::read(folder.path()).expect_err("which").to_string();
    assert!(
        error.contains("template.yaml") && error.contains("serverless.yml"),
        "{error}"
    );
    let named = crate::manifest::read(&folder.path().join("serverless.yml")).expect("named");
    assert_eq!(named.functions[0].name.as_str(), "fun");
    write("skiff.yaml", "name: own\nruntime: Python3\n");
    let own = crate::manifest::read(folder.path()).expect("its own");
    assert_eq!(own.functions[0].name.as_str(), "own");
}
