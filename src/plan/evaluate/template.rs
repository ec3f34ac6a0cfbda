//! Messages: the columns and the rows of loops that a template needs, and the texts made of them.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray, UInt32Array};
use arrow_buffer::NullBuffer;
use arrow_ord::ord::make_comparator;
use arrow_schema::{DataType, SortOptions};
use std::sync::Arc;

use super::reduce::{Lists, Order};
use super::{Chunk, HandRows};
use crate::error::{Error, Result};
use crate::plan::{Template, TemplateList};
use crate::sql;
use crate::template::{Cells, List, Rows, render};

/// The most rows of a loop in a chunk, and the most comparisons of its condition with rows around it: a second of work.
const MAX_ROWS: usize = 1 << 24;
const MAX_PAIRS: usize = 1 << 26;

impl Chunk<'_> {
    /// Makes the messages of a frame, each of its row in the parent's frame.
    pub(super) fn messages(&mut self, frame: usize, template: &Template) -> Result<ArrayRef> {
        let (row, index) =
            self.frames[frame].parent.clone().ok_or_else(|| Error::internal("a message without a row"))?;
        let (mut frames, mut data) = (vec![row], Rows::default());
        for list in &template.lists {
            let (rows, at) = self.list(frames[list.base], list)?;
            data.lists.push(rows);
            frames.push(at);
        }
        for value in &template.values {
            let array = self.column(frames[value.frame], value.column)?;
            let cells = Cells::new(&array);
            data.columns.push(cells.ok_or_else(|| Error::internal(format!("a message of {}", array.data_type())))?);
        }
        let cap = usize::try_from(self.plan.limits.cell).unwrap_or(usize::MAX);
        let name = |(_, column): (usize, usize)| template.values[column].text.clone();
        let texts = render(&template.nodes, template.counters, template.syntax.form, &data, index.values(), cap, &name);
        // A message has the name of the row that it is made for.
        let texts: StringArray = texts.map_err(|error| {
            error.name_row(|at| format!("the message of {}", self.place(row, index.value(at) as usize)))
        })?;
        Ok(Arc::new(texts))
    }

    /// The rows of a loop for each row of a frame, and the frame that they are in.
    fn list(&mut self, base: usize, list: &TemplateList) -> Result<(List, usize)> {
        let (owners, index) = self.reach(base, &list.steps)?;
        let HandRows { frame, index: places, offsets } = self.hand(owners, list.hand)?;
        let gathered = |chunk: &mut Self, column: usize| -> Result<ArrayRef> {
            let values = chunk.column(frame, column)?;
            match &places {
                Some(places) => super::cell_limit::gather(&values, places),
                None => Ok(values),
            }
        };
        let filter = list.filter.map(|column| gathered(self, column)).transpose()?;
        let mut lists = Lists::new(&offsets, filter.as_ref().map(AsArray::as_boolean));
        if !list.order.is_empty() {
            let keys = list.order.iter().map(|(column, down)| Ok((gathered(self, *column)?, *down)));
            lists.sort(&Order::new(&keys.collect::<Result<Vec<_>>>()?)?);
        }
        let index = index.map(|index| sql::cast(&index, &DataType::Int64)).transpose()?;
        let index = index.as_ref().map(AsArray::as_primitive::<arrow_array::types::Int64Type>);
        let (all, bounds) = lists.into_parts();
        let joins = list.joins.iter().map(|join| {
            let [own, outer] = [(frame, join.column), (base, join.outer)].map(|(frame, column)| {
                let array = self.column(frame, column)?;
                sql::cast(&array, &join.ty)
            });
            let (own, outer) = (own?, outer?);
            let compare = make_comparator(&own, &outer, SortOptions::default())?;
            Ok((own.logical_nulls(), outer.logical_nulls(), compare, join.op))
        });
        let joins = joins.collect::<Result<Vec<_>>>()?;
        let joined = |own: usize, row: usize| {
            let null = |nulls: &Option<NullBuffer>, at: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(at));
            joins.iter().all(|(owns, outers, compare, op)| {
                !null(owns, own) && !null(outers, row) && op.holds(compare(own, row))
            })
        };
        let (mut rows, mut starts, mut compared) = (Vec::with_capacity(all.len()), vec![0_u32], 0_usize);
        for row in 0..self.frames[base].rows.len() {
            let owner = match index {
                Some(index) if index.is_null(row) => None,
                Some(index) => Some(index.value(row) as usize),
                None => Some(row),
            };
            if let Some(owner) = owner {
                let own = &all[bounds[owner] as usize..bounds[owner + 1] as usize];
                compared += if list.joins.is_empty() { 0 } else { own.len() };
                if compared > MAX_PAIRS || rows.len() > MAX_ROWS {
                    let message =
                        format!("a loop of the chunk has more than {MAX_ROWS} rows, or compares more than {MAX_PAIRS}");
                    return Err(Error::profile("", message).hint("`chunk = …` of the table makes chunks smaller"));
                }
                let place =
                    |row: &u32| places.as_ref().map_or(*row, |places: &UInt32Array| places.value(*row as usize));
                let most = list.limit.unwrap_or(usize::MAX);
                rows.extend(own.iter().map(place).filter(|own| joined(*own as usize, row)).take(most));
            }
            starts
                .push(u32::try_from(rows.len()).map_err(|_| Error::profile("", "too many rows in loops of messages"))?);
        }
        Ok((List { rows: rows.into(), bounds: starts.into() }, frame))
    }
}
