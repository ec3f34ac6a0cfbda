//! File formats: how rows become files, and files rows again.

pub mod read;
pub mod write;
