//! ztunnel's verifier, with the same calls into rustls (ztunnel `src/tls/certificate.rs`, `src/tls/workload.rs`): for those who come in rustls'
//! own verifier of client certificates with unknown revocation status allowed and no word about expired CRLs, for those who are called no CRLs.

use std::sync::Arc;

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{Error, RootCertStore};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};

use super::verifier::provider;
use crate::scene::Cluster;

/// What ztunnel holds of its trust.
#[derive(Debug)]
pub(super) struct Ztunnel {
    roots: Arc<RootCertStore>,
    clients: Arc<dyn ClientCertVerifier>,
}

impl Ztunnel {
    /// # Errors
    /// What rustls says of no roots, or of a CRL that it does not take.
    pub(super) fn new(column: &Cluster) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(column.roots.iter().map(|root| CertificateDer::from(root.der())));
        let roots = Arc::new(roots);
        let mut builder = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider());
        if !column.crls.is_empty() {
            let crls = column.crls.iter().map(|crl| CertificateRevocationListDer::from(crl.clone()));
            builder = builder.with_crls(crls).allow_unknown_revocation_status();
        }
        Ok(Self { roots, clients: builder.build().map_err(|e| e.to_string())? })
    }

    pub(super) fn client(&self, leaf: &CertificateDer<'_>, above: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Error> {
        self.clients.verify_client_cert(leaf, above, now).map(|_| ())
    }

    pub(super) fn server(&self, leaf: &CertificateDer<'_>, above: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Error> {
        let leaf = ParsedCertificate::try_from(leaf)?;
        verify_server_cert_signed_by_trust_anchor(&leaf, &self.roots, above, now, provider().signature_verification_algorithms.all)
    }
}
