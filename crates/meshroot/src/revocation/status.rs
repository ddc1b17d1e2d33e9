use super::wire::identifiers::CRL_DISTRIBUTION_POINTS;
use super::{CrlProblem, RevocationReason};
use crate::time::Timestamp;
use crate::x509::extension::BASIC_CONSTRAINTS;
use crate::x509::wire::{CertRef, TbsRef};
use crate::x509::{BasicConstraints, Certificate};

/// What a set of CRLs says of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// Revocation is not asked for: the set is empty, or it does not demand a CRL of every issuer and has none of this one.
    NotAsked,
    /// A CRL of its issuer covers it, is current, and does not list it.
    Good {
        /// When to ask again: from this second on the CRL is out of date. None where that does not count.
        until: Option<Timestamp>,
    },
    /// It is revoked.
    Revoked {
        /// Since when.
        at: Timestamp,
        /// Why, where the CRL says so.
        reason: Option<RevocationReason>,
    },
    /// The newest CRL of its issuer is out of date.
    Stale {
        /// Since when.
        next_update: Timestamp,
    },
    /// All CRLs of its issuer are from the future.
    NotYetValid {
        /// From when on the first of them is valid.
        this_update: Timestamp,
    },
    /// There is no CRL of its issuer.
    Missing,
    /// There are CRLs of its issuer, and none that can be used.
    Unusable(CrlProblem),
}

impl Status {
    /// Whether the certificate may be accepted.
    pub fn is_acceptable(&self) -> bool {
        match self {
            Self::NotAsked | Self::Good { .. } => true,
            Self::Revoked { .. } | Self::Stale { .. } | Self::NotYetValid { .. } | Self::Missing | Self::Unusable(_) => false,
        }
    }
}

/// The certificate whose status is asked for, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The issuer's name, with its header.
    pub(super) issuer: &'a [u8],
    /// The serial number's content octets as they stand.
    pub(super) serial: &'a [u8],
    pub(super) is_ca: bool,
    /// The content of cRLDistributionPoints.
    pub(super) distribution_points: Option<&'a [u8]>,
}

impl<'a> Subject<'a> {
    /// This certificate.
    pub fn of(certificate: &'a Certificate) -> Self {
        let parsed = CertRef::parse(certificate.der()).ok();
        let distribution_points = parsed.as_ref().and_then(|cert| cert.tbs.extension(CRL_DISTRIBUTION_POINTS)).map(|extension| extension.value);
        let (issuer, serial) = (certificate.issuer().as_der(), certificate.serial().as_bytes());
        Self { issuer, serial, is_ca: certificate.is_ca(), distribution_points }
    }

    /// A leaf that this CA is yet to issue: it is on no list, and what is left are the lists themselves.
    pub(crate) fn to_be_issued_by(issuer: &'a Certificate) -> Self {
        Self { issuer: issuer.subject().as_der(), serial: &[], is_ca: false, distribution_points: None }
    }

    /// The certificate that is being read, without a copy of it.
    pub(crate) fn of_tbs(tbs: &TbsRef<'a>) -> Self {
        let constraints = tbs.extension(BASIC_CONSTRAINTS).and_then(|e| BasicConstraints::decode(e.value).ok());
        Self {
            issuer: tbs.issuer,
            serial: tbs.serial,
            is_ca: constraints.is_some_and(|constraints| constraints.ca),
            distribution_points: tbs.extension(CRL_DISTRIBUTION_POINTS).map(|extension| extension.value),
        }
    }
}
