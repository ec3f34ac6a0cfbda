//! `placebo answers`: the answer key of a data set, without its rows.

use std::ffi::OsString;
use std::path::Path;

use clap::{Args, ValueEnum};

use super::set_args::SetArgs;
use super::{LogFormat, text_table};
use crate::digest::RowSum;
use crate::disk::{System, own_folder, write_whole};
use crate::engine::Answers as Counted;
use crate::error::{Error, Result};
use crate::folder::manifest::{FormatSettings, Manifest};
use crate::folder::{Sidecar, answers_of, recipe_name};

#[derive(Args)]
pub(super) struct Answers {
    #[command(flatten)]
    set: SetArgs,
    /// The folder for `answers.json` and `answers.csv`, or `-` for standard output.
    #[arg(long, short, value_name = "DIR", default_value = "-")]
    out: OsString,
    /// The form on standard output.
    #[arg(long, short, value_enum, default_value_t)]
    format: Form,
    /// Replace an answer key that is there.
    #[arg(long)]
    overwrite: bool,
}

/// The form of an answer key.
#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A line an answer.
    #[default]
    Csv,
    /// Everything that `placebo assert` needs.
    Json,
}

impl Answers {
    pub(super) fn run(&self, log_format: LogFormat) -> Result<()> {
        let set = self.set.data_set(self.set.plan()?, false)?;
        let counted = Counted::new(&set);
        let folder = (self.out != "-").then_some(Path::new(&self.out));
        let names = crate::folder::answers_names(set.this_part());
        if let Some(folder) = folder
            && let Some(name) = names.iter().find(|name| folder.join(name).symlink_metadata().is_ok())
        {
            let manifest = folder.join(crate::folder::manifest_name(set.this_part()));
            let there = Error::usage(format!("`{}` is there already", folder.join(name).display()));
            // The key of a run is one of its files.
            if !self.overwrite || manifest.symlink_metadata().is_ok() {
                return Err(there.hint("choose another folder with --out, or --overwrite a key that belongs to no run"));
            }
        }
        let out = self.out.to_string_lossy();
        self.set.count(&set, &counted, &out, log_format)?;
        let [json, csv] = answers_of(&counted.key()).try_into().map_err(|_| Error::internal("other files"))?;
        let Some(folder) = folder else {
            return text_table::print(if self.format == Form::Csv { &csv.text } else { &json.text });
        };
        own_folder(&System, folder)?;
        // What `placebo assert` derives the rows from again.
        let recipe = Manifest::without_files("answers", FormatSettings::none(), &set, |_| (RowSum::default(), None));
        let recipe = Sidecar { name: recipe_name(set.this_part()), text: recipe.to_json() };
        for file in [csv, json, recipe] {
            let path = folder.join(&file.name);
            write_whole(&System, &path, &path, &file.text)?;
        }
        Ok(())
    }
}
