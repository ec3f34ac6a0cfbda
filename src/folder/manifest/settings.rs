//! The settings of a file format, as the manifest keeps them.

use std::collections::BTreeMap;

use super::Manifest;
use crate::error::Result;
use crate::format::{self, Format, Options};

/// The value of every setting of a format. The layout has fields for two of them, whatever the format; others have a list.
pub(crate) struct FormatSettings {
    /// The compression; `None` for a format that has no choice.
    pub(crate) compression: Option<String>,
    /// `quote` if a `'` was written before formulas, else `off`, as in formats that cannot.
    pub(crate) csv_guard: String,
    /// Every other setting whose value is not the default, by name.
    pub(crate) others: BTreeMap<String, String>,
}

impl FormatSettings {
    /// The settings of a target that has no format.
    pub(crate) fn none() -> Self {
        Self { compression: None, csv_guard: "off".to_owned(), others: BTreeMap::new() }
    }

    pub(crate) fn new(format: &Format, options: &Options) -> Self {
        let mut all = Self::none();
        for (name, value) in format.chosen(options) {
            match name {
                "compression" => all.compression = Some(value.to_owned()),
                "csv-guard" => value.clone_into(&mut all.csv_guard),
                _ if format.settings.iter().any(|known| known.name == name && known.default() == value) => {}
                _ => _ = all.others.insert(name.to_owned(), value.to_owned()),
            }
        }
        all
    }
}

impl Manifest {
    /// The format of the files and the settings that they were written with.
    ///
    /// # Errors
    ///
    /// If there is no such format or setting, or no such value of a setting.
    pub fn format(&self) -> Result<(&'static Format, Options)> {
        let format = format::find(&self.format)?;
        let own = [
            self.compression.as_deref().map(|value| ("compression", value)),
            (self.csv_guard != "off").then_some(("csv-guard", self.csv_guard.as_str())),
        ];
        // The layout has both for every format: where a format has no such setting they say nothing.
        let own = own.into_iter().flatten();
        let own = own.filter(|(name, _)| format.settings.iter().any(|setting| setting.name == *name));
        let others = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok((format, format.options(own.chain(others))?))
    }
}
