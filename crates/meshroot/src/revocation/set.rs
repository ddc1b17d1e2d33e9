use std::sync::Arc;

use super::memo;
use super::scope::names_point;
use super::{Crl, CrlProblem, ScopeOf, Status, Subject, VerifiedCrls};
use crate::key::Crypto;
use crate::time::Timestamp;
use crate::x509::Certificate;

/// Whose CRLs must be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coverage {
    /// One of every CA on the path, as Envoy and istiod demand. A certificate without one is [`Status::Missing`].
    #[default]
    EveryCertificate,
    /// Any, as for ztunnel: a certificate that no CRL covers is accepted, since revocation is [`Status::NotAsked`].
    WhatIsThere,
}

/// Whether a CRL may be out of date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expiry {
    /// It must be current: `thisUpdate ≤ now < nextUpdate`.
    #[default]
    Enforced,
    /// It counts at any time, as for ztunnel.
    Ignored,
}

/// How well made a CRL must be to be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conformance {
    /// As RFC 5280 tells CAs to make them: with a cRLNumber that is not critical, and a nextUpdate.
    #[default]
    Rfc5280,
    /// As most verifiers take them: version 1 too, without a number, and without nextUpdate, with which it is never out of date.
    Lenient,
}

/// A set of CRLs, and what is demanded of them. Clones share it.
///
/// The empty set says that revocation is not asked for.
#[derive(Clone, Debug, Default)]
pub struct CrlSet {
    /// By issuer name, those of one name as they were given.
    crls: Arc<[Crl]>,
    coverage: Coverage,
    expiry: Expiry,
    conformance: Conformance,
}

impl CrlSet {
    /// No CRLs: revocation is not asked for.
    pub fn empty() -> Self {
        Self::default()
    }

    /// These CRLs, one of every CA demanded, all of them current and as RFC 5280 wants them. Several of one issuer may
    /// be there: old and new ones, and some with different scopes.
    pub fn new(mut crls: Vec<Crl>) -> Self {
        crls.sort_by(|a, b| a.issuer().cmp(b.issuer()));
        Self { crls: crls.into(), ..Self::default() }
    }

    /// Demands a CRL of every CA, or not.
    #[must_use]
    pub fn with_coverage(self, coverage: Coverage) -> Self {
        Self { coverage, ..self }
    }

    /// Demands current CRLs, or not.
    #[must_use]
    pub fn with_expiry(self, expiry: Expiry) -> Self {
        Self { expiry, ..self }
    }

    /// Demands CRLs as RFC 5280 wants them made, or not.
    #[must_use]
    pub fn with_conformance(self, conformance: Conformance) -> Self {
        Self { conformance, ..self }
    }

    /// Whether there is no CRL, so that revocation is not asked for.
    pub fn is_empty(&self) -> bool {
        self.crls.is_empty()
    }

    /// How many CRLs there are.
    pub fn len(&self) -> usize {
        self.crls.len()
    }

    /// The CRLs, by issuer name.
    pub fn iter(&self) -> impl Iterator<Item = &Crl> {
        self.crls.iter()
    }

    /// What the set says of `subject`, which `issuer` issued: that the certificate is signed by `issuer` is the
    /// caller's to know.
    ///
    /// Asked are the CRLs that have the issuer's name and do not name another key of it; a CRL counts when the issuer's
    /// key signed it and the issuer may sign CRLs. Then, in this order:
    /// - one that can be used lists the serial number: [`Status::Revoked`], were it out of date or superseded (a serial
    ///   number is used once, so a scope that does not cover the certificate makes no difference);
    /// - one that can be used covers the certificate and is current: [`Status::Good`];
    /// - the newest of the others is out of date, or all are from the future: [`Status::Stale`], [`Status::NotYetValid`];
    /// - none can be used, or none covers the certificate: [`Status::Unusable`];
    /// - there is none: [`Status::Missing`].
    ///
    /// Where [`Coverage::WhatIsThere`] is enough, the last one, and a certificate that no scope covers, are [`Status::NotAsked`].
    pub fn status(&self, subject: &Subject<'_>, issuer: &Certificate, crypto: &Crypto, now: Timestamp) -> Status {
        self.judge(subject, issuer, now, &mut |crl| memo::verify(crl, issuer, crypto))
    }

    /// As [`status`](Self::status), with signatures verified before remembered in `memo`.
    pub fn status_with(&self, subject: &Subject<'_>, issuer: &Certificate, crypto: &Crypto, now: Timestamp, memo: &mut VerifiedCrls) -> Status {
        self.judge(subject, issuer, now, &mut |crl| memo.verify(crl, issuer, crypto))
    }

