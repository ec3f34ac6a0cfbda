//! The number of rows of each table: that of the database, or a guess from the foreign keys.

use super::Arrangement;
use crate::catalog::Catalog;

/// The most columns of a table of few rows that others look up.
const SMALL: usize = 5;

pub(super) fn size(catalog: &Catalog, all: &mut [Arrangement]) {
    let mut referred = vec![false; all.len()];
    for (table, arrangement) in all.iter().enumerate() {
        for link in arrangement.links.iter().filter(|link| link.target != table) {
            referred[link.target] = true;
        }
    }
    for (at, arrangement) in all.iter_mut().enumerate() {
        let table = &catalog.tables[at];
        let refers = arrangement.links.iter().any(|link| link.target != at);
        let guess = match (refers, referred[at]) {
            (false, true) if table.columns.len() <= SMALL => 20,
            (_, true) | (false, false) => 100,
            (true, false) => 300,
        };
        // An empty table of the database is about to be filled.
        let counted = table.rows.filter(|rows| *rows > 0);
        arrangement.counted = counted.is_some();
        arrangement.rows = counted.unwrap_or(guess);
        arrangement.scales = guess != 20;
    }
}
