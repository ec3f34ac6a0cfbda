//! One integration crate: through the user's door wherever that is possible.

mod cli;
mod descendants;
mod determinism;
mod expressions;
mod faults;
mod fixtures;
mod hostile;
mod kills;
mod language;
mod layers;
mod licences;
mod mutations;
mod orders;
mod parts;
mod profiles;
mod random_profiles;
mod randomness;
mod resume;
mod rules;
mod run;
mod source;
mod splits;
mod trust;
mod tutorial;
mod verify;
mod worlds;
