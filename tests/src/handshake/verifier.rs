//! The verifiers: one that judges as a data plane does, and one that believes.

use std::sync::Arc;

use meshroot::time::Timestamp;
use meshroot::x509::Certificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::KeyUsage;

use super::strict::Strict;
use super::ztunnel::Ztunnel;
use crate::scene::Cluster;

/// Which data plane judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// ztunnel, with rustls as it uses it; the trust domain of those who come in must be its own.
    Ztunnel,
    /// What Envoy demands, as far as webpki can: of those who come in, a trust domain on the list.
    AsStrictAsEnvoy,
}

/// On which side of the connection the peer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer<'a> {
    /// A client, of which only the trust domain is asked, and the CRLs.
    ComesIn,
    /// A server, called by its identity.
    IsCalled(&'a str),
}

/// Judges the peer as a data plane of one cluster.
#[derive(Debug)]
pub(super) struct Judge {
    path: Path,
    /// What the peer's SPIFFE ID has to begin with.
    expected: Vec<String>,
}

#[derive(Debug)]
enum Path {
    Ztunnel(Ztunnel),
    Strict(Strict),
}

impl Judge {
    /// # Errors
    /// What is said of roots or CRLs that are not taken.
    pub(super) fn new(column: &Cluster, rules: Rules, peer: Peer<'_>, now: Timestamp) -> Result<Self, String> {
        let path = match rules {
            Rules::Ztunnel => Path::Ztunnel(Ztunnel::new(column)?),
            Rules::AsStrictAsEnvoy => Path::Strict(Strict::new(column, now)?),
        };
        let expected = match peer {
            Peer::IsCalled(identity) => vec![identity.to_owned()],
            Peer::ComesIn => {
                let others: &[String] = if rules == Rules::AsStrictAsEnvoy { &column.lets_in } else { &[] };
                let domains = std::iter::once(column.trust_domain.as_str()).chain(others.iter().map(String::as_str));
                domains.map(|domain| format!("spiffe://{domain}/")).collect()
            }
        };
        Ok(Self { path, expected })
    }

    fn identity(&self, leaf: &CertificateDer<'_>) -> Result<(), Error> {
        let certificate = Certificate::from_der(leaf).map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let uris = certificate.alt_names().map(|names| names.uris).unwrap_or_default();
        let expected = uris.iter().any(|uri| self.expected.iter().any(|beginning| uri.starts_with(beginning)));
        if expected { Ok(()) } else { Err(Error::General(format!("{uris:?} does not begin with any of {:?}", self.expected))) }
    }
}

impl ClientCertVerifier for Judge {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(&self, leaf: &CertificateDer<'_>, above: &[CertificateDer<'_>], now: UnixTime) -> Result<ClientCertVerified, Error> {
        match &self.path {
            Path::Ztunnel(ztunnel) => ztunnel.client(leaf, above, now)?,
            Path::Strict(strict) => strict.verify(leaf, above, KeyUsage::client_auth(), now)?,
        }
        self.identity(leaf).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(&self, m: &[u8], c: &CertificateDer<'_>, s: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(m, c, s, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(&self, m: &[u8], c: &CertificateDer<'_>, s: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(m, c, s, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.path {
            Path::Ztunnel(ztunnel) => ztunnel.server(leaf, above, now)?,
            Path::Strict(strict) => strict.verify(leaf, above, KeyUsage::server_auth(), now)?,
        }
        self.identity(leaf).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(&self, m: &[u8], c: &CertificateDer<'_>, s: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(m, c, s, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(&self, m: &[u8], c: &CertificateDer<'_>, s: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(m, c, s, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Accepts every certificate, but not a peer without its key.
#[derive(Debug)]
pub(super) struct Believer;

impl ClientCertVerifier for Believer {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(&self, _: &CertificateDer<'_>, _: &[CertificateDer<'_>], _: UnixTime) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(&self, m: &[u8], c: &CertificateDer<'_>, s: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(m, c, s, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(&self, m: &[u8], c: &CertificateDer<'_>, s: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(m, c, s, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

impl ServerCertVerifier for Believer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(&self, m: &[u8], c: &CertificateDer<'_>, s: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(m, c, s, &provider().signature_verification_algorithms)
    }

    fn verify_tls13_signature(&self, m: &[u8], c: &CertificateDer<'_>, s: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(m, c, s, &provider().signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider().signature_verification_algorithms.supported_schemes()
    }
}

/// ring, as everywhere in this repository.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
