//! One path: of a leaf that a CA would sign, or of a real one.

use crate::key::Crypto;
use crate::revocation::{CrlSet, Status, Subject};
use crate::spiffe::SpiffeId;
use crate::time::Timestamp;
use crate::verify::{CaPath, PathQuery, Purpose, Reason, Rejection, validate_path};
use crate::x509::Certificate;

use super::{Plane, Sent, plane_rules};

/// A path that holds.
#[derive(Debug)]
pub(in super::super) struct Found {
    /// The signing CA first, or the leaf; the anchor last.
    pub(in super::super) certificates: Vec<Certificate>,
    /// The first one is a leaf.
    pub(in super::super) has_leaf: bool,
    /// The last second in which it holds: for webpki, roots have no end.
    pub(in super::super) not_after: Timestamp,
}

pub(super) struct Asked<'a> {
    pub(super) anchors: &'a [Certificate],
    pub(super) crls: Option<&'a CrlSet>,
    pub(super) plane: Plane,
    pub(super) crypto: &'a Crypto,
    pub(super) at: Timestamp,
}

impl Asked<'_> {
    fn query(&self, purpose: Purpose) -> PathQuery<'_> {
        let query = PathQuery::new(self.at).rules(plane_rules(self.plane)).purpose(purpose);
        match self.crls {
            Some(crls) => query.crls(crls),
            None => query,
        }
    }

    /// Would a workload's leaf by this CA be accepted? The peer has to find the CA in what it is sent or trusts: under the
    /// same name and key any certificate of it will do.
    pub(super) fn authority(&self, signing: &Certificate, presented: &[Certificate], sample: Option<&SpiffeId>) -> Result<Found, Rejection> {
        let query = self.query(Purpose::Both);
        let mut closest: Option<Rejection> = None;
        let is_it = |candidate: &&Certificate| candidate.subject() == signing.subject() && candidate.public_key() == signing.public_key();
        for candidate in presented.iter().chain(self.anchors).filter(is_it) {
            let found = CaPath::judge(candidate, presented, self.anchors, self.crypto, &query, sample);
            // Revocation is asked from the leaf up, once there is a path.
            let found = match found {
                Err(rejection) if !is_about_revocation(&rejection.reason) => Err(rejection),
                found => self.unlisted_leaf(candidate).and(found),
            };
            match found {
                Ok(path) => {
                    let not_after = path.validity().not_after;
                    return Ok(Found { certificates: path.certificates().to_vec(), has_leaf: false, not_after });
                }
                Err(rejection) => {
                    let height = |rejection: &Rejection| rejection.certificate.as_ref().map_or(0, |at| at.position);
                    if closest.as_ref().is_none_or(|held| height(&rejection) > height(held)) {
                        closest = Some(rejection);
                    }
                }
            }
        }
        Err(closest.unwrap_or_else(|| Rejection { certificate: None, reason: Reason::UnknownIssuer { issuer: signing.subject().clone() } }))
    }

    /// Whether the CRLs let a leaf of this CA pass that is on none of them.
    fn unlisted_leaf(&self, signing: &Certificate) -> Result<(), Rejection> {
        let Some(crls) = self.crls else { return Ok(()) };
        let refused = |reason| Err(Rejection { certificate: None, reason });
        match crls.status(&Subject::to_be_issued_by(signing), signing, self.crypto, self.at) {
            Status::NotAsked | Status::Good { .. } => Ok(()),
            Status::Revoked { at, reason } => refused(Reason::Revoked { at, reason }),
            Status::Stale { next_update } => refused(Reason::CrlStale { next_update, now: self.at }),
            Status::NotYetValid { this_update } => refused(Reason::CrlNotYetValid { this_update, now: self.at }),
            Status::Missing => refused(Reason::CrlMissing { issuer: signing.subject().clone() }),
            Status::Unusable(problem) => refused(Reason::CrlUnusable { issuer: signing.subject().clone(), problem }),
        }
    }

    /// Is this very chain accepted?
    pub(super) fn leaf(&self, sent: &Sent, more: &[Certificate]) -> Result<Found, Rejection> {
        let Some((leaf, above)) = sent.ders.split_first() else {
            return Err(Rejection { certificate: None, reason: Reason::EmptyChain });
        };
        // A certificate without a SPIFFE ID is a server's: istiod's own, or a gateway's.
        let purpose = if sent.id.is_some() { Purpose::Both } else { Purpose::ServerAuth };
        let intermediates: Vec<&[u8]> = more.iter().map(Certificate::der).chain(above.iter().map(Vec::as_slice)).collect();
        let path = validate_path(leaf, &intermediates, self.anchors, self.crypto, &self.query(purpose))?;
        Ok(Found { certificates: path.certificates().to_vec(), has_leaf: true, not_after: path.not_after() })
    }
}

/// Whether it is the lists that stand against a certificate.
pub(in super::super) fn is_about_revocation(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::Revoked { .. } | Reason::CrlMissing { .. } | Reason::CrlStale { .. } | Reason::CrlNotYetValid { .. } | Reason::CrlUnusable { .. }
    )
}
