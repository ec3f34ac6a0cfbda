//! The arrangement of rows so that keys hold: how many rows a table has, which row each foreign key leads to, and which columns
//! follow from the number of the row.
//!
//! All tables are root tables. A unique key holds because its columns are digits of the number of the row: of a key of an order and a
//! line, row 17 has order 17 // 4 and line 17 % 4. References count on from the first row where a table has fewer rows than
//! that, so that `--scale` breaks nothing.

mod keys;
mod links;
mod sizes;

use super::limits::Limits;
pub(super) use links::words;

use super::profile::Choices;
use super::{Catalog, Filled};

/// The arrangement of one table.
#[derive(Debug, Default)]
pub(super) struct Arrangement {
    /// The number of rows.
    pub(super) rows: u64,
    /// True if the number is that of the database.
    pub(super) counted: bool,
    /// `false` for tables of a few rows that others look up.
    pub(super) scales: bool,
    /// The rows that foreign keys lead to.
    pub(super) links: Vec<Link>,
    /// The source of each column.
    pub(super) roles: Vec<Role>,
    /// The limits of each column.
    pub(super) limits: Vec<Limits>,
    /// Foreign keys whose columns all have their values from elsewhere: the key, the other table, and the pairs of columns.
    pub(super) shared: Vec<Shared>,
    /// Remarks on what does not hold, or holds for a reason.
    pub(super) notes: Vec<String>,
    /// Constraints that may not hold, in words.
    pub(super) broken: Vec<String>,
}

/// A foreign key, the other table, and the pairs of columns.
type Shared = (usize, usize, Vec<(usize, usize)>);

/// The source of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Role {
    /// Any value within its limits.
    Free,
    /// A different value in each row, or the same in some, by a digit of the number of the row.
    Counted(Digit),
    /// The column of the row that a link leads to.
    Through { link: usize, column: usize },
    /// No value.
    Null,
    /// Not in the profile: the database computes it.
    LeftOut,
}

/// The foreign key of a link, and the way in which it picks a row.
#[derive(Debug, Clone)]
pub(super) struct Link {
    /// The position of the foreign key in the table.
    pub(super) key: usize,
    /// The other table.
    pub(super) target: usize,
    /// Columns of this table and of the other one.
    pub(super) pairs: Vec<(usize, usize)>,
    /// Pairs whose own column has its value from elsewhere, which the row must match.
    pub(super) matched: Vec<(usize, usize)>,
    pub(super) pick: Pick,
    /// True if rows can lead nowhere.
    pub(super) nullable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pick {
    Random,
    /// An earlier row of the same table.
    Earlier,
    /// An earlier row of the same table, and the first row itself.
    Tree,
    Digit(Digit),
}

/// A digit of the number of the row: `row // divide`, modulo `modulo` where there is one. With a shift, `row // divide` of that
/// many rows moves it on, so that the same digit means another row each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digit {
    pub(super) divide: u64,
    pub(super) modulo: Option<u64>,
    pub(super) shift: Option<u64>,
}

impl Digit {
    /// The number of the row itself.
    pub(super) const ROW: Self = Self { divide: 1, modulo: None, shift: None };

    pub(super) fn is_row(self) -> bool {
        self == Self::ROW
    }

    /// Writes the digit as an expression over the number of the row.
    pub(super) fn expr(self) -> String {
        let digit = match (self.divide, self.modulo) {
            (1, None) => "row".to_owned(),
            (divide, None) => format!("row // {divide}"),
            (1, Some(modulo)) => format!("row % {modulo}"),
            (divide, Some(modulo)) => format!("row // {divide} % {modulo}"),
        };
        match self.shift {
            Some(shift) => format!("row // {shift} * 7 + {digit}"),
            None => digit,
        }
    }
}

/// Arranges the tables of a catalog.
pub(super) fn arrange(catalog: &Catalog, choices: &Choices) -> Vec<Arrangement> {
    let mut all: Vec<Arrangement> = catalog
        .tables
        .iter()
        .map(|table| {
            let role = |column: &super::Column| match column.filled {
                Filled::ByDatabase => Role::LeftOut,
                _ => Role::Free,
            };
            Arrangement {
                roles: table.columns.iter().map(role).collect(),
                limits: Limits::of(table),
                scales: true,
                ..Arrangement::default()
            }
        })
        .collect();
    links::link(catalog, choices, &mut all);
    sizes::size(catalog, &mut all);
    // A key of fewer values than rows takes rows from its table, and so values from those that refer to it.
    for _ in 0..8 {
        let before: Vec<u64> = all.iter().map(|table| table.rows).collect();
        for table in 0..all.len() {
            keys::hold(catalog, &mut all, table);
        }
        if all.iter().map(|table| table.rows).eq(before) {
            break;
        }
    }
    links::break_circles(catalog, &mut all);
    links::hold_shared(catalog, &mut all);
    all
}
