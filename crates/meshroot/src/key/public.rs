use core::fmt;

use der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use der::{Decode, Reader, SliceReader, Tag};
use x509_cert::spki::AlgorithmIdentifierRef;

use super::identifiers::{EC_PUBLIC_KEY, ED25519, P256, P384, RSA, RSA_PSS, encode_spki};
use super::{Crypto, KeyAlgorithm, KeyError};
use crate::hex::Hex;

/// Bits of the smallest and largest RSA modulus: 2048 is the floor of every mesh's TLS library, 8192 what they verify.
const RSA_BITS: core::ops::RangeInclusive<u32> = 2048..=8192;

/// The encodings of the Ed25519 points of small order, with which a signature can be made without any private key.
/// (The sign bit of the last byte is ignored when comparing.)
const ED25519_SMALL_ORDER: [[u8; 32]; 7] = small_order_points();

/// A public key that profiles allow, with the exact SubjectPublicKeyInfo bytes it was read from (RFC 5280 §4.1.2.7).
///
/// Its kind comes from the key, never from a signature made with it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    spki: Box<[u8]>,
    algorithm: KeyAlgorithm,
    /// Where the BIT STRING's content starts in `spki`; it ends where `spki` ends.
    key_at: usize,
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo in DER; the bytes are kept as they are.
    ///
    /// # Errors
    /// What is wrong with the key: malformed, unsupported, weak. Whether a point lies on its curve takes arithmetic
    /// and is left to [`Backend::check_public_key`](super::Backend::check_public_key).
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        let (algorithm, key) = read_spki(der)?;
        let key_at = der.len().saturating_sub(key.len());
        Ok(Self { spki: der.into(), algorithm, key_at })
    }

    /// The key that these bytes are (an uncompressed point, 32 bytes of Ed25519, a PKCS#1 `RSAPublicKey` of whatever size).
    ///
    /// # Errors
    /// As [`from_spki_der`](Self::from_spki_der).
    pub(crate) fn from_key_bytes(algorithm: KeyAlgorithm, key: &[u8]) -> Result<Self, KeyError> {
        Self::from_spki_der(&encode_spki(algorithm, key)?)
    }

    /// Judges a SubjectPublicKeyInfo as [`from_spki_der`](Self::from_spki_der) does, and keeps nothing of it.
    pub(crate) fn algorithm_of(spki_der: &[u8]) -> Result<KeyAlgorithm, KeyError> {
        read_spki(spki_der).map(|(algorithm, _)| algorithm)
    }

    /// The kind of the key.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The SubjectPublicKeyInfo in DER, byte for byte what was read.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The key alone, as the BIT STRING holds it: an uncompressed point, 32 bytes of Ed25519, or a PKCS#1
    /// `RSAPublicKey`.
    pub fn key_bytes(&self) -> &[u8] {
        self.spki.get(self.key_at..).unwrap_or_default()
    }

    /// The key identifier that our certificates carry: the leftmost 160 bits of the SHA-256 of the key's
    /// BIT STRING (RFC 7093 §2, method 1).
    pub fn key_id(&self, crypto: &Crypto) -> KeyId {
        let digest = crypto.sha256(self.key_bytes());
        KeyId(digest.iter().take(20).copied().collect())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({}, {} bytes)", self.algorithm, self.spki.len())
    }
}

/// A key identifier: the content of a subjectKeyIdentifier or of an authorityKeyIdentifier's first field.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Box<[u8]>);

