//! Times as users write and read them: `YYYY-MM-DD HH:MM:SS` in UTC+8 (CONTRACT 2.1), durations in milliseconds.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

const FORMAT: &str = "%Y-%m-%d %H:%M:%S";

fn zone() -> TimeZone {
    TimeZone::fixed(Offset::constant(8))
}

/// The time as text.
pub(crate) fn to_text(time: Timestamp) -> String {
    zone().to_datetime(time).strftime(FORMAT).to_string()
}

/// The time this text names; `None` when it is not in the documented form.
pub(crate) fn from_text(text: &str) -> Option<Timestamp> {
    let time = DateTime::strptime(FORMAT, text).ok()?;
    zone().to_timestamp(time).ok()
}

/// A duration in milliseconds, to the microsecond.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc_plus_8_and_reads_back() {
        let time = Timestamp::from_second(1_516_060_800).unwrap();
        assert_eq!(to_text(time), "2018-01-16 08:00:00");
        assert_eq!(from_text("2018-01-16 08:00:00"), Some(time));
        for bad in [
            "",
            "2018-01-16",
            "2018-01-16T08:00:00Z",
            "2018-13-01 00:00:00",
            "2018-01-16 08:00:00 ",
        ] {
            assert_eq!(from_text(bad), None, "{bad}");
        }
    }
}
