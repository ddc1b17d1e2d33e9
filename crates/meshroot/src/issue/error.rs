use crate::key::{KeyAlgorithm, KeyError};
use crate::lint::Finding;
use crate::profile::ProfileKind;
use crate::spiffe::{SpiffeId, SpiffeIdError, TrustDomain};
use crate::time::Timestamp;
use crate::verify::Rejection;
use crate::x509::CertificateError;

/// Why a request does not get what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denial {
    /// The request names another identity than the one granted.
    #[error("the request asks for {asked}, but {} is granted: make the request for that identity, or without any", granted.as_ref().map_or("no SPIFFE ID".to_owned(), ToString::to_string))]
    OtherIdentity {
        /// What the request names.
        asked: SpiffeId,
        /// What was granted.
        granted: Option<SpiffeId>,
    },
    /// The request names several URIs, so two readers might choose differently.
    #[error("the request asks for {0} URIs: an X.509-SVID has exactly one")]
    SeveralUris(usize),
    /// The URI in the request is no SPIFFE ID.
    #[error("the request asks for the URI '{}', which is no SPIFFE ID: {reason}", uri.escape_debug())]
    NotASpiffeId {
        /// The URI.
        uri: String,
        /// What is wrong with it.
        reason: SpiffeIdError,
    },
    /// The request asks for CA:TRUE.
    #[error("the request asks to become a CA (basicConstraints CA:TRUE), and a leaf certificate is granted: make the request without it")]
    AsksForCa,
    /// The key is not the one that the grant was decided for.
    #[error("the request's key is {found}, and the grant is for {granted}: decide for the key that is to be certified")]
    OtherKey {
        /// The request's.
        found: KeyAlgorithm,
        /// The grant's.
        granted: KeyAlgorithm,
    },
    /// The granted ID has no path.
    #[error("{0} names the trust domain, not a workload: add a path, like {0}/ns/NAMESPACE/sa/ACCOUNT")]
    NotAWorkload(SpiffeId),
    /// A server without a name.
    #[error("a server certificate needs a DNS name or an IP address")]
    NoName,
    /// Not a DNS name.
    #[error("'{}' is no DNS name that a server certificate may carry", .0.escape_debug())]
    NotADnsName(String),
}

impl Denial {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OtherIdentity { .. } => "denial.other_identity",
            Self::SeveralUris(_) => "denial.several_uris",
            Self::NotASpiffeId { .. } => "denial.not_a_spiffe_id",
            Self::AsksForCa => "denial.asks_for_ca",
            Self::OtherKey { .. } => "denial.other_key",
            Self::NotAWorkload(_) => "denial.not_a_workload",
            Self::NoName => "denial.no_name",
            Self::NotADnsName(_) => "denial.not_a_dns_name",
        }
    }
}

/// Why a certificate was not issued. Nothing was signed, or what was signed is destroyed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The grant is for another kind of certificate.
    #[error("the grant does not fit the profile '{0}'")]
    ProfileMismatch(ProfileKind),
    /// The request contradicts what is granted.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The CA serves another trust domain.
    #[error("this CA issues for the trust domain '{ours}', not for '{asked}'")]
    ForeignTrustDomain {
        /// The CA's trust domain.
        ours: TrustDomain,
        /// The one asked for.
        asked: TrustDomain,
    },
    /// The signer holds another key than the CA certificate.
    #[error("the signer's key is not the key of the CA certificate '{0}'")]
    SignerMismatch(String),
    /// The CA's own chain does not validate.
    #[error("the CA cannot issue: {0}")]
    Issuer(Rejection),
    /// The clock lies before the CA's validity.
    #[error("the CA is valid from {from} on, and the clock says {now}: set the clock right")]
    ClockBeforeCa {
        /// The CA's notBefore.
        from: Timestamp,
        /// The caller's time.
        now: Timestamp,
    },
    /// The CA has expired.
    #[error("the CA '{ca}' expired at {at}, and now is {now}: renew it before issuing")]
    CaExpired {
        /// The certificate of the chain that expired.
        ca: String,
        /// Its notAfter.
        at: Timestamp,
        /// The caller's time.
        now: Timestamp,
    },
    /// A lifetime of nothing.
    #[error("the lifetime is under a second")]
    NoLifetime,
    /// A root of this CA allows no further CA below it.
    #[error("'{0}' may not sign CA certificates (its pathLen forbids it)")]
    PathLength(String),
    /// The linter found the certificate wrong, before it was signed.
    #[error("the certificate would be wrong: {}", list(.0))]
    Lint(Vec<Finding>),
    /// The key or the signer failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The finished certificate cannot be read.
    #[error("the finished certificate cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// The finished certificate does not validate: the signature is wrong, or the bundle has changed.
    #[error("the finished certificate does not validate, so it was destroyed: {0}")]
    NotValid(Rejection),
}

impl IssueError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ProfileMismatch(_) => "issue.profile_mismatch",
            Self::Denied(e) => e.code(),
            Self::ForeignTrustDomain { .. } => "issue.foreign_trust_domain",
            Self::SignerMismatch(_) => "issue.signer_mismatch",
            Self::Issuer(_) => "issue.issuer",
            Self::ClockBeforeCa { .. } => "issue.clock_before_ca",
            Self::CaExpired { .. } => "issue.ca_expired",
            Self::NoLifetime => "issue.no_lifetime",
            Self::PathLength(_) => "issue.path_length",
            Self::Lint(_) => "issue.lint",
            Self::Key(e) => e.code(),
            Self::Certificate(e) => e.code(),
            Self::NotValid(_) => "issue.not_valid",
        }
    }
}

fn list(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
