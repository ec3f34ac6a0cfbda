//! Identifiers of vehicles.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Identifier, check, digit, plan, push_padded, sign};
use crate::error::Result;
use crate::generator::{Def, Generator, Origin, Params, Scope};

/// The generators of this family.
pub(super) const DEFS: &[Def] = &[Def::of::<Vin>()];

/// A vehicle identification number with a valid check sign and the unassigned manufacturer ZZZ: `ZZZTEST08RA000001`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Vin {
    /// Gives each row of a root table a different value.
    #[serde(default)]
    unique: bool,
}

impl Params for Vin {
    const NAME: &'static str = "vin";
    const ORIGIN: Origin = Origin::Reserved;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let unique = self.unique;
        plan(scope, self, unique)
    }
}

// source: 49 CFR 565.15 for the form and the signs of the model year; that ZZZ is no manufacturer's is an assumption.
const YEARS: &[u8] = b"123456789ABCDEFGHJKLMNPRSTVWXY";
const PLANTS: &[u8] = b"ABCDEFGHJKLMNPRSTUVWXYZ";

impl Identifier for Vin {
    fn capacity(&self) -> u64 {
        10 * (YEARS.len() * PLANTS.len()) as u64 * 1_000_000
    }

    fn write(&self, mut index: u64, out: &mut String) {
        let serial = digit(&mut index, 1_000_000);
        let (year, plant) = (sign(&mut index, YEARS), sign(&mut index, PLANTS));
        out.push_str("ZZZTEST");
        push_padded(out, index, 1);
        out.push('0');
        out.extend([year, plant]);
        push_padded(out, serial, 6);
        if let Some(check) = check::vin_digit(out) {
            out.replace_range(8..9, check.encode_utf8(&mut [0; 4]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::validate;

    #[test]
    fn vin() {
        // The regulation's table of letter values, sign by sign.
        let value = |c: char| match c {
            'A' | 'J' => 1,
            'B' | 'K' | 'S' => 2,
            'C' | 'L' | 'T' => 3,
            'D' | 'M' | 'U' => 4,
            'E' | 'N' | 'V' => 5,
            'F' | 'W' => 6,
            'G' | 'P' | 'X' => 7,
            'H' | 'Y' => 8,
            'R' | 'Z' => 9,
            digit => digit.to_digit(10).expect("a digit"),
        };
        validate("vin", "", 10_000, |text| {
            let weights = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
            let rest = text.chars().map(value).zip(weights).map(|(v, w)| v * w).sum::<u32>() % 11;
            let want = if rest == 10 { "X".to_owned() } else { rest.to_string() };
            text.len() == 17 && text.starts_with("ZZZTEST") && text[8..9] == want
        });
    }
}
