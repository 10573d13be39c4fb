//! Packages that are none: each refused with its documented code and a reason, and nothing of it kept.

use std::collections::BTreeSet;
use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use skiff_tests::{Client, Package, Server, Spec};

const HANDLER: &str = "def main_handler(event, context): return 'honest'\n";
const BAD_ZIP: &str = "InvalidParameterValue.ZipFile";
const BAD_HANDLER: &str = "InvalidParameterValue.Handler";

/// A package, the code it is refused with, and a word of the reason.
struct Bad {
    what: &'static str,
    zip: Vec<u8>,
    code: &'static str,
    reason: &'static str,
}

fn bad(what: &'static str, zip: Vec<u8>, code: &'static str, reason: &'static str) -> Bad {
    Bad {
        what,
        zip,
        code,
        reason,
    }
}

fn honest() -> Package {
    Package::python(HANDLER)
}

/// Where a record of a zip begins: `PK` and these two bytes.
fn find(zip: &[u8], kind: [u8; 2], nth: usize) -> usize {
    let signature = [b'P', b'K', kind[0], kind[1]];
    let places = zip.windows(4).enumerate().filter(|(_, window)| *window == signature);
    places.map(|(place, _)| place).nth(nth).expect("the record is there")
}

const LOCAL: [u8; 2] = [3, 4];
const CENTRAL: [u8; 2] = [1, 2];

fn replace(zip: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> = zip
        .windows(from.len())
        .enumerate()
        .filter(|(_, window)| *window == from)
        .map(|(place, _)| place)
        .collect();
    assert!(places.len() >= 2, "the name is in both directories");
    places
        .into_iter()
        .for_each(|place| zip[place..place + to.len()].copy_from_slice(to));
}

/// An honest package whose second entry, in the directory and before its data, has this name.
fn named(name: &str) -> Vec<u8> {
    let placeholder = "#".repeat(name.len());
    let mut zip = honest().file(&placeholder, b"content").bytes();
    replace(&mut zip, placeholder.as_bytes(), name.as_bytes());
    zip
}

/// An honest package with this mode on its second entry.
fn with_mode(mode: u32) -> Vec<u8> {
    let mut zip = honest().file("special", b"content").bytes();
    let attributes = find(&zip, CENTRAL, 1) + 38;
    zip[attributes..attributes + 4].copy_from_slice(&(mode << 16).to_le_bytes());
    zip
}

fn encrypted() -> Vec<u8> {
    let mut zip = honest().bytes();
    for flags in [find(&zip, LOCAL, 0) + 6, find(&zip, CENTRAL, 0) + 8] {
        zip[flags] |= 1;
    }
    zip
}

fn damaged() -> Vec<u8> {
    let mut zip = honest().bytes();
    let checksum = find(&zip, CENTRAL, 0) + 16;
    zip[checksum] ^= 1;
    let checksum = find(&zip, LOCAL, 0) + 14;
    zip[checksum] ^= 1;
    zip
}

fn cut() -> Vec<u8> {
    let zip = honest().bytes();
    zip[..zip.len() / 2].to_vec()
}

fn bads() -> Vec<Bad> {
    let mut duplicate = honest().file("indey.py", b"other").bytes();
    replace(&mut duplicate, b"indey.py", b"index.py");
    vec![
        bad("text", b"this is no zip at all".to_vec(), BAD_ZIP, "not a zip"),
        bad("a zip cut in half", cut(), BAD_ZIP, "not a zip"),
        bad("an empty zip", Package::default().bytes(), BAD_ZIP, "no file"),
        bad(
            "a bomb",
            honest().file("zeros", &vec![0; 120 << 20]).bytes(),
            BAD_ZIP,
            "bomb",
        ),
        bad(
            "a path that climbs out",
            named("../../../tmp/escaped"),
            BAD_ZIP,
            "leads out",
        ),
        bad(
            "a path that climbs out later",
            named("a/../../escaped"),
            BAD_ZIP,
            "leads out",
        ),
        bad("an absolute path", named("/tmp/escaped"), BAD_ZIP, "leads out"),
        bad("a path of Windows", named("..\\escaped"), BAD_ZIP, "not usable"),
        bad(
            "a link out",
            honest().symlink("link", "../../etc/passwd").bytes(),
            BAD_ZIP,
            "leads out",
        ),
        bad(
            "an absolute link",
            honest().symlink("link", "/etc/shadow").bytes(),
            BAD_ZIP,
            "leads out",
        ),
        bad(
            "a link to what is above",
            honest().symlink("a/b/link", "../../..").bytes(),
            BAD_ZIP,
            "leads out",
        ),
        bad(
            "a file through a link",
            honest().symlink("link", "sub").file("link/x", b"").bytes(),
            BAD_ZIP,
            "one or the other",
        ),
        bad(
            "links in a circle",
            honest().symlink("a", "b").symlink("b", "a").bytes(),
            BAD_ZIP,
            "circle",
        ),
        bad(
            "a device",
            with_mode(0o020_666),
            BAD_ZIP,
            "neither file, folder nor link",
        ),
        bad("a pipe", with_mode(0o010_666), BAD_ZIP, "neither file, folder nor link"),
        bad("a path twice", duplicate, BAD_ZIP, "the same name"),
        bad("a password", encrypted(), BAD_ZIP, "encrypted"),
        bad("a wrong checksum", damaged(), BAD_ZIP, "damaged"),
        bad(
            "another file",
            Package::default().file("main.py", HANDLER.as_bytes()).bytes(),
            BAD_HANDLER,
            "index.py",
        ),
        bad(
            "the folder around the code",
            Package::default().file("project/index.py", HANDLER.as_bytes()).bytes(),
            BAD_HANDLER,
            "index.py",
        ),
        bad(
            "a zip in a zip",
            Package::default().file("code.zip", &honest().bytes()).bytes(),
            BAD_HANDLER,
            "index.py",
        ),
    ]
}

