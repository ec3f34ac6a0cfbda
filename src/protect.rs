//! How a column of personal data is written: clear, encrypted, tokenised, cut short, or not at all.

pub mod fe1;
pub mod secret;
pub mod wrap;
