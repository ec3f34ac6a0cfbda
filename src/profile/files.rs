//! Access to the files of a profile, inside the binary or within one folder on disk.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use crate::disk::{Links, open_named, open_regular};
use crate::error::{Error, Kind, Result, did_you_mean};

/// The profiles and modules that are part of the binary.
static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/profiles");

/// The templates of messages that are part of the binary, in a folder for each domain.
static TEMPLATES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/templates");

/// Modules that any profile may include live in this folder of the embedded ones.
pub(super) const COMMON: &str = "common";

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 64 << 20;

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

/// The place of a profile's files: inside the binary, or in a folder.
#[derive(Debug, Clone, PartialEq)]
pub enum Files {
    /// A folder of the embedded profiles.
    Embedded(&'static str),
    /// A folder of the embedded templates.
    Templates(&'static str),
    /// A folder on disk.
    Folder(PathBuf),
}

impl Files {
    /// Reads the file that the user named, which may be a link or a pipe.
    pub(super) fn named(&self, name: &str) -> Result<Vec<u8>> {
        match self {
            Files::Folder(folder) => {
                open_named(&folder.join(name)).and_then(read).map_err(|error| Error::io(folder.join(name), error))
            }
            embedded @ (Files::Embedded(_) | Files::Templates(_)) => {
                embedded.read(name)?.ok_or_else(|| Error::new(Kind::Io, format!("`{}`: no such file", self.show(name))))
            }
        }
    }

    /// Reads a file of the folder; `None` if there is none. `name` is a plain file name, or `data/` and one.
    ///
    /// # Errors
    ///
    /// If the name is not a plain file name, if the file is a link that leaves the folder or not a regular file, or if it
    /// cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>> {
        if !writable(name.strip_prefix("data/").unwrap_or(name)) {
            return Err(Error::new(Kind::Profile, format!("`{name}` is not the name of a file"))
                .hint("letters, digits, `_`, `-` and `.` only; data files stand in the profile's `data` folder"));
        }
        match self {
            Files::Embedded(dir) => Ok(EMBEDDED.get_file(format!("{dir}/{name}")).map(|file| file.contents().to_vec())),
            Files::Templates(dir) => {
                Ok(TEMPLATES.get_file(format!("{dir}/{name}")).map(|file| file.contents().to_vec()))
            }
            Files::Folder(folder) => {
                let path = folder.join(name);
                match inside(folder, &path).and_then(|()| read(open_regular(&path, Links::Follow)?)) {
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

    /// Gives the file's name for messages.
    #[must_use]
    pub fn show(&self, name: &str) -> String {
        match self {
            Files::Embedded(dir) => format!("{dir}/{name}"),
            Files::Templates(dir) => format!("templates/{dir}/{name}"),
            Files::Folder(folder) => folder.join(name).display().to_string(),
        }
    }
}

/// Refuses files that a symbolic link places outside of the folder, and pipes and other special files.
fn inside(folder: &Path, path: &Path) -> std::io::Result<()> {
    let (folder, real) =
        (if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.canonicalize()?, path.canonicalize()?);
    let denied = |what| Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, what));
    if !real.starts_with(folder) {
        return denied("a symbolic link leads out of the profile's folder");
    }
    if real.is_file() { Ok(()) } else { denied("not a file") }
}

/// Reads a file, at most one byte more than the limit.
fn read(file: std::fs::File) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Checks that a name is a valid file name on every system and cannot leave its folder.
#[must_use]
pub fn writable(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        && !name.starts_with(['.', '-'])
}

/// Finds the folder of a profile and the name of its file: an embedded profile by its name, another by its path.
pub(super) fn find(name: &str) -> Result<(Files, String)> {
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

/// The names of the embedded modules.
pub(super) fn modules() -> Vec<&'static str> {
    let common = EMBEDDED.get_dir(COMMON);
    common.map(|dir| dir.files().filter_map(|f| f.path().file_stem()?.to_str()).collect()).unwrap_or_default()
}

/// The embedded templates: folder, file and domain, by domain and file. Files whose names begin with `_` are included by others.
pub(super) fn templates() -> Vec<(Files, &'static str, &'static str)> {
    let file = |dir: &'static str, file: &'static include_dir::File<'static>| {
        let name = file.path().file_name()?.to_str()?;
        (name.strip_suffix(".j2").is_some() && !name.starts_with('_')).then_some((Files::Templates(dir), name, dir))
    };
    let dirs = TEMPLATES.dirs().filter_map(|dir| Some((dir, dir.path().to_str()?)));
    let mut all: Vec<_> = dirs.flat_map(|(dir, name)| dir.files().filter_map(move |one| file(name, one))).collect();
    all.sort_unstable_by_key(|(_, file, dir)| (*dir, *file));
    all
}
