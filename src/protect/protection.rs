//! The protection of a data set: what was decided for each column, made ready to change rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Field, Schema, SchemaRef};

use super::chains::Linked;
use super::keyring::Keys;
use super::{Decision, KeyScope, MOST, Protect, Rows, Run, STRONG_SEED, Settings, Subject, fe1, secret};
use crate::error::{Error, Result};
use crate::notes::{Key, Noted};
use crate::plan::{Chunk, Plan, Tree};

/// A data key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The check value, which tells a wrong key from a changed cell.
    pub check_value: String,
    /// The key, wrapped with another one; `None` where it is not.
    pub wrapped: Option<String>,
    /// True if it is a test key, which anyone can make.
    pub test_only: bool,
}

/// The protection of a whole data set.
pub struct Protection {
    pub(super) tables: Vec<Table>,
    /// The columns that do not stay clear, with their handlings.
    pub decisions: Vec<Decision>,
    /// The settings of the run.
    pub settings: Settings,
    /// The active key; `None` where none was given.
    pub key: Option<KeyInfo>,
    /// The key of commitments to seed and fingerprint; `None` where no key is used.
    pub commit: Option<secret::Secret>,
    /// The scope and key id of encrypted columns, by table and column.
    pub scopes: BTreeMap<(String, String), KeyScope>,
}

#[derive(Default)]
pub(super) struct Table {
    schema: Option<SchemaRef>,
    columns: Vec<Option<Box<dyn Protect>>>,
    keys: Vec<usize>,
    /// True if some cell is bound to its row.
    bound: bool,
    /// The chains of hashes over cells that are protected.
    pub(super) chains: Vec<Linked>,
}

impl Protection {
    /// A protection that leaves every column as it is.
    #[must_use]
    pub fn none(settings: Settings) -> Self {
        Self { tables: Vec::new(), decisions: Vec::new(), settings, key: None, commit: None, scopes: BTreeMap::new() }
    }

    /// Prepares every column for its decided handling.
    ///
    /// # Errors
    ///
    /// If a key is needed and none is given, if a column cannot be handled as decided, or if more values would be sealed
    /// with one key than is safe.
    pub fn new(plan: &Plan, decisions: Vec<Decision>, keys: Option<&Keys>, settings: Settings) -> Result<Self> {
        let tables: Vec<(&str, &Schema)> =
            plan.tables.iter().map(|table| (table.name.as_str(), table.schema.as_ref())).collect();
        let mut all = Self::prepared(&tables, plan.as_of, decisions, keys, settings)?;
        let decisions = &all.decisions;
        for (at, (table, known)) in all.tables.iter_mut().zip(&plan.tables).enumerate() {
            table.chains = Linked::all(plan, at, |name| {
                decisions.iter().any(|decision| decision.table == known.name && decision.column == name)
            });
        }
        all.within_counts(plan)?;
        Ok(all)
    }

