//! CRLs asked about one link, in the words of a [`Reason`].

use crate::key::Crypto;
use crate::revocation::{CrlSet, Status, Subject, VerifiedCrls};
use crate::time::Timestamp;
use crate::x509::Certificate;

use super::Reason;

/// Whether `subject`, which `issuer` signed, is not revoked, as far as `crls` demand to know.
pub(super) fn check_status(
    crls: &CrlSet,
    subject: &Subject<'_>,
    issuer: &Certificate,
    crypto: &Crypto,
    now: Timestamp,
    memo: &mut VerifiedCrls,
) -> Result<(), Reason> {
    let issuer_name = || issuer.subject().clone();
    match crls.status_with(subject, issuer, crypto, now, memo) {
        Status::NotAsked | Status::Good { .. } => Ok(()),
        Status::Revoked { at, reason } => Err(Reason::Revoked { at, reason }),
        Status::Stale { next_update } => Err(Reason::CrlStale { next_update, now }),
        Status::NotYetValid { this_update } => Err(Reason::CrlNotYetValid { this_update, now }),
        Status::Missing => Err(Reason::CrlMissing { issuer: issuer_name() }),
        Status::Unusable(problem) => Err(Reason::CrlUnusable { issuer: issuer_name(), problem }),
    }
}
