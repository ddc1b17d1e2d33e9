//! Private keys at rest.
//!
//! One random [`DataKey`] seals every private key of a store (AES-256-GCM), each under its [`SealContext`], so that a
//! sealed key opens in its own place only. The data key is kept as a [`WrappedDataKey`], which an [`UnlockSecret`]
//! opens: 32 random bytes in an unlock file, or a passphrase. To change the secret, only the data key is wrapped again.
//!
//! ```
//! use meshroot::key::seal::{DataKey, SealContext, UnlockSecret, WrappedDataKey};
//! use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
//!
//! let crypto = Crypto::ring();
//! let secret = UnlockSecret::generate_file(crypto.entropy())?;
//! let data_key = DataKey::generate(crypto.entropy())?;
//! let wrapped = WrappedDataKey::wrap(&data_key, &secret, "store-1", &crypto, crypto.entropy())?;
//!
//! let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto)?;
//! let context = SealContext { store: "store-1", authority: "west", public_key: key.public_key() };
//! let sealed = data_key.seal(&crypto, crypto.entropy(), &context, &key)?;
//!
//! let opened = wrapped.unwrap(&secret, "store-1", &crypto)?.open(&crypto, &context, &sealed)?;
//! assert_eq!(opened.pkcs8_der(), key.pkcs8_der());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod data_key;
mod error;
mod unlock;
mod wrap;

pub use data_key::{DataKey, SealContext, SealedKey};
pub use error::SealError;
pub use unlock::{UnlockKind, UnlockSecret};
pub use wrap::WrappedDataKey;

/// Adds a field to associated data such that no two lists of fields give the same bytes.
fn push_field(out: &mut Vec<u8>, field: &[u8]) {
    out.extend_from_slice(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
    out.extend_from_slice(field);
}

#[cfg(test)]
#[cfg(feature = "ring")]
mod tests;
