//! Generators: functions from parameters and a cell's randomness to the values of a column, called `gen.NAME` in
//! profiles.
//!
//! To add one: a struct of parameters in its family's file (its doc comment is its documentation), `impl Params` with a
//! name, an origin, an example and `plan`, a `Generator` that fills a column, and one entry in the file's `DEFS`. Lists,
//! schema, docs, benches and property tests follow from [`families`]. Rules: a value depends only on the column's key,
//! the row and the inputs; a null input gives a null; a cell allocates nothing but its own text.

mod choice;
pub(crate) mod data;
pub(crate) mod domain;
mod fake;
pub mod identifier;
mod key;
pub(crate) mod lifecycle;
mod number;
pub(crate) mod operand;
mod origin;
pub(crate) mod record;
mod sibling;
#[cfg(test)]
mod testing;
mod text;
mod time;

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, BooleanArray, PrimitiveArray, StringArray};
use arrow_schema::DataType;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

pub use operand::{Operand, Slot, Text, Want};
pub use origin::Origin;
pub(crate) use sibling::link_on;

use crate::error::{Error, Result, did_you_mean};
use crate::profile::{Expr, Loaded, Value};
use crate::rng::Cell;
use data::Data;
use domain::Domain;

/// A planned generator: a pure function from a [`Fill`] to an array, the same on any thread and in any order.
pub trait Generator: Send + Sync {
    /// The type of the arrays that `fill` returns.
    fn data_type(&self) -> DataType;
    /// Tells whether a value can be null when no input is.
    fn nullable(&self) -> bool {
        false
    }
    /// Tells whether a value depends on the row's siblings. If so, a [`Fill`] always has whole families.
    fn siblings(&self) -> bool {
        false
    }
    /// Lists the values with their ranges of row numbers, in order, if the value is a function of the row number alone
    /// (`gen.strata`).
    fn strata(&self) -> Option<&[(String, std::ops::Range<u64>)]> {
        None
    }
    /// The inputs whose texts it hashes along the siblings, in order; `None` for any generator but a chain of hashes.
    /// Such a chain can run over other texts of the same rows, such as those that a protected table has.
    fn chained(&self) -> Option<Vec<usize>> {
        None
    }
    /// Lists all texts that can occur, if they follow from the parameters alone.
    fn domain(&self) -> Option<Vec<String>> {
        None
    }
    /// Counts the different values that can occur, null aside, where that is known; more may be counted than occur.
    fn values(&self) -> Option<u64> {
        self.domain().map(|texts| texts.len() as u64)
    }
    /// Tells whether no two rows of the table have the same value.
    fn unique(&self) -> bool {
        false
    }
    /// Makes one value for each row.
    ///
    /// # Errors
    ///
    /// A parameter of a row is out of its domain, or no value follows from the parameters.
    fn fill(&self, fill: &Fill<'_>) -> Result<ArrayRef>;
}

/// The rows to fill, with the column's key and the inputs.
pub struct Fill<'a> {
    /// The column's key.
    pub key: u64,
    /// The rows.
    pub rows: &'a Rows,
    /// The inputs, in the order in which the generator asked its [`Scope`] for them; one value a row.
    pub inputs: &'a [ArrayRef],
    /// The rows that have a value, by the column's `when`; `None` for all. What others would have is not looked at.
    pub when: Option<&'a BooleanArray>,
}

/// A row for which a generator has no value, as a span that is empty or a match that finds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing;

/// The identities of some rows of a table: whole families of siblings, one after the other.
#[derive(Debug, Default)]
pub struct Rows {
    /// The row keys: a root row's number, or the mix of the parent's row key and the ordinal.
    pub keys: Vec<u64>,
    /// The ordinals among the siblings, from 0; all 0 in a root table.
    pub ordinals: Vec<u32>,
    /// The index of the first child of each parent row, and the number of rows at the end; empty in a root table.
    pub offsets: Vec<u32>,
    /// Root row number and ordinals packed into one number, 24 bits an ordinal: different for any two rows of a table.
    pub paths: Vec<u128>,
}

