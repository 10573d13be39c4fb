//! What a command says: results to stdout as tables or JSON, remarks and errors to stderr.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal, Write};

use comfy_table::{ContentArrangement, Row, Table, presets};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::CliError;

/// Clears the screen and goes to its first place.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Where a command writes.
pub(crate) struct Console {
    pub(crate) format: Format,
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    /// stdout is a terminal: tables fit its width and live views are redrawn.
    pub(crate) terminal: bool,
    /// How many characters fit on a line, where a person watches.
    width: Option<u16>,
    /// stderr is a terminal, too: progress is shown.
    pub(crate) progress: bool,
}

impl Console {
    /// The process's own streams.
    pub(crate) fn standard(format: Format) -> Self {
        Self {
            format,
            out: Box::new(io::BufWriter::new(io::stdout())),
            err: Box::new(io::stderr()),
            terminal: io::stdout().is_terminal(),
            width: Table::new().width(),
            progress: io::stderr().is_terminal(),
        }
    }

    /// Streams of a test's own, which no person watches.
    #[cfg(test)]
    pub(crate) fn to(format: Format, out: Box<dyn Write>, err: Box<dyn Write>) -> Self {
        Self {
            format,
            out,
            err,
            terminal: false,
            width: None,
            progress: false,
        }
    }

    /// A result that is a list: a table, or the values as they are. `spare` columns go first where there is no room.
    pub(crate) fn list(
        &mut self,
        values: &[Value],
        header: &[&str],
        spare: &[&str],
        row: impl Fn(&Value) -> Vec<String>,
    ) -> io::Result<()> {
        match self.format {
            Format::Json => self.json(&values),
            Format::Table => {
                let table = self.table(header, spare, values.iter().map(row));
                self.print(format_args!("{table}\n"))
            }
        }
    }

    /// A result that is one thing: names and values, or the value as it is.
    pub(crate) fn one(&mut self, value: &Value, fields: &[(&str, String)]) -> io::Result<()> {
        match self.format {
            Format::Json => self.json(value),
            Format::Table => {
                let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
                for (name, text) in fields.iter().filter(|(_, text)| !text.is_empty()) {
                    let indented = text.replace('\n', &format!("\n{:width$}", ""));
                    self.print(format_args!("{:width$}{indented}\n", format!("{name}:")))?;
                }
                Ok(())
            }
        }
    }

    /// A result that is a change already made: a sentence, or the value.
    pub(crate) fn done(&mut self, value: &Value, sentence: impl Display) -> io::Result<()> {
        match self.format {
            Format::Json => self.json(value),
            Format::Table => self.print(format_args!("{sentence}\n")),
        }
    }

    /// Pretty JSON to stdout.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        self.print(text)?;
        writeln!(self.out)
    }

    /// One line of JSON to stdout, for streams.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let text = serde_json::to_string(value)?;
        self.print(text)?;
        writeln!(self.out)
    }

    /// Text to stdout, as it is unless a terminal would obey it.
    pub(crate) fn print(&mut self, text: impl Display) -> io::Result<()> {
        let text = text.to_string();
        self.out.write_all(shown(&text, self.terminal).as_bytes())
    }

    /// An empty screen, where stdout is a terminal.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        if self.terminal {
            self.out.write_all(CLEAR.as_bytes())
        } else {
            Ok(())
        }
    }

    /// A remark for people, on stderr; programs get none.
    pub(crate) fn say(&mut self, text: impl Display) -> io::Result<()> {
        match self.format {
            Format::Json => Ok(()),
            Format::Table => {
                self.out.flush()?;
                let text = text.to_string();
                writeln!(self.err, "{}", shown(&text, self.progress))
            }
        }
    }

    /// Text to stderr in either format, ended by a line end.
    pub(crate) fn side(&mut self, text: &str) -> io::Result<()> {
        self.out.flush()?;
        write!(self.err, "{}", shown(text, self.progress))?;
        if text.is_empty() || text.ends_with('\n') {
            Ok(())
        } else {
            writeln!(self.err)
        }
    }

    /// An error for people, or for programs. Nothing is left to do where even that cannot be written.
    pub(crate) fn error(&mut self, error: &CliError) {
        if matches!(error, CliError::Output(_)) && error.exit() == crate::Exit::Ok {
            return;
        }
        let request_id = error.request_id();
        let message = match error {
            CliError::Refused { message, .. } => message.clone(),
            other => other.to_string(),
        };
        // What was said before is seen before.
        drop(self.out.flush());
        let written = match self.format {
            Format::Json => {
                let error = json!({
                    "code": error.code(), "message": message, "hint": error.hint(), "requestId": request_id,
                });
                writeln!(self.err, "{}", json!({ "error": error }))
            }
            Format::Table => {
                let hint = error.hint().map(|hint| format!("\n  {hint}")).unwrap_or_default();
                let id = if request_id.is_empty() {
                    String::new()
                } else {
                    format!("\n  request id {request_id}")
                };
                let text = format!("skiff: {error}{hint}{id}");
                writeln!(self.err, "{}", shown(&text, self.progress))
            }
        };
        drop(written.and_then(|()| self.flush()));
    }

    /// Hands everything written to the streams.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.err.flush()
    }

    /// A table without lines: columns two spaces apart, readable and easy to cut. One that is wider than the terminal
    /// loses the columns named in `spare`, first things first, and then the ends of its longest texts; a line stays a
    /// line.
    pub(crate) fn table(&self, header: &[&str], spare: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
        let mut header = header.to_vec();
        let one_line = |row: Vec<String>| row.iter().map(|text| text.replace('\n', " ")).collect();
        let mut rows: Vec<Vec<String>> = rows.into_iter().map(one_line).collect();
        let mut table = columns(&header, &rows);
        let Some(width) = self.width else {
            return table.trim_fmt();
        };
        for name in spare {
            if natural_width(&table) <= width {
                break;
            }
            if let Some(at) = header.iter().position(|column| column == name) {
                header.remove(at);
                rows.iter_mut().for_each(|row| drop(row.remove(at)));
                table = columns(&header, &rows);
            }
        }
        if natural_width(&table) > width {
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(width)
                .set_truncation_indicator("…");
        }
        table.trim_fmt()
    }
}

