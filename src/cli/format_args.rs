//! `--format`, and a flag for each setting that some format has: made from the registry of formats.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::error::Result;
use crate::format::{self, FORMATS, Format, Options, Setting};

/// The format and the settings that a user chose.
pub(super) struct FormatArgs {
    format: String,
    chosen: Vec<(&'static str, String)>,
}

impl FormatArgs {
    /// The format, and its settings as it takes them.
    ///
    /// # Errors
    ///
    /// If there is no such format, or it has no such setting or value.
    pub(super) fn read(&self) -> Result<(&'static Format, Options)> {
        let format = format::find(&self.format)?;
        let chosen = self.chosen.iter().map(|(name, value)| (*name, value.as_str()));
        Ok((format, format.options(chosen)?))
    }
}

/// The settings of a format with their values, such as `compression: snappy, zstd, none`.
pub(super) fn settings(format: &Format) -> String {
    let all = format.settings.iter().map(|setting| format!("{}: {}", setting.name, setting.values.join(", ")));
    all.collect::<Vec<_>>().join("; ")
}

/// Every setting once, in the order of the formats.
fn all() -> Vec<&'static Setting> {
    let mut all: Vec<&Setting> = Vec::new();
    for setting in FORMATS.iter().flat_map(|format| format.settings) {
        if !all.iter().any(|known| known.name == setting.name) {
            all.push(setting);
        }
    }
    all
}

/// The help of a setting: what it is about, and the values that each format takes.
fn help(setting: &Setting) -> String {
    let takes = FORMATS.iter().filter_map(|format| {
        let own = format.settings.iter().find(|own| own.name == setting.name)?;
        Some(format!("{}: {}", format.name, own.values.join(", ")))
    });
    format!("{} [{}]", setting.about, takes.collect::<Vec<_>>().join("; "))
}

impl Args for FormatArgs {
    fn augment_args(command: Command) -> Command {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        let format = Arg::new("format").long("format").short('f').value_name("FORMAT").default_value(names[0]);
        let format = format.help(format!("The file format [{}]", names.join(", ")));
        let settings = all()
            .into_iter()
            .map(|setting| Arg::new(setting.name).long(setting.name).value_name("VALUE").help(help(setting)));
        command.arg(format).args(settings)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for FormatArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let text = |name: &str| matches.get_one::<String>(name).cloned();
        let chosen = all().into_iter().filter_map(|setting| Some((setting.name, text(setting.name)?)));
        Ok(Self { format: text("format").unwrap_or_default(), chosen: chosen.collect() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
