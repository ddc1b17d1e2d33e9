//! The object identifiers of keys, and a bare public key in its SubjectPublicKeyInfo.

use der::Encode;
use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfo};

use super::{KeyAlgorithm, KeyError};

pub(super) const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
pub(super) const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
pub(super) const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
pub(super) const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
pub(super) const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
pub(super) const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

/// The curve of this name (RFC 5480 §2.1.1.1), if it is one of ours.
pub(super) fn curve(oid: ObjectIdentifier) -> Option<KeyAlgorithm> {
    match oid {
        P256 => Some(KeyAlgorithm::EcdsaP256),
        P384 => Some(KeyAlgorithm::EcdsaP384),
        _ => None,
    }
}

/// The name of the key's curve, if it has one.
pub(super) fn curve_oid(algorithm: KeyAlgorithm) -> Option<ObjectIdentifier> {
    match algorithm {
        KeyAlgorithm::EcdsaP256 => Some(P256),
        KeyAlgorithm::EcdsaP384 => Some(P384),
        KeyAlgorithm::Ed25519 | KeyAlgorithm::Rsa(_) => None,
    }
}

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
