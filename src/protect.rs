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
mod given;
mod keyed;
pub mod keyring;
pub mod lint;
mod nothing;
mod protection;
pub mod secret;
mod shorten;
pub mod source;
pub mod texts;
pub mod wrap;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field};

pub use choose::{Choice, Decision, decide, understood};
pub use entry::{ChainEntry, KeyEntry, ProtectedColumn, ProtectionEntry};
pub(crate) use generalize::OF_A_DAY;
pub use given::{Wish, decide_given, domain as given_domain};
pub use protection::{KeyInfo, Protection};

use crate::error::{Error, Result};
use crate::kinds::{self, Kind, Remains};
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
