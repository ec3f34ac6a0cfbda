//! One integration crate: through the user's door wherever that is possible.

mod answers;
mod assert;
mod believed;
mod builds;
mod catalog;
mod cli;
mod constraints;
mod databases;
mod decisions;
mod descendants;
mod determinism;
mod domains;
mod expressions;
mod extends;
mod faults;
mod find;
mod fixtures;
mod growth;
mod hostile;
mod identifiers;
mod keys;
mod kills;
mod language;
mod layers;
mod licences;
mod lists;
mod memory;
mod mutations;
#[cfg(feature = "mysql")]
mod mysql;
mod on_purpose;
mod only;
mod orders;
mod pages;
mod parts;
#[cfg(feature = "postgres")]
mod postgres;
mod profiles;
mod protect;
mod random_profiles;
mod randomness;
mod registries;
mod resume;
mod rules;
mod run;
mod source;
mod splits;
#[cfg(feature = "sqlite")]
mod sqlite;
mod talk;
mod templates;
mod trails;
mod trust;
mod tutorial;
mod verify;
mod worlds;
