//! What a run may grow to. A profile cannot raise it: it may be somebody else's.

use super::{MeanRows, Plan};
use crate::error::{Error, Result};

/// The most that is made unless the command line says otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows of all tables together.
    pub rows: u64,
    /// Bytes of all files together.
    pub bytes: u64,
    /// Bytes of one text.
    pub cell: u64,
}

impl Default for Limits {
    /// Ten billion rows, a terabyte, texts of a mebibyte.
    fn default() -> Self {
        Self { rows: 10_000_000_000, bytes: 1_000_000_000_000, cell: 1 << 20 }
    }
}

impl Limits {
    /// Refuses more rows than allowed.
    pub fn allow_rows(&self, rows: f64) -> Result<()> {
        if rows <= self.rows as f64 {
            return Ok(());
        }
        Err(Error::profile("", format!("{rows:.0} rows are more than {}", self.rows))
            .hint(format!("`--max-rows {rows:.0}` allows them; `--rows` and `--scale` make fewer")))
    }

    /// Refuses more bytes than allowed.
    pub fn allow_bytes(&self, bytes: f64) -> Result<()> {
        if bytes <= self.bytes as f64 {
            return Ok(());
        }
        Err(Error::profile("", format!("about {bytes:.0} bytes are more than {}", self.bytes))
            .hint(format!("`--max-bytes {:.0}` allows them; `--tables` and `--part` write fewer", bytes * 1.1)))
    }
}

impl Plan {
    /// Refuses a profile whose tables have more rows together than allowed, by an estimate of the rows of each.
    pub(super) fn allow(&self, tables: &[MeanRows]) -> Result<()> {
        let most = tables.iter().max_by(|a, b| a.rows.total_cmp(&b.rows)).map_or(0, |most| most.table);
        let path = self.tables.get(most).map_or_else(String::new, |table| format!("tables.{}", table.name));
        self.limits.allow_rows(tables.iter().map(|table| table.rows).sum()).map_err(|error| error.within(&path))
    }
}
