//! The options that say what happens to files that are there, shared by the commands that write a folder.

use clap::Args;

use crate::engine::Start;

/// The choice between replacing, continuing and refusing files that are in the folder.
#[derive(Args)]
pub(super) struct FolderArgs {
    /// Replace files that are there.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    /// Go on with what an interrupted run of equal inputs left in the folder.
    #[arg(long)]
    resume: bool,
}

impl FolderArgs {
    /// The start of a run.
    pub(super) fn start(&self) -> Start {
        match (self.overwrite, self.resume) {
            (true, _) => Start::Overwrite,
            (_, true) => Start::Resume,
            _ => Start::New,
        }
    }
}
