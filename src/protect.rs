//! Protection of personal data: columns written clear, encrypted, tokenised, cut short, or not at all.
//!
//! Protection works on the plan's batches before they are encoded. It changes values and, for most handlings, the type of
//! a column, so every description of the data (schemas, DDL, data package) is made from [`Protection::schema`].
//!
//! A row-bound cell is bound to the primary key of its row, as the text of the output: keys are handled first, and rows
//! are bound to the keys as they are written. A root table without a key binds the number of the row, which every part
//! and thread knows; any other table without a key has nothing to bind to, and row-bound encryption of it is refused.
//!
//! To add a handling: a file with a `static` [`Handling`] and one line in [`HANDLINGS`]. A test holds that no other file
//! names it.

mod chains;
mod choose;
mod encrypt;
mod entry;
pub mod fe1;
mod ff1;
mod generalize;
mod keyed;
pub mod keyring;
pub mod lint;
mod nothing;
pub mod secret;
mod shorten;
pub mod source;
pub mod texts;
pub mod wrap;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

pub use choose::{Choice, Decision, decide, understood};
pub use entry::{ChainEntry, KeyEntry, ProtectedColumn, ProtectionEntry};

use crate::error::{Error, Result};
use crate::kinds::{self, Kind, Remains};
use crate::notes::{Key, Noted};
use crate::plan::{Chunk, Plan, Tree};
use chains::Linked;
use keyring::Keys;

/// Every handling. `clear` is the absence of one.
pub static HANDLINGS: &[&Handling] = &[
    &nothing::CLEAR,
    &encrypt::ENCRYPT,
    &keyed::TOKEN,
    &keyed::HASH,
    &ff1::FF1,
    &shorten::TRUNCATE,
    &shorten::MASK,
    &generalize::GENERALIZE,
    &nothing::NULL,
];

/// A way to write a column: one entry in [`HANDLINGS`]. Everything that the rest of the program asks about it is here.
pub struct Handling {
    /// Its name in profiles and on the command line.
    pub name: &'static str,
    /// One line for `placebo list handlings`.
    pub about: &'static str,
    /// True if it needs a key.
    pub keyed: bool,
    /// The information that it leaves of a value.
    pub leaves: Remains,
    /// Its use of a domain, and of a default where none is given.
    pub domain: Domain,
    /// True if equal values stay equal and different ones different, unless their cells are bound to rows.
    pub joins: bool,
    /// Refuses a column of a type or kind that it cannot handle; the error has no path.
    pub accepts: fn(&Field, Option<&Kind>) -> Result<()>,
    /// Prepares it for a column.
    pub make: fn(&Subject<'_>) -> Result<Box<dyn Protect>>,
}

/// The part that a domain, in which equal values have equal cells, plays in a handling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// It takes none.
    None,
    /// It takes one. Without it, each cell is bound to its row.
    OrRow,
    /// It takes one. Without it, the column's own is used: that of the key that it repeats, of its kind, or its name.
    OrOwn,
}

impl Handling {
    /// Tells whether it leaves values as they are.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        self.leaves == Remains::Everything
    }

    /// Tells whether its cells are ciphertext, which `placebo decrypt` opens.
    #[must_use]
    pub fn seals(&self) -> bool {
        self.leaves == Remains::Ciphertext
    }

    /// Tells whether it may be given a domain.
    #[must_use]
    pub fn takes_domain(&self) -> bool {
        self.domain != Domain::None
    }

    /// Tells whether each cell is bound to its row, so that it cannot be moved to another one.
    #[must_use]
    pub fn binds_rows(&self, domain: Option<&str>) -> bool {
        self.domain == Domain::OrRow && domain.is_none()
    }

    /// Tells whether keys that are handled so still join.
    #[must_use]
    pub fn keeps_joins(&self, domain: Option<&str>) -> bool {
        self.joins && !self.binds_rows(domain)
    }

    /// Tells whether columns of a class may be kept so; yes for a class that there is not.
    #[must_use]
    pub fn fit_for(&self, class: &str) -> bool {
        kinds::class(class).is_none_or(|class| self.leaves <= class.allows)
    }

    /// The names of the handlings that `fits`, for hints: `encrypt, token and ff1`.
    fn list(fits: impl Fn(&Handling) -> bool) -> String {
        let names: Vec<&str> =
            HANDLINGS.iter().filter(|handling| fits(handling)).map(|handling| handling.name).collect();
        match names.as_slice() {
            [head @ .., last] if !head.is_empty() => format!("{} and {last}", head.join(", ")),
            names => names.concat(),
        }
    }
}

impl PartialEq for Handling {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Handling {}

impl std::fmt::Debug for Handling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Accepts every column: for handlings that work on the text of any value.
fn any_column(_: &Field, _: Option<&Kind>) -> Result<()> {
    Ok(())
}

/// The handling called `name`.
///
/// # Errors
///
/// If there is none, with the nearest name as a hint.
pub fn handling(name: &str) -> Result<&'static Handling> {
    HANDLINGS.iter().find(|handling| handling.name == name).copied().ok_or_else(|| {
        let known = HANDLINGS.iter().map(|handling| handling.name);
        Error::usage(format!("unknown handling `{name}`")).maybe_hint(crate::error::did_you_mean(name, known))
    })
}

