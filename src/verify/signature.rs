//! Signatures: whether envelopes are about the manifests beside them, and with a key whether it signed them.

use std::path::Path;

use super::{Finding, Findings, Report};
use crate::folder::envelope::{self, PublicKey};
use crate::folder::manifest::StoredManifest;
use crate::folder::{below, envelope_name};

/// Looks at the envelope of every manifest.
pub(super) fn check(
    folder: &Path,
    made: &[StoredManifest],
    key: Option<&PublicKey>,
    findings: &Findings,
    report: &mut Report,
) {
    let mut signed = 0;
    for one in made {
        let name = envelope_name(one.part());
        let found = match (envelope::check(&below(folder, &name), one, key), key) {
            (Ok(true), _) => {
                signed += 1;
                continue;
            }
            (Ok(false), None) => continue,
            (Ok(false), Some(_)) => "it is missing: the manifest is not signed".to_owned(),
            (Err(message), _) => message,
        };
        findings.add(Finding::new("signature", found).file(&name));
    }
    match key {
        Some(_) => report.looked.push(format!("{signed} signatures")),
        None if signed > 0 => {
            report.notes.push("the manifest is signed: --public-key FILE says whether by whom you think".to_owned());
        }
        None => {}
    }
}
