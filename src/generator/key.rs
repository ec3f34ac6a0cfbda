//! Keys: gapless numbers, unique numbers, UUIDs and tokens. Uniqueness comes from permutations, so no earlier value has
//! to be remembered.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::types::Int64Type;
use arrow_schema::DataType;
use schemars::JsonSchema;
use serde::Deserialize;

use super::domain::Domain;
use super::{Def, Fill, Generator, Origin, Params, Scope};
use crate::error::Result;
use crate::rng::Permutation;

/// The generators of this family.
pub(super) const DEFS: &[Def] = &[Def::of::<Sequence>(), Def::of::<Shuffled>(), Def::of::<Uuid>(), Def::of::<Token>()];

/// Consecutive numbers: over all rows of a root table, or among the siblings of a child table.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sequence {
    /// The first number, 1 by default.
    #[serde(default)]
    start: Option<i64>,
    /// The step from one number to the next, 1 by default; not 0.
    #[serde(default)]
    step: Option<i64>,
}

impl Params for Sequence {
    const NAME: &'static str = "sequence";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "start = 1";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        let (start, step) = (self.start.unwrap_or(1), self.step.unwrap_or(1));
        if step == 0 {
            return Err(scope.error("step", "a step of 0 makes all numbers equal".to_owned()));
        }
        let last = i128::from(scope.root_rows().unwrap_or(1 << 24).saturating_sub(1));
        if i64::try_from(i128::from(start) + last * i128::from(step)).is_err() {
            return Err(scope.error("start", "the last number does not fit into 64 bits".to_owned()));
        }
        Ok(Box::new(Numbered { start, step, root: scope.depth() == 0 }))
    }
}

struct Numbered {
    start: i64,
    step: i64,
    root: bool,
}

impl Generator for Numbered {
    fn data_type(&self) -> DataType {
        DataType::Int64
    }

    fn unique(&self) -> bool {
        self.root
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        Ok(Arc::new(fill.primitive::<Int64Type>(|i, _| {
            let n = if self.root { fill.rows.paths[i] as i64 } else { i64::from(fill.rows.ordinals[i]) };
            self.start.wrapping_add(n.wrapping_mul(self.step))
        })))
    }
}

/// Unique integers from `start` to `start + size - 1` in an order that looks random. For root tables.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Shuffled {
    /// The number of integers; at least the number of rows.
    size: u64,
    /// The least integer, 0 by default.
    #[serde(default)]
    start: i64,
}

impl Params for Shuffled {
    const NAME: &'static str = "permutation";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "size = 1_000_000\nstart = 1";
    const DOMAINS: &'static [Domain] = &[Domain::number("size", 1.0, 9e18)];

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        if self.size == 0 || self.start.checked_add_unsigned(self.size - 1).is_none() {
            return Err(scope.error("size", format!("{} integers do not fit into 64 bits", self.size)));
        }
        let permutation = unique(scope, "size", self.size)?;
        Ok(Box::new(Permuted { permutation, start: self.start }))
    }
}

/// Makes the permutation that gives each row of a root table its own number below `capacity`.
pub(super) fn unique(scope: &dyn Scope, field: &str, capacity: u64) -> Result<Permutation> {
    match scope.root_rows().filter(|_| scope.depth() == 0) {
        None => Err(scope
            .error(field, "only a root table can have unique values here".to_owned())
            .hint("use `uuid` in a child table, or a `code` with the parent's key and `{ordinal}`")),
        Some(rows) if rows > capacity => Err(scope
            .error(field, format!("{rows} rows need {rows} different values, and there are {capacity}"))
            .hint("lower the number of rows, or allow repetition")),
        Some(_) => Ok(Permutation::new(scope.key(), u128::from(capacity.max(1)))),
    }
}

struct Permuted {
    permutation: Permutation,
    start: i64,
}

impl Generator for Permuted {
    fn data_type(&self) -> DataType {
        DataType::Int64
    }

    fn unique(&self) -> bool {
        true
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        Ok(Arc::new(fill.primitive::<Int64Type>(|i, _| {
            self.start.wrapping_add_unsigned(self.permutation.apply(fill.rows.paths[i]) as u64)
        })))
    }
}

/// A unique UUID in the form of RFC 9562, version 4: `3f0a5c9e-8a51-4c1e-9d7b-2f6d1c0e4b7a`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Uuid {}

impl Params for Uuid {
    const NAME: &'static str = "uuid";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "";

    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        if scope.depth() > 3 {
            let message = format!("a table with {} levels of parents cannot have unique uuids", scope.depth());
            return Err(scope
                .error("", message)
                .hint("at most 3 levels are possible; use a `code` with the parent's key and `{ordinal}`"));
        }
        Ok(Box::new(Uuids(Permutation::new(scope.key(), 1 << 122))))
    }
}

