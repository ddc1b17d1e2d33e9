//! One certificate, those with a key that we refuse too.

use core::net::IpAddr;

use super::context::Context;
use super::error::Broken;
use super::item::{Item, Kind};
use super::{constraints, keys, words};
use crate::key::PublicKey;
use crate::lint::{self, Severity};
use crate::spiffe::SpiffeIdRef;
use crate::x509::wire::{CertRef, TbsRef};
use crate::x509::{
    AltNames, BasicConstraints, CertificateError, DistinguishedName, ExtendedKeyUsage, KeyUsage, SerialNumber, extension as ext, signature_algorithm,
};

/// Characters of a name that are shown; a SPIFFE ID has at most 2048.
const SHOWN: usize = 2100;

pub(super) fn describe(der: &[u8], place: &str, context: &Context<'_>) -> Result<Item, Broken> {
    let read = || -> Result<_, CertificateError> { Ok((CertRef::parse(der)?, lint::check_certificate(der)?)) };
    let (certificate, findings) = read().map_err(|e| broken(&e, place))?;
    let tbs = &certificate.tbs;
    let names = tbs.extension(ext::SUBJECT_ALT_NAME).and_then(|e| AltNames::decode(e.value).ok()).unwrap_or_default();
    let mut item = Item::new(Kind::Certificate, place, title(tbs, &names));

    item.field("subject", name(tbs.subject));
    item.field("issuer", name(tbs.issuer));
    item.field("serial", SerialNumber::from_bytes(tbs.serial).to_string());
    item.field("valid from", tbs.validity.not_before.to_string());
    item.field("valid until", format!("{} ({})", tbs.validity.not_after, words::at(tbs.validity, context.now)));
    keys::key_fields(&mut item, tbs.spki, context);
    item.field("signature", keys::signature_in_words(certificate.signature_algorithm));
    name_fields(&mut item, &names);
    extension_fields(&mut item, tbs);
    item.field("SHA-256", words::hex(&context.crypto.sha256(der)));

    item.problems = findings;
    for problem in item.problems.iter_mut().filter(|problem| problem.code == "lint.public_key") {
        problem.message = keys::named(&problem.message);
    }
    time_problems(&mut item, tbs, context);
    // Of a key that is refused the linter has told.
    if let Ok(key) = PublicKey::from_spki_der(tbs.spki) {
        keys::not_on_curve(&mut item, &key, context);
        self_signature(&mut item, &certificate, &key, context);
    }
    item.problems.sort_by_key(|problem| core::cmp::Reverse(problem.severity));
    Ok(item)
}

fn broken(e: &CertificateError, place: &str) -> Broken {
    Broken { what: "a certificate", place: place.into(), code: e.code(), reason: e.to_string(), source: "RFC 5280 §4.1" }
}

/// A Name in one line.
pub(super) fn name(der: &[u8]) -> String {
    words::clean(&DistinguishedName::from_der_unchecked(der).to_string(), 300)
}

/// Whether it names itself as its issuer. Two empty names are nobody's.
pub(super) fn self_issued(tbs: &TbsRef<'_>) -> bool {
    tbs.self_issued() && tbs.subject != DistinguishedName::empty().as_der()
}

/// Whether it says CA:TRUE.
pub(super) fn is_ca(tbs: &TbsRef<'_>) -> bool {
    constraints_of(tbs).is_some_and(|constraints| constraints.ca)
}

pub(super) fn constraints_of(tbs: &TbsRef<'_>) -> Option<BasicConstraints> {
    tbs.extension(ext::BASIC_CONSTRAINTS).and_then(|e| BasicConstraints::decode(e.value).ok())
}

