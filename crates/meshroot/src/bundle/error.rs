use core::fmt;

use super::NotAnAuthority;
use crate::pem::PemError;
use crate::spiffe::SpiffeIdError;
use crate::x509::CertificateError;

/// Why a document is no bundle, or a change to a bundle is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The document is longer than the limit.
    #[error("the document has {found} bytes: more than {limit} are not read (Limits::max_bytes)")]
    TooLarge {
        /// Bytes found.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// `keys` has more entries than the limit.
    #[error("'keys' has more than {limit} entries (Limits::max_keys)")]
    TooManyKeys {
        /// The limit.
        limit: usize,
    },
    /// The map has more trust domains than the limit.
    #[error("the bundle map has more than {limit} trust domains (Limits::max_trust_domains)")]
    TooManyTrustDomains {
        /// The limit.
        limit: usize,
    },
    /// It is not one JSON text, or a member has the wrong type.
    #[error("not a bundle: line {line}, column {column}: {reason}")]
    Malformed {
        /// Line, from 1; 0 where the end of the text is the fault.
        line: usize,
        /// Column in bytes, from 1.
        column: usize,
        /// What the JSON reader says.
        reason: String,
    },
    /// A member is there twice: two readers would see two bundles (RFC 7517 §5).
    #[error("the member '{0}' is there twice: readers would disagree on which one counts")]
    DuplicateMember(String),
    /// A trust domain is in the map twice (Trust Domain and Bundle §5.1.1, §6.3).
    #[error("the trust domain '{0}' is in the bundle map twice")]
    DuplicateTrustDomain(String),
    /// `keys` is missing (Trust Domain and Bundle §4.1.3).
    #[error("the member 'keys' is missing: a bundle without authorities says \"keys\": []")]
    MissingKeys,
    /// `trust_domains` is missing (Trust Domain and Bundle §5.1.1).
    #[error("the member 'trust_domains' is missing: this is no bundle map (a single bundle has 'keys')")]
    MissingTrustDomains,
    /// A member that must be an integer is none, or does not fit (Trust Domain and Bundle §4.1.1, §4.1.2).
    #[error("'{member}' is not an integer from 0 to 18446744073709551615: {reason}")]
    NotAnInteger {
        /// `spiffe_sequence` or `spiffe_refresh_hint`.
        member: &'static str,
        /// What is there instead.
        reason: String,
    },
    /// A name in a bundle map is no trust domain name (Trust Domain and Bundle §5.1.1: the name, not the SPIFFE ID).
    #[error("'{name}' is no trust domain name: {reason}")]
    TrustDomainName {
        /// The name, cut to a length that can be shown.
        name: String,
        /// What is wrong with it.
        reason: SpiffeIdError,
    },
    /// The text is no PEM with certificates.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A certificate that must not become a trust anchor.
    #[error("the certificate '{subject}' cannot be a trust anchor: {reason}")]
    NotAnAuthority {
        /// Its subject.
        subject: String,
        /// Why not.
        reason: NotAnAuthority,
    },
    /// A JSON Web Key that is no JWT authority.
    #[error("the key cannot be a JWT authority: {0}")]
    Jwk(IgnoredReason),
    /// The authority is in the bundle already.
    #[error("'{0}' is in the bundle already")]
    AlreadyThere(String),
    /// The authority is not in the bundle.
    #[error("'{0}' is not in the bundle")]
    NotThere(String),
    /// Nothing would be left, and every identity of the trust domain would become invalid.
    #[error("the bundle would be empty, and with it every identity of the trust domain invalid: say so with Bundle::empty_on_purpose")]
    WouldBeEmpty,
    /// The sequence number cannot grow any more.
    #[error("the sequence number has reached its end")]
    SequenceExhausted,
    /// Envoy refuses a bundle map without any authority, and goes on trusting the last one it had.
    #[error("no trust domain has an X.509 authority: Envoy refuses an empty bundle map and goes on with the one it has")]
    NothingForEnvoy,
}

