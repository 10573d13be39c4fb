//! What a function writes.

use serde_json::{Value, json};

use crate::world::{run, versions};

#[test]
fn both_streams_loggers_and_children_keep_their_order_and_their_bytes() {
    for &version in versions() {
        let answer = run(version, "output", json!({}));
        assert_eq!(answer.returned(), &Value::Null, "{version:?}");
        let lines: Vec<&str> = answer
            .log
            .lines()
            .skip_while(|line| !line.starts_with("Event "))
            .skip(1)
            .take_while(|line| !line.starts_with("END "))
            .collect();
        assert_eq!(lines[..3], ["raw out, ü", "raw err", "child"], "{version:?}");
        // A line of java.util.logging is two: when and where, and what.
        assert!(lines[3].contains("example.Cases output"), "{version:?} {lines:?}");
        assert_eq!(lines[4..], ["INFO: logged", "7", "written", "end"], "{version:?}");
    }
}
