//! The log text, line by line.

use super::*;

const ID: &str = "1d71ddf8-5022-4461-84b7-e3a152403ffc";

fn log_of(parts: &LogParts<'_>) -> String {
    String::from_utf8_lossy(&compose(ID.parse().unwrap(), parts)).into_owned()
}

/// The lines between `Event` and `END`.
fn output_lines(output: &[u8], output_dropped: u64) -> Vec<String> {
    let log = log_of(&LogParts {
        event: true,
        output,
        output_dropped,
        ..LogParts::default()
    });
    let lines = log.lines().skip(2).map(str::to_owned);
    lines.take_while(|line| !line.starts_with("END ")).collect()
}

#[test]
fn a_successful_call_is_logged_as_documented() {
    let log = log_of(&LogParts {
        event: true,
        output: b"Hello World\n",
        billed_ms: 2005,
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
fn a_long_line_is_cut_between_characters_and_says_so() {
    let line = format!("{}{}\nnext\n", "a".repeat(LOG_LINE_BYTES_MAX - 1), "界界");
    let lines = output_lines(line.as_bytes(), 0);
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines[0],
        format!(
            "{} [skiff: line cut, it was 8197 bytes long]",
            "a".repeat(LOG_LINE_BYTES_MAX - 1)
        )
    );
    assert_eq!(lines[1], "next");
}

#[test]
fn a_line_at_the_limit_is_whole() {
    let line = "b".repeat(LOG_LINE_BYTES_MAX);
    assert_eq!(output_lines(line.as_bytes(), 0), [line]);
}

#[test]
fn lines_over_the_limit_are_counted_not_kept() {
    let lines = output_lines("x\n".repeat(LOG_LINES_MAX + 3).as_bytes(), 0);
    assert_eq!(lines.len(), LOG_LINES_MAX + 1);
    assert!(lines[LOG_LINES_MAX].starts_with("[skiff] 6 bytes of output were not kept"));
}

#[test]
fn bytes_over_the_limit_are_counted_not_kept() {
    let line = format!("{}\n", "x".repeat(LOG_LINE_BYTES_MAX));
    let whole = LOG_BYTES_MAX / LOG_LINE_BYTES_MAX;
    let lines = output_lines(format!("{}tail\n", line.repeat(whole + 1)).as_bytes(), 7);
    assert_eq!(
        lines.len(),
        whole + 1,
        "nothing is kept after the first line that did not fit"
    );
    let dropped = LOG_LINE_BYTES_MAX + 1 + 5 + 7;
    assert!(lines[whole].starts_with(&format!("[skiff] {dropped} bytes of output were not kept")));
}

#[test]
fn what_the_worker_dropped_is_said() {
    assert!(output_lines(b"", 9)[0].starts_with("[skiff] 9 bytes of output were not kept"));
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
fn a_cut_never_splits_a_character_and_never_loses_more_than_one() {
    let text = "a界b".as_bytes();
    let cuts: Vec<_> = (0..=5).map(|bytes_max| cut(text, bytes_max).len()).collect();
    assert_eq!(cuts, [0, 1, 1, 1, 4, 5]);
    assert_eq!(cut(&[0x80; 9], 6).len(), 6, "not UTF-8: cut where it is");
}

#[test]
fn billed_time_is_rounded_up_to_a_millisecond() {
    for (nanos, ms) in [(0, 0), (1, 1), (1_000_000, 1), (1_000_001, 2), (3_000_000_000, 3000)] {
        assert_eq!(billed_ms(Duration::from_nanos(nanos)), ms);
    }
}
