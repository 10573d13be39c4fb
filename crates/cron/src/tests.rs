//! What expressions mean, by the contract's examples and against a calendar that is walked second by second.

use proptest::prelude::*;

use super::*;

fn cron(text: &str) -> Cron {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// A moment by the clock of the expressions.
fn at(text: &str) -> Timestamp {
    let local: DateTime = text.parse().expect("a date and a time");
    ZONE.to_timestamp(local).expect("a moment")
}

fn shown(moment: Option<Timestamp>) -> String {
    moment.map_or_else(
        || "never".to_owned(),
        |moment| local(moment).to_string().replace('T', " "),
    )
}

#[test]
fn the_contracts_examples_are_due_when_it_says() {
    // 2026-11-26 is a Thursday.
    let now = at("2026-11-26T12:00:00");
    for (text, next) in [
        ("*/5 * * * * * *", "2026-11-26 12:00:05"),
        ("0 15 10 1 * * *", "2026-12-01 10:15:00"),
        ("0 15 10 * * MON-FRI *", "2026-11-27 10:15:00"),
        ("0 0 10,14,16 * * * *", "2026-11-26 14:00:00"),
        ("0 */30 9-17 * * * *", "2026-11-26 12:30:00"),
        ("0 0 12 * * WED *", "2026-12-02 12:00:00"),
        ("0 1/10 * * * * *", "2026-11-26 12:01:00"),
        ("0 0 0 29 2 * *", "2028-02-29 00:00:00"),
        ("0 0 0 1 DEC sun *", "2026-12-01 00:00:00"),
        ("0 0 0 * * * 2030", "2030-01-01 00:00:00"),
        ("0 0 0 * * * 2026", "2026-11-27 00:00:00"),
        ("30 4 * * *", "2026-11-27 04:30:00"),
        ("0 0 12 26 11 * 2026", "never"),
    ] {
        assert_eq!(shown(cron(text).next(now)), next, "{text}");
    }
}

#[test]
fn minutes_with_a_step_begin_where_they_say() {
    let cron = cron("0 1/10 8 * * * *");
    let mut now = at("2026-11-26T07:59:59");
    let mut minutes = Vec::new();
    for _ in 0..6 {
        now = cron.next(now).expect("a next time");
        minutes.push(local(now).minute());
    }
    assert_eq!(minutes, [1, 11, 21, 31, 41, 51]);
}

#[test]
fn day_and_weekday_that_are_both_said_are_either() {
    // Fridays, and the 13th.
    let cron = cron("0 0 0 13 * FRI *");
    let mut now = at("2026-12-01T00:00:00");
    let mut days = Vec::new();
    for _ in 0..5 {
        now = cron.next(now).expect("a next time");
        days.push(local(now).day());
    }
    assert_eq!(days, [4, 11, 13, 18, 25]);
}

#[test]
fn what_was_due_last_includes_the_moment_itself() {
    let noon = cron("0 0 12 * * * *");
    for (now, latest) in [
        ("2026-11-26T12:00:00", "2026-11-26 12:00:00"),
        ("2026-11-26T11:59:59", "2026-11-25 12:00:00"),
        ("2026-11-26T23:00:00", "2026-11-26 12:00:00"),
    ] {
        assert_eq!(shown(noon.latest(at(now))), latest, "{now}");
    }
    assert_eq!(
        shown(cron("0 0 0 1 1 * 2099").latest(at("2026-01-01T00:00:00"))),
        "never"
    );
}

#[test]
fn what_is_no_expression_says_why() {
    for (text, why) in [
        ("", "0 fields"),
        ("* * * *", "4 fields"),
        ("* * * *", "or five, minute hour day month weekday"),
        ("* * * * * * * *", "8 fields"),
        ("60 * * * * * *", "second \"60\""),
        ("* * 24 * * * *", "hour \"24\""),
        ("* * * 0 * * *", "day \"0\""),
        ("* * * * 13 * *", "month \"13\""),
        ("* * * * * 7 *", "weekday \"7\""),
        ("* * * * * * 1969", "year \"1969\""),
        ("* * * * * * 2100", "year \"2100\""),
        ("5-1 * * * * * *", "second \"5-1\""),
        ("*/0 * * * * * *", "second \"*/0\""),
        ("1,,2 * * * * * *", "second \"\""),
        ("+1 * * * * * *", "second \"+1\""),
        ("? * * * * * *", "second \"?\""),
        ("@daily", "1 fields"),
        ("0 0 0 L * * *", "day \"L\""),
        ("0 0 0 30 2 * *", "no year"),
        ("0 0 0 29 2 * 2027", "no year"),
    ] {
        let error = text.parse::<Cron>().expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    assert!("1 ".repeat(600).parse::<Cron>().is_err());
}

/// Any field of a unit.
fn field(first: u16, last: u16) -> impl Strategy<Value = String> {
    let number = first..=last;
    prop_oneof![
        4 => Just("*".to_owned()),
        2 => number.clone().prop_map(|number| number.to_string()),
        1 => (number.clone(), number.clone()).prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => (number.clone(), 1_u16..9).prop_map(|(first, step)| format!("{first}/{step}")),
        1 => (1_u16..9).prop_map(|step| format!("*/{step}")),
        1 => prop::collection::vec(number, 1..4)
            .prop_map(|numbers| numbers.iter().map(u16::to_string).collect::<Vec<_>>().join(",")),
    ]
}

/// Whether an expression names this second, each field read by itself.
fn is_due(cron: &Cron, moment: Timestamp) -> bool {
    let local = local(moment);
    let [hour, minute, second] = parts(local.time());
    cron.second.has(second)
        && cron.minute.has(minute)
        && cron.hour.has(hour)
        && cron.month.has(number(local.month()))
        && cron.year.has(u16::try_from(local.year()).expect("after 1970"))
        && cron.names(local.date())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_second_is_missed_and_none_is_made_up(
        fields in (field(0, 59), field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6)),
        start in 0_i64..4_000_000_000,
    ) {
        let (second, minute, hour, day, month, weekday) = fields;
        let text = format!("{second} {minute} {hour} {day} {month} {weekday} *");
        let Ok(cron) = text.parse::<Cron>() else { return Ok(()) };
        let start = Timestamp::from_second(start).expect("a moment");
        // Some hours are walked; beyond them, that it is due where it says is enough.
        let step = |seconds: i64| start + jiff::SignedDuration::from_secs(seconds);
        let walked = 4_000;
        let next = cron.next(start);
        prop_assert!(next.is_none_or(|next| next > start && is_due(&cron, next)), "{}", text);
        let first = (1..walked).map(step).find(|moment| is_due(&cron, *moment));
        prop_assert!(first.is_none() || next == first, "{} {:?} {:?}", text, next, first);
        prop_assert!(first.is_some() || next.is_none_or(|next| next >= step(walked)), "{}", text);
        let latest = cron.latest(start);
        prop_assert!(latest.is_none_or(|latest| latest <= start && is_due(&cron, latest)), "{}", text);
        let last = (0..walked).map(|seconds| step(-seconds)).find(|moment| is_due(&cron, *moment));
        prop_assert!(last.is_none() || latest == last, "{} {:?} {:?}", text, latest, last);
    }
}
