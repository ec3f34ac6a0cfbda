//! Loads a profile with its parts and modules, and finds the file and line of a key for messages.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

use super::drop::drop;
use super::faults_asked::{AskedFault, FaultFile, names as fault_names};
use super::files::{COMMON, Files, find, modules, names};
use super::inert::determining;
use super::join::{append, extend, join, merge};
use super::{Head, Part, Profile};
use crate::digest::hex;
use crate::error::{Error, Kind, Place, Result, did_you_mean};

/// The largest profile or module file, in bytes.
const MAX_PROFILE: usize = 1 << 20;

/// The most profiles of which each extends the next.
const MAX_EXTENSIONS: usize = 10;

/// The most modules of a profile, and the most parts of one.
const MAX_MODULES: usize = 100;

/// One file of a profile. The positions of its keys are found by parsing it again, only when a message needs them.
pub(super) struct Source {
    file: String,
    text: Arc<str>,
    files: Files,
    tables: Vec<String>,
    /// The parts of the profile that change no value of it.
    inert_parts: Vec<String>,
    /// `true` if nothing in the file changes a value.
    inert: bool,
    /// The table whose keys the file gives, for the head of a template.
    of: Option<String>,
}

/// A profile with its modules merged in.
pub struct Loaded {
    /// The merged profile.
    pub profile: Profile,
    /// SHA-256 over the texts of all files, in order of inclusion, without named fixtures.
    pub digest: String,
    /// The templates whose messages are among the tables, by name.
    pub messages: Vec<String>,
    /// The further condition on the rows that have a message.
    pub messages_only: Option<String>,
    /// `true` if the texts of messages are written alone.
    pub messages_bare: bool,
    /// The faults that the run makes, in the order of their names.
    pub faults: IndexMap<String, AskedFault>,
    sources: Vec<Source>,
}

impl Loaded {
    /// Finds the file and position of the longest known part of a dotted path, first in the profile's own files.
    #[must_use]
    pub fn place(&self, path: &str) -> Option<Place> {
        deepest(&self.sources, path)
    }

    /// The text of the number at a path, as it is written; `None` for other values.
    #[must_use]
    pub fn written(&self, path: &str) -> Option<String> {
        let path: Vec<&str> = path.split('.').collect();
        self.sources.iter().find_map(|source| {
            let value = source.value(&path)?;
            let number = matches!(value.get_ref(), DeValue::Integer(_) | DeValue::Float(_));
            source.text.get(value.span()).filter(|_| number).map(str::to_owned)
        })
    }

    /// Deserializes the value at a path again, with positions, to get the error that it causes; `None` if it has none.
    #[must_use]
    pub fn explain<T: for<'de> serde::Deserialize<'de>>(&self, path: &[&str]) -> Option<Error> {
        self.sources.iter().find_map(|source| {
            let value = source.value(path)?;
            let error = T::deserialize(serde::de::IntoDeserializer::into_deserializer(value)).err()?;
            Some(source.error(&error).within(&path.join(".")))
        })
    }

    /// Adds a file behind the others, in which keys are looked for too.
    pub(super) fn push(&mut self, source: Source) {
        self.sources.push(source);
    }

    /// Makes further texts part of the digest.
    pub(super) fn extend_digest<'t>(&mut self, texts: impl Iterator<Item = &'t str>) {
        let mut hash = Sha256::new();
        hash.update(self.digest.as_bytes());
        for text in texts {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        self.digest = hex(&hash.finalize());
    }

    /// The folders in which data files of a table are looked up: first those of the files that declare it, then all others.
    #[must_use]
    pub fn files_of(&self, table: &str) -> Vec<&Files> {
        let mut all: Vec<&Files> =
            self.sources.iter().filter(|s| s.tables.iter().any(|t| t == table)).map(|s| &s.files).collect();
        all.extend(self.sources.iter().map(|source| &source.files));
        all
    }
}

/// Finds the position of the longest known part of a dotted path; of equally long ones the first file's.
fn deepest(sources: &[Source], path: &str) -> Option<Place> {
    let mut best: Option<(usize, Place)> = None;
    for source in sources {
        let (depth, span) = source.locate(path);
        if depth > best.as_ref().map_or(0, |(depth, _)| *depth) {
            best = Some((depth, Place { file: source.file.clone(), text: Arc::clone(&source.text), span }));
        }
    }
    best.map(|(_, place)| place)
}

