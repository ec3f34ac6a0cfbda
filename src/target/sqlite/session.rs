//! One run into a database.

use std::ops::Range;
use std::sync::Mutex;

use rusqlite::{Transaction, TransactionBehavior};

use super::bind::{self, Refusal};
use super::connect::Database;
use super::encode::BatchEncoder;
use super::{ledger, schema};
use crate::dataset::{DataSet, Output, OutputId, TreeShare};
use crate::engine::{ChunkId, Done, Encode, Encoded, Outcome, Progress, Session};
use crate::error::{Error, Kind, Result};
use crate::folder::Lock;
use crate::folder::manifest::{FormatSettings, Manifest};
use crate::format::write::Piece;
use crate::order::lock;

/// Rows without the row that they refer to, of which an error tells.
const TOLD: usize = 5;

/// A run into a database: one connection, which workers take in turns, because the database has one writer.
pub(super) struct SqliteSession<'a> {
    database: Mutex<Database>,
    set: &'a DataSet,
    progress: &'a Progress,
    /// Dropped last: the file is ours until the connection is closed.
    _lock: Lock,
}

impl<'a> SqliteSession<'a> {
    pub(super) fn new(database: Database, set: &'a DataSet, progress: &'a Progress, lock: Lock) -> Self {
        Self { database: Mutex::new(database), set, progress, _lock: lock }
    }

    /// Takes the file for this run alone.
    ///
    /// # Errors
    ///
    /// If another program has it open.
    pub(super) fn begin_writing(&self) -> Result<()> {
        lock(&self.database).begin_writing()
    }

    /// The outcome of a file that has all rows of this data set, and of a whole one its manifest; `None` for any other.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be read.
    pub(super) fn complete(&self) -> Result<Option<Outcome>> {
        let database = lock(&self.database);
        let load = database.load()?;
        let kept = load.is_some_and(|load| load.manifest.is_some());
        if !kept && (self.is_whole(&database)? || !self.has_part(&database)?) {
            return Ok(None);
        }
        database.close()?;
        Ok(Some(Outcome { unchanged: true, ..self.outcome(&database)? }))
    }

    /// Whether the ledger has every root row of some trees.
    fn has(database: &Database, trees: impl Iterator<Item = (String, Range<u64>)>) -> Result<bool> {
        for (tree, rows) in trees {
            let there = ledger::ranges(&database.connection, &tree).map_err(|error| database.failed(error))?;
            let all = there.iter().any(|range| range.start <= rows.start && rows.end <= range.end);
            if !rows.is_empty() && !all {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether all rows of this part are there.
    fn has_part(&self, database: &Database) -> Result<bool> {
        Self::has(database, self.set.trees().into_iter().map(|tree| (tree.name, tree.rows)))
    }

    /// Whether all rows of all parts are there.
    fn is_whole(&self, database: &Database) -> Result<bool> {
        if self.set.selection().is_some() {
            return self.has_part(database);
        }
        let tables = &self.set.plan().tables;
        Self::has(database, self.set.trees().into_iter().map(|tree| (tree.name, 0..tables[tree.root].rows)))
    }

    fn outcome(&self, database: &Database) -> Result<Outcome> {
        let sums = ledger::sums(&database.connection).map_err(|error| database.failed(error))?;
        Ok(Outcome {
            outputs: self.set.outputs().len(),
            rows: sums.values().flatten().map(|sum| sum.rows).sum(),
            bytes: database.path.metadata().map_or(0, |file| file.len()),
            place: Some(database.path.display().to_string()),
            ..Outcome::default()
        })
    }

    /// Checks a file that has all rows, and keeps its manifest there.
    fn describe(&self, database: &Database) -> Result<()> {
        allow_references(database)?;
        let sums = ledger::sums(&database.connection).map_err(|error| database.failed(error))?;
        for output in self.set.outputs() {
            let count = format!("SELECT count(*) FROM {}", crate::format::write::ddl::quoted(&output.name));
            let there = database.connection.query_row(&count, [], |row| row.get::<_, i64>(0));
            let there = there.map_err(|error| database.failed(error))? as u64;
            let expected = sums.get(&output.name).copied().flatten().map(|sum| sum.rows);
            if expected.unwrap_or(0) != there {
                return Err(damaged(
                    database,
                    &format!("the table `{}` has rows that the ledger has not", output.name),
                ));
            }
        }
        let sum = |table: &str| sums.get(table).copied().flatten().unwrap_or_default();
        let mut manifest = Manifest::without_files("sqlite", FormatSettings::none(), self.set, sum);
        // The parts that are there are the whole.
        manifest.part = None;
        database.batch("PRAGMA analysis_limit = 400; ANALYZE;")?;
        ledger::keep_manifest(&database.connection, &manifest.to_json()).map_err(|error| database.failed(error))
    }
}

/// Refuses rows that refer to a row that is not there.
fn allow_references(database: &Database) -> Result<()> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = database.connection.prepare("PRAGMA foreign_key_check")?;
        let mut rows = statement.query([])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let (table, id, parent): (String, Option<i64>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
            found.push(format!("`{table}` row {} refers to no row of `{parent}`", id.unwrap_or(0)));
            if found.len() == TOLD {
                break;
            }
        }
        Ok(found)
    };
    let found = read().map_err(|error| database.failed(error))?;
    if found.is_empty() {
        return Ok(());
    }
    Err(damaged(database, &found.join("; ")))
}

fn damaged(database: &Database, what: &str) -> Error {
    Error::new(Kind::Verification, format!("`{}`: {what}", database.path.display()))
        .hint("the file was changed, or the profile has references that lead nowhere: `placebo check` finds those")
}

impl Session for SqliteSession<'_> {
    fn begin_tree(&self, tree: &TreeShare) -> Result<Done> {
        let database = lock(&self.database);
        let read = || -> rusqlite::Result<Done> {
            let mut rows = ledger::ranges(&database.connection, &tree.name)?;
            for range in &mut rows {
                *range = range.start.max(tree.rows.start)..range.end.min(tree.rows.end);
            }
            rows.retain(|range| range.start < range.end);
            let reused_rows = ledger::rows_within(&database.connection, &tree.name, &tree.rows)?;
            Ok(Done { rows, reused_rows, ..Done::default() })
        };
        read().map_err(|error| database.failed(error))
    }

