//! Reading private keys in the formats that people have.

use der::asn1::AnyRef;
use der::{Decode, Tag};

use super::canonical::{self, Canonical, malformed};
use super::{KeyError, encrypted};
use crate::pem::{self, PemError};

/// Bytes of the longest private key that is read: RSA of 8192 bits takes under 5000.
const MAX_KEY_BYTES: usize = 64 << 10;

/// How a private key is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// `PRIVATE KEY` (RFC 5958).
    Pkcs8,
    /// `ENCRYPTED PRIVATE KEY` (RFC 5958 §3).
    Encrypted,
    /// `EC PRIVATE KEY` (RFC 5915 §4).
    Sec1,
    /// `RSA PRIVATE KEY` (RFC 8017 A.1.2).
    Pkcs1,
}

impl Format {
    fn of_label(label: &str) -> Option<Self> {
        match label {
            "PRIVATE KEY" => Some(Self::Pkcs8),
            "ENCRYPTED PRIVATE KEY" => Some(Self::Encrypted),
            "EC PRIVATE KEY" => Some(Self::Sec1),
            "RSA PRIVATE KEY" => Some(Self::Pkcs1),
            _ => None,
        }
    }

    /// Tells the formats apart by their first two fields.
    fn of_der(der: &[u8]) -> Result<Self, KeyError> {
        let mut fields = canonical::fields(der)?;
        let first = AnyRef::decode(&mut fields).map_err(malformed)?.header().tag();
        let second = AnyRef::decode(&mut fields).map_err(malformed)?.header().tag();
        match (first, second) {
            (Tag::Integer, Tag::Sequence) => Ok(Self::Pkcs8),
            (Tag::Sequence, Tag::OctetString) => Ok(Self::Encrypted),
            (Tag::Integer, Tag::OctetString) => Ok(Self::Sec1),
            (Tag::Integer, Tag::Integer) => Ok(Self::Pkcs1),
            (Tag::Sequence, Tag::BitString) => Err(KeyError::MalformedPrivateKey("it is a public key".into())),
            (Tag::Sequence, Tag::Sequence) => Err(KeyError::MalformedPrivateKey("it looks like a certificate or a CSR".into())),
            _ => Err(KeyError::MalformedPrivateKey("it is in no format that we read: PKCS#8, SEC1 or PKCS#1".into())),
        }
    }
}

/// Reads the one private key of a PEM text.
pub(super) fn read_pem(text: &[u8], password: Option<&[u8]>) -> Result<Canonical, KeyError> {
    let blocks = pem::parse(text).map_err(|e| match e {
        PemError::Encrypted { .. } => KeyError::UnsupportedEncryption("OpenSSL's old format (Proc-Type: 4,ENCRYPTED)".into()),
        e => KeyError::Pem(Box::new(e)),
    })?;
    let mut found = None;
    for block in &blocks {
        // `openssl ecparam -genkey` writes the curve in a block of its own; the key names it again.
        if block.label == "EC PARAMETERS" {
            continue;
        }
        let format = Format::of_label(&block.label).ok_or_else(|| KeyError::NotAPrivateKey {
            line: block.line,
            label: block.label.clone(),
            advice: advice(&block.label),
        })?;
        if found.replace((format, block)).is_some() {
            return Err(KeyError::SeveralPrivateKeys { line: block.line });
        }
    }
    let (format, block) = found.ok_or(KeyError::NoPrivateKey)?;
    check_length(&block.der)?;
    if let Ok(actual) = Format::of_der(&block.der)
        && actual != format
    {
        return Err(KeyError::MalformedPrivateKey(format!(
            "line {}: the block is labelled {} and holds another format: rewrite it with `openssl pkey`",
            block.line, block.label
        )));
    }
    read(format, &block.der, password)
}

/// Reads a private key in DER.
pub(super) fn read_der(der: &[u8], password: Option<&[u8]>) -> Result<Canonical, KeyError> {
    check_length(der)?;
    read(Format::of_der(der)?, der, password)
}

fn check_length(der: &[u8]) -> Result<(), KeyError> {
    if der.len() > MAX_KEY_BYTES {
        return Err(KeyError::MalformedPrivateKey(format!("it has {} bytes: more than {MAX_KEY_BYTES} are not read", der.len())));
    }
    Ok(())
}

fn read(format: Format, der: &[u8], password: Option<&[u8]>) -> Result<Canonical, KeyError> {
    match format {
        Format::Pkcs8 => canonical::read_pkcs8(der)?.canonical(),
        Format::Sec1 => canonical::read_sec1(der)?.canonical(),
        Format::Pkcs1 => canonical::read_rsa(der)?.canonical(),
        Format::Encrypted => {
            let plain = encrypted::decrypt(der, password)?;
            canonical::read_pkcs8(&plain)?.canonical()
        }
    }
}

fn advice(label: &str) -> &'static str {
    match label {
        "OPENSSH PRIVATE KEY" => "rewrite it with `ssh-keygen -p -m PKCS8 -f FILE`",
        "CERTIFICATE" | "TRUSTED CERTIFICATE" | "CERTIFICATE REQUEST" => "put the private key in a file of its own",
        "PUBLIC KEY" | "RSA PUBLIC KEY" => "the private key is needed",
        _ => "a PRIVATE KEY, ENCRYPTED PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY is needed",
    }
}
