use core::fmt;

use der::asn1::{BitStringRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};
use x509_cert::spki::AlgorithmIdentifierRef;

use super::CsrError;
use crate::key::{Crypto, KeyError, PublicKey, SignatureAlgorithm, Signer};
use crate::x509::wire::{ExtensionRef, read_extension_list, read_sequence, read_value};
use crate::x509::{AltNames, BasicConstraints, extension as ext, signature_algorithm};

/// An RSA-8192 request with a 2048-byte SPIFFE ID has under 6 kB.
const MAX_CSR: usize = 65_536;

/// `extensionRequest` (RFC 2985 §5.4.2).
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
/// The same by its older, Microsoft name, which some tools still write.
const MS_EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.14");
const RSASSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

/// A parsed request whose signature nobody has verified yet; [`prove`](Self::prove) it.
#[derive(Clone, Debug)]
pub struct Csr {
    der: Box<[u8]>,
    /// Where the signed CertificationRequestInfo lies in `der`.
    signed: core::ops::Range<usize>,
    signature: Box<[u8]>,
    algorithm: SignatureAlgorithm,
    public_key: PublicKey,
    asked: Asked,
}

/// What the request asks for besides its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) uris: Vec<String>,
    pub(crate) other_names: usize,
    pub(crate) ca: bool,
}

/// A public key whose private half the asker holds. Only a verified proof makes one.
#[derive(Clone)]
pub struct ProvenRequest {
    pub(crate) public_key: PublicKey,
    pub(crate) asked: Asked,
}

impl Csr {
    /// Reads a request in DER; nothing may follow it.
    ///
    /// # Errors
    /// What is malformed, or a key or signature algorithm that cannot be used.
    pub fn from_der(der: &[u8]) -> Result<Self, CsrError> {
        if der.len() > MAX_CSR {
            return Err(CsrError::TooLong(der.len()));
        }
        let at = CsrError::malformed;
        let mut outer = SliceReader::new(der).map_err(at("CertificationRequest"))?;
        let content = read_sequence(&mut outer).map_err(at("CertificationRequest"))?;
        if !outer.is_finished() {
            return Err(CsrError::TrailingBytes(usize::try_from(outer.remaining_len()).unwrap_or(usize::MAX)));
        }
        let mut fields = SliceReader::new(content).map_err(at("CertificationRequest"))?;
        let info = fields.tlv_bytes().map_err(at("certificationRequestInfo"))?;
        let identifier = fields.tlv_bytes().map_err(at("signatureAlgorithm"))?;
        let signature = BitStringRef::decode(&mut fields).map_err(at("signature"))?;
        fields.finish().map_err(at("CertificationRequest"))?;
        let signature = signature.as_bytes().ok_or_else(|| at("signature")(Tag::BitString.value_error().into()))?;

        let (public_key, asked) = read_info(info)?;
        let algorithm = read_algorithm(identifier, &public_key)?;
        let from = der.len().saturating_sub(content.len());
        let signed = from..from.saturating_add(info.len());
        Ok(Self { signed, signature: signature.into(), algorithm, public_key, asked, der: der.into() })
    }

    /// Reads a request in PEM (`CERTIFICATE REQUEST`, or the older `NEW CERTIFICATE REQUEST`), or in DER.
    ///
    /// # Errors
    /// As [`from_der`](Self::from_der), and what is wrong with the PEM.
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, CsrError> {
        // A DER request is a SEQUENCE. No text starts with that byte and then a length of 128 or more.
        if matches!(bytes, [0x30, length, ..] if *length >= 0x80) {
            return Self::from_der(bytes);
        }
        let blocks = crate::pem::parse(bytes)?;
        match blocks.as_slice() {
            [one] if one.label == "CERTIFICATE REQUEST" || one.label == "NEW CERTIFICATE REQUEST" => Self::from_der(&one.der),
            [one] => Err(CsrError::NotARequest { found: one.label.clone(), line: one.line }),
            several => Err(CsrError::NotARequest {
                found: format!("series of {} blocks", several.len()),
                line: several.first().map_or(0, |block| block.line),
            }),
        }
    }

    /// The request, byte for byte.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The request in PEM.
    pub fn to_pem(&self) -> String {
        crate::pem::encode("CERTIFICATE REQUEST", &self.der)
    }

    /// The key it is about.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// How it is signed.
    pub fn signature_algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The URIs it asks for, as they stand.
    pub fn uris(&self) -> &[String] {
        &self.asked.uris
    }

    /// Whether it asks to become a CA.
    pub fn asks_for_ca(&self) -> bool {
        self.asked.ca
    }

    /// Verifies the signature with the request's own key: proof of possession.
    ///
    /// # Errors
    /// [`CsrError::NoProof`], or [`KeyError::PointNotOnCurve`] when that is the reason.
    pub fn prove(self, crypto: &Crypto) -> Result<ProvenRequest, CsrError> {
        let message = self.der.get(self.signed.clone()).unwrap_or_default();
        if crypto.verify(&self.public_key, self.algorithm, message, &self.signature).is_err() {
            // Only a failure pays for the arithmetic that tells a bad key from a bad signature.
            crypto.check_public_key(&self.public_key)?;
            return Err(CsrError::NoProof);
        }
        Ok(ProvenRequest { public_key: self.public_key, asked: self.asked })
    }
}

