//! A chosen row as one document: its children inside of it, by table; beside it the same thing in other tables, and the rows
//! that all of them refer to.
//!
//! ```text
//! {"owner": {"owner_id": 17, "thing": [{"thing_id": 1}, {"thing_id": 2}]}, "person": {"person_id": 17}, "parents": {"shop": [{"shop_id": 3}]}}
//! ```

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::dataset::{DataSet, Output, OutputId, Selection, TreeShare};
use crate::engine::{ChunkId, Done, Encode, Encoded, Outcome, Session};
use crate::error::{Error, Result};
use crate::folder::FileEncoder;
use crate::format::write::Piece;
use crate::format::write::nest::{Member, Object};
use crate::format::{self, Document, Options};
use crate::order::lock;

/// The member with the rows that are referred to.
const PARENTS: &str = "parents";

/// Tells whether a data set can be written as a document: a row was chosen, and its table is wanted.
pub(super) fn fits(set: &DataSet) -> bool {
    start(set).is_some()
}

fn start(set: &DataSet) -> Option<OutputId> {
    let only = set.selection()?.only();
    Some(set.outputs().iter().find(|output| output.name == only.table)?.id)
}

/// A run that writes a document at its end.
pub(super) struct DocumentSession<'a> {
    set: &'a DataSet,
    selection: &'a Selection,
    start: OutputId,
    document: &'static Document,
    /// The rows of each output, an object a line.
    lines: Mutex<BTreeMap<OutputId, Vec<u8>>>,
    rows: Mutex<u64>,
}

impl<'a> DocumentSession<'a> {
    /// A run for a data set of which the chosen row is wanted; `None` for any other.
    pub(super) fn new(set: &'a DataSet, document: &'static Document) -> Option<Self> {
        let selection = set.selection()?;
        let start = start(set)?;
        Some(Self { set, selection, start, document, lines: Mutex::default(), rows: Mutex::default() })
    }
}

impl Session for DocumentSession<'_> {
    fn begin_tree(&self, _: &TreeShare) -> Result<Done> {
        Ok(Done::default())
    }

    fn encoder<'s>(&'s self, output: &Output) -> Result<Box<dyn Encode + 's>> {
        Ok(Box::new(FileEncoder::new(format::find(self.document.lines)?, &Options::default(), output)?))
    }

    fn deliver(&self, _: &ChunkId<'_>, encoded: Vec<(OutputId, Encoded)>) -> Result<()> {
        for (output, Encoded { sum, piece, .. }) in encoded {
            let Piece::Bytes(bytes) = piece else { return Err(Error::internal("a document takes text, not rows")) };
            lock(&self.lines).entry(output).or_default().extend(bytes);
            *lock(&self.rows) += sum.rows;
        }
        Ok(())
    }

    fn end_tree(&self, _: &TreeShare) -> Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        let Self { set, selection, start, document, lines, rows } = *self;
        let lines = lines.into_inner().unwrap_or_else(PoisonError::into_inner);
        let text = (document.layout)(&Nested::new(set, selection, lines)?.text(start)?);
        let mut out = std::io::stdout().lock();
        let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        written.map_err(|error| Error::io("standard output", error))?;
        let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(Outcome { outputs: 1, rows, bytes: text.len() as u64, ..Outcome::default() })
    }
}

/// A row of an output.
type Row = (OutputId, usize);

/// Rows as text, and which of them belong inside of others.
struct Nested<'a> {
    set: &'a DataSet,
    selection: &'a Selection,
    rows: BTreeMap<OutputId, Vec<String>>,
    /// The rows below each row, by output.
    below: BTreeMap<Row, BTreeMap<OutputId, Vec<usize>>>,
    /// The rows that are inside of no other.
    loose: BTreeMap<OutputId, Vec<usize>>,
}

