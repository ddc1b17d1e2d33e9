use std::sync::Arc;

use crate::key::{Crypto, PublicKey};
use crate::time::{Timestamp, Validity};
use crate::x509::Certificate;
use crate::x509::wire::{CertRef, TbsRef};

use super::Budget;
use super::names::NameConstraints;
use super::reason::{Reason, Rejection};
use super::rules::{alt_names, check_ca, in_time, reject};

/// Certificates in a chain, the leaf included. Real chains have two or three; more than this is an attack.
pub(super) const MAX_CHAIN: usize = 16;

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
    names: Vec<NameConstraints>,
    /// The time in which all of them are valid.
    validity: Validity,
}

impl CaPath {
    /// Finds and verifies a path from `signing`, a CA certificate, to one of `anchors`, with the help of
    /// `intermediates` in any order.
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
        Self::find_within(signing, intermediates, anchors, crypto, now, &mut Budget::default())
    }

    /// Verifies a certificate that signed itself, as the anchor it is going to be.
    ///
    /// # Errors
    /// When it did not sign itself, is not valid at `now`, or is no CA certificate.
    pub fn self_signed(root: &Certificate, crypto: &Crypto, now: Timestamp) -> Result<Self, Rejection> {
        let refused = |reason| rejection_of(root, 0, reason);
        if !root.is_self_issued() {
            return Err(refused(Reason::UnknownIssuer { issuer: root.issuer().clone() }));
        }
        root.verify_signature(root.public_key(), crypto).map_err(|_| refused(Reason::BadSignature))?;
        Self::find(root, &[], core::slice::from_ref(root), crypto, now)
    }

    /// The certificates that a peer is sent: all but the anchor, which it has.
    pub fn without_anchor(&self) -> &[Certificate] {
        self.0.certificates.split_last().map_or(&[], |(_, below)| below)
    }

    pub(super) fn find_within(
        signing: &Certificate,
        intermediates: &[Certificate],
        anchors: &[Certificate],
        crypto: &Crypto,
        now: Timestamp,
        budget: &mut Budget,
    ) -> Result<Self, Rejection> {
        let mut search = Search { intermediates, anchors, crypto, now, budget, closest: None };
        let mut path = vec![signing.clone()];
        search.extend(&mut path).ok_or_else(|| search.closest.map_or_else(|| Rejection::whole(Reason::EmptyChain), |(_, rejection)| rejection))
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

    /// Judges a leaf with this URI as its only name.
    pub(super) fn check_uri(&self, uri: &str) -> Result<(), Reason> {
        let names = crate::x509::AltNames { uris: vec![uri], ..Default::default() };
        let empty = crate::x509::DistinguishedName::empty();
        self.0.names.iter().try_for_each(|constraints| constraints.check(empty.as_der(), Some(&names)))
    }

    /// Judges the names of a certificate below against every constraint of the path.
    pub(super) fn check_names(&self, tbs: &TbsRef<'_>) -> Result<(), Reason> {
        if self.0.names.is_empty() {
            return Ok(());
        }
        let names = alt_names(tbs)?;
        self.0.names.iter().try_for_each(|constraints| constraints.check(tbs.subject, names.as_ref()))
    }
}

struct Search<'a> {
    intermediates: &'a [Certificate],
    anchors: &'a [Certificate],
    crypto: &'a Crypto,
    now: Timestamp,
    budget: &'a mut Budget,
    /// The failure of the longest attempt, with its length.
    closest: Option<(usize, Rejection)>,
}

