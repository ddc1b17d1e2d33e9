use core::fmt;
use core::ops::Range;
use std::sync::Arc;

use super::extension as ext;
use super::wire::{CertRef, ExtensionRef};
use super::{AltNames, BasicConstraints, CertificateError, DistinguishedName, ExtendedKeyUsage, KeyUsage, SerialNumber};
use crate::key::{BadSignature, Crypto, KeyId, PublicKey, SignatureAlgorithm};
use crate::time::Validity;

/// A parsed X.509 certificate that owns its DER (RFC 5280 §4.1).
///
/// Its extensions are decoded when asked for: a certificate that others made may have a broken one, and the question
/// then is what that means, not whether the rest can be read.
#[derive(Clone)]
pub struct Certificate(Arc<Parsed>);

/// Shared by all clones: paths, chains and bundles pass certificates around without copying them.
struct Parsed {
    der: Box<[u8]>,
    /// Where the signed part lies in `der`.
    signed: Range<usize>,
    signature: Range<usize>,
    algorithm: Option<SignatureAlgorithm>,
    serial: SerialNumber,
    issuer: DistinguishedName,
    subject: DistinguishedName,
    validity: Validity,
    public_key: PublicKey,
    /// Looked at for every link of every path, so read once.
    subject_key_id: Option<KeyId>,
    authority_key_id: Option<KeyId>,
}

impl Certificate {
    /// Reads one certificate in DER; nothing may follow it.
    ///
    /// # Errors
    /// What is malformed, or a public key that no profile allows.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let parsed = CertRef::parse(der)?;
        let tbs = &parsed.tbs;
        // The signed part starts behind the header of the whole, and the signature ends where the whole does.
        let header = der.len().saturating_sub(parsed.content_len);
        Ok(Self(Arc::new(Parsed {
            signed: header..header.saturating_add(tbs.raw.len()),
            signature: der.len().saturating_sub(parsed.signature.len())..der.len(),
            algorithm: signature_algorithm(parsed.signature_algorithm),
            serial: SerialNumber::from_bytes(tbs.serial),
            issuer: DistinguishedName::from_der_unchecked(tbs.issuer),
            subject: DistinguishedName::from_der_unchecked(tbs.subject),
            validity: tbs.validity,
            public_key: PublicKey::from_spki_der(tbs.spki)?,
            subject_key_id: tbs.subject_key_id().map(KeyId::from_bytes),
            authority_key_id: tbs.authority_key_id().map(KeyId::from_bytes),
            der: der.into(),
        })))
    }

    /// The certificate, byte for byte.
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// The certificate in PEM (RFC 7468), with a line break behind it.
    pub fn to_pem(&self) -> String {
        crate::pem::encode_certificate(&self.0.der)
    }

    /// The serial number.
    pub fn serial(&self) -> &SerialNumber {
        &self.0.serial
    }

    /// Who signed it, by name.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.0.issuer
    }

    /// Whom it is about, by name.
    pub fn subject(&self) -> &DistinguishedName {
        &self.0.subject
    }

    /// The validity period.
    pub fn validity(&self) -> Validity {
        self.0.validity
    }

    /// The subject's public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// How it is signed, if with an algorithm that we know.
    pub fn signature_algorithm(&self) -> Option<SignatureAlgorithm> {
        self.0.algorithm
    }

    /// Whether issuer and subject are the same name (RFC 5280 §3.2: self-issued). It need not be self-signed.
    pub fn is_self_issued(&self) -> bool {
        self.0.subject == self.0.issuer
    }

    /// basicConstraints, if there and well formed.
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.extension(ext::BASIC_CONSTRAINTS).and_then(|e| BasicConstraints::decode(e.value).ok())
    }

    /// Whether basicConstraints says CA:TRUE.
    pub fn is_ca(&self) -> bool {
        self.basic_constraints().is_some_and(|constraints| constraints.ca)
    }

    /// keyUsage, if there and well formed.
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.extension(ext::KEY_USAGE).and_then(|e| KeyUsage::decode(e.value).ok())
    }

    /// extKeyUsage, if there and well formed.
    pub fn extended_key_usage(&self) -> Option<ExtendedKeyUsage> {
        self.extension(ext::EXTENDED_KEY_USAGE).and_then(|e| ExtendedKeyUsage::decode(e.value).ok())
    }

    /// subjectAltName, if there and well formed.
    pub fn alt_names(&self) -> Option<AltNames<'_>> {
        self.extension(ext::SUBJECT_ALT_NAME).and_then(|e| AltNames::decode(e.value).ok())
    }

    /// subjectKeyIdentifier, if there and well formed.
    pub fn subject_key_id(&self) -> Option<&KeyId> {
        self.0.subject_key_id.as_ref()
    }

    /// The key identifier inside authorityKeyIdentifier, if there and well formed.
    pub fn authority_key_id(&self) -> Option<&KeyId> {
        self.0.authority_key_id.as_ref()
    }

    /// Whether it limits the names below it (nameConstraints).
    pub fn has_name_constraints(&self) -> bool {
        self.extension(ext::NAME_CONSTRAINTS).is_some()
    }

    /// SHA-256 of the DER: the fingerprint that people compare.
    pub fn fingerprint(&self, crypto: &Crypto) -> [u8; 32] {
        crypto.sha256(&self.0.der)
    }

    /// Whether `issuer_key` signed this certificate. Says nothing about validity, names or constraints.
    ///
    /// # Errors
    /// [`BadSignature`], also for algorithms that we do not know.
    pub fn verify_signature(&self, issuer_key: &PublicKey, crypto: &Crypto) -> Result<(), BadSignature> {
        let part = |range: &Range<usize>| self.0.der.get(range.clone()).ok_or(BadSignature);
        let algorithm = self.0.algorithm.ok_or(BadSignature)?;
        crypto.verify(issuer_key, algorithm, part(&self.0.signed)?, part(&self.0.signature)?)
    }

    fn extension(&self, oid: der::asn1::ObjectIdentifier) -> Option<ExtensionRef<'_>> {
        CertRef::parse(&self.0.der).ok()?.tbs.extension(oid)
    }
}

/// The algorithm of an AlgorithmIdentifier in DER, when it is spelled exactly as its RFC says.
pub(crate) fn signature_algorithm(identifier: &[u8]) -> Option<SignatureAlgorithm> {
    use SignatureAlgorithm as S;
    [S::EcdsaSha256, S::EcdsaSha384, S::Ed25519, S::RsaPkcs1Sha256, S::RsaPkcs1Sha384, S::RsaPkcs1Sha512]
        .into_iter()
        .find(|algorithm| algorithm.identifier_der() == identifier)
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({}, serial {}, until {})", self.0.subject, self.0.serial, self.0.validity.not_after)
    }
}

#[cfg(feature = "serde")]
mod serde_impls {
    use super::Certificate;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    /// Standard base64 of the DER, as `x5c` has it.
    impl Serialize for Certificate {
        fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            s.serialize_str(&STANDARD.encode(&self.0.der))
        }
    }

    impl<'de> Deserialize<'de> for Certificate {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            let der = STANDARD.decode(String::deserialize(d)?).map_err(de::Error::custom)?;
            Self::from_der(&der).map_err(de::Error::custom)
        }
    }
}
