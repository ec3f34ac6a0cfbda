//! Groups of rows by the values of some columns: a small number for each row, and the values of each group.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, BooleanArray, StringArray};

use crate::error::Result;
use crate::format::write::add_key_cell;
use crate::format::write::texts::texts;

/// The values that make a group, as texts.
pub(super) type Group = Vec<Option<String>>;

/// Values with their rows.
pub(super) type Counts = Vec<(Option<String>, u64)>;

/// The groups of some rows.
pub(super) struct Groups {
    /// The group of each row.
    pub(super) codes: Vec<u32>,
    /// The values of each group. Two groups may have the same.
    pub(super) groups: Vec<Group>,
}

/// Groups rows by columns, of which there is at least one.
///
/// # Errors
///
/// If a value has no text.
pub(super) fn grouped(columns: &[&ArrayRef]) -> Result<Groups> {
    let mut all: Option<Groups> = None;
    for column in columns {
        let (codes, values) = coded(column)?;
        all = Some(match all {
            None => Groups { codes, groups: values.into_iter().map(|value| vec![value]).collect() },
            Some(all) => product(&all, &codes, &values),
        });
    }
    Ok(all.unwrap_or_else(|| Groups { codes: Vec::new(), groups: Vec::new() }))
}

/// Counts the rows of each value of a column of codes or truth values; `None` for other columns. A value may come twice.
///
/// # Errors
///
/// If a value has no text.
pub(super) fn counted(column: &ArrayRef) -> Result<Option<Counts>> {
    let mut found = Vec::new();
    if let Some(codes) = column.as_dictionary_opt::<Int32Type>() {
        let (values, keys) = (texts(codes.values())?, codes.keys());
        let mut counts = vec![0_u64; values.len()];
        let mut count = |key: i32| counts[key as usize] += 1;
        match keys.nulls() {
            None => keys.values().iter().for_each(|key| count(*key)),
            Some(_) => keys.iter().flatten().for_each(count),
        }
        found.extend(values.iter().zip(counts).map(|(value, count)| (value.map(str::to_owned), count)));
        found.push((None, keys.null_count() as u64));
    } else if let Some(truths) = column.as_boolean_opt() {
        found.push((Some("false".to_owned()), truths.false_count() as u64));
        found.push((Some("true".to_owned()), truths.true_count() as u64));
        found.push((None, truths.null_count() as u64));
    } else {
        return Ok(None);
    }
    found.retain(|(_, count)| *count > 0);
    Ok(Some(found))
}

/// The groups with one more column.
fn product(all: &Groups, codes: &[u32], values: &[Option<String>]) -> Groups {
    let mut pairs: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let (mut made, mut groups, mut last) = (Vec::with_capacity(codes.len()), Vec::new(), None);
    for (group, code) in all.codes.iter().zip(codes) {
        let pair = (*group, *code);
        if let Some((known, at)) = last
            && known == pair
        {
            made.push(at);
            continue;
        }
        let at = *pairs.entry(pair).or_insert_with(|| {
            let mut group = all.groups[pair.0 as usize].clone();
            group.push(values[pair.1 as usize].clone());
            groups.push(group);
            groups.len() as u32 - 1
        });
        last = Some((pair, at));
        made.push(at);
    }
    Groups { codes: made, groups }
}

/// A small number for the value of each row, and the values.
fn coded(column: &ArrayRef) -> Result<(Vec<u32>, Vec<Option<String>>)> {
    if let Some(codes) =
        column.as_dictionary_opt::<Int32Type>().filter(|codes| codes.values().len() <= codes.len().max(256))
    {
        let values = texts(codes.values())?;
        let mut values: Vec<Option<String>> = values.iter().map(|text| text.map(str::to_owned)).collect();
        let none = values.len() as u32;
        values.push(None);
        let keys = codes.keys();
        let code = |key: Option<i32>| key.and_then(|key| u32::try_from(key).ok()).unwrap_or(none);
        return Ok((keys.iter().map(code).collect(), values));
    }
    if let Some(truths) = column.as_any().downcast_ref::<BooleanArray>() {
        let code = |truth: Option<bool>| truth.map_or(2, u32::from);
        return Ok((truths.iter().map(code).collect(), vec![Some("false".to_owned()), Some("true".to_owned()), None]));
    }
    let texts = texts(column)?;
    Ok(numbered(&texts))
}

/// Numbers texts in the order in which they are first seen.
fn numbered(texts: &StringArray) -> (Vec<u32>, Vec<Option<String>>) {
    let (mut known, mut values) = (Seen::new(), Vec::new());
    let codes = texts.iter().map(|text| {
        known.code(text, || {
            values.push(text.map(str::to_owned));
        })
    });
    (codes.collect(), values)
}

/// Texts that were seen, by their hashes: a table whose size is a power of two, at most half full.
struct Seen<'t> {
    slots: Vec<Option<(u64, u32)>>,
    texts: Vec<Option<&'t str>>,
}

impl<'t> Seen<'t> {
    fn new() -> Self {
        Self { slots: vec![None; 128], texts: Vec::new() }
    }

    fn code(&mut self, text: Option<&'t str>, new: impl FnOnce()) -> u32 {
        let hash = add_key_cell(0, text.map(str::as_bytes));
        let mut at = self.place(hash);
        while let Some((known, code)) = self.slots[at] {
            if known == hash && self.texts[code as usize] == text {
                return code;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        let code = self.texts.len() as u32;
        self.slots[at] = Some((hash, code));
        self.texts.push(text);
        new();
        if self.texts.len() * 2 > self.slots.len() {
            self.grow();
        }
        code
    }

    fn place(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.slots);
        self.slots = vec![None; old.len() * 4];
        for (hash, code) in old.into_iter().flatten() {
            let mut at = self.place(hash);
            while self.slots[at].is_some() {
                at = (at + 1) & (self.slots.len() - 1);
            }
            self.slots[at] = Some((hash, code));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_numbered_as_they_come() {
        let all: Vec<Option<String>> =
            (0..5_000).map(|n| if n % 7 == 0 { None } else { Some((n % 300).to_string()) }).collect();
        let (codes, values) = numbered(&all.iter().map(Option::as_deref).collect());
        assert_eq!(values.len(), 301);
        assert!(codes.iter().zip(&all).all(|(code, text)| values[*code as usize] == *text));
        assert_eq!(codes[..3], [0, 1, 2]);
    }
}