impl Search<'_> {
    /// Depth first: anchors before intermediates, so the shortest path is found first.
    fn extend(&mut self, path: &mut Vec<Certificate>) -> Option<CaPath> {
        let top = path.last()?.clone();
        if self.anchors.contains(&top) {
            return match self.conclude(path) {
                Ok(found) => Some(found),
                Err(rejection) => self.failed(path.len(), rejection),
            };
        }
        if path.len() >= MAX_CHAIN {
            return self.failed(path.len(), Rejection::whole(Reason::ChainTooLong { found: path.len(), most: MAX_CHAIN }));
        }
        let (anchors, intermediates) = (self.anchors, self.intermediates);
        let mut named = false;
        for candidate in anchors.iter().chain(intermediates) {
            if candidate.subject() != top.issuer() || !may_have_signed(candidate, &top) || loops(path, candidate) {
                continue;
            }
            named = true;
            if let Err(rejection) = self.check_link(path.len(), &top, candidate) {
                let exhausted = matches!(rejection.reason, Reason::BudgetExhausted { .. });
                self.failed(path.len(), rejection);
                if exhausted {
                    return None;
                }
                continue;
            }
            path.push(candidate.clone());
            if let Some(found) = self.extend(path) {
                return Some(found);
            }
            path.pop();
        }
        if !named {
            let rejection = rejection_of(&top, path.len(), Reason::UnknownIssuer { issuer: top.issuer().clone() });
            self.failed(path.len(), rejection);
        }
        None
    }

    fn check_link(&mut self, position: usize, certificate: &Certificate, issuer: &Certificate) -> Result<(), Rejection> {
        self.budget.signatures = match self.budget.signatures.checked_sub(1) {
            Some(left) => left,
            None => return Err(Rejection::whole(Reason::BudgetExhausted { what: "signature verifications" })),
        };
        if certificate.signature_algorithm().is_none() {
            return Err(rejection_of(certificate, position, Reason::SignatureAlgorithm));
        }
        certificate.verify_signature(issuer.public_key(), self.crypto).map_err(|_| rejection_of(certificate, position, Reason::BadSignature))
    }

    /// The rules that need the whole path, from the anchor down (RFC 5280 §6.1).
    fn conclude(&self, path: &[Certificate]) -> Result<CaPath, Rejection> {
        let mut names: Vec<NameConstraints> = Vec::new();
        let mut validity = Validity { not_before: Timestamp::MIN, not_after: Timestamp::MAX };
        for (index, certificate) in path.iter().enumerate().rev() {
            let position = index.saturating_add(1);
            let is_anchor = position == path.len();
            let parsed = CertRef::parse(certificate.der()).map_err(|e| Rejection::whole(Reason::Malformed(e)))?;
            let tbs = &parsed.tbs;
            let rules = (|| {
                in_time(tbs, self.now)?;
                let rules = check_ca(tbs, is_anchor)?;
                // Self-issued certificates are exempt from constraints, unless they are the last (RFC 5280 §6.1.3 (b)).
                if !is_anchor && !tbs.self_issued() {
                    let alt = alt_names(tbs)?;
                    names.iter().try_for_each(|constraints| constraints.check(tbs.subject, alt.as_ref()))?;
                }
                let below = path.iter().take(index).filter(|ca| !ca.is_self_issued()).count();
                match rules.path_len {
                    Some(allowed) if below > usize::from(allowed) => Err(Reason::PathLength { allowed, found: below }),
                    _ => Ok(rules),
                }
            })()
            .map_err(|reason| reject(position, tbs, reason))?;
            names.extend(rules.names);
            validity.not_before = validity.not_before.max(tbs.validity.not_before);
            validity.not_after = validity.not_after.min(tbs.validity.not_after);
        }
        Ok(CaPath(Arc::new(Verified { certificates: path.to_vec(), names, validity })))
    }

    /// Remembers the failure that came closest to an anchor.
    fn failed(&mut self, length: usize, rejection: Rejection) -> Option<CaPath> {
        if self.closest.as_ref().is_none_or(|(longest, _)| length >= *longest) {
            self.closest = Some((length, rejection));
        }
        None
    }
}

/// Key identifiers are hints (RFC 5280 §4.2.1.1): they rule a candidate out only when both are there and differ.
fn may_have_signed(issuer: &Certificate, certificate: &Certificate) -> bool {
    match (issuer.subject_key_id(), certificate.authority_key_id()) {
        (Some(subject), Some(authority)) => subject == authority,
        _ => true,
    }
}

/// The same name with the same key twice in a path is a loop, whatever the certificates around it.
fn loops(path: &[Certificate], candidate: &Certificate) -> bool {
    path.iter().any(|ca| ca.subject() == candidate.subject() && ca.public_key() == candidate.public_key())
}

fn rejection_of(certificate: &Certificate, position: usize, reason: Reason) -> Rejection {
    let at = super::reason::CertificateAt { position, subject: certificate.subject().clone(), serial: certificate.serial().clone() };
    Rejection { certificate: Some(at), reason }
}

fn with_tbs(certificate: &Certificate, position: usize, check: impl FnOnce(&TbsRef<'_>) -> Result<(), Reason>) -> Result<(), Rejection> {
    let parsed = CertRef::parse(certificate.der()).map_err(|e| Rejection::whole(Reason::Malformed(e)))?;
    check(&parsed.tbs).map_err(|reason| reject(position, &parsed.tbs, reason))
}

/// Whether `tbs` names this CA as its issuer, by name and, where both are there, by key identifier.
pub(super) fn names_issuer(tbs: &TbsRef<'_>, issuer: &Certificate) -> bool {
    let hint = match (issuer.subject_key_id(), tbs.authority_key_id()) {
        (Some(subject), Some(authority)) => subject.as_bytes() == authority,
        _ => true,
    };
    tbs.issuer == issuer.subject().as_der() && hint
}
