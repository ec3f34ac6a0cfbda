//! `placebo audit`: what was done to a folder, and whether the log of it is whole.

use std::path::PathBuf;

use clap::Subcommand;

use super::text_table;
use crate::error::{Error, Kind, Result};
use crate::folder::audit;

#[derive(Subcommand)]
pub(super) enum Audit {
    /// Check that no line of a run log was changed, moved, added or taken out.
    Verify {
        /// A folder with `run.jsonl`, or the file itself.
        path: PathBuf,
        /// The last hash that the run printed: shows that no line is missing at the end.
        #[arg(long, value_name = "SHA256")]
        last: Option<String>,
    },
}

impl Audit {
    pub(super) fn run(&self) -> Result<()> {
        let Self::Verify { path, last } = self;
        let logs = if path.is_dir() { logs(path)? } else { vec![path.clone()] };
        if last.is_some() && logs.len() > 1 {
            return Err(Error::usage("--last is the hash of one log, and there are several").hint("name the file"));
        }
        for log in logs {
            let seen = audit::verify(&log)?;
            if last.as_ref().is_some_and(|last| *last != seen.last) {
                return Err(Error::new(Kind::Verification, format!("`{}` does not end as it did", log.display()))
                    .hint(format!("its last line has the hash {}", seen.last)));
            }
            text_table::print(&format!("{}: {} events, the last {}\n", log.display(), seen.events, seen.last))?;
        }
        Ok(())
    }
}

/// The run logs of a folder: one, or one for each part.
fn logs(folder: &PathBuf) -> Result<Vec<PathBuf>> {
    let io = |error| Error::io(folder, error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("run.") && name.ends_with(".jsonl") {
            found.push(entry.path());
        }
    }
    found.sort();
    match found.is_empty() {
        true => Err(Error::new(Kind::Io, format!("`{}` has no run log", folder.display()))
            .hint("a run with --out DIR writes `run.jsonl` there")),
        false => Ok(found),
    }
}