impl<'a> Nested<'a> {
    fn new(set: &'a DataSet, selection: &'a Selection, lines: BTreeMap<OutputId, Vec<u8>>) -> Result<Self> {
        let rows = |(output, lines): (OutputId, Vec<u8>)| {
            let lines = String::from_utf8(lines).map_err(|error| Error::internal(error.to_string()))?;
            Ok((output, lines.lines().map(str::to_owned).collect::<Vec<_>>()))
        };
        let rows = lines.into_iter().map(rows).collect::<Result<BTreeMap<_, _>>>()?;
        let mut nested = Self { set, selection, rows, below: BTreeMap::new(), loose: BTreeMap::new() };
        for output in set.outputs() {
            for row in 0..nested.rows.get(&output.id).map_or(0, Vec::len) {
                match nested.above(output, row) {
                    Some(above) => nested.below.entry(above).or_default().entry(output.id).or_default().push(row),
                    None => nested.loose.entry(output.id).or_default().push(row),
                }
            }
        }
        Ok(nested)
    }

    /// The nearest row above a row whose table is written.
    fn above(&self, output: &Output, row: usize) -> Option<Row> {
        let (mut table, mut row) = (output.table, row);
        loop {
            row = self.selection.owner(table, row)?;
            table = self.set.plan().tables[table].parent?;
            if let Some(output) = self.set.outputs().iter().find(|output| output.table == table) {
                return Some((output.id, row));
            }
        }
    }

    /// Tells whether rows of one output belong inside of rows of another.
    fn is_inside(&self, inner: &Output, outer: &Output) -> bool {
        let tables = &self.set.plan().tables;
        let written = |table: &usize| self.set.outputs().iter().any(|output| output.table == *table);
        std::iter::successors(tables[inner.table].parent, |table| tables[*table].parent).find(written)
            == Some(outer.table)
    }

    fn text(&self, start: OutputId) -> Result<String> {
        let start = self.set.output(start);
        let others = self.set.outputs().iter().filter(|output| output.id != start.id);
        let (mut document, mut parents) = (Object::default(), Vec::new());
        for output in [start].into_iter().chain(others) {
            let loose = self.loose.get(&output.id).map_or(&[][..], Vec::as_slice);
            let root = |row: &&usize| self.selection.is_root(output.table, **row);
            let (own, referred): (Vec<&usize>, Vec<&usize>) = loose.iter().partition(root);
            for row in own {
                let row = self.row((output.id, *row))?;
                document.add(&output.name, |_| false, Member::One(Some(row)));
            }
            if !referred.is_empty() {
                let rows: Vec<usize> = referred.into_iter().copied().collect();
                parents.push((output.id, output.name.as_str(), self.list(output.id, &rows)?));
            }
        }
        // In the order of the files, where the chosen row is the first of its document.
        parents.sort_by_key(|(id, ..)| *id);
        if self.selection.only().with_parents {
            let mut all = Object::default();
            for (_, name, rows) in parents {
                all.add(name, |_| false, Member::Many(rows));
            }
            document.add(PARENTS, |_| false, Member::One(Some(all)));
        }
        Ok(document.json() + "\n")
    }

    fn list(&self, output: OutputId, rows: &[usize]) -> Result<Vec<Object>> {
        rows.iter().map(|row| self.row((output, *row))).collect()
    }

    /// A row with the rows below it. A table that has the name of a column gets another name.
    fn row(&self, row: Row) -> Result<Object> {
        let line = self.rows.get(&row.0).and_then(|rows| rows.get(row.1));
        let line = line.ok_or_else(|| Error::internal("a row without text"))?;
        let (mut object, outer) = (Object::of_line(line)?, self.set.output(row.0));
        for output in self.set.outputs().iter().filter(|output| self.is_inside(output, outer)) {
            let rows = self.below.get(&row).and_then(|below| below.get(&output.id)).map_or(&[][..], Vec::as_slice);
            if self.selection.is_whole(outer.table, row.1) {
                let taken = |name: &str| outer.schema.field_with_name(name).is_ok();
                object.add(&output.name, taken, Member::Many(self.list(output.id, rows)?));
            }
        }
        Ok(object)
    }
}
