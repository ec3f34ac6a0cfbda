//! The certificate of a server that signed it for itself.
//!
//! `openssl req -x509` marks what it makes as the certificate of an authority, which the usual verification refuses for a server. `libpq`
//! takes it where `sslrootcert` names it, and so does this.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

/// The usual verification, but for certificates that the user named one by one.
#[derive(Debug)]
pub(super) struct Trusting {
    pub(super) usual: Arc<WebPkiServerVerifier>,
    /// The certificates of the file of the user.
    pub(super) own: Vec<CertificateDer<'static>>,
}

/// The verdict of the usual verification on the certificate of an authority, once its dates have held.
const AUTHORITY: &str = "CaUsedAsEndEntity";

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let usual = self.usual.verify_server_cert(server, others, name, ocsp, now);
        match usual {
            Err(Error::InvalidCertificate(why))
                if format!("{why:?}").contains(AUTHORITY) && self.own.contains(server) =>
            {
                verify_server_name(&ParsedCertificate::try_from(server)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            usual => usual,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, server, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, server, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}
