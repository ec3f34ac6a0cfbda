//! Metadata of a column, kept in its Arrow field: key, reference, classification, protection.

/// Field metadata: the kind of identifier or of personal data, such as `ssn`.
pub const PII: &str = "placebo.pii";
/// Field metadata: how sensitive the column is, such as `phi`.
pub const CLASS: &str = "placebo.class";
/// Field metadata: the letter of the HIPAA Safe Harbor list, `A` to `R`.
pub const HIPAA: &str = "placebo.hipaa";
/// Field metadata: `direct`, `quasi` or `none`: whether the column alone, or with others, tells who it is.
pub const IDENTIFIES: &str = "placebo.identifies";
/// Field metadata: where values come from, such as `reserved-range`.
pub const ORIGIN: &str = "placebo.origin";
/// Field metadata: how the profile wants the column protected, where protection is asked for.
pub const HANDLING: &str = "placebo.handling";
/// Field metadata: the domain in which equal values stay equal.
pub const DOMAIN: &str = "placebo.domain";
/// Field metadata: how the column was protected; absent where it is clear.
pub const PROTECTION: &str = "placebo.protection";
/// Field metadata: `primary` on the columns of the primary key.
pub const KEY: &str = "placebo.key";
/// Field metadata: `table.column` on a foreign key.
pub const REFERENCES: &str = "placebo.references";
/// Field metadata beside [`REFERENCES`], where the key has several columns: which row it is, such as `visit`. Columns that
/// name the same row are one foreign key.
pub const VIA: &str = "placebo.via";
/// Field metadata: what the column means.
pub const ABOUT: &str = "placebo.about";