    /// As [`Protection::new`], for tables that no plan describes: `as_of` is the day from which ages count, in days since 1970.
    ///
    /// # Errors
    ///
    /// If a key is needed and none is given, or if a column cannot be handled as decided.
    pub fn prepared(
        tables: &[(&str, &Schema)],
        as_of: i32,
        decisions: Vec<Decision>,
        keys: Option<&Keys>,
        settings: Settings,
    ) -> Result<Self> {
        let decisions: Vec<Decision> = decisions.into_iter().filter(|decision| !decision.handling.is_clear()).collect();
        if decisions.is_empty() {
            return Ok(Self::none(settings));
        }
        let mut all = Self::none(settings);
        let run = Run {
            keys,
            settings: &all.settings,
            as_of,
            counters: std::cell::RefCell::default(),
            kids: std::cell::RefCell::default(),
        };
        let (mut made, mut scopes, mut commit) = (Vec::new(), BTreeMap::new(), None);
        for (name, schema) in tables {
            let own = |field: &Field| {
                decisions.iter().find(|decision| decision.table == *name && decision.column == *field.name())
            };
            let (mut table, mut fields) = (Table::default(), Vec::new());
            for (n, field) in schema.fields().iter().enumerate() {
                if field.is_primary_key() {
                    table.keys.push(n);
                }
                let Some(decision) = own(field) else {
                    fields.push(Arc::clone(field));
                    table.columns.push(None);
                    continue;
                };
                let handling = decision.handling;
                let domain = decision.domain.clone();
                let subject = Subject { table: name, field, kind: decision.kind, domain, run: &run };
                let path = format!("tables.{name}.columns.{}", field.name());
                let column = (handling.make)(&subject).map_err(|error| error.within(&path))?;
                if handling.keyed && commit.is_none() {
                    commit = Some(run.key()?.subkey("fe1/seed"));
                }
                table.bound |= column.row_bound();
                let nullable = column.nullable(field.is_nullable());
                let field = Field::new(field.name(), column.data_type(field.data_type()), nullable)
                    .with_metadata(field.metadata().clone())
                    .with_note(Key::Protection, &decision.shown());
                let apart = field.is_unique() && handling.keeps_joins(decision.domain.as_deref());
                let field = field.with_unique(apart);
                if let Some(scope) = column.scope() {
                    scopes.insert(((*name).to_owned(), field.name().clone()), scope);
                }
                fields.push(Arc::new(field));
                table.columns.push(Some(column));
            }
            table.schema = Some(Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone())));
            made.push(table);
        }
        all.tables = made;
        all.scopes = scopes;
        all.commit = commit;
        all.key = keys.map(|keys| KeyInfo {
            check_value: keys.id.clone(),
            wrapped: keys.wrapped.clone(),
            test_only: keys.test_only,
        });
        all.decisions = decisions;
        Ok(all)
    }

    /// Refuses a plan whose estimated rows exceed the values that a key may seal, before the first row is made.
    fn within_counts(&self, plan: &Plan) -> Result<()> {
        let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
        let tables: Vec<usize> = self.scopes.keys().filter_map(|(table, _)| plan.table(table).ok()).collect();
        for Tree { root, .. } in plan.trees_of(&tables) {
            let rows = plan.tables[root].rows as f64;
            for mean in plan.estimate(root)? {
                for ((table, _), keys) in &self.scopes {
                    if *table == plan.tables[mean.table].name {
                        *counts.entry(&keys.scope).or_default() += mean.rows * rows;
                    }
                }
            }
        }
        match counts.iter().find(|(_, count)| **count > MOST as f64) {
            None => Ok(()),
            Some((scope, count)) => Err(Error::new(
                crate::error::Kind::Key,
                format!("about {count:.0} values with the key of `{scope}`: {MOST} are the most"),
            )
            .hint("make the data in parts with a key for each, or protect the column as a token")),
        }
    }

    /// The schema of a table as it is written; `None` where all of its columns are clear.
    #[must_use]
    pub fn written(&self, table: usize) -> Option<SchemaRef> {
        self.tables.get(table).and_then(|table| table.schema.clone())
    }

    /// The schema of a table as it is written.
    #[must_use]
    pub fn schema(&self, plan: &Plan, table: usize) -> SchemaRef {
        self.written(table).unwrap_or_else(|| Arc::clone(&plan.tables[table].schema))
    }

    /// Protects a batch of a table; `numbers` are the numbers of its rows, used for root tables without a key, and `chunk`
    /// has these rows, for what follows from cells as they are written.
    ///
    /// # Errors
    ///
    /// If a value cannot be protected; the path is that of the column.
    pub fn apply(
        &self,
        table: usize,
        batch: RecordBatch,
        numbers: &[u64],
        chunk: &mut Chunk<'_>,
    ) -> Result<RecordBatch> {
        let Some(Table { schema: Some(schema), columns, keys, bound, chains }) = self.tables.get(table) else {
            return Ok(batch);
        };
        let mut written: Vec<ArrayRef> = batch.columns().to_vec();
        let late: Vec<usize> = chains.iter().flat_map(Linked::places).collect();
        let each = |bound: bool, last: bool, rows: &Rows, written: &mut Vec<ArrayRef>| -> Result<()> {
            for (n, column) in columns.iter().enumerate().filter(|(n, _)| late.contains(n) == last) {
                if let Some(column) = column.as_ref().filter(|column| column.row_bound() == bound) {
                    written[n] = column
                        .apply(&written[n], rows)
                        .map_err(|error| error.within(&format!("columns.{}", schema.field(n).name())))?;
                }
            }
            Ok(())
        };
        each(false, false, &Rows::default(), &mut written)?;
        let rows = match *bound {
            true if keys.is_empty() => Rows::of_numbers(numbers),
            true => Rows::of_key(&keys.iter().map(|n| Arc::clone(&written[*n])).collect::<Vec<_>>())?,
            false => Rows::default(),
        };
        each(true, false, &rows, &mut written)?;
        for linked in chains {
            for (place, cells) in linked.cells(chunk, &written)? {
                written[place] = cells;
            }
        }
        each(false, true, &rows, &mut written)?;
        each(true, true, &rows, &mut written)?;
        Ok(RecordBatch::try_new(Arc::clone(schema), written)?)
    }

    /// Protects rows that take the place of others, column by column: without the chains of hashes, which are those of the rows that
    /// they were. `numbers` are the numbers of these.
    ///
    /// # Errors
    ///
    /// As [`Protection::apply`].
    pub fn apply_apart(&self, table: usize, batch: &RecordBatch, numbers: &[u64]) -> Result<Vec<ArrayRef>> {
        let mut written: Vec<ArrayRef> = batch.columns().to_vec();
        let Some(Table { schema: Some(schema), columns, keys, bound, .. }) = self.tables.get(table) else {
            return Ok(written);
        };
        for last in [false, true] {
            let rows = match *bound && last {
                true if keys.is_empty() => Rows::of_numbers(numbers),
                true => Rows::of_key(&keys.iter().map(|n| Arc::clone(&written[*n])).collect::<Vec<_>>())?,
                false => Rows::default(),
            };
            for (n, column) in columns.iter().enumerate() {
                if let Some(column) = column.as_ref().filter(|column| column.row_bound() == last) {
                    let place = |error: Error| error.within(&format!("columns.{}", schema.field(n).name()));
                    written[n] = column.apply(&written[n], &rows).map_err(place)?;
                }
            }
        }
        Ok(written)
    }

    /// The places of a table's written columns that are computed from cells as they are written.
    #[must_use]
    pub fn late(&self, table: usize) -> Vec<usize> {
        self.tables.get(table).into_iter().flat_map(|table| &table.chains).flat_map(Linked::places).collect()
    }

    /// What the clear columns of [`Protection::late`] must be in rows that were read back, each with its place. `chunk` has
    /// the same rows, and forgets what it has computed.
    ///
    /// # Errors
    ///
    /// If a cell has no text, or the rows are those of another chunk.
    pub fn links(&self, table: usize, read: &RecordBatch, chunk: &mut Chunk<'_>) -> Result<Vec<(usize, ArrayRef)>> {
        let Some(table) = self.tables.get(table) else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for linked in &table.chains {
            all.extend(linked.cells(chunk, read.columns())?);
        }
        all.retain(|(place, _)| table.columns[*place].is_none());
        Ok(all)
    }

    /// Tells whether cells of a table are bound to the numbers of their rows, because the table has no key.
    #[must_use]
    pub fn binds_numbers(&self, table: usize) -> bool {
        self.tables.get(table).is_some_and(|table| table.bound && table.keys.is_empty())
    }

    /// The bytes that encryption adds to a row of a table, as text, roughly.
    #[must_use]
    pub fn extra(&self, table: usize) -> usize {
        let columns = self.tables.get(table).into_iter().flat_map(|table| table.columns.iter().flatten());
        columns.filter(|column| column.scope().is_some()).count() * (fe1::OVERHEAD * 4 / 3 + fe1::PREFIX.len() + 8)
    }

    /// Tells whether encrypted values are secret from a reader of the files: false with a key for tests, and with a seed that is
    /// disclosed or can be guessed.
    #[must_use]
    pub fn confidential(&self, seed: &str) -> bool {
        let test_only = self.key.as_ref().is_none_or(|key| key.test_only);
        self.commit.is_some() && !test_only && !self.settings.disclose_seed && seed.len() >= STRONG_SEED
    }

    /// A commitment to a text that nobody finds by trying: HMAC-SHA256 under the data key, in hex. `None` where no key is
    /// used, or the seed is disclosed.
    #[must_use]
    pub fn commitment(&self, text: &str) -> Option<String> {
        let key = self.commit.as_ref().filter(|_| !self.settings.disclose_seed)?;
        let mut mac = <hmac::Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(key.expose()).ok()?;
        hmac::Mac::update(&mut mac, text.as_bytes());
        Some(crate::digest::hex(&hmac::Mac::finalize(mac).into_bytes()))
    }

    /// Tells whether anything is protected.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.decisions.is_empty()
    }
}
