use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshroot::x509::Certificate;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256, SanType};
use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::super::held::Held;
use super::Failure;

/// A key and the request for its certificate, made with rcgen as ztunnel makes them: P-256, an empty subject, one critical SAN with the URI.
#[derive(Debug)]
pub struct Request {
    /// PEM.
    pub csr: String,
    /// PKCS#8 in PEM.
    pub key: String,
}

impl Request {
    /// For this identity.
    pub fn new(id: &str) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(id.try_into().unwrap())];
        params.distinguished_name = DistinguishedName::new();
        Self { csr: params.serialize_request(&key).unwrap().pem().unwrap(), key: key.serialize_pem() }
    }
}

/// What ztunnel makes of an answer.
#[derive(Clone, Debug)]
pub struct WorkloadCertificate {
    leaf: Certificate,
    chain: Vec<CertificateDer<'static>>,
    key: String,
    roots: Vec<CertificateDer<'static>>,
}

impl WorkloadCertificate {
    /// Reads the answer to a request for `id`: the first string is the leaf, the last one holds the roots, and of each between only the first
    /// certificate counts.
    ///
    /// # Errors
    /// What ztunnel would log.
    pub fn read(answer: &[String], key: &str, id: &str) -> Result<Self, Failure> {
        let (leaf, above) = answer.split_first().ok_or_else(|| odd("the response has no certificates"))?;
        let leaf = first(leaf)?;
        let (roots, between) = above.split_last().ok_or_else(|| odd("no root certificate present"))?;
        let roots = CertificateDer::pem_slice_iter(roots.as_bytes()).collect::<Result<Vec<_>, _>>().map_err(|e| odd(&e.to_string()))?;
        let chain = between.iter().map(|element| first(element)).collect::<Result<Vec<_>, _>>()?;
        let leaf = Certificate::from_der(&leaf).map_err(|e| odd(&e.to_string()))?;
        for authority in chain.iter().chain(&roots) {
            Certificate::from_der(authority).map_err(|e| odd(&e.to_string()))?;
        }
        let read = Self { leaf, chain, key: key.into(), roots };
        if read.named().as_deref() != Some(id) {
            return Err(odd("did not find expected SAN"));
        }
        Ok(read)
    }

    /// When it is renewed: in the middle between its two times.
    pub fn refresh_at(&self) -> SystemTime {
        let validity = self.leaf.validity();
        let seconds = |time: meshroot::time::Timestamp| UNIX_EPOCH + Duration::from_secs(u64::try_from(time.unix()).unwrap());
        seconds(validity.not_before) + validity.not_after.since(validity.not_before) / 2
    }

    /// When it ends.
    pub fn expires_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(u64::try_from(self.leaf.validity().not_after.unix()).unwrap())
    }

    /// The leaf.
    pub fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// How many roots it trusts.
    pub fn roots(&self) -> usize {
        self.roots.len()
    }

    /// Whether a ztunnel with this certificate lets one with `peer` in, and goes on when it is called by it: `id` is whom it expects.
    ///
    /// # Errors
    /// What rustls says, or that the identity is another.
    pub fn accepts(&self, peer: &Self, id: &str) -> Result<(), String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.roots.iter().cloned());
        let roots = Arc::new(roots);
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider)).build().map_err(|e| e.to_string())?;
        let leaf = CertificateDer::from(peer.leaf.der().to_vec());
        let now = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(crate::exhibits::now().unix()).unwrap()));
        clients.verify_client_cert(&leaf, &peer.chain, now).map_err(|e| e.to_string())?;
        let parsed = ParsedCertificate::try_from(&leaf).map_err(|e| e.to_string())?;
        let algorithms = provider.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &roots, &peer.chain, now, algorithms).map_err(|e| e.to_string())?;
        if peer.named().as_deref() == Some(id) { Ok(()) } else { Err(format!("the peer is {:?}", peer.named())) }
    }

    /// The first URI of its names.
    fn named(&self) -> Option<String> {
        self.leaf.alt_names().and_then(|names| names.uris.first().map(ToString::to_string))
    }

    /// The same as files of PEM, to be judged like any other workload's.
    pub fn held(&self) -> Held {
        let pem = |ders: &[CertificateDer<'_>]| ders.iter().map(|der| crate::exhibits::armor(der)).collect::<String>();
        Held { chain: format!("{}{}", self.leaf.to_pem(), pem(&self.chain)), key: self.key.clone(), roots: pem(&self.roots) }
    }
}

/// The first certificate of a text; whatever follows is not looked at.
fn first(pem: &str) -> Result<CertificateDer<'static>, Failure> {
    CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|e| odd(&format!("no certificate: {e}")))
}

fn odd(what: &str) -> Failure {
    Failure::Answer(what.into())
}
