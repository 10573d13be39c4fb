//! `skiff doctor`: what this host offers for sandboxes, as a table or JSON. Exit code 1 when functions cannot run here.

use std::io::{self, Write};
use std::process::ExitCode;

use skiff_cli::Format;
use skiff_sandbox::doctor::{Finding, Status, examine};

/// Looks, prints, and says by the exit code whether a server could run.
pub(crate) fn run(format: Format) -> ExitCode {
    let findings = examine();
    let text = match format {
        Format::Table => table(&findings),
        Format::Json => serde_json::to_string_pretty(&findings).unwrap_or_default() + "\n",
    };
    // Nobody is left to tell that nobody listens.
    drop(io::stdout().write_all(text.as_bytes()));
    if findings.iter().any(stops) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn stops(finding: &Finding) -> bool {
    finding.fatal && finding.status == Status::Missing
}

fn table(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.what.len()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for finding in findings {
        let status = match finding.status {
            Status::Ok => "ok",
            Status::Degraded => "degraded",
            Status::Missing => "MISSING",
            Status::Unknown => "unknown",
        };
        lines.push(format!("{status:<9} {:<width$}  {}", finding.what, finding.detail));
        if !finding.mend.is_empty() {
            lines.push(format!("{:<9} {:<width$}  -> {}", "", "", finding.mend));
        }
    }
    let verdict = match findings.iter().filter(|finding| stops(finding)).count() {
        0 => "functions can run here".to_owned(),
        1 => "functions cannot run here: 1 thing is missing".to_owned(),
        count => format!("functions cannot run here: {count} things are missing"),
    };
    lines.extend([String::new(), verdict]);
    if findings.iter().any(|finding| finding.status == Status::Unknown) {
        lines.push("what is unknown can be told by root: sudo skiff doctor".to_owned());
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_comes_with_its_mend() {
        let finding = |what, status, mend: &str, fatal| Finding {
            what,
            status,
            detail: "detail".to_owned(),
            mend: mend.to_owned(),
            fatal,
        };
        let findings = [
            finding("root", Status::Ok, "", true),
            finding("cgroups", Status::Missing, "mount them", true),
        ];
        let expected = "ok        root     detail\nMISSING   cgroups  detail\n                   -> mount them\n\n\
                        functions cannot run here: 1 thing is missing\n";
        assert_eq!(table(&findings), expected);
        let findings = [
            finding("root", Status::Missing, "", true),
            finding("cgroups", Status::Unknown, "", true),
        ];
        let expected = "MISSING   root     detail\nunknown   cgroups  detail\n\n\
                        functions cannot run here: 1 thing is missing\n\
                        what is unknown can be told by root: sudo skiff doctor\n";
        assert_eq!(table(&findings), expected);
    }
}
