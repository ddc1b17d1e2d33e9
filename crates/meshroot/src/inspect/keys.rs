//! Keys and algorithms in words, those we refuse too.

use der::Decode;
use der::asn1::{AnyRef, ObjectIdentifier};
use x509_cert::spki::AlgorithmIdentifierRef;

use super::context::Context;
use super::error::Broken;
use super::item::{Item, Kind};
use super::words;
use crate::key::{KeyError, PublicKey};
use crate::lint::Severity;
use crate::x509::encode::{OCTET_STRING, SEQUENCE, explicit};
use crate::x509::reader::DerReader;
use crate::x509::signature_algorithm;

/// `ECDSA P-256`, `RSA-1024`, `ECDSA P-521`: the kind of a SubjectPublicKeyInfo's key, as far as it says one.
pub(super) fn spki_in_words(spki: &[u8]) -> String {
    match PublicKey::from_spki_der(spki) {
        Ok(key) => key.algorithm().to_string(),
        Err(KeyError::RsaSize { bits }) => format!("RSA-{bits}"),
        Err(_) => first_identifier(spki).map_or_else(|| "unreadable".into(), |algorithm| algorithm_in_words(&algorithm)),
    }
}

/// The AlgorithmIdentifier that a SEQUENCE begins with.
fn first_identifier(der: &[u8]) -> Option<AlgorithmIdentifierRef<'_>> {
    let mut fields = DerReader::new(der).required(SEQUENCE).ok()?.inside();
    AlgorithmIdentifierRef::from_der(fields.required(SEQUENCE).ok()?.whole).ok()
}

/// The kind of a private key that we refuse: in PKCS#8 the algorithm stands behind the version, in SEC1 the curve behind
/// the key.
pub(super) fn private_in_words(der: &[u8]) -> Option<String> {
    let mut fields = DerReader::new(der).required(SEQUENCE).ok()?.inside();
    fields.element().ok()?;
    if let Some(algorithm) = fields.optional(SEQUENCE).ok()? {
        return AlgorithmIdentifierRef::from_der(algorithm.whole).ok().map(|algorithm| algorithm_in_words(&algorithm));
    }
    fields.required(OCTET_STRING).ok()?;
    let parameters = fields.required(explicit(0)).ok()?;
    ObjectIdentifier::from_der(parameters.content).ok().map(|curve| format!("ECDSA {}", curve_in_words(curve)))
}

/// The kind of key that an AlgorithmIdentifier means (RFC 3279, RFC 5480, RFC 8410, RFC 9881).
fn algorithm_in_words(algorithm: &AlgorithmIdentifierRef<'_>) -> String {
    let number = algorithm.oid.to_string();
    if number == "1.2.840.10045.2.1" {
        return match algorithm.parameters.map(|curve: AnyRef<'_>| curve.decode_as::<ObjectIdentifier>()) {
            Some(Ok(curve)) => format!("ECDSA {}", curve_in_words(curve)),
            _ => "ECDSA with a curve of its own (explicit parameters)".into(),
        };
    }
    known(&number).map_or_else(|| format!("unknown ({number})"), str::to_owned)
}

/// The name of an elliptic curve.
pub(super) fn curve_in_words(curve: ObjectIdentifier) -> String {
    let number = curve.to_string();
    known(&number).map_or_else(|| format!("on the curve {number}"), str::to_owned)
}

/// The names of algorithms and curves that people meet and we may refuse.
fn known(number: &str) -> Option<&'static str> {
    Some(match number {
        "1.2.840.113549.1.1.1" => "RSA",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.3.101.110" => "X25519",
        "1.3.101.111" => "X448",
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        "1.2.840.10040.4.1" => "DSA",
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
        "1.2.840.10045.3.1.7" => "P-256",
        "1.3.132.0.33" => "P-224",
        "1.3.132.0.34" => "P-384",
        "1.3.132.0.35" => "P-521",
        "1.3.132.0.10" => "secp256k1",
        "1.3.36.3.3.2.8.1.1.7" => "brainpoolP256r1",
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" => "sha1WithRSAEncryption",
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.2.840.10040.4.3" => "dsa-with-SHA1",
        "2.16.840.1.101.3.4.3.2" => "dsa-with-SHA256",
        _ => return None,
    })
}

/// A message in which object identifiers with a name get it.
pub(super) fn named(message: &str) -> String {
    let word = |word: &str| {
        let number = word.trim_matches([',', ':', ';', '(', ')']);
        known(number).map_or_else(|| word.to_owned(), |name| word.replace(number, &format!("{name} ({number})")))
    };
    message.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A signature algorithm, by its AlgorithmIdentifier in DER.
pub(super) fn signature_in_words(identifier: &[u8]) -> String {
    if let Some(known) = signature_algorithm(identifier) {
        return known.to_string();
    }
    let Ok(algorithm) = AlgorithmIdentifierRef::from_der(identifier) else { return "unreadable".into() };
    let number = algorithm.oid.to_string();
    match number.as_str() {
        "1.2.840.113549.1.1.10" => "RSASSA-PSS".into(),
        "1.2.840.113549.1.1.11" | "1.2.840.113549.1.1.12" | "1.2.840.113549.1.1.13" => "RSA PKCS#1 v1.5 with unusual parameters".into(),
        "1.2.840.10045.4.3.2" | "1.2.840.10045.4.3.3" => "ECDSA with unusual parameters".into(),
        other => known(other).map_or_else(|| format!("unknown ({number})"), str::to_owned),
    }
}

/// The field by which equal keys are recognised, whatever file they are in.
pub(super) const KEY_HASH: &str = "public key SHA-256";

pub(super) fn key_fields(item: &mut Item, spki: &[u8], context: &Context<'_>) {
    item.field("key", spki_in_words(spki));
    item.field(KEY_HASH, words::hex(&context.crypto.sha256(spki)));
}

/// A SubjectPublicKeyInfo alone.
pub(super) fn public_key(der: &[u8], place: &str, context: &Context<'_>) -> Result<Item, Broken> {
    let read = PublicKey::from_spki_der(der);
    if let Err(KeyError::MalformedPublicKey(reason)) = &read {
        return Err(Broken {
            what: "a public key",
            place: place.into(),
            code: "key.malformed_public_key",
            reason: reason.clone(),
            source: "RFC 5280 §4.1.2.7",
        });
    }
    let mut item = Item::new(Kind::PublicKey, place, format!("public key, {}", spki_in_words(der)));
    key_fields(&mut item, der, context);
    match read {
        Err(e) => item.problem(Severity::Error, e.code(), "subjectPublicKeyInfo", named(&e.to_string()), "RFC 5280 §4.1.2.7"),
        Ok(key) => not_on_curve(&mut item, &key, context),
    }
    Ok(item)
}

pub(super) fn not_on_curve(item: &mut Item, key: &PublicKey, context: &Context<'_>) {
    if !context.is_on_curve(key) {
        let e = KeyError::PointNotOnCurve(key.algorithm());
        item.problem(Severity::Error, e.code(), "subjectPublicKeyInfo", e.to_string(), "SEC 1 §3.2.2.1");
    }
}
