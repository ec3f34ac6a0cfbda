//! Rows with faults as a correct system holds them: as sent, as they were, or not at all, with the rows below them.

use std::collections::{BTreeMap, BTreeSet};

use super::Faults;
use super::change::{Draft, descend};
use super::choose::Chosen;
use crate::error::{Error, Result};
use crate::outcomes::Holds;
use crate::plan::Chunk;
use crate::plan::fault::Operator;
use crate::stage::Accepted;

/// The rows that are held of each table, while cases are looked at.
#[derive(Default)]
pub(super) struct Drafts(BTreeMap<usize, Accepted>);

impl Drafts {
    /// Notes what becomes of a case of a number: `changed` are its rows that are sent, `dropped` the rows that are not, by table.
    pub(super) fn case(
        &mut self,
        faults: &Faults,
        chosen: &Chosen,
        number: usize,
        changed: std::ops::Range<u32>,
        dropped: &BTreeMap<usize, BTreeSet<u32>>,
        chunk: &mut Chunk<'_>,
    ) -> Result<()> {
        let fault = &faults.known[chosen.fault].0;
        let (holds, copies) = (fault.decision.holds(), matches!(fault.operator, Operator::Repeat { .. }));
        let mut because = BTreeMap::from([(chosen.table, BTreeSet::from([chosen.row]))]);
        for (table, rows) in dropped {
            because.entry(*table).or_default().extend(rows);
        }
        if matches!(fault.operator, Operator::Swap(_)) {
            because.entry(chosen.table).or_default().insert(chosen.row + 1);
        }
        for (table, rows) in because {
            let own = self.0.entry(table).or_default();
            own.because.extend(rows.into_iter().map(|row| (row, number)));
        }
        let own = self.0.entry(chosen.table).or_default();
        if holds == Holds::AsSent {
            own.changed.extend(changed);
            return Ok(());
        }
        match (holds, &fault.operator) {
            // The row itself is sent as it was.
            (_, Operator::Repeat { .. }) => {}
            (Holds::Clean, Operator::Drop { .. }) => {
                for (table, rows) in dropped {
                    self.0.entry(*table).or_default().restored.extend(rows);
                }
            }
            (Holds::Clean, Operator::Swap(_)) => own.restored.extend([chosen.row, chosen.row + 1]),
            (Holds::Clean, _) => {
                own.restored.insert(chosen.row);
            }
            _ => {}
        }
        if holds == Holds::Nothing && fault.refuses_tree && !copies {
            let mut rows = BTreeSet::from([chosen.row]);
            if matches!(fault.operator, Operator::Swap(_)) {
                rows.insert(chosen.row + 1);
            }
            let mut below = BTreeMap::from([(chosen.table, rows)]);
            descend(chunk, chosen.table, &mut below)?;
            for (table, rows) in below {
                let own = self.0.entry(table).or_default();
                own.because.extend(rows.iter().map(|row| (*row, number)));
                own.refused.extend(rows);
            }
        }
        Ok(())
    }

    /// Notes what becomes of messages that are sent otherwise: as of the case of their row, and as sent where only rows that they list
    /// are wrong.
    pub(super) fn messages(
        &mut self,
        faults: &Faults,
        table: usize,
        draft: &Draft,
        chosen: &[Chosen],
        chunk: &mut Chunk<'_>,
    ) -> Result<()> {
        let of = chunk.plan().tables[table].parent;
        let parents = chunk.parents(table)?.ok_or_else(|| Error::internal("a message without a row"))?;
        let own = self.0.entry(table).or_default();
        for (changed, row) in draft.origins() {
            let parent = parents.value(row as usize);
            let case = chosen.iter().find(|case| Some(case.table) == of && case.row == parent);
            match case.map(|case| faults.known[case.fault].0.decision.holds()) {
                Some(Holds::AsSent) | None => {
                    own.changed.insert(changed);
                }
                Some(Holds::Clean) => {
                    own.restored.insert(row);
                }
                Some(Holds::Nothing) => {}
            }
        }
        Ok(())
    }

    /// The rows that are held, by table, where these are others than those that are sent or were.
    pub(super) fn finish(self) -> BTreeMap<usize, Accepted> {
        self.0
    }
}
