//! The names of files in a folder. Those of a part have its label in them, so that parts share a folder.

use crate::part::{Part, infix};

/// The path of an output's file below the folder, with `/`: `claim.csv`, or `claim/part-00001.csv` for a part.
#[must_use]
pub fn file_path(output: &str, extension: &str, part: Option<Part>) -> String {
    match part {
        None => format!("{output}.{extension}"),
        Some(part) => format!("{output}/{}.{extension}", part.label()),
    }
}

/// The name of the manifest.
#[must_use]
pub fn manifest_name(part: Option<Part>) -> String {
    format!("manifest{}.json", infix(part))
}

/// The name of the signature of the manifest.
#[must_use]
pub fn envelope_name(part: Option<Part>) -> String {
    format!("manifest{}.dsse.json", infix(part))
}

/// The name of the list of hashes that `sha256sum -c` reads.
#[must_use]
pub fn sums_name(part: Option<Part>) -> String {
    format!("SHA256SUMS{}", infix(part))
}

/// The names of the answer key, for programs and for people.
#[must_use]
pub fn answers_names(part: Option<Part>) -> [String; 2] {
    ["json", "csv"].map(|form| format!("answers{}.{form}", infix(part)))
}

/// The name of the manifest of an answer key without rows.
#[must_use]
pub fn recipe_name(part: Option<Part>) -> String {
    format!("answers.recipe{}.json", infix(part))
}

/// The name of the run log.
#[must_use]
pub fn log_name(part: Option<Part>) -> String {
    format!("run{}.jsonl", infix(part))
}

/// Tells whether a file has the name of a run log: of a whole run, or of a part of any run.
#[must_use]
pub fn is_log_name(name: &str) -> bool {
    let digits = name.strip_prefix("run.part-").and_then(|rest| rest.strip_suffix(".jsonl"));
    name == log_name(None)
        || digits.is_some_and(|digits| digits.len() == 5 && digits.bytes().all(|digit| digit.is_ascii_digit()))
}

/// The name of the journal of a run that goes on or was interrupted.
pub(super) fn journal_name(part: Option<Part>) -> String {
    format!(".placebo{}.journal", infix(part))
}

/// The name of the lock; the one without a part is the lock of the whole folder.
pub(super) fn lock_name(part: Option<Part>) -> String {
    format!(".placebo{}.lock", infix(part))
}
