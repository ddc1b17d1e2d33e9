//! Private keys: their kind, their protection and their public half, and nothing else of them.

use der::asn1::ObjectIdentifier;
use der::{Decode, Reader, SliceReader};
use x509_cert::spki::AlgorithmIdentifierRef;

use super::context::Context;
use super::error::Broken;
use super::item::{Item, Kind};
use super::keys::{key_fields, named, private_in_words};
use crate::key::{KeyError, PrivateKey, PublicKey};
use crate::lint::Severity;
use crate::x509::encode::SEQUENCE;
use crate::x509::reader::DerReader;

const SOURCE: &str = "RFC 5958 §2";

/// A private key, and its public half where that can be had without a password.
pub(super) fn describe(der: &[u8], place: &str, context: &Context<'_>) -> Result<(Item, Option<PublicKey>), Broken> {
    if !context.spend() {
        let mut item = Item::new(Kind::PrivateKey, place, "private key");
        item.problem(
            Severity::Notice,
            "inspect.not_checked",
            "privateKey",
            "it was not looked into: the file has too many keys and signatures",
            SOURCE,
        );
        return Ok((item, None));
    }
    match PrivateKey::from_der(der, None, context.crypto) {
        Ok(key) => {
            let public = key.public_key().clone();
            let mut item = Item::new(Kind::PrivateKey, place, format!("private key, {}", public.algorithm()));
            key_fields(&mut item, public.spki_der(), context);
            item.field("encryption", "none: whoever can read it has the key");
            Ok((item, Some(public)))
        }
        Err(KeyError::PasswordNeeded) => {
            let mut item = encrypted(place);
            item.field("encryption", encryption(der).unwrap_or_else(|| "PBES2".into()));
            Ok((item, None))
        }
        Err(e @ (KeyError::UnsupportedEncryption(_) | KeyError::TooExpensive(_))) => {
            let mut item = encrypted(place);
            item.problem(Severity::Error, e.code(), "encryptionAlgorithm", e.to_string(), "RFC 5958 §3");
            Ok((item, None))
        }
        Err(KeyError::MalformedPrivateKey(reason)) => {
            Err(Broken { what: "a private key", place: place.into(), code: "key.malformed_private_key", reason, source: SOURCE })
        }
        Err(e) => {
            let kind = match &e {
                KeyError::RsaSize { bits } => Some(format!("RSA-{bits}")),
                KeyError::PublicKeyMissing(algorithm) | KeyError::CannotSign { algorithm, .. } => Some(algorithm.to_string()),
                _ => private_in_words(der),
            };
            let title = kind.map_or_else(|| "private key".into(), |kind| format!("private key, {kind}"));
            let mut item = Item::new(Kind::PrivateKey, place, title);
            item.problem(Severity::Error, e.code(), "privateKey", named(&e.to_string()), SOURCE);
            Ok((item, None))
        }
    }
}

/// A key encrypted in OpenSSL's old way, whose PEM has headers.
pub(super) fn old_encryption(line: usize, label: &str) -> Item {
    let mut item = encrypted(&format!("line {line}"));
    item.field("format", format!("{label} with the header Proc-Type: 4,ENCRYPTED"));
    let e = KeyError::UnsupportedEncryption("OpenSSL's old format, whose key derivation is one round of MD5".into());
    item.problem(Severity::Error, e.code(), "Proc-Type", e.to_string(), "RFC 7468 §2");
    item
}

fn encrypted(place: &str) -> Item {
    Item::new(Kind::PrivateKey, place, "encrypted private key; what kind of key it is shows only with its password")
}

/// The encryption of an EncryptedPrivateKeyInfo with PBES2 (RFC 8018 §6.2), in words.
fn encryption(der: &[u8]) -> Option<String> {
    let mut fields = DerReader::new(der).required(SEQUENCE).ok()?.inside();
    let scheme = AlgorithmIdentifierRef::from_der(fields.required(SEQUENCE).ok()?.whole).ok()?;
    let mut parameters = SliceReader::new(scheme.parameters?.value()).ok()?;
    let derivation = AlgorithmIdentifierRef::decode(&mut parameters).ok()?;
    let cipher = AlgorithmIdentifierRef::decode(&mut parameters).ok()?;
    Some(format!("PBES2 with {} and {}", derivation_in_words(&derivation), name(cipher.oid)))
}

fn derivation_in_words(derivation: &AlgorithmIdentifierRef<'_>) -> String {
    // Behind the salt, PBKDF2 has its iterations, scrypt N, r and p.
    let numbers = || -> Option<Vec<u64>> {
        let mut fields = SliceReader::new(derivation.parameters?.value()).ok()?;
        fields.tlv_bytes().ok()?;
        let mut numbers = Vec::new();
        while !fields.is_finished() && numbers.len() < 3 {
            let Ok(number) = u64::decode(&mut fields) else { break };
            numbers.push(number);
        }
        Some(numbers)
    };
    match (name(derivation.oid).as_str(), numbers().unwrap_or_default().as_slice()) {
        ("scrypt", [n, r, p]) => format!("scrypt (N={n}, r={r}, p={p})"),
        ("PBKDF2", [iterations, ..]) => format!("PBKDF2 ({iterations} iterations)"),
        (other, _) => other.to_owned(),
    }
}

fn name(oid: ObjectIdentifier) -> String {
    let number = oid.to_string();
    match number.as_str() {
        "1.2.840.113549.1.5.12" => "PBKDF2".into(),
        "1.3.6.1.4.1.11591.4.11" => "scrypt".into(),
        "2.16.840.1.101.3.4.1.2" => "AES-128-CBC".into(),
        "2.16.840.1.101.3.4.1.22" => "AES-192-CBC".into(),
        "2.16.840.1.101.3.4.1.42" => "AES-256-CBC".into(),
        _ => number,
    }
}