/// The message of a parser in words of the profile language instead of Rust's.
fn plain(error: &toml::de::Error) -> Error {
    let mut message = error.message().to_owned();
    for (rust, ours) in [
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected u32", "expected a whole number, 0 or more"),
        ("expected u16", "expected a whole number, 0 or more"),
        ("expected a map", "expected a table of keys"),
        ("wanted string or table", "expected a name, or a table with one key"),
        ("expected i64", "expected a whole number"),
        ("expected f64", "expected a number"),
        ("expected a borrowed string", "expected a text"),
        ("expected a string", "expected a text"),
        ("expected a sequence", "expected a list"),
        ("expected field with custom name", "expected an expression"),
    ] {
        message = message.replace(rust, ours);
    }
    if let Some(at) = message.find("expected struct ") {
        message.truncate(at);
        message += "expected a table of keys";
    }
    let twice = message.contains("duplicate key");
    let error = Error::new(Kind::Profile, message);
    if twice {
        error.hint("TOML has each header and key once: put the lines below the one that is there")
    } else {
        error
    }
}

/// A TOML file that is no profile, read as strictly as one: at most 1 MiB, without unknown keys, with places for messages.
pub struct OwnFile(Source);

impl OwnFile {
    /// Reads a file that the user named, which may be a link or a pipe.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is too large, or is not TOML of this form: the error has the line.
    pub fn read<T: DeserializeOwned>(path: &std::path::Path) -> Result<(Self, T)> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let files = Files::Folder(folder.unwrap_or(std::path::Path::new(".")).to_owned());
        let bytes = files.named(&name)?;
        let (source, read) = Source::parse::<T>(files.show(&name), files, bytes)?;
        Ok((Self(source), read))
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// An error with the place of its path in the file.
    #[must_use]
    pub fn place(&self, error: Error) -> Error {
        let place = self.0.place(error.path());
        if error.path().is_empty() { error } else { error.at(Some(place)) }
    }
}

/// Tells whether a text can be the name of a profile.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 63
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl Source {
    /// Reads a profile or a module.
    fn profile(file: String, files: Files, bytes: Vec<u8>) -> Result<(Self, Profile)> {
        let (mut source, profile) = Self::parse::<Profile>(file, files, bytes)?;
        source.tables = profile.tables.keys().cloned().collect();
        if !is_name(&profile.name) {
            return Err(Error::profile(
                "name",
                format!("`{}` is not a name for a profile", profile.name.escape_debug()),
            )
            .hint("lower-case letters, digits and `_`, at most 63, starting with a letter")
            .at(Some(source.place("name"))));
        }
        Ok((source, profile))
    }

    /// Reads one of a profile's further files.
    fn part(file: String, files: Files, bytes: Vec<u8>) -> Result<(Self, Part)> {
        let (mut source, part) = Self::parse::<Part>(file, files, bytes)?;
        source.tables = part.tables.keys().cloned().collect();
        source.inert = part.tables.is_empty()
            && part.params.is_empty()
            && !(part.fixtures.is_empty() && part.decisions.is_empty() && part.trails.is_empty());
        Ok((source, part))
    }

    /// Reads a file of faults.
    pub(super) fn faults(file: String, files: Files, bytes: Vec<u8>) -> Result<(Self, FaultFile)> {
        Self::parse(file, files, bytes)
    }

    /// Reads the head of a template: a text whose first line is a mark, and no part of it.
    pub(super) fn head(file: String, text: &str, files: Files) -> Result<(Self, Head)> {
        let text = format!("#{}", text.get(1..).unwrap_or_default());
        Self::parse(file, files, text.into_bytes())
    }

    /// Says of which table the file gives the keys.
    pub(super) fn of(mut self, table: &str) -> Self {
        self.of = Some(table.to_owned());
        self
    }

    fn parse<T: DeserializeOwned>(file: String, files: Files, bytes: Vec<u8>) -> Result<(Self, T)> {
        if bytes.len() > MAX_PROFILE {
            return Err(Error::new(Kind::Profile, format!("`{file}` has {} bytes, more than 1 MiB", bytes.len()))
                .hint("long lists belong into data files"));
        }
        let text: Arc<str> = String::from_utf8(bytes)
            .map_err(|error| Error::new(Kind::Profile, format!("`{file}` is not UTF-8: {}", error.utf8_error())))?
            .into();
        let place = |span: Option<std::ops::Range<usize>>| {
            span.map(|span| Place { file: file.clone(), text: Arc::clone(&text), span })
        };
        let parsed: T = toml::from_str(&text).map_err(|error| plain(&error).at(place(error.span())))?;
        let source = Self { file, text, files, tables: Vec::new(), inert_parts: Vec::new(), inert: false, of: None };
        Ok((source, parsed))
    }

    /// The text from which values follow.
    fn determining(&self) -> String {
        determining(&self.text, &self.inert_parts)
    }

    /// Finds the position of the longest known part of a path.
    pub(super) fn place(&self, path: &str) -> Place {
        Place { file: self.file.clone(), text: Arc::clone(&self.text), span: self.locate(path).1 }
    }

    /// Counts the segments of the path that this file has, and gives the span of the last one's key.
    fn locate(&self, path: &str) -> (usize, std::ops::Range<usize>) {
        let tree = DeTable::parse(&self.text).map(toml::Spanned::into_inner).unwrap_or_default();
        let (mut depth, mut span) = (0, 0..0);
        let own = self.of.as_ref().map(|table| format!("tables.{table}."));
        let path = match &own {
            Some(own) => path.strip_prefix(own.as_str()).unwrap_or_default(),
            None => path,
        };
        let mut segments = path.split('.').peekable();
        let mut table = Some(&tree);
        while let (Some(known), Some(segment)) = (table, segments.next()) {
            let Some((key, value)) = known.iter().find(|(key, _)| key.get_ref().as_ref() == segment) else { break };
            depth += 1;
            span = key.span();
            table = value.get_ref().as_table();
            // The keys of a head are those of a table, which is two names further in.
            depth += if own.is_some() && depth == 1 { 2 } else { 0 };
            // An entry of a list is named by its place, from 1.
            let entry = segments.peek().and_then(|segment| segment.parse::<usize>().ok()?.checked_sub(1));
            if let (Some(list), Some(entry)) = (value.get_ref().as_array(), entry)
                && let Some(value) = list.get(entry)
            {
                segments.next();
                depth += 1;
                span = value.span();
                table = value.get_ref().as_table();
            }
        }
        (depth, span)
    }

    fn value(&self, path: &[&str]) -> Option<toml::Spanned<DeValue<'_>>> {
        let (last, parents) = path.split_last()?;
        let mut table = DeTable::parse(&self.text).ok()?.into_inner();
        for segment in parents {
            match table.remove(*segment)?.into_inner() {
                DeValue::Table(inner) => table = inner,
                _ => return None,
            }
        }
        table.remove(*last)
    }

    fn error(&self, error: &toml::de::Error) -> Error {
        let span = error.span();
        plain(error).at(span.map(|span| Place { file: self.file.clone(), text: Arc::clone(&self.text), span }))
    }
}