fn title(tbs: &TbsRef<'_>, names: &AltNames<'_>) -> String {
    let id = match names.uris.as_slice() {
        [one] => SpiffeIdRef::parse(one).ok(),
        _ => None,
    };
    if is_ca(tbs) {
        let what = match (self_issued(tbs), constraints_of(tbs).and_then(|constraints| constraints.path_len)) {
            (true, _) => "root CA certificate",
            (false, Some(0)) => "CA certificate that signs leaves only (pathLen 0)",
            (false, _) => "CA certificate below a root",
        };
        return match id {
            Some(id) => format!("{what} of the trust domain {}", id.trust_domain()),
            None => format!("{what}: {}", name(tbs.subject)),
        };
    }
    match (id, names.dns.first()) {
        (Some(id), _) if !id.path().is_empty() => format!("X.509-SVID of {}", words::clean(&id.to_string(), SHOWN)),
        (_, Some(dns)) => format!("server certificate for {}", words::clean(dns, 260)),
        _ => format!("certificate of {}", name(tbs.subject)),
    }
}

pub(super) fn name_fields(item: &mut Item, names: &AltNames<'_>) {
    let texts = |list: &[&str]| words::list(list.iter().map(|name| words::clean(name, SHOWN)));
    match names.uris.as_slice() {
        [] => {}
        [one] if SpiffeIdRef::parse(one).is_ok() => item.field("SPIFFE ID", words::clean(one, SHOWN)),
        several => item.field("URIs", texts(several)),
    }
    if !names.dns.is_empty() {
        item.field("DNS names", texts(&names.dns));
    }
    if !names.ips.is_empty() {
        item.field("IP addresses", words::list(names.ips.iter().map(|ip| address(ip))));
    }
    if !names.emails.is_empty() {
        item.field("e-mail addresses", texts(&names.emails));
    }
    let others = names.directory_names.len().saturating_add(names.others);
    if others > 0 {
        item.field("names of other kinds", others.to_string());
    }
}

fn address(octets: &[u8]) -> String {
    let v4: Result<[u8; 4], _> = octets.try_into();
    let v6: Result<[u8; 16], _> = octets.try_into();
    match (v4, v6) {
        (Ok(v4), _) => IpAddr::from(v4).to_string(),
        (_, Ok(v6)) => IpAddr::from(v6).to_string(),
        _ => format!("{} (neither IPv4 nor IPv6)", words::clean(&words::hex(octets), 64)),
    }
}

fn extension_fields(item: &mut Item, tbs: &TbsRef<'_>) {
    let ca = match constraints_of(tbs) {
        Some(BasicConstraints { ca: true, path_len: None }) => "yes, with any number of CAs below".into(),
        Some(BasicConstraints { ca: true, path_len: Some(0) }) => "yes, with no CA below (pathLen 0)".into(),
        Some(BasicConstraints { ca: true, path_len: Some(n) }) => {
            format!("yes, with at most {} below (pathLen {n})", words::count(usize::from(n), "CA"))
        }
        Some(BasicConstraints { ca: false, .. }) => "no".into(),
        None if tbs.extension(ext::BASIC_CONSTRAINTS).is_some() => "unreadable".into(),
        None => "not said, so no".to_owned(),
    };
    item.field("CA", ca);
    if let Some(e) = tbs.extension(ext::KEY_USAGE) {
        let usage = KeyUsage::decode(e.value).map_or_else(|_| "unreadable".into(), |usage| usage.to_string());
        item.field("key usage", if usage.is_empty() { "none".into() } else { usage });
    }
    if let Some(e) = tbs.extension(ext::EXTENDED_KEY_USAGE) {
        item.field("extended key usage", ExtendedKeyUsage::decode(e.value).map_or_else(|_| "unreadable".into(), purposes));
    }
    if let Some(e) = tbs.extension(ext::SUBJECT_KEY_IDENTIFIER) {
        item.field("subject key id", ext::subject_key_identifier(e.value).map_or_else(|_| "unreadable".into(), key_id));
    }
    if let Some(e) = tbs.extension(ext::AUTHORITY_KEY_IDENTIFIER) {
        let id = ext::authority_key_identifier(e.value);
        item.field("authority key id", id.map_or_else(|_| "unreadable".into(), |id| id.map_or_else(|| "none".into(), key_id)));
    }
    if let Some(e) = tbs.extension(ext::NAME_CONSTRAINTS) {
        item.field("name constraints", constraints::in_words(e.value));
    }
    let known = |oid| {
        [
            ext::BASIC_CONSTRAINTS,
            ext::KEY_USAGE,
            ext::EXTENDED_KEY_USAGE,
            ext::SUBJECT_ALT_NAME,
            ext::SUBJECT_KEY_IDENTIFIER,
            ext::AUTHORITY_KEY_IDENTIFIER,
            ext::NAME_CONSTRAINTS,
        ]
        .contains(&oid)
    };
    let others: Vec<String> = tbs
        .extensions
        .iter()
        .filter(|e| !known(e.oid))
        .map(|e| if e.critical { format!("{} (critical)", e.oid) } else { e.oid.to_string() })
        .collect();
    if !others.is_empty() {
        item.field("other extensions", words::list(others.into_iter()));
    }
}

