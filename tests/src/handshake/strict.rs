//! What Envoy demands, on webpki: a fresh CRL from every CA of the path, a root that is valid today. It stands in for Envoy where there is none.

use meshroot::time::Timestamp;
use rustls::{Error, crypto::ring};
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList, RevocationOptionsBuilder, UnknownStatusPolicy,
    anchor_from_trusted_cert,
};

use crate::scene::Cluster;

/// What such a proxy holds of its trust.
#[derive(Debug)]
pub(super) struct Strict {
    roots: Vec<TrustAnchor<'static>>,
    crls: Vec<CertRevocationList<'static>>,
}

impl Strict {
    /// # Errors
    /// What webpki says of a root or a CRL that it does not take.
    pub(super) fn new(column: &Cluster, now: Timestamp) -> Result<Self, String> {
        let roots = column.roots.iter().filter(|root| root.validity().contains(now));
        let roots = roots.map(|root| anchor_from_trusted_cert(&CertificateDer::from(root.der())).map(|anchor| anchor.to_owned()));
        let crls = column.crls.iter().map(|crl| OwnedCertRevocationList::from_der(crl).map(CertRevocationList::from));
        let said = |e: webpki::Error| format!("{e:?}");
        Ok(Self { roots: roots.collect::<Result<_, _>>().map_err(said)?, crls: crls.collect::<Result<_, _>>().map_err(said)? })
    }

    pub(super) fn verify(&self, leaf: &CertificateDer<'_>, above: &[CertificateDer<'_>], usage: KeyUsage, now: UnixTime) -> Result<(), Error> {
        let crls: Vec<_> = self.crls.iter().collect();
        // Without a CRL revocation is not asked for.
        let revocation = RevocationOptionsBuilder::new(&crls)
            .ok()
            .map(|all| all.with_status_policy(UnknownStatusPolicy::Deny).with_expiration_policy(ExpirationPolicy::Enforce).build());
        let algorithms = ring::default_provider().signature_verification_algorithms.all;
        EndEntityCert::try_from(leaf)
            .and_then(|leaf| leaf.verify_for_usage(algorithms, &self.roots, above, now, usage, revocation, None).map(|_| ()))
            .map_err(|e| Error::General(format!("{e:?}")))
    }
}
