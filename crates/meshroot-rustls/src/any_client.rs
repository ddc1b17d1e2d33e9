use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring::default_provider;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// Asks for a client certificate, takes any or none, and checks only that the client holds its key: for servers that
/// judge each request, by the bundles and records of that moment, since connections outlive both.
///
/// Whoever shows a certificate that means nothing is nobody, and so is whoever shows none: a server that asks this
/// verifier validates the certificate itself (see [`Trust::validate`](crate::Trust::validate)) before it counts.
#[derive(Debug)]
pub struct AnyClientCertificate {
    algorithms: WebPkiSupportedAlgorithms,
}

impl AnyClientCertificate {
    /// With the signature schemes of ring.
    pub fn new() -> Self {
        Self { algorithms: default_provider().signature_verification_algorithms }
    }
}

impl Default for AnyClientCertificate {
    fn default() -> Self {
        Self::new()
    }
}

/// A certificate that we cannot read never authenticates anybody, so the handshake need not fail for it.
fn or_nobody(verified: Result<HandshakeSignatureValid, Error>, certificate: &CertificateDer<'_>) -> Result<HandshakeSignatureValid, Error> {
    match verified {
        Err(Error::InvalidCertificate(e)) if e != CertificateError::BadSignature && meshroot::x509::Certificate::from_der(certificate).is_err() => {
            Ok(HandshakeSignatureValid::assertion())
        }
        other => other,
    }
}

impl ClientCertVerifier for AnyClientCertificate {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(&self, _: &CertificateDer<'_>, _: &[CertificateDer<'_>], _: UnixTime) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        or_nobody(verify_tls12_signature(message, certificate, signed, &self.algorithms), certificate)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        or_nobody(verify_tls13_signature(message, certificate, signed, &self.algorithms), certificate)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
