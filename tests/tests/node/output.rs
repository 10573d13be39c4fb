//! What a function writes.

use serde_json::json;

use crate::world::{VERSIONS, run};

#[test]
fn stdout_stderr_console_and_children_keep_their_order_and_console_lines_say_when_and_which_call() {
    for version in VERSIONS {
        let answer = run(version, "output", json!({}));
        assert_eq!(answer.returned(), &json!("1"), "{version:?}");
        let lines: Vec<String> = answer
            .log
            .lines()
            .skip_while(|line| !line.starts_with("Event "))
            .skip(1)
            .take_while(|line| !line.starts_with("END "))
            .map(|line| shape(line, answer.request_id()))
            .collect();
        let expected = [
            "raw out",
            "raw err",
            "TIME ID logged out { a: 1 }",
            "TIME ID logged err",
            "child out",
            "written",
            "TIME ID info",
            "TIME ID warn",
            "end",
        ];
        assert_eq!(lines, expected, "{version:?}");
    }
}

/// `2026-01-31T08:00:00.000Z\tID\ttext` as `TIME ID text`.
fn shape(line: &str, id: &str) -> String {
    let mut parts = line.splitn(3, '\t');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(time), Some(call), Some(text)) => {
            assert!(
                time.len() == 24 && time.ends_with('Z') && &time[10..11] == "T",
                "{line}"
            );
            assert_eq!(call, id, "{line}");
            format!("TIME ID {text}")
        }
        _ => line.to_owned(),
    }
}
