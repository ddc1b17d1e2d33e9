use super::MAX_CRL_BYTES;
use crate::pem::PemError;

/// Bytes that are no CRL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrlError {
    /// The DER is broken, or a rule of form is, at this field.
    #[error("not a CRL: {field} is malformed ({reason})")]
    Malformed {
        /// The field by its name in RFC 5280, like `tbsCertList.revokedCertificates[17].reasonCode`; entries count from 0.
        field: String,
        /// What is wrong, with the offset where the DER itself is.
        reason: String,
    },
    /// More bytes follow the CRL.
    #[error("{0} bytes follow the CRL's end: one CRL and nothing else is expected")]
    TrailingBytes(usize),
    /// The CRL is longer than [`MAX_CRL_BYTES`].
    #[error("the CRL has {0} bytes: more than {MAX_CRL_BYTES} are not read")]
    TooLong(usize),
    /// The two places that name the signature algorithm disagree (RFC 5280 §5.1.1.2).
    #[error("the CRL's signature algorithm inside the signed part differs from the one outside it")]
    AlgorithmsDiffer,
    /// The text is no PEM.
    #[error("the CRLs cannot be read: {0}")]
    Pem(#[from] PemError),
    /// There is no block at all.
    #[error("no CRL was found: at least one PEM block -----BEGIN X509 CRL----- is expected")]
    NoCrl,
    /// A PEM block is something else.
    #[error("block {block}, line {line}: {label} instead of X509 CRL: only CRLs may stand here")]
    NotCrl {
        /// Which block, from 1.
        block: usize,
        /// The line of the BEGIN.
        line: usize,
        /// The block's label.
        label: String,
    },
    /// A PEM block says X509 CRL and holds none that we read.
    #[error("block {block}, line {line}: {error}")]
    Block {
        /// Which block, from 1.
        block: usize,
        /// The line of the BEGIN.
        line: usize,
        /// What is wrong inside.
        #[source]
        error: Box<CrlError>,
    },
}

impl CrlError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "crl.malformed",
            Self::TrailingBytes(_) => "crl.trailing_bytes",
            Self::TooLong(_) => "crl.too_long",
            Self::AlgorithmsDiffer => "crl.algorithms_differ",
            Self::Pem(e) => e.code(),
            Self::NoCrl => "crl.none",
            Self::NotCrl { .. } => "crl.not_crl",
            Self::Block { error, .. } => error.code(),
        }
    }

    pub(super) fn at(field: &'static str) -> impl Fn(der::Error) -> Self {
        move |e| Self::malformed(field, e)
    }

    pub(super) fn malformed(field: impl Into<String>, reason: impl ToString) -> Self {
        Self::Malformed { field: field.into(), reason: reason.to_string() }
    }
}
