//! The command line as its users meet it: deploy, invoke, read, list; what it prints, where, and how it exits.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};
use skiff_tests::{Server, binary, eventually, repository};

static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

/// What a command said and how it ended.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    /// Its output, of a command that went well.
    #[track_caller]
    fn fine(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        &self.out
    }

    /// Its output as JSON.
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(self.fine()).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }

    /// It ended with this code and said this to the person who typed it.
    #[track_caller]
    fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(words.iter().all(|word| self.err.contains(word)), "{words:?}: {self:?}");
        assert_eq!(self.out, "", "nothing of a failure is among the results");
    }
}

/// The binary without the caller's settings.
fn bare() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("SKIFF_")) {
        command.env_remove(name);
    }
    command
}

fn run(command: &mut Command) -> Said {
    let output = command.stdin(Stdio::null()).output().expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Said {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// A command line to the shared server, which is found by its data dir.
fn skiff(line: &str) -> Said {
    skiff_with(line, &[])
}

/// The same with arguments that are not to be split.
fn skiff_with(line: &str, more: &[&str]) -> Said {
    let data = SERVER.data.path();
    run(bare()
        .args(line.split_whitespace())
        .args(more)
        .arg("--data-dir")
        .arg(data))
}

/// A folder with one function.
fn folder(name: &str, code: &str, more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("index.py"), code).expect("a file");
    fs::write(
        folder.path().join("skiff.yaml"),
        format!("name: {name}\nruntime: Python3\n{more}"),
    )
    .expect("a file");
    folder
}

fn path(folder: &tempfile::TempDir) -> &str {
    folder.path().to_str().expect("text")
}

const GREET: &str = "import os\ndef main_handler(event, context):\n    print('greeting', event)\n    return os.environ.get('WORD', 'Hello') + ' ' + event.get('name', 'nobody')\n";

#[test]
fn a_folder_is_deployed_called_and_deployed_again() {
    let folder = folder("cli-greet", GREET, "environment:\n  WORD: Hi\nmemory: 128\n");
    let said = skiff_with("deploy", &[path(&folder)]);
    assert!(said.fine().starts_with("cli-greet created: Python3."), "{said:?}");

    let said = skiff_with("invoke cli-greet --data", &[r#"{"name": "you"}"#]);
    assert_eq!(said.fine(), "\"Hi you\"\n", "the result alone");
    assert!(said.err.contains("request id"), "{said:?}");
    let said = skiff_with("invoke cli-greet --log --data", &[r#"{"name": "you"}"#]);
    assert_eq!(said.fine(), "\"Hi you\"\n");
    assert!(
        said.err.contains("greeting {'name': 'you'}") && said.err.contains("START RequestId: "),
        "{said:?}"
    );

    fs::write(folder.path().join("index.py"), GREET.replace("'Hello'", "'Good day'")).expect("a file");
    fs::write(
        folder.path().join("skiff.yaml"),
        "name: cli-greet\nruntime: Python3\nmemory: 256\n",
    )
    .expect("a file");
    let said = skiff_with("deploy", &[path(&folder)]);
    assert!(said.fine().starts_with("cli-greet updated: "), "{said:?}");
    assert!(
        said.out.contains("memory 128 -> 256") && said.out.contains("environment"),
        "{said:?}"
    );
    assert_eq!(skiff("invoke cli-greet").fine(), "\"Good day nobody\"\n");

    let shown = skiff("function show cli-greet");
    assert!(
        shown.fine().contains("256") && shown.out.contains("Active"),
        "{shown:?}"
    );
    skiff("function delete cli-greet").fine();
    skiff("function show cli-greet").fails(3, &["ResourceNotFound.Function"]);
}

#[test]
fn a_plan_says_what_would_change_and_changes_nothing() {
    let folder = folder("cli-plan", GREET, "");
    let said = skiff_with("deploy --plan", &[path(&folder)]);
    assert!(said.fine().starts_with("cli-plan would be created"), "{said:?}");
    assert!(said.out.contains("\n  memory 128\n"), "{said:?}");
    skiff("function show cli-plan").fails(3, &["ResourceNotFound.Function"]);

    skiff_with("deploy", &[path(&folder)]).fine();
    let said = skiff_with("deploy --plan", &[path(&folder)]);
    assert!(said.fine().starts_with("cli-plan would stay as it is"), "{said:?}");

    fs::write(folder.path().join("index.py"), GREET.replace("Hello", "Hi")).expect("a file");
    let yaml = folder.path().join("skiff.yaml");
    fs::write(&yaml, "name: cli-plan\nruntime: Python3\ntimeout: 9\n").expect("a file");
    let before = skiff("function show cli-plan -o json").json();
    let report = skiff_with("deploy --plan -o json", &[path(&folder)]).json();
    let planned = &report[0];
    assert_eq!(planned["action"], "updated", "{report}");
    assert_eq!(planned["changes"][0], "timeout 3 -> 9", "{report}");
    assert_ne!(planned["code"]["before"], planned["code"]["after"], "{report}");
    let mut after = skiff("function show cli-plan -o json").json();
    after["RequestId"] = before["RequestId"].clone();
    assert_eq!(after, before, "nothing is changed");
    let done = skiff_with("deploy -o json", &[path(&folder)]).json();
    assert_eq!(done[0]["action"], "updated", "{done}");
    assert_eq!(skiff("invoke cli-plan").fine(), "\"Hi nobody\"\n");
}

#[test]
fn files_of_scfs_own_tools_are_deployed_as_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    fs::create_dir(folder.path().join("src")).expect("a folder");
    write("src/index.py", GREET);
    write("lone.py", &GREET.replace("Hello", "Alone"));
    let template = "Globals:\n  Function: {Runtime: Python3, Handler: index.main_handler}\nResources:\n  default:\n    \
                    Type: TencentCloud::Serverless::Namespace\n    cli-tcsam:\n      \
                    Type: TencentCloud::Serverless::Function\n      Properties:\n        CodeUri: ./src\n        \
                    Environment: {Variables: {WORD: Moin}}\n    cli-lone:\n      \
                    Type: TencentCloud::Serverless::Function\n      Properties: {CodeUri: lone.py, Handler: \
                    lone.main_handler, MemorySize: 64}\n";
    write("template.yaml", template);
    let said = skiff_with("deploy", &[path(&folder)]);
    assert_eq!(said.fine().lines().count(), 2, "{said:?}");
    assert_eq!(skiff("invoke cli-tcsam").fine(), "\"Moin nobody\"\n");
    assert_eq!(skiff("invoke cli-lone").fine(), "\"Alone nobody\"\n");
    assert_eq!(skiff("function show cli-lone -o json").json()["MemorySize"], 64);

    let serverless = "component: scf\nname: cli-sls\ninputs:\n  name: ${name}\n  src: ./src\n  runtime: Python3\n  \
                      environment: {variables: {WORD: '${env:CLI_WORD}'}}\n";
    write("serverless.yml", serverless);
    skiff_with("deploy", &[path(&folder)]).fails(2, &["template.yaml", "serverless.yml"]);
    let named = folder.path().join("serverless.yml");
    let deploy = |word: Option<&str>| {
        let mut command = bare();
        command
            .arg("deploy")
            .arg(&named)
            .arg("--data-dir")
            .arg(SERVER.data.path());
        run(command.envs(word.map(|word| ("CLI_WORD", word))))
    };
    deploy(None).fails(2, &["serverless.yml:7", "CLI_WORD"]);
    deploy(Some("Salut")).fine();
    assert_eq!(skiff("invoke cli-sls").fine(), "\"Salut nobody\"\n");

    write(
        "serverless.yml",
        &format!("{serverless}  timeout: 9\n  events:\n    - timer: {{parameters: {{enable: true}}}}\n"),
    );
    deploy(Some("Salut")).fails(2, &["serverless.yml:10", "timer", "no triggers yet"]);
    assert_eq!(
        skiff("function show cli-sls -o json").json()["Timeout"],
        3,
        "nothing is done by halves"
    );
}

/// A wheel of one module, in a folder that pip is shown as its only source.
fn wheel(folder: &Path, name: &str, code: &str) {
    let file = fs::File::create(folder.join(format!("{name}-1.0-py3-none-any.whl"))).expect("a file");
    let mut zip = zip::ZipWriter::new(file);
    let info = format!("{name}-1.0.dist-info");
    for (path, text) in [
        (format!("{name}.py"), code.to_owned()),
        (
            format!("{info}/METADATA"),
            format!("Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"),
        ),
        (
            format!("{info}/WHEEL"),
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned(),
        ),
        (
            format!("{info}/RECORD"),
            format!("{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"),
        ),
    ] {
        zip.start_file(path, zip::write::SimpleFileOptions::default())
            .expect("an entry");
        zip.write_all(text.as_bytes()).expect("an entry");
    }
    zip.finish().expect("a wheel");
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().expect("text")).collect();
    names.sort();
    names
}

#[test]
fn python_dependencies_are_built_into_the_package_and_never_into_the_folder() {
    let code = "import clidep\ndef main_handler(event, context):\n    return clidep.WORD\n";
    let folder = folder("cli-build", code, "");
    fs::write(folder.path().join("requirements.txt"), "clidep==1.0\n").expect("a file");
    let (wheels, cache) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    wheel(wheels.path(), "clidep", "WORD = 'built'\n");
    let tools = repository().join("target/.venv/bin");
    let build = |arguments: &[&str], tools: &Path| {
        let path = format!("{}:/usr/bin:/bin", tools.display());
        run(bare()
            .args(arguments)
            .arg(folder.path())
            .arg("--data-dir")
            .arg(SERVER.data.path())
            .env("PATH", path)
            .env("XDG_CACHE_HOME", cache.path())
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", wheels.path()))
    };
    let before = names(folder.path());
    let said = build(&["deploy", "--build"], &tools);
    said.fine();
    assert!(said.err.contains("installing what "), "{said:?}");
    assert_eq!(skiff("invoke cli-build").fine(), "\"built\"\n");
    assert_eq!(names(folder.path()), before, "the folder is the user's");

    // The same requirements are taken from the cache: no wheel is needed any more.
    fs::remove_file(wheels.path().join("clidep-1.0-py3-none-any.whl")).expect("a file");
    let said = build(&["deploy", "--build"], &tools);
    assert!(said.fine().starts_with("cli-build unchanged"), "{said:?}");
    assert!(!said.err.contains("installing"), "{said:?}");

    fs::write(folder.path().join("requirements.txt"), "clidep==2.0\n").expect("a file");
    build(&["deploy", "--build"], &tools).fails(2, &["requirements.txt", "pip", "clidep==2.0"]);
    fs::write(
        folder.path().join("skiff.yaml"),
        "name: cli-build\nruntime: Python3.4\n",
    )
    .expect("a file");
    build(&["deploy", "--build"], &tools).fails(2, &["needs python3.4", "install Python 3.4"]);
    assert_eq!(skiff("invoke cli-build").fine(), "\"built\"\n", "nothing was changed");
}

#[test]
fn node_dependencies_are_installed_as_the_lock_file_has_them_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write(
        "skiff.yaml",
        "name: cli-npm\nruntime: Nodejs18.15\nhandler: index.main_handler\n",
    );
    write("index.js", "exports.main_handler = async () => require('dep');\n");
    write("package.json", r#"{"dependencies": {"dep": "1.0.0"}}"#);
    fs::create_dir_all(folder.path().join("node_modules/stale")).expect("a folder");
    write("node_modules/stale/index.js", "");
    // In place of npm and node, which not every machine has: they say their versions and note how they are called.
    let (tools, cache) = (
        tempfile::tempdir().expect("a folder"),
        tempfile::tempdir().expect("a folder"),
    );
    let npm = "#!/bin/sh\n[ \"$1\" = --version ] && { echo 9.2.0; exit; }\necho \"$@\" >> \"$CALLS\"\n\
               mkdir -p node_modules/dep && echo 1 > node_modules/dep/index.js && echo 2 > node_modules/dep/more.js\n";
    for (name, text) in [("npm", npm), ("node", "#!/bin/sh\necho v18.15.0x64\n")] {
        fs::write(tools.path().join(name), text).expect("a file");
        fs::set_permissions(tools.path().join(name), fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let calls = tools.path().join("calls");
    let plan = |path: String| {
        run(bare()
            .args(["deploy", "--plan", "--build", "-o", "json"])
            .arg(folder.path())
            .arg("--data-dir")
            .arg(SERVER.data.path())
            .env("PATH", path)
            .env("CALLS", &calls)
            .env("XDG_CACHE_HOME", cache.path()))
    };
    let with_npm = || plan(format!("{}:/usr/bin:/bin", tools.path().display()));
    assert_eq!(
        with_npm().json()[0]["files"],
        4,
        "index.js, package.json and the two of dep, none that is stale"
    );
    with_npm().json();
    let called = || fs::read_to_string(&calls).expect("called");
    assert_eq!(
        called(),
        "install --omit=dev --no-audit --no-fund\n",
        "once for the same file"
    );
    write("package-lock.json", "{}");
    assert_eq!(with_npm().json()[0]["files"], 5);
    assert!(
        called().ends_with("\nci --omit=dev --no-audit --no-fund\n"),
        "{}",
        called()
    );
    assert_eq!(
        names(&folder.path().join("node_modules")),
        ["stale"],
        "the folder is the user's"
    );
    plan("/nowhere".to_owned()).fails(2, &["package.json needs npm", "apt-get install npm"]);
}

/// What belongs to a function and is to survive its way through a file.
fn whole(name: &str) -> Value {
    let shown = |line: &str| skiff(&line.replace("NAME", name)).json();
    let configuration = |qualifier: &str| {
        let mut shown = shown(&format!("function show NAME -o json --code --qualifier {qualifier}"));
        for told in ["FunctionName", "FunctionId", "AddTime", "ModTime", "RequestId"] {
            shown.as_object_mut().expect("an object").remove(told);
        }
        shown
    };
    let numbers = |mut list: Value, fields: &[&str]| {
        for one in list.as_array_mut().expect("a list") {
            fields
                .iter()
                .for_each(|field| drop(one.as_object_mut().expect("an object").remove(*field)));
        }
        list
    };
    let concurrency = shown("concurrency show NAME -o json");
    json!({
        "latest": configuration("$LATEST"), "one": configuration("1"), "three": configuration("3"),
        "versions": numbers(shown("version list NAME -o json"), &["AddTime", "ModTime"]),
        "aliases": numbers(shown("alias list NAME -o json"), &["AddTime", "ModTime"]),
        "reserved": concurrency["reservedMb"],
        "provisioned": numbers(
            concurrency["provisioned"].clone(),
            &["AvailableProvisionedConcurrencyNum", "Status", "StatusReason"],
        ),
    })
}

#[test]
fn a_function_goes_whole_through_a_file() {
    let folder = folder("cli-moved", GREET, "environment: {WORD: One}\ndescription: first\n");
    let yaml = |text: &str| fs::write(folder.path().join("skiff.yaml"), text).expect("a file");
    let layer = tempfile::tempdir().expect("a folder");
    fs::write(layer.path().join("shared.txt"), "shared").expect("a file");
    skiff_with(
        "layer publish cli-moved-layer --runtime Python3 --code",
        &[path(&layer)],
    )
    .fine();
    skiff_with("deploy", &[path(&folder)]).fine();
    skiff("version publish cli-moved --description works").fine();
    skiff("version publish cli-moved").fine();
    yaml("name: cli-moved\nruntime: Python3\ntimeout: 9\nenvironment: {WORD: Three}\n");
    fs::write(folder.path().join("index.py"), GREET.replace("' '", "'-'")).expect("a file");
    skiff_with("deploy", &[path(&folder)]).fine();
    skiff("version publish cli-moved").fine();
    skiff("version delete cli-moved 2").fine();
    yaml("name: cli-moved\nruntime: Python3\nnetwork: none\nmemory: 256\nlayers: [cli-moved-layer:1]\n");
    skiff_with("deploy", &[path(&folder)]).fine();
    skiff("alias create cli-moved prod 1 --weight 3=0.25 --description callers").fine();
    skiff("alias update cli-moved $DEFAULT 3").fine();
    skiff("concurrency reserve cli-moved 512").fine();
    skiff("concurrency provision cli-moved 1 1").fine();

    let target = tempfile::tempdir().expect("a folder");
    let file = target.path().join("moved.zip").display().to_string();
    let said = skiff_with("function export cli-moved", &[&file]);
    assert!(said.fine().contains("2 published versions"), "{said:?}");
    skiff_with("function import", &[&file]).fails(3, &["a function of this name is there", "--name"]);
    skiff_with("function import --namespace cli-nowhere", &[&file]).fails(3, &["no namespace cli-nowhere"]);
    let before = whole("cli-moved");
    skiff("function delete cli-moved").fine();
    skiff_with("function import", &[&file]).fine();
    assert_eq!(whole("cli-moved"), before);
    assert_eq!(
        before["latest"]["Layers"][0]["LayerName"], "cli-moved-layer",
        "{before}"
    );
    assert_eq!(
        before["provisioned"][0]["AllocatedProvisionedConcurrencyNum"], 1,
        "{before}"
    );
    assert_eq!(skiff("invoke cli-moved --qualifier 1").fine(), "\"One nobody\"\n");
    assert_eq!(skiff("invoke cli-moved --qualifier 3").fine(), "\"Three-nobody\"\n");
    assert_eq!(
        skiff("version publish cli-moved -o json").json()["FunctionVersion"],
        "4",
        "numbers go on"
    );
    skiff("function delete cli-moved").fine();
}

#[test]
fn an_import_that_lacks_something_changes_nothing() {
    let function = folder("cli-lacking", GREET, "");
    skiff_with("deploy", &[path(&function)]).fine();
    let target = tempfile::tempdir().expect("a folder");
    let file = target.path().join("lacking.zip");
    skiff_with("function export cli-lacking", &[&file.display().to_string()]).fine();
    for (field, value, said) in [
        (
            "Runtime",
            json!("Nodejs6.10"),
            &["the runtime Nodejs6.10 is not installed", "skiff runtime add"][..],
        ),
        (
            "Layers",
            json!([{"LayerName": "cli-no-layer", "LayerVersion": 7}]),
            &["no version 7 of the layer cli-no-layer"],
        ),
        // What only the server can judge takes the new function away again.
        ("Role", json!("cli-nobody"), &["cli-nobody"]),
    ] {
        let changed = target.path().join("changed.zip").display().to_string();
        let mut from = zip::ZipArchive::new(fs::File::open(&file).expect("a file")).expect("a zip");
        let mut to = zip::ZipWriter::new(fs::File::create(&changed).expect("a file"));
        for index in 0..from.len() {
            let mut entry = from.by_index(index).expect("an entry");
            let name = entry.name().expect("a name").into_owned();
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut content).expect("content");
            if name == "function.json" {
                let mut json: Value = serde_json::from_slice(&content).expect("JSON");
                json["versions"]["1"] = json["latest"].clone();
                json["latest"]["configuration"][field] = value.clone();
                content = json.to_string().into_bytes();
            }
            to.start_file(name, zip::write::SimpleFileOptions::default())
                .expect("an entry");
            to.write_all(&content).expect("an entry");
        }
        to.finish().expect("a zip");
        skiff_with("function import --name cli-lacking-2", &[&changed]).fails(3, said);
        skiff("function show cli-lacking-2").fails(3, &["ResourceNotFound.Function"]);
    }
    fs::write(&file, "no zip").expect("a file");
    skiff_with("function import", &[&file.display().to_string()]).fails(2, &["is not a function that"]);
}

#[test]
fn the_guides_way_back_leads_back() {
    let guide = fs::read_to_string(repository().join("docs/guide/versions.md")).expect("the guide");
    let (_, section) = guide.split_once("## Rolling back").expect("its section");
    let (_, block) = section.split_once("```sh\n").expect("its example");
    let (block, _) = block.split_once("```").expect("its end");
    let lines = block
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    let folder = folder("greet", "", "");
    let mut codes = ["first", "second"].iter();
    let answer = || skiff("invoke greet --qualifier prod").out.trim().to_owned();
    let mut answers = Vec::new();
    for line in lines {
        let command = line.strip_prefix("skiff ").expect("a command");
        if command == "deploy" {
            let word = codes.next().expect("two deployments");
            let code = format!("def main_handler(event, context):\n    return '{word}'\n");
            fs::write(folder.path().join("index.py"), code).expect("a file");
            skiff_with(command, &[path(&folder)]).fine();
        } else {
            skiff(command).fine();
        }
        answers.push(answer());
    }
    let (first, second) = ("\"first\"", "\"second\"");
    assert_eq!(answers, ["", "", first, first, first, second, first]);
    assert_eq!(skiff("invoke greet").fine(), "\"second\"\n", "$LATEST stays");
    skiff("function delete greet").fine();
}

#[test]
fn programs_get_json() {
    let folder = folder("cli-json", GREET, "");
    let report = skiff_with("deploy --output json", &[path(&folder)]).json();
    assert_eq!(
        (&report[0]["name"], &report[0]["action"]),
        (&json!("cli-json"), &json!("created"))
    );
    let result = skiff_with("invoke cli-json --log -o json --data", &[r#"{"name": "you"}"#]).json();
    assert_eq!(
        (&result["RetMsg"], &result["InvokeResult"]),
        (&json!("\"Hello you\""), &json!(0))
    );
    assert!(
        result["Log"].as_str().is_some_and(|log| log.contains("greeting")),
        "{result}"
    );
    let id = result["FunctionRequestId"].as_str().expect("an id").to_owned();

    let listed = skiff("function list -o json").json();
    let names: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["FunctionName"])
        .collect();
    assert!(names.contains(&&json!("cli-json")), "{listed}");
    assert_eq!(
        skiff("function show cli-json -o json").json()["FunctionName"],
        "cli-json"
    );
    // One call a line.
    let line = eventually(std::time::Duration::from_secs(60), "the call to be in the logs", || {
        let said = skiff("logs cli-json -o json");
        said.fine()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .next()
    });
    assert_eq!(line["RequestId"], id.as_str());
    let error = skiff("invoke cli-jsno -o json");
    assert_eq!(error.code, Some(3));
    let error: Value = serde_json::from_str(&error.err).unwrap_or_else(|_| panic!("{error:?}"));
    assert!(error.to_string().contains("ResourceNotFound.Function"), "{error}");
}

#[test]
fn tables_have_a_header_and_a_line_for_each() {
    let folder = folder("cli-table", GREET, "description: Greets 人\n");
    skiff_with("deploy", &[path(&folder)]).fine();
    let said = skiff("function list");
    let header = said.fine().lines().next().expect("a header");
    assert!(
        ["NAME", "RUNTIME", "STATUS"].iter().all(|word| header.contains(word)),
        "{said:?}"
    );
    let line = said
        .out
        .lines()
        .find(|line| line.contains("cli-table"))
        .expect("a line");
    assert!(line.contains("Active") && line.contains("Greets 人"), "{line}");
    assert!(skiff("runtime list").fine().contains("Python3."), "the runtimes");
    assert!(skiff("namespace list").fine().contains("default"), "the namespaces");
    skiff("invoke cli-table").fine();
    assert!(skiff("top --once").fine().contains("cli-table"), "it has an instance");
}

#[test]
fn logs_are_what_calls_wrote_oldest_first() {
    let folder = folder("cli-logs", GREET, "");
    skiff_with("deploy", &[path(&folder)]).fine();
    for name in ["one", "two"] {
        skiff_with("invoke cli-logs --data", &[&format!(r#"{{"name": "{name}"}}"#)]).fine();
    }
    let said = eventually(
        std::time::Duration::from_secs(60),
        "both calls to be in the logs",
        || {
            let said = skiff("logs cli-logs");
            (said.fine().matches("==> ").count() == 2).then_some(said)
        },
    );
    let place = |text: &str| said.out.find(text).unwrap_or_else(|| panic!("{text}: {said:?}"));
    assert!(
        place("greeting {'name': 'one'}") < place("greeting {'name': 'two'}"),
        "{said:?}"
    );
    let one = skiff("logs cli-logs --limit 1");
    assert!(
        one.fine().contains("'two'") && !one.out.contains("'one'"),
        "the newest: {one:?}"
    );
    assert_eq!(skiff("logs cli-logs --status failed").fine(), "");
}

#[test]
fn logs_are_followed() {
    let folder = folder("cli-follow", GREET, "");
    skiff_with("deploy", &[path(&folder)]).fine();
    skiff_with("invoke cli-follow --data", &[r#"{"name": "before"}"#]).fine();
    eventually(std::time::Duration::from_secs(60), "the call to be in the logs", || {
        (!skiff("logs cli-follow").fine().is_empty()).then_some(())
    });
    let mut following = bare()
        .args(["logs", "cli-follow", "-f", "--data-dir"])
        .arg(SERVER.data.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut lines = BufReader::new(following.stdout.take().expect("piped"))
        .lines()
        .map_while(Result::ok);
    assert!(lines.any(|line| line.contains("'before'")), "what is there comes first");
    skiff_with("invoke cli-follow --data", &[r#"{"name": "after"}"#]).fine();
    assert!(
        lines.any(|line| line.contains("'after'")),
        "what comes is shown as it comes"
    );
    drop(following.kill());
    drop(following.wait());
}

#[test]
fn exit_codes_tell_whose_fault_it_is() {
    let broken = "def main_handler(event, context):\n    raise ValueError('no luck')\n";
    let folder = folder("cli-broken", broken, "");
    skiff_with("deploy", &[path(&folder)]).fine();
    let said = skiff("invoke cli-broken");
    said.fails(
        1,
        &["ValueError: no luck", "File \"/var/user/index.py\", line 2", "430"],
    );
    skiff("invoke").fails(2, &["NAME"]);
    skiff_with("invoke cli-broken --data", &["{not json"]).fails(2, &["--data"]);
    skiff("frobnicate").fails(2, &["frobnicate"]);
    let said = run(bare().args(["invoke", "-o", "json"]).env("SKIFF_DATA_DIR", "/nowhere"));
    said.fails(2, &["<NAME>"]);
    let error: Value = serde_json::from_str(&said.err).unwrap_or_else(|_| panic!("{said:?}"));
    assert_eq!(error["error"]["code"], "Usage");
    let said = run(bare().arg("invoke").env("SKIFF_DATA_DIR", "/nowhere"));
    said.fails(2, &["<NAME>"]);
    assert!(!said.err.contains("--data-dir"), "nobody typed it: {said:?}");
    // Of a later issue: said, and nothing is run.
    skiff("invoke cli-broken --async").fails(3, &["UnsupportedOperation"]);
    skiff("deploy /nowhere").fails(2, &["/nowhere"]);
    skiff("invoke cli-nobody-of-this-name").fails(3, &["ResourceNotFound.Function"]);
    skiff("function create cli-broken --code /nowhere").fails(2, &["/nowhere"]);
    skiff_with("function create cli-broken --code", &[path(&folder)]).fails(3, &["ResourceInUse.Function"]);
    let credential = ["--secret-id", "AKIDnobody", "--secret-key", "wrong"];
    let said = run(bare()
        .args(["function", "list", "--endpoint", &SERVER.listen.api])
        .args(credential));
    said.fails(3, &["AuthFailure.SecretIdNotFound"]);
    // A port nobody listens at any more.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|port| port.local_addr())
        .expect("a port");
    let said = run(bare()
        .args(["function", "list", "--endpoint", &closed.to_string()])
        .args(credential));
    said.fails(4, &["cannot reach", "skiff serve"]);
}

#[test]
fn a_mistyped_name_is_answered_with_the_near_one() {
    let folder = folder("cli-suggested", GREET, "");
    skiff_with("deploy", &[path(&folder)]).fine();
    for line in [
        "invoke cli-sugested",
        "function show cli-suggestde",
        "logs CLI-suggested",
        "function delete cli-suggest",
    ] {
        skiff(line).fails(3, &["cli-suggested"]);
    }
    skiff("funktion list").fails(2, &["function"]);
    skiff("function lsit").fails(2, &["list"]);
}

#[test]
fn events_come_from_a_file_and_from_stdin() {
    let folder = folder("cli-events", GREET, "");
    skiff_with("deploy", &[path(&folder)]).fine();
    let file = folder.path().join("event.json");
    fs::write(&file, r#"{"name": "file"}"#).expect("a file");
    assert_eq!(
        skiff_with("invoke cli-events --data", &[&format!("@{}", file.display())]).fine(),
        "\"Hello file\"\n"
    );
    let mut child = bare()
        .args(["invoke", "cli-events", "--data", "-", "--data-dir"])
        .arg(SERVER.data.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(br#"{"name": "stdin"}"#)
        .expect("a pipe");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "\"Hello stdin\"\n");
}

#[test]
fn functions_and_namespaces_are_managed_one_by_one() {
    let folder = folder("unused", GREET, "");
    skiff("namespace create cli-space").fine();
    let create = "function create cli-own --namespace cli-space --runtime Python3 --memory 64 --timeout 9 --env WORD=Hey --network none --code";
    skiff_with(create, &[path(&folder)]).fine();
    let shown = skiff("function show cli-own -n cli-space -o json").json();
    assert_eq!((&shown["MemorySize"], &shown["Timeout"]), (&json!(64), &json!(9)));
    assert_eq!(skiff("invoke cli-own -n cli-space").fine(), "\"Hey nobody\"\n");
    skiff("function update cli-own -n cli-space --timeout 5 --env WORD=Ho").fine();
    assert_eq!(skiff("invoke cli-own -n cli-space").fine(), "\"Ho nobody\"\n");
    skiff("function copy cli-own cli-copied -n cli-space --to-namespace default").fine();
    assert_eq!(skiff("invoke cli-copied").fine(), "\"Ho nobody\"\n");
    skiff("function update cli-own -n cli-space").fails(2, &["nothing to update"]);
    skiff("function list").fine();
    assert!(
        skiff("function list --all").fine().contains("cli-own"),
        "of every namespace"
    );
    skiff("namespace delete cli-space").fails(3, &["FailedOperation.DeleteNamespace"]);
    skiff("function delete cli-own -n cli-space").fine();
    skiff("namespace delete cli-space").fine();
}

#[test]
fn the_examples_deploy_and_run() {
    let deploy = |name: &str| {
        let example = repository().join("examples").join(name);
        skiff_with("deploy", &[example.to_str().expect("text")])
    };
    let result = |said: &Said| -> Value { serde_json::from_str(said.fine()).expect("a result and nothing else") };
    deploy("hello-python").fine();
    let said = skiff_with("invoke hello-python --data", &[r#"{"name": "you"}"#]);
    assert_eq!(result(&said)["message"], "Hello, you!");
    assert!(
        deploy("hello-python")
            .fine()
            .starts_with("hello-python unchanged: Python3.")
    );
    let shown = skiff("function show hello-python --code");
    assert!(
        shown.fine().contains("GREETING=Hello") && shown.out.contains("def main_handler"),
        "{shown:?}"
    );

    deploy("probe").fine();
    // Its own loopback has a door to the API and nobody at port 1.
    let event = r#"{"urls": [{"url": "http://127.0.0.1:19000/", "contains": "Response"}, "http://127.0.0.1:1/"]}"#;
    let told = result(&skiff_with("invoke probe --data", &[event]));
    assert_eq!((&told["ok"], &told["failed"]), (&json!(false), &json!(1)), "{told}");
    assert_eq!(
        (&told["checks"][0]["ok"], &told["checks"][1]["ok"]),
        (&json!(true), &json!(false)),
        "{told}"
    );
}

#[test]
fn a_mistake_in_the_file_is_shown_where_it_is() {
    let mistyped = folder("cli-mistaken", GREET, "memroy: 1\n");
    skiff_with("deploy", &[path(&mistyped)]).fails(2, &["skiff.yaml:3:", "did you mean memory?"]);
    let missing = folder("cli-mistaken", GREET, "handler: gone.main\n");
    skiff_with("deploy", &[path(&missing)]).fails(2, &["skiff.yaml:3: handler:", "gone.py"]);
    skiff("function show cli-mistaken").fails(3, &["ResourceNotFound.Function"]);
}

#[test]
fn completion_and_doctor_need_no_server() {
    for shell in ["bash", "zsh", "fish"] {
        let said = run(bare().args(["completion", shell]));
        assert!(said.fine().contains("skiff"), "{shell}");
    }
    let said = run(bare().arg("doctor"));
    assert!(said.code == Some(0) && said.out.contains("cgroup"), "{said:?}");
}

#[test]
fn a_second_server_on_the_same_data_is_refused_and_the_first_goes_on() {
    let server = Server::start();
    let listen = fs::read(server.data.path().join("listen.json")).expect("listen.json");
    let ports = ["--api-listen", "127.0.0.1:0", "--gateway-listen", "127.0.0.1:0"];
    let said = run(bare()
        .arg("serve")
        .args(ports)
        .arg("--data-dir")
        .arg(server.data.path()));
    said.fails(
        1,
        &["is in use by the server with process id", &server.pid().to_string()],
    );
    assert!(server.is_ready());
    assert_eq!(
        fs::read(server.data.path().join("listen.json")).expect("listen.json"),
        listen
    );
}

#[test]
fn a_port_that_is_taken_is_said_and_nothing_is_left_running() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let data = tempfile::tempdir().expect("a folder");
    let said = run(bare().args([
        "serve",
        "--api-listen",
        "127.0.0.1:0",
        "--gateway-listen",
        &address,
        "--data-dir",
        path(&data),
    ]));
    said.fails(1, &[&address, "--gateway-listen or SKIFF_GATEWAY_LISTEN"]);
    assert!(
        !data.path().join("listen.json").exists(),
        "nobody is told of ports nobody listens at"
    );
}

#[test]
fn a_server_without_root_is_refused_and_told_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    // The build's folder may be closed to others: a link outside it would be too.
    let copy = folder.path().join("skiff");
    fs::copy(binary(), &copy).expect("a copy");
    let open = |path: &Path| {
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("own files");
    };
    open(folder.path());
    open(&copy);
    let mut command = Command::new(&copy);
    command
        .env_clear()
        .args(["serve", "--data-dir", "/tmp/skiff-of-nobody"])
        .uid(65_534)
        .gid(65_534);
    run(&mut command).fails(1, &["root", "sudo"]);
    assert!(!Path::new("/tmp/skiff-of-nobody").exists());
}
