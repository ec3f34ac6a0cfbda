pub mod error;
pub mod generator;
pub mod plan;
pub mod profile;
pub mod rng;
pub mod sink;
