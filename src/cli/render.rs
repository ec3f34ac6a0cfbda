//! `placebo render`: the texts of messages, one after another.

use std::ffi::OsString;

use clap::Args;

use super::LogFormat;
use super::folder_args::FolderArgs;
use super::set_args::{SetArgs, quoted};
use crate::disk::System;
use crate::error::Result;
use crate::format;
use crate::target::{Settings, target};

#[derive(Args)]
pub(super) struct Render {
    #[command(flatten)]
    set: SetArgs,
    /// Templates of `placebo list templates`, or paths of your own `.j2` files, separated by commas.
    #[arg(value_delimiter = ',', value_name = "TEMPLATE,…", required = true)]
    templates: Vec<String>,
    /// The output folder, or `-` for the messages of one template on standard output.
    #[arg(long, short, value_name = "DIR", default_value = "-")]
    out: OsString,
    /// How messages follow each other: `lines`, `mllp`, `length` or `tar`; by default lines, or tar where a message has several.
    #[arg(long, value_name = "FRAMING")]
    framing: Option<String>,
    #[command(flatten)]
    folder: FolderArgs,
}

impl Render {
    pub(super) fn run(&self, log_format: LogFormat) -> Result<()> {
        let set = self.set.messages_alone(&self.templates)?;
        let plan = set.plan()?;
        let format = format::find("messages")?;
        let framing = self.framing.as_deref().map(|framing| ("framing", framing));
        let options = format.options(framing)?;
        let set_of = set.data_set_to(&self.out, plan, format.binary)?;
        let database = crate::target::database::Options::default();
        let target = target(&self.out, "generate", &Settings { format, options, disk: &System, database })?;
        let out = self.out.to_string_lossy();
        set.run(&set_of, target.as_ref(), self.folder.start(), (format.name, &out, &quoted(&out)), log_format)
    }
}
