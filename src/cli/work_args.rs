//! Options of the work itself, shared by the commands that make rows: threads, protection, and what is said of it.

use clap::Args;

use super::protect_args::ProtectArgs;
use crate::dataset::{FINGERPRINT, fingerprint};
use crate::error::{Error, Kind, Result};
use crate::plan::Plan;

/// The way in which rows are made, none of which changes a row but protection.
#[derive(Args, Clone)]
pub(super) struct WorkArgs {
    /// Worker threads; by default all cores. Output does not depend on it.
    #[arg(long)]
    pub(super) threads: Option<usize>,
    /// Refuse to run unless the engine's or the inputs' fingerprint is this one.
    #[arg(long, value_name = "FINGERPRINT")]
    expect_fingerprint: Option<String>,
    #[command(flatten)]
    pub(super) protect: ProtectArgs,
    /// No progress and no summary.
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Root rows per chunk, for tests: output does not depend on it.
    #[arg(long, hide = true)]
    pub(super) chunk_rows: Option<u64>,
}

impl WorkArgs {
    /// Refuses a plan whose fingerprint is not the expected one, if one is.
    pub(super) fn expected(&self, plan: &Plan) -> Result<()> {
        let Some(expected) = &self.expect_fingerprint else { return Ok(()) };
        let inputs = fingerprint(plan);
        if expected == FINGERPRINT || *expected == inputs {
            return Ok(());
        }
        Err(Error::new(Kind::Profile, format!("the fingerprint is not `{expected}`"))
            .hint(format!("the engine's is `{FINGERPRINT}`, the inputs' is `{inputs}`")))
    }
}
