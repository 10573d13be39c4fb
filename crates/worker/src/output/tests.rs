//! Lines, limits, and what is said about what is missing.

use proptest::prelude::*;

use super::*;

fn collected(written: &[u8]) -> String {
    let mut output = Output::default();
    output.push(written);
    String::from_utf8_lossy(&output.take()).into_owned()
}

fn missing(lines: u64, bytes: u64) -> String {
    Missing { lines, bytes }.to_string()
}

#[test]
fn output_within_the_limits_is_kept_as_it_is_and_ends_with_a_line_feed() {
    for (written, kept) in [
        ("", ""),
        ("a\n", "a\n"),
        ("a\nb", "a\nb\n"),
        ("\n\n", "\n\n"),
        ("a\r\nb\n", "a\r\nb\n"),
    ] {
        assert_eq!(collected(written.as_bytes()), kept);
    }
    let not_text = b"\xff\x00\xc3\n";
    let mut output = Output::default();
    output.push(not_text);
    assert_eq!(output.take(), &not_text[..]);
    assert_eq!(output.take(), Bytes::new(), "it is taken once");
}

#[test]
fn a_long_line_is_cut_between_characters_and_says_so() {
    let beginning = "a".repeat(LOG_LINE_BYTES_MAX - 1);
    let line = format!("{beginning}{}\nnext\n", "界".repeat(100_000));
    let length = LOG_LINE_BYTES_MAX - 1 + 300_000;
    let kept = format!("{beginning} [skiff: line cut, it was {length} bytes long]\nnext\n");
    assert_eq!(collected(line.as_bytes()), kept);
}

#[test]
fn a_line_at_the_limit_is_whole() {
    let line = "b".repeat(LOG_LINE_BYTES_MAX);
    assert_eq!(collected(line.as_bytes()), format!("{line}\n"));
}

#[test]
fn long_lines_count_as_what_is_kept_of_them() {
    // Ten times the limit as written.
    let line = format!("{}\n", "x".repeat(LOG_BYTES_MAX / 10));
    let kept = collected(line.repeat(100).as_bytes());
    assert_eq!(kept.lines().count(), 100);
    assert!(
        kept.lines()
            .all(|line| line.ends_with(" [skiff: line cut, it was 104857 bytes long]"))
    );
}

#[test]
fn of_too_many_lines_the_first_and_the_last_are_kept_with_the_number_of_those_between() {
    let lines = |numbers: std::ops::Range<usize>| numbers.map(|n| format!("{n:05}\n")).collect::<String>();
    assert_eq!(collected(lines(0..LOG_LINES_MAX).as_bytes()), lines(0..LOG_LINES_MAX));
    let half = LOG_LINES_MAX / 2;
    assert_eq!(
        collected(lines(0..20_000).as_bytes()),
        lines(0..half) + &missing(15_000, 15_000 * 6) + &lines(20_000 - half..20_000)
    );
}

#[test]
fn of_too_many_bytes_the_first_and_the_last_are_kept_with_the_number_of_those_between() {
    // 1,024 bytes with the line feed: the limit is a whole number of lines.
    let lines = |numbers: std::ops::Range<usize>| numbers.map(|n| format!("{n:01023}\n")).collect::<String>();
    assert_eq!(collected(lines(0..1024).as_bytes()), lines(0..1024));
    assert_eq!(
        collected(lines(0..3000).as_bytes()),
        lines(0..512) + &missing(1976, 1976 * 1024) + &lines(2488..3000)
    );
}

#[test]
fn what_is_missing_is_counted_as_it_was_written() {
    let line = "y".repeat(100_000) + "\n";
    let kept = collected(line.repeat(1000).as_bytes());
    let whole = kept.lines().filter(|line| line.starts_with('y')).count() as u64;
    assert!((120..128).contains(&whole), "{whole}");
    assert!(kept.contains(&missing(1000 - whole, (1000 - whole) * 100_001)));
}

#[test]
fn a_flood_takes_bounded_memory() {
    let chunk = vec![b'x'; 1 << 16];
    for line_feed in [&b""[..], b"\n"] {
        let mut output = Output::default();
        for _ in 0..512 {
            output.push(&chunk);
            output.push(line_feed);
        }
        let held = output.line.kept.capacity() + output.head.capacity() + output.tail.capacity();
        assert!(held <= 2 * LOG_BYTES_MAX, "{held}");
        assert!(output.tail_lines.capacity() <= 2 * LOG_LINES_MAX);
    }
}

/// The same by the plainest means: all lines, then those that are kept of them.
fn plainly(written: &[u8]) -> Vec<u8> {
    let mut lines: Vec<(Vec<u8>, u64)> = Vec::new();
    for line in written.split_inclusive(|byte| *byte == b'\n') {
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        let mut kept = cut(text, LOG_LINE_BYTES_MAX).to_vec();
        if kept.len() < text.len() {
            kept.extend_from_slice(format!(" [skiff: line cut, it was {} bytes long]", text.len()).as_bytes());
        }
        kept.push(b'\n');
        lines.push((kept, line.len() as u64));
    }
    let bytes = |lines: &[(Vec<u8>, u64)]| lines.iter().map(|(kept, _)| kept.len()).sum::<usize>();
    let fits = |n: &usize| *n <= HEAD_LINES_MAX && bytes(&lines[..*n]) <= HEAD_BYTES_MAX;
    let head = (0..=lines.len()).take_while(fits).last().unwrap_or(0);
    let fits = |n: &usize| {
        head + lines.len() - n <= LOG_LINES_MAX && bytes(&lines[..head]) + bytes(&lines[*n..]) <= LOG_BYTES_MAX
    };
    let tail = (head..=lines.len()).find(fits).unwrap_or(lines.len());
    let gone = &lines[head..tail];
    let said = Missing {
        lines: gone.len() as u64,
        bytes: gone.iter().map(|(_, written)| written).sum(),
    };
    let said = if gone.is_empty() {
        String::new()
    } else {
        said.to_string()
    };
    let kept = |lines: &[(Vec<u8>, u64)]| lines.iter().flat_map(|(kept, _)| kept.clone()).collect::<Vec<u8>>();
    [kept(&lines[..head]), said.into_bytes(), kept(&lines[tail..])].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn however_it_is_read_the_same_is_kept(
        runs in proptest::collection::vec((0..20_000_usize, 1..700_usize), 0..6),
        pieces in proptest::collection::vec(1..20_000_usize, 1..8),
    ) {
        let written: Vec<u8> = runs
            .iter()
            .flat_map(|(length, times)| {
                let line = format!("{}\n", "é".repeat(length / 2));
                line.repeat((*times).min((2 << 20) / line.len())).into_bytes()
            })
            .collect();
        let mut output = Output::default();
        let (mut rest, mut pieces) = (&written[..], pieces.iter().cycle());
        while !rest.is_empty() {
            let piece = rest.len().min(*pieces.next().unwrap_or(&1));
            output.push(&rest[..piece]);
            rest = &rest[piece..];
        }
        prop_assert!(output.take() == plainly(&written));
    }
}
