//! Messages: a template's head, and the table that it adds to a profile.
//!
//! A template is a file of `templates/DOMAIN/`, or one of the user's. Its head, TOML between two lines `+++`, names the table whose rows
//! have a message each. So a message is a child table of that table: it has the keys of its row, and the text in the column `message`.

use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::files::{Files, templates};
use super::load::{Source, is_name};
use super::{Column, ColumnKeys, Definition, Expr, Loaded, Param, Profile, Scalar, Table, Value};
use crate::error::{Error, Kind, Result, did_you_mean};

/// The column that has the text of a message.
pub const TEXT: &str = "message";
/// The line before and after a head.
const MARK: &str = "+++\n";
/// The ending of a template's name.
const ENDING: &str = ".j2";
/// The most files that a template includes.
const MAX_INCLUDED: usize = 100;

/// The head of a template.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// A message in one line.
    pub about: String,
    /// The standard that it follows, with its version.
    #[serde(default)]
    pub standard: String,
    /// The table whose rows have a message each.
    pub row: String,
    /// A condition over the columns of that table: rows for which it is not true have no message.
    #[serde(default)]
    pub when: Option<Expr>,
    /// The form of the text: `placebo list syntaxes` shows them.
    pub syntax: String,
    /// The sensitivity of a message: `phi`, `pci`, `pii`, …: that of the most sensitive value in it.
    pub class: String,
    /// Parameters that the profile gets with this template. Templates may share one, with the same value.
    #[serde(default)]
    pub params: IndexMap<String, Param>,
}

/// The messages that a run makes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Messages<'a> {
    /// The templates: embedded ones by name, others by path.
    pub templates: &'a [String],
    /// A further condition on the rows that have a message, in SQL over the columns of each template's table.
    pub only: Option<&'a str>,
    /// `true` for the texts alone, without the keys of their rows.
    pub bare: bool,
}

/// A template with the files that it includes.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The name: that of the message's table.
    pub name: String,
    /// The domain of an embedded one, such as the name of a profile; empty for a user's.
    pub domain: String,
    /// The head.
    pub head: Head,
    /// The file's name, for messages.
    pub file: String,
    /// The complete text.
    pub text: Arc<str>,
    /// The start of the body in the text.
    pub body: usize,
    /// The included files by name: the name for messages, and the text.
    pub included: IndexMap<String, (String, Arc<str>)>,
}

impl Message {
    /// Reads a template: an embedded one by its name, another by its path, which ends in `.j2`.
    ///
    /// # Errors
    ///
    /// If there is none, a file cannot be read, or the head is missing or wrong: with the place in the file.
    pub fn load(name: &str) -> Result<Self> {
        if Self::is_path(name) {
            let path = std::path::Path::new(name);
            let file = path.file_name().map_or_else(String::new, |file| file.to_string_lossy().into_owned());
            let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let files = Files::Folder(folder.unwrap_or(std::path::Path::new(".")).to_owned());
            let bytes = files.named(&file)?;
            return Self::read(&files, &file, "", bytes);
        }
        let known = templates();
        match known.iter().find(|known| stem(known.1) == name) {
            Some((files, file, domain)) => {
                let bytes = files.named(file)?;
                Self::read(files, file, domain, bytes)
            }
            None => Err(Error::usage(format!("unknown template `{name}`"))
                .hint("a template of your own is given by its path: ./mine.hl7.j2")
                .maybe_hint(did_you_mean(name, known.iter().map(|known| stem(known.1))))),
        }
    }

    /// Reads all embedded templates, by domain and name.
    ///
    /// # Errors
    ///
    /// If one of them is wrong.
    pub fn all() -> Result<Vec<Self>> {
        templates().iter().map(|(files, file, domain)| Self::read(files, file, domain, files.named(file)?)).collect()
    }

