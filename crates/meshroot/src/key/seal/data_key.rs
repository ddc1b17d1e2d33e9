use core::fmt;

use zeroize::Zeroizing;

use super::{SealError, push_field};
use crate::key::{Crypto, Entropy, PrivateKey, PublicKey};

const WHAT: &str = "sealed private key";
const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;

/// The key that seals all private keys of a store: 32 random bytes, wiped when dropped, never printed.
pub struct DataKey(pub(super) Zeroizing<[u8; 32]>);

/// Where a sealed key belongs. Under any other context it does not open, so the keys of two authorities, or a key and
/// a copy of the store, cannot be swapped by whoever can write to the store but not unlock it.
#[derive(Clone, Copy, Debug)]
pub struct SealContext<'a> {
    /// The store's identifier.
    pub store: &'a str,
    /// The authority's identifier within the store.
    pub authority: &'a str,
    /// The public half of the key.
    pub public_key: &'a PublicKey,
}

/// A private key as the store keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey {
    nonce: [u8; NONCE],
    ciphertext: Vec<u8>,
}

impl DataKey {
    /// Makes a data key.
    ///
    /// # Errors
    /// [`KeyError::NoEntropy`](crate::key::KeyError::NoEntropy).
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0; 32]);
        entropy.fill(key.as_mut())?;
        Ok(Self(key))
    }

    /// Seals a private key for its place.
    ///
    /// The nonce is random: 2^32 keys may be sealed before two are alike with a chance of 2^-32 (NIST SP 800-38D §8.3).
    ///
    /// # Errors
    /// [`SealError::OtherKey`] if the key is not the context's, and a failing source of randomness.
    pub fn seal(&self, crypto: &Crypto, entropy: &dyn Entropy, context: &SealContext<'_>, key: &PrivateKey) -> Result<SealedKey, SealError> {
        if key.public_key() != context.public_key {
            return Err(SealError::OtherKey { authority: context.authority.into() });
        }
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce)?;
        let ciphertext = crypto.seal(&self.0, nonce, &context.associated_data(crypto), key.pkcs8_der())?;
        Ok(SealedKey { nonce, ciphertext })
    }

    /// Opens a sealed key in its place.
    ///
    /// # Errors
    /// [`SealError::CannotOpen`], whichever of data key, context and bytes is not that of sealing.
    pub fn open(&self, crypto: &Crypto, context: &SealContext<'_>, sealed: &SealedKey) -> Result<PrivateKey, SealError> {
        let pkcs8 = crypto
            .open(&self.0, sealed.nonce, &context.associated_data(crypto), &sealed.ciphertext)
            .map_err(|_| SealError::CannotOpen { authority: context.authority.into() })?;
        let key = PrivateKey::from_pkcs8(pkcs8, &**crypto)?;
        if key.public_key() != context.public_key {
            return Err(SealError::OtherKey { authority: context.authority.into() });
        }
        Ok(key)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(redacted)")
    }
}

impl SealContext<'_> {
    fn associated_data(&self, crypto: &Crypto) -> Vec<u8> {
        let mut out = Vec::new();
        push_field(&mut out, b"meshroot-sealed-key");
        push_field(&mut out, &[VERSION]);
        push_field(&mut out, self.store.as_bytes());
        push_field(&mut out, self.authority.as_bytes());
        push_field(&mut out, &crypto.sha256(self.public_key.spki_der()));
        out
    }
}

impl SealedKey {
    /// The bytes to keep: version, nonce, ciphertext with tag.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&[VERSION][..], &self.nonce, &self.ciphertext].concat()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`SealError::Damaged`], [`SealError::Newer`]. A change inside is noticed on opening.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let (version, rest) = bytes.split_first().ok_or(SealError::Damaged { what: WHAT, reason: "it is empty" })?;
        if *version != VERSION {
            return Err(SealError::Newer { what: WHAT, found: format!("version {version}") });
        }
        let (nonce, ciphertext) = rest.split_first_chunk().ok_or(SealError::Damaged { what: WHAT, reason: "it is cut off" })?;
        if ciphertext.len() <= TAG {
            return Err(SealError::Damaged { what: WHAT, reason: "it is cut off" });
        }
        Ok(Self { nonce: *nonce, ciphertext: ciphertext.into() })
    }
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedKey({} bytes)", self.ciphertext.len())
    }
}
