use super::Scope;
use crate::x509::SerialNumber;

/// Why a CRL that can be read cannot be used.
///
/// An unusable CRL says nothing: neither that a certificate is revoked, nor that it is good.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrlProblem {
    /// The certificate's issuer did not sign it (RFC 5280 §6.3.3 (g)).
    #[error("it has the issuer's name and was not signed with the issuer's key: get the CRL of this CA anew")]
    Signature,
    /// The signature algorithm is unknown, weak (SHA-1) or misspelled.
    #[error("its signature algorithm is unknown, weak or misspelled: have the CA sign with SHA-256 or better")]
    SignatureAlgorithm,
    /// The issuer's keyUsage does not allow signing CRLs (RFC 5280 §4.2.1.3, §6.3.3 (f)).
    #[error("the issuer's keyUsage lacks cRLSign, so it cannot have CRLs: renew the CA with cRLSign")]
    SignerLacksCrlSign,
    /// A critical extension that we do not process (RFC 5280 §5.2).
    #[error("its critical extension {oid} is not understood")]
    UnknownCriticalExtension {
        /// The extension's object identifier.
        oid: String,
    },
    /// A critical extension of an entry that we do not process (RFC 5280 §5.3).
    #[error("the entry of serial {serial} has a critical extension {oid} that is not understood")]
    UnknownCriticalEntryExtension {
        /// The extension's object identifier.
        oid: String,
        /// The entry.
        serial: SerialNumber,
    },
    /// It has entries for other issuers' certificates (RFC 5280 §5.2.5, §5.3.3).
    #[error("indirect CRLs, with entries of several issuers, are not supported")]
    Indirect,
    /// It lists only what changed since another CRL (RFC 5280 §5.2.4).
    #[error("delta CRLs are not supported: use the complete one")]
    Delta,
    /// It covers only some reasons for a revocation (RFC 5280 §5.2.5).
    #[error("CRLs for only some revocation reasons (onlySomeReasons) are not supported")]
    OnlySomeReasons,
    /// It is about attribute certificates.
    #[error("it covers attribute certificates only")]
    OnlyAttributeCertificates,
    /// Its distribution point is named relative to the issuer, which nobody does (RFC 5280 §5.2.5).
    #[error("distribution points with a name relative to the issuer are not supported")]
    RelativeDistributionPoint,
    /// An entry takes a certificate from the list, which only delta CRLs can (RFC 5280 §5.3.1).
    #[error("the entry of serial {0} has the reason removeFromCRL, which a complete CRL must not have")]
    RemoveFromCrl(SerialNumber),
    /// It has no cRLNumber, so nobody can tell which of two is newer (RFC 5280 §5.2.3: must be there).
    #[error("it has no cRLNumber: have the CA make version 2 CRLs with a number")]
    NumberMissing,
    /// Its cRLNumber is critical (RFC 5280 §5.2.3: must not be).
    #[error("its cRLNumber is critical, which RFC 5280 forbids")]
    NumberCritical,
    /// It has no nextUpdate, so it would never be out of date (RFC 5280 §5.1.2.5: must be there).
    #[error("it has no nextUpdate, so nobody can tell whether it is out of date")]
    NextUpdateMissing,
    /// It does not cover this certificate (RFC 5280 §6.3.3 (b)).
    #[error("it covers only {0}, and this certificate is not one of them")]
    OutOfScope(Scope),
}

impl CrlProblem {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Signature => "crl.signature",
            Self::SignatureAlgorithm => "crl.signature_algorithm",
            Self::SignerLacksCrlSign => "crl.signer_lacks_crl_sign",
            Self::UnknownCriticalExtension { .. } => "crl.unknown_critical_extension",
            Self::UnknownCriticalEntryExtension { .. } => "crl.unknown_critical_entry_extension",
            Self::Indirect => "crl.indirect",
            Self::Delta => "crl.delta",
            Self::OnlySomeReasons => "crl.only_some_reasons",
            Self::OnlyAttributeCertificates => "crl.only_attribute_certificates",
            Self::RelativeDistributionPoint => "crl.relative_distribution_point",
            Self::RemoveFromCrl(_) => "crl.remove_from_crl",
            Self::NumberMissing => "crl.number_missing",
            Self::NumberCritical => "crl.number_critical",
            Self::NextUpdateMissing => "crl.next_update_missing",
            Self::OutOfScope(_) => "crl.out_of_scope",
        }
    }

    /// Where the rule is written.
    pub fn source_of_rule(&self) -> &'static str {
        match self {
            Self::Signature => "RFC 5280 §6.3.3 (g)",
            Self::SignatureAlgorithm => "RFC 5280 §5.1.1.2",
            Self::SignerLacksCrlSign => "RFC 5280 §6.3.3 (f)",
            Self::UnknownCriticalExtension { .. } => "RFC 5280 §5.2",
            Self::UnknownCriticalEntryExtension { .. } => "RFC 5280 §5.3",
            Self::Indirect => "RFC 5280 §5.3.3",
            Self::Delta => "RFC 5280 §5.2.4",
            Self::OnlySomeReasons | Self::OnlyAttributeCertificates | Self::RelativeDistributionPoint => "RFC 5280 §5.2.5",
            Self::RemoveFromCrl(_) => "RFC 5280 §5.3.1",
            Self::NumberMissing | Self::NumberCritical => "RFC 5280 §5.2.3",
            Self::NextUpdateMissing => "RFC 5280 §5.1.2.5",
            Self::OutOfScope(_) => "RFC 5280 §6.3.3 (b)",
        }
    }
}
