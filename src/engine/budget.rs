//! What a run would write, estimated from a few rows of each tree before anything is written.

use super::Job;
use crate::error::Result;
use crate::format::write::{self, Piece};
use crate::part::share;
use crate::plan::Tree;

impl Job<'_> {
    /// Refuses a run whose files would be larger than allowed. Columnar formats count as CSV, which is about as large.
    pub(super) fn within_budget(&self) -> Result<()> {
        let csv = write::format("csv")?;
        let (mut all, mut most) = (0.0, (0.0, 0));
        for Tree { root, tables } in self.plan.trees_of(&self.tables) {
            let rows = share(self.plan.tables[root].rows, self.part);
            if rows.is_empty() {
                continue;
            }
            let mut sample = self.plan.sample(root)?;
            for table in tables {
                let (schema, batch) = (&self.plan.tables[table].schema, sample.chunk.batch(table)?);
                let extra = self.protection.extra(table) * batch.num_rows();
                let bytes = match (self.format.encoder)(schema, &self.options)?.encode(batch.clone())? {
                    Piece::Rows(_) => (csv.encoder)(schema, &write::Options::default())?.encode(batch)?.len(),
                    text @ Piece::Bytes(_) => text.len(),
                };
                let bytes = (bytes + extra) as f64 / sample.rows.max(1) as f64 * (rows.end - rows.start) as f64;
                all += bytes;
                if bytes > most.0 {
                    most = (bytes, table);
                }
            }
        }
        let path = format!("tables.{}", self.plan.tables.get(most.1).map_or("", |table| &table.name));
        self.plan.limits.allow_bytes(all).map_err(|error| error.within(&path))
    }
}
