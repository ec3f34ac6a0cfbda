//! Placebo makes test data that has everything production data has, except the people.
//!
//! A data set is a pure function: every cell is `f(seed, table, column, row)`. A profile says what there is, a plan
//! is its checked meaning, a data set is a plan with what was chosen, and the engine writes it to a target.
//!
//! ```
//! use placebo::dataset::DataSet;
//! for batch in DataSet::load("healthcare")?.batches("patient")? {
//!     let batch = batch?; // an Arrow RecordBatch
//!     println!("{} patients, {} columns", batch.num_rows(), batch.num_columns());
//! }
//! # Ok::<(), placebo::error::Error>(())
//! ```
//!
#![doc = include_str!("../ARCHITECTURE.md")]

pub mod answers;
pub mod arrays;
pub mod assert;
pub mod cases;
pub mod catalog;
#[cfg(feature = "cli")]
pub mod cli;
pub mod dataset;
pub mod decrypt;
pub mod detect;
pub mod digest;
pub mod disk;
pub mod engine;
pub mod error;
pub mod existing;
pub mod fault;
pub mod find;
pub mod folder;
pub mod format;
pub mod generator;
pub mod kinds;
pub mod leaks;
pub mod notes;
pub mod order;
pub mod outcomes;
pub mod part;
pub mod plan;
pub mod profile;
pub mod protect;
pub mod purge;
pub mod rng;
pub mod scan;
pub mod sign;
pub mod spreadsheet;
pub mod sql;
pub mod stage;
pub mod target;
pub mod template;
pub mod type_names;
pub mod verify;