/// Every file the server keeps of packages.
fn kept(data: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![data.join("blobs"), data.join("code")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
            }
            found.insert(entry.path().display().to_string());
        }
    }
    found
}

fn create(client: &Client, name: &str, zip_file: impl Into<Value>) -> Result<Value, skiff_tests::ApiError> {
    let code = json!({"ZipFile": zip_file.into()});
    client.call(
        "CreateFunction",
        json!({"FunctionName": name, "Runtime": "Python3", "Code": code}),
    )
}

#[test]
fn a_bad_package_is_refused_with_its_code_and_leaves_nothing_behind() {
    let server = Server::start();
    let client = server.client();
    let existing = Spec::package(honest()).deploy(&client);
    assert_eq!(existing.invoke(&json!({})).returned(), "honest");
    let before = kept(server.data.path());
    assert!(!before.is_empty(), "the honest package is kept");
    let described = existing.describe();
    for Bad {
        what,
        zip,
        code,
        reason,
    } in bads()
    {
        let base64 = STANDARD.encode(&zip);
        let error = create(&client, "refused", base64.clone()).expect_err(what);
        assert_eq!(error.code, code, "{what}: {}", error.message);
        assert!(error.message.contains(reason), "{what}: {}", error.message);
        let missing = client
            .call("GetFunction", json!({"FunctionName": "refused"}))
            .expect_err(what);
        assert_eq!(missing.code, "ResourceNotFound.Function", "{what}");

        let update = json!({"FunctionName": existing.name, "ZipFile": base64});
        let error = client.call("UpdateFunctionCode", update).expect_err(what);
        assert_eq!(error.code, code, "{what}: {}", error.message);
        assert_eq!(kept(server.data.path()), before, "{what} left something behind");
    }
    let now = existing.describe();
    assert!(
        ["ModTime", "CodeSize", "Status"]
            .iter()
            .all(|field| now[field] == described[field]),
        "{now}"
    );
    assert_eq!(existing.invoke(&json!({})).returned(), "honest");
    let list = client.call("ListFunctions", json!({})).expect("ListFunctions");
    assert_eq!(list["TotalCount"], 1);
    assert!(!Path::new("/tmp/escaped").exists());
    // What was refused under this name is no obstacle to what is not.
    create(&client, "refused", honest().base64()).expect("an honest package");
    assert_eq!(client.invoke("refused", &json!({})).returned(), "honest");
}

#[test]
fn what_is_no_base64_no_code_or_too_much_of_it_is_refused() {
    let server = Server::start();
    let client = server.client();
    let before = kept(server.data.path());
    for (code, expected) in [
        (
            json!({"ZipFile": "%%% no base64 %%%"}),
            "InvalidParameterValue.ZipFileBase64BinasciiError",
        ),
        (
            json!({"ZipFile": "UEsDBB"}),
            "InvalidParameterValue.ZipFileBase64BinasciiError",
        ),
        (json!({"ZipFile": ""}), "MissingParameter.Code"),
        (json!({}), "MissingParameter.Code"),
        (json!(null), "MissingParameter.Code"),
        (
            json!({"ZipFile": STANDARD.encode(vec![7; (50 << 20) + 1])}),
            "InvalidParameterValue.InlineZipFile",
        ),
    ] {
        let params = json!({"FunctionName": "refused", "Runtime": "Python3", "Code": code});
        let error = client.call("CreateFunction", params).expect_err(expected);
        assert_eq!(error.code, expected, "{}", error.message);
    }
    assert_eq!(
        client.call("ListFunctions", json!({})).expect("ListFunctions")["TotalCount"],
        0
    );
    assert_eq!(kept(server.data.path()), before);
}

#[test]
fn what_tools_make_is_taken_as_it_is() {
    let server = Server::start();
    let client = server.client();
    // Folders as entries, a text file beside, names in another script, base64 in lines.
    let package = honest()
        .file("资料/说明.txt", "你好".as_bytes())
        .file(".hidden", b"")
        .file("a b/c'd.txt", b"x");
    let lines: Vec<String> = package
        .base64()
        .as_bytes()
        .chunks(76)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    create(&client, "lines", lines.join("\n")).expect("base64 in lines");
    assert_eq!(client.invoke("lines", &json!({})).returned(), "honest");

    let reads = "import os\ndef main_handler(event, context):\n    return [open('资料/说明.txt').read(), os.access('run.sh', os.X_OK), os.access('run.sh', os.W_OK)]\n";
    let mut zip = Package::python(reads)
        .file("资料/说明.txt", "你好".as_bytes())
        .file("run.sh", b"#!/bin/sh\n")
        .bytes();
    let attributes = find(&zip, CENTRAL, 2) + 38;
    zip[attributes..attributes + 4].copy_from_slice(&(0o100_755_u32 << 16).to_le_bytes());
    create(&client, "modes", STANDARD.encode(zip)).expect("a script");
    assert_eq!(
        client.invoke("modes", &json!({})).returned(),
        &json!(["你好", true, false])
    );
}
