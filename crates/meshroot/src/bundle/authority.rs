use crate::x509::wire::CertRef;
use crate::x509::{Certificate, KeyUsage, extension};

/// Why a certificate cannot be a trust anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAnAuthority {
    /// basicConstraints is missing, malformed, or says CA:FALSE (X509-SVID §4.1).
    #[error("it is no CA certificate: basicConstraints does not say CA:TRUE")]
    NotACa,
    /// keyUsage is there and does not allow signing certificates (X509-SVID §4.3).
    #[error("it may not sign certificates: its keyUsage lacks keyCertSign")]
    CannotSign,
}

impl NotAnAuthority {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotACa => "bundle.not_a_ca",
            Self::CannotSign => "bundle.cannot_sign",
        }
    }
}

/// Whether a certificate may stand in a bundle. Its validity period does not matter here: an expired authority stays
/// until somebody removes it, and validates nothing meanwhile.
pub(super) fn check_authority(certificate: &Certificate) -> Result<(), NotAnAuthority> {
    if !certificate.is_ca() {
        return Err(NotAnAuthority::NotACa);
    }
    // Old roots have no keyUsage at all, and RFC 5280 §6.1.1 (d) asks nothing of an anchor. One that is there counts,
    // and a malformed one allows nothing.
    let has_usage = CertRef::parse(certificate.der()).is_ok_and(|cert| cert.tbs.extension(extension::KEY_USAGE).is_some());
    let may_sign = certificate.key_usage().is_some_and(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN));
    if has_usage && !may_sign { Err(NotAnAuthority::CannotSign) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::testing::{self, Kind};

    #[test]
    fn only_certificates_that_may_sign_others_are_authorities() {
        assert_eq!(check_authority(&testing::certificate("root", Kind::Ca)), Ok(()));
        assert_eq!(check_authority(&testing::certificate("root", Kind::CaWithoutKeyUsage)), Ok(()));
        assert_eq!(check_authority(&testing::certificate("root", Kind::CaThatCannotSign)), Err(NotAnAuthority::CannotSign));
        assert_eq!(check_authority(&testing::certificate("cart", Kind::Leaf)), Err(NotAnAuthority::NotACa));
    }

    #[test]
    fn an_expired_authority_is_one_still() {
        assert_eq!(check_authority(&testing::certificate("root", Kind::ExpiredCa)), Ok(()));
    }
}
