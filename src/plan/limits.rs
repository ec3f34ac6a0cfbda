//! Limits on the size of a run. Only the command line can raise them, not a profile, because that may be somebody
//! else's.

use super::{MeanRows, Plan};
use crate::error::{Error, Result};

/// The limits on rows, bytes, texts and memory.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most rows of all tables together.
    pub rows: u64,
    /// The most bytes of all files together.
    pub bytes: u64,
    /// The most bytes of one text.
    pub cell: u64,
    /// The memory of the whole run.
    pub memory: Memory,
}

impl Default for Limits {
    /// Gives 10 billion rows, a terabyte (10¹² bytes), texts of a mebibyte, and the memory of a run on two
    /// threads.
    fn default() -> Self {
        Self { rows: 10_000_000_000, bytes: 1_000_000_000_000, cell: 1 << 20, memory: Memory::default_for(2) }
    }
}

/// The memory that a run may take, and the shares of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// The bytes of the whole run.
    pub bytes: u64,
    /// The number of worker threads.
    pub threads: usize,
}

impl Memory {
    /// The fewest bytes that a run can be given.
    pub const LEAST: u64 = 128_000_000;

    /// The memory of a run that chooses none: 1 GiB, and 512 MiB more for each thread.
    #[must_use]
    pub fn default_for(threads: usize) -> Self {
        Self { bytes: (1 << 30) + (512 << 20) * threads as u64, threads }
    }

    /// The bytes of one chunk: each thread makes one while another waits to be written, beside 96 MiB for everything
    /// else. At least 16 MiB.
    #[must_use]
    pub fn chunk(self) -> u64 {
        (self.bytes.saturating_sub(96 << 20) / (2 * self.threads.max(1) as u64)).max(16 << 20)
    }
}

impl Limits {
    /// Checks a number of rows against the limit.
    ///
    /// # Errors
    ///
    /// If it is above; the hint says which option allows it.
    pub fn allow_rows(&self, rows: f64) -> Result<()> {
        if rows <= self.rows as f64 {
            return Ok(());
        }
        Err(Error::profile("", format!("{rows:.0} rows are more than the limit of {}", self.rows))
            .hint(format!("`--max-rows {rows:.0}` allows them; `--rows` and `--scale` make fewer")))
    }

    /// Checks a number of bytes against the limit.
    ///
    /// # Errors
    ///
    /// If it is above; the hint says which option allows it.
    pub fn allow_bytes(&self, bytes: f64) -> Result<()> {
        if bytes <= self.bytes as f64 {
            return Ok(());
        }
        Err(Error::profile("", format!("about {bytes:.0} bytes are more than the limit of {}", self.bytes))
            .hint(format!("`--max-bytes {:.0}` allows them; `--tables` and `--part` write fewer", bytes * 1.1)))
    }
}

impl Plan {
    /// Checks the estimated rows of all tables together against the limit.
    pub(super) fn allow(&self, tables: &[MeanRows]) -> Result<()> {
        let most = tables.iter().max_by(|a, b| a.rows.total_cmp(&b.rows)).map_or(0, |most| most.table);
        let path = self.tables.get(most).map_or_else(String::new, |table| format!("tables.{}", table.name));
        self.limits.allow_rows(tables.iter().map(|table| table.rows).sum()).map_err(|error| error.within(&path))
    }
}
