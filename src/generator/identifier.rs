//! Identifiers: valid in form and check digit, and by default from ranges that are not assigned to anyone.
//!
//! To add one: a struct with its parameters, `impl Identifier` with the number of values and the text of value n, and
//! an entry in its file's `DEFS`. Each range names its source. `shape = true` takes ranges that are in use instead:
//! only for systems that refuse the reserved ones, because such a value may belong to someone. A profile
//! switches all of its identifiers with one parameter: `shape = "params.shape_identifiers"`.

pub mod check;
mod finance;
mod health;
mod iban;
mod net;
mod us;
mod vehicle;

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;

use super::key::unique;
use super::{Def, Fill, Generator, Scope};
use crate::error::Result;
use crate::rng::{Cell, Permutation};

/// Whether identifiers come from ranges that are in use. A profile writes `true`, or a condition that is the same for all
/// rows, such as `params.shape_identifiers`, which the compiler replaces by its value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
struct Shape(bool);

impl JsonSchema for Shape {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Shape".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": ["boolean", "string"] })
    }
}

/// Lists the families of identifiers: name and members.
#[must_use]
pub fn families() -> Vec<(&'static str, &'static [Def])> {
    vec![
        ("identifier_us", us::DEFS),
        ("identifier_health", health::DEFS),
        ("identifier_finance", finance::DEFS),
        ("identifier_iban", iban::DEFS),
        ("identifier_net", net::DEFS),
        ("identifier_vehicle", vehicle::DEFS),
    ]
}

/// A finite, numbered set of texts.
trait Identifier: Send + Sync + 'static {
    /// Gives the number of texts.
    fn capacity(&self) -> u64;
    /// Appends text number `index`, which is below the capacity.
    fn write(&self, index: u64, out: &mut String);
}

/// The choice of a number for a row: any at random, or a different one for each row.
enum Numbers {
    Any(u64),
    Unique(Permutation),
}

impl Numbers {
    /// Plans the choice. Unique numbers need a root table with at most `capacity` rows.
    fn plan(scope: &dyn Scope, capacity: u64, is_unique: bool) -> Result<Self> {
        Ok(if is_unique { Self::Unique(unique(scope, "unique", capacity)?) } else { Self::Any(capacity) })
    }

    /// Tells whether each row of the table has a number of its own.
    fn unique(&self) -> bool {
        matches!(self, Numbers::Unique(_))
    }

    #[inline]
    fn draw(&self, fill: &Fill<'_>, i: usize, cell: &mut Cell) -> u64 {
        match self {
            Numbers::Any(capacity) => cell.below(*capacity),
            Numbers::Unique(permutation) => permutation.apply(fill.rows.paths[i]) as u64,
        }
    }
}

/// The generator of an identifier that has no parameters that vary by row.
struct Identified<I> {
    identifier: I,
    numbers: Numbers,
}

fn plan<I: Identifier>(scope: &dyn Scope, identifier: I, is_unique: bool) -> Result<Box<dyn Generator>> {
    let numbers = Numbers::plan(scope, identifier.capacity(), is_unique)?;
    Ok(Box::new(Identified { identifier, numbers }))
}

impl<I: Identifier> Generator for Identified<I> {
    fn data_type(&self) -> DataType {
        DataType::Utf8
    }

    fn values(&self) -> Option<u64> {
        Some(self.identifier.capacity())
    }

    fn unique(&self) -> bool {
        self.numbers.unique()
    }

    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef> {
        Ok(Arc::new(fill.text(|i, mut cell, out| {
            self.identifier.write(self.numbers.draw(fill, i, &mut cell), out);
            Some(())
        })))
    }
}

/// Removes the last digit of a number in a base, and returns it.
#[inline]
fn digit(index: &mut u64, base: u64) -> u64 {
    let last = *index % base;
    *index /= base;
    last
}

/// Removes the last digit of a number in the base of an alphabet, and returns its sign.
#[inline]
fn sign(index: &mut u64, alphabet: &[u8]) -> char {
    char::from(alphabet[digit(index, alphabet.len() as u64) as usize])
}

/// Appends the last `width` digits of a number, padded with zeros.
fn push_padded(out: &mut String, number: u64, width: u32) {
    for place in (0..width).rev() {
        out.push(char::from(b'0' + (number / 10_u64.saturating_pow(place) % 10) as u8));
    }
}

/// Capital letters and digits.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const ALPHANUMERIC: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

#[cfg(test)]
mod testing {
    use std::collections::BTreeSet;

    use crate::generator::testing::{Bed, plan_error, shown};

    /// 10,000 values satisfy an independent validator, and as many unique ones differ where there are so many.
    pub(super) fn validate(name: &str, toml: &str, unique_rows: usize, valid: impl Fn(&str) -> bool) {
        for value in shown(&Bed::root(10_000).fill(name, toml).expect("a column")) {
            assert!(valid(&value), "{name}: `{value}`");
        }
        let unique = format!("{toml}\nunique = true");
        let values = shown(&Bed::root(unique_rows).fill(name, &unique).expect("a column"));
        assert!(values.iter().all(|value| valid(value)));
        assert_eq!(values.iter().collect::<BTreeSet<_>>().len(), unique_rows, "{name}");
        let child = Bed::child(10).plan(name, &unique).err().expect("an error").to_string();
        assert!(child.contains("root table"), "{child}");
    }

    /// A plan for more unique rows than there are values names the capacity.
    pub(super) fn names_capacity(name: &str, toml: &str, capacity: u64) {
        let bed = Bed::root(capacity as usize + 1);
        let error = bed.plan(name, &format!("{toml}\nunique = true")).err().expect("an error").to_string();
        assert!(error.contains(&format!("there are {capacity}")), "{error}");
        assert!(Bed::root(capacity as usize).plan(name, &format!("{toml}\nunique = true")).is_ok());
    }

    pub(super) fn refused(name: &str, toml: &str, message: &str) {
        let error = plan_error(name, toml);
        assert!(error.contains(message), "{name}: {error}");
    }
}
