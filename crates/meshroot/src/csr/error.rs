use crate::key::KeyError;
use crate::pem::PemError;

/// Why a certificate signing request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsrError {
    /// The DER is broken at this field.
    #[error("not a certificate signing request: {field} is malformed ({reason})")]
    Malformed {
        /// The field by its name in RFC 2986.
        field: &'static str,
        /// What the DER reader says, with the offset.
        reason: String,
    },
    /// More bytes follow the request.
    #[error("{0} bytes follow the request's end: one request and nothing else is expected")]
    TrailingBytes(usize),
    /// The request is longer than any we accept.
    #[error("the request has {0} bytes: more than 65536 are not accepted")]
    TooLong(usize),
    /// The text around it is no PEM.
    #[error("the request's PEM cannot be read: {0}")]
    Pem(#[from] PemError),
    /// The PEM holds something else.
    #[error("the PEM holds a {found}, not one CERTIFICATE REQUEST (line {line})")]
    NotARequest {
        /// The label found.
        found: String,
        /// The line where it starts.
        line: usize,
    },
    /// RFC 2986 §4.1 knows only version 0.
    #[error("the request's version is {0}: it must be 0 (v1)")]
    Version(u8),
    /// An attribute that may stand only once stands twice, or an extension does.
    #[error("the request names its extensions ambiguously ({0})")]
    Ambiguous(&'static str),
    /// The key cannot be used.
    #[error("the request's public key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// The signature algorithm is not one we verify.
    #[error(
        "the request is signed with {0}, which is not supported: sign it with ECDSA and SHA-256 or SHA-384, Ed25519, or RSA PKCS#1 v1.5 with SHA-256, SHA-384 or SHA-512"
    )]
    SignatureAlgorithm(String),
    /// The signature algorithm belongs to keys of another kind.
    #[error("the request is signed with {signature}, which a key of the kind {key} cannot make")]
    SignatureDoesNotFitKey {
        /// The signature algorithm.
        signature: String,
        /// The key's kind.
        key: String,
    },
    /// The request was not signed with the private half of its key.
    #[error(
        "the request's signature does not verify with the request's own public key: the private key was not proven (was the request changed after signing?)"
    )]
    NoProof,
}

impl CsrError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "csr.malformed",
            Self::TrailingBytes(_) => "csr.trailing_bytes",
            Self::TooLong(_) => "csr.too_long",
            Self::Pem(e) => e.code(),
            Self::NotARequest { .. } => "csr.not_a_request",
            Self::Version(_) => "csr.version",
            Self::Ambiguous(_) => "csr.ambiguous",
            Self::Key(e) => e.code(),
            Self::SignatureAlgorithm(_) => "csr.signature_algorithm",
            Self::SignatureDoesNotFitKey { .. } => "csr.signature_does_not_fit_key",
            Self::NoProof => "csr.no_proof",
        }
    }

    pub(super) fn malformed(field: &'static str) -> impl Fn(der::Error) -> Self {
        move |e| Self::Malformed { field, reason: e.to_string() }
    }
}
