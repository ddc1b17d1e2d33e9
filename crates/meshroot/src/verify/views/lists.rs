//! The CRLs as others take them.

use crate::revocation::{Conformance, Coverage, Crl, CrlProblem, CrlSet, Expiry, ScopeOf};
use crate::time::Timestamp;
use crate::verify::Reason;

use super::Departures;
use super::table::Departure as D;

/// `None`: revocation is not asked for.
///
/// # Errors
/// The list that keeps everything else from being used.
pub(super) fn as_taken(crls: &CrlSet, d: Departures, now: Timestamp) -> Result<Option<CrlSet>, Reason> {
    if d.has(D::NoRevocation) || crls.is_empty() {
        return Ok(None);
    }
    for crl in crls.iter() {
        let unusable = |problem| Err(Reason::CrlUnusable { issuer: crl.issuer().clone(), problem });
        if d.has(D::CrlNumber) && crl.next_update().is_none() {
            return unusable(CrlProblem::NextUpdateMissing);
        }
        if d.has(D::CrlScopes) && crl.scope().of != ScopeOf::All && !crl.scope().of_distribution_point {
            return unusable(CrlProblem::OutOfScope(crl.scope()));
        }
    }
    let mut taken: Vec<Crl> = Vec::with_capacity(crls.len());
    for crl in crls.iter() {
        let of_the_same =
            |held: &&mut Crl| held.issuer() == crl.issuer() && (d.has(D::CrlFirst) || held.authority_key_id() == crl.authority_key_id());
        match taken.iter_mut().find(of_the_same) {
            Some(_) if d.has(D::CrlFirst) => {}
            Some(held) if d.has(D::CrlBest) => {
                if rank(crl, now) > rank(held, now) {
                    *held = crl.clone();
                }
            }
            _ => taken.push(crl.clone()),
        }
    }
    let mut set = CrlSet::new(taken);
    if d.has(D::CrlForm) || d.has(D::CrlNumber) {
        set = set.with_conformance(Conformance::Lenient);
    }
    if d.has(D::CrlMissingIsFine) {
        set = set.with_coverage(Coverage::WhatIsThere);
    }
    if d.has(D::CrlMayBeOld) {
        set = set.with_expiry(Expiry::Ignored);
    }
    Ok(Some(if d.has(D::CrlByName) { set.by_name_alone() } else { set }))
}

/// Current ones before others, newer before older.
fn rank(crl: &Crl, now: Timestamp) -> (bool, Timestamp) {
    let current = crl.this_update() <= now && crl.next_update().is_none_or(|end| now < end);
    (current, crl.this_update())
}
