//! Times as people and the API write them: UTC+8, `2017-05-16 20:00:00`.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::error::CliError;

const FORMAT: &str = "%Y-%m-%d %H:%M:%S";
/// The zone of every time the API shows (CONTRACT 2.1).
const ZONE: Offset = jiff::tz::offset(8);

/// A moment as the API writes it.
pub(super) fn shown(moment: Timestamp) -> String {
    ZONE.to_datetime(moment).strftime(FORMAT).to_string()
}

/// The moment an age before now, or a time, means.
pub(super) fn parse(text: &str, now: Timestamp) -> Result<Timestamp, CliError> {
    let invalid = || CliError::argument("--since", text, "give an age such as 10m, 2h or 3d, or a time (UTC+8)");
    let past = |moment: Timestamp| {
        let rule = format!("it is to come: now is {} UTC+8", shown(now));
        let future = || CliError::argument("--since", text, rule);
        if moment <= now { Ok(moment) } else { Err(future()) }
    };
    if let Ok(moment) = text.parse::<Timestamp>() {
        return past(moment);
    }
    if let Ok(time) = text.parse::<DateTime>() {
        return ZONE.to_timestamp(time).map_err(|_| invalid()).and_then(past);
    }
    let age: Span = text.parse().map_err(|_| invalid())?;
    let age = age
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| invalid())?;
    if age < SignedDuration::ZERO {
        return Err(invalid());
    }
    now.checked_sub(age).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_and_a_time_mean_a_moment() {
        let now: Timestamp = "2026-03-18T12:00:00Z".parse().expect("a time");
        for (text, moment) in [
            ("10m", "2026-03-18T11:50:00Z"),
            ("2h", "2026-03-18T10:00:00Z"),
            ("3d", "2026-03-15T12:00:00Z"),
            ("1h30m", "2026-03-18T10:30:00Z"),
            ("2026-03-18 09:16:13", "2026-03-18T01:16:13Z"),
            ("2026-03-18T01:00:00Z", "2026-03-18T01:00:00Z"),
        ] {
            assert_eq!(parse(text, now).expect(text).to_string(), moment, "{text}");
        }
        for bad in [
            "",
            "yesterday",
            "-2h",
            "5 parsecs",
            "1mo",
            "2026-03-18 21:00:00",
            "2026-03-19T00:00:00Z",
        ] {
            assert!(parse(bad, now).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_moment_is_shown_in_utc_plus_8() {
        assert_eq!(
            shown("2026-03-18T01:16:13Z".parse().expect("a time")),
            "2026-03-18 09:16:13"
        );
    }
}