/// Loads an embedded profile by name, or one on disk by its path (a `.toml` file, or a folder with `profile.toml`).
/// Several, separated by commas, become one: each module is in it once, and no two profiles may give the same key.
///
/// # Errors
///
/// If a file cannot be read, is not a valid profile, part or module, or if two profiles or parts give the same key. The
/// error has the file and line.
pub fn load(names: &str) -> Result<Loaded> {
    load_all(names.split(',').map(|name| {
        let (files, file) = find(name)?;
        let bytes = files.named(&file)?;
        Ok((files, file, bytes))
    }))
}

/// Loads a profile from its text, which may include the modules that are inside the program; `file` is its name in messages.
///
/// # Errors
///
/// As [`load`].
pub fn load_text(file: &str, text: String) -> Result<Loaded> {
    load_all([Ok((Files::Embedded(COMMON), file.to_owned(), text.into_bytes()))].into_iter())
}

/// Loads profiles from their folders, names and bytes.
fn load_all(all: impl Iterator<Item = Result<(Files, String, Vec<u8>)>>) -> Result<Loaded> {
    let (mut sources, mut joined): (Vec<Source>, Option<Profile>) = (Vec::new(), None);
    let mut drops: Vec<String> = Vec::new();
    for one in all {
        let (files, file, bytes) = one?;
        let (mut own, whole) = load_whole(&files, &file, bytes, MAX_EXTENSIONS)?;
        drops.extend(whole.drop.iter().cloned());
        match &mut joined {
            None => joined = Some(whole),
            Some(profile) => join(profile, whole).map_err(|error| {
                let place = deepest(&own, error.path());
                error.at(place)
            })?,
        }
        sources.append(&mut own);
    }
    let mut profile = joined.ok_or_else(|| Error::usage("no profile is named"))?;
    let mut seen: Vec<String> = Vec::new();
    let mut waiting: Vec<String> = profile.include.clone();
    let own = sources.len();
    while !waiting.is_empty() {
        let module = waiting.remove(0);
        if seen.contains(&module) {
            continue;
        }
        if seen.len() == MAX_MODULES {
            return Err(Error::profile("include", format!("more than {MAX_MODULES} modules are included")));
        }
        let (mut read, included) = load_module(&module, &sources[..own])?;
        waiting.extend(included.include.iter().cloned());
        merge(&mut profile, included);
        sources.append(&mut read);
        seen.push(module);
    }
    drop(&mut profile, &drops).map_err(|error| {
        let place = deepest(&sources, error.path());
        error.at(place)
    })?;
    let mut hash = Sha256::new();
    for text in sources.iter().filter(|source| !source.inert).map(Source::determining) {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    let digest = hex(&hash.finalize());
    fault_names(&profile).map_err(|error| {
        let place = deepest(&sources, error.path());
        error.at(place)
    })?;
    let (messages, messages_only, faults) = (Vec::new(), None, IndexMap::new());
    Ok(Loaded { profile, digest, messages, messages_only, messages_bare: false, faults, sources })
}

/// Reads a profile or a module with the further files that its `parts` lists, and with the profile that it extends, which may extend
/// another: at most `extensions` of them.
fn load_whole(files: &Files, file: &str, bytes: Vec<u8>, extensions: usize) -> Result<(Vec<Source>, Profile)> {
    let (source, mut profile) = Source::profile(files.show(file), files.clone(), bytes)?;
    let mut sources = vec![source];
    let parts = std::mem::take(&mut profile.parts);
    let wrong = |message: String| Error::profile("parts", message).at(Some(sources[0].place("parts")));
    if parts.len() > MAX_MODULES {
        return Err(wrong(format!("{} parts are more than {MAX_MODULES}, the most", parts.len())));
    }
    if let Some((_, part)) = parts.iter().enumerate().find(|(n, part)| parts[..*n].contains(part)) {
        return Err(wrong(format!("`{part}` is listed twice")));
    }
    let mut read = Vec::new();
    for part in &parts {
        let file = format!("{part}.toml");
        let bytes = files.read(&file).map_err(|error| error.within("parts").at(Some(sources[0].place("parts"))))?;
        let bytes = bytes.ok_or_else(|| {
            wrong(format!("no file `{}`", files.show(&file))).hint("a part is a file `NAME.toml` beside the profile")
        })?;
        read.push(Source::part(files.show(&file), files.clone(), bytes)?);
    }
    for ((source, part), name) in read.into_iter().zip(parts) {
        if source.inert {
            sources[0].inert_parts.push(name);
        }
        append(&mut profile, part).map_err(|error| {
            let place = source.place(error.path());
            error.at(Some(place))
        })?;
        sources.push(source);
    }
    match profile.extends.take() {
        Some(base) => {
            let wrong = |error: Error| error.within("extends").at(Some(sources[0].place("extends")));
            let (mut below, theirs) = extended(&base, files, file, extensions).map_err(wrong)?;
            sources.append(&mut below);
            extend(&mut profile, theirs);
        }
        None if !profile.drop.is_empty() => {
            return Err(Error::profile("drop", "there is nothing to leave out")
                .hint("extends = \"healthcare\" says which profile this one builds on")
                .at(Some(sources[0].place("drop"))));
        }
        None => {}
    }
    Ok((sources, profile))
}

/// Reads the profile that another one extends: one inside the program, or a file beside that one.
fn extended(base: &str, files: &Files, own: &str, left: usize) -> Result<(Vec<Source>, Profile)> {
    let left = left.checked_sub(1).ok_or_else(|| {
        Error::profile("", format!("more than {MAX_EXTENSIONS} profiles extend each other, maybe in a circle"))
    })?;
    let beside = format!("{base}.toml");
    if is_name(base)
        && beside != own
        && let Some(bytes) = files.read(&beside)?
    {
        return load_whole(files, &beside, bytes, left);
    }
    if !names().contains(&base) {
        let hint = format!("`{base}` is neither inside the program nor a file `{base}.toml` beside this one");
        return Err(Error::profile("", format!("unknown profile `{}`", base.escape_debug()))
            .hint(hint)
            .maybe_hint(did_you_mean(base, names())));
    }
    let (files, file) = find(base)?;
    let bytes = files.named(&file)?;
    load_whole(&files, &file, bytes, left)
}

/// Reads a module from the folder of one of the profiles, or an embedded one.
fn load_module(module: &str, profiles: &[Source]) -> Result<(Vec<Source>, Profile)> {
    let file = format!("{module}.toml");
    let missing = |error: Error| {
        let place = profiles.iter().find(|source| source.text.contains(module)).map(|source| source.place("include"));
        error.within("include").at(place)
    };
    for files in profiles.iter().map(|source| source.files.clone()).chain([Files::Embedded(COMMON)]) {
        if let Some(bytes) = files.read(&file).map_err(missing)? {
            return load_whole(&files, &file, bytes, 0);
        }
    }
    Err(missing(
        Error::profile("include", format!("unknown module `{module}`")).maybe_hint(did_you_mean(module, modules())),
    ))
}
