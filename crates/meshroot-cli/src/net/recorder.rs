//! A verifier and a resolver that take note of what the peer shows and asks.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

use super::Identity;

/// What was seen of a peer during the handshake.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// The chain in DER, leaf first.
    pub(super) chain: Vec<Vec<u8>>,
    /// Whether a client certificate was asked for.
    pub(super) asked: bool,
    /// Of which issuers, as Names in DER; peers need not say.
    pub(super) issuers: Vec<Vec<u8>>,
}

/// Takes note of the chain, and accepts every one.
///
/// That is safe here, and only here: the question is what a peer presents, not whether to trust it. Nothing is sent over
/// the connection after the handshake, nothing that arrives over it is used, and a chain is public. Who sits in the
/// middle can show a chain of their own, which is then judged like any other; with a client certificate, they learn whose
/// it is, but a signature over their handshake is of no use in another one. HTTPS (see `http`) verifies as everybody does.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    seen: Mutex<Seen>,
    identity: Option<Identity>,
    /// Whatever a peer may sign with: a scheme that we do not offer is a handshake that we do not see.
    schemes: Vec<SignatureScheme>,
}

impl Recorder {
    pub(super) fn new(identity: Option<Identity>) -> Arc<Self> {
        use SignatureScheme as S;
        let schemes = vec![
            S::ECDSA_NISTP256_SHA256,
            S::ECDSA_NISTP384_SHA384,
            S::ECDSA_NISTP521_SHA512,
            S::ED25519,
            S::RSA_PSS_SHA256,
            S::RSA_PSS_SHA384,
            S::RSA_PSS_SHA512,
            S::RSA_PKCS1_SHA256,
            S::RSA_PKCS1_SHA384,
            S::RSA_PKCS1_SHA512,
        ];
        Arc::new(Self { seen: Mutex::default(), identity, schemes })
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.note(|seen| seen.chain = std::iter::once(end_entity).chain(intermediates).map(|certificate| certificate.to_vec()).collect());
        Ok(ServerCertVerified::assertion())
    }

    // That the peer holds the key is its own affair: without it, it could serve nobody.
    fn verify_tls12_signature(&self, _: &[u8], _: &CertificateDer<'_>, _: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(&self, _: &[u8], _: &CertificateDer<'_>, _: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

impl ResolvesClientCert for Recorder {
    fn resolve(&self, issuers: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.note(|seen| {
            seen.asked = true;
            seen.issuers = issuers.iter().map(|name| name.to_vec()).collect();
        });
        // Whatever the peer says it accepts: whether it takes this one is what we want to see.
        self.identity.as_ref().map(|identity| identity.0.clone())
    }

    // Without certificates rustls would not ask us, and we would not learn that the peer asked.
    fn has_certs(&self) -> bool {
        true
    }
}