    /// Tells whether a word is the path of a template, and not the name of an embedded one.
    #[must_use]
    pub fn is_path(word: &str) -> bool {
        word.strip_suffix(ENDING).is_some() || word.contains(['/', '\\'])
    }

    /// The name of the template in a file: that of the file, up to the first point.
    #[must_use]
    pub fn name_of(path: &str) -> &str {
        stem(path.rsplit(['/', '\\']).next().unwrap_or(path))
    }

    fn read(files: &Files, file: &str, domain: &str, bytes: Vec<u8>) -> Result<Self> {
        let shown = files.show(file);
        let text = utf8(&shown, bytes)?;
        let wrong = || {
            Error::new(Kind::Profile, format!("`{shown}` has no head")).hint(
                "a template begins with a line `+++`, keys such as row = \"customer\" in TOML, and a second line `+++`",
            )
        };
        let rest = text.strip_prefix(MARK).ok_or_else(wrong)?;
        let end = rest.find(&format!("\n{MARK}")).ok_or_else(wrong)? + MARK.len() + 1;
        let head = Source::head(shown.clone(), &text[..end], files.clone())?.1;
        let body = end + MARK.len();
        let mut included = IndexMap::new();
        let mut waiting = includes(&text[body..]);
        while let Some(name) = waiting.pop() {
            if included.contains_key(&name) {
                continue;
            }
            let Some(bytes) = files.read(&name)? else { continue };
            if included.len() == MAX_INCLUDED {
                return Err(Error::new(Kind::Profile, format!("`{shown}` includes more than {MAX_INCLUDED} files")));
            }
            let text = utf8(&files.show(&name), bytes)?;
            waiting.extend(includes(&text));
            included.insert(name.clone(), (files.show(&name), text));
        }
        included.sort_unstable_keys();
        let name = stem(file).to_owned();
        if !is_name(&name) {
            return Err(Error::usage(format!("`{}` is not a name for a template", name.escape_debug())).hint(
                "its file's name up to the first point: lower-case letters, digits and `_`, starting with a letter",
            ));
        }
        Ok(Self { name, domain: domain.to_owned(), head, file: shown, text, body, included })
    }

    /// The source of the head, in which keys of the message's table are found.
    pub(super) fn source(&self) -> Result<Source> {
        let files = Files::Embedded("");
        Ok(Source::head(self.file.clone(), &self.text[..self.body - MARK.len()], files)?.0.of(&self.name))
    }

    /// The table that the message is.
    fn table(&self, profile: &Profile, messages: &Messages<'_>) -> Result<Table> {
        let Some(row) = profile.tables.get(&self.head.row) else {
            let names = profile.tables.keys().map(String::as_str);
            let what = format!("the profile `{}` has no table `{}`", profile.name, self.head.row);
            let elsewhere = format!("`{}` is a template of the profile `{}`", self.name, self.domain);
            return Err(Error::profile(format!("tables.{}.row", self.name), what)
                .maybe_hint(did_you_mean(&self.head.row, names))
                .maybe_hint((!self.domain.is_empty()).then_some(elsewhere)));
        };
        let mut table = Table {
            about: self.head.about.clone(),
            of: Some(self.head.row.clone()),
            // Its mistakes are told apart from those of the head by their path.
            count: Some(Value::Expr(Expr(match messages.only {
                Some(only) => format!("CASE WHEN ({only}) THEN 1 ELSE 0 END"),
                None => "1".to_owned(),
            }))),
            when: self.head.when.clone(),
            ..Table::default()
        };
        for (name, column) in row.columns.iter().filter(|(_, column)| column.rest.key && !messages.bare) {
            let ColumnKeys { pii, class, hipaa, handling, domain, .. } = column.rest.clone();
            let rest = ColumnKeys { key: true, pii, class, hipaa, handling, domain, ..ColumnKeys::default() };
            let expr = Expr(format!("{}.{name}", self.head.row));
            table.columns.insert(name.clone(), Column { definition: Definition::Expr(expr), rest });
            for (class, columns) in &row.classes {
                if columns.contains(name) {
                    table.classes.entry(class.clone()).or_default().push(name.clone());
                }
            }
        }
        if table.columns.contains_key(TEXT) {
            let message = format!("the key `{TEXT}` of `{}` has the name of the column of messages", self.head.row);
            return Err(Error::profile(format!("tables.{}.row", self.name), message));
        }
        let rest = ColumnKeys {
            pii: Some("narrative".to_owned()),
            class: Some(self.head.class.clone()),
            about: format!("The message: {}", if self.head.standard.is_empty() { "text" } else { &self.head.standard }),
            ..ColumnKeys::default()
        };
        table
            .columns
            .insert(TEXT.to_owned(), Column { definition: Definition::Template(Arc::new(self.clone())), rest });
        Ok(table)
    }
}

