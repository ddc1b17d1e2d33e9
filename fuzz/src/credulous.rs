use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use meshroot::key::{Backend, BadSignature, Crypto, Entropy, KeyAlgorithm, KeyError, PrivateKey, PublicKey, SignatureAlgorithm, Signer};

/// Believes every signature. A fuzzer cannot make a signature, so behind an honest backend it would only ever see the
/// first check; with this one it reaches every rule that has to hold for whatever somebody with a key might sign.
#[derive(Clone, Debug)]
pub(crate) struct Credulous(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    honest: Crypto,
    verifications: AtomicUsize,
}

impl Credulous {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner { honest: Crypto::ring(), verifications: AtomicUsize::new(0) }))
    }

    pub(crate) fn crypto(&self) -> Crypto {
        Crypto::new(self.0.clone())
    }

    /// Verifications since the last call.
    pub(crate) fn take(&self) -> usize {
        self.0.verifications.swap(0, Ordering::Relaxed)
    }
}

impl Backend for Inner {
    fn name(&self) -> &'static str {
        "credulous"
    }

    fn sha256(&self, data: &[u8]) -> [u8; 32] {
        self.honest.sha256(data)
    }

    fn verify(&self, _: &PublicKey, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Result<(), BadSignature> {
        self.verifications.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn check_public_key(&self, key: &PublicKey) -> Result<(), KeyError> {
        self.honest.check_public_key(key)
    }

    fn generate(&self, algorithm: KeyAlgorithm) -> Result<PrivateKey, KeyError> {
        self.honest.generate(algorithm)
    }

    fn public_key(&self, pkcs8_der: &[u8]) -> Result<PublicKey, KeyError> {
        self.honest.public_key(pkcs8_der)
    }

    fn signer(&self, key: &PrivateKey) -> Result<Arc<dyn Signer>, KeyError> {
        self.honest.signer(key)
    }

    fn seal(&self, key: &[u8; 32], nonce: [u8; 12], associated_data: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.honest.seal(key, nonce, associated_data, plaintext)
    }

    fn open(&self, key: &[u8; 32], nonce: [u8; 12], associated_data: &[u8], ciphertext: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyError> {
        self.honest.open(key, nonce, associated_data, ciphertext)
    }

    fn entropy(&self) -> &dyn Entropy {
        self.honest.entropy()
    }
}
