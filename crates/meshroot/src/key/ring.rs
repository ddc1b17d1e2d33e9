use core::fmt;
use std::sync::Arc;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair, UnparsedPublicKey, VerificationAlgorithm};
use ring::{agreement, digest};
use zeroize::{Zeroize, Zeroizing};

use super::canonical::read_pkcs8;
use super::identifiers::encode_spki;
use super::{Backend, BadSignature, Entropy, KeyAlgorithm, KeyError, PrivateKey, PublicKey, SignatureAlgorithm, Signer};

/// The backend made of the crate `ring`.
#[derive(Debug)]
pub(super) struct Ring {
    random: SystemRandom,
}

impl Default for Ring {
    fn default() -> Self {
        Self { random: SystemRandom::new() }
    }
}

impl Entropy for Ring {
    fn fill(&self, out: &mut [u8]) -> Result<(), KeyError> {
        self.random.fill(out).map_err(|_| KeyError::NoEntropy)
    }
}

/// The verification of this signature with this kind of key. A curve takes either digest: OpenSSL's default CSR for a
/// P-384 key is signed with SHA-256.
fn verifier(key: KeyAlgorithm, algorithm: SignatureAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    use {KeyAlgorithm as K, SignatureAlgorithm as S};
    match (key, algorithm) {
        (K::EcdsaP256, S::EcdsaSha256) => Some(&signature::ECDSA_P256_SHA256_ASN1),
        (K::EcdsaP256, S::EcdsaSha384) => Some(&signature::ECDSA_P256_SHA384_ASN1),
        (K::EcdsaP384, S::EcdsaSha256) => Some(&signature::ECDSA_P384_SHA256_ASN1),
        (K::EcdsaP384, S::EcdsaSha384) => Some(&signature::ECDSA_P384_SHA384_ASN1),
        (K::Ed25519, S::Ed25519) => Some(&signature::ED25519),
        (K::Rsa(_), S::RsaPkcs1Sha256) => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        (K::Rsa(_), S::RsaPkcs1Sha384) => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        (K::Rsa(_), S::RsaPkcs1Sha512) => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        _ => None,
    }
}

impl Backend for Ring {
    fn name(&self) -> &'static str {
        "ring"
    }

    fn sha256(&self, data: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
        out
    }

    fn verify(&self, key: &PublicKey, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        let verification = verifier(key.algorithm(), algorithm).ok_or(BadSignature)?;
        UnparsedPublicKey::new(verification, key.key_bytes()).verify(message, signature).map_err(|_| BadSignature)
    }

    fn check_public_key(&self, key: &PublicKey) -> Result<(), KeyError> {
        // ring checks a point only where it is used. A key agreement with a throw-away key is such a use.
        let curve: &'static agreement::Algorithm = match key.algorithm() {
            KeyAlgorithm::EcdsaP256 => &agreement::ECDH_P256,
            KeyAlgorithm::EcdsaP384 => &agreement::ECDH_P384,
            KeyAlgorithm::Ed25519 | KeyAlgorithm::Rsa(_) => return Ok(()),
        };
        let ours = agreement::EphemeralPrivateKey::generate(curve, &self.random).map_err(|_| KeyError::NoEntropy)?;
        agreement::agree_ephemeral(ours, &agreement::UnparsedPublicKey::new(curve, key.key_bytes()), |_| ())
            .map_err(|_| KeyError::PointNotOnCurve(key.algorithm()))
    }

    fn generate(&self, algorithm: KeyAlgorithm) -> Result<PrivateKey, KeyError> {
        let made = match algorithm {
            KeyAlgorithm::EcdsaP256 => EcdsaKeyPair::generate_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &self.random),
            KeyAlgorithm::EcdsaP384 => EcdsaKeyPair::generate_pkcs8(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, &self.random),
            // Version 1, without the public key: what OpenSSL, Go and Java read (they refuse RFC 5958's version 2).
            KeyAlgorithm::Ed25519 => return self.generate_ed25519(),
            KeyAlgorithm::Rsa(_) => {
                return Err(KeyError::CannotGenerate {
                    backend: "ring",
                    algorithm,
                    advice: "make it with `openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072` and import it, or use P-256",
                });
            }
        };
        let pkcs8 = made.map_err(|_| KeyError::NoEntropy)?;
        let bytes = Zeroizing::new(pkcs8.as_ref().to_vec());
        PrivateKey::from_pkcs8(bytes, self)
    }

    fn public_key(&self, pkcs8_der: &[u8]) -> Result<PublicKey, KeyError> {
        let key = KeyInMemory::load(pkcs8_der)?;
        if let KeyInMemory::Rsa(pair) = &key {
            // ring computes whether all the numbers fit only when it signs.
            sign_rsa(pair, &self.random, b"do these numbers belong together?").map_err(|_| KeyError::InconsistentKeyPair)?;
        }
        key.public_key()
    }

    fn signer(&self, key: &PrivateKey) -> Result<Arc<dyn Signer>, KeyError> {
        let signer = KeyInMemory::load(key.pkcs8_der())?;
        Ok(Arc::new(RingSigner { public: key.public_key().clone(), key: signer, random: self.random.clone() }))
    }

    fn seal(&self, key: &[u8; 32], nonce: [u8; 12], associated_data: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut buffer = plaintext.to_vec();
        let sealed = gcm(key)?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(associated_data), &mut buffer);
        if sealed.is_err() {
            buffer.zeroize();
            return Err(KeyError::SignerFailed("AES-256-GCM refused the plaintext".into()));
        }
        Ok(buffer)
    }

    fn open(&self, key: &[u8; 32], nonce: [u8; 12], associated_data: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let length = gcm(key)?
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(associated_data), &mut buffer)
            .map_err(|_| KeyError::WrongPassword)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }

    fn entropy(&self) -> &dyn Entropy {
        self
    }
}

