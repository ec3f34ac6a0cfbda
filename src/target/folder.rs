//! A folder with a file per table.

use std::path::PathBuf;

use super::Scheme;
use crate::folder::Folder;

pub(super) static FOLDER: Scheme = Scheme {
    form: "DIR",
    about: "a folder with a file per table, and the files that describe them",
    command: "generate",
    open: |name, settings| {
        Some(Ok(Box::new(Folder {
            path: PathBuf::from(name),
            format: settings.format,
            options: settings.options.clone(),
            disk: settings.disk,
        })))
    },
};