struct Uuids(Permutation);

const HEX: &[u8; 16] = b"0123456789abcdef";

impl Generator for Uuids {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn unique(&self) -> bool {
        true
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        Ok(Arc::new(fill.text(|i, _, out| {
            // A path has 48 bits for the root row and 24 for each of at most 3 ordinals: 120 of the 122 random bits.
            let random = self.0.apply(fill.rows.paths[i]);
            let (high, middle, low) = (random >> 74, (random >> 62) & 0xFFF, random & ((1 << 62) - 1));
            let uuid = (high << 80) | (0x4 << 76) | (middle << 64) | (0b10 << 62) | low;
            let mut text = [b'-'; 36];
            let mut at = 0;
            for (n, byte) in uuid.to_be_bytes().into_iter().enumerate() {
                at += usize::from(matches!(n, 4 | 6 | 8 | 10));
                text[at..at + 2].copy_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
                at += 2;
            }
            out.push_str(std::str::from_utf8(&text).ok()?);
            Some(())
        })))
    }
}

/// Random lower-case hexadecimal digits, such as a session or trace id. Uniqueness is not enforced: repeats are as rare
/// as chance makes them.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Token {
    /// The number of digits, 1 to 128; 32 by default.
    #[serde(default)]
    length: Option<usize>,
}

impl Params for Token {
    const NAME: &'static str = "token";
    const ORIGIN: Origin = Origin::Synthetic;
    const EXAMPLE: &'static str = "length = 16";
    const DOMAINS: &'static [Domain] = &[Domain::number("length", 1.0, 128.0)];

    fn plan(self, _: &mut dyn Scope) -> Result<Box<dyn Generator>> {
        Ok(Box::new(Tokens(self.length.unwrap_or(32))))
    }
}

struct Tokens(usize);

impl Generator for Tokens {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        Ok(Arc::new(fill.text(|_, mut cell, out| {
            let mut word = 0;
            for digit in 0..self.0 {
                if digit % 16 == 0 {
                    word = cell.next();
                }
                out.push(char::from(HEX[(word >> (digit % 16 * 4)) as usize & 15]));
            }
            Some(())
        })))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use arrow_array::cast::AsArray;

    use super::*;
    use crate::generator::testing::{Bed, child_plan_error, plan_error, shown};

    #[test]
    fn sequences_count_rows_or_siblings() {
        let root = Bed::root(5).fill("sequence", "start = 100\nstep = -2").expect("a column");
        assert_eq!(shown(&root), ["100", "98", "96", "94", "92"]);
        let bed = Bed::child(20);
        let children = bed.fill("sequence", "").expect("a column");
        for family in bed.families() {
            let numbers = &children.as_primitive::<Int64Type>().values()[family];
            assert!(numbers.iter().zip(1..).all(|(n, want)| *n == want));
        }
    }

    #[test]
    fn permuted_numbers_are_unique_and_within_their_size() {
        let column = Bed::root(1_000).fill("permutation", "size = 1000\nstart = 5").expect("a column");
        let numbers: BTreeSet<i64> = column.as_primitive::<Int64Type>().values().iter().copied().collect();
        assert_eq!((numbers.len(), numbers.first(), numbers.last()), (1_000, Some(&5), Some(&1_004)));
    }

    #[test]
    fn uuids_are_unique_and_of_version_4() {
        for bed in [Bed::root(10_000), Bed::child(4_000)] {
            let uuids: Vec<String> = shown(&bed.fill("uuid", "").expect("a column"));
            assert_eq!(uuids.iter().collect::<BTreeSet<_>>().len(), uuids.len());
            for uuid in &uuids {
                let parts: Vec<&str> = uuid.split('-').collect();
                assert_eq!(parts.iter().map(|p| p.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{uuid}");
                assert!(parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b']), "{uuid}");
                assert!(uuid.bytes().all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b)), "{uuid}");
            }
        }
    }

    #[test]
    fn mistakes_are_found_while_planning() {
        assert!(
            plan_error("permutation", "size = 99").contains("100 rows need 100 different values, and there are 99")
        );
        assert!(child_plan_error("permutation", "size = 99").contains("root table"));
        assert!(plan_error("sequence", "start = 9223372036854775807").contains("64 bits"));
        assert!(plan_error("sequence", "step = 0").contains("equal"));
        assert!(plan_error("token", "length = 129").contains("129"));
    }
}
