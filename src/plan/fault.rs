//! Compiled faults: the rows that qualify, and what an operator needs, as columns of their table.

use indexmap::IndexMap;

use crate::outcomes::Decision;
use crate::profile::{Amount, DamageKind, SealKind};

/// A compiled fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Its name.
    pub name: String,
    /// The fault in one sentence.
    pub about: String,
    /// SHA-256 of what the profile says of it, as 64 hex digits.
    pub digest: String,
    /// Its class.
    pub class: String,
    /// The table whose rows it happens to.
    pub table: usize,
    /// The amount of cases that is asked for.
    pub amount: Amount,
    /// True if it was asked for by its own name.
    pub by_name: bool,
    /// The change of a row.
    pub operator: Operator,
    /// The rules that a case breaks, as the profile names them.
    pub breaks: Vec<String>,
    /// Rules that some cases break and others do not.
    pub may_break: Vec<String>,
    /// The action of a correct system.
    pub decision: Decision,
    /// The codes of its answer by dialect, the most fitting first.
    pub codes: IndexMap<String, Vec<String>>,
    /// True if a refusal of the row is one of all rows below it.
    pub refuses_tree: bool,
    /// The column, not written, that tells which rows qualify; `None` for all.
    pub(crate) condition: Option<usize>,
}

/// A change of a row on its way out. Places are those of the table's written columns.
#[derive(Debug, Clone, PartialEq)]
pub enum Operator {
    /// Gives columns other values.
    Set(Vec<(usize, NewValue)>),
    /// Sends the row again so many times, with other values in some columns.
    Repeat {
        /// The number of copies.
        times: u32,
        /// The columns with other values.
        set: Vec<(usize, NewValue)>,
    },
    /// Does not send the row; nor, if true, those below it.
    Drop {
        /// True for the rows below it too.
        tree: bool,
    },
    /// Exchanges the values of columns with the next row of the same parent.
    Swap(Vec<usize>),
    /// Damages the text of a column.
    Damage(usize, DamageKind),
    /// Damages the encrypted cell of a column.
    Seal(usize, SealKind),
}

/// The value that a fault gives to a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum NewValue {
    /// The value of a column of the same table, by its index; the column need not be written.
    Column(usize),
    /// The value that a column of a table would have behind the last row.
    Absent {
        /// The table.
        table: usize,
        /// The column, by its index.
        column: usize,
    },
}

impl Operator {
    /// The written columns that it changes.
    #[must_use]
    pub fn columns(&self) -> Vec<usize> {
        match self {
            Self::Set(set) | Self::Repeat { set, .. } => set.iter().map(|(place, _)| *place).collect(),
            Self::Drop { .. } => Vec::new(),
            Self::Swap(columns) => columns.clone(),
            Self::Damage(column, _) | Self::Seal(column, _) => vec![*column],
        }
    }

    /// The word for it in profiles.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Set(_) => "set",
            Self::Repeat { .. } => "repeat",
            Self::Drop { .. } => "drop",
            Self::Swap(_) => "swap",
            Self::Damage(..) => "damage",
            Self::Seal(..) => "seal",
        }
    }
}
