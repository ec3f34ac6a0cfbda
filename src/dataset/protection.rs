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
        for (id, batch) in made.batches.iter_mut().filter(|(id, _)| outputs[id.0].sources.is_empty()) {
            *batch = Protection::apply(self, outputs[id.0].table, batch.clone(), &made.roots, chunk)?;
        }
        Ok(())
    }
}
