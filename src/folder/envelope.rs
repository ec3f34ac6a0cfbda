//! The signature: an in-toto statement about the manifest and every file, in a DSSE envelope, signed with Ed25519.
//!
//! in-toto Statement v1: <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>. DSSE 1.0:
//! <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>. Ed25519 is deterministic (RFC 8032), so that
//! equal runs under one key have equal envelopes. Keys are PEM files as OpenSSL writes them (RFC 8410).

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::below;
use super::manifest::{StoredManifest, read_text};
use crate::digest::sha256;
use crate::disk::{Links, contents, open_regular};
use crate::error::{Error, Kind, Result};
use crate::protect::source::shown;

/// The media type of the payload.
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The type of the statement's predicate, which names the run.
const PREDICATE_TYPE: &str = "urn:placebo:manifest:v1";
/// Before the 32 bytes of a private key: RFC 8410, section 7.
const PRIVATE: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
/// Before the 32 bytes of a public key: RFC 8410, section 4.
const PUBLIC: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

/// A key that signatures are checked with.
#[derive(Debug, Clone)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads a PEM file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is no public key for Ed25519.
    pub fn read(path: &Path) -> Result<Self> {
        let hint = "openssl pkey -in KEY -pubout -out PUBLIC_KEY writes one";
        let bytes = pem(&open(path)?, path, "PUBLIC KEY", &PUBLIC, hint)?;
        VerifyingKey::from_bytes(&bytes).map(Self).map_err(|_| no_key(path, "PUBLIC KEY", hint))
    }

    /// The name of the key in envelopes: SHA-256 of what the PEM file holds.
    fn id(&self) -> String {
        sha256(&[PUBLIC.as_slice(), self.0.as_bytes()].concat())
    }
}

/// A key that manifests are signed with. Nobody but its owner may be able to read its file.
pub struct PrivateKey(SigningKey);

impl PrivateKey {
    /// Reads a PEM file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, lies open to others, or is no private key for Ed25519.
    pub fn read(path: &Path) -> Result<Self> {
        let hint = "openssl genpkey -algorithm ed25519 -out KEY writes one";
        let file = open(path)?;
        private(&file, path)?;
        Ok(Self(SigningKey::from_bytes(&pem(&file, path, "PRIVATE KEY", &PRIVATE, hint)?)))
    }

    /// The name of the key in envelopes.
    #[must_use]
    pub fn id(&self) -> String {
        PublicKey(self.0.verifying_key()).id()
    }
}

/// Opens the file of a key.
fn open(path: &Path) -> Result<File> {
    open_regular(path, Links::Follow).map_err(|error| unread(path, error))
}

fn unread(path: &Path, error: std::io::Error) -> Error {
    Error::new(Kind::Key, format!("`{}`: {error}", shown(&path.to_string_lossy()))).caused_by(error)
}

/// The 32 bytes of a key in an open PEM file.
fn pem(file: &File, path: &Path, label: &str, before: &[u8], hint: &str) -> Result<[u8; 32]> {
    let bytes = file.try_clone().and_then(|file| contents(file, 1 << 16)).map_err(|error| unread(path, error))?;
    let text = String::from_utf8(bytes).map_err(|_| no_key(path, label, hint))?;
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let body = text.split_once(&begin).and_then(|(_, rest)| rest.split_once(&end));
    let body = body.map(|(body, _)| body.split_whitespace().collect::<String>());
    let bytes = body.and_then(|body| STANDARD.decode(body).ok());
    let key = bytes.as_deref().and_then(|bytes| bytes.strip_prefix(before)?.try_into().ok());
    key.ok_or_else(|| no_key(path, label, hint))
}

