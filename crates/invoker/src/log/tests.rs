//! The log text, line by line.

use super::*;

const ID: &str = "1d71ddf8-5022-4461-84b7-e3a152403ffc";

fn log_of(parts: &LogParts<'_>) -> String {
    String::from_utf8_lossy(&compose(ID.parse().unwrap(), parts)).into_owned()
}

#[test]
fn a_successful_call_is_logged_as_documented() {
    let log = log_of(&LogParts {
        event: true,
        output: b"Hello World\n",
        duration_ms: 2005,
        memory_mb: 128,
        memory_peak_bytes: 14_077_952,
        ..LogParts::default()
    });
    assert_eq!(
        log,
        format!(
            "START RequestId: {ID}\nEvent RequestId: {ID}\nHello World\nEND RequestId: {ID}\n\
             Report RequestId: {ID} Duration:2005ms Memory:128MB MemUsage:13.425781MB\n"
        )
    );
}

#[test]
fn a_failed_call_has_its_note_and_error_before_the_end() {
    let log = log_of(&LogParts {
        init_notes: &["how it started".to_owned()],
        init_output: b"loading",
        event: true,
        output: b"no line feed",
        note: Some("process ended: exit code 3"),
        error: Some(br#"{"errorCode":-1}"#),
        ..LogParts::default()
    });
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(
        lines[1..lines.len() - 1],
        [
            "[skiff] how it started".to_owned(),
            "loading".to_owned(),
            format!("Event RequestId: {ID}"),
            "no line feed".to_owned(),
            "[skiff] process ended: exit code 3".to_owned(),
            format!("ERROR RequestId:{ID} Result:{{\"errorCode\":-1}}"),
            format!("END RequestId: {ID}"),
        ]
    );
}

#[test]
fn a_call_that_reached_no_handler_has_no_event_line() {
    assert!(!log_of(&LogParts::default()).contains("Event"));
}

#[test]
fn an_error_is_cut_as_a_line_is() {
    let error = "e".repeat(2 * LOG_LINE_BYTES_MAX);
    let log = log_of(&LogParts {
        error: Some(error.as_bytes()),
        ..LogParts::default()
    });
    let line = log
        .lines()
        .find_map(|line| line.split_once(" Result:"))
        .expect("an error line");
    assert_eq!(line.1.len(), LOG_LINE_BYTES_MAX);
}

#[test]
fn output_that_is_not_utf8_passes_unchanged() {
    let log = compose(
        ID.parse().unwrap(),
        &LogParts {
            output: b"\xff\x00\n",
            ..LogParts::default()
        },
    );
    assert!(log.windows(3).any(|bytes| bytes == b"\xff\x00\n"));
}

#[test]
fn billed_time_is_rounded_up_to_a_millisecond() {
    for (nanos, ms) in [(0, 0), (1, 1), (1_000_000, 1), (1_000_001, 2), (3_000_000_000, 3000)] {
        assert_eq!(billed_ms(Duration::from_nanos(nanos)), ms);
    }
}