fn columns(header: &[&str], rows: &[Vec<String>]) -> Table {
    let one_line = |mut row: Row| {
        row.max_height(1);
        row
    };
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(one_line(Row::from(header.to_vec())))
        .add_rows(rows.iter().map(|row| one_line(Row::from(row.clone()))))
        .set_content_arrangement(ContentArrangement::Disabled);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

/// The width of a table whose texts are whole. The last column's padding is not shown.
fn natural_width(table: &Table) -> u16 {
    let widths = table.column_max_content_widths();
    widths
        .iter()
        .fold(0_u16, |sum, width| sum.saturating_add(width + 2))
        .saturating_sub(2)
}

/// Text as its reader may get it. What functions write can hold orders for a terminal, to hide lines or to type for the
/// person who reads: there they are seen, spelled as in JSON, and not obeyed. Files and programs get every byte.
fn shown(text: &str, terminal: bool) -> Cow<'_, str> {
    if !terminal || !text.chars().any(is_order) {
        return Cow::Borrowed(text);
    }
    let mut spelled = String::with_capacity(text.len() + 16);
    for character in text.replace("\r\n", "\n").chars() {
        if is_order(character) {
            // Writing to a string cannot fail.
            let _ = write!(spelled, "\\u{:04x}", u32::from(character));
        } else {
            spelled.push(character);
        }
    }
    Cow::Owned(spelled)
}

/// Control characters, and those that turn the direction of what follows.
fn is_order(character: char) -> bool {
    let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (character.is_control() && !matches!(character, '\n' | '\t'))
}

/// A field of an API answer as text for people; empty where there is none.
pub(crate) fn text(value: &Value, field: &str) -> String {
    match &value[field] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A number of bytes for people.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{:.1} KB", precise(count) / 1024.0),
        _ => format!("{:.1} MB", precise(count) / 1_048_576.0),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a size shown with one decimal")]
fn precise(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        for (count, shown) in [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KB"), (3_207_168, "3.1 MB")] {
            assert_eq!(bytes(count), shown);
        }
    }

    #[test]
    fn a_narrow_terminal_gets_fewer_columns_and_never_a_broken_line() {
        let mut console = Console::to(Format::Table, Box::new(io::sink()), Box::new(io::sink()));
        let row = ["default", "hello", "Python3.11", "Greets whoever comes, at length 说"];
        let mut at = |width| {
            console.width = Some(width);
            let header = ["NAMESPACE", "NAME", "RUNTIME", "DESCRIPTION"];
            console.table(&header, &["RUNTIME"], [row.map(str::to_owned).to_vec()])
        };
        assert!(at(80).contains("RUNTIME"));
        for width in [30, 40, 55] {
            let table = at(width);
            assert_eq!(table.lines().count(), 2, "{width}: {table}");
            assert!(
                !table.contains("RUNTIME") && table.contains("hello"),
                "{width}: {table}"
            );
            assert!(
                table.lines().all(|line| line.chars().count() <= width.into()),
                "{width}: {table}"
            );
        }
        assert!(at(40).ends_with('…'), "{}", at(40));
    }

    #[test]
    fn a_terminal_is_shown_orders_and_does_not_get_them() {
        let text = "a\tb\x1b]0;owned\x07\r\u{9b}2J\u{202e}人\n";
        assert_eq!(shown(text, false), text, "files get every byte");
        let spelled = "a\tb\\u001b]0;owned\\u0007\\u000d\\u009b2J\\u202e人\n";
        assert_eq!(shown(text, true), spelled);
        assert_eq!(shown("a\r\nb", true), "a\nb", "an end of line is one");
        // In JSON it is the same text, spelled otherwise.
        let json = serde_json::to_string(text).expect("JSON");
        assert_eq!(serde_json::from_str::<String>(&shown(&json, true)).expect("JSON"), text);
    }

    #[test]
    fn a_table_has_aligned_columns_and_no_lines() {
        let console = Console::to(Format::Table, Box::new(io::sink()), Box::new(io::sink()));
        let table = console.table(
            &["NAME", "STATUS"],
            &[],
            [vec!["hello-python".to_owned(), "Active".to_owned()]],
        );
        assert_eq!(table, "NAME          STATUS\nhello-python  Active");
    }
}
