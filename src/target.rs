//! The targets: places that a data set can be written to.
//!
//! To add one: a file here with a `static` [`Scheme`] and one line in [`SCHEMES`].

#[cfg_attr(
    not(any(feature = "mysql", feature = "postgres", feature = "sqlite")),
    expect(dead_code, unused_imports, unused_variables, reason = "no client of a database is built")
)]
pub mod database;
mod folder;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "cli", feature = "mysql", feature = "postgres"))]
pub(crate) mod secret;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stdout;

use std::ffi::OsStr;

use crate::disk::Disk;
use crate::engine::Target;
use crate::error::{Error, Result};
use crate::format::{Format, Options};

/// A kind of target: one entry in [`SCHEMES`].
pub struct Scheme {
    /// The form of the text that names such a target, such as `-`.
    pub form: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// The command that writes there: `generate` to files, `load` to databases.
    pub command: &'static str,
    /// Opens the target that a text names; `None` where the text has another form.
    pub open: Open,
}

/// Opens the target that a text names; `None` where the text has another form.
pub type Open = for<'a> fn(&OsStr, &Settings<'a>) -> Option<Result<Box<dyn Target + 'a>>>;

/// Settings that targets need beside their name.
pub struct Settings<'a> {
    /// The file format; a database takes it as a measure of sizes alone.
    pub format: &'static Format,
    /// The format's options.
    pub options: Options,
    /// The file system.
    pub disk: &'a dyn Disk,
    /// What is said about a load into a database.
    pub database: database::Options,
}

/// Every kind of target. The first whose form a text has takes it; the last takes any text.
pub static SCHEMES: &[&Scheme] = &[
    &stdout::STDOUT,
    #[cfg(feature = "mysql")]
    &mysql::MYSQL,
    #[cfg(feature = "postgres")]
    &postgres::POSTGRES,
    #[cfg(feature = "sqlite")]
    &sqlite::SQLITE,
    &folder::FOLDER,
];

/// The target that a text names, such as the value of `--out`, for a command.
///
/// # Errors
///
/// If the text names no target, one of another command, or has the form of a target and its rest is wrong.
pub fn target<'a>(name: impl AsRef<OsStr>, command: &str, settings: &Settings<'a>) -> Result<Box<dyn Target + 'a>> {
    let name = name.as_ref();
    let opened = SCHEMES.iter().find_map(|scheme| Some((scheme, (scheme.open)(name, settings)?)));
    match opened {
        Some((scheme, target)) if scheme.command == command => target,
        opened => {
            let forms = SCHEMES.iter().filter(|scheme| scheme.command == command).map(|scheme| scheme.form);
            let forms: Vec<&str> = forms.collect();
            let name = name.display();
            let hint = match opened {
                Some((other, _)) if other.command == "load" => format!("placebo load PROFILE --to {name}"),
                _ if forms.is_empty() => "this build has no such target: build it with its default features".to_owned(),
                _ => format!("`{command}` writes to {}", forms.join(" or ")),
            };
            Err(Error::usage(format!("`{name}` is no target of `{command}`")).hint(hint))
        }
    }
}
