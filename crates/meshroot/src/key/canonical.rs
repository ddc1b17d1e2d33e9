//! Private keys of every format, read into their parts, and written in the one form that every program reads:
//! PKCS#8 version 1 (RFC 5208), elliptic curve keys with their public half inside (RFC 5915), as ring wants it.

use der::asn1::{AnyRef, BitStringRef, ContextSpecific, ObjectIdentifier, OctetStringRef, UintRef};
use der::{Decode, Reader, SliceReader, Tag, TagMode, TagNumber};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::identifiers::{EC_PUBLIC_KEY, ED25519, RSA, RSA_PSS, curve, curve_oid, encode_spki};
use super::{KeyAlgorithm, KeyError, PublicKey};
use crate::x509::encode::{self, bytes, element, explicit};

/// A private key in its parts, borrowed from where it was read. The public half is what the file claims.
pub(super) enum Parts<'a> {
    Ec { algorithm: KeyAlgorithm, scalar: &'a [u8], point: &'a [u8] },
    Ed25519 { seed: &'a [u8; 32], public: Option<&'a [u8]> },
    Rsa { private: &'a [u8], public: Vec<u8> },
}

/// A key in the one form, and the public half that its file claims, already found fit for use. Whether the two belong
/// together is for the backend to compute.
pub(super) struct Canonical {
    pub(super) algorithm: KeyAlgorithm,
    pub(super) pkcs8: Zeroizing<Vec<u8>>,
    pub(super) claimed: Option<PublicKey>,
}

impl Parts<'_> {
    /// Writes the key in the one form.
    ///
    /// # Errors
    /// What is wrong with the public half: a point that is compressed, a modulus that is too short.
    pub(super) fn canonical(&self) -> Result<Canonical, KeyError> {
        let claimed = match self {
            Self::Ec { algorithm, point, .. } => Some(encode_spki(*algorithm, point)?),
            Self::Ed25519 { public, .. } => public.map(|key| encode_spki(KeyAlgorithm::Ed25519, key)).transpose()?,
            Self::Rsa { public, .. } => Some(encode_spki(KeyAlgorithm::Rsa(0), public)?),
        };
        let claimed = claimed.map(|spki| PublicKey::from_spki_der(&spki)).transpose()?;
        // Only Ed25519 keys come without a public half.
        let algorithm = claimed.as_ref().map_or(KeyAlgorithm::Ed25519, PublicKey::algorithm);
        Ok(Canonical { algorithm, pkcs8: self.encode(), claimed })
    }

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let content = match self {
            Self::Ec { scalar, point, .. } => scalar.len().saturating_add(point.len()),
            Self::Ed25519 { seed, .. } => seed.len(),
            Self::Rsa { private, .. } => private.len(),
        };
        // Large enough from the start: a buffer that grows leaves copies of the key behind. All headers together,
        // and the zero bytes that a shortened scalar gets back, stay under 160 bytes.
        let mut out = Zeroizing::new(Vec::with_capacity(content.saturating_add(160)));
        element(&mut out, encode::SEQUENCE, |out| {
            bytes(out, encode::INTEGER, &[0]);
            match self {
                Self::Ec { algorithm, scalar, point } => {
                    identifier(out, EC_PUBLIC_KEY, curve_oid(*algorithm));
                    element(out, encode::OCTET_STRING, |out| ec_private_key(out, scalar_length(*algorithm), scalar, point));
                }
                Self::Ed25519 { seed, .. } => {
                    identifier(out, ED25519, None);
                    element(out, encode::OCTET_STRING, |out| bytes(out, encode::OCTET_STRING, *seed));
                }
                Self::Rsa { private, .. } => {
                    element(out, encode::SEQUENCE, |out| {
                        bytes(out, encode::OID, RSA.as_bytes());
                        bytes(out, 0x05, &[]); // NULL, which RFC 3279 §2.3.1 demands
                    });
                    bytes(out, encode::OCTET_STRING, private);
                }
            }
        });
        out
    }
}