impl ProvenRequest {
    /// The proven key of a signer that is at hand: it signs a fixed text, and the signature is verified.
    ///
    /// # Errors
    /// [`KeyError::SignerFailed`], or [`KeyError::InconsistentKeyPair`] when it signs with another key than it says.
    pub fn from_signer(signer: &dyn Signer, crypto: &Crypto) -> Result<Self, KeyError> {
        // No DER starts like this, so the signature can never be used as one on a certificate or request.
        const MESSAGE: &[u8] = b"meshroot: proof of possession of a signing key";
        let signature = signer.sign(MESSAGE)?;
        let public_key = signer.public_key().clone();
        crypto.verify(&public_key, signer.algorithm(), MESSAGE, &signature).map_err(|_| KeyError::InconsistentKeyPair)?;
        Ok(Self { public_key, asked: Asked::default() })
    }

    /// The proven key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }
}

impl fmt::Debug for ProvenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvenRequest").field("public_key", &self.public_key).field("asked", &self.asked).finish()
    }
}

fn read_algorithm(identifier: &[u8], key: &PublicKey) -> Result<SignatureAlgorithm, CsrError> {
    let Some(algorithm) = signature_algorithm(identifier) else {
        let named = AlgorithmIdentifierRef::from_der(identifier).map_err(CsrError::malformed("signatureAlgorithm"))?;
        return Err(CsrError::SignatureAlgorithm(match named.oid {
            RSASSA_PSS => "RSA-PSS".to_owned(),
            oid => format!("the algorithm {oid}"),
        }));
    };
    if !algorithm.fits(key.algorithm()) {
        return Err(CsrError::SignatureDoesNotFitKey { signature: algorithm.to_string(), key: key.algorithm().to_string() });
    }
    Ok(algorithm)
}

/// CertificationRequestInfo (RFC 2986 §4.1).
fn read_info(info: &[u8]) -> Result<(PublicKey, Asked), CsrError> {
    let at = CsrError::malformed;
    let mut outer = SliceReader::new(info).map_err(at("certificationRequestInfo"))?;
    let content = read_sequence(&mut outer).map_err(at("certificationRequestInfo"))?;
    let mut r = SliceReader::new(content).map_err(at("certificationRequestInfo"))?;
    let version = u8::decode(&mut r).map_err(at("version"))?;
    if version != 0 {
        return Err(CsrError::Version(version));
    }
    // The subject is not used, so its contents are not judged: istio-agent sends an organization of zero length.
    read_sequence(&mut r).map_err(at("subject"))?;
    let spki = r.tlv_bytes().map_err(at("subjectPublicKeyInfo"))?;
    let public_key = PublicKey::from_spki_der(spki)?;
    // RFC 2986 demands the attributes even when there are none; some tools leave them out.
    let asked = if r.is_finished() { Asked::default() } else { read_attributes(&mut r)? };
    r.finish().map_err(at("certificationRequestInfo"))?;
    Ok((public_key, asked))
}

fn read_attributes(r: &mut SliceReader<'_>) -> Result<Asked, CsrError> {
    let at = CsrError::malformed;
    let tag = Tag::ContextSpecific { number: TagNumber(0), constructed: true };
    let content = read_value(r, tag).map_err(at("attributes"))?;
    let mut attributes = SliceReader::new(content).map_err(at("attributes"))?;
    let mut asked = None;
    while !attributes.is_finished() {
        let attribute = read_sequence(&mut attributes).map_err(at("attributes"))?;
        let mut fields = SliceReader::new(attribute).map_err(at("attributes"))?;
        let oid = ObjectIdentifier::decode(&mut fields).map_err(at("attributes"))?;
        let values = read_value(&mut fields, Tag::Set).map_err(at("attributes"))?;
        fields.finish().map_err(at("attributes"))?;
        if oid != EXTENSION_REQUEST && oid != MS_EXTENSION_REQUEST {
            continue;
        }
        let mut values = SliceReader::new(values).map_err(at("extensionRequest"))?;
        let list = read_sequence(&mut values).map_err(at("extensionRequest"))?;
        values.finish().map_err(at("extensionRequest"))?;
        let extensions = if list.is_empty() { Vec::new() } else { read_extension_list(list).map_err(at("extensionRequest"))? };
        // Two lists could name two identities, and two readers could choose differently.
        if asked.replace(read_extensions(&extensions)?).is_some() {
            return Err(CsrError::Ambiguous("extensionRequest stands there twice"));
        }
    }
    Ok(asked.unwrap_or_default())
}

fn read_extensions(extensions: &[ExtensionRef<'_>]) -> Result<Asked, CsrError> {
    let at = CsrError::malformed;
    let mut asked = Asked::default();
    for (index, extension) in extensions.iter().enumerate() {
        if extensions.iter().take(index).any(|earlier| earlier.oid == extension.oid) {
            return Err(CsrError::Ambiguous("an extension is requested twice"));
        }
        match extension.oid {
            ext::SUBJECT_ALT_NAME => {
                let names = AltNames::decode(extension.value).map_err(at("subjectAltName"))?;
                asked.uris = names.uris.iter().map(|uri| (*uri).to_owned()).collect();
                let counts = [names.dns.len(), names.ips.len(), names.emails.len(), names.directory_names.len(), names.others];
                asked.other_names = counts.iter().fold(0, |sum, count| sum.saturating_add(*count));
            }
            ext::BASIC_CONSTRAINTS => asked.ca = BasicConstraints::decode(extension.value).map_err(at("basicConstraints"))?.ca,
            _ => {}
        }
    }
    Ok(asked)
}
