//! Picks among the rows whose columns equal given values (`match`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};

use super::{Skew, beyond, draw, others};
use crate::arrays::{Texts, texts};
use crate::error::{Error, Result};
use crate::generator::{Fill, Operand};
use crate::plan::{Chunk, Op, Plan, Step};
use crate::profile::{Fallback, Loaded};
use crate::sql;

/// The most rows of a table that can be matched without strata: an index of 4 bytes a row is kept in memory.
const MAX_INDEX: u64 = 1 << 22;

/// A pick among the matching rows.
pub(in crate::plan) struct Match {
    table: usize,
    /// The columns of the table that must equal the inputs `sources`.
    columns: Vec<usize>,
    sources: Vec<usize>,
    skew: Option<Operand<Float64Type>>,
    fallback: Option<Fallback>,
    differs: Vec<usize>,
    index: OnceLock<Arc<Index>>,
}

/// The rows by the text of their matched columns.
type Index = BTreeMap<String, Vec<u32>>;

impl Match {
    pub(in crate::plan) fn new(
        table: usize,
        columns: Vec<usize>,
        sources: Vec<usize>,
        skew: Option<Operand<Float64Type>>,
        fallback: Option<Fallback>,
        differs: Vec<usize>,
    ) -> Self {
        Self { table, columns, sources, skew, fallback, differs, index: OnceLock::new() }
    }

    /// Picks a row number for each row.
    pub(in crate::plan) fn fill(&self, plan: &Plan, fill: &Fill<'_>) -> Result<ArrayRef> {
        let index = self.index(plan)?;
        let rows = plan.tables[self.table].rows;
        let plain =
            self.sources.iter().map(|source| sql::as_text(&fill.inputs[*source])).collect::<Result<Vec<_>>>()?;
        let sources: Vec<Texts<'_>> = plain.iter().map(texts).collect();
        let skew = self.skew.as_ref().map(|skew| skew.view(fill));
        let (mut key, mut taken) = (String::new(), Vec::new());
        Ok(Arc::new(fill.optional::<Int64Type>(|i, mut cell| {
            let skew = Skew::at(skew.as_ref(), i);
            let known = write_key(&sources, i, &mut key).and_then(|()| index.get(&key));
            others(fill, &self.differs, i, &mut taken);
            match (known, self.fallback) {
                (Some(list), _) => {
                    taken.retain(|row| list.binary_search(&(*row as u32)).is_ok());
                    let places: Vec<u64> = taken
                        .iter()
                        .filter_map(|row| list.binary_search(&(*row as u32)).ok())
                        .map(|p| p as u64)
                        .collect();
                    let place = draw(&mut cell, (list.len() - places.len()) as u64, skew)?;
                    Some(i64::from(list[beyond(place, &places) as usize]))
                }
                (None, Some(Fallback::Any)) => {
                    let row = draw(&mut cell, rows.saturating_sub(taken.len() as u64), skew)?;
                    Some(beyond(row, &taken) as i64)
                }
                (None, _) => None,
            }
        })))
    }

    fn index(&self, plan: &Plan) -> Result<Arc<Index>> {
        if let Some(index) = self.index.get() {
            return Ok(Arc::clone(index));
        }
        let rows = plan.tables[self.table].rows;
        if rows > MAX_INDEX {
            return Err(Error::profile(
                "",
                format!("`{}` has {rows} rows, too many to match", plan.tables[self.table].name),
            )
            .hint(format!("at most {MAX_INDEX} rows can be matched; for more use a `deal` with `match` on a column of `gen.strata`")));
        }
        let mut index = Index::new();
        let mut key = String::new();
        for start in (0..rows).step_by(1 << 15) {
            let numbers: Vec<u64> = (start..(start + (1 << 15)).min(rows)).collect();
            let columns = Chunk::of_numbers(plan, self.table, &numbers, &self.columns)?;
            let plain = columns.iter().map(sql::as_text).collect::<Result<Vec<_>>>()?;
            let sources: Vec<Texts<'_>> = plain.iter().map(texts).collect();
            for (i, row) in numbers.iter().enumerate() {
                if write_key(&sources, i, &mut key).is_none() {
                    continue;
                }
                match index.get_mut(&key) {
                    Some(list) => list.push(*row as u32),
                    None => {
                        index.insert(key.clone(), vec![*row as u32]);
                    }
                }
            }
        }
        // If another thread was first, its index is equal.
        Ok(Arc::clone(self.index.get_or_init(|| Arc::new(index))))
    }
}

