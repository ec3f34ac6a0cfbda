//! `placebo load`: a data set into a database, exactly once.

use std::ffi::OsString;

use clap::Args;

use super::LogFormat;
use super::set_args::SetArgs;
use crate::disk::System;
use crate::engine::Start;
use crate::error::Result;
use crate::format::{self, Options};
use crate::target::{Settings, target};

#[derive(Args)]
pub(super) struct Load {
    /// The database: `sqlite:PATH`, a file that need not exist.
    #[arg(long, value_name = "DATABASE")]
    to: OsString,
    #[command(flatten)]
    set: SetArgs,
}

impl Load {
    pub(super) fn run(&self, log_format: LogFormat) -> Result<()> {
        // Encrypted cells are text, so that they compare as in CSV.
        let set = self.set.data_set(self.set.plan()?, false)?;
        let settings = Settings { format: format::find("csv")?, options: Options::default(), disk: &System };
        let target = target(&self.to, "load", &settings)?;
        let shown = self.to.to_string_lossy();
        let scheme = shown.split(':').next().unwrap_or_default();
        self.set.run(&set, target.as_ref(), Start::Resume, (scheme, &shown), log_format)
    }
}
