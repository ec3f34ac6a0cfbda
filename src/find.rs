//! Rows that meet a condition, found in data that nobody has written: the fixtures of a test.
//!
//! A condition is a [`Question`](crate::plan::Question) of a plan. [`search`] computes its columns alone, chunk by chunk in the order of
//! rows, and stops when there are enough; [`Shaper`] then computes the rows that were found, with those that belong to them. So they are
//! the rows that a run of the same inputs writes, on any number of threads.

mod case;
pub mod cover;
pub mod fixtures;
pub mod form;
mod search;
mod shape;
mod values;
mod with;
pub mod write;

pub use search::{Hits, Quota, Scan, count, search};
pub use shape::{Shape, Shaper};
pub(crate) use values::{lines, shaped};
pub use with::{Wanted, wanted};
