//! Notes on a column: what the metadata of its Arrow field says of it, for writers, catalogues and protection.
//!
//! ```
//! use placebo::notes::{Key, Noted};
//! let field = arrow_schema::Field::new("ssn", arrow_schema::DataType::Utf8, true).with_note(Key::Pii, "ssn");
//! assert_eq!(field.note(Key::Pii), Some("ssn"));
//! assert!(!field.is_primary_key());
//! ```

use arrow_schema::Field;

/// The key of a note in a field's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The kind of identifier or of personal data, such as `ssn`.
    Pii,
    /// The class: how sensitive the column is, such as `phi`.
    Class,
    /// The letter of the HIPAA Safe Harbor list, `A` to `R`.
    Hipaa,
    /// `direct` or `quasi`: whether the column alone, or with others, tells who somebody is.
    Identifies,
    /// The origin of the values, such as `reserved-range`.
    Origin,
    /// The handling that the profile wants, where protection is asked for.
    Handling,
    /// The domain in which equal values stay equal.
    Domain,
    /// The handling that the column went through; absent where it is clear.
    Protection,
    /// `primary` on the columns of the primary key.
    PrimaryKey,
    /// `unique` on a column whose values differ in all rows that have one.
    Unique,
    /// `table.column` on a foreign key.
    References,
    /// The row that a foreign key of several columns leads to, such as `visit`: its columns have the same one.
    Via,
    /// The extension of a file with the text of a message, such as `hl7`.
    Extension,
    /// The meaning of the column.
    About,
}

impl Key {
    /// The key in the metadata, as Parquet and Arrow files have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Key::Pii => "placebo.pii",
            Key::Class => "placebo.class",
            Key::Hipaa => "placebo.hipaa",
            Key::Identifies => "placebo.identifies",
            Key::Origin => "placebo.origin",
            Key::Handling => "placebo.handling",
            Key::Domain => "placebo.domain",
            Key::Protection => "placebo.protection",
            Key::PrimaryKey => "placebo.key",
            Key::Unique => "placebo.unique",
            Key::References => "placebo.references",
            Key::Via => "placebo.via",
            Key::Extension => "placebo.extension",
            Key::About => "placebo.about",
        }
    }
}

/// Notes on a field, read and added.
pub trait Noted: Sized {
    /// The text of a note; `None` where there is none, or an empty one.
    fn note(&self, key: Key) -> Option<&str>;

    /// The field with a note, in place of an earlier one of the key.
    #[must_use]
    fn with_note(self, key: Key, text: &str) -> Self;

    /// Tells whether the column belongs to the primary key.
    fn is_primary_key(&self) -> bool {
        self.note(Key::PrimaryKey).is_some()
    }

    /// Tells whether the values differ in all rows that have one, the primary key aside.
    fn is_unique(&self) -> bool {
        self.note(Key::Unique).is_some()
    }

    /// The field as a column whose values differ, or not.
    #[must_use]
    fn with_unique(self, unique: bool) -> Self;

    /// The field as a column of the primary key.
    #[must_use]
    fn with_primary_key(self) -> Self {
        self.with_note(Key::PrimaryKey, "primary")
    }

    /// The table and the column that a foreign key leads to; `None` for any other column.
    fn reference(&self) -> Option<(&str, &str)> {
        self.note(Key::References)?.split_once('.')
    }

    /// Tells whether values went through a handling that changes them.
    fn is_protected(&self) -> bool {
        self.note(Key::Protection).is_some()
    }
}

impl Noted for Field {
    fn note(&self, key: Key) -> Option<&str> {
        self.metadata().get(key.name()).map(AsRef::<str>::as_ref).filter(|text| !text.is_empty())
    }

    fn with_note(self, key: Key, text: &str) -> Self {
        let mut notes = self.metadata().clone();
        notes.insert(key.name().to_owned(), text.to_owned());
        self.with_metadata(notes)
    }

    fn with_unique(self, unique: bool) -> Self {
        if unique {
            return self.with_note(Key::Unique, "unique");
        }
        let mut notes = self.metadata().clone();
        notes.remove(Key::Unique.name());
        self.with_metadata(notes)
    }
}
