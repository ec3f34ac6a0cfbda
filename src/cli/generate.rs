//! `placebo generate`: a data set with its schema, data package and manifest.

use std::ffi::OsString;

use clap::Args;

use super::LogFormat;
use super::folder_args::FolderArgs;
use super::format_args::FormatArgs;
use super::set_args::{SetArgs, quoted};
use crate::disk::System;
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
    #[command(flatten)]
    folder: FolderArgs,
}

impl Generate {
    pub(super) fn run(&self, log_format: LogFormat) -> Result<()> {
        let plan = self.set.plan()?;
        let (format, options) = self.format.read()?;
        let set = self.set.data_set_to(&self.out, plan, format.binary)?;
        let target = target(
            &self.out,
            "generate",
            &Settings { format, options, disk: &System, database: crate::target::database::Options::default() },
        )?;
        let out = self.out.to_string_lossy();
        self.set.run(&set, target.as_ref(), self.folder.start(), (format.name, &out, &quoted(&out)), log_format)
    }
}