/// The handling of a text such as `token` or `token:patient.mrn`, whose domain is left alone.
///
/// # Errors
///
/// As [`handling`].
pub fn handling_of(text: &str) -> Result<&'static Handling> {
    handling(text.split(':').next().unwrap_or_default())
}

/// A column to be protected, as a handling sees it.
pub struct Subject<'a> {
    /// The table's name.
    pub table: &'a str,
    /// The column.
    pub field: &'a Field,
    /// The kind of personal data; `None` where the profile names no kind.
    pub kind: Option<&'static Kind>,
    /// The domain in which equal values have equal cells; `None` for handlings without one.
    pub domain: Option<String>,
    /// Keys, settings and counters of the run.
    pub run: &'a Run<'a>,
}

/// Keys, settings and counters that the columns of a run share.
pub struct Run<'a> {
    /// The keys; `None` where the user gave none.
    pub keys: Option<&'a Keys>,
    /// The settings of the run.
    pub settings: &'a Settings,
    /// The day on which the data set ends.
    pub as_of: i32,
    counters: std::cell::RefCell<BTreeMap<String, Arc<Counter>>>,
    kids: std::cell::RefCell<BTreeMap<[u8; 4], String>>,
}

/// Settings of protection.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Settings {
    /// The name of the data set that cells are bound to.
    pub data_set: String,
    /// The multiple of bytes to which plaintexts are padded; `None` for no padding.
    pub pad: Option<usize>,
    /// True if nulls are encrypted too.
    pub encrypt_nulls: bool,
    /// True if nonces are random: then equal runs give different bytes.
    pub random_nonce: bool,
    /// True if the manifest has the seed although something is encrypted.
    pub disclose_seed: bool,
    /// True if encrypted cells are bytes, for formats that have them; text elsewhere.
    pub binary: bool,
}

impl Run<'_> {
    /// The active key.
    pub(crate) fn key(&self) -> Result<&secret::Secret> {
        self.keys.map(|keys| &keys.active).ok_or_else(|| {
            Error::new(crate::error::Kind::Key, "a key is needed, and none is given")
                .hint("--keyring FILE or --key-source SOURCE; `placebo keys new` makes a keyring")
        })
    }

    /// The counter of a scope. Columns of one domain share theirs.
    fn counter(&self, scope: &str) -> Arc<Counter> {
        Arc::clone(self.counters.borrow_mut().entry(scope.to_owned()).or_default())
    }

    /// Refuses a key id that another scope has.
    fn reserve(&self, kid: [u8; 4], scope: &str) -> Result<()> {
        let mut kids = self.kids.borrow_mut();
        let other = kids.entry(kid).or_insert_with(|| scope.to_owned());
        if kid == [0; 4] || other != scope {
            return Err(Error::new(crate::error::Kind::Key, format!("the key gives `{scope}` a key id that is taken"))
                .hint("this happens once in a billion keys: `placebo keys rotate` makes another one"));
        }
        Ok(())
    }
}

/// The most values that one key may seal: NIST SP 800-38D, section 8.3, for nonces that look random.
pub const MOST: u64 = 1 << 32;

/// The length from which a seed, in bytes, counts as too long to be found by trying.
const STRONG_SEED: usize = 16;

/// The number of values that one key has sealed: at most [`MOST`].
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// A counter that begins at `count`.
    #[must_use]
    pub fn at(count: u64) -> Self {
        Self(AtomicU64::new(count))
    }

    /// Counts more values.
    ///
    /// # Errors
    ///
    /// If there are more than [`MOST`] by then.
    pub fn add(&self, values: usize) -> Result<()> {
        let all = self.0.fetch_add(values as u64, Ordering::Relaxed).saturating_add(values as u64);
        if all > MOST {
            return Err(Error::new(crate::error::Kind::Key, format!("more than {MOST} values with one key"))
                .hint("make the data in parts with a key for each, or protect the column as a token"));
        }
        Ok(())
    }
}

/// The bindings of the rows of a batch: the key of each row, percent-encoded and joined by commas, or its number.
#[derive(Debug, Default)]
pub struct Rows {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Rows {
    /// The binding of a row of the batch, from 0.
    #[must_use]
    pub fn get(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[row]]
    }

    /// The bindings of rows by the columns of their key.
    ///
    /// # Errors
    ///
    /// If a value has no text, such as a date after the year 9999.
    pub fn of_key(columns: &[ArrayRef]) -> Result<Self> {
        let texts = columns.iter().map(texts::Texts::new).collect::<Result<Vec<_>>>()?;
        let rows = columns.first().map_or(0, arrow_array::Array::len);
        let (mut bytes, mut ends) = (Vec::with_capacity(rows * 16), Vec::with_capacity(rows));
        for row in 0..rows {
            for (n, text) in texts.iter().enumerate() {
                if n > 0 {
                    bytes.push(b',');
                }
                fe1::quote(text.get(row).unwrap_or_default().as_bytes(), &mut bytes);
            }
            ends.push(bytes.len());
        }
        Ok(Self { bytes, ends })
    }

