//! Output without measure: read to its end, kept up to the limits, never in anybody's way.

use std::time::Duration;

use serde_json::json;
use skiff_tests::eventually;

use crate::arena::{Attacker, attack, client, strike};

const MB: usize = 1 << 20;
const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_flood_is_drained_kept_up_to_the_limit_and_the_rest_counted() {
    for (flood, descriptor, said) in [
        (
            "lines",
            1,
            "33474432 bytes of output in 2092152 lines were not kept here",
        ),
        (
            "lines",
            2,
            "33474432 bytes of output in 2092152 lines were not kept here",
        ),
        ("one line", 1, "line cut, it was 33554432 bytes long"),
        (
            "line feeds",
            2,
            "33549432 bytes of output in 33549432 lines were not kept here",
        ),
        ("binary", 1, "lines were not kept here"),
    ] {
        let attacker = Attacker::new(attack("floods").with("Timeout", 60));
        let answer = attacker.strikes(&json!({"flood": flood, "descriptor": descriptor, "bytes": 32 * MB}));
        assert_eq!(answer.returned(), 32 * MB);
        assert!(
            answer.log.len() <= 4096,
            "{flood}: the tail is {} bytes long",
            answer.log.len()
        );
        let mut end = answer.log.lines().rev();
        assert!(
            end.next().is_some_and(|line| line.starts_with("Report RequestId: ")),
            "{flood}: {}",
            answer.log
        );
        assert!(
            end.next().is_some_and(|line| line.starts_with("END RequestId: ")),
            "{flood}: {}",
            answer.log
        );

        // Logs are stored in batches.
        let query = json!({"FunctionName": attacker.function().name});
        let kept = eventually(SOON, "the log to be stored", || {
            let logs = client()
                .call("GetFunctionLogs", query.clone())
                .expect("GetFunctionLogs");
            logs["Data"][0]["Log"].as_str().map(str::to_owned)
        });
        assert_eq!(kept.matches(said).count(), 1, "{flood}");
        assert!(kept.ends_with(&answer.log), "{flood}: the tail is the end of the log");
        // A byte that is no text becomes a replacement character of three.
        assert!(kept.len() <= 3 * MB + 65536, "{flood}: {} bytes are kept", kept.len());
    }
}

#[test]
fn output_that_is_no_text_or_controls_a_terminal_is_still_a_log() {
    for flood in ["binary", "broken text", "control"] {
        let answer = strike(
            attack("floods"),
            &json!({"flood": flood, "descriptor": 1, "bytes": 3000}),
        );
        assert_eq!(answer.returned(), 3000);
        assert!(
            answer
                .log
                .lines()
                .last()
                .is_some_and(|line| line.starts_with("Report RequestId: ")),
            "{}",
            answer.log
        );
    }
}

#[test]
fn a_child_that_writes_for_ever_delays_no_answer() {
    let attacker = Attacker::new(attack("floods_for_ever").with("Timeout", 10));
    for n in 0..5 {
        assert_eq!(attacker.strikes(&json!({ "n": n })).returned(), n);
    }
}
