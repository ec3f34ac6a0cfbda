//! Placebo makes test data that has everything production data has, except the people.
//!
//! A data set is a pure function: every cell is `f(seed, table, column, row)`. A profile says what there is, a plan
//! means it, the engine does it.
//!
//! ```
//! use placebo::plan::{Chunk, Options, Plan};
//! let loaded = placebo::profile::load("healthcare")?;
//! let plan = Plan::compile(&loaded, &Options::default())?;
//! let patient = plan.table("patient")?;
//! let batch = Chunk::new(&plan, patient, &[17]).batch(patient)?;
//! assert_eq!(batch.num_rows(), 1);
//! # Ok::<(), placebo::error::Error>(())
//! ```

pub mod audit;
pub mod cli;
pub mod decrypt;
pub mod digest;
pub mod disk;
pub mod engine;
pub mod error;
pub mod format;
pub mod generator;
pub mod kinds;
pub mod manifest;
pub mod notes;
pub mod order;
pub mod part;
pub mod plan;
pub mod profile;
pub mod protect;
pub mod rng;
pub mod run;
pub mod sql;
pub mod verify;
