//! Chains of hashes over cells as they are written, so that everybody can verify them although columns are protected.
//!
//! A chain over clear values beside their ciphertext would give them away: a hash of few possible values is found by
//! trying them all. So a chain over a protected column is computed after that column, from its cells, and the columns that
//! follow from the chain are computed again.

use arrow_array::ArrayRef;

use super::{Decision, texts::canonical};
use crate::error::{Error, Result};
use crate::notes::Noted;
use crate::plan::{Chain, Chunk, Plan};
use crate::sql::as_text;

/// A chain of hashes over columns of which some are protected.
pub(super) struct Linked {
    table: usize,
    chain: Chain,
    /// The places in a batch of the columns whose cells it hashes, and `true` for those that are protected.
    over: Vec<(usize, bool)>,
    /// The written columns that are computed from it, itself included: the place in a batch, and the column of the table.
    late: Vec<(usize, usize)>,
}

impl Linked {
    /// The chains of a table over columns that are protected.
    pub(super) fn all(plan: &Plan, table: usize, protected: impl Fn(&str) -> bool) -> Vec<Self> {
        let columns = &plan.tables[table].columns;
        let written: Vec<usize> = (0..columns.len()).filter(|column| columns[*column].visible).collect();
        let linked = |chain: Chain| {
            let place = |column: usize| written.iter().position(|known| *known == column);
            let over = chain.over.iter().filter_map(|over| place(over.column?));
            let over: Vec<_> = over.map(|place| (place, protected(&columns[written[place]].name))).collect();
            if !over.iter().any(|(_, protected)| *protected) {
                return None;
            }
            let followers = plan.followers(table, chain.column);
            let is_late = |column: usize| column == chain.column || followers.contains(&(table, column));
            let late = written.iter().copied().enumerate().filter(|(_, column)| is_late(*column)).collect();
            Some(Self { table, chain, over, late })
        };
        plan.chains(table).into_iter().filter_map(linked).collect()
    }

    /// The places in a batch of the columns that are computed from the chain.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> + '_ {
        self.late.iter().map(|(place, _)| *place)
    }

    /// The name of the chain's column, and those of the columns that it runs over.
    pub(super) fn names(&self, plan: &Plan) -> (String, Vec<String>) {
        let name = |column: usize| plan.tables[self.table].columns[column].name.clone();
        (name(self.chain.column), self.chain.over.iter().filter_map(|over| over.column).map(name).collect())
    }

    /// The columns that are computed from the chain over cells as they are written: each with its place in the batch.
    pub(super) fn cells(&self, chunk: &mut Chunk<'_>, written: &[ArrayRef]) -> Result<Vec<(usize, ArrayRef)>> {
        let text = |(place, protected): &(usize, bool)| -> Result<ArrayRef> {
            match protected {
                true => Ok(std::sync::Arc::new(canonical(&written[*place])?)),
                false => as_text(&written[*place]),
            }
        };
        let texts = self.over.iter().map(text).collect::<Result<Vec<_>>>()?;
        let columns: Vec<usize> = self.late.iter().map(|(_, column)| *column).collect();
        let made = chunk.linked(self.table, &self.chain, &texts, &columns)?;
        Ok(self.places().zip(made).collect())
    }
}

/// Refuses chains over protected columns that cannot run over their cells.
///
/// # Errors
///
/// If a key, a column of another table or another chain is computed from such a chain.
pub(super) fn possible(plan: &Plan, decisions: &[Decision]) -> Result<()> {
    for (at, table) in plan.tables.iter().enumerate() {
        if plan.chains(at).is_empty() {
            continue;
        }
        let own: Vec<&Decision> =
            decisions.iter().filter(|one| one.table == table.name && !one.handling.is_clear()).collect();
        for linked in Linked::all(plan, at, |name| own.iter().any(|one| one.column == name)) {
            let chains = plan.chains(at);
            let name = &table.columns[linked.chain.column].name;
            for (other, column) in plan.followers(at, linked.chain.column) {
                let user = &plan.tables[other].columns[column];
                let field = plan.tables[other].schema.field_with_name(&user.name);
                let what = if other != at && user.visible {
                    "a column of another table"
                } else if field.is_ok_and(Noted::is_primary_key) {
                    "a key"
                } else if other == at && chains.iter().any(|chain| chain.column == column) {
                    "another chain"
                } else {
                    continue;
                };
                return Err(Error::profile(
                    format!("tables.{}.columns.{name}", table.name),
                    format!(
                        "PII-027: `{name}` hashes protected cells as they are written, and {what}, `{}.{}`, follows from it",
                        plan.tables[other].name, user.name
                    ),
                )
                .hint("leave the protected columns out of the chain, or what follows from it out of the profile"));
            }
        }
    }
    Ok(())
}
