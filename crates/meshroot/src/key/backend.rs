use core::fmt;
use core::ops::Deref;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{BadSignature, KeyAlgorithm, KeyError, PrivateKey, PublicKey, SignatureAlgorithm};

/// A private key that signs, wherever it lives: in memory, in an HSM, behind a KMS.
///
/// An implementation signs with one algorithm, [`algorithm`](Self::algorithm), and must be callable from several
/// threads. Signing in another process or over a network needs no implementation: prepare, sign the
/// [`message`](crate::issue::LintedTbs::message), then [`complete`](crate::issue::LintedTbs::complete).
pub trait Signer: fmt::Debug + Send + Sync {
    /// The public half.
    fn public_key(&self) -> &PublicKey;

    /// The algorithm of the signatures that [`sign`](Self::sign) makes.
    fn algorithm(&self) -> SignatureAlgorithm {
        self.public_key().algorithm().signature()
    }

    /// Signs `message` and returns the signature as X.509 carries it: ECDSA as the DER of `ECDSA-Sig-Value`
    /// (RFC 3279 §2.2.3), RSA and Ed25519 as they are.
    ///
    /// # Errors
    /// [`KeyError::SignerFailed`] with the device's own words.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;
}

/// A source of random bytes fit for serial numbers and keys.
pub trait Entropy: Send + Sync {
    /// Fills all of `out`.
    ///
    /// # Errors
    /// [`KeyError::NoEntropy`], and then nothing may be issued.
    fn fill(&self, out: &mut [u8]) -> Result<(), KeyError>;
}

/// What a cryptography library has to offer to stand behind [`Crypto`].
pub trait Backend: fmt::Debug + Send + Sync {
    /// The library's name, for messages.
    fn name(&self) -> &'static str;

    /// SHA-256 of `data`.
    fn sha256(&self, data: &[u8]) -> [u8; 32];

    /// Whether `key` made `signature` over `message`.
    ///
    /// # Errors
    /// [`BadSignature`], also when `algorithm` does not fit the key.
    fn verify(&self, key: &PublicKey, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), BadSignature>;

    /// Whether the key is a point on its curve. [`PublicKey`] has already checked all that needs no arithmetic.
    ///
    /// # Errors
    /// [`KeyError::PointNotOnCurve`].
    fn check_public_key(&self, key: &PublicKey) -> Result<(), KeyError>;

    /// Makes a key pair.
    ///
    /// # Errors
    /// [`KeyError::CannotGenerate`] where the library cannot make this kind.
    fn generate(&self, algorithm: KeyAlgorithm) -> Result<PrivateKey, KeyError>;

    /// The public half of a PKCS#8 private key (RFC 5958), after checking that the two halves belong together.
    ///
    /// # Errors
    /// [`KeyError::MalformedPrivateKey`], [`KeyError::InconsistentKeyPair`] or any complaint about the public key.
    fn public_key(&self, pkcs8_der: &[u8]) -> Result<PublicKey, KeyError>;

    /// A signer with this key, in memory.
    ///
    /// # Errors
    /// As [`public_key`](Self::public_key).
    fn signer(&self, key: &PrivateKey) -> Result<Arc<dyn Signer>, KeyError>;

    /// AES-256-GCM: the ciphertext of `plaintext` with its 16-byte tag behind it. A nonce is used once.
    ///
    /// # Errors
    /// [`KeyError::SignerFailed`] if the plaintext is too long.
    fn seal(&self, key: &[u8; 32], nonce: [u8; 12], associated_data: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Undoes [`seal`](Self::seal).
    ///
    /// # Errors
    /// [`KeyError::WrongPassword`] if key, nonce, associated data or ciphertext are not those of sealing.
    fn open(&self, key: &[u8; 32], nonce: [u8; 12], associated_data: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError>;

    /// The system's source of randomness.
    fn entropy(&self) -> &dyn Entropy;
}

/// A handle to a cryptography [`Backend`]; clones share it.
#[derive(Clone, Debug)]
pub struct Crypto(Arc<dyn Backend>);

impl Crypto {
    /// Uses this backend.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self(backend)
    }

    /// The backend made of the crate `ring`: no RSA key generation, no post-quantum algorithms.
    #[cfg(feature = "ring")]
    pub fn ring() -> Self {
        Self(Arc::new(super::ring::Ring::default()))
    }
}

impl Deref for Crypto {
    type Target = dyn Backend;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}
