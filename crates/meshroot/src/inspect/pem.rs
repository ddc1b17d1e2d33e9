//! PEM texts: each block by its label, the certificates as a chain, the key against the certificate.

use super::certificate;
use super::chain::{self, Member};
use super::context::Context;
use super::error::{Broken, Reason};
use super::item::{Item, Kind};
use super::keys;
use super::sniff::{DerKind, der_kind};
use super::words::clean;
use super::{crl, private, request};
use crate::key::PublicKey;
use crate::lint::Severity;
use crate::pem::{Block, PemError, parse};
use crate::x509::wire::CertRef;

/// A private key of the text: which item it became, and its public half.
struct Key {
    item: usize,
    public: PublicKey,
}

pub(super) fn items(text: &[u8], context: &Context<'_>) -> Result<Vec<Item>, Reason> {
    let blocks = match parse(text) {
        Ok(blocks) => blocks,
        Err(PemError::Encrypted { line, label }) => return Ok(vec![private::old_encryption(line, &clean(&label, 64))]),
        Err(e) => return Err(Reason::Pem(e)),
    };
    if blocks.is_empty() {
        return Err(Reason::Unknown("text that mentions PEM, without a block that begins at a line's start".into()));
    }
    let mut items = Vec::new();
    let mut members: Vec<Member<'_>> = Vec::new();
    let mut first_key: Option<Key> = None;
    let mut broken: Vec<(usize, Broken)> = Vec::new();
    for block in &blocks {
        let place = format!("line {}", block.line);
        match one(block, &place, context) {
            Ok((item, public)) => {
                if let (Kind::Certificate, Ok(parsed)) = (item.kind, CertRef::parse(&block.der)) {
                    members.push(Member { place, der: &block.der, parsed });
                }
                if let (None, Some(public)) = (&first_key, public) {
                    first_key = Some(Key { item: items.len(), public });
                }
                items.push(item);
            }
            Err(reason) => broken.push((items.len(), reason)),
        }
    }
    // EC PARAMETERS before a broken key say nothing by themselves.
    if items.iter().all(|item| item.kind == Kind::Other) && !broken.is_empty() {
        return Err(Reason::Broken(broken.swap_remove(0).1));
    }
    if let (Some(key), Some(first)) = (first_key, members.first()) {
        match_key(&mut items, &key, first, &members);
    }
    for (at, reason) in broken.into_iter().rev() {
        items.insert(at.min(items.len()), as_item(reason));
    }
    if let Some(chain) = chain::describe(&members, context) {
        items.insert(0, chain);
    }
    Ok(items)
}

/// A broken part among good ones.
pub(super) fn as_item(broken: Broken) -> Item {
    let mut item = Item::new(Kind::Broken, broken.place, format!("broken: it should be {}", broken.what));
    item.problem(Severity::Error, broken.code, "PEM block", broken.reason, broken.source);
    item
}

fn one(block: &Block, place: &str, context: &Context<'_>) -> Result<(Item, Option<PublicKey>), Broken> {
    let expected = match block.label.as_str() {
        "CERTIFICATE" | "X509 CERTIFICATE" => DerKind::Certificate,
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => DerKind::Request,
        "X509 CRL" => DerKind::Crl,
        "PUBLIC KEY" => DerKind::PublicKey,
        "PRIVATE KEY" | "EC PRIVATE KEY" | "RSA PRIVATE KEY" => DerKind::PrivateKey,
        "ENCRYPTED PRIVATE KEY" => DerKind::EncryptedKey,
        _ => return Ok((other(block, place), None)),
    };
    let found = der_kind(&block.der);
    if found != expected && found != DerKind::Unknown {
        let reason = format!("the block is labelled {} and holds {}", clean(&block.label, 64), found.in_words());
        return Err(Broken { what: expected.in_words(), place: place.into(), code: "inspect.label", reason, source: "RFC 7468 §2" });
    }
    let der = &block.der;
    let item = match expected {
        DerKind::Certificate => certificate::describe(der, place, context),
        DerKind::Request => request::describe(der, place, context),
        DerKind::Crl => crl::describe(der, place, context),
        DerKind::PublicKey => keys::public_key(der, place, context),
        _ => return private::describe(der, place, context),
    }?;
    Ok((item, None))
}

/// A block that is known by its label, or not at all.
fn other(block: &Block, place: &str) -> Item {
    const SOURCE: &str = "RFC 7468 §4";
    let label = clean(&block.label, 64);
    let mut item = Item::new(Kind::Other, place, format!("PEM block {label}, {} bytes", block.der.len()));
    let mut says = |severity, message: &str| item.problem(severity, "inspect.pem_label", "PEM block", message, SOURCE);
    match block.label.as_str() {
        "EC PARAMETERS" => {
            use der::Decode;
            let curve = der::asn1::ObjectIdentifier::from_der(&block.der);
            item.title = format!("name of an elliptic curve: {}", curve.map_or_else(|_| "explicit parameters".into(), keys::curve_in_words));
        }
        "OPENSSH PRIVATE KEY" => {
            says(Severity::Error, "an OpenSSH private key, which TLS programs do not read: rewrite it with `ssh-keygen -p -m PKCS8 -f FILE`")
        }
        "TRUSTED CERTIFICATE" => {
            says(Severity::Error, "OpenSSL's own form of a certificate, which others do not read: rewrite it with `openssl x509`")
        }
        "RSA PUBLIC KEY" => {
            says(Severity::Warning, "a bare RSA public key, which few programs read: rewrite it with `openssl rsa -RSAPublicKey_in -pubout`")
        }
        "DSA PRIVATE KEY" => says(Severity::Error, "a DSA private key, which TLS does not use any more"),
        "PKCS7" | "CMS" => says(Severity::Error, "PKCS#7, which proxies do not read: take the certificates out with `openssl pkcs7 -print_certs`"),
        _ => says(Severity::Notice, "nothing is known about it"),
    }
    item
}

/// Servers put the private key of the first certificate into the same file.
fn match_key(items: &mut [Item], key: &Key, first: &Member<'_>, members: &[Member<'_>]) {
    let Some(item) = items.get_mut(key.item) else { return };
    let is_of = |member: &Member<'_>| {
        PublicKey::from_spki_der(member.parsed.tbs.spki)
            .is_ok_and(|certified| certified.algorithm() == key.public.algorithm() && certified.key_bytes() == key.public.key_bytes())
    };
    if is_of(first) {
        item.field("belongs to", format!("the first certificate ({})", first.place));
        return;
    }
    let message = match members.iter().find(|member| is_of(member)) {
        Some(other) => {
            format!("it belongs to the certificate at {}, not to the first one: programs want the key's own certificate first", other.place)
        }
        None => "it belongs to none of the certificates in this file".into(),
    };
    item.problem(Severity::Error, "inspect.key_mismatch", "privateKey", message, "RFC 8446 §4.4.2");
}