    /// The bindings of rows of a root table by their numbers, from 0.
    #[must_use]
    pub fn of_numbers(numbers: &[u64]) -> Self {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for number in numbers {
            bytes.extend_from_slice(number.to_string().as_bytes());
            ends.push(bytes.len());
        }
        Self { bytes, ends }
    }
}

/// A handling prepared for one column.
pub trait Protect: Send + Sync {
    /// The type of the protected column; text by default.
    fn data_type(&self, _clear: &DataType) -> DataType {
        DataType::Utf8
    }
    /// Tells whether the protected column may be null; by default where the clear one may.
    fn nullable(&self, clear: bool) -> bool {
        clear
    }
    /// Tells whether cells are bound to their rows; such columns are handled after the keys.
    fn row_bound(&self) -> bool {
        false
    }
    /// The scope and key id of its cells, for the manifest; `None` for anything but ciphertext.
    fn scope(&self) -> Option<KeyScope> {
        None
    }
    /// Protects the values of a batch.
    ///
    /// # Errors
    ///
    /// If a value cannot be protected, such as one that is too short, or the key has sealed too many.
    fn apply(&self, clear: &ArrayRef, rows: &Rows) -> Result<ArrayRef>;
}

/// The keys of an encrypted column, without the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyScope {
    /// The scope: `table.column`, or `@domain` for joinable cells.
    pub scope: String,
    /// The key id that stands in each cell, as 8 hex digits.
    pub key_id: String,
}

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
    tables: Vec<Table>,
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
struct Table {
    schema: Option<SchemaRef>,
    columns: Vec<Option<Box<dyn Protect>>>,
    keys: Vec<usize>,
    /// True if some cell is bound to its row.
    bound: bool,
    /// The chains of hashes over cells that are protected.
    chains: Vec<Linked>,
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
        let decisions: Vec<Decision> = decisions.into_iter().filter(|decision| !decision.handling.is_clear()).collect();
        if decisions.is_empty() {
            return Ok(Self::none(settings));
        }
        let mut all = Self::none(settings);
        let run = Run {
            keys,
            settings: &all.settings,
            as_of: plan.as_of,
            counters: std::cell::RefCell::default(),
            kids: std::cell::RefCell::default(),
        };
        let mut tables: Vec<Table> = Vec::new();
        let mut scopes = BTreeMap::new();
        let mut commit = None;
        for (at, table) in plan.tables.iter().enumerate() {
            let own = |field: &Field| {
                decisions.iter().find(|decision| decision.table == table.name && decision.column == *field.name())
            };
            let (mut made, mut fields) = (Table::default(), Vec::new());
            for (n, field) in table.schema.fields().iter().enumerate() {
                if field.is_primary_key() {
                    made.keys.push(n);
                }
                let Some(decision) = own(field) else {
                    fields.push(Arc::clone(field));
                    made.columns.push(None);
                    continue;
                };
                let handling = decision.handling;
                let subject = Subject {
                    table: &table.name,
                    field,
                    kind: decision.kind,
                    domain: decision.domain.clone(),
                    run: &run,
                };
                let path = format!("tables.{}.columns.{}", table.name, field.name());
                let column = (handling.make)(&subject).map_err(|error| error.within(&path))?;
                if handling.keyed && commit.is_none() {
                    commit = Some(run.key()?.subkey("fe1/seed"));
                }
                made.bound |= column.row_bound();
                let nullable = column.nullable(field.is_nullable());
                let field = Field::new(field.name(), column.data_type(field.data_type()), nullable)
                    .with_metadata(field.metadata().clone())
                    .with_note(Key::Protection, &decision.shown());
                let apart = field.is_unique() && handling.keeps_joins(decision.domain.as_deref());
                let field = field.with_unique(apart);
                if let Some(scope) = column.scope() {
                    scopes.insert((table.name.clone(), field.name().clone()), scope);
                }
                fields.push(Arc::new(field));
                made.columns.push(Some(column));
            }
            made.chains = Linked::all(plan, at, |name| {
                decisions.iter().any(|decision| decision.table == table.name && decision.column == name)
            });
            let notes = table.schema.metadata().clone();
            made.schema = Some(Arc::new(Schema::new_with_metadata(fields, notes)));
            tables.push(made);
        }
        all.tables = tables;
        all.scopes = scopes;
        all.commit = commit;
        all.key = keys.map(|keys| KeyInfo {
            check_value: keys.id.clone(),
            wrapped: keys.wrapped.clone(),
            test_only: keys.test_only,
        });
        all.decisions = decisions;
        all.within_counts(plan)?;
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
