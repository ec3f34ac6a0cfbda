//! The targets: places that a data set can be written to.
//!
//! To add one: a file here with a `static` [`Scheme`] and one line in [`SCHEMES`].

mod folder;
mod stdout;

use crate::disk::Disk;
use crate::engine::Target;
use crate::error::Result;
use crate::format::{Format, Options};

/// A kind of target: one entry in [`SCHEMES`].
pub struct Scheme {
    /// The form of the text that names such a target, such as `-`.
    pub form: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// Opens the target that a text names; `None` where the text has another form.
    pub open: Open,
}

/// Opens the target that a text names; `None` where the text has another form.
pub type Open = for<'a> fn(&str, &Settings<'a>) -> Option<Result<Box<dyn Target + 'a>>>;

/// What targets need to know beside their name.
pub struct Settings<'a> {
    /// The file format.
    pub format: &'static Format,
    /// The format's options.
    pub options: Options,
    /// The file system.
    pub disk: &'a dyn Disk,
}

/// Every kind of target. The first whose form a text has takes it; the last takes any text.
pub static SCHEMES: &[&Scheme] = &[&stdout::STDOUT, &folder::FOLDER];

/// The target that a text names, such as the value of `--out`.
///
/// # Errors
///
/// If the text has the form of a target and its rest is wrong.
pub fn target<'a>(name: &str, settings: &Settings<'a>) -> Result<Box<dyn Target + 'a>> {
    let opened = SCHEMES.iter().find_map(|scheme| (scheme.open)(name, settings));
    opened.unwrap_or_else(|| Err(crate::error::Error::usage(format!("`{name}` names no target"))))
}
