use core::fmt;

use der::Decode;
use der::asn1::ObjectIdentifier;
use x509_cert::spki::AlgorithmIdentifierRef;

use super::CsrError;
use crate::key::{Crypto, KeyError, PublicKey, SignatureAlgorithm, Signer};
use crate::x509::encode::{BIT_STRING, INTEGER, OID, SEQUENCE, SET, explicit};
use crate::x509::reader::{DerReader, Element};
use crate::x509::wire::{ExtensionRef, read_extension_list};
use crate::x509::{AltNames, BasicConstraints, extension as ext, signature_algorithm};

/// An RSA-8192 request with a 2048-byte SPIFFE ID has under 6 kB.
const MAX_CSR: usize = 65_536;

/// `extensionRequest` (RFC 2985 §5.4.2), and the same by its older, Microsoft name, which some tools still write.
pub(crate) const EXTENSION_REQUESTS: [ObjectIdentifier; 2] =
    [ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14"), ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.1.14")];
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
        let mut outer = DerReader::new(der);
        let whole = outer.required(SEQUENCE).map_err(at("CertificationRequest"))?;
        if !outer.is_finished() {
            return Err(CsrError::TrailingBytes(outer.left()));
        }
        let mut fields = whole.inside();
        let info = fields.required(SEQUENCE).map_err(at("certificationRequestInfo"))?;
        let identifier = fields.required(SEQUENCE).map_err(at("signatureAlgorithm"))?.whole;
        let signature = fields.required(BIT_STRING).and_then(|bits| bits.whole_bytes()).map_err(at("signature"))?;
        fields.finish().map_err(at("CertificationRequest"))?;

        let (public_key, asked) = read_info(info)?;
        let algorithm = read_algorithm(identifier, &public_key)?;
        let from = der.len().saturating_sub(whole.content.len());
        let signed = from..from.saturating_add(info.whole.len());
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
fn read_info(info: Element<'_>) -> Result<(PublicKey, Asked), CsrError> {
    let at = CsrError::malformed;
    let mut r = info.inside();
    match r.required(INTEGER).and_then(|e| e.integer()).map_err(at("version"))? {
        [0] => {}
        other => return Err(CsrError::Version(other.last().copied().unwrap_or_default())),
    }
    // The subject is not used, so its contents are not judged: istio-agent sends an organization of zero length.
    r.required(SEQUENCE).map_err(at("subject"))?;
    let spki = r.required(SEQUENCE).map_err(at("subjectPublicKeyInfo"))?.whole;
    let public_key = PublicKey::from_spki_der(spki)?;
    // RFC 2986 demands the attributes even when there are none; some tools leave them out.
    let asked = match r.optional(explicit(0)).map_err(at("attributes"))? {
        Some(attributes) => read_attributes(attributes)?,
        None => Asked::default(),
    };
    r.finish().map_err(at("certificationRequestInfo"))?;
    Ok((public_key, asked))
}

fn read_attributes(set: Element<'_>) -> Result<Asked, CsrError> {
    let at = CsrError::malformed;
    let mut attributes = set.inside();
    let mut asked = None;
    while !attributes.is_finished() {
        let mut fields = attributes.required(SEQUENCE).map_err(at("attributes"))?.inside();
        let oid = fields.required(OID).and_then(|e| e.object_identifier()).map_err(at("attributes"))?;
        let values = fields.required(SET).map_err(at("attributes"))?;
        fields.finish().map_err(at("attributes"))?;
        if !EXTENSION_REQUESTS.contains(&oid) {
            continue;
        }
        let mut values = values.inside();
        let list = values.required(SEQUENCE).map_err(at("extensionRequest"))?;
        values.finish().map_err(at("extensionRequest"))?;
        let extensions = if list.content.is_empty() { Vec::new() } else { read_extension_list(list).map_err(at("extensionRequest"))? };
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
