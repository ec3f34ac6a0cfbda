//! Generators: what makes a column's values out of randomness and parameters.
//!
//! To add one: a struct of parameters in its family's file (its doc comment is its documentation), `impl Params` with a
//! name, an origin, an example and `plan`, a `Generator` that fills a column, and one entry in the file's `DEFS`. Lists, schema,
//! docs, benches and property tests come from [`families`]. Rules: a cell's value depends on its key, its row and its
//! inputs alone; a null input gives a null; nothing allocates per cell except the text that it makes.

mod choice;
pub mod data;
mod fake;
pub mod identifier;
mod key;
pub mod lifecycle;
mod number;
pub mod operand;
mod origin;
pub mod record;
mod sibling;
#[cfg(test)]
mod testing;
mod text;
mod time;

use std::sync::Arc;

use arrow_array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray, StringArray, builder::StringBuilder};
use arrow_schema::DataType;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

pub use operand::{Operand, Slot, Text, Want};
pub use origin::Origin;

use crate::error::{Error, Result, did_you_mean};
use crate::profile::{Expr, Loaded, Value};
use crate::rng::Cell;
use data::Data;

/// Makes a column. Pure: an equal [`Fill`] gives an equal array, on any thread, in any order.
pub trait Generator: Send + Sync {
    /// The type of the arrays that `fill` returns.
    fn data_type(&self) -> DataType;
    /// Whether a value may be null although no input is.
    fn nullable(&self) -> bool {
        false
    }
    /// Whether a value depends on the values of its siblings: then families are filled whole.
    fn siblings(&self) -> bool {
        false
    }
    /// The rows that have each value, one run after the other, where that is arithmetic in the row number.
    fn strata(&self) -> Option<&[(String, std::ops::Range<u64>)]> {
        None
    }
    /// The only texts that come, where they are known before row 0.
    fn domain(&self) -> Option<Vec<String>> {
        None
    }
    /// One value for each row.
    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef>;
}

/// The rows to fill and what may be used for it.
pub struct Fill<'a> {
    /// The column's key.
    pub key: u64,
    /// The rows.
    pub rows: &'a Rows,
    /// One array for each input that the generator asked its [`Scope`] for.
    pub inputs: &'a [ArrayRef],
}

/// What names the rows of a table, whole families of siblings at a time.
#[derive(Debug, Default)]
pub struct Rows {
    /// The row key: a root row's number, or the mix of its parent's key and its ordinal.
    pub keys: Vec<u64>,
    /// The ordinal among the siblings, from 0; all 0 in a root table.
    pub ordinals: Vec<u32>,
    /// Where the children of each parent start, and the end; empty in a root table.
    pub offsets: Vec<u32>,
    /// Root row number and ordinals packed without loss, 24 bits an ordinal: what makes a unique key without memory.
    pub paths: Vec<u128>,
}

impl Rows {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The families of siblings, as ranges of rows.
    pub fn families(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.offsets.windows(2).map(|pair| pair[0] as usize..pair[1] as usize)
    }
}

impl Fill<'_> {
    /// The randomness of row `i`.
    #[inline]
    #[must_use]
    pub fn cell(&self, i: usize) -> Cell {
        Cell::new(self.key, self.rows.keys[i])
    }

    /// How many values are wanted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// A column of numbers, dates or times, of which no value is null.
    pub fn primitive<T: ArrowPrimitiveType>(
        &self,
        mut value: impl FnMut(usize, Cell) -> T::Native,
    ) -> PrimitiveArray<T> {
        PrimitiveArray::from_iter_values((0..self.len()).map(|i| value(i, self.cell(i))))
    }

    /// A column of numbers, dates or times with nulls.
    pub fn optional<T: ArrowPrimitiveType>(
        &self,
        mut value: impl FnMut(usize, Cell) -> Option<T::Native>,
    ) -> PrimitiveArray<T> {
        (0..self.len()).map(|i| value(i, self.cell(i))).collect()
    }

    /// A column of text: `write` appends the value to the buffer, or returns `None` for null.
    pub fn text(&self, mut write: impl FnMut(usize, Cell, &mut String) -> Option<()>) -> StringArray {
        let mut column = StringBuilder::with_capacity(self.len(), self.len() * 16);
        let mut buffer = String::new();
        for i in 0..self.len() {
            buffer.clear();
            let value = write(i, self.cell(i), &mut buffer).map(|()| buffer.as_str());
            // Beyond what Arrow can hold the plan refuses the column, for the bytes that it has by then.
            column.append_option(value.filter(|text| column.values_slice().len() + text.len() < i32::MAX as usize));
        }
        column.finish()
    }
}

