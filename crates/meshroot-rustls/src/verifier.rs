use core::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring::default_provider;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use crate::{Peers, Refused, Trust};

/// Judges peers by their X.509-SVIDs, on either side: for configurations that [`client_config`](crate::client_config)
/// and [`server_config`](crate::server_config) do not fit.
///
/// Whoever uses it alone turns resumption off as they do, or peers are not judged again after a bundle changed.
pub struct PeerVerifier {
    trust: Arc<Trust>,
    peers: Peers,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PeerVerifier {
    /// Accepts these of the peers whom `trust` believes.
    pub fn new(trust: Arc<Trust>, peers: Peers) -> Self {
        Self { trust, peers, algorithms: default_provider().signature_verification_algorithms }
    }

    fn judge(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Result<(), Refused> {
        let chain: Vec<&[u8]> = std::iter::once(leaf).chain(others).map(AsRef::as_ref).collect();
        let svid = self.trust.validate(&chain).map_err(Refused::NotValid)?;
        if self.peers.accept(svid.id()) { Ok(()) } else { Err(Refused::NotAccepted { id: svid.id().clone(), accepted: self.peers.to_string() }) }
    }
}

impl fmt::Debug for PeerVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerVerifier").field("trust", &self.trust).field("peers", &self.peers).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for PeerVerifier {
    /// The name that was dialled is not looked at: an X.509-SVID says who, not where (SPIFFE X509-SVID §5.2). The time is
    /// that of [`Trust`].
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(leaf, others)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for PeerVerifier {
    /// A client without a certificate is nobody, and refused.
    fn client_auth_mandatory(&self) -> bool {
        true
    }

    /// None: workloads have one certificate, and a list of roots would tell strangers whom we trust.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(&self, leaf: &CertificateDer<'_>, others: &[CertificateDer<'_>], _: UnixTime) -> Result<ClientCertVerified, Error> {
        self.judge(leaf, others)?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
