//! Protection as a stage: personal data is changed column by column.

use serde_json::{Value, json};

use super::{Output, Stage, TreeBatch};
use crate::error::Result;
use crate::plan::{Chunk, Plan};
use crate::protect::{Protection, ProtectionEntry};

impl Stage for Protection {
    fn inputs(&self, plan: &Plan) -> (&'static str, Value) {
        ("protection", json!(ProtectionEntry::new(plan, self)))
    }

    fn outputs(&self, before: Vec<Output>) -> Vec<Output> {
        let change = |mut output: Output| {
            output.schema = self.written(output.table).unwrap_or(output.schema);
            output
        };
        before.into_iter().map(change).collect()
    }

    fn apply(&self, made: &mut TreeBatch, chunk: &mut Chunk<'_>, outputs: &[Output]) -> Result<()> {
        if self.is_none() {
            return Ok(());
        }
        let roots: Vec<u64> = made.roots.clone();
        let mut changed = Vec::new();
        for (id, edits) in &made.edits {
            let table = outputs[id.0].table;
            let numbers: Vec<u64> =
                edits.origins.iter().map(|row| roots.get(*row as usize).copied().unwrap_or_default()).collect();
            changed.push((*id, self.apply_apart(table, &edits.changed, &numbers)?));
        }
        for (id, batch) in made.batches.iter_mut().filter(|(id, _)| outputs[id.0].sources.is_empty()) {
            *batch = Protection::apply(self, outputs[id.0].table, batch.clone(), &made.roots, chunk)?;
        }
        for (id, columns) in changed {
            let (Some(edits), Some(clean)) = (made.edits.get_mut(&id), made.batches.get(&id)) else { continue };
            edits.protected(columns, clean, &self.late(outputs[id.0].table))?;
        }
        Ok(())
    }
}
