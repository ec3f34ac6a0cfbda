//! Signs the manifests of a folder, and with them every file.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::digest::sha256;
use crate::disk::{Disk, write_whole};
use crate::error::{Error, Kind, Result};
use crate::folder::audit::Log;
use crate::folder::envelope::{PrivateKey, seal};
use crate::folder::envelope_name;
use crate::verify;

/// Signs the manifests of a folder after a look at its files, and gives the paths of the envelopes. The run log says so too.
///
/// # Errors
///
/// If the key cannot be read or lies open to others, or the folder is not what its manifests say.
pub fn sign(disk: &dyn Disk, folder: &Path, key: &Path) -> Result<Vec<PathBuf>> {
    let key = PrivateKey::read(key)?;
    let seen = verify::files(folder)?;
    if let Some(finding) = seen.findings.first() {
        return Err(Error::new(Kind::Verification, format!("nothing was signed: {finding}"))
            .hint("placebo verify has the whole list"));
    }
    let mut written = Vec::new();
    for stored in &seen.manifests {
        let (text, name) = (seal(stored, &key)?, envelope_name(stored.part()));
        let log = Log::start(disk, folder, stored.part(), json!({ "fingerprint": stored.manifest.fingerprint }))?;
        let path = folder.join(&name);
        write_whole(disk, &path, &path, &text)?;
        log.event("signed", json!({ "path": name, "sha256": sha256(text.as_bytes()), "keyid": key.id() }))?;
        log.sync()?;
        written.push(path);
    }
    Ok(written)
}
