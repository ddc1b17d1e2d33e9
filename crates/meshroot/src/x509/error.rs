use crate::key::KeyError;

/// Bytes that are no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The DER is broken, at this field.
    #[error("not a certificate: {field} is malformed ({reason})")]
    Malformed {
        /// The field by its name in RFC 5280, like `tbsCertificate.validity`.
        field: &'static str,
        /// What the DER reader says, with the offset.
        reason: String,
    },
    /// More bytes follow the certificate.
    #[error("{0} bytes follow the certificate's end: one certificate and nothing else is expected")]
    TrailingBytes(usize),
    /// The certificate is longer than any we accept.
    #[error("the certificate has {0} bytes: more than 65536 are not accepted")]
    TooLong(usize),
    /// The two places that name the signature algorithm disagree (RFC 5280 §4.1.1.2).
    #[error("the signature algorithm inside the signed part differs from the one outside it")]
    AlgorithmsDiffer,
    /// The public key cannot be used.
    #[error("the certificate's public key cannot be used: {0}")]
    Key(#[from] KeyError),
}

impl CertificateError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "x509.malformed",
            Self::TrailingBytes(_) => "x509.trailing_bytes",
            Self::TooLong(_) => "x509.too_long",
            Self::AlgorithmsDiffer => "x509.algorithms_differ",
            Self::Key(e) => e.code(),
        }
    }

    pub(crate) fn malformed(field: &'static str) -> impl Fn(der::Error) -> Self {
        move |e| Self::Malformed { field, reason: e.to_string() }
    }
}
