//! `rules.toml`: the word of the user on every column of existing files.
//!
//! ```toml
//! [tables.customer]
//! key = ["customer_id"]
//!
//! [tables.customer.columns]
//! customer_id = "token"
//! "E-Mail"    = { handling = "encrypt", kind = "email" }
//! born        = { handling = "generalize", kind = "birth_date", type = "date" }
//! nickname    = { gen.pattern = "[a-z]{8}" }
//! remarks     = "drop"
//! ```

use std::fmt;
use std::path::Path;

use indexmap::IndexMap;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::digest::sha256;
use crate::error::{Error, Result, did_you_mean};
use crate::kinds;
use crate::profile::{OwnFile, Scalar};
use crate::sql::civil;
use crate::type_names::type_named;

/// The word that leaves a column out.
pub(super) const DROP: &str = "drop";

/// A file of rules.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    /// The name of the data set that encrypted cells are bound to.
    #[serde(default = "existing_name")]
    pub(super) data_set: String,
    /// The day from which ages count, such as `2026-06-30`.
    pub(super) as_of: Option<Scalar>,
    #[serde(default)]
    pub(super) output: Output,
    #[serde(default)]
    pub(super) tables: IndexMap<String, TableRules>,
}

fn existing_name() -> String {
    "existing".to_owned()
}

/// The form of the files that are written.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Output {
    /// The format; without one, that of the files that are read.
    pub(super) format: Option<String>,
    /// Settings of it, such as `compression = "zstd"`.
    #[serde(flatten)]
    pub(super) settings: IndexMap<String, String>,
}

/// The rules of a table.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableRules {
    /// The columns of the primary key.
    #[serde(default)]
    pub(super) key: Vec<String>,
    #[serde(default)]
    pub(super) csv: CsvForm,
    #[serde(default)]
    pub(super) columns: IndexMap<String, ColumnRule>,
}

/// The form of a CSV file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CsvForm {
    /// The character between cells; a comma where there is none.
    pub(super) delimiter: Option<String>,
    /// The text of a null, with or without quotes; an empty cell without quotes where there is none.
    pub(super) null: Option<String>,
}

impl CsvForm {
    /// The byte between cells.
    ///
    /// # Errors
    ///
    /// If it is not one ASCII character, or a quote or the end of a line.
    pub(super) fn delimiter(&self) -> Result<u8> {
        match self.delimiter.as_deref().unwrap_or(",").as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0) => Ok(*byte),
            _ => Err(Error::profile("csv.delimiter", "a delimiter is one ASCII character, such as `;`")),
        }
    }
}

/// The rule of a column: a handling alone, or with what must be known for it.
#[derive(Debug, Default)]
pub(super) struct ColumnRule(pub(super) ColumnKeys);

/// The keys of a column's rule.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnKeys {
    /// A handling, with a domain perhaps, or `drop`.
    pub(super) handling: Option<String>,
    /// The kind of personal data.
    pub(super) kind: Option<String>,
    /// The type of the values in a text file.
    pub(super) r#type: Option<String>,
    /// `table.column` of the key that it repeats.
    pub(super) references: Option<String>,
    /// The domain in which equal values are handled alike.
    pub(super) domain: Option<String>,
    /// The generator of values in place of those that are there.
    pub(super) r#gen: Option<toml::Value>,
    /// The column by whose values generated ones are chosen, instead of its own.
    pub(super) by: Option<String>,
}

impl<'de> Deserialize<'de> for ColumnRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rule;
        impl<'de> Visitor<'de> for Rule {
            type Value = ColumnRule;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a handling, or a table with one")
            }

            fn visit_str<E>(self, text: &str) -> Result<ColumnRule, E> {
                Ok(ColumnRule(ColumnKeys { handling: Some(text.to_owned()), ..ColumnKeys::default() }))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnRule, A::Error> {
                ColumnKeys::deserialize(MapAccessDeserializer::new(map)).map(ColumnRule)
            }
        }
        deserializer.deserialize_any(Rule)
    }
}

impl Rules {
    /// Reads a file of rules.
    ///
    /// # Errors
    ///
    /// If it cannot be read, has an unknown key, or a rule contradicts itself; the error has the line.
    pub(super) fn read(path: &Path) -> Result<(OwnFile, Self)> {
        let (file, rules) = OwnFile::read::<Self>(path)?;
        for (table, known) in &rules.tables {
            known.csv.delimiter().map_err(|error| file.place(error.below(&format!("tables.{table}"))))?;
            for (column, rule) in &known.columns {
                let path = format!("tables.{table}.columns.{column}");
                rule.0.coherent().map_err(|error| file.place(error.below(&path)))?;
            }
        }
        Ok((file, rules))
    }

    /// The day from which ages count.
    ///
    /// # Errors
    ///
    /// If it is no date.
    pub(super) fn as_of(&self) -> Result<Option<String>> {
        let Some(day) = &self.as_of else { return Ok(None) };
        let text = day.to_string();
        match civil::parse_date(&text) {
            Some(_) => Ok(Some(text)),
            None => Err(Error::profile("as_of", format!("`{text}` is not a date")).hint("as_of = 2026-06-30")),
        }
    }

    /// SHA-256 of the file.
    pub(super) fn digest(file: &OwnFile) -> String {
        sha256(file.text().as_bytes())
    }
}

impl ColumnKeys {
    /// Tells whether the column is left out.
    pub(super) fn dropped(&self) -> bool {
        self.handling.as_deref() == Some(DROP)
    }

    /// Refuses keys that contradict each other, and names that there are not.
    fn coherent(&self) -> Result<()> {
        if let Some(kind) = self.kind.as_deref().filter(|kind| kinds::find(kind).is_none()) {
            let near = did_you_mean(kind, kinds::all().iter().map(|kind| kind.name.as_str()));
            return Err(Error::profile("kind", format!("`{kind}` is no kind of personal data"))
                .hint("`placebo list kinds` shows them")
                .maybe_hint(near));
        }
        if let Some(ty) = self.r#type.as_deref().filter(|ty| type_named(ty).is_none_or(|ty| ty.is_binary())) {
            return Err(Error::profile("type", format!("`{ty}` is no type")).hint(
                "text, integer, double, decimal(12,2), boolean, date, timestamp (an instant) or datetime (without a zone)",
            ));
        }
        if self.references.as_deref().is_some_and(|text| !text.contains('.')) {
            return Err(Error::profile("references", "it is no column of a table").hint("\"customer.customer_id\""));
        }
        let wrong = |what: &str, hint: &str| Err(Error::profile("", what).hint(hint));
        match (&self.r#gen, &self.handling, &self.by) {
            (Some(_), Some(_), _) => wrong("a value is handled or generated, not both", "leave one of the two out"),
            (Some(_), ..) if self.references.is_some() => {
                wrong("a foreign key is handled as the key that it repeats", "leave `gen` out")
            }
            (None, _, Some(_)) => wrong("`by` says which generated value is taken, and none is", "gen.… = …"),
            (None, None, _) if self.references.is_none() => {
                wrong("nothing says how to write it", "a handling, such as \"token\", or \"clear\"")
            }
            _ if self.dropped() && (self.domain.is_some() || self.references.is_some()) => {
                wrong("a column that is left out has no other keys", "\"drop\" alone")
            }
            _ => Ok(()),
        }
    }
}
