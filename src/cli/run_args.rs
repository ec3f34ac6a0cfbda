//! Inputs of a run that its manifest does not tell, shared by the commands that derive its rows again.

use clap::Args;

use crate::plan::Memory;
use crate::protect::keyring::Keys;
use crate::verify::Given;

/// The inputs of a run that its manifest does not have.
#[derive(Args, Clone)]
pub(super) struct RunArgs {
    /// The profile of the run, where it is not one of the program's own.
    #[arg(long, value_name = "PROFILE")]
    pub(super) profile: Option<String>,
    /// The templates of messages in the run, where they are not the program's own.
    #[arg(long, value_delimiter = ',', value_name = "FILE,…")]
    pub(super) messages: Vec<String>,
    /// The files of your own faults in the run, where it made any.
    #[arg(long, value_delimiter = ',', value_name = "FILE,…")]
    pub(super) faults: Vec<String>,
    /// The seed of the run, where the manifest hides it because something is encrypted: with the key, rows are derived again.
    #[arg(long, value_name = "TEXT")]
    pub(super) seed: Option<String>,
}

impl RunArgs {
    /// The inputs, with keys and memory that were read elsewhere.
    pub(super) fn given<'a>(&'a self, keys: Option<&'a Keys>, memory: Memory) -> Given<'a> {
        Given {
            profile: self.profile.as_deref(),
            templates: &self.messages,
            faults: &self.faults,
            keys,
            seed: self.seed.as_deref(),
            memory,
        }
    }
}
