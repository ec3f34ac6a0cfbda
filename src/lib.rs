pub mod error;
pub mod generator;
pub mod profile;
pub mod rng;
