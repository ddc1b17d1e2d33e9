//! The verifiers: one that judges by webpki and what the data plane adds to it, and one that believes.

use std::sync::Arc;

use meshroot::time::Timestamp;
use meshroot::x509::Certificate;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList, RevocationOptionsBuilder, UnknownStatusPolicy,
    anchor_from_trusted_cert,
};

use crate::scene::Cluster;

/// Which data plane judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// ztunnel: webpki with its default of ignoring the date of a CRL, unknown status allowed; CRLs only for those who come in; the trust
    /// domain must be its own (`src/tls/certificate.rs`, `src/tls/workload.rs`).
    Ztunnel,
    /// What Envoy demands beyond that, on webpki: a fresh CRL from every CA of the path, a root that is valid today, a trust domain on the list.
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
    rules: Rules,
    roots: Vec<TrustAnchor<'static>>,
    crls: Vec<CertRevocationList<'static>>,
    /// What the peer's SPIFFE ID has to begin with.
    expected: Vec<String>,
}

impl Judge {
    /// # Errors
    /// What webpki says of a root or a CRL that it does not take.
    pub(super) fn new(column: &Cluster, rules: Rules, peer: Peer<'_>, now: Timestamp) -> Result<Self, String> {
        let valid_today = |root: &&Certificate| rules == Rules::Ztunnel || root.validity().contains(now);
        let roots: Vec<_> = column
            .roots
            .iter()
            .filter(valid_today)
            .map(|root| anchor_from_trusted_cert(&CertificateDer::from(root.der())).map(|anchor| anchor.to_owned()))
            .collect::<Result<_, _>>()
            .map_err(|e| format!("root: {e:?}"))?;
        let crls: &[Vec<u8>] = if peer == Peer::ComesIn || rules == Rules::AsStrictAsEnvoy { &column.crls } else { &[] };
        let crls: Vec<_> = crls
            .iter()
            .map(|crl| OwnedCertRevocationList::from_der(crl).map(CertRevocationList::from))
            .collect::<Result<_, _>>()
            .map_err(|e| format!("CRL: {e:?}"))?;
        let expected = match peer {
            Peer::IsCalled(identity) => vec![identity.to_owned()],
            Peer::ComesIn => {
                let others: &[&'static str] = if rules == Rules::AsStrictAsEnvoy { &column.lets_in } else { &[] };
                std::iter::once(column.trust_domain.as_str()).chain(others.iter().copied()).map(|domain| format!("spiffe://{domain}/")).collect()
            }
        };
        Ok(Self { rules, roots, crls, expected })
    }

    fn judge(&self, leaf: &CertificateDer<'_>, above: &[CertificateDer<'_>], usage: KeyUsage, now: UnixTime) -> Result<(), Error> {
        let crls: Vec<_> = self.crls.iter().collect();
        let (unknown, expiry) = match self.rules {
            Rules::Ztunnel => (UnknownStatusPolicy::Allow, ExpirationPolicy::Ignore),
            Rules::AsStrictAsEnvoy => (UnknownStatusPolicy::Deny, ExpirationPolicy::Enforce),
        };
        // Without a CRL revocation is not asked for, by either.
        let revocation = RevocationOptionsBuilder::new(&crls).ok().map(|all| all.with_status_policy(unknown).with_expiration_policy(expiry).build());
        let said = |e: webpki::Error| Error::General(format!("{e:?}"));
        let end_entity = EndEntityCert::try_from(leaf).map_err(said)?;
        let algorithms = ring::default_provider().signature_verification_algorithms.all;
        end_entity.verify_for_usage(algorithms, &self.roots, above, now, usage, revocation, None).map_err(said)?;

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
        self.judge(leaf, above, KeyUsage::client_auth(), now).map(|()| ClientCertVerified::assertion())
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
        self.judge(leaf, above, KeyUsage::server_auth(), now).map(|()| ServerCertVerified::assertion())
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
