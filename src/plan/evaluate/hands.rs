//! Hands: the rows that belong to each row, the aggregates over them, and the tables made of them (`each`, `group`).

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow_schema::DataType;
use arrow_select::concat::concat;
use arrow_select::take::take;

use super::super::references::Among;
use super::super::{Aggregate, Base, Facts, Hand, Step, deal::Deal};
use super::reduce::{self, Lists, Order};
use super::{Chunk, FactRows, HandRows};
use crate::error::{Error, Result};
use crate::generator::{Fill, Rows};
use crate::rng::child_key;
use crate::sql::{self, Reduction};

impl<'p> Chunk<'p> {
    /// Gives the deal of a reference of the frame's table.
    pub(super) fn deal(&self, frame: usize, reference: usize) -> Option<&'p Deal> {
        self.plan.tables[self.frames[frame].table].refs[reference].as_ref()?.deal.as_ref()
    }

    /// Computes the hand of each row of a frame.
    pub(super) fn hand(&mut self, frame: usize, hand: Hand) -> Result<HandRows> {
        if let Some((_, rows)) = self.frames[frame].hands.iter().find(|(other, _)| *other == hand) {
            return Ok(rows.clone());
        }
        let rows = match hand.base {
            Base::Children(child) => {
                let child = self.child(frame, child)?;
                HandRows { frame: child, index: None, offsets: self.frames[child].rows.offsets.as_slice().into() }
            }
            Base::Dealt(facts, reference) => {
                let plan = self.plan;
                let dealt = plan.tables[facts].refs[reference].as_ref().and_then(|r| r.deal.as_ref().map(|d| (r, d)));
                let (reference, deal) = dealt.ok_or_else(|| Error::internal("a deal was not compiled"))?;
                let (mut numbers, mut offsets) = (Vec::new(), vec![0_u32]);
                for owner in self.numbers(frame) {
                    let more = deal.before(owner + 1) - deal.before(*owner);
                    if numbers.len() as u64 + more > self.room() as u64 {
                        return Err(Error::profile("", format!("too many rows dealt to one row: {more}")).hint(
                            "more owners or less skew make smaller hands; a larger `--max-memory` allows larger ones",
                        ));
                    }
                    deal.hand(*owner, &mut numbers);
                    offsets.push(numbers.len() as u32);
                }
                let facts = self.numbered(facts, numbers)?;
                self.without_nulls(facts, reference.pick, offsets)?
            }
            Base::Grouped(_, part) => {
                let group = self.frames[frame].facts.get(part).ok_or_else(|| Error::internal("a group of nothing"))?;
                HandRows { frame: group.frame, index: Some(group.index.clone()), offsets: Arc::clone(&group.offsets) }
            }
        };
        let rows = self.below(rows, hand.table)?;
        self.frames[frame].hands.push((hand, rows.clone()));
        Ok(rows)
    }

    /// Replaces the rows of hands by their descendants in another table.
    fn below(&mut self, hands: HandRows, table: usize) -> Result<HandRows> {
        if self.frames[hands.frame].table == table {
            return Ok(hands);
        }
        let parent = self.plan.tables[table].parent.ok_or_else(|| Error::internal("a hand of another tree"))?;
        let hands = self.below(hands, parent)?;
        let child = self.child(hands.frame, table)?;
        let starts = &self.frames[child].rows.offsets;
        let Some(index) = &hands.index else {
            let offsets = hands.offsets.iter().map(|at| starts[*at as usize]).collect();
            return Ok(HandRows { frame: child, index: None, offsets });
        };
        let (mut rows, mut offsets) = (Vec::new(), Vec::with_capacity(hands.offsets.len()));
        offsets.push(0);
        for pair in hands.offsets.windows(2) {
            for row in &index.values()[pair[0] as usize..pair[1] as usize] {
                rows.extend(starts[*row as usize]..starts[*row as usize + 1]);
            }
            offsets.push(rows.len() as u32);
        }
        Ok(HandRows { frame: child, index: Some(rows.into()), offsets: offsets.into() })
    }

    /// Makes hands without the facts whose reference is null, by its condition or its rate.
    fn without_nulls(&mut self, facts: usize, pick: usize, offsets: Vec<u32>) -> Result<HandRows> {
        let table = self.frames[facts].table;
        if !self.plan.tables[table].columns[pick].nullable {
            return Ok(HandRows { frame: facts, index: None, offsets: offsets.into() });
        }
        let picks = self.column(facts, pick)?;
        let taken: BooleanArray = (0..picks.len()).map(|i| Some(!picks.is_null(i))).collect();
        let (rows, offsets) = Lists::new(&offsets, Some(&taken)).into_parts();
        Ok(HandRows { frame: facts, index: Some(UInt32Array::from(rows)), offsets: offsets.into() })
    }

    /// Computes a column of the rows of hands, in their order.
    fn hand_column(&mut self, hands: &HandRows, column: usize) -> Result<ArrayRef> {
        let values = self.column(hands.frame, column)?;
        Ok(match &hands.index {
            Some(index) => super::cell_limit::gather(&values, index)?,
            None => values,
        })
    }

    /// Prepares the order of a frame's rows by some columns; `true` is descending. `None` without columns.
    pub(super) fn order(&mut self, frame: usize, keys: &[(usize, bool)]) -> Result<Option<Order>> {
        if keys.is_empty() {
            return Ok(None);
        }
        let columns = keys.iter().map(|(column, descending)| Ok((self.column(frame, *column)?, *descending)));
        Order::new(&columns.collect::<Result<Vec<_>>>()?).map(Some)
    }

    pub(super) fn columns(&mut self, frame: usize, columns: &[usize]) -> Result<Vec<ArrayRef>> {
        columns.iter().map(|column| self.column(frame, *column)).collect()
    }

    pub(super) fn aggregate(&mut self, frame: usize, aggregate: &Aggregate, ty: &DataType) -> Result<ArrayRef> {
        let hands = self.hand(frame, aggregate.hand)?;
        let argument = aggregate.argument.map(|column| self.hand_column(&hands, column)).transpose()?;
        let filter = aggregate.filter.map(|column| self.hand_column(&hands, column)).transpose()?;
        let mut lists = Lists::new(&hands.offsets, filter.as_ref().map(arrow_array::cast::AsArray::as_boolean));
        if !aggregate.order.is_empty() {
            let keys = aggregate.order.iter().map(|(column, down)| Ok((self.hand_column(&hands, *column)?, *down)));
            lists.sort(&Order::new(&keys.collect::<Result<Vec<_>>>()?)?);
        }
        if let (Reduction::StringAgg, Some(texts)) = (aggregate.function, &argument) {
            self.allow_joined(frame, &lists, texts, &aggregate.separator)?;
        }
        reduce::aggregate(aggregate.function, &lists, argument.as_ref(), &aggregate.separator, ty)
    }

    /// Lists the facts that meet their condition, by owner and in order. Facts of several tables are numbered in one
    /// sequence, table after table.
    fn facts(&mut self, parent: usize, all: &[Facts]) -> Result<Listed> {
        let (mut hands, mut lists, mut keys, mut starts) = (Vec::new(), Vec::new(), Vec::new(), vec![0_u32]);
        for facts in all {
            let hand = self.hand(parent, facts.hand)?;
            let filter = facts.filter.map(|column| self.hand_column(&hand, column)).transpose()?;
            lists.push(Lists::new(&hand.offsets, filter.as_ref().map(arrow_array::cast::AsArray::as_boolean)));
            keys.extend(facts.by.map(|by| self.hand_column(&hand, by)).transpose()?);
            let rows = hand.index.as_ref().map_or(self.frames[hand.frame].rows.len(), Array::len);
            starts.push(starts[starts.len() - 1] + rows as u32);
            hands.push(hand);
        }
        let keys = match keys.as_slice() {
            [] => None,
            [one] => Some(Arc::clone(one)),
            many => {
                let plain = many.iter().map(|key| sql::cast(key, sql::types::logical(key.data_type())));
                let plain = plain.collect::<Result<Vec<_>>>()?;
                Some(concat(&plain.iter().map(AsRef::as_ref).collect::<Vec<&dyn Array>>())?)
            }
        };
        let mut lists = Lists::joined(lists, &starts);
        if let Some(keys) = &keys {
            lists.sort(&Order::new(&[(Arc::clone(keys), false)])?);
        }
        Ok(Listed { hands, lists, keys, starts })
    }

    /// Adds the frame of an `each` table: a row for each fact, with a row key derived from the fact's.
    pub(super) fn each(&mut self, parent: usize, table: usize, all: &[Facts]) -> Result<usize> {
        let Listed { hands, lists, starts, .. } = self.facts(parent, all)?;
        let (places, offsets) = lists.into_parts();
        let (mut rows, owners) = self.children_rows(parent, table, offsets);
        let salt = self.plan.tables[table].key;
        let mut sources = Vec::with_capacity(all.len());
        for (hand, bounds) in hands.iter().zip(starts.windows(2)) {
            let index: UInt32Array = places.iter().map(|place| behind(hand, bounds, *place)).collect();
            let named = &self.frames[hand.frame].rows.keys;
            for (key, fact) in rows.keys.iter_mut().zip(&index) {
                *key = fact.map_or(*key, |fact| child_key(salt, named[fact as usize], 0));
            }
            sources.push(FactRows { frame: hand.frame, index, offsets: Arc::from([]) });
        }
        let frame = self.add(table, rows, Some((parent, owners)));
        self.frames[frame].facts = sources;
        Ok(frame)
    }

    /// Adds the frame of a `group` table: a row for each distinct value among an owner's facts.
    pub(super) fn group(&mut self, parent: usize, table: usize, all: &[Facts]) -> Result<usize> {
        let Listed { hands, lists, keys, starts } = self.facts(parent, all)?;
        let keys = keys.ok_or_else(|| Error::internal("a group without a key"))?;
        let mut lists = lists.without_nulls(&keys);
        let mut counts = vec![0_i64; lists.len()];
        let from = lists.cut(&Order::new(&[(Arc::clone(&keys), false)])?);
        from.iter().for_each(|owner| counts[*owner as usize] += 1);
        let offsets = super::frames::offsets(counts.into_iter(), self.room())?;
        let (rows, index): (Rows, _) = self.children_rows(parent, table, offsets);
        let frame = self.add(table, rows, Some((parent, index)));
        let mut sources = Vec::with_capacity(all.len());
        for (hand, bounds) in hands.iter().zip(starts.windows(2)) {
            let (mut index, mut offsets) = (Vec::new(), vec![0_u32]);
            for group in lists.iter() {
                index.extend(group.iter().filter_map(|place| behind(hand, bounds, *place)));
                offsets.push(index.len() as u32);
            }
            sources.push(FactRows { frame: hand.frame, index: index.into(), offsets: offsets.into() });
        }
        self.frames[frame].facts = sources;
        let first = lists.iter().filter_map(|group| group.first().copied());
        self.frames[frame].group_key = Some(take(&keys, &UInt32Array::from_iter_values(first), None)?);
        Ok(frame)
    }

    /// Gives the value of each group, for a `group` table.
    pub(super) fn group_key(&mut self, frame: usize) -> Result<ArrayRef> {
        self.frames[frame].group_key.clone().ok_or_else(|| Error::internal("a group without a key"))
    }

    /// Picks among the siblings, or among the children of the row at the end of some steps.
    pub(super) fn among(&mut self, frame: usize, among: &Among, fill: &Fill<'_>) -> Result<ArrayRef> {
        let Some(steps) = &among.within else {
            let filter = among.filter.map(|column| self.column(frame, column)).transpose()?;
            let rows = Arc::clone(&self.frames[frame].rows);
            let mut ends = vec![0; rows.len()];
            rows.families().for_each(|family| ends[family.clone()].fill(family.end as u32));
            let family = |i: usize| Some((i as u32 - rows.ordinals[i], ends[i], rows.ordinals[i]));
            return Ok(among.fill(fill, filter.as_ref().map(arrow_array::cast::AsArray::as_boolean), family));
        };
        let (parent, index) = self.reach(frame, steps as &[Step])?;
        let children = self.child(parent, among.table)?;
        let filter = among.filter.map(|column| self.column(children, column)).transpose()?;
        let places = index.map(|index| sql::cast(&index, &DataType::Int64)).transpose()?;
        let places = places.as_ref().map(arrow_array::cast::AsArray::as_primitive::<arrow_array::types::Int64Type>);
        let rows = Arc::clone(&self.frames[children].rows);
        let family = |i: usize| {
            let parent = match places {
                Some(places) if places.is_null(i) => return None,
                Some(places) => places.value(i) as usize,
                None => i,
            };
            Some((rows.offsets[parent], rows.offsets[parent + 1], 0))
        };
        Ok(among.fill(fill, filter.as_ref().map(arrow_array::cast::AsArray::as_boolean), family))
    }
}

/// The facts of an `each` or `group` table.
struct Listed {
    /// The hands, for each source table.
    hands: Vec<HandRows>,
    lists: Lists,
    /// The keys by which the facts are ordered or grouped.
    keys: Option<ArrayRef>,
    /// The first number of each source table's facts, and the end.
    starts: Vec<u32>,
}

/// Converts a number of a fact to a row of the hand's frame. `None` if the number is outside `bounds`, those of another
/// source table.
fn behind(hands: &HandRows, bounds: &[u32], place: u32) -> Option<u32> {
    let place = (bounds[0]..bounds[1]).contains(&place).then(|| place - bounds[0])?;
    Some(hands.index.as_ref().map_or(place, |index| index.value(place as usize)))
}
