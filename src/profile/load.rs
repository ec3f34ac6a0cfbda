//! Reads a profile with its modules, and remembers where each key stands for messages.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use toml::de::{DeTable, DeValue};

use super::{Profile, Table};
use crate::digest::hex;
use crate::error::{Error, Kind, Place, Result, did_you_mean};

/// The profiles and modules that travel inside the binary.
static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/profiles");

/// Modules that any profile may include live in this folder of the embedded ones.
const COMMON: &str = "common";

/// The largest profile or module file, in bytes.
const MAX_PROFILE: usize = 1 << 20;

/// The most that is read of any file, in bytes: as much as a data file may have.
const MAX_FILE: u64 = 64 << 20;

/// The most modules of a profile.
const MAX_MODULES: usize = 100;

/// The names of the embedded profiles, sorted.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = EMBEDDED
        .dirs()
        .filter(|dir| dir.get_file(dir.path().join("profile.toml")).is_some())
        .filter_map(|dir| dir.path().to_str())
        .collect();
    names.sort_unstable();
    names
}

/// Where a profile's files are: inside the binary, or in a folder.
#[derive(Debug, Clone)]
pub enum Files {
    /// A folder of the embedded profiles.
    Embedded(&'static str),
    /// A folder on disk.
    Folder(PathBuf),
}

impl Files {
    /// Reads the profile itself, which may be a link or a pipe: the user named it.
    fn named(&self, name: &str) -> Result<Vec<u8>> {
        match self {
            Files::Folder(folder) => read(&folder.join(name)).map_err(|error| Error::io(folder.join(name), error)),
            embedded @ Files::Embedded(_) => {
                embedded.read(name)?.ok_or_else(|| Error::new(Kind::Io, format!("`{}`: no such file", self.show(name))))
            }
        }
    }

    /// Reads a file of the folder; `name` is a plain file name or `data/` and one, never a way out.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        if !writable(name.strip_prefix("data/").unwrap_or(name)) {
            return Err(Error::new(Kind::Profile, format!("`{name}` is not the name of a file"))
                .hint("letters, digits, `_`, `-` and `.` only; data files stand in the profile's `data` folder"));
        }
        match self {
            Files::Embedded(dir) => Ok(EMBEDDED.get_file(format!("{dir}/{name}")).map(|file| file.contents().to_vec())),
            Files::Folder(folder) => {
                let path = folder.join(name);
                match inside(folder, &path).and_then(|()| read(&path)) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
                        Err(Error::new(Kind::Profile, format!("`{}`: {error}", path.display()))
                            .hint("copy the file into the folder"))
                    }
                    read => read.map(Some).map_err(|error| Error::io(path, error)),
                }
            }
        }
    }

    /// The file's name in messages.
    #[must_use]
    pub fn show(&self, name: &str) -> String {
        match self {
            Files::Embedded(dir) => format!("{dir}/{name}"),
            Files::Folder(folder) => folder.join(name).display().to_string(),
        }
    }
}

/// Refuses a file that a link puts outside of a folder, and what is no file at all, such as a pipe that never ends.
fn inside(folder: &Path, path: &Path) -> std::io::Result<()> {
    let (folder, real) =
        (if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.canonicalize()?, path.canonicalize()?);
    let denied = |what| Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, what));
    if !real.starts_with(folder) {
        return denied("a symbolic link leads out of the profile's folder");
    }
    if real.is_file() { Ok(()) } else { denied("not a file") }
}

/// The bytes of a file, of a larger one as many as make it too large.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether a name is safe as the name of a file on every system: it cannot leave its folder.
#[must_use]
pub fn writable(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        && !name.starts_with(['.', '-'])
}

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
pub fn load(name: &str) -> Result<Loaded> {
    let (files, file) = find(name)?;
    let bytes = files.named(&file)?;
    let (source, mut profile) = Source::parse(files.show(&file), files.clone(), bytes)?;
    let mut sources = vec![source];
    let mut waiting: Vec<String> = profile.include.clone();
    let mut seen: Vec<String> = Vec::new();
    while !waiting.is_empty() {
        let module = waiting.remove(0);
        if seen.contains(&module) {
            continue;
        }
        if seen.len() == MAX_MODULES {
            return Err(Error::profile("include", format!("more than {MAX_MODULES} modules are included")));
        }
        let (source, included) = load_module(&files, &module, &sources)?;
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

fn find(name: &str) -> Result<(Files, String)> {
    let path = Path::new(name);
    if path.is_dir() {
        return Ok((Files::Folder(path.to_owned()), "profile.toml".to_owned()));
    }
    if path.extension().is_some_and(|extension| extension == "toml") || name.contains(['/', '\\']) {
        let file = path.file_name().map_or_else(String::new, |file| file.to_string_lossy().into_owned());
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return Ok((Files::Folder(folder.to_owned()), file));
    }
    match names().into_iter().find(|known| *known == name) {
        Some(known) => Ok((Files::Embedded(known), "profile.toml".to_owned())),
        None => Err(Error::usage(format!("unknown profile `{name}`"))
            .hint("a profile of your own is given by its path: ./mine/profile.toml")
            .maybe_hint(did_you_mean(name, names()))),
    }
}

fn load_module(own: &Files, module: &str, sources: &[Source]) -> Result<(Source, Profile)> {
    let file = format!("{module}.toml");
    let missing = |error: Error| {
        let place = sources.first().map(|source| Place {
            file: source.file.clone(),
            text: Arc::clone(&source.text),
            span: source.locate("include").1,
        });
        error.within("include").at(place)
    };
    for files in [own.clone(), Files::Embedded(COMMON)] {
        if let Some(bytes) = files.read(&file).map_err(missing)? {
            return Source::parse(files.show(&file), files, bytes);
        }
    }
    let common = EMBEDDED
        .get_dir(COMMON)
        .map(|dir| dir.files().filter_map(|f| f.path().file_stem()?.to_str()).collect::<Vec<_>>());
    let known = common.unwrap_or_default();
    Err(missing(
        Error::profile("include", format!("unknown module `{module}`")).maybe_hint(did_you_mean(module, known)),
    ))
}

/// Adds a module under a profile: what the profile says stays, what only the module says comes in.
fn merge(profile: &mut Profile, module: Profile) {
    profile.as_of = profile.as_of.take().or(module.as_of);
    for (name, param) in module.params {
        profile.params.entry(name).or_insert(param);
    }
    for (name, table) in module.tables {
        match profile.tables.get_mut(&name) {
            Some(own) => merge_table(own, table),
            None => {
                profile.tables.insert(name, table);
            }
        }
    }
}

fn merge_table(own: &mut Table, module: Table) {
    let below = std::mem::replace(own, module);
    if !below.about.is_empty() {
        own.about = below.about;
    }
    own.rows = below.rows.or(own.rows);
    own.scales = below.scales.or(own.scales);
    own.of = below.of.or(own.of.take());
    own.spread = below.spread.or(own.spread.take());
    own.count = below.count.or(own.count.take());
    own.when = below.when.or(own.when.take());
    own.lifecycle = below.lifecycle.or(own.lifecycle.take());
    own.each = below.each.or(own.each.take());
    own.order = below.order.or(own.order.take());
    own.group = below.group.or(own.group.take());
    own.by = below.by.or(own.by.take());
    own.r#where = below.r#where.or(own.r#where.take());
    own.chunk = below.chunk.or(own.chunk);
    // The module's columns stand first, in its order; the profile may replace some and adds the rest behind.
    own.refs.extend(below.refs);
    own.columns.extend(below.columns);
    own.checks.extend(below.checks);
}
