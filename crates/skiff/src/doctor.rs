//! `skiff doctor`: what this host offers for sandboxes, as a table or JSON. Exit code 1 when functions cannot run here.

use std::io::{self, Write};
use std::process::ExitCode;

use skiff_cli::{Format, Global};
use skiff_sandbox::doctor::{Finding, Status, examine};

/// Looks, prints, and says by the exit code whether a server could run.
pub(crate) fn run(global: &Global) -> ExitCode {
    let mut findings = examine();
    findings.extend(runtimes(global));
    let text = match global.output {
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

/// How the runtimes of the server that runs here do, where one does that answers us.
fn runtimes(global: &Global) -> Option<Finding> {
    let runtimes = skiff_cli::runtimes(global).ok()?;
    let failing = |runtime: &skiff_cli::Runtime| Some(format!("{}: {}", runtime.name, runtime.failure.as_ref()?));
    let failures: Vec<_> = runtimes.iter().filter_map(failing).collect();
    let (status, detail, mend) = if failures.is_empty() {
        let names: Vec<_> = runtimes.into_iter().map(|runtime| runtime.name).collect();
        (Status::Ok, names.join(" "), "")
    } else {
        let mend = "add it again with `skiff runtime add`, or what its reason says";
        (Status::Degraded, failures.join("; "), mend)
    };
    Some(Finding {
        what: "runtimes",
        status,
        detail,
        mend: mend.to_owned(),
        fatal: false,
    })
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