    fn encoder<'s>(&'s self, output: &Output) -> Result<Box<dyn Encode + 's>> {
        Ok(Box::new(BatchEncoder::new(&output.schema)?))
    }

    fn deliver(&self, chunk: &ChunkId<'_>, encoded: Vec<(OutputId, Encoded)>) -> Result<()> {
        let database = lock(&self.database);
        let failed = |error| database.failed(error);
        let begun = Transaction::new_unchecked(&database.connection, TransactionBehavior::Immediate);
        // Dropped without a commit, it leaves nothing.
        let transaction = begun.map_err(failed)?;
        for (id, Encoded { sum, piece }) in encoded {
            let output = self.set.output(id);
            let Piece::Rows(batch) = piece else { return Err(Error::internal("text for a database")) };
            let mut statement = transaction.prepare(&schema::insert(&output.name, &output.schema)).map_err(failed)?;
            bind::insert(&mut statement, &batch).map_err(|refusal| match refusal {
                Refusal::Value(error) => error.within(&format!("tables.{}", output.name)),
                Refusal::Row(row, error) => {
                    let Range { start, end } = chunk.rows;
                    let place =
                        format!("row {} of `{}` below `{}` {start}..{end}", row + 1, output.name, chunk.tree.name);
                    failed(error).within(&place)
                }
            })?;
            ledger::add(&transaction, &chunk.tree.name, &chunk.rows, &output.name, &sum).map_err(failed)?;
        }
        transaction.commit().map_err(failed)
    }

    fn end_tree(&self, _: &TreeShare) -> Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Outcome> {
        let database = lock(&self.database);
        if self.is_whole(&database)? {
            self.progress.stopped()?;
            self.describe(&database)?;
        }
        database.close()?;
        self.outcome(&database)
    }

    fn fail(self: Box<Self>, error: Error) -> Error {
        let database = lock(&self.database);
        let empty = ledger::sums(&database.connection).is_ok_and(|sums| sums.is_empty());
        match error.kind() {
            Kind::Profile | Kind::Usage if empty => {
                database.discard();
                error
            }
            Kind::Interrupted | Kind::Terminated => error.hint("the same command continues from here"),
            _ => error,
        }
    }
}
