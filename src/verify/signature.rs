//! Signatures: whether envelopes are about the manifests beside them, and with a key whether it signed them.

use super::{Finding, Findings, Report, Request};
use crate::folder::manifest::StoredManifest;
use crate::folder::{envelope, envelope_name, manifest_name};
use crate::part::Part;

/// Looks at the envelope of every manifest. Of a signed run every part must be there.
pub(super) fn check(request: &Request, made: &[StoredManifest], findings: &Findings, report: &mut Report) {
    let (folder, key, mut signed) = (&request.folder, request.public_key.as_ref(), 0);
    for one in made {
        let name = envelope_name(one.part());
        let found = match (envelope::check(folder, &name, one, key), key) {
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
    if (signed > 0 || key.is_some())
        && !request.allow_missing_parts
        && let Some(missing) = missing(made)
    {
        let parts = made.first().and_then(StoredManifest::part).map_or(0, Part::count);
        let message =
            format!("it is missing: {} of {parts} parts are here (--allow-missing-parts accepts that)", made.len());
        findings.add(Finding::new("signature", message).file(&manifest_name(Some(missing))));
    }
    match key {
        Some(_) => report.looked.push(format!("{signed} signatures")),
        None if signed > 0 => {
            report.notes.push("the manifest is signed: --public-key FILE says whether by whom you think".to_owned());
        }
        None => {}
    }
}

/// The first part of a run that is not there; `None` if all are.
fn missing(made: &[StoredManifest]) -> Option<Part> {
    let there: Vec<Part> = made.iter().filter_map(StoredManifest::part).collect();
    Part::all(there.first()?.count()).find(|part| !there.contains(part))
}
