//! Keys: algorithms, public and private keys, signing, and the cryptography behind them.
//!
//! Everything that touches key material goes through a [`Crypto`], a cheap handle to a [`Backend`]. The backend is a
//! value, so a program may use several; cargo features only decide which ones exist. Certificates are signed through
//! the [`Signer`] trait, which a software key, an HSM or a KMS can stand behind.

mod algorithm;
mod backend;
mod canonical;
mod encrypted;
mod error;
mod identifiers;
mod import;
mod private;
mod public;
#[cfg(feature = "ring")]
mod ring;
pub mod seal;

pub use algorithm::{KeyAlgorithm, SignatureAlgorithm};
pub use backend::{Backend, Crypto, Entropy, Signer};
pub use error::{BadSignature, KeyError};
pub use private::PrivateKey;
pub use public::{KeyId, PublicKey};