    fn judge(&self, subject: &Subject<'_>, issuer: &Certificate, now: Timestamp, verify: &mut dyn FnMut(&Crl) -> Result<(), CrlProblem>) -> Status {
        if self.crls.is_empty() {
            return Status::NotAsked;
        }
        let mut best = Standing::Missing;
        for crl in self.of_issuer(subject, issuer) {
            let standing = match verify(crl) {
                Ok(()) => self.standing(crl, subject, now),
                Err(problem) => Standing::NotItsOwn(problem),
            };
            best = best.or(standing);
        }
        best.status(self.coverage)
    }

    /// The CRLs with the issuer's name, but those that name another of its keys: a CA may keep its name and change its
    /// key. The name may be spelled differently in the issuer's certificate and in the subject's.
    fn of_issuer<'a>(&'a self, subject: &Subject<'a>, issuer: &'a Certificate) -> impl Iterator<Item = &'a Crl> {
        let (name, other) = (issuer.subject().as_der(), subject.issuer);
        let other = if other == name { &[] } else { self.named(other) };
        let other_key = |crl: &&Crl| crl.authority_key_id().zip(issuer.subject_key_id()).is_some_and(|(named, own)| named != own);
        self.named(name).iter().chain(other).filter(move |crl| !other_key(crl))
    }

    fn named(&self, name: &[u8]) -> &[Crl] {
        let start = self.crls.partition_point(|crl| crl.issuer().as_der() < name);
        let end = self.crls.partition_point(|crl| crl.issuer().as_der() <= name);
        self.crls.get(start..end).unwrap_or_default()
    }

    /// What one CRL says, which the issuer signed.
    fn standing(&self, crl: &Crl, subject: &Subject<'_>, now: Timestamp) -> Standing {
        if let Some(problem) = crl.problem_by(self.conformance) {
            return Standing::Unusable(problem);
        }
        if let Some(entry) = crl.find(subject.serial) {
            return Standing::Revoked(Status::Revoked { at: entry.at, reason: entry.reason });
        }
        if !covers(crl, subject) {
            return Standing::OutOfScope(CrlProblem::OutOfScope(crl.scope()));
        }
        match (self.expiry, crl.next_update()) {
            (Expiry::Ignored, _) => Standing::Good { until: None },
            (Expiry::Enforced, _) if now < crl.this_update() => Standing::NotYetValid(crl.this_update()),
            (Expiry::Enforced, Some(next_update)) if next_update <= now => Standing::Stale(next_update),
            (Expiry::Enforced, until) => Standing::Good { until },
        }
    }
}

/// RFC 5280 §6.3.3 (b).
fn covers(crl: &Crl, subject: &Subject<'_>) -> bool {
    let kind = match crl.scope().of {
        ScopeOf::All => true,
        ScopeOf::UserCertificates => !subject.is_ca,
        ScopeOf::CaCertificates => subject.is_ca,
    };
    let point = !crl.scope().of_distribution_point || subject.distribution_points.is_some_and(|points| names_point(points, crl.points()));
    kind && point
}

/// What one CRL, or the best of several, says: the further down, the more it explains.
#[derive(Clone, Debug)]
enum Standing {
    Missing,
    OutOfScope(CrlProblem),
    /// It has the issuer's name, and the issuer did not sign it or may not have.
    NotItsOwn(CrlProblem),
    Unusable(CrlProblem),
    NotYetValid(Timestamp),
    Stale(Timestamp),
    Good {
        until: Option<Timestamp>,
    },
    Revoked(Status),
}

impl Standing {
    fn rank(&self) -> u8 {
        match self {
            Self::Missing => 0,
            Self::OutOfScope(_) => 1,
            Self::NotItsOwn(_) => 2,
            Self::Unusable(_) => 3,
            Self::NotYetValid(_) => 4,
            Self::Stale(_) => 5,
            Self::Good { .. } => 6,
            Self::Revoked(_) => 7,
        }
    }

    /// Of two the better; of two equal ones the one that is usable for longer, or the first.
    fn or(self, other: Self) -> Self {
        let longer = match (&self, &other) {
            (Self::Good { until: Some(own) }, Self::Good { until }) => until.is_none_or(|other| other > *own),
            (Self::Stale(own), Self::Stale(other)) => other > own,
            (Self::NotYetValid(own), Self::NotYetValid(other)) => other < own,
            _ => other.rank() > self.rank(),
        };
        if longer { other } else { self }
    }

    fn status(self, coverage: Coverage) -> Status {
        match (self, coverage) {
            (Self::Missing | Self::OutOfScope(_), Coverage::WhatIsThere) => Status::NotAsked,
            (Self::Missing, Coverage::EveryCertificate) => Status::Missing,
            (Self::OutOfScope(problem), Coverage::EveryCertificate) => Status::Unusable(problem),
            (Self::NotItsOwn(problem) | Self::Unusable(problem), _) => Status::Unusable(problem),
            (Self::NotYetValid(this_update), _) => Status::NotYetValid { this_update },
            (Self::Stale(next_update), _) => Status::Stale { next_update },
            (Self::Good { until }, _) => Status::Good { until },
            (Self::Revoked(status), _) => status,
        }
    }
}
