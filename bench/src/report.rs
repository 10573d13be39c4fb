//! What was measured, as a table to read and as JSON to keep.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table as Grid, presets};
use serde::Serialize;

use crate::machine::{Load, Machine};
use crate::stats::Summary;

/// Everything of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The version measured.
    pub(crate) skiff: &'static str,
    /// When the run began, UTC.
    pub(crate) began: String,
    /// Fewer samples than usual: good for trying it out, not for comparing.
    pub(crate) quick: bool,
    pub(crate) machine: Machine,
    pub(crate) load_before: Load,
    pub(crate) sections: Vec<Section>,
}

/// One question and its answer.
#[derive(Debug, Serialize)]
pub(crate) struct Section {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// How it was measured: what a reader must know to judge the figures.
    pub(crate) how: Vec<String>,
    pub(crate) tables: Vec<Table>,
    pub(crate) targets: Vec<Target>,
    /// Why there are no figures, where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// What else the machine was doing just before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) load_before: Option<Load>,
}

/// Series that are compared with each other.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) unit: Unit,
    pub(crate) rows: Vec<Row>,
}

/// One series.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) whose: Whose,
    #[serde(flatten)]
    pub(crate) summary: Summary,
    /// This one's median and 99th percentile divided by those of each series that is not ours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ratios: Vec<Ratio>,
}

/// One series divided by another.
#[derive(Debug, Serialize)]
pub(crate) struct Ratio {
    pub(crate) to: String,
    pub(crate) median: f64,
    pub(crate) p99: f64,
}

/// Whose figure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Whose {
    Ours,
    /// A peer's, or a bare part of the system that nothing can be faster than.
    Theirs,
}

/// What the numbers of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Unit {
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "us")]
    Microseconds,
    #[serde(rename = "per second")]
    PerSecond,
    #[serde(rename = "MB")]
    Megabytes,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Microseconds => "us",
            Self::PerSecond => "per second",
            Self::Megabytes => "MB",
        }
    }
}

/// A figure of a series and what it is called.
type Column = (&'static str, fn(&Summary) -> String);

const RATE_COLUMNS: &[Column] = &[
    ("min", |series| digits(series.min)),
    ("median", |series| digits(series.median)),
    ("max", |series| digits(series.max)),
    ("n", |series| series.n.to_string()),
];
const TIME_COLUMNS: &[Column] = &[
    ("min", |series| digits(series.min)),
    ("median", |series| digits(series.median)),
    ("p95", |series| digits(series.p95)),
    ("p99", |series| digits(series.p99)),
    ("max", |series| digits(series.max)),
    ("n", |series| series.n.to_string()),
];

/// A number that was promised.
#[derive(Debug, Serialize)]
pub(crate) struct Target {
    pub(crate) what: &'static str,
    pub(crate) value: f64,
    pub(crate) below: f64,
    pub(crate) unit: &'static str,
    pub(crate) met: bool,
}

impl Target {
    pub(crate) fn below(what: &'static str, value: f64, below: f64, unit: &'static str) -> Self {
        let met = value < below;
        Self {
            what,
            value,
            below,
            unit,
            met,
        }
    }
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, unit: Unit) -> Self {
        Self {
            title: title.into(),
            unit,
            rows: Vec::new(),
        }
    }

    /// Adds a series; one without samples is left out.
    pub(crate) fn add(&mut self, whose: Whose, name: impl Into<String>, samples: &[f64]) {
        let Some(summary) = Summary::of(samples) else { return };
        self.rows.push(Row {
            name: name.into(),
            whose,
            summary,
            ratios: Vec::new(),
        });
    }

    /// The median of a series.
    pub(crate) fn median(&self, name: &str) -> Option<f64> {
        self.rows
            .iter()
            .find(|row| row.name == name)
            .map(|row| row.summary.median)
    }

    /// Compares every series of ours with every one that is not.
    pub(crate) fn compared(mut self) -> Self {
        let references: Vec<(String, Summary)> = self
            .rows
            .iter()
            .filter(|row| row.whose == Whose::Theirs)
            .map(|row| (row.name.clone(), row.summary))
            .collect();
        for row in self.rows.iter_mut().filter(|row| row.whose == Whose::Ours) {
            row.ratios = references
                .iter()
                .map(|(to, reference)| Ratio {
                    to: to.clone(),
                    median: row.summary.median / reference.median,
                    p99: row.summary.p99 / reference.p99,
                })
                .collect();
        }
        self
    }

    fn grid(&self) -> Grid {
        let rate = self.unit == Unit::PerSecond;
        let references: Vec<&str> = self
            .rows
            .iter()
            .find(|row| !row.ratios.is_empty())
            .map_or_else(Vec::new, |row| {
                row.ratios.iter().map(|ratio| ratio.to.as_str()).collect()
            });
        let mut header = vec![format!("{}, {}", self.title, self.unit.name())];
        // Of rates there are few samples: their percentiles would say nothing.
        let columns = if rate { RATE_COLUMNS } else { TIME_COLUMNS };
        header.extend(columns.iter().map(|(name, _)| (*name).to_owned()));
        let of = if rate { "" } else { " p50 / p99" };
        header.extend(references.iter().map(|name| format!("x {name}{of}")));
        let mut grid = grid(header);
        for row in &self.rows {
            let mut cells = vec![Cell::new(&row.name)];
            cells.extend(columns.iter().map(|(_, value)| number(&value(&row.summary))));
            cells.extend(row.ratios.iter().map(|ratio| {
                let text = if rate {
                    digits(ratio.median)
                } else {
                    format!("{} / {}", digits(ratio.median), digits(ratio.p99))
                };
                number(&text)
            }));
            cells.resize(1 + columns.len() + references.len(), Cell::new(""));
            grid.add_row(cells);
        }
        grid
    }
}

