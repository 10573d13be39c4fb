//! `skiff deploy` beyond a `skiff.yaml`: plans, files of other tools, dependencies.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use skiff_tests::repository;

use crate::{GREET, SERVER, bare, folder, path, run, skiff, skiff_with};

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
