//! File formats: how rows become files, and files rows again.
//!
//! To add a format: a file (and a folder for its writer and reader) with a `static` [`Format`], and one line in
//! [`FORMATS`]. To add a setting of a format: a `static` [`Setting`] in the format's list; help texts, checks, manifests
//! and `--resume` follow from the list. Rules for writers: bytes depend on the rows alone, never on how they were cut
//! into batches; nothing reads the clock. Rules for readers: the schema is given, never guessed; a null and an empty text
//! stay apart; only files that the writer wrote are read; a file is hostile until it was read: nothing panics, and memory
//! is bounded by the batch and the longest row. No other file names a format's settings.

mod arrow;
mod csv;
mod json;
mod messages;
mod parquet;
pub mod read;
pub mod write;

use std::collections::BTreeMap;
use std::fs::File;

use arrow_schema::SchemaRef;

pub(crate) use parquet::row_group;

use crate::error::{Error, Result, did_you_mean};
use read::Source;
use write::Encoder;

/// Every format. A test holds that names are unique and that each file of this folder is listed.
pub static FORMATS: &[&Format] =
    &[&csv::CSV, &json::NDJSON, &json::JSON, &parquet::PARQUET, &arrow::ARROW, &messages::MESSAGES];

/// A file format: one entry in [`FORMATS`].
pub struct Format {
    /// Its name on the command line, which is the file extension too.
    pub name: &'static str,
    /// One line for `placebo list formats`.
    pub about: &'static str,
    /// Its media type, for `datapackage.json`.
    pub mediatype: &'static str,
    /// The settings that it offers.
    pub settings: &'static [&'static Setting],
    /// True if a cell may be bytes; where not, encrypted cells are text.
    pub binary: bool,
    /// The way in which rows are lines of text with delimiters; `None` for other formats.
    pub dialect: Option<fn(&Options) -> Dialect>,
    /// The way in which a row is a document with other rows inside of it; `None` where a file is a table.
    pub document: Option<Document>,
    /// Makes the encoder of one table.
    pub encoder: fn(&SchemaRef, &Options) -> Result<Box<dyn Encoder>>,
    /// Opens a file whose rows have this schema.
    reader: fn(File, &SchemaRef, &Options) -> Result<Box<dyn Source>>,
}

/// How rows are lines with cells between delimiters, for programs that read them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// The character between cells.
    pub delimiter: char,
    /// The end of a line: a line feed, or a carriage return and a line feed.
    pub line_end: &'static str,
    /// True if the first line has the names of the columns.
    pub header: bool,
    /// The text of a null.
    pub null: String,
}

/// The way in which rows are put inside of each other.
pub struct Document {
    /// The format that writes a row as one line, to which the members for other rows can be added.
    pub lines: &'static str,
    /// Lays out the text of a document, which has no blanks.
    pub layout: fn(&str) -> String,
}

/// A setting of a format, and a flag of its name on the command line.
#[derive(Debug)]
pub struct Setting {
    /// Its name, such as `compression`.
    pub name: &'static str,
    /// Its values, the default first; of a setting that takes any text, examples.
    pub values: &'static [&'static str],
    /// Other spellings of values, each with the value that it means.
    pub spellings: &'static [(&'static str, &'static str)],
    /// For a setting that takes any text: what is wrong with one, if something is.
    pub text: Option<fn(&str) -> Option<&'static str>>,
    /// One line for `--help`, in the words of a user who has not chosen a format yet.
    pub about: &'static str,
}

impl Setting {
    /// A setting with a closed list of values, to which a name, values and a line of help are added.
    pub(crate) const CHOICE: Self = Self { name: "", values: &[], spellings: &[], text: None, about: "" };

    /// The value where a user chooses none.
    #[must_use]
    pub fn default(&self) -> &'static str {
        self.values.first().copied().unwrap_or_default()
    }
}

/// The values that a user chose for settings of a format; [`Options::default`] chooses none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options(BTreeMap<&'static str, String>);

impl Options {
    /// The value of a setting: the chosen one, or the default.
    #[must_use]
    pub fn get(&self, setting: &Setting) -> &str {
        self.0.get(setting.name).map_or_else(|| setting.default(), String::as_str)
    }
}

