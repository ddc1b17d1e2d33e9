use super::CrlError;
use crate::key::KeyError;
use crate::lint::Finding;

/// Why a CRL was not made. Nothing was signed, or what was signed is destroyed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CrlIssueError {
    /// The issuer is no CA.
    #[error("'{0}' is no CA, so it has no CRL")]
    NotACa(String),
    /// The CA's keyUsage does not allow it (RFC 5280 §4.2.1.3), so every verifier would refuse the CRL.
    #[error("the keyUsage of the CA '{0}' lacks cRLSign, so nobody would accept a CRL of it: renew the CA with cRLSign")]
    NoCrlSign(String),
    /// The signer holds another key than the CA certificate.
    #[error("the signer's key is not the key of the CA certificate '{0}'")]
    SignerMismatch(String),
    /// The linter found the CRL wrong, before it was signed.
    #[error("the CRL would be wrong: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Lint(Vec<Finding>),
    /// The key or the signer failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The finished CRL cannot be read.
    #[error("the finished CRL cannot be read: {0}")]
    Crl(#[from] CrlError),
    /// The signature is not the CA's.
    #[error("the signature over the finished CRL was not made with the key of the CA '{0}', so it was destroyed")]
    NotValid(String),
}

impl CrlIssueError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotACa(_) => "crl.not_a_ca",
            Self::NoCrlSign(_) => "crl.no_crl_sign",
            Self::SignerMismatch(_) => "crl.signer_mismatch",
            Self::Lint(_) => "crl.lint",
            Self::Key(e) => e.code(),
            Self::Crl(e) => e.code(),
            Self::NotValid(_) => "crl.not_valid",
        }
    }
}
