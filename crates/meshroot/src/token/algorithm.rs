use std::borrow::Cow;

use super::TokenError;
use crate::bundle::error::shown;
use crate::key::{BadSignature, Crypto, KeyAlgorithm, PublicKey, SignatureAlgorithm};
use crate::x509::encode::{SEQUENCE, element, positive_integer};

/// The signature algorithms of Kubernetes that we can verify. Each belongs to one kind of key, so a token cannot choose how
/// a key is used (RFC 8725 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum JwsAlgorithm {
    Rs256,
    Es256,
    Es384,
}

impl JwsAlgorithm {
    /// `alg` of a header (RFC 7518 §3.1; names are case-sensitive).
    pub(super) fn read(name: &str) -> Result<Self, TokenError> {
        match name {
            "RS256" => Ok(Self::Rs256),
            "ES256" => Ok(Self::Es256),
            "ES384" => Ok(Self::Es384),
            _ if name.eq_ignore_ascii_case("none") => Err(TokenError::Unsigned),
            // With a public key as the secret, anybody could sign (RFC 8725 §2.1).
            _ if name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("HS")) => Err(TokenError::Symmetric),
            _ => Err(TokenError::UnsupportedAlgorithm(shown(name))),
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
        }
    }

    /// The one algorithm that Kubernetes signs with when it has such a key.
    pub(super) fn of(key: KeyAlgorithm) -> Option<Self> {
        match key {
            KeyAlgorithm::Rsa(_) => Some(Self::Rs256),
            KeyAlgorithm::EcdsaP256 => Some(Self::Es256),
            KeyAlgorithm::EcdsaP384 => Some(Self::Es384),
            KeyAlgorithm::Ed25519 => None,
        }
    }

    /// Whether `key`, which must be of this algorithm's kind, made the JWS signature over `message`.
    pub(super) fn verify(self, key: &PublicKey, message: &[u8], signature: &[u8], crypto: &Crypto) -> Result<(), BadSignature> {
        if Self::of(key.algorithm()) != Some(self) {
            return Err(BadSignature);
        }
        let (algorithm, signature) = match self {
            Self::Rs256 => (SignatureAlgorithm::RsaPkcs1Sha256, Cow::Borrowed(signature)),
            Self::Es256 => (SignatureAlgorithm::EcdsaSha256, Cow::Owned(ecdsa_der(signature, 32)?)),
            Self::Es384 => (SignatureAlgorithm::EcdsaSha384, Cow::Owned(ecdsa_der(signature, 48)?)),
        };
        crypto.verify(key, algorithm, message, &signature)
    }
}

/// From `r ‖ s`, each as long as the curve's field (RFC 7518 §3.4), to the `ECDSA-Sig-Value` that X.509 and our backends know.
fn ecdsa_der(signature: &[u8], field: usize) -> Result<Vec<u8>, BadSignature> {
    let (r, s) = signature.split_at_checked(field).filter(|(_, s)| s.len() == field).ok_or(BadSignature)?;
    let mut der = Vec::with_capacity(signature.len().saturating_add(9));
    element(&mut der, SEQUENCE, |out| {
        positive_integer(out, r);
        positive_integer(out, s);
    });
    Ok(der)
}
