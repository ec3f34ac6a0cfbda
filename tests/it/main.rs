//! One integration crate: through the user's door wherever that is possible.

mod believed;
mod builds;
mod cli;
mod constraints;
mod descendants;
mod determinism;
mod domains;
mod expressions;
mod faults;
mod fixtures;
mod hostile;
mod kills;
mod language;
mod layers;
mod licences;
mod lists;
mod mutations;
mod orders;
mod parts;
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
mod trust;
mod tutorial;
mod verify;
mod worlds;