fn no_key(path: &Path, label: &str, hint: &str) -> Error {
    let message = format!("`{}` is no {} for Ed25519", shown(&path.to_string_lossy()), label.to_lowercase());
    Error::new(Kind::Key, message).hint(hint)
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Envelope {
    payload: String,
    payload_type: String,
    signatures: Vec<Signed>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    keyid: String,
    sig: String,
}

/// The statement about a run: the hash of its manifest, and of every file that the manifest lists.
fn statement(made: &StoredManifest) -> String {
    let subject = |name: &str, sha256: &str| json!({ "name": name, "digest": { "sha256": sha256 } });
    let manifest = &made.manifest;
    let mut subjects = vec![subject(&made.name, &sha256(made.text.as_bytes()))];
    subjects.extend(manifest.files.iter().map(|file| subject(&file.path, &file.sha256)));
    subjects.extend(manifest.beside.iter().map(|file| subject(&file.path, &file.sha256)));
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "placebo": manifest.placebo, "engine": manifest.engine, "fingerprint": manifest.fingerprint,
            "profile": manifest.profile, "profile_sha256": manifest.profile_sha256, "part": manifest.part,
        },
    })
    .to_string()
}

/// DSSE's pre-authentication encoding, which is signed.
fn encoded(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

/// Signs a manifest: the text of the envelope.
///
/// # Errors
///
/// None that a manifest can have; JSON may fail in principle.
pub fn seal(stored: &StoredManifest, key: &PrivateKey) -> Result<String> {
    let payload = statement(stored).into_bytes();
    let signature = key.0.sign(&encoded(&payload));
    let envelope = Envelope {
        payload: STANDARD.encode(&payload),
        payload_type: PAYLOAD_TYPE.to_owned(),
        signatures: vec![Signed { keyid: key.id(), sig: STANDARD.encode(signature.to_bytes()) }],
    };
    Ok(serde_json::to_string(&envelope).map_err(|error| Error::internal(error.to_string()))? + "\n")
}

/// Refuses a private key that others may read.
#[cfg(unix)]
fn private(file: &File, key: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let open = file.metadata().is_ok_and(|there| there.permissions().mode() & 0o077 != 0);
    if open {
        return Err(Error::new(Kind::Key, format!("`{}` may be read by others", key.display()))
            .hint(format!("chmod 600 {}", key.display())));
    }
    Ok(())
}

/// Other systems have other ways to keep a key.
#[cfg(not(unix))]
fn private(_: &File, _: &Path) -> Result<()> {
    Ok(())
}

/// Tells whether a manifest has an envelope of a name in its folder that is about it and, where a key is given, signed by it.
///
/// # Errors
///
/// The defect of the envelope, as a sentence about it.
pub fn check(folder: &Path, name: &str, stored: &StoredManifest, key: Option<&PublicKey>) -> Result<bool, String> {
    let text = match read_text(folder, name) {
        Err(error) if error.io_kind() == Some(ErrorKind::NotFound) => return Ok(false),
        read => read.map_err(|error| error.message().replace(&format!("`{}`: ", below(folder, name).display()), ""))?,
    };
    let envelope: Envelope = serde_json::from_str(&text).map_err(|error| format!("it is no envelope: {error}"))?;
    let payload = STANDARD.decode(&envelope.payload).map_err(|error| format!("its payload is no base64: {error}"))?;
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(format!("its payload is `{}`", envelope.payload_type));
    }
    if let Some(PublicKey(key)) = key {
        let by_key = |signed: &Signed| {
            let signature = STANDARD.decode(&signed.sig).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
            signature.is_some_and(|signature| key.verify_strict(&encoded(&payload), &signature).is_ok())
        };
        if !envelope.signatures.iter().any(by_key) {
            return Err("no signature in it is by the given key".to_owned());
        }
    }
    if payload != statement(stored).as_bytes() {
        return Err("it is about another manifest or other files".to_owned());
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The private key of the bytes 0 to 31: OpenSSL and Python derive this public key from it.
    #[test]
    fn keys_and_what_is_signed_are_those_of_others() {
        let bytes: [u8; 32] = std::array::from_fn(|n| n as u8);
        let key = SigningKey::from_bytes(&bytes);
        let public = crate::digest::hex(key.verifying_key().as_bytes());
        assert_eq!(public, "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8");
        let head = encoded(b"hello world");
        assert_eq!(head, b"DSSEv1 28 application/vnd.in-toto+json 11 hello world");
    }
}