impl Section {
    pub(crate) fn new(id: &'static str, title: &'static str) -> Self {
        Self {
            id,
            title,
            how: Vec::new(),
            tables: Vec::new(),
            targets: Vec::new(),
            error: None,
            load_before: None,
        }
    }

    /// The section as text.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("\n{}\n", self.title);
        for line in &self.how {
            text.push_str(&format!("  {line}\n"));
        }
        for table in &self.tables {
            text.push_str(&format!("{}\n", table.grid()));
        }
        if let Some(error) = &self.error {
            text.push_str(&format!("  COULD NOT BE MEASURED: {error}\n"));
        }
        text
    }
}

/// Every target of these sections, met or missed. Empty without any.
pub(crate) fn targets_text<'a>(sections: impl IntoIterator<Item = &'a Section>) -> String {
    let targets: Vec<&Target> = sections.into_iter().flat_map(|section| &section.targets).collect();
    if targets.is_empty() {
        return String::new();
    }
    let mut grid = grid(["target", "below", "measured", ""].map(str::to_owned).to_vec());
    for target in targets {
        let unit = |value: f64| format!("{} {}", digits(value), target.unit).trim_end().to_owned();
        grid.add_row([
            Cell::new(target.what),
            number(&unit(target.below)),
            number(&unit(target.value)),
            Cell::new(if target.met { "met" } else { "MISSED" }),
        ]);
    }
    format!("\n{grid}\n")
}

fn grid(header: Vec<String>) -> Grid {
    let mut grid = Grid::new();
    grid.load_style(presets::ASCII_MARKDOWN)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(
            header
                .into_iter()
                .enumerate()
                .map(|(at, text)| match at {
                    0 => Cell::new(text),
                    _ => number(&text),
                })
                .map(|cell| cell.add_attribute(Attribute::Bold)),
        );
    grid
}

fn number(text: &str) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Three digits that count, never an exponent.
fn digits(value: f64) -> String {
    let places = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 || size == 0.0 => 2,
        _ => 3,
    };
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_show_three_digits() {
        for (value, text) in [
            (12_345.6, "12346"),
            (99.94, "99.9"),
            (1.234, "1.23"),
            (0.5678, "0.568"),
            (0.0, "0.00"),
            (-3.0, "-3.00"),
        ] {
            assert_eq!(digits(value), text);
        }
    }

    #[test]
    fn ours_is_divided_by_each_of_theirs() {
        let mut table = Table::new("t", Unit::Milliseconds);
        table.add(Whose::Ours, "a", &[1.0, 2.0, 3.0]);
        table.add(Whose::Theirs, "b", &[4.0]);
        table.add(Whose::Theirs, "none", &[]);
        let table = table.compared();
        let ratios: Vec<(&str, f64, f64)> = table.rows[0]
            .ratios
            .iter()
            .map(|ratio| (ratio.to.as_str(), ratio.median, ratio.p99))
            .collect();
        assert_eq!(ratios, [("b", 0.5, 0.75)]);
        assert!(table.rows[1].ratios.is_empty());
        assert_eq!(table.median("b"), Some(4.0));
        let text = table.grid().to_string();
        assert!(text.contains("0.500 / 0.750"), "{text}");
    }

    #[test]
    fn a_target_is_met_only_below_its_number() {
        assert!(Target::below("t", 0.99, 1.0, "ms").met);
        assert!(!Target::below("t", 1.0, 1.0, "ms").met);
        assert!(!Target::below("t", f64::NAN, 1.0, "ms").met);
    }
}
