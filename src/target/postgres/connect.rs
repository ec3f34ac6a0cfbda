//! A connection opened: encrypted and verified unless it stays on this machine.

use std::sync::Arc;

use postgres::{Client, NoTls};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connection::Open;
use super::failure::failure;
use super::trusting::Trusting;
use super::url::{Roots, Url};
use crate::disk::{Links, contents, open_regular};
use crate::error::{Error, Kind, Result};
use crate::format::write::ddl::quoted;
use crate::target::database::{Attempt, Options};

/// The most bytes of a file of certificates.
const LONGEST: u64 = 16 << 20;

/// The settings of every connection: values are read and written in one form, whatever the server's settings.
const SETTINGS: &str = "SET client_min_messages = warning; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; \
    SET standard_conforming_strings = on; SET extra_float_digits = 1; \
    SET default_transaction_isolation = 'read committed'; SET default_transaction_read_only = off";

/// Opens a connection.
pub(super) fn connect(url: &Url, options: &Options) -> Attempt<Open> {
    let client = match &url.tls {
        None => url.config.connect(NoTls),
        Some(roots) => url.config.connect(verified(roots)?),
    };
    let told = |error| failure(error, &url.shown);
    let mut client: Client = client.map_err(told)?;
    client.batch_execute(SETTINGS).map_err(told)?;
    if let Some(schema) = &options.schema {
        client.batch_execute(&format!("SET search_path = {}", quoted(schema))).map_err(told)?;
    }
    if options.defer_foreign_keys {
        // Foreign keys are triggers, which this role does not fire; `orphans` looks for what they would have refused.
        client.batch_execute("SET session_replication_role = replica").map_err(|error| {
            let mut failure = failure(error, &url.shown);
            failure.error = failure
                .error
                .hint("--defer-foreign-keys needs a superuser, or SET granted on session_replication_role");
            failure
        })?;
    }
    Ok(Open::new(client, url.shown.clone(), options.clone()))
}

/// TLS that refuses a server whose certificate no authority has signed for its name.
fn verified(roots: &Roots) -> Result<MakeRustlsConnect> {
    let (mut store, mut own) = (RootCertStore::empty(), Vec::new());
    match roots {
        Roots::System => {
            // Single certificates that cannot be read are left out, as everywhere.
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
        }
        Roots::File(path) => {
            let io = |error| Error::io(path, error);
            let bytes = contents(open_regular(path, Links::Follow).map_err(io)?, LONGEST).map_err(io)?;
            for certificate in CertificateDer::pem_slice_iter(&bytes) {
                let certificate = certificate.map_err(|_| no_certificates(&path.display().to_string()))?;
                store.add(certificate.clone()).map_err(|_| no_certificates(&path.display().to_string()))?;
                own.push(certificate);
            }
        }
    }
    if store.is_empty() {
        return Err(match roots {
            Roots::System => no_certificates("the system"),
            Roots::File(path) => no_certificates(&path.display().to_string()),
        });
    }
    let internal = |error: &dyn std::fmt::Display| Error::internal(format!("TLS: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider));
    let verifier = Trusting { usual: verifier.build().map_err(|error| internal(&error))?, own };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| internal(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    Ok(MakeRustlsConnect::new(config.with_no_client_auth()))
}

fn no_certificates(place: &str) -> Error {
    Error::new(Kind::Key, format!("`{place}` has no certificates of authorities"))
        .hint("sslrootcert=FILE in the URL names a PEM file with the certificate of the server's authority")
}
