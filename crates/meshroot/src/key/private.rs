use core::fmt;

use zeroize::Zeroizing;

use super::{Backend, KeyError, PublicKey};

/// A private key in memory: PKCS#8 (RFC 5958) with its public half. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl PrivateKey {
    /// Takes an unencrypted PKCS#8 key in DER; the backend checks that both halves belong together.
    ///
    /// # Errors
    /// As [`Backend::public_key`].
    pub fn from_pkcs8(der: Zeroizing<Vec<u8>>, backend: &dyn Backend) -> Result<Self, KeyError> {
        let public = backend.public_key(&der)?;
        Ok(Self { pkcs8: der, public })
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The key in unencrypted PKCS#8 DER. Whoever takes a copy wipes it.
    pub fn pkcs8_der(&self) -> &[u8] {
        &self.pkcs8
    }
}

/// Names the kind of the key and nothing of the key.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, redacted)", self.public.algorithm())
    }
}
