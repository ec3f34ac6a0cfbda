//! Reads a profile with its modules, and remembers where each key stands for messages.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

use super::Profile;
use super::files::{COMMON, Files, find, modules};
use super::join::{join, merge};
use crate::digest::hex;
use crate::error::{Error, Kind, Place, Result, did_you_mean};

/// The largest profile or module file, in bytes.
const MAX_PROFILE: usize = 1 << 20;

/// The most modules of a profile.
const MAX_MODULES: usize = 100;

/// One file of a profile. Where its keys are is found by parsing it again, only when a message needs it.
struct Source {
    file: String,
    text: Arc<str>,
    files: Files,
    tables: Vec<String>,
}

/// A profile with its modules merged in.
pub struct Loaded {
    /// What they say together.
    pub profile: Profile,
    /// SHA-256 over the texts of all files, in order of inclusion.
    pub digest: String,
    sources: Vec<Source>,
}

impl Loaded {
    /// Where the longest known part of a dotted path stands; the profile's own file comes before its modules.
    #[must_use]
    pub fn place(&self, path: &str) -> Option<Place> {
        let mut best: Option<(usize, Place)> = None;
        for source in &self.sources {
            let (depth, span) = source.locate(path);
            if depth > best.as_ref().map_or(0, |(depth, _)| *depth) {
                best = Some((depth, Place { file: source.file.clone(), text: Arc::clone(&source.text), span }));
            }
        }
        best.map(|(_, place)| place)
    }

    /// Deserializes the value at a path again, this time with positions, to learn what is wrong with it.
    #[must_use]
    pub fn explain<T: for<'de> serde::Deserialize<'de>>(&self, path: &[&str]) -> Option<Error> {
        self.sources.iter().find_map(|source| {
            let value = source.value(path)?;
            let error = T::deserialize(serde::de::IntoDeserializer::into_deserializer(value)).err()?;
            Some(source.error(&error).within(&path.join(".")))
        })
    }

    /// The folder of the file that says most about a table: data files are looked up there.
    #[must_use]
    pub fn files_of(&self, table: &str) -> Vec<&Files> {
        let mut all: Vec<&Files> =
            self.sources.iter().filter(|s| s.tables.iter().any(|t| t == table)).map(|s| &s.files).collect();
        all.extend(self.sources.iter().map(|source| &source.files));
        all
    }
}

impl Source {
    fn parse(file: String, files: Files, bytes: Vec<u8>) -> Result<(Self, Profile)> {
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
        let profile: Profile = toml::from_str(&text)
            .map_err(|error| Error::new(Kind::Profile, error.message()).at(place(error.span())))?;
        let tables = profile.tables.keys().cloned().collect();
        Ok((Self { file, text, files, tables }, profile))
    }

    /// Where the longest known part of a path stands.
    fn place(&self, path: &str) -> Place {
        Place { file: self.file.clone(), text: Arc::clone(&self.text), span: self.locate(path).1 }
    }

    /// How many segments of the path are known here, and the span of the last one's key.
    fn locate(&self, path: &str) -> (usize, std::ops::Range<usize>) {
        let tree = DeTable::parse(&self.text).map(toml::Spanned::into_inner).unwrap_or_default();
        let (mut table, mut depth, mut span) = (Some(&tree), 0, 0..0);
        for segment in path.split('.') {
            let Some((key, value)) = table.and_then(|t| t.iter().find(|(key, _)| key.get_ref().as_ref() == segment))
            else {
                break;
            };
            depth += 1;
            span = key.span();
            table = value.get_ref().as_table();
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
        Error::new(Kind::Profile, error.message()).at(span.map(|span| Place {
            file: self.file.clone(),
            text: Arc::clone(&self.text),
            span,
        }))
    }
}

/// Loads an embedded profile by name, or one on disk by its path (a `.toml` file, or a folder with `profile.toml`).
/// Several, separated by commas, become one: each module is in it once, and no two profiles may say the same thing.
pub fn load(names: &str) -> Result<Loaded> {
    let mut own = Vec::new();
    for name in names.split(',') {
        let (files, file) = find(name)?;
        let bytes = files.named(&file)?;
        own.push(Source::parse(files.show(&file), files, bytes)?);
    }
    let mut own = own.into_iter();
    let (first, mut profile) = own.next().ok_or_else(|| Error::usage("no profile is named"))?;
    let mut sources = vec![first];
    for (source, other) in own {
        sources.push(source);
        join(&mut profile, other).map_err(|error| {
            let place = sources.last().map(|source| source.place(error.path()));
            error.at(place)
        })?;
    }
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
        let (source, included) = load_module(&module, &sources[..own])?;
        waiting.extend(included.include.iter().cloned());
        merge(&mut profile, included);
        sources.push(source);
        seen.push(module);
    }
    let mut hash = Sha256::new();
    for source in &sources {
        hash.update((source.text.len() as u64).to_le_bytes());
        hash.update(source.text.as_bytes());
    }
    let digest = hex(&hash.finalize());
    Ok(Loaded { profile, digest, sources })
}

/// Reads a module from the folder of one of the profiles, or an embedded one.
fn load_module(module: &str, profiles: &[Source]) -> Result<(Source, Profile)> {
    let file = format!("{module}.toml");
    let missing = |error: Error| {
        let place = profiles.iter().find(|source| source.text.contains(module)).map(|source| source.place("include"));
        error.within("include").at(place)
    };
    for files in profiles.iter().map(|source| source.files.clone()).chain([Files::Embedded(COMMON)]) {
        if let Some(bytes) = files.read(&file).map_err(missing)? {
            return Source::parse(files.show(&file), files, bytes);
        }
    }
    Err(missing(
        Error::profile("include", format!("unknown module `{module}`")).maybe_hint(did_you_mean(module, modules())),
    ))
}