impl Rows {
    /// Gives the number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Tells whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Lists the families of siblings, as ranges of rows.
    pub fn families(&self) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.offsets.windows(2).map(|pair| pair[0] as usize..pair[1] as usize)
    }
}

impl Fill<'_> {
    /// Starts the random words of row `i`.
    #[inline]
    #[must_use]
    pub fn cell(&self, i: usize) -> Cell {
        Cell::new(self.key, self.rows.keys[i])
    }

    /// Tells whether row `i` has a value, by the column's `when`.
    #[inline]
    #[must_use]
    pub fn wants(&self, i: usize) -> bool {
        self.when.is_none_or(|when| !when.is_null(i) && when.value(i))
    }

    /// Gives the number of values to make.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Tells whether there are no values to make.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Makes a column of numbers, dates or times without nulls.
    pub fn primitive<T: ArrowPrimitiveType>(
        &self,
        mut value: impl FnMut(usize, Cell) -> T::Native,
    ) -> PrimitiveArray<T> {
        PrimitiveArray::from_iter_values((0..self.len()).map(|i| value(i, self.cell(i))))
    }

    /// Makes a column of numbers, dates or times; `None` is null.
    pub fn optional<T: ArrowPrimitiveType>(
        &self,
        mut value: impl FnMut(usize, Cell) -> Option<T::Native>,
    ) -> PrimitiveArray<T> {
        (0..self.len()).map(|i| value(i, self.cell(i))).collect()
    }

    /// Makes a column of numbers, dates or times; `None` is null.
    ///
    /// # Errors
    ///
    /// A row that is [`Missing`] a value, with what `why` says of it; rows without a value by the column's `when` are null.
    pub fn attempt<T: ArrowPrimitiveType>(
        &self,
        mut value: impl FnMut(usize, Cell) -> Result<Option<T::Native>, Missing>,
        why: impl Fn(usize) -> Error,
    ) -> Result<PrimitiveArray<T>> {
        let wanted = |i: usize| match value(i, self.cell(i)) {
            Err(Missing) if self.wants(i) => Err(why(i).in_row(i)),
            Err(Missing) => Ok(None),
            Ok(value) => Ok(value),
        };
        (0..self.len()).map(wanted).collect()
    }

    /// Makes a column of text: `write` appends the value to an empty buffer, or returns `None` for null.
    pub fn text(&self, mut write: impl FnMut(usize, Cell, &mut String) -> Option<()>) -> StringArray {
        let mut column = StringBuilder::with_capacity(self.len(), self.len() * 16);
        let mut buffer = String::new();
        for i in 0..self.len() {
            buffer.clear();
            let value = write(i, self.cell(i), &mut buffer).map(|()| buffer.as_str());
            // Texts past Arrow's limit become null here; the plan refuses a column of that size for its bytes.
            column.append_option(value.filter(|text| column.values_slice().len() + text.len() < i32::MAX as usize));
        }
        column.finish()
    }
}

/// The services for a generator while it is planned: expressions, data files, facts about the table. Errors have the
/// path of the field.
pub trait Scope {
    /// Compiles an expression parameter: to a constant, or to an input of the generator.
    ///
    /// # Errors
    ///
    /// The expression does not compile, or has another type than is wanted.
    fn operand(&mut self, field: &str, expr: &Expr, want: Want) -> Result<Slot>;
    /// Compiles a parameter that is an expression or another generator.
    ///
    /// # Errors
    ///
    /// As for [`Scope::operand`], or the generator's parameters are wrong.
    fn value(&mut self, field: &str, value: &Value, want: Want) -> Result<Slot>;
    /// Opens a data file of the profile.
    ///
    /// # Errors
    ///
    /// There is no such file, or it is not a table of values.
    fn data(&mut self, field: &str, file: &str) -> Result<Arc<Data>>;
    /// Gives the number of rows of a root table. `None` for a child table.
    fn root_rows(&self) -> Option<u64>;
    /// Gives the number of parent levels above the table: 0 for a root table.
    fn depth(&self) -> usize;
    /// Gives the column's key, for anything that is fixed for a column, such as a permutation.
    fn key(&self) -> u64;
    /// Writes keys as SQL literals of the type that an expression has.
    ///
    /// # Errors
    ///
    /// The expression does not compile, or a key is not a value of its type.
    fn literals(&mut self, field: &str, by: &Expr, keys: &[&str]) -> Result<Vec<String>>;
    /// A field's value as it is written in the profile, where it is a number there.
    fn written(&self, _field: &str) -> Option<String> {
        None
    }
    /// Makes an error about a field; the empty name is the generator itself.
    fn error(&self, field: &str, message: String) -> Error;
}