/// What a generator may ask for while it is planned. Errors come back with the path of the field.
pub trait Scope {
    /// An expression parameter, type checked: a constant, or an input of the generator.
    fn operand(&mut self, field: &str, expr: &Expr, want: Want) -> Result<Slot>;
    /// A parameter that is an expression or another generator.
    fn value(&mut self, field: &str, value: &Value, want: Want) -> Result<Slot>;
    /// A data file of the profile.
    fn data(&mut self, field: &str, file: &str) -> Result<Arc<Data>>;
    /// The number of rows, where the table is a root table.
    fn root_rows(&self) -> Option<u64>;
    /// How many levels of parents the table has.
    fn depth(&self) -> usize;
    /// The column's key, for what is fixed per column such as a permutation.
    fn key(&self) -> u64;
    /// Writes keys as SQL literals of the type that an expression has.
    fn literals(&mut self, field: &str, by: &Expr, keys: &[&str]) -> Result<Vec<String>>;
    /// A mistake in a field.
    fn error(&self, field: &str, message: String) -> Error;
}

/// A generator's parameters as they stand in a profile.
pub trait Params: DeserializeOwned + JsonSchema + 'static {
    /// The name in `gen.NAME`.
    const NAME: &'static str;
    /// Where its values come from. [`Origin::Reserved`] becomes [`Origin::Live`] where a profile says `shape = true`.
    const ORIGIN: Origin;
    /// Parameters that work in any table, as TOML: shown in the docs, run by tests and benches.
    const EXAMPLE: &'static str;
    /// Checks the parameters and makes the generator.
    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>>;
}

/// A generator in its family's list.
pub struct Def {
    /// The name in `gen.NAME`.
    pub name: &'static str,
    /// Example parameters, as TOML.
    pub example: &'static str,
    /// Where its values come from, unless parameters say otherwise: see [`Def::origin`].
    origin: Origin,
    /// The JSON Schema of the parameters, with their documentation.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Reads the parameters and plans.
    pub plan: fn(toml::Table, &mut dyn Scope) -> Result<Box<dyn Generator>>,
    /// Says with a position what is wrong with parameters that could not be read.
    pub explain: fn(&Loaded, &[&str]) -> Option<Error>,
}

impl Def {
    /// The entry of the generator with parameters `P`.
    #[must_use]
    pub const fn of<P: Params>() -> Self {
        Self {
            name: P::NAME,
            example: P::EXAMPLE,
            origin: P::ORIGIN,
            schema: |generator| generator.root_schema_for::<P>(),
            plan: |args, scope| match P::deserialize(args) {
                Ok(params) => params.plan(scope),
                Err(error) => Err(scope.error("", error.message().to_owned())),
            },
            explain: |loaded, path| loaded.explain::<P>(path),
        }
    }

    /// Where its values come from with these parameters: identifiers with `shape = true` look live.
    #[must_use]
    pub fn origin(&self, args: &toml::Table) -> Origin {
        match (self.origin, args.get("shape").and_then(toml::Value::as_bool)) {
            (Origin::Reserved, Some(true)) => Origin::Live,
            (origin, _) => origin,
        }
    }
}

/// The families of generators, each with its list.
#[must_use]
pub fn families() -> Vec<(&'static str, &'static [Def])> {
    let mut families = vec![
        ("number", number::DEFS),
        ("time", time::DEFS),
        ("choice", choice::DEFS),
        ("record", record::DEFS),
        ("text", text::DEFS),
        ("key", key::DEFS),
        ("sibling", sibling::DEFS),
        ("fake", fake::DEFS),
    ];
    families.extend(identifier::families());
    families
}

/// The generator called `name`.
pub fn find(name: &str) -> Result<&'static Def> {
    let all = || families().into_iter().flat_map(|(_, defs)| defs);
    all().find(|def| def.name == name).ok_or_else(|| {
        Error::new(crate::error::Kind::Profile, format!("unknown generator `{name}`"))
            .hint("`placebo list generators` shows them all")
            .maybe_hint(did_you_mean(name, all().map(|def| def.name)))
    })
}
