use core::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::canonical::{self, Canonical};
use super::{Backend, Crypto, Entropy, KeyAlgorithm, KeyError, PublicKey, Signer, encrypted, import};
use crate::pem;

/// A private key in memory: PKCS#8 (RFC 5958) with its public half. Wiped when dropped, never printed.
///
/// Whatever format it was read from, inside it has one form: PKCS#8 of version 1, elliptic curve keys with the public
/// key inside, nothing beside the key. OpenSSL, Go and Java read it.
#[derive(Clone)]
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl PrivateKey {
    /// Makes a key.
    ///
    /// # Errors
    /// As [`Backend::generate`].
    pub fn generate(algorithm: KeyAlgorithm, crypto: &Crypto) -> Result<Self, KeyError> {
        crypto.generate(algorithm)
    }

    /// Reads the one private key of a PEM text: PKCS#8, encrypted PKCS#8 (PBES2), SEC1 or PKCS#1. A block
    /// `EC PARAMETERS` beside it is skipped, any other is an error. The password is for encrypted keys only.
    ///
    /// # Errors
    /// What is wrong with the text or the key. Work and memory are bounded, whatever the text asks for.
    pub fn from_pem(text: &[u8], password: Option<&[u8]>, crypto: &Crypto) -> Result<Self, KeyError> {
        Self::accept(import::read_pem(text, password)?, &**crypto)
    }

    /// Reads a private key in DER, in the formats of [`from_pem`](Self::from_pem), told apart by their content.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(der: &[u8], password: Option<&[u8]>, crypto: &Crypto) -> Result<Self, KeyError> {
        Self::accept(import::read_der(der, password)?, &**crypto)
    }

    /// Takes an unencrypted PKCS#8 key in DER; the backend checks that both halves belong together.
    ///
    /// # Errors
    /// What is wrong with the key, and all of [`Backend::public_key`].
    pub fn from_pkcs8(der: Zeroizing<Vec<u8>>, backend: &dyn Backend) -> Result<Self, KeyError> {
        Self::accept(canonical::read_pkcs8(&der)?.canonical()?, backend)
    }

    /// The only way to a value: with the public half that the backend computed, and no other one claimed.
    fn accept(key: Canonical, backend: &dyn Backend) -> Result<Self, KeyError> {
        let public = backend.public_key(&key.pkcs8)?;
        if key.claimed.is_some_and(|claimed| claimed.key_bytes() != public.key_bytes()) {
            return Err(KeyError::InconsistentKeyPair);
        }
        Ok(Self { pkcs8: key.pkcs8, public })
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The key in unencrypted PKCS#8 DER. Whoever takes a copy wipes it.
    pub fn pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The key in unencrypted PKCS#8 PEM, `PRIVATE KEY`.
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        pem::encode_secret("PRIVATE KEY", &self.pkcs8)
    }

    /// The key in encrypted PKCS#8 PEM, `ENCRYPTED PRIVATE KEY`: PBES2 with scrypt (N=2^14, r=8, p=1, 16 MiB, some
    /// 50 ms) and AES-256-CBC, which OpenSSL opens. It is as strong as the password.
    ///
    /// # Errors
    /// [`KeyError::EmptyPassword`], [`KeyError::NoEntropy`].
    pub fn to_encrypted_pem(&self, password: &[u8], entropy: &dyn Entropy) -> Result<String, KeyError> {
        Ok(pem::encode("ENCRYPTED PRIVATE KEY", &encrypted::encrypt(&self.pkcs8, password, entropy)?))
    }

    /// A signer with this key, in memory.
    ///
    /// # Errors
    /// As [`Backend::signer`].
    pub fn signer(&self, crypto: &Crypto) -> Result<Arc<dyn Signer>, KeyError> {
        crypto.signer(self)
    }
}

/// Names the kind of the key and nothing of the key.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, redacted)", self.public.algorithm())
    }
}

#[cfg(test)]
#[cfg(feature = "ring")]
mod tests;
