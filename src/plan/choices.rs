//! The number of different values that a column may have, as far as it follows from the profile alone.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

use super::{Listed, Op, Plan, WalkColumn};
use crate::sql::{Expr, Node, Reduction};

/// The most values that are counted one by one.
const MOST: u64 = 64;

/// Counts found so far, by table and column; `None` for more than [`MOST`], and for columns that are being looked at.
type Known = BTreeMap<(usize, usize), Option<u64>>;

impl Plan {
    /// Tells whether a column of texts or truth values is declared to have at most 64 different values.
    #[must_use]
    pub fn has_few_values(&self, table: usize, column: usize) -> bool {
        let text = matches!(self.tables[table].columns[column].ty, DataType::Utf8 | DataType::Dictionary(..));
        let truth = self.tables[table].columns[column].ty == DataType::Boolean;
        truth || (text && self.choices(table, column, &mut Known::new()).is_some())
    }

    fn choices(&self, table: usize, column: usize, known: &mut Known) -> Option<u64> {
        if let Some(count) = known.get(&(table, column)) {
            return *count;
        }
        known.insert((table, column), None);
        let count = self.count(table, column, known).filter(|count| *count <= MOST);
        known.insert((table, column), count);
        count
    }

    fn count(&self, table: usize, column: usize, known: &mut Known) -> Option<u64> {
        let made = &self.tables[table].columns[column];
        if made.ty == DataType::Boolean {
            return Some(2);
        }
        match &made.op {
            Op::Expr(expr) => {
                let input = |at: usize, known: &mut Known| {
                    let (table, column) = self.end_of(table, made.inputs.get(at)?)?;
                    self.choices(table, column, known)
                };
                values(expr, known, &input)
            }
            Op::Generator(generator) => generator.values(),
            Op::Project(values) => distinct(values),
            Op::Walk(WalkColumn::State | WalkColumn::From) => match &self.tables[table].source {
                super::Source::Walk(walk) => Some(walk.walker.states.len() as u64),
                _ => None,
            },
            Op::Listed(entries) => entries.iter().try_fold(0_u64, |all, entry| {
                let more = match entry {
                    Listed::Constant(_) => 1,
                    Listed::Null => 0,
                    Listed::Column(table, column) => self.choices(*table, *column, known)?,
                };
                Some(all + more)
            }),
            // The text of an aggregate or window is one of its argument's, unless texts are put together.
            Op::Aggregate(aggregate) if aggregate.function != Reduction::StringAgg => {
                self.choices(aggregate.hand.table, aggregate.argument?, known)
            }
            Op::Window(window) if window.function != Reduction::StringAgg => window
                .arguments
                .iter()
                .try_fold(0_u64, |all, argument| Some(all + self.choices(table, *argument, known)?)),
            _ => None,
        }
    }
}

/// A bound on the values of an expression: it is a function of its inputs.
fn values(expr: &Expr, known: &mut Known, input: &impl Fn(usize, &mut Known) -> Option<u64>) -> Option<u64> {
    match &expr.node {
        _ if expr.ty == DataType::Boolean => Some(2),
        Node::Literal(_) => Some(1),
        Node::Input(at) => input(*at, known),
        Node::Cast(arg) => values(arg, known, input),
        Node::Case(_, branches) => {
            branches.iter().try_fold(0_u64, |all, branch| Some(all + values(branch, known, input)?))
        }
        Node::Call(_, args) => args.iter().try_fold(1_u64, |all, arg| all.checked_mul(values(arg, known, input)?)),
    }
}

/// The number of different texts of a column of a data file; `None` for other columns, and for many texts.
fn distinct(values: &ArrayRef) -> Option<u64> {
    let texts = values.as_string_opt::<i32>().cloned().or_else(|| {
        let codes = values.as_dictionary_opt::<arrow_array::types::Int32Type>()?;
        codes.values().as_string_opt::<i32>().cloned()
    })?;
    let mut found = BTreeSet::new();
    for row in (0..texts.len()).filter(|row| texts.is_valid(*row)) {
        found.insert(texts.value(row));
        if found.len() as u64 > MOST {
            return None;
        }
    }
    Some(found.len() as u64)
}