/// The parameters of a generator, as a profile gives them.
pub trait Params: DeserializeOwned + JsonSchema + 'static {
    /// The name in `gen.NAME`.
    const NAME: &'static str;
    /// The origin of its values. [`Origin::Reserved`] becomes [`Origin::Live`] if a profile sets `shape = true`.
    const ORIGIN: Origin;
    /// Example parameters as TOML, valid in any table: shown in the docs, run by tests and benches.
    const EXAMPLE: &'static str;
    /// The values that parameters may take.
    const DOMAINS: &'static [Domain] = &[];
    /// Checks the parameters and makes the generator.
    ///
    /// # Errors
    ///
    /// A parameter is missing, out of its domain, or of another type than is wanted.
    fn plan(self, scope: &mut dyn Scope) -> Result<Box<dyn Generator>>;
}

/// A generator in its family's list.
pub struct Def {
    /// The name in `gen.NAME`.
    pub name: &'static str,
    /// Example parameters, as TOML.
    pub example: &'static str,
    /// The origin of its values, unless parameters change it: see [`Def::origin`].
    origin: Origin,
    /// The values that parameters may take.
    pub domains: &'static [Domain],
    /// The JSON Schema of the parameters, with their documentation.
    pub schema: fn(&mut SchemaGenerator) -> Schema,
    /// Reads the parameters and makes the generator.
    pub plan: fn(toml::Table, &mut dyn Scope) -> Result<Box<dyn Generator>>,
    /// Explains, with a position in the file, why parameters could not be read.
    pub explain: fn(&Loaded, &[&str]) -> Option<Error>,
}

impl Def {
    /// Makes the entry of the generator with parameters `P`.
    #[must_use]
    pub const fn of<P: Params>() -> Self {
        Self {
            name: P::NAME,
            example: P::EXAMPLE,
            origin: P::ORIGIN,
            domains: P::DOMAINS,
            schema: |generator| {
                let mut schema = generator.root_schema_for::<P>().to_value();
                P::DOMAINS.iter().for_each(|domain| domain.describe(&mut schema));
                Schema::try_from(schema).unwrap_or_default()
            },
            plan: |args, scope| {
                domain::plan(P::DOMAINS, &args.clone(), scope, |scope| match P::deserialize(args) {
                    Ok(params) => params.plan(scope),
                    Err(error) => Err(scope.error("", error.message().to_owned())),
                })
            },
            explain: |loaded, path| loaded.explain::<P>(path),
        }
    }

    /// Gives the origin of its values with these parameters: identifiers with `shape = true` are live.
    #[must_use]
    pub fn origin(&self, args: &toml::Table) -> Origin {
        match (self.origin, args.get("shape").and_then(toml::Value::as_bool)) {
            (Origin::Reserved, Some(true)) => Origin::Live,
            (origin, _) => origin,
        }
    }
}

/// Lists the families of generators: name and members.
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

/// Finds the generator called `name`.
///
/// # Errors
///
/// If there is no such generator; the hint suggests the nearest name.
pub fn find(name: &str) -> Result<&'static Def> {
    let all = || families().into_iter().flat_map(|(_, defs)| defs);
    all().find(|def| def.name == name).ok_or_else(|| {
        Error::new(crate::error::Kind::Profile, format!("unknown generator `{name}`"))
            .hint("`placebo list generators` shows them all")
            .maybe_hint(did_you_mean(name, all().map(|def| def.name)))
    })
}