impl Ring {
    fn generate_ed25519(&self) -> Result<PrivateKey, KeyError> {
        let mut seed = Zeroizing::new([0u8; 32]);
        self.fill(seed.as_mut())?;
        let mut pkcs8 = Zeroizing::new(ED25519_PKCS8_V1.to_vec());
        pkcs8.extend_from_slice(seed.as_ref());
        PrivateKey::from_pkcs8(pkcs8, self)
    }
}

/// Everything of an Ed25519 `OneAsymmetricKey` of version 1 that stands before the 32 bytes of the seed (RFC 8410 §7).
const ED25519_PKCS8_V1: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

fn gcm(key: &[u8; 32]) -> Result<LessSafeKey, KeyError> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| KeyError::SignerFailed("AES-256-GCM refused the key".into()))
}

/// ring's one-word complaints about private keys, in ours.
fn rejected(algorithm: KeyAlgorithm, e: &ring::error::KeyRejected) -> KeyError {
    let cannot_sign = |advice| KeyError::CannotSign { backend: "ring", algorithm, advice };
    match e.to_string().as_str() {
        "InconsistentComponents" => KeyError::InconsistentKeyPair,
        "TooLarge" => cannot_sign("it signs with RSA keys of 2048 to 4096 bits"),
        "PrivateModulusLenNotMultipleOf512Bits" => cannot_sign("its two primes must have the same length, a multiple of 256 bits"),
        other => KeyError::MalformedPrivateKey(format!("ring says {other}")),
    }
}

enum KeyInMemory {
    Ecdsa(KeyAlgorithm, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl KeyInMemory {
    fn load(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let random = SystemRandom::new();
        // What is wrong with the file or its public half is found here, in better words than ring's.
        let algorithm = read_pkcs8(pkcs8)?.canonical()?.algorithm;
        let loaded = match algorithm {
            KeyAlgorithm::EcdsaP256 => {
                EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8, &random).map(|key| Self::Ecdsa(algorithm, key))
            }
            KeyAlgorithm::EcdsaP384 => {
                EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, pkcs8, &random).map(|key| Self::Ecdsa(algorithm, key))
            }
            KeyAlgorithm::Ed25519 => Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map(Self::Ed25519),
            KeyAlgorithm::Rsa(_) => RsaKeyPair::from_pkcs8(pkcs8).map(Self::Rsa),
        };
        loaded.map_err(|e| rejected(algorithm, &e))
    }

    fn public_key(&self) -> Result<PublicKey, KeyError> {
        let spki = match self {
            Self::Ecdsa(algorithm, key) => encode_spki(*algorithm, key.public_key().as_ref())?,
            Self::Ed25519(key) => encode_spki(KeyAlgorithm::Ed25519, key.public_key().as_ref())?,
            Self::Rsa(key) => encode_spki(KeyAlgorithm::Rsa(0), key.public_key().as_ref())?,
        };
        PublicKey::from_spki_der(&spki)
    }
}

struct RingSigner {
    public: PublicKey,
    key: KeyInMemory,
    random: SystemRandom,
}

impl fmt::Debug for RingSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RingSigner").field("public", &self.public).finish_non_exhaustive()
    }
}

impl Signer for RingSigner {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = |_| KeyError::SignerFailed("ring could not sign".into());
        match &self.key {
            KeyInMemory::Ecdsa(_, key) => key.sign(&self.random, message).map(|s| s.as_ref().to_vec()).map_err(failed),
            KeyInMemory::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
            KeyInMemory::Rsa(key) => sign_rsa(key, &self.random, message).map_err(failed),
        }
    }
}

fn sign_rsa(key: &RsaKeyPair, random: &SystemRandom, message: &[u8]) -> Result<Vec<u8>, ring::error::Unspecified> {
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&signature::RSA_PKCS1_SHA256, random, message, &mut signature)?;
    Ok(signature)
}
