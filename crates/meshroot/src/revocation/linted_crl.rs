use super::{Crl, CrlIssueError};
use crate::key::{Crypto, SignatureAlgorithm};
use crate::lint::Linted;
use crate::x509::Certificate;
use crate::x509::encode::signed;

/// A CRL that wants only its signature: linted, bound to its issuer, used up by signing.
///
/// An HSM or a KMS signs [`message`](Self::message) with [`algorithm`](Self::algorithm) in whatever way it likes, and
/// hands the signature to [`complete`](Self::complete).
#[derive(Debug)]
pub struct LintedCrl {
    linted: Linted,
    algorithm: SignatureAlgorithm,
    issuer: Certificate,
    crypto: Crypto,
}

impl LintedCrl {
    pub(super) fn new(linted: Linted, algorithm: SignatureAlgorithm, issuer: Certificate, crypto: Crypto) -> Self {
        Self { linted, algorithm, issuer, crypto }
    }

    /// What is to be signed.
    pub fn message(&self) -> &[u8] {
        self.linted.tbs()
    }

    /// With which algorithm.
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Adds the signature, and verifies the finished CRL with the issuer's key before it is returned.
    ///
    /// # Errors
    /// [`CrlIssueError::NotValid`] when the signature is not the issuer's.
    pub fn complete(self, signature: &[u8]) -> Result<Crl, CrlIssueError> {
        let crl = Crl::from_der(&signed(self.linted.tbs(), self.algorithm, signature))?;
        crl.verify_signature(self.issuer.public_key(), &self.crypto).map_err(|_| CrlIssueError::NotValid(self.issuer.subject().to_string()))?;
        Ok(crl)
    }
}
