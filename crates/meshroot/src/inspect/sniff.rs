//! What bytes look like, by a glance at their beginning and their outermost structure.

use super::words::clean;
use crate::x509::encode::{BIT_STRING, GENERALIZED_TIME, INTEGER, OCTET_STRING, SEQUENCE, UTC_TIME, explicit};
use crate::x509::reader::DerReader;

/// What an input is, as a whole.
pub(super) enum Look {
    Pem,
    Json,
    Manifest,
    Unlock,
    Der(DerKind),
    /// Nothing that is read; what it looks like, in words.
    Other(String),
}

/// What a DER structure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DerKind {
    Certificate,
    Request,
    Crl,
    PublicKey,
    /// PKCS#8, SEC1 or PKCS#1.
    PrivateKey,
    EncryptedKey,
    Unknown,
}

impl DerKind {
    /// With an article.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Certificate => "a certificate",
            Self::Request => "a certificate signing request",
            Self::Crl => "a certificate revocation list",
            Self::PublicKey => "a public key",
            Self::PrivateKey => "a private key",
            Self::EncryptedKey => "an encrypted private key",
            Self::Unknown => "DER of an unknown kind",
        }
    }
}

pub(super) fn look(bytes: &[u8]) -> Look {
    let Some(text) = as_text(bytes) else { return binary(bytes) };
    let trimmed = text.trim_start();
    if trimmed.is_empty() {
        return Look::Other(if bytes.is_empty() { "it is empty".into() } else { "it holds nothing but blanks".into() });
    }
    if trimmed.starts_with("meshroot-unlock-") {
        return Look::Unlock;
    }
    if trimmed.starts_with(['{', '[']) {
        return Look::Json;
    }
    // A manifest may hold PEM, always indented; a PEM file with text around its blocks has them at the margin.
    let at_margin = |prefix: &str| trimmed.lines().any(|line| line.starts_with(prefix));
    let mentions_pem = text.contains("-----BEGIN") || text.contains("-----END");
    if (at_margin("apiVersion:") || at_margin("kind:")) && !at_margin("-----BEGIN ") {
        return Look::Manifest;
    }
    if mentions_pem {
        return Look::Pem;
    }
    Look::Other(unknown_text(trimmed))
}

fn unknown_text(text: &str) -> String {
    let first = text.lines().next().unwrap_or_default();
    if ["ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-"].iter().any(|prefix| first.starts_with(prefix)) {
        return "it is an SSH public key".into();
    }
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'\r' | b'\n' | b'-' | b'_')) && text.len() >= 40 {
        // It may be a key: nothing of it is shown.
        return "it is base64 without the -----BEGIN and -----END lines of PEM around it (of a Secret's `data`? decode it with `base64 -d`)".into();
    }
    if first.starts_with("spiffe://") {
        return format!("it is a SPIFFE ID as text ('{}')", clean(first, 80));
    }
    format!("text of an unknown kind ({})", super::words::count(text.lines().count(), "line"))
}

fn binary(bytes: &[u8]) -> Look {
    const SIGNATURES: [(&[u8], &str); 7] = [
        (b"SQLite format 3\0", "an SQLite database; if it is a store of meshroot, use `meshroot status --store FILE`"),
        (b"\x1f\x8b", "a gzip archive: unpack it first"),
        (b"PK\x03\x04", "a zip archive: unpack it first"),
        (b"\xfe\xed\xfe\xed", "a Java keystore: convert it with `keytool -importkeystore -deststoretype PKCS12`, then `openssl pkcs12`"),
        (b"\xff\xfe", "text in UTF-16: save it as UTF-8"),
        (b"\xfe\xff", "text in UTF-16: save it as UTF-8"),
        (b"\xef\xbb\xbf", "text with a byte order mark, and more that is no text"),
    ];
    if let Some((_, what)) = SIGNATURES.iter().find(|(signature, _)| bytes.starts_with(signature)) {
        return Look::Other(format!("it looks like {what}"));
    }
    if bytes.first() == Some(&0x30) {
        return match der_kind(bytes) {
            DerKind::Unknown if is_pkcs12(bytes) => Look::Other("it looks like PKCS#12: take it apart with `openssl pkcs12 -in FILE -nodes`".into()),
            DerKind::Unknown => Look::Other("DER of an unknown kind".into()),
            kind => Look::Der(kind),
        };
    }
    let text_until = core::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len);
    let control = bytes.iter().position(|byte| is_control(*byte)).unwrap_or(bytes.len());
    Look::Other(format!("binary data of an unknown kind (no text from offset {} on)", text_until.min(control)))
}

fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c)
}

/// The bytes as text: UTF-8 without control characters. DER never is, since its tags are.
fn as_text(bytes: &[u8]) -> Option<&str> {
    let text = core::str::from_utf8(bytes).ok()?;
    (!bytes.iter().any(|byte| is_control(*byte))).then_some(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// `[0]` is the version of a certificate (RFC 5280 §4.1) and the attributes of a request (RFC 2986 §4.1).
const VERSION: u8 = explicit(0);
const ATTRIBUTES: u8 = explicit(0);

/// Tells DER structures apart by the tags of their first fields; the content may still be broken.
pub(super) fn der_kind(der: &[u8]) -> DerKind {
    let outer = fields(der).map(|(tags, first)| (tags, first.and_then(fields).map(|(tags, _)| tags)));
    let Some((tags, inner)) = outer else { return DerKind::Unknown };
    match tags.as_slice() {
        [SEQUENCE, BIT_STRING] => DerKind::PublicKey,
        [SEQUENCE, OCTET_STRING] => DerKind::EncryptedKey,
        [INTEGER, SEQUENCE, OCTET_STRING, ..] | [INTEGER, OCTET_STRING, ..] | [INTEGER, INTEGER, INTEGER, ..] => DerKind::PrivateKey,
        // What is signed stands first.
        [SEQUENCE, SEQUENCE, ..] => match inner.as_deref().unwrap_or_default() {
            [SEQUENCE, SEQUENCE, UTC_TIME | GENERALIZED_TIME, ..] | [INTEGER, SEQUENCE, SEQUENCE, UTC_TIME | GENERALIZED_TIME, ..] => DerKind::Crl,
            [INTEGER, SEQUENCE, SEQUENCE] | [INTEGER, SEQUENCE, SEQUENCE, ATTRIBUTES, ..] => DerKind::Request,
            [VERSION | INTEGER, ..] => DerKind::Certificate,
            _ => DerKind::Unknown,
        },
        // Cut off in the middle: what is signed is there in part, or all there is.
        [SEQUENCE] | [] => cut_off(der),
        _ => DerKind::Unknown,
    }
}

/// The tags of the first fields of a SEQUENCE, as far as they are whole, and the first field itself.
fn fields(der: &[u8]) -> Option<(Vec<u8>, Option<&[u8]>)> {
    /// More than any of the forms needs to be told apart.
    const MOST: usize = 5;
    let content = content(der)?;
    let mut reader = DerReader::new(content);
    let mut tags = Vec::with_capacity(MOST);
    let mut first = None;
    while tags.len() < MOST && !reader.is_finished() {
        let Ok(element) = reader.element() else { break };
        first = first.or(Some(element.whole));
        tags.push(element.tag);
    }
    Some((tags, first))
}

/// What follows the header of a SEQUENCE, as much as there is.
fn content(der: &[u8]) -> Option<&[u8]> {
    match der {
        [0x30, short @ 0..=0x7f, rest @ ..] => Some(rest.get(..usize::from(*short)).unwrap_or(rest)),
        [0x30, 0x80, ..] => None,
        [0x30, long, rest @ ..] => {
            let (length, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            let length = length.iter().take(9).fold(0usize, |n, byte| n.saturating_mul(256).saturating_add(usize::from(*byte)));
            Some(rest.get(..length).unwrap_or(rest))
        }
        _ => None,
    }
}

/// The first field of a certificate or request is most of it, so a cut usually falls there.
fn cut_off(der: &[u8]) -> DerKind {
    let Some(inner) = content(der).and_then(content) else { return DerKind::Unknown };
    match inner {
        [0xa0, 0x03, 0x02, 0x01, _, ..] => DerKind::Certificate,
        [0x02, 0x01, 0x00, 0x30, ..] => DerKind::Request,
        _ => DerKind::Unknown,
    }
}

/// PFX (RFC 7292 §4): version 3, then a ContentInfo.
fn is_pkcs12(der: &[u8]) -> bool {
    content(der).is_some_and(|inner| inner.starts_with(&[0x02, 0x01, 0x03, 0x30]))
}