fn identifier(out: &mut Vec<u8>, oid: ObjectIdentifier, parameters: Option<ObjectIdentifier>) {
    element(out, encode::SEQUENCE, |out| {
        bytes(out, encode::OID, oid.as_bytes());
        if let Some(parameters) = parameters {
            bytes(out, encode::OID, parameters.as_bytes());
        }
    });
}

/// RFC 5915 §3, without the curve, which stands in the PKCS#8 around it.
fn ec_private_key(out: &mut Vec<u8>, length: usize, scalar: &[u8], point: &[u8]) {
    element(out, encode::SEQUENCE, |out| {
        bytes(out, encode::INTEGER, &[1]);
        element(out, encode::OCTET_STRING, |out| {
            out.extend(core::iter::repeat_n(0, length.saturating_sub(scalar.len())));
            out.extend_from_slice(scalar);
        });
        element(out, explicit(1), |out| {
            element(out, encode::BIT_STRING, |out| {
                out.push(0);
                out.extend_from_slice(point);
            });
        });
    });
}

/// Bytes of a curve's private key.
fn scalar_length(algorithm: KeyAlgorithm) -> usize {
    match algorithm {
        KeyAlgorithm::EcdsaP384 => 48,
        _ => 32,
    }
}

pub(super) fn malformed(e: der::Error) -> KeyError {
    KeyError::MalformedPrivateKey(e.to_string())
}

/// PKCS#8 (RFC 5208) and its second version with a public key (RFC 5958). Attributes are dropped.
pub(super) fn read_pkcs8(der: &[u8]) -> Result<Parts<'_>, KeyError> {
    let info = pkcs8::PrivateKeyInfoRef::from_der(der).map_err(malformed)?;
    let outer = info.public_key.map(|key| whole_bytes(&key)).transpose()?;
    let AlgorithmIdentifierRef { oid, parameters } = info.algorithm;
    let private = info.private_key.as_bytes();
    match oid {
        EC_PUBLIC_KEY => {
            let named = named_curve(parameters)?.ok_or_else(|| KeyError::MalformedPrivateKey("the elliptic curve is not named".into()))?;
            read_ec(private, Some(named), outer)
        }
        ED25519 => {
            if parameters.is_some() {
                return Err(KeyError::MalformedPrivateKey("the algorithm identifier of Ed25519 has parameters".into()));
            }
            let seed = <&OctetStringRef>::from_der(private).map_err(malformed)?.as_bytes();
            let seed = seed.try_into().map_err(|_| KeyError::MalformedPrivateKey("an Ed25519 key has 32 bytes".into()))?;
            Ok(Parts::Ed25519 { seed, public: outer })
        }
        RSA => match read_rsa(private)? {
            Parts::Rsa { public, .. } if outer.is_some_and(|outer| outer != public) => Err(KeyError::InconsistentKeyPair),
            parts => Ok(parts),
        },
        RSA_PSS => Err(KeyError::RsaPss),
        other => Err(KeyError::UnsupportedAlgorithm(other.to_string())),
    }
}

/// SEC1 (RFC 5915): `EC PRIVATE KEY`.
pub(super) fn read_sec1(der: &[u8]) -> Result<Parts<'_>, KeyError> {
    read_ec(der, None, None)
}

