//! The benchmark: a real server driven over its public API, each figure in pairs with a peer's or the floor's.
//!
//! It asserts nothing: a number is printed, whatever it is, and judged by its reader. README.md says how.

mod clock;
mod http;
mod load;
mod machine;
mod measure;
mod memory;
mod package;
mod peers;
mod process;
mod report;
mod server;
mod stats;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};

use crate::machine::{Load, Machine};
use crate::measure::Question;
use crate::report::{Report, Section};

/// Measures Skiff against its peers and against the floor, in pairs within one run
#[derive(Debug, Parser)]
#[command(name = "./skiffw bench", bin_name = "./skiffw bench", version, after_help = AFTER_HELP)]
struct Args {
    /// Measure these only
    #[arg(long, value_enum, value_delimiter = ',', value_name = "A,B")]
    only: Vec<Question>,
    /// A tenth of the samples: to see that everything works, not to compare
    #[arg(long)]
    quick: bool,
    /// Write the figures to this file as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// The server's binary; the one beside this program by default
    #[arg(long, value_name = "FILE")]
    skiff: Option<PathBuf>,
    /// The virtual environment with functions-framework; target/.venv-bench by default
    #[arg(long, value_name = "FOLDER")]
    venv: Option<PathBuf>,
    /// Where the servers keep their data: a folder on the disk to measure
    #[arg(long, value_name = "FOLDER", default_value_os_t = std::env::temp_dir())]
    scratch: PathBuf,
}

const AFTER_HELP: &str = "\
Runs as root: the servers it starts isolate functions. Ends with 0 when everything could be measured, whatever the
numbers, with 1 when something could not, with 2 when the arguments are wrong. Each table says how it was measured.";

/// What every measurement needs.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) skiff: PathBuf,
    pub(crate) venv: PathBuf,
    pub(crate) scratch: PathBuf,
    quick: bool,
}

impl Bench {
    fn new(args: &Args) -> Result<Self> {
        let program = std::env::current_exe()?;
        let folder = program.parent().unwrap_or(Path::new("."));
        let skiff = args.skiff.clone().unwrap_or_else(|| folder.join("skiff"));
        if !skiff.is_file() {
            bail!("there is no {}: `./skiffw bench` builds it", skiff.display());
        }
        Ok(Self {
            skiff,
            venv: args.venv.clone().unwrap_or_else(|| folder.join("../.venv-bench")),
            scratch: args.scratch.clone(),
            quick: args.quick,
        })
    }

    /// How many to take: a proper number, or one for a quick look.
    pub(crate) fn samples(&self, proper: usize, quick: usize) -> usize {
        if self.quick { quick } else { proper }
    }
}

fn main() -> ExitCode {
    // A zygote must be one before anything else happens in the process.
    match std::env::args().nth(1).as_deref() {
        Some(measure::ZYGOTE_ARGUMENT) => {
            return ExitCode::from(skiff_sandbox::zygote_main(skiff_runtimes::native::wait));
        }
        Some(peers::axum::ARGUMENT) => return ended(peers::axum::serve().map(|()| true)),
        _ => {}
    }
    ended(run(&Args::parse()))
}

fn ended(result: Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("skiff-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// True when everything could be measured.
fn run(args: &Args) -> Result<bool> {
    if !rustix::process::geteuid().is_root() {
        bail!("run it as root: the servers it starts isolate functions, which only root may do");
    }
    let bench = Bench::new(args)?;
    let mut report = Report {
        skiff: env!("CARGO_PKG_VERSION"),
        began: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        quick: args.quick,
        machine: Machine::look(),
        load_before: Load::look(),
        sections: Vec::new(),
    };
    println!("Machine: {}", report.machine.text());
    println!("Before:  {}", report.load_before.text());
    warn_unless_quiet(&report.load_before);
    let questions = match args.only.as_slice() {
        [] => Question::value_variants(),
        only => only,
    };
    for question in questions {
        report.sections.push(answer(*question, &bench));
    }
    print!("{}", report::targets_text(&report.sections));
    if let Some(file) = &args.json {
        let json = serde_json::to_vec_pretty(&report)?;
        fs::write(file, json).with_context(|| format!("write {}", file.display()))?;
        eprintln!("Written: {}", file.display());
    }
    Ok(report.sections.iter().all(|section| section.error.is_none()))
}

fn answer(question: Question, bench: &Bench) -> Section {
    let load = Load::look();
    if !load.is_quiet() {
        eprintln!("The machine is not quiet: {}", load.text());
    }
    let mut section = question.answer(bench);
    section.load_before = Some(load);
    println!("{}", section.text().trim_end());
    section
}

fn warn_unless_quiet(load: &Load) {
    if !load.is_quiet() {
        println!("WARNING: something else is running here. Medians below are its as much as ours; look at the minima.");
    }
}
