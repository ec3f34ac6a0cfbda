//! `placebo generate`: a data set with its schema, data package and manifest.

use std::ffi::OsString;

use clap::Args;

use super::LogFormat;
use super::format_args::FormatArgs;
use super::set_args::{SetArgs, quoted};
use crate::disk::System;
use crate::engine::Start;
use crate::error::Result;
use crate::target::{Settings, target};

#[derive(Args)]
pub(super) struct Generate {
    /// The output folder, or `-` for one table on standard output.
    #[arg(long, short, value_name = "DIR", default_value = "out")]
    out: OsString,
    #[command(flatten)]
    format: FormatArgs,
    #[command(flatten)]
    set: SetArgs,
    /// Replace files that are there.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Go on with what an interrupted run of equal inputs left in the folder.
    #[arg(long)]
    resume: bool,
}

impl Generate {
    pub(super) fn run(&self, log_format: LogFormat) -> Result<()> {
        let plan = self.set.plan()?;
        let (format, options) = self.format.read()?;
        let set = self.set.data_set(plan, format.binary)?;
        let target = target(
            &self.out,
            "generate",
            &Settings { format, options, disk: &System, database: crate::target::database::Options::default() },
        )?;
        let start = match (self.overwrite, self.resume) {
            (true, _) => Start::Overwrite,
            (_, true) => Start::Resume,
            _ => Start::New,
        };
        let out = self.out.to_string_lossy();
        self.set.run(&set, target.as_ref(), start, (format.name, &out, &quoted(&out)), log_format)
    }
}