/// An ECPrivateKey; curve and public key may also stand around it, and then must be the same.
fn read_ec<'a>(der: &'a [u8], outer_curve: Option<KeyAlgorithm>, outer_point: Option<&'a [u8]>) -> Result<Parts<'a>, KeyError> {
    let mut fields = fields(der)?;
    let version = u8::decode(&mut fields).map_err(malformed)?;
    if version != 1 {
        return Err(KeyError::MalformedPrivateKey(format!("an ECPrivateKey of version {version}: only 1 exists")));
    }
    let scalar = <&OctetStringRef>::decode(&mut fields).map_err(malformed)?.as_bytes();
    let parameters = ContextSpecific::<AnyRef<'_>>::decode_explicit(&mut fields, TagNumber(0)).map_err(malformed)?;
    let parameters = parameters.map(|parameters| parameters.value);
    let point = fields.context_specific::<BitStringRef<'_>>(TagNumber(1), TagMode::Explicit).map_err(malformed)?;
    fields.finish().map_err(malformed)?;

    let inner_curve = named_curve(parameters)?;
    let algorithm = match (outer_curve, inner_curve) {
        (Some(outer), Some(inner)) if outer != inner => {
            return Err(KeyError::MalformedPrivateKey(format!("it names two curves, {outer} and {inner}")));
        }
        (outer, inner) => outer.or(inner).ok_or_else(|| KeyError::MalformedPrivateKey("the elliptic curve is not named".into()))?,
    };
    let inner_point = point.map(|bits| whole_bytes(&bits)).transpose()?;
    if inner_point.zip(outer_point).is_some_and(|(inner, outer)| inner != outer) {
        return Err(KeyError::InconsistentKeyPair);
    }
    let point = inner_point.or(outer_point).ok_or(KeyError::PublicKeyMissing(algorithm))?;

    // RFC 5915 §3 fixes the length; some writers drop leading zero bytes or add one as if it were an INTEGER.
    let length = scalar_length(algorithm);
    let extra = scalar.len().saturating_sub(length);
    let (zeros, scalar) = scalar.split_at_checked(extra).unwrap_or_default();
    if scalar.is_empty() || zeros.iter().any(|byte| *byte != 0) {
        return Err(KeyError::MalformedPrivateKey(format!("the private key of {algorithm} must have {length} bytes")));
    }
    Ok(Parts::Ec { algorithm, scalar, point })
}

/// PKCS#1 (RFC 8017 A.1.2): `RSA PRIVATE KEY`.
pub(super) fn read_rsa(der: &[u8]) -> Result<Parts<'_>, KeyError> {
    let mut fields = fields(der)?;
    let version = u8::decode(&mut fields).map_err(malformed)?;
    if version == 1 {
        return Err(KeyError::UnsupportedAlgorithm("RSA with more than two primes".into()));
    }
    if version != 0 {
        return Err(KeyError::MalformedPrivateKey(format!("an RSAPrivateKey of version {version}: only 0 and 1 exist")));
    }
    let modulus = UintRef::decode(&mut fields).map_err(malformed)?;
    let exponent = UintRef::decode(&mut fields).map_err(malformed)?;
    // d, p, q, dP, dQ, qInv: the backend checks them.
    for _ in 0..6 {
        UintRef::decode(&mut fields).map_err(malformed)?;
    }
    fields.finish().map_err(malformed)?;

    let mut public = Vec::new();
    element(&mut public, encode::SEQUENCE, |out| {
        encode::positive_integer(out, modulus.as_bytes());
        encode::positive_integer(out, exponent.as_bytes());
    });
    Ok(Parts::Rsa { private: der, public })
}

/// The fields of one SEQUENCE with nothing behind it.
pub(super) fn fields(der: &[u8]) -> Result<SliceReader<'_>, KeyError> {
    fields_of(AnyRef::from_der(der).map_err(malformed)?)
}

/// The fields of a SEQUENCE.
pub(super) fn fields_of(sequence: AnyRef<'_>) -> Result<SliceReader<'_>, KeyError> {
    if sequence.header().tag() != Tag::Sequence {
        return Err(KeyError::MalformedPrivateKey("it is no SEQUENCE".into()));
    }
    SliceReader::new(sequence.value()).map_err(malformed)
}

fn named_curve(parameters: Option<AnyRef<'_>>) -> Result<Option<KeyAlgorithm>, KeyError> {
    let Some(parameters) = parameters else { return Ok(None) };
    if parameters.header().tag() == Tag::Sequence {
        return Err(KeyError::UnsupportedAlgorithm("elliptic curve given by explicit parameters".into()));
    }
    let oid: ObjectIdentifier = parameters.decode_as().map_err(malformed)?;
    curve(oid).map(Some).ok_or_else(|| KeyError::UnsupportedAlgorithm(format!("elliptic curve {oid}")))
}

fn whole_bytes<'a>(bits: &BitStringRef<'a>) -> Result<&'a [u8], KeyError> {
    bits.as_bytes().ok_or_else(|| KeyError::MalformedPrivateKey("the public key does not end at a byte".into()))
}
