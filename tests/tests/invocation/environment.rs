//! What a handler finds around it: context, environment, folders, itself.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use skiff_tests::Spec;

use crate::common::{client, python};

#[test]
fn the_context_is_the_documented_one() {
    let variables = json!({"Variables": [{"Key": "GREETING", "Value": "Grüß \"dich\""}]});
    let function = Spec::python("def main_handler(event, context): return context")
        .with("MemorySize", 256)
        .with("Timeout", 7)
        .with("Environment", variables)
        .deploy(&client());
    let answer = function.invoke(&json!({}));
    let mut context = answer.returned().clone();
    let environment: Value = serde_json::from_str(context["environment"].as_str().expect("text")).expect("JSON");
    assert_eq!(
        environment,
        json!({"SCF_NAMESPACE": "default", "GREETING": "Grüß \"dich\""})
    );
    context.as_object_mut().expect("an object").remove("environment");
    let uin = context["tencentcloud_uin"].as_str().expect("text").to_owned();
    assert!(
        !uin.is_empty() && uin.bytes().all(|byte| byte.is_ascii_digit()),
        "{uin}"
    );
    let expected = json!({
        "memory_limit_in_mb": 256,
        "time_limit_in_ms": 7000,
        "request_id": answer.request_id(),
        "environ": "SCF_NAMESPACE=default;SCF_NAMESPACE=default;GREETING=Grüß \"dich\"",
        "function_version": "$LATEST",
        "function_name": function.name,
        "namespace": "default",
        "tencentcloud_region": "local",
        "tencentcloud_appid": "1250000000",
        "tencentcloud_uin": uin,
    });
    assert_eq!(context, expected);
}

#[test]
fn the_environment_is_the_documented_one_and_nothing_of_the_hosts() {
    let code = "import os\ndef main_handler(event, context): return dict(os.environ)";
    let variables = json!({"Variables": [{"Key": "OWN", "Value": "a=b c"}, {"Key": "EMPTY", "Value": ""}]});
    let function = Spec::python(code).with("Environment", variables).deploy(&client());
    let mut have: BTreeMap<String, String> =
        serde_json::from_value(function.invoke(&json!({})).returned().clone()).expect("texts");
    let hostname = have.remove("HOSTNAME").expect("HOSTNAME");
    assert!(!hostname.is_empty());
    let uin = have.remove("TENCENTCLOUD_UIN").expect("TENCENTCLOUD_UIN");
    assert!(
        !uin.is_empty() && uin.bytes().all(|byte| byte.is_ascii_digit()),
        "{uin}"
    );
    let runtime = function.describe()["Runtime"].as_str().expect("text").to_owned();
    let expected = [
        ("EMPTY", ""),
        ("HOME", "/home/qcloud"),
        ("LANG", "en_US.UTF8"),
        ("LC_ALL", "en_US.UTF8"),
        ("LD_LIBRARY_PATH", "/var/user:/opt"),
        ("LOCPATH", "/var/runtime/locale"),
        ("LOGNAME", "qcloud"),
        ("OWN", "a=b c"),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("PWD", "/var/user"),
        ("PYTHONDONTWRITEBYTECODE", "x"),
        ("PYTHONPATH", "/var/user:/opt"),
        ("SCF_FUNCTIONNAME", &function.name),
        ("SCF_FUNCTIONVERSION", "$LATEST"),
        ("SCF_NAMESPACE", "default"),
        ("SCF_RUNTIME", &runtime),
        ("SHELL", "/bin/bash"),
        ("SHLVL", "3"),
        ("SKIFF_API_ENDPOINT", "http://skiff.internal:19000"),
        ("SKIFF_GATEWAY_ENDPOINT", "http://skiff.internal:19080"),
        ("TENCENTCLOUD_APPID", "1250000000"),
        ("TENCENTCLOUD_REGION", "local"),
        ("TENCENTCLOUD_RUNENV", "SCF"),
        ("TENCENTCLOUD_TZ", "UTC"),
        ("USER", "qcloud"),
        ("USER_CODE_ROOT", "/var/user/"),
        ("_", "/var/lang/python3/bin/python3"),
        ("_SCF_SERVER_PORT", "28902"),
    ];
    let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(have, BTreeMap::from(expected));
}

#[test]
fn a_handler_is_qcloud_in_var_user_and_so_are_its_children() {
    let code = "
import getpass, os, pwd, subprocess, sys

def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

def main_handler(event, context):
    return {
        'cwd': os.getcwd(), 'user': pwd.getpwuid(os.getuid()).pw_name, 'getpass': getpass.getuser(),
        'home': os.path.expanduser('~'), 'file': __file__, 'name': __name__,
        'child': run('/bin/sh', '-c', 'pwd; whoami; echo $HOME $SCF_FUNCTIONVERSION'),
        'python': run(sys.executable, '-c', 'import sys; print(sys.version_info[0], sys.path[1:3])'),
        'documented python': run('/var/lang/python3/bin/python3', '-c', 'print(1)'),
        'stdin': sys.stdin.read(), 'zone': run('date', '+%Z'), 'encoding': sys.stdout.encoding,
    }
";
    let expected = json!({
        "cwd": "/var/user", "user": "qcloud", "getpass": "qcloud", "home": "/home/qcloud",
        "file": "/var/user/index.py", "name": "index",
        "child": "/var/user\nqcloud\n/home/qcloud $LATEST",
        "python": "3 ['/var/user', '/opt']",
        "documented python": "1",
        "stdin": "", "zone": "UTC", "encoding": "utf-8",
    });
    assert_eq!(python(code).invoke(&json!({})).returned(), &expected);
}

#[test]
fn a_function_without_a_network_is_told_of_no_endpoint() {
    let code = "import os\ndef main_handler(event, context): return [key for key in os.environ if 'ENDPOINT' in key]";
    let function = Spec::python(code)
        .with("VpcConfig", json!({"VpcId": "none", "SubnetId": ""}))
        .with(
            "PublicNetConfig",
            json!({"PublicNetStatus": "DISABLE", "EipConfig": {"EipStatus": "DISABLE"}}),
        )
        .deploy(&client());
    assert_eq!(function.invoke(&json!({})).returned(), &json!([]));
}

#[test]
fn a_handler_may_stand_in_a_folder_and_import_from_the_package() {
    let package = skiff_tests::Package::default()
        .file("jobs/__init__.py", b"")
        .file("jobs/daily.py", b"import shared.words\nfrom . import more\ndef run(event, context): return [shared.words.WORD, more.WORD]\n")
        .file("jobs/more.py", b"WORD = 'more'\n")
        .file("shared/words.py", b"WORD = 'word'\n");
    let function = Spec::package(package)
        .with("Handler", "jobs.daily.run")
        .deploy(&client());
    assert_eq!(function.invoke(&json!({})).returned(), &json!(["word", "more"]));
}

#[test]
fn code_is_compiled_before_it_is_called() {
    let code = "import os\ndef main_handler(event, context):\n    return os.path.exists(__cached__)\n";
    assert_eq!(python(code).invoke(&json!({})).returned(), true);
}