impl KeyId {
    /// Key identifiers of other software may have any length and be made in any way.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Lower case hexadecimal.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The kind of the key, and the content of its BIT STRING.
fn read_spki(der: &[u8]) -> Result<(KeyAlgorithm, &[u8]), KeyError> {
    let malformed = |e: der::Error| KeyError::MalformedPublicKey(e.to_string());
    let mut outer = SliceReader::new(der).map_err(malformed)?;
    let sequence = AnyRef::decode(&mut outer).map_err(malformed)?;
    outer.finish().map_err(malformed)?;
    if sequence.header().tag() != Tag::Sequence {
        return Err(KeyError::MalformedPublicKey("it is no SEQUENCE".into()));
    }
    let mut fields = SliceReader::new(sequence.value()).map_err(malformed)?;
    let identifier = AlgorithmIdentifierRef::decode(&mut fields).map_err(malformed)?;
    let bits = BitStringRef::decode(&mut fields).map_err(malformed)?;
    fields.finish().map_err(malformed)?;
    let key = bits.as_bytes().ok_or_else(|| KeyError::MalformedPublicKey("its BIT STRING does not end at a byte".into()))?;
    let algorithm = match identifier.oid {
        EC_PUBLIC_KEY => ec_key(identifier.parameters, key)?,
        ED25519 => ed25519_key(identifier.parameters, key)?,
        RSA => rsa_key(identifier.parameters, key)?,
        RSA_PSS => return Err(KeyError::RsaPss),
        other => return Err(KeyError::UnsupportedAlgorithm(other.to_string())),
    };
    Ok((algorithm, key))
}

/// RFC 5480 §2.1.1: the parameters name a curve; §2.2: the key is a point, uncompressed here, as all of TLS wants it.
fn ec_key(parameters: Option<AnyRef<'_>>, key: &[u8]) -> Result<KeyAlgorithm, KeyError> {
    let parameters = parameters.ok_or_else(|| KeyError::MalformedPublicKey("the elliptic curve is not named".into()))?;
    if parameters.header().tag() == Tag::Sequence {
        return Err(KeyError::UnsupportedAlgorithm("elliptic curve given by explicit parameters".into()));
    }
    let curve: ObjectIdentifier = parameters.decode_as().map_err(|e: der::Error| KeyError::MalformedPublicKey(e.to_string()))?;
    let (algorithm, expected) = match curve {
        P256 => (KeyAlgorithm::EcdsaP256, 65),
        P384 => (KeyAlgorithm::EcdsaP384, 97),
        other => return Err(KeyError::UnsupportedAlgorithm(format!("elliptic curve {other}"))),
    };
    let first = key.first().copied().unwrap_or(0);
    if key.len() != expected || first != 0x04 {
        return Err(KeyError::PointEncoding { algorithm, found: key.len(), first, expected });
    }
    Ok(algorithm)
}

fn ed25519_key(parameters: Option<AnyRef<'_>>, key: &[u8]) -> Result<KeyAlgorithm, KeyError> {
    if parameters.is_some() {
        return Err(KeyError::Ed25519("its algorithm identifier has parameters (RFC 8410 §3 forbids them)"));
    }
    let key: &[u8; 32] = key.try_into().map_err(|_| KeyError::Ed25519("it does not have 32 bytes"))?;
    let mut positive = *key;
    positive[31] &= 0x7f;
    if ED25519_SMALL_ORDER.contains(&positive) {
        return Err(KeyError::Ed25519("it is a point of small order, with which anybody's signature verifies"));
    }
    Ok(KeyAlgorithm::Ed25519)
}

/// RFC 8017 A.1.1: modulus and public exponent.
fn rsa_key(parameters: Option<AnyRef<'_>>, key: &[u8]) -> Result<KeyAlgorithm, KeyError> {
    let malformed = |e: der::Error| KeyError::MalformedPublicKey(e.to_string());
    if !parameters.is_some_and(|p| p.is_null()) {
        return Err(KeyError::MalformedPublicKey("the parameters of rsaEncryption are not NULL (RFC 3279 §2.3.1)".into()));
    }
    let sequence = AnyRef::from_der(key).map_err(malformed)?;
    let mut fields = SliceReader::new(sequence.value()).map_err(malformed)?;
    let modulus = UintRef::decode(&mut fields).map_err(malformed)?;
    let exponent = UintRef::decode(&mut fields).map_err(malformed)?;
    fields.finish().map_err(malformed)?;

    let bits = bit_length(modulus.as_bytes());
    // Whole bytes: what every program makes, and all that some verify.
    if !RSA_BITS.contains(&bits) || !bits.is_multiple_of(8) {
        return Err(KeyError::RsaSize { bits });
    }
    if modulus.as_bytes().last().is_none_or(|byte| byte & 1 == 0) {
        return Err(KeyError::RsaModulus);
    }
    let exponent = exponent.as_bytes();
    if exponent.last().is_none_or(|byte| byte & 1 == 0) {
        return Err(KeyError::RsaExponent("it is even"));
    }
    // 65537 and up: NIST SP 800-56B §6.2; below 2^33: what ring and BoringSSL verify.
    if bit_length(exponent) < 17 {
        return Err(KeyError::RsaExponent("it is smaller than 65537"));
    }
    if bit_length(exponent) > 33 {
        return Err(KeyError::RsaExponent("it has more than 33 bits"));
    }
    Ok(KeyAlgorithm::Rsa(u16::try_from(bits).unwrap_or(u16::MAX)))
}

/// Bits of a big-endian number without leading zero bytes.
fn bit_length(bytes: &[u8]) -> u32 {
    let whole = u32::try_from(bytes.len()).unwrap_or(u32::MAX).saturating_mul(8);
    whole.saturating_sub(bytes.first().map_or(0, |byte| byte.leading_zeros()))
}

/// Orders 1, 2, 4 (encodings 1, -1, 0), 8 (two), and the two non-canonical spellings of 0 and 1.
const fn small_order_points() -> [[u8; 32]; 7] {
    let zero = [0u8; 32];
    let mut one = zero;
    one[0] = 1;
    let mut prime = [0xffu8; 32]; // 2^255 - 19, a non-canonical zero
    prime[0] = 0xed;
    prime[31] = 0x7f;
    let mut minus_one = prime;
    minus_one[0] = 0xec;
    let mut prime_plus_one = prime; // a non-canonical one
    prime_plus_one[0] = 0xee;
    let eighth = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33,
        0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    let other_eighth = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc,
        0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    [zero, one, prime, minus_one, prime_plus_one, eighth, other_eighth]
}