impl Format {
    /// Reads a user's choices: names of settings, each with a value.
    ///
    /// ```
    /// let csv = placebo::format::find("csv")?;
    /// let options = csv.options([("csv-guard", "quote")])?;
    /// assert_eq!(csv.chosen(&options).next(), Some(("csv-guard", "quote")));
    /// assert!(csv.options([("compression", "zstd")]).is_err());
    /// # Ok::<(), placebo::error::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the format has no such setting, or the setting no such value; with what there is as a hint.
    pub fn options<'a>(&self, chosen: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Options> {
        let mut options = Options::default();
        for (name, value) in chosen {
            let setting = self.setting(name);
            if let Some((setting, wrong)) = setting.and_then(|setting| Some((setting, setting.text?))) {
                if let Some(wrong) = wrong(value) {
                    return Err(Error::usage(format!("`--{name} {}`: {wrong}", value.escape_debug())));
                }
                options.0.insert(setting.name, value.to_owned());
                continue;
            }
            let known = setting.map_or(&[][..], |setting| setting.values);
            let spelled = setting.and_then(|setting| setting.spellings.iter().find(|(spelling, _)| *spelling == value));
            let meant = spelled.map_or(value, |(_, meant)| *meant);
            let Some((setting, value)) = setting.zip(known.iter().find(|known| **known == meant)) else {
                let others = FORMATS.iter().filter(|format| format.setting(name).is_some());
                let others: Vec<String> = others.map(|format| format!("`{}`", format.name)).collect();
                let hint = did_you_mean(value, known.iter().copied()).filter(|_| !known.is_empty());
                let elsewhere = (setting.is_none() && !others.is_empty()).then(|| format!("{} has", others.join(", ")));
                return Err(Error::usage(format!("the format `{}` has no {name} `{value}`", self.name))
                    .maybe_hint(hint.or(elsewhere)));
            };
            options.0.insert(setting.name, (*value).to_owned());
        }
        Ok(options)
    }

    /// Every setting of the format with its value, in the order of the list.
    pub fn chosen<'a>(&self, options: &'a Options) -> impl Iterator<Item = (&'static str, &'a str)> {
        self.settings.iter().map(|setting| (setting.name, options.get(setting)))
    }

    /// The extension of the file of a table: the format's name, or that of the messages in it.
    #[must_use]
    pub fn extension(&self, schema: &SchemaRef, options: &Options) -> &'static str {
        let of_messages = || messages::extension(schema, options);
        if self.takes_messages_alone() { of_messages().unwrap_or(self.name) } else { self.name }
    }

    /// Tells whether the format takes messages alone, each of them a row.
    #[must_use]
    pub fn takes_messages_alone(&self) -> bool {
        self.name == messages::MESSAGES.name
    }

    fn setting(&self, name: &str) -> Option<&'static Setting> {
        self.settings.iter().copied().find(|setting| setting.name == name)
    }
}

/// Every format that takes tables.
pub fn of_tables() -> impl Iterator<Item = &'static Format> {
    FORMATS.iter().copied().filter(|format| !format.takes_messages_alone())
}

/// Every extension that a file of a table can have.
pub fn extensions() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|format| format.name).chain(messages::extensions())
}

/// The format called `name`.
///
/// # Errors
///
/// If there is none, with the nearest name as a hint.
pub fn find(name: &str) -> Result<&'static Format> {
    FORMATS.iter().find(|format| format.name == name).copied().ok_or_else(|| {
        Error::usage(format!("unknown format `{name}`")).maybe_hint(did_you_mean(name, FORMATS.iter().map(|f| f.name)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_have_a_default_and_one_meaning() {
        let all: Vec<&Setting> = FORMATS.iter().flat_map(|format| format.settings).copied().collect();
        assert!(all.len() > 1, "the test looks at nothing");
        for setting in &all {
            assert!(setting.values.len() > 1 && !setting.about.is_empty(), "{}", setting.name);
            assert!(all.iter().all(|other| other.name != setting.name || other.about == setting.about));
        }
    }
}
