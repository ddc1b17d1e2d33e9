use core::fmt;
use core::str::FromStr;

use crate::time::Timestamp;
use crate::x509::SerialNumber;

/// What a CRL says of one certificate (RFC 5280 §5.3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevokedEntry {
    /// The certificate's serial number.
    pub serial: SerialNumber,
    /// Since when it is revoked (revocationDate).
    pub at: Timestamp,
    /// Why, where the CRL says so.
    pub reason: Option<RevocationReason>,
    /// Since when the key is thought to be compromised, where the CRL says so (RFC 5280 §5.3.2).
    pub invalid_since: Option<Timestamp>,
}

/// Why a certificate was revoked: CRLReason (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// No reason in particular. CAs should leave the reason out instead.
    Unspecified,
    /// Somebody else has the key.
    KeyCompromise,
    /// Somebody else has the key of a CA.
    CaCompromise,
    /// The subject's name or another part of it has changed.
    AffiliationChanged,
    /// There is a newer certificate.
    Superseded,
    /// It is not needed any more.
    CessationOfOperation,
    /// On hold: it may come back.
    CertificateHold,
    /// Not revoked any more. In delta CRLs only.
    RemoveFromCrl,
    /// A privilege that it names was withdrawn.
    PrivilegeWithdrawn,
    /// Somebody else has the key of an attribute authority.
    AaCompromise,
}

impl RevocationReason {
    const ALL: [(Self, u8, &'static str); 10] = [
        (Self::Unspecified, 0, "unspecified"),
        (Self::KeyCompromise, 1, "keyCompromise"),
        (Self::CaCompromise, 2, "cACompromise"),
        (Self::AffiliationChanged, 3, "affiliationChanged"),
        (Self::Superseded, 4, "superseded"),
        (Self::CessationOfOperation, 5, "cessationOfOperation"),
        (Self::CertificateHold, 6, "certificateHold"),
        // 7 is not used.
        (Self::RemoveFromCrl, 8, "removeFromCRL"),
        (Self::PrivilegeWithdrawn, 9, "privilegeWithdrawn"),
        (Self::AaCompromise, 10, "aACompromise"),
    ];

    /// The reason's name in RFC 5280, like `keyCompromise`.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(reason, ..)| *reason == self).map_or("unspecified", |(.., name)| name)
    }

    /// The value of the ENUMERATED.
    pub(super) fn number(self) -> u8 {
        Self::ALL.iter().find(|(reason, ..)| *reason == self).map_or(0, |(_, number, _)| *number)
    }

    /// All of them, by their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::ALL.iter().map(|(reason, ..)| *reason)
    }

    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().find(|(_, n, _)| *n == number).map(|(reason, ..)| *reason)
    }
}

/// A text that is no reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is no reason for a revocation: the reasons are {}", .0.escape_debug(), RevocationReason::all().map(RevocationReason::as_str).collect::<Vec<_>>().join(", "))]
pub struct InvalidReason(String);

impl InvalidReason {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        "crl.invalid_reason"
    }
}

/// The name in RFC 5280, in capitals or not, with hyphens or without: `keyCompromise`, `key-compromise`.
impl FromStr for RevocationReason {
    type Err = InvalidReason;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.replace('-', "");
        Self::all().find(|reason| reason.as_str().eq_ignore_ascii_case(&plain)).ok_or_else(|| InvalidReason(text.chars().take(80).collect()))
    }
}

/// The name in RFC 5280.
impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_read_back_by_its_name() {
        for reason in RevocationReason::all() {
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
        assert_eq!("key-compromise".parse(), Ok(RevocationReason::KeyCompromise));
        assert_eq!("stolen".parse::<RevocationReason>().unwrap_err().code(), "crl.invalid_reason");
    }
}
