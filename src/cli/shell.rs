//! `placebo completions` and `placebo man`, both derived from the definition of the arguments.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, text_table};
use crate::error::{Error, Result};

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
pub(super) struct Man {}

impl Man {
    #[expect(clippy::unused_self, reason = "every command runs the same way")]
    pub(super) fn run(&self) -> Result<()> {
        let mut out = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut out).map_err(|error| Error::io("standard output", error))?;
        text_table::print(&String::from_utf8_lossy(&out))
    }
}