/// Writes the key of a row in the index. `None` if a value is null: null equals nothing.
fn write_key(sources: &[Texts<'_>], i: usize, key: &mut String) -> Option<()> {
    key.clear();
    for source in sources {
        key.push_str(source.at(i)?);
        key.push('\u{1f}');
    }
    Some(())
}

impl Plan {
    /// Proves that every match without a fallback always finds a row, or refuses the profile.
    pub(in crate::plan) fn prove_matches(&self, loaded: &Loaded) -> Result<()> {
        for table in &self.tables {
            for reference in table.refs.iter().flatten() {
                let column = &table.columns[reference.pick];
                let Op::Match(matching) = &column.op else { continue };
                if matching.fallback.is_some() {
                    continue;
                }
                let path = format!("tables.{}.refs.{}", table.name, reference.name);
                let says = &loaded.profile.tables[&table.name].refs[&reference.name];
                let names = says.r#match.keys().map(String::as_str).collect::<Vec<_>>().join("`, `");
                let add = || "add fallback = \"any\" (any row) or fallback = \"none\" (no row)";
                let [source] = matching.sources.as_slice() else {
                    return Err(Error::profile(path, format!("a match of `{names}` may find no row")).hint(add()));
                };
                let at = self.tables.iter().position(|t| t.name == table.name).unwrap_or_default();
                let input = &column.inputs[*source];
                let Some(values) = self.domain(at, &input.steps, input.column)? else {
                    return Err(Error::profile(
                        path,
                        format!(
                            "a match of `{names}` may find no row: its values do not follow from the profile alone"
                        ),
                    )
                    .hint(add()));
                };
                let index = matching.index(self).map_err(|error| error.within(&path))?;
                if let Some(missing) = values.iter().find(|value| !index.contains_key(&format!("{value}\u{1f}"))) {
                    let target = &self.tables[reference.table].name;
                    return Err(
                        Error::profile(path, format!("no row of `{target}` has `{names}` = `{missing}`")).hint(add())
                    );
                }
            }
        }
        Ok(())
    }

    /// Lists the texts that a column can have, without null. `None` if they do not follow from the profile alone.
    fn domain(&self, mut table: usize, steps: &[Step], column: usize) -> Result<Option<BTreeSet<String>>> {
        for step in steps {
            table = match step {
                Step::Parent => self.tables[table].parent.unwrap_or(table),
                Step::Ref(reference) => match &self.tables[table].refs[*reference] {
                    Some(reference) => reference.table,
                    None => return Ok(None),
                },
                Step::Fact(_) => return Ok(None),
            };
        }
        let made = &self.tables[table].columns[column];
        match &made.op {
            Op::Generator(generator) => Ok(generator.domain().map(BTreeSet::from_iter)),
            Op::Project(column) => values(column).map(Some),
            Op::Expr(sql::Expr { node: sql::Node::Input(input), .. }) => {
                let input = &made.inputs[*input];
                self.domain(table, &input.steps, input.column)
            }
            Op::Expr(sql::Expr { node: sql::Node::Literal(value), .. }) => values(value).map(Some),
            _ if self.tables[table].cached.is_some() => {
                let numbers: Vec<u64> = (0..self.tables[table].rows).collect();
                let columns = Chunk::of_numbers(self, table, &numbers, &[column])?;
                columns.first().map(values).transpose()
            }
            _ => Ok(None),
        }
    }
}

fn values(array: &ArrayRef) -> Result<BTreeSet<String>> {
    let plain = sql::as_text(array)?;
    let values = texts(&plain);
    Ok((0..plain.len()).filter_map(|i| values.at(i).map(str::to_owned)).collect())
}
