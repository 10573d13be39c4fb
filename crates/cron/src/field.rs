//! One field of an expression: numbers, names, ranges and steps, joined by commas.

/// What a field counts.
#[derive(Debug)]
pub(crate) struct Unit {
    name: &'static str,
    first: u16,
    last: u16,
    /// Other words for its numbers, from the first on.
    names: &'static [&'static str],
}

impl Unit {
    pub(crate) const fn new(name: &'static str, first: u16, last: u16) -> Self {
        Self {
            name,
            first,
            last,
            names: &[],
        }
    }

    pub(crate) const fn named(mut self, names: &'static [&'static str]) -> Self {
        self.names = names;
        self
    }

    fn number(&self, text: &str) -> Option<u16> {
        if let Some(place) = self.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
            return Some(self.first + u16::try_from(place).ok()?);
        }
        let digits = !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: u16 = digits.then(|| text.parse().ok())??;
        (self.first..=self.last).contains(&number).then_some(number)
    }
}

/// The numbers a field names, in order, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    numbers: Vec<u16>,
    is_whole: bool,
}

impl Field {
    /// Reads a field. The error says what is wrong with it.
    pub(crate) fn read(text: &str, unit: &Unit) -> Result<Self, String> {
        let mut numbers = Vec::new();
        for part in text.split(',') {
            let (first, last, step) = range(part, unit).ok_or_else(|| rule(part, unit))?;
            numbers.extend((first..=last).step_by(usize::from(step)));
        }
        numbers.sort_unstable();
        numbers.dedup();
        let is_whole = numbers.len() == usize::from(unit.last - unit.first) + 1;
        Ok(Self { numbers, is_whole })
    }

    /// Whether it names every number there is.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub(crate) fn has(&self, number: u16) -> bool {
        self.numbers.binary_search(&number).is_ok()
    }

    /// The first number it names from this one on.
    pub(crate) fn first(&self, from: u16) -> Option<u16> {
        let place = self.numbers.partition_point(|number| *number < from);
        self.numbers.get(place).copied()
    }

    /// The last number it names up to this one.
    pub(crate) fn last(&self, until: u16) -> Option<u16> {
        let place = self.numbers.partition_point(|number| *number <= until);
        self.numbers.get(place.checked_sub(1)?).copied()
    }
}

/// First, last and step of `*`, `5`, `1-5`, `*/10`, `1/10` or `10-40/10`.
fn range(part: &str, unit: &Unit) -> Option<(u16, u16, u16)> {
    let (numbers, step) = match part.split_once('/') {
        None => (part, None),
        Some((numbers, step)) => (numbers, Some(step)),
    };
    let (first, last) = match numbers.split_once('-') {
        Some((first, last)) => (unit.number(first)?, unit.number(last)?),
        None if numbers == "*" => (unit.first, unit.last),
        // With a step it goes on to the end: `1/10` is 1, 11, 21, …
        None => {
            let first = unit.number(numbers)?;
            (first, if step.is_some() { unit.last } else { first })
        }
    };
    let step = match step {
        None => 1,
        Some(step) => {
            let digits = !step.is_empty() && step.len() <= 4 && step.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| step.parse::<u16>().ok())?.filter(|step| *step > 0)?
        }
    };
    (first <= last).then_some((first, last, step))
}

fn rule(part: &str, unit: &Unit) -> String {
    let Unit {
        name,
        first,
        last,
        names,
    } = unit;
    let part: String = part.chars().take(40).collect();
    let or_names = match names {
        [] => String::new(),
        [from, .., to] | [from @ to] => format!(" or {from} to {to}"),
    };
    format!(
        "the {name} {part:?} is not valid: use {first} to {last}{or_names}, as *, 1, 1-5, */2, 1/2 or a list of them"
    )
}
