use std::time::Duration;

use super::{MAX_TOKEN_BYTES, MAX_TRIALS};
use crate::hierarchy::ClusterName;
use crate::time::{Timestamp, humanize};

/// Why a token is refused.
///
/// Messages may show what a token claims (an issuer, an audience, a name), shortened. They never hold the token, nor its signature:
/// an error may be logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than any service account token.
    #[error("the token has {found} bytes: more than {MAX_TOKEN_BYTES} are not read")]
    TooLong {
        /// Bytes found.
        found: usize,
    },
    /// Not three parts: no compact JWS.
    #[error("not a signed token: {parts} parts between dots instead of 3{}", if *parts == 5 { " (an encrypted one has 5)" } else { "" })]
    NotCompact {
        /// Parts found.
        parts: usize,
    },
    /// A part is not base64url without padding.
    #[error("the token's {part} is not base64url without padding (RFC 7515 §2)")]
    Base64 {
        /// `header`, `claims` or `signature`.
        part: &'static str,
    },
    /// A part is no JSON object.
    #[error("the token's {part}: {reason}")]
    Json {
        /// `header` or `claims`.
        part: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// A member is there twice, at whatever depth.
    #[error("the token's {part}: a member is there twice, and readers would disagree on which one counts")]
    DuplicateMember {
        /// `header` or `claims`.
        part: &'static str,
    },
    /// `alg: none`.
    #[error("the token is not signed (alg none)")]
    Unsigned,
    /// An HMAC: there is no secret that we share with an API server.
    #[error("the token is signed with a shared secret (HMAC), which no Kubernetes API server does")]
    Symmetric,
    /// An algorithm that Kubernetes does not use, or ES512.
    #[error("the token's algorithm '{0}' is not accepted: Kubernetes signs with RS256, ES256 or ES384 (ES512 cannot be verified here)")]
    UnsupportedAlgorithm(String),
    /// The header has `crit` or `b64`.
    #[error("the token's header demands an extension (crit), and none is known")]
    Critical,
    /// The header brings or points to a key.
    #[error("the token's header holds '{0}': keys are taken from the cluster's key set, never from a token")]
    KeyInHeader(&'static str),
    /// A member of the header is missing or of the wrong type.
    #[error("the token's header member '{member}': {reason}")]
    BadHeader {
        /// The member.
        member: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// Another kind of JWT.
    #[error("the token's type is '{0}', and a service account token's is JWT, or left out")]
    WrongType(String),
    /// No cluster has this issuer.
    #[error(
        "no cluster has the token's issuer '{issuer}': is the cluster in the policy, with the issuer its API server was started with (--service-account-issuer)?"
    )]
    UnknownIssuer {
        /// The issuer, shortened.
        issuer: String,
    },
    /// No key of the issuer has the token's key ID: forged, from a cluster with the same issuer string, or keys were rotated.
    #[error(
        "no key of the issuer '{issuer}' has the token's key ID ({}): if the cluster's keys were rotated, its key set here is old",
        kid.as_deref().unwrap_or("none")
    )]
    UnknownKey {
        /// The issuer, shortened.
        issuer: String,
        /// The key ID, shortened.
        kid: Option<String>,
    },
    /// The token does not say which of many keys signed it.
    #[error("{candidates} keys could have signed the token, and no more than {MAX_TRIALS} are tried: give the keys in the key sets their key IDs")]
    TooManyKeys {
        /// Keys that fit.
        candidates: usize,
    },
    /// No key that it may be verified with made the signature.
    #[error("the token's signature was made by none of the keys it could be from")]
    BadSignature,
    /// The key that signed it belongs to several clusters.
    #[error("the token's key belongs to the key sets of {}, so it proves nothing: give each cluster a key of its own", list(clusters))]
    SharedKey {
        /// The clusters.
        clusters: Vec<ClusterName>,
    },
    /// Tokens of this cluster are not accepted.
    #[error(
        "service account tokens of the cluster {cluster} are not accepted: [clusters.{cluster}.callers.kubernetes] in the policy switches them on"
    )]
    NotExpected {
        /// The cluster whose key signed it.
        cluster: ClusterName,
    },
    /// A claim is missing.
    #[error("the token's claim '{0}' is missing{hint}", hint = hint(.0))]
    MissingClaim(&'static str),
    /// A claim has the wrong type or form.
    #[error("the token's claim '{claim}': {reason}")]
    BadClaim {
        /// The claim.
        claim: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
    /// The token is for somebody else.
    #[error("the token is for the audience {found}, not for {expected}: project one with that audience")]
    Audience {
        /// What the token names, shortened.
        found: String,
        /// What is accepted.
        expected: String,
    },
    /// `exp` has passed.
    #[error("the token expired at {at}, and now is {now}")]
    Expired {
        /// The claim.
        at: Timestamp,
        /// The caller's time.
        now: Timestamp,
    },
    /// `nbf` or `iat` lies ahead.
    #[error("the token is good from {from} on, and now is {now}: is a clock wrong?")]
    NotYetValid {
        /// The later of both claims.
        from: Timestamp,
        /// The caller's time.
        now: Timestamp,
    },
    /// Issued too long ago, whatever its expiry.
    #[error("the token was issued at {issued_at}, and none older than {} is accepted: kubelet renews projected tokens, so read the file again", humanize(*max))]
    TooOld {
        /// The claim `iat`.
        issued_at: Timestamp,
        /// The limit.
        max: Duration,
    },
    /// Made to live longer than is accepted.
    #[error("the token lives {}, and none that lives over {} is accepted: lower expirationSeconds", humanize(*lifetime), humanize(*max))]
    LifetimeTooLong {
        /// From `iat` to `exp`.
        lifetime: Duration,
        /// The limit.
        max: Duration,
    },
    /// `sub` and the `kubernetes.io` claims name two accounts.
    #[error("the token's subject is '{subject}', and its claims are those of '{claimed}'")]
    SubjectMismatch {
        /// `sub`, shortened.
        subject: String,
        /// What the `kubernetes.io` claims make.
        claimed: String,
    },
}

impl TokenError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "token.too_long",
            Self::NotCompact { .. } => "token.not_compact",
            Self::Base64 { .. } => "token.base64",
            Self::Json { .. } => "token.json",
            Self::DuplicateMember { .. } => "token.duplicate_member",
            Self::Unsigned => "token.unsigned",
            Self::Symmetric => "token.symmetric",
            Self::UnsupportedAlgorithm(_) => "token.unsupported_algorithm",
            Self::Critical => "token.critical",
            Self::KeyInHeader(_) => "token.key_in_header",
            Self::BadHeader { .. } => "token.bad_header",
            Self::WrongType(_) => "token.wrong_type",
            Self::UnknownIssuer { .. } => "token.unknown_issuer",
            Self::UnknownKey { .. } => "token.unknown_key",
            Self::TooManyKeys { .. } => "token.too_many_keys",
            Self::BadSignature => "token.bad_signature",
            Self::SharedKey { .. } => "token.shared_key",
            Self::NotExpected { .. } => "token.not_expected",
            Self::MissingClaim(_) => "token.missing_claim",
            Self::BadClaim { .. } => "token.bad_claim",
            Self::Audience { .. } => "token.audience",
            Self::Expired { .. } => "token.expired",
            Self::NotYetValid { .. } => "token.not_yet_valid",
            Self::TooOld { .. } => "token.too_old",
            Self::LifetimeTooLong { .. } => "token.lifetime_too_long",
            Self::SubjectMismatch { .. } => "token.subject_mismatch",
        }
    }

    /// Whether newer keys of the cluster might change the verdict: the time to fetch its key set again, at a limited rate.
    pub fn suggests_new_keys(&self) -> bool {
        matches!(self, Self::UnknownKey { .. } | Self::BadSignature)
    }
}

fn list(clusters: &[ClusterName]) -> String {
    clusters.iter().map(ClusterName::as_str).collect::<Vec<_>>().join(" and ")
}

/// The tokens of Secrets, which Kubernetes made before it had TokenRequest, have neither expiry nor audience.
fn hint(claim: &str) -> &'static str {
    if matches!(claim, "exp" | "aud") { ": the everlasting tokens of Secrets are not accepted, project one (TokenRequest)" } else { "" }
}
