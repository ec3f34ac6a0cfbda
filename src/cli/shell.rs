//! `placebo completions` and `placebo man`, both derived from the definition of the arguments.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, text_table};
use crate::error::{Error, Result, did_you_mean};

#[derive(Args)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<()> {
        let mut out = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "placebo", &mut out);
        text_table::print(&String::from_utf8_lossy(&out))
    }
}

#[derive(Args)]
pub(super) struct Man {
    /// The command that the page is about, such as `generate` or `keys rotate`; by default the program.
    command: Vec<String>,
}

impl Man {
    pub(super) fn run(&self) -> Result<()> {
        let mut command = Cli::command();
        command.build();
        for name in &self.command {
            let known: Vec<String> = command.get_subcommands().map(|known| known.get_name().to_owned()).collect();
            let found = command.find_subcommand(name).cloned();
            command = found.ok_or_else(|| {
                Error::usage(format!("there is no command `{name}`"))
                    .maybe_hint(did_you_mean(name, known.iter().map(String::as_str)))
            })?;
        }
        let mut out = Vec::new();
        clap_mangen::Man::new(command).render(&mut out).map_err(|error| Error::io("standard output", error))?;
        text_table::print(&String::from_utf8_lossy(&out))
    }
}
