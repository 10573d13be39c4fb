//! `skiff completion SHELL`: the command line as a completion script.

use clap_complete::{Shell, generate};

use crate::console::Console;
use crate::error::CliError;

/// Arguments of `skiff completion`.
#[derive(Debug, clap::Args)]
#[command(after_help = "bash: source <(skiff completion bash)\n\
    zsh:  source <(skiff completion zsh)\n\
    fish: skiff completion fish | source")]
pub struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    pub(super) fn run(&self, console: &mut Console, mut root: clap::Command) -> Result<(), CliError> {
        let mut script = Vec::new();
        generate(self.shell, &mut root, "skiff", &mut script);
        Ok(console.print(String::from_utf8_lossy(&script))?)
    }
}
