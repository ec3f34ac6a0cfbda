//! The files that describe the data, and the manifest, derived again from the profile and compared with those of the folder.

use std::path::Path;

use super::{Finding, Findings};
use crate::answers::Collector;
use crate::dataset::DataSet;
use crate::error::Result;
use crate::folder::manifest::{Manifest, StoredManifest, read_text};
use crate::folder::{Sidecar, answers_of, sidecars_of};

/// Compares what describes the data with what the profile makes; `set` is the data set of the first manifest.
pub(super) fn check(folder: &Path, set: &DataSet, made: &[StoredManifest], findings: &Findings) -> Result<()> {
    let Some(first) = made.first() else { return Ok(()) };
    let (format, options) = first.manifest.format()?;
    let sidecars = sidecars_of(set, format, &options);
    for sidecar in &sidecars {
        // A file that cannot be read was told when it was hashed.
        let Ok(text) = read_text(folder, &sidecar.name) else { continue };
        if text != sidecar.text {
            let line = text.lines().zip(sidecar.text.lines()).take_while(|(have, want)| have == want).count() + 1;
            let message = format!("it is not what the profile makes, from line {line} on");
            findings.add(Finding::new("replay", message).file(&sidecar.name));
        }
    }
    for one in made {
        let derived = Manifest::new((format, &options), set, &one.manifest.files, &sidecars);
        if let Some(field) = comparable(derived, &one.manifest).difference(&one.manifest) {
            let message = format!("`{field}` is not what the profile and the other inputs give");
            findings.add(Finding::new("replay", message).file(&one.name));
        }
    }
    Ok(())
}

/// Compares the answer key of a run with the answers of its rows, derived again.
pub(super) fn answers(folder: &Path, one: &StoredManifest, answers: Option<&Collector>, findings: &Findings) {
    let Some(answers) = answers else { return };
    for Sidecar { name, text } in answers_of(&answers.key()) {
        // A file that cannot be read was told when it was hashed, one that is not listed when the folder was looked at.
        let listed = one.manifest.beside.iter().any(|file| file.path == name);
        let Some(have) = Some(()).filter(|()| listed).and_then(|()| read_text(folder, &name).ok()) else { continue };
        if have != text {
            let line = have.lines().zip(text.lines()).take_while(|(have, want)| have == want).count() + 1;
            let message = format!("its answers are not those of the rows, from line {line} on");
            findings.add(Finding::new("answers", message).file(&name));
        }
    }
}

/// A derived manifest with the fields of the stored one that are not derived from inputs: the version of the program, the part, how
/// the key is kept, and the hashes of files that are compared as they are.
fn comparable(mut derived: Manifest, stored: &Manifest) -> Manifest {
    derived.placebo.clone_from(&stored.placebo);
    derived.part = stored.part;
    derived.beside.clone_from(&stored.beside);
    if let (Some(derived), Some(stored)) = (&mut derived.protection, &stored.protection) {
        derived.key.clone_from(&stored.key);
    }
    derived
}
