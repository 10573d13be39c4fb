//! SCF's cron expressions (CONTRACT 3.1): what they say, and when they are due.
//!
//! Owns the grammar and the calendar; knows nothing of what is done then. Pure: a moment comes in as an argument.
//! Invariant: an expression that was taken is due at some time, and finding out when takes a bounded number of steps.

mod field;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time, Weekday, date};
use jiff::tz::Offset;

use field::{Field, Unit};

/// The zone expressions are meant in (CONTRACT 3.1): UTC+8 all the year.
pub const ZONE: Offset = Offset::constant(8);
/// Longest expression. The longest anybody needs names every second and minute.
const TEXT_BYTES_MAX: usize = 1000;
const YEAR_FIRST: u16 = 1970;
const YEAR_LAST: u16 = 2099;

const SECOND: Unit = Unit::new("second", 0, 59);
const MINUTE: Unit = Unit::new("minute", 0, 59);
const HOUR: Unit = Unit::new("hour", 0, 23);
const DAY: Unit = Unit::new("day", 1, 31);
const MONTH: Unit = Unit::new("month", 1, 12).named(&[
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
]);
const WEEKDAY: Unit = Unit::new("weekday", 0, 6).named(&["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]);
const YEAR: Unit = Unit::new("year", YEAR_FIRST, YEAR_LAST);

/// An expression: `second minute hour day month weekday year`, or of old `minute hour day month weekday`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    text: String,
    second: Field,
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
    year: Field,
}

/// A text that is no expression. Says what of it is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no cron expression: {reason}")]
pub struct InvalidCron {
    given: String,
    reason: String,
}

impl FromStr for Cron {
    type Err = InvalidCron;
    fn from_str(text: &str) -> Result<Self, InvalidCron> {
        let invalid = |reason: String| InvalidCron {
            given: text.chars().take(80).collect(),
            reason,
        };
        if text.len() > TEXT_BYTES_MAX {
            return Err(invalid(format!("it is longer than {TEXT_BYTES_MAX} bytes")));
        }
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let [second, minute, hour, day, month, weekday, year] = match fields[..] {
            [second, minute, hour, day, month, weekday, year] => [second, minute, hour, day, month, weekday, year],
            [minute, hour, day, month, weekday] => ["0", minute, hour, day, month, weekday, "*"],
            _ => {
                let fields = fields.len();
                let what =
                    "use seven, second minute hour day month weekday year, or five, minute hour day month weekday";
                return Err(invalid(format!("it has {fields} fields: {what}")));
            }
        };
        let read = |text: &str, unit: &Unit| Field::read(text, unit).map_err(invalid);
        let cron = Self {
            text: text.to_owned(),
            second: read(second, &SECOND)?,
            minute: read(minute, &MINUTE)?,
            hour: read(hour, &HOUR)?,
            day: read(day, &DAY)?,
            month: read(month, &MONTH)?,
            weekday: read(weekday, &WEEKDAY)?,
            year: read(year, &YEAR)?,
        };
        match cron.first_day(date(YEAR_FIRST as i16, 1, 1)) {
            Some(_) => Ok(cron),
            None => Err(invalid("no year it names has such a day".to_owned())),
        }
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Cron {
    /// The expression as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// When it is due next, after this moment. `None` when it never is again.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let from = local(after).checked_add(jiff::SignedDuration::from_secs(1)).ok()?;
        let day = self.first_day(from.date())?;
        if day == from.date() {
            if let Some(time) = self.first_time(from.time()) {
                return moment(day, time);
            }
            let day = self.first_day(day.tomorrow().ok()?)?;
            return moment(day, self.first_time(Time::midnight())?);
        }
        moment(day, self.first_time(Time::midnight())?)
    }

    /// When it was due last, this moment included. `None` when it never was.
    #[must_use]
    pub fn latest(&self, until: Timestamp) -> Option<Timestamp> {
        const LAST: Time = Time::constant(23, 59, 59, 0);
        let until = local(until);
        let day = self.last_day(until.date())?;
        if day == until.date() {
            if let Some(time) = self.last_time(until.time()) {
                return moment(day, time);
            }
            let day = self.last_day(day.yesterday().ok()?)?;
            return moment(day, self.last_time(LAST)?);
        }
        moment(day, self.last_time(LAST)?)
    }

    /// The first day it names from this one on. Goes by years and months where it names none of their days.
    fn first_day(&self, from: Date) -> Option<Date> {
        let mut day = from;
        loop {
            let (year, month) = (u16::try_from(day.year()).ok()?, number(day.month()));
            if year > YEAR_LAST {
                return None;
            }
            day = if !self.year.has(year) {
                date(day.year().max(YEAR_FIRST as i16 - 1) + 1, 1, 1)
            } else if !self.month.has(month) {
                day.last_of_month().tomorrow().ok()?
            } else if self.names(day) {
                return Some(day);
            } else {
                day.tomorrow().ok()?
            };
        }
    }

    /// The last day it names up to this one.
    fn last_day(&self, until: Date) -> Option<Date> {
        let mut day = until;
        loop {
            let (year, month) = (u16::try_from(day.year()).ok()?, number(day.month()));
            if year < YEAR_FIRST {
                return None;
            }
            day = if !self.year.has(year) {
                date(day.year().min(YEAR_LAST as i16 + 1) - 1, 12, 31)
            } else if !self.month.has(month) {
                day.first_of_month().yesterday().ok()?
            } else if self.names(day) {
                return Some(day);
            } else {
                day.yesterday().ok()?
            };
        }
    }

    /// Whether it names a day of a month and year that it names. Where both are said, day or weekday is enough.
    fn names(&self, day: Date) -> bool {
        let weekday = match day.weekday() {
            Weekday::Sunday => 0,
            other => number(other.to_monday_one_offset()),
        };
        let (by_day, by_weekday) = (self.day.has(number(day.day())), self.weekday.has(weekday));
        if self.day.is_whole() || self.weekday.is_whole() {
            by_day && by_weekday
        } else {
            by_day || by_weekday
        }
    }

    /// The first time of day it names from this one on.
    fn first_time(&self, from: Time) -> Option<Time> {
        let [hour, minute, second] = parts(from);
        let begin = |field: &Field| field.first(0);
        if self.hour.has(hour) {
            if self.minute.has(minute)
                && let Some(second) = self.second.first(second)
            {
                return time(hour, minute, second);
            }
            if let Some(minute) = self.minute.first(minute + 1) {
                return time(hour, minute, begin(&self.second)?);
            }
        }
        time(self.hour.first(hour + 1)?, begin(&self.minute)?, begin(&self.second)?)
    }

    /// The last time of day it names up to this one.
    fn last_time(&self, until: Time) -> Option<Time> {
        let [hour, minute, second] = parts(until);
        let end = |field: &Field| field.last(u16::MAX);
        if self.hour.has(hour) {
            if self.minute.has(minute)
                && let Some(second) = self.second.last(second)
            {
                return time(hour, minute, second);
            }
            if let Some(minute) = minute.checked_sub(1).and_then(|minute| self.minute.last(minute)) {
                return time(hour, minute, end(&self.second)?);
            }
        }
        let hour = self.hour.last(hour.checked_sub(1)?)?;
        time(hour, end(&self.minute)?, end(&self.second)?)
    }
}

fn local(moment: Timestamp) -> DateTime {
    ZONE.to_datetime(moment)
}

fn moment(day: Date, time: Time) -> Option<Timestamp> {
    ZONE.to_timestamp(day.to_datetime(time)).ok()
}

/// A part of a date or time, none of which is negative.
fn number(part: i8) -> u16 {
    u16::from(part.unsigned_abs())
}

fn parts(time: Time) -> [u16; 3] {
    [time.hour(), time.minute(), time.second()].map(number)
}

fn time(hour: u16, minute: u16, second: u16) -> Option<Time> {
    let part = |number: u16| i8::try_from(number).ok();
    Time::new(part(hour)?, part(minute)?, part(second)?, 0).ok()
}

#[cfg(test)]
mod tests;
