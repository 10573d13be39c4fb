//! The walls of public functions stand as long as the server does, whatever another firewall's restart flushes.

use std::process::Command;
use std::time::Duration;

use serde_json::json;
use sha2::{Digest, Sha256};
use skiff_tests::{Server, Spec, eventually};

/// The server looks every second; a loaded machine is slower.
const BOUND: Duration = Duration::from_secs(20);

fn nft(arguments: &[&str]) -> bool {
    let output = Command::new("nft").args(arguments).output().expect("nft runs");
    output.status.success()
}

#[test]
fn flushed_walls_stand_again_though_no_function_is_started() {
    let server = Server::start();
    let function = Spec::python("def main_handler(event, context):\n    return event\n").deploy(&server.client());
    assert_eq!(function.invoke(&json!(1)).returned(), 1);
    // The server's name on this host: the beginning of its data dir's digest.
    let digest = Sha256::digest(server.data.path().as_os_str().as_encoded_bytes());
    let name: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let table = tables()
        .into_iter()
        .find(|table| table.ends_with(&name))
        .expect("the walls stand");
    for harm in ["delete", "flush"] {
        assert!(nft(&[harm, "table", "inet", &table]));
        eventually(BOUND, "the walls to stand again", || (rules(&table) > 5).then_some(()));
    }
    assert_eq!(function.invoke(&json!(2)).returned(), 2);
}

/// The tables of this host, by their names.
fn tables() -> Vec<String> {
    let output = Command::new("nft")
        .args(["list", "tables", "inet"])
        .output()
        .expect("nft runs");
    let tables = String::from_utf8_lossy(&output.stdout).into_owned();
    tables
        .lines()
        .filter_map(|line| line.strip_prefix("table inet "))
        .map(str::to_owned)
        .collect()
}

fn rules(table: &str) -> usize {
    let output = Command::new("nft")
        .args(["list", "table", "inet", table])
        .output()
        .expect("nft runs");
    String::from_utf8_lossy(&output.stdout).matches(" drop").count()
}
