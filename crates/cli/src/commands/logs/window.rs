//! A span of time cut into what one request may ask for: a day (CONTRACT 2.5).

use jiff::{SignedDuration, Timestamp};

/// What one request may span.
const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How far the server's clock may be ahead of ours: its newest calls are asked for, too.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);

/// Windows of a day at most from `since` to a little after `now`, newest first, each ending a second before the next
/// begins: the API counts whole seconds and both ends in.
pub(super) fn windows(since: Timestamp, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let mut windows = Vec::new();
    let mut end = now.saturating_add(AHEAD).unwrap_or(now);
    while end >= since {
        let start = end.saturating_sub(DAY).map_or(since, |start| start.max(since));
        windows.push((start, end));
        match start.checked_sub(SignedDuration::from_secs(1)) {
            Ok(next) if start > since => end = next,
            _ => break,
        }
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_the_span_without_gap_or_overlap_and_none_is_longer_than_a_day() {
        let now: Timestamp = "2026-03-18T12:00:00Z".parse().expect("a time");
        for hours in [0, 1, 24, 25, 49, 240] {
            let since = now.saturating_sub(SignedDuration::from_hours(hours)).expect("a time");
            let windows = windows(since, now);
            assert!(
                windows.first().is_some_and(|(_, end)| *end > now),
                "{hours} h: newest first"
            );
            assert_eq!(windows.last().map(|(start, _)| *start), Some(since), "{hours} h");
            for (start, end) in &windows {
                assert!(
                    start <= end && end.duration_since(*start) <= DAY,
                    "{hours} h: {start} {end}"
                );
            }
            for pair in windows.windows(2) {
                assert_eq!(
                    pair[0].0.duration_since(pair[1].1),
                    SignedDuration::from_secs(1),
                    "{hours} h"
                );
            }
        }
    }
}
