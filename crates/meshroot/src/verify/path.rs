use std::sync::{Arc, OnceLock};

use crate::key::{Crypto, PublicKey};
use crate::pem::encode_certificate;
use crate::revocation::VerifiedCrls;
use crate::spiffe::SpiffeId;
use crate::time::{Timestamp, Validity};
use crate::x509::wire::{CertRef, TbsRef};
use crate::x509::{AltNames, Certificate, DistinguishedName};

use super::names::NameConstraints;
use super::policy;
use super::pool::Pool;
use super::reason::{Reason, Rejection};
use super::rules::{alt_names, in_time};
use super::search::{Below, Ground, Search, certificate_at, with_tbs};
use super::work::Work;
use super::{PathQuery, PolicyInputs, Purpose, Rules};

/// The CA certificates from a signing CA up to an anchor, verified: links, constraints, signatures.
///
/// What was verified stays true; only time passes. [`is_valid_at`](Self::is_valid_at) judges that anew, and with it
/// a path that is kept costs no signature.
#[derive(Clone, Debug)]
pub struct CaPath(Arc<Verified>);

#[derive(Debug)]
struct Verified {
    /// The signing CA first, the anchor last; the same certificate when an anchor signs.
    certificates: Vec<Certificate>,
    /// Name constraints along the path.
    names: Vec<Arc<NameConstraints>>,
    /// The time in which all of them are valid.
    validity: Validity,
    /// Certificate policies matter: each leaf is to be judged with the whole path.
    policies: bool,
    /// What a peer is sent, in PEM, once it was asked for: a CA's own certificate goes out with each that it signs.
    pem: OnceLock<Box<[String]>>,
}

impl CaPath {
    /// Finds and verifies a path from `signing`, a CA certificate, to one of `anchors`, with the help of
    /// `intermediates` in any order: for workloads, by our own rules, without asking for revocation.
    ///
    /// # Errors
    /// Why there is none; of several failures the one that came closest to an anchor.
    pub fn find(
        signing: &Certificate,
        intermediates: &[Certificate],
        anchors: &[Certificate],
        crypto: &Crypto,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        Self::judge(signing, intermediates, anchors, crypto, &PathQuery::new(now).purpose(Purpose::Both), None)
    }

    /// Would a leaf that `signing` signs be accepted? As [`find`](Self::find), by the rules of the query. With `would_be`,
    /// a leaf with this SPIFFE ID and no other name: then every CA's name constraints must permit it.
    ///
    /// # Errors
    /// Why not; of several failures the one that came closest to an anchor.
    pub fn judge(
        signing: &Certificate,
        intermediates: &[Certificate],
        anchors: &[Certificate],
        crypto: &Crypto,
        query: &PathQuery<'_>,
        would_be: Option<&SpiffeId>,
    ) -> Result<Self, Rejection> {
        let pool = Pool::from(intermediates);
        let names = would_be.map(|id| (&DistinguishedName::EMPTY[..], Some(AltNames { uris: vec![id.as_str()], ..AltNames::default() })));
        Search::new(Ground { pool: &pool, anchors, crypto, query }, Below { leaf: None, names }, &mut VerifiedCrls::new()).run_from(signing)
    }

    /// Verifies a certificate that signed itself, as the anchor it is going to be.
    ///
    /// # Errors
    /// When it did not sign itself, is not valid at `now`, or is no CA certificate.
    pub fn self_signed(root: &Certificate, crypto: &Crypto, now: Timestamp) -> Result<Self, Rejection> {
        let refused = |reason| Rejection { certificate: Some(certificate_at(root, 0)), reason };
        if !root.is_self_issued() {
            return Err(refused(Reason::UnknownIssuer { issuer: root.issuer().clone() }));
        }
        root.verify_signature(root.public_key(), crypto).map_err(|_| refused(Reason::BadSignature))?;
        Self::find(root, &[], core::slice::from_ref(root), crypto, now)
    }

    /// Only a search that verified everything calls this.
    pub(super) fn verified(certificates: Vec<Certificate>, names: Vec<Arc<NameConstraints>>, validity: Validity, policies: bool) -> Self {
        Self(Arc::new(Verified { certificates, names, validity, policies, pem: OnceLock::new() }))
    }

    /// The certificates that a peer is sent: all but the anchor, which it has.
    pub fn without_anchor(&self) -> &[Certificate] {
        self.0.certificates.split_last().map_or(&[], |(_, below)| below)
    }

    /// The same in PEM.
    pub(crate) fn without_anchor_pem(&self) -> &[String] {
        self.0.pem.get_or_init(|| self.without_anchor().iter().map(|one| encode_certificate(one.der())).collect())
    }

    /// The signing CA's certificate.
    pub fn signing(&self) -> Option<&Certificate> {
        self.0.certificates.first()
    }

    /// All certificates: the signing CA first, the anchor last.
    pub fn certificates(&self) -> &[Certificate] {
        &self.0.certificates
    }

    /// The period in which every certificate of the path is valid.
    pub fn validity(&self) -> Validity {
        self.0.validity
    }

    /// The certificate of the path that expires first: the one that cuts the life of all below.
    pub fn first_to_expire(&self) -> Option<&Certificate> {
        self.0.certificates.iter().min_by_key(|certificate| certificate.validity().not_after)
    }

    /// Whether every certificate is valid at `now`.
    ///
    /// # Errors
    /// The certificate that is not.
    pub fn is_valid_at(&self, now: Timestamp) -> Result<(), Rejection> {
        if self.0.validity.contains(now) {
            return Ok(());
        }
        for (above, certificate) in self.0.certificates.iter().enumerate() {
            with_tbs(certificate, above.saturating_add(1), |tbs| in_time(tbs, now))?;
        }
        Ok(())
    }

    pub(super) fn key(&self) -> Option<&PublicKey> {
        self.signing().map(Certificate::public_key)
    }

    /// Judges the certificate policies of a certificate below, where they matter.
    pub(super) fn check_policies(&self, cert: &CertRef<'_>) -> Result<(), Rejection> {
        if !self.0.policies && policy::is_silent(&cert.tbs) {
            return Ok(());
        }
        policy::check_path(self.0.certificates.iter(), Some(cert), &Rules::spiffe(), &PolicyInputs::default())
    }

    /// Judges the names of a certificate below against every constraint of the path.
    pub(super) fn check_names(&self, tbs: &TbsRef<'_>) -> Result<(), Reason> {
        if self.0.names.is_empty() {
            return Ok(());
        }
        let names = alt_names(tbs)?;
        let mut work = Work::from(super::Budget::default());
        self.0.names.iter().try_for_each(|constraints| constraints.check(tbs.subject, names.as_ref(), &mut work))
    }
}
