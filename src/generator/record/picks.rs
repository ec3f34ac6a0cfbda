//! Draws of records for some rows: by weight, in order, or without repetition.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow_array::{Array, Int32Array};

use super::{Group, MOST_MATCHES, Match, Picker, UNKNOWN};
use crate::arrays::Texts;
use crate::generator::Fill;
use crate::rng::Cell;

/// The codes of a matched expression for some rows. A dictionary is looked up once a value, not once a row.
enum Codes<'a> {
    One(Option<u32>),
    Keyed(&'a Int32Array, Vec<u32>),
    Plain(Texts<'a>, &'a BTreeMap<String, u32>),
}

impl<'a> Codes<'a> {
    fn of(matched: &'a Match, fill: &'a Fill<'_>) -> Self {
        let known = |text: &str| matched.codes.get(text).copied().unwrap_or(UNKNOWN);
        match matched.value.view(fill) {
            Texts::One(text) => Codes::One(text.at(0).map(known)),
            Texts::Keyed(keys, values) => Codes::Keyed(keys, values.iter().map(|v| known(v.unwrap_or(""))).collect()),
            plain => Codes::Plain(plain, &matched.codes),
        }
    }

    #[inline]
    fn at(&self, i: usize) -> Option<u32> {
        match self {
            Codes::One(code) => *code,
            Codes::Keyed(keys, codes) => (!keys.is_null(i)).then(|| codes[keys.value(i) as usize]),
            Codes::Plain(texts, known) => texts.at(i).map(|text| known.get(text).copied().unwrap_or(UNKNOWN)),
        }
    }
}

/// A picker with the matched values of some rows.
pub(in super::super) struct Picks<'a> {
    picker: &'a Picker,
    codes: Vec<Codes<'a>>,
}

impl<'a> Picks<'a> {
    /// Matches the values of some rows with those of a picker.
    pub(super) fn of(picker: &'a Picker, fill: &'a Fill<'_>) -> Self {
        Self { picker, codes: picker.matches.iter().map(|m| Codes::of(m, fill)).collect() }
    }

    /// Whether no matched value of row `i` is null.
    pub(in super::super) fn whole(&self, i: usize) -> bool {
        self.codes.iter().all(|codes| codes.at(i).is_some())
    }

    /// Looks the matched values of row `i` up, once for all groups; `None` if one of them is null.
    pub(super) fn row(&self, i: usize) -> Option<[u32; MOST_MATCHES]> {
        let mut row = [UNKNOWN; MOST_MATCHES];
        for (code, codes) in row.iter_mut().zip(&self.codes) {
            *code = codes.at(i)?;
        }
        Some(row)
    }

    /// Lists the groups that a row matches; none where a value is null.
    pub(super) fn groups(&self, row: Option<[u32; MOST_MATCHES]>) -> impl Iterator<Item = &Group> {
        self.picker.groups(move |c| row.map(|row| row[c])).filter(move |_| row.is_some())
    }

    /// Draws a record for row `i`, by weight. `None` if no record matches.
    pub(in super::super) fn draw(&self, i: usize, cell: &mut Cell) -> Option<usize> {
        let row = self.row(i);
        let mut groups = self.groups(row);
        let mut group = groups.next()?;
        let (mut several, mut total) = (false, group.total);
        for other in groups {
            (several, total) = (true, total + other.total);
        }
        if several {
            // With `*`, several groups match: first draw the group by its total weight, then the record within it.
            let mut left = cell.unit() * total;
            let chosen = self.groups(row).find(|group| {
                left -= group.total;
                left < 0.0
            });
            group = chosen.unwrap_or(group);
        }
        Some(group.records[group.table.pick(cell)] as usize)
    }

    /// Gives the n-th matching record in the order of the file, counted from 0.
    pub(super) fn nth(&self, i: usize, n: u64) -> Option<usize> {
        let row = self.row(i);
        let mut groups = self.groups(row);
        let (first, second) = (groups.next()?, groups.next());
        if second.is_none() {
            return first.records.get(usize::try_from(n).ok()?).map(|record| *record as usize);
        }
        let mut all: Vec<u32> = self.groups(row).flat_map(|group| group.records.iter().copied()).collect();
        all.sort_unstable();
        all.get(usize::try_from(n).ok()?).map(|record| *record as usize)
    }

    /// Draws a matching record that is not among `taken`: by rejection, then by a draw among the remaining ones.
    fn fresh(&self, i: usize, cell: &mut Cell, taken: &[i32]) -> Option<usize> {
        for _ in 0..16 {
            let record = self.draw(i, cell)?;
            if !taken.contains(&(record as i32)) {
                return Some(record);
            }
        }
        let weight = |record: &u32| self.picker.weights[*record as usize];
        let left = || {
            let records = self.groups(self.row(i)).flat_map(|group| &group.records);
            records.filter(|record| weight(record) > 0.0 && !taken.contains(&(**record as i32)))
        };
        let mut rest = cell.unit() * left().map(weight).sum::<f64>();
        let chosen = left().find(|record| {
            rest -= weight(record);
            rest < 0.0
        });
        chosen.or_else(|| left().last()).map(|record| *record as usize)
    }

    /// Draws a record for each row of a family, none of them twice.
    pub(super) fn distinct(
        &self,
        fill: &Fill<'_>,
        family: Range<usize>,
        taken: &mut Vec<i32>,
        to: &mut Vec<Option<i32>>,
    ) {
        for i in family {
            let pick = self.fresh(i, &mut fill.cell(i), taken).map(|record| record as i32);
            taken.extend(pick);
            to.push(pick);
        }
    }
}