impl Loaded {
    /// Adds messages to the profile, as tables behind its own; their templates become part of its digest.
    ///
    /// # Errors
    ///
    /// If a template does not exist or is wrong, its table is not one of the profile, or a name is taken.
    pub fn with_messages(mut self, messages: &Messages<'_>) -> Result<Self> {
        (self.messages_only, self.messages_bare) = (messages.only.map(str::to_owned), messages.bare);
        for name in messages.templates {
            let message = Message::load(name)?;
            let source = message.source()?;
            let added = self.add(&message, messages).map_err(|error| {
                let place = source.place(error.path());
                error.at(Some(place))
            });
            added?;
            let included = message.included.iter().flat_map(|(name, (_, text))| [name.as_str(), text]);
            let choice = [messages.only.unwrap_or_default(), if messages.bare { "bare" } else { "keyed" }];
            self.extend_digest(included.chain([message.name.as_str(), &message.text]).chain(choice));
            self.messages.push(message.name);
            self.push(source);
        }
        Ok(self)
    }

    fn add(&mut self, message: &Message, messages: &Messages<'_>) -> Result<()> {
        let table = message.table(&self.profile, messages)?;
        let name = &message.name;
        if self.profile.tables.contains_key(name) {
            return Err(Error::usage(format!("the profile `{}` has a table `{name}` already", self.profile.name))
                .hint("a template's file gives the name of its table: rename the file"));
        }
        for (key, param) in &message.head.params {
            let known = self.profile.params.entry(key.clone()).or_insert_with(|| param.clone());
            if known.value != param.value {
                let show = |value: &Scalar| value.to_string();
                let message = format!("`{key}` is {} here, and {} before", show(&param.value), show(&known.value));
                return Err(Error::profile(format!("tables.{name}.params.{key}"), message)
                    .hint("parameters that templates share have one value"));
            }
        }
        self.profile.tables.insert(name.clone(), table);
        Ok(())
    }
}

/// The name of a template: that of its file, up to the first point.
fn stem(file: &str) -> &str {
    file.split('.').next().unwrap_or(file)
}

fn utf8(file: &str, bytes: Vec<u8>) -> Result<Arc<str>> {
    const MOST: usize = 1 << 20;
    if bytes.len() > MOST {
        return Err(Error::new(Kind::Profile, format!("`{file}` has {} bytes, more than 1 MiB", bytes.len())));
    }
    let text = String::from_utf8(bytes)
        .map_err(|error| Error::new(Kind::Profile, format!("`{file}` is not UTF-8: {}", error.utf8_error())))?;
    Ok(text.replace("\r\n", "\n").into())
}

/// The names of the files that a text includes.
fn includes(text: &str) -> Vec<String> {
    let tags =
        text.split("{%").skip(1).filter_map(|tag| tag.trim_start_matches('-').trim_start().strip_prefix("include"));
    tags.filter_map(|rest| Some(rest.trim_start().strip_prefix('"')?.split_once('"')?.0.to_owned())).collect()
}