fn key_id(id: &[u8]) -> String {
    // 20 octets as a rule; a hostile one may have thousands.
    words::clean(&words::hex(id.get(..64).unwrap_or(id)), 128)
}

fn purposes(usage: ExtendedKeyUsage) -> String {
    let named = [(usage.server_auth, "serverAuth"), (usage.client_auth, "clientAuth"), (usage.any, "anyExtendedKeyUsage")];
    let mut names: Vec<String> = named.iter().filter(|(there, _)| *there).map(|(_, name)| (*name).to_owned()).collect();
    if usage.others > 0 {
        names.push(words::count(usage.others, "other purpose"));
    }
    names.join(", ")
}

fn time_problems(item: &mut Item, tbs: &TbsRef<'_>, context: &Context<'_>) {
    const SOURCE: &str = "RFC 5280 §6.1.3 (a)(2)";
    let words = words::at(tbs.validity, context.now);
    if context.now > tbs.validity.not_after {
        item.problem(Severity::Error, "inspect.expired", "validity", format!("it {words}"), SOURCE);
    } else if context.now < tbs.validity.not_before {
        item.problem(Severity::Error, "inspect.not_yet_valid", "validity", format!("it is {words}: compare the clocks"), SOURCE);
    }
}

/// A certificate that names itself as its issuer should have signed itself, unless it says that another key did.
fn self_signature(item: &mut Item, certificate: &CertRef<'_>, key: &PublicKey, context: &Context<'_>) {
    let tbs = &certificate.tbs;
    if !self_issued(tbs) {
        return;
    }
    let Some(algorithm) = signature_algorithm(certificate.signature_algorithm) else { return };
    match context.verifies(key, algorithm, tbs.raw, certificate.signature) {
        Some(true) => {}
        None => item.problem(
            Severity::Notice,
            "inspect.not_checked",
            "signatureValue",
            "it was not verified: the file has too many keys and signatures",
            "RFC 5280 §6.1.3",
        ),
        Some(false) if names_another_key(tbs) => {
            let message = "it is signed by another key of the same name (a cross-signed root, or a rotated one)";
            item.problem(Severity::Notice, "inspect.self_issued", "issuer", message, "RFC 5280 §3.2");
        }
        Some(false) => {
            let message = "it says it signed itself, and its own key did not make the signature: it was changed, or another CA has the same name";
            item.problem(Severity::Error, "inspect.self_signature", "signatureValue", message, "RFC 5280 §6.1.3 (a)(1)");
        }
    }
}

fn names_another_key(tbs: &TbsRef<'_>) -> bool {
    let subject = tbs.extension(ext::SUBJECT_KEY_IDENTIFIER).and_then(|e| ext::subject_key_identifier(e.value).ok());
    let authority = tbs.extension(ext::AUTHORITY_KEY_IDENTIFIER).and_then(|e| ext::authority_key_identifier(e.value).ok().flatten());
    subject.zip(authority).is_some_and(|(subject, authority)| subject != authority)
}
