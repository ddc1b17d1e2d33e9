mod words;

use core::fmt;

use crate::key::KeyError;
use crate::revocation::{CrlProblem, RevocationReason};
use crate::spiffe::{SpiffeIdError, TrustDomain};
use crate::time::Timestamp;
use crate::x509::{CertificateError, DistinguishedName, SerialNumber};

/// Why a chain was not accepted: the certificate, the rule, what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The certificate that breaks the rule, if the fault lies in one.
    pub certificate: Option<CertificateAt>,
    /// The rule, with what was found.
    pub reason: Reason,
}

/// Which certificate of a path is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateAt {
    /// 0 is the leaf, 1 its issuer, and so on up to the anchor.
    pub position: usize,
    /// Its subject.
    pub subject: DistinguishedName,
    /// Its serial number.
    pub serial: SerialNumber,
}

/// The rule that a chain breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// There is no certificate in the chain.
    EmptyChain,
    /// More certificates than any honest peer sends.
    ChainTooLong {
        /// Certificates found.
        found: usize,
        /// Certificates accepted.
        most: usize,
    },
    /// A certificate cannot be read.
    Malformed(CertificateError),
    /// An extension cannot be read.
    MalformedExtension(&'static str),
    /// The public key cannot be used.
    Key(KeyError),
    /// `now` is after notAfter.
    Expired {
        /// The certificate's notAfter.
        not_after: Timestamp,
        /// The caller's time.
        now: Timestamp,
    },
    /// `now` is before notBefore.
    NotYetValid {
        /// The certificate's notBefore.
        not_before: Timestamp,
        /// The caller's time.
        now: Timestamp,
    },
    /// No certificate of the chain and no anchor is the issuer.
    UnknownIssuer {
        /// The issuer that the certificate names.
        issuer: DistinguishedName,
    },
    /// The issuer's key did not make the signature.
    BadSignature,
    /// The signature algorithm is unknown or too weak.
    SignatureAlgorithm,
    /// The signing certificate is no CA: basicConstraints is missing or says CA:FALSE.
    NotACa,
    /// The leaf is a CA: a signing certificate never authenticates anybody.
    LeafIsCa,
    /// More CA certificates follow than pathLenConstraint allows.
    PathLength {
        /// What the certificate allows.
        allowed: u8,
        /// CA certificates below it that are not self-issued.
        found: usize,
    },
    /// More CA certificates between leaf and anchor than the caller allows.
    TooManyIntermediates {
        /// CA certificates that are not self-issued.
        found: usize,
        /// How many the caller allows.
        most: usize,
    },
    /// keyUsage is missing.
    KeyUsageMissing,
    /// keyUsage is not critical.
    KeyUsageNotCritical,
    /// keyUsage lacks a bit.
    KeyUsageLacks(&'static str),
    /// keyUsage has a bit that it must not have.
    KeyUsageForbids(&'static str),
    /// extKeyUsage is there and lacks a purpose.
    ExtendedKeyUsage {
        /// The purpose that is missing.
        needed: &'static str,
    },
    /// The signature algorithms inside and outside the signed part differ.
    AlgorithmMismatch,
    /// The certificate was revoked.
    Revoked {
        /// When.
        at: Timestamp,
        /// Why, where the CRL says so.
        reason: Option<RevocationReason>,
    },
    /// There is no list of this issuer, and one is demanded for every certificate.
    CrlMissing {
        /// The issuer whose list is missing.
        issuer: DistinguishedName,
    },
    /// The issuer's list should have been replaced by now.
    CrlStale {
        /// The list's nextUpdate.
        next_update: Timestamp,
        /// The caller's time.
        now: Timestamp,
    },
    /// The issuer's list is from the future.
    CrlNotYetValid {
        /// The list's thisUpdate.
        this_update: Timestamp,
        /// The caller's time.
        now: Timestamp,
    },
    /// There are lists of the issuer, and none that can be used.
    CrlUnusable {
        /// The issuer whose lists they are.
        issuer: DistinguishedName,
        /// What is wrong with the best of them.
        problem: CrlProblem,
    },
    /// A critical extension that we do not process.
    UnknownCriticalExtension(String),
    /// An extension that must not be critical is.
    Critical(&'static str),
    /// An extension that must be critical is not.
    NotCritical(&'static str),
    /// A key identifier is demanded and not there.
    KeyIdentifierMissing(&'static str),
    /// The name of the issuer is empty.
    NoIssuerName,
    /// A leaf constrains names, which only a CA can.
    NameConstraintsInLeaf,
    /// An extension is there twice.
    DuplicateExtension(String),
    /// A version other than 3 with extensions, or a leaf without any.
    Version,
    /// The serial number is zero, negative, or longer than 20 octets.
    SerialNumber,
    /// A name lies outside what a CA above permits, or inside what it excludes.
    NameConstraint {
        /// The name.
        name: String,
        /// The constraint.
        constraint: String,
    },
    /// A kind of name constraint that we do not process, in a critical extension.
    UnsupportedNameConstraint,
    /// A CA above, or the caller, requires a certificate policy, and none is valid on the whole path.
    NoPolicy,
    /// The leaf has no URI in its subjectAltName.
    NoUri,
    /// The leaf has more than one URI in its subjectAltName, of whatever scheme.
    SeveralUris(usize),
    /// The URI is no SPIFFE ID.
    NotASpiffeId(SpiffeIdError),
    /// The leaf's SPIFFE ID has no path: it names the trust domain, not a workload.
    NoPath,
    /// A CA certificate's SPIFFE ID has a path: it names a workload.
    CaWithPath,
    /// The subject is empty, and the subjectAltName not critical.
    SanNotCritical,
    /// The subject of a CA is empty.
    CaWithoutSubject,
    /// There is no bundle for the leaf's trust domain.
    UnknownTrustDomain(TrustDomain),
    /// The bundle of the leaf's trust domain holds no CA certificate.
    EmptyBundle(TrustDomain),
    /// Finding a path took more work than an honest chain needs.
    BudgetExhausted {
        /// What was used up.
        what: &'static str,
    },
}

impl Reason {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::EmptyChain => "verify.empty_chain",
            Self::ChainTooLong { .. } => "verify.chain_too_long",
            Self::Malformed(_) => "verify.malformed",
            Self::MalformedExtension(_) => "verify.malformed_extension",
            Self::Key(_) => "verify.key",
            Self::Expired { .. } => "verify.expired",
            Self::NotYetValid { .. } => "verify.not_yet_valid",
            Self::UnknownIssuer { .. } => "verify.unknown_issuer",
            Self::BadSignature => "verify.bad_signature",
            Self::SignatureAlgorithm => "verify.signature_algorithm",
            Self::NotACa => "verify.not_a_ca",
            Self::LeafIsCa => "verify.leaf_is_ca",
            Self::PathLength { .. } => "verify.path_length",
            Self::TooManyIntermediates { .. } => "verify.too_many_intermediates",
            Self::KeyUsageMissing => "verify.key_usage_missing",
            Self::KeyUsageNotCritical => "verify.key_usage_not_critical",
            Self::KeyUsageLacks(_) => "verify.key_usage_lacks",
            Self::KeyUsageForbids(_) => "verify.key_usage_forbids",
            Self::ExtendedKeyUsage { .. } => "verify.extended_key_usage",
            Self::AlgorithmMismatch => "verify.algorithm_mismatch",
            Self::Revoked { .. } => "verify.revoked",
            Self::CrlMissing { .. } => "verify.crl_missing",
            Self::CrlStale { .. } => "verify.crl_stale",
            Self::CrlNotYetValid { .. } => "verify.crl_not_yet_valid",
            Self::CrlUnusable { .. } => "verify.crl_unusable",
            Self::UnknownCriticalExtension(_) => "verify.unknown_critical_extension",
            Self::Critical(_) => "verify.critical",
            Self::NotCritical(_) => "verify.not_critical",
            Self::KeyIdentifierMissing(_) => "verify.key_identifier_missing",
            Self::NoIssuerName => "verify.no_issuer_name",
            Self::NameConstraintsInLeaf => "verify.name_constraints_in_leaf",
            Self::DuplicateExtension(_) => "verify.duplicate_extension",
            Self::Version => "verify.version",
            Self::SerialNumber => "verify.serial_number",
            Self::NameConstraint { .. } => "verify.name_constraint",
            Self::UnsupportedNameConstraint => "verify.unsupported_name_constraint",
            Self::NoPolicy => "verify.no_policy",
            Self::NoUri => "verify.no_uri",
            Self::SeveralUris(_) => "verify.several_uris",
            Self::NotASpiffeId(_) => "verify.not_a_spiffe_id",
            Self::NoPath => "verify.no_path",
            Self::CaWithPath => "verify.ca_with_path",
            Self::SanNotCritical => "verify.san_not_critical",
            Self::CaWithoutSubject => "verify.ca_without_subject",
            Self::UnknownTrustDomain(_) => "verify.unknown_trust_domain",
            Self::EmptyBundle(_) => "verify.empty_bundle",
            Self::BudgetExhausted { .. } => "verify.budget_exhausted",
        }
    }

    /// Where the rule is written.
    pub fn source(&self) -> &'static str {
        match self {
            Self::EmptyChain | Self::ChainTooLong { .. } | Self::TooManyIntermediates { .. } | Self::BudgetExhausted { .. } => "RFC 5280 §6.1",
            Self::Malformed(_) | Self::Version => "RFC 5280 §4.1",
            Self::MalformedExtension(_) | Self::UnknownCriticalExtension(_) | Self::DuplicateExtension(_) => "RFC 5280 §4.2",
            Self::Critical(_) | Self::NotCritical(_) | Self::KeyIdentifierMissing(_) => "RFC 5280 §4.2.1",
            Self::NoIssuerName => "RFC 5280 §4.1.2.4",
            Self::NameConstraintsInLeaf => "RFC 5280 §4.2.1.10",
            Self::Key(_) => "RFC 5280 §4.1.2.7",
            Self::Expired { .. } | Self::NotYetValid { .. } => "RFC 5280 §6.1.3 (a)(2)",
            Self::UnknownIssuer { .. } => "RFC 5280 §6.1.3 (a)(4)",
            Self::BadSignature | Self::SignatureAlgorithm => "RFC 5280 §6.1.3 (a)(1)",
            Self::NotACa => "RFC 5280 §6.1.4 (k)",
            Self::LeafIsCa => "RFC 5280 §4.2.1.9, SPIFFE X509-SVID §5.2",
            Self::PathLength { .. } => "RFC 5280 §6.1.4 (l)",
            Self::KeyUsageMissing | Self::KeyUsageNotCritical | Self::KeyUsageLacks(_) | Self::KeyUsageForbids(_) => {
                "RFC 5280 §4.2.1.3, SPIFFE X509-SVID §4.3"
            }
            Self::ExtendedKeyUsage { .. } => "RFC 5280 §4.2.1.12, SPIFFE X509-SVID §4.4",
            Self::AlgorithmMismatch => "RFC 5280 §4.1.1.2",
            Self::Revoked { .. } | Self::CrlMissing { .. } | Self::CrlStale { .. } | Self::CrlNotYetValid { .. } => "RFC 5280 §6.3.3",
            Self::CrlUnusable { problem, .. } => problem.source_of_rule(),
            Self::SerialNumber => "RFC 5280 §4.1.2.2",
            Self::NameConstraint { .. } | Self::UnsupportedNameConstraint => "RFC 5280 §4.2.1.10",
            Self::NoPolicy => "RFC 5280 §6.1.3 (f), §6.1.5 (g)",
            Self::NoUri | Self::SeveralUris(_) => "SPIFFE X509-SVID §2",
            Self::NotASpiffeId(_) => "SPIFFE-ID §2",
            Self::NoPath => "SPIFFE X509-SVID §3.1",
            Self::CaWithPath => "SPIFFE X509-SVID §3.2",
            Self::SanNotCritical => "RFC 5280 §4.2.1.6",
            Self::CaWithoutSubject => "RFC 5280 §4.1.2.6",
            Self::UnknownTrustDomain(_) | Self::EmptyBundle(_) => "SPIFFE Federation §7.3",
        }
    }
}

impl From<CertificateError> for Reason {
    fn from(e: CertificateError) -> Self {
        match e {
            CertificateError::AlgorithmsDiffer => Self::AlgorithmMismatch,
            e => Self::Malformed(e),
        }
    }
}

impl Rejection {
    /// The reason's stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        self.reason.code()
    }

    /// Where the rule is written.
    pub fn source(&self) -> &'static str {
        self.reason.source()
    }

    /// What the certificate has.
    pub fn found(&self) -> String {
        self.reason.found()
    }

    /// What it would need.
    pub fn needed(&self) -> String {
        self.reason.needed()
    }

    pub(super) fn whole(reason: Reason) -> Self {
        Self { certificate: None, reason }
    }
}

impl fmt::Display for CertificateAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            0 => f.write_str("the leaf certificate")?,
            n => write!(f, "certificate {n} above the leaf")?,
        }
        write!(f, " (subject {}, serial {})", self.subject, self.serial)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.certificate {
            write!(f, "{at}: ")?;
        }
        write!(f, "{} [{}; {}]", self.reason, self.reason.code(), self.reason.source())
    }
}

impl std::error::Error for Rejection {}
