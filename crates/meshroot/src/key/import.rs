//! Reading private keys in the formats that people have, and the encodings that this needs.

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use der::{Decode, Encode};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfo};

use super::{KeyAlgorithm, KeyError};

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The SubjectPublicKeyInfo of a bare public key; the modulus size of RSA does not matter here.
pub(super) fn encode_spki(algorithm: KeyAlgorithm, key: &[u8]) -> Result<Vec<u8>, KeyError> {
    let (oid, parameters) = match &algorithm {
        KeyAlgorithm::EcdsaP256 => (EC_PUBLIC_KEY, Some(AnyRef::from(&P256))),
        KeyAlgorithm::EcdsaP384 => (EC_PUBLIC_KEY, Some(AnyRef::from(&P384))),
        KeyAlgorithm::Ed25519 => (ED25519, None),
        KeyAlgorithm::Rsa(_) => (RSA, Some(AnyRef::NULL)),
    };
    let malformed = |e: der::Error| KeyError::MalformedPublicKey(e.to_string());
    let subject_public_key = BitStringRef::from_bytes(key).map_err(malformed)?;
    SubjectPublicKeyInfo { algorithm: AlgorithmIdentifierRef { oid, parameters }, subject_public_key }.to_der().map_err(malformed)
}

/// The kind of key inside a PKCS#8 structure; for RSA the size is left at zero.
pub(super) fn pkcs8_algorithm(der: &[u8]) -> Result<KeyAlgorithm, KeyError> {
    let info = pkcs8::PrivateKeyInfoRef::from_der(der).map_err(|e| KeyError::MalformedPrivateKey(e.to_string()))?;
    match info.algorithm.oid {
        ED25519 => Ok(KeyAlgorithm::Ed25519),
        RSA => Ok(KeyAlgorithm::Rsa(0)),
        EC_PUBLIC_KEY => match info.algorithm.parameters_oid() {
            Ok(P256) => Ok(KeyAlgorithm::EcdsaP256),
            Ok(P384) => Ok(KeyAlgorithm::EcdsaP384),
            Ok(other) => Err(KeyError::UnsupportedAlgorithm(format!("elliptic curve {other}"))),
            Err(_) => Err(KeyError::UnsupportedAlgorithm("elliptic curve given by explicit parameters".into())),
        },
        other => Err(KeyError::UnsupportedAlgorithm(other.to_string())),
    }
}
