//! Functions that go elsewhere, whole, and functions that go back.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use skiff_tests::repository;

use crate::{GREET, folder, path, skiff, skiff_with};

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
    skiff_with("function export cli-moved", &[&file]).fails(2, &["is there already", "--force"]);
    skiff_with("function export cli-moved --force", &[&file]).fine();
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
fn how_many_events_an_instance_takes_is_planned_shown_and_goes_through_a_file() {
    let folder = folder("cli-together", GREET, "type: web\ninstanceConcurrency: 20\n");
    let program = folder.path().join("scf_bootstrap");
    fs::write(&program, "#!/bin/sh\n").expect("a file");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("a mode");
    skiff_with("deploy", &[path(&folder)]).fine();
    skiff("function update cli-together --instance-concurrency 7").fine();
    let planned = skiff_with("deploy --plan", &[path(&folder)]);
    assert!(planned.fine().contains("instanceConcurrency 7 -> 20"), "{planned:?}");
    let target = tempfile::tempdir().expect("a folder");
    let file = target.path().join("together.zip").display().to_string();
    skiff_with("function export cli-together", &[&file]).fine();
    skiff("function delete cli-together").fine();
    skiff_with("function import", &[&file]).fine();
    let shown = skiff("function show cli-together -o json").json();
    assert_eq!(shown["InstanceConcurrencyConfig"]["MaxConcurrency"], 7, "{shown}");
    skiff("function update cli-together --instance-concurrency 101").fails(3, &["1 to 100"]);
    skiff("function delete cli-together").fine();
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