impl BundleError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "bundle.too_large",
            Self::TooManyKeys { .. } => "bundle.too_many_keys",
            Self::TooManyTrustDomains { .. } => "bundle.too_many_trust_domains",
            Self::Malformed { .. } => "bundle.malformed",
            Self::DuplicateMember(_) => "bundle.duplicate_member",
            Self::DuplicateTrustDomain(_) => "bundle.duplicate_trust_domain",
            Self::MissingKeys => "bundle.missing_keys",
            Self::MissingTrustDomains => "bundle.missing_trust_domains",
            Self::NotAnInteger { .. } => "bundle.not_an_integer",
            Self::TrustDomainName { .. } => "bundle.trust_domain_name",
            Self::Pem(e) => e.code(),
            Self::NotAnAuthority { reason, .. } => reason.code(),
            Self::Jwk(reason) => reason.code(),
            Self::AlreadyThere(_) => "bundle.already_there",
            Self::NotThere(_) => "bundle.not_there",
            Self::WouldBeEmpty => "bundle.would_be_empty",
            Self::SequenceExhausted => "bundle.sequence_exhausted",
            Self::NothingForEnvoy => "bundle.nothing_for_envoy",
        }
    }
}

/// Something in a document that was read over, as the standard demands or allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Where: `keys[2]`, `spiffe_refresh_hint`, `trust_domains["a.example"].keys[0]`.
    pub at: String,
    /// Why.
    pub reason: IgnoredReason,
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.reason)
    }
}

/// Why something in a document was ignored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IgnoredReason {
    /// A required member is missing or null (RFC 7517 §5, Trust Domain and Bundle §4.2).
    #[error("its member '{0}' is missing")]
    MissingMember(&'static str),
    /// A member has the wrong type or encoding (RFC 7518 §6).
    #[error("its member '{member}' is malformed: {reason}")]
    BadMember {
        /// The member.
        member: &'static str,
        /// What is expected.
        reason: &'static str,
    },
    /// A member is there twice (RFC 7517 §4).
    #[error("its member '{0}' is there twice")]
    DuplicateMember(String),
    /// A kind of key that we do not know (Trust Domain and Bundle §4.2.1).
    #[error("its key type '{0}' is unknown")]
    UnknownKeyType(String),
    /// A use that we do not know; names are case-sensitive (Trust Domain and Bundle §4.2.2).
    #[error("its use '{0}' is unknown")]
    UnknownUse(String),
    /// A curve that we do not know.
    #[error("its curve '{0}' is unknown")]
    UnknownCurve(String),
    /// It holds a private or symmetric key, which is no secret any more.
    #[error("it holds a private key (member '{0}'): whoever made the document gave the key away")]
    PrivateKey(&'static str),
    /// `x5c` is missing or empty (X509-SVID §6.2).
    #[error("it has no certificate: 'x5c' is missing or empty")]
    NoCertificate,
    /// The first value of `x5c` is no certificate that we can use.
    #[error("{0}")]
    Certificate(CertificateError),
    /// The certificate must not become a trust anchor.
    #[error("{0}")]
    NotAnAuthority(NotAnAuthority),
    /// The key in the entry is not the key in its certificate (RFC 7517 §4.7).
    #[error("the key in it is not the key in its certificate")]
    KeyDiffers,
    /// Another `jwt-svid` key has the same `kid`.
    #[error("another key before it has the same 'kid'")]
    SameKid,
    /// The same authority is there already.
    #[error("the same authority is there already")]
    Repeated,
    /// A refresh hint of zero or less says nothing.
    #[error("a refresh hint of zero or less says nothing")]
    HintNotPositive,
    /// The refresh hint is so long that changes would not arrive; it counts as 30 days.
    #[error("the refresh hint is longer than 30 days, and counts as 30 days")]
    HintTooLong,
}

impl IgnoredReason {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingMember(_) => "bundle.entry.missing_member",
            Self::BadMember { .. } => "bundle.entry.bad_member",
            Self::DuplicateMember(_) => "bundle.entry.duplicate_member",
            Self::UnknownKeyType(_) => "bundle.entry.unknown_key_type",
            Self::UnknownUse(_) => "bundle.entry.unknown_use",
            Self::UnknownCurve(_) => "bundle.entry.unknown_curve",
            Self::PrivateKey(_) => "bundle.entry.private_key",
            Self::NoCertificate => "bundle.entry.no_certificate",
            Self::Certificate(e) => e.code(),
            Self::NotAnAuthority(e) => e.code(),
            Self::KeyDiffers => "bundle.entry.key_differs",
            Self::SameKid => "bundle.entry.same_kid",
            Self::Repeated => "bundle.entry.repeated",
            Self::HintNotPositive => "bundle.hint_not_positive",
            Self::HintTooLong => "bundle.hint_too_long",
        }
    }
}

/// Untrusted text as a message can show it: short, on one line.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(60).flat_map(char::escape_debug).collect()
}
