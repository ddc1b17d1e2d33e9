//! What one certificate must be, whatever stands above and below it.

use crate::spiffe::SpiffeIdRef;
use crate::time::Timestamp;
use crate::x509::extension as ext;
use crate::x509::wire::TbsRef;
use crate::x509::{AltNames, BasicConstraints, DistinguishedName, ExtendedKeyUsage, KeyUsage, SerialNumber};

use super::names::NameConstraints;
use super::reason::{CertificateAt, Reason, Rejection};

/// The place of a certificate in a path, for messages.
pub(super) fn at(position: usize, tbs: &TbsRef<'_>) -> CertificateAt {
    CertificateAt { position, subject: DistinguishedName::from_der_unchecked(tbs.subject), serial: SerialNumber::from_bytes(tbs.serial) }
}

pub(super) fn reject(position: usize, tbs: &TbsRef<'_>, reason: Reason) -> Rejection {
    Rejection { certificate: Some(at(position, tbs)), reason }
}

/// What a CA certificate says about those below it.
pub(super) struct CaRules {
    pub(super) path_len: Option<u8>,
    pub(super) names: Option<NameConstraints>,
}

pub(super) fn in_time(tbs: &TbsRef<'_>, now: Timestamp) -> Result<(), Reason> {
    let validity = tbs.validity;
    if now > validity.not_after {
        return Err(Reason::Expired { not_after: validity.not_after, now });
    }
    if now < validity.not_before {
        return Err(Reason::NotYetValid { not_before: validity.not_before, now });
    }
    Ok(())
}

/// A certificate that signs others (RFC 5280 §6.1.4, SPIFFE X509-SVID §4). `anchor`: it is one of the bundle's own.
pub(super) fn check_ca(tbs: &TbsRef<'_>, anchor: bool) -> Result<CaRules, Reason> {
    check_any(tbs)?;
    if tbs.subject == DistinguishedName::empty().as_der() {
        return Err(Reason::CaWithoutSubject);
    }
    let constraints = tbs.extension(ext::BASIC_CONSTRAINTS).ok_or(Reason::NotACa)?;
    let constraints = BasicConstraints::decode(constraints.value).map_err(|_| Reason::MalformedExtension("basicConstraints"))?;
    if !constraints.ca {
        return Err(Reason::NotACa);
    }
    match key_usage(tbs)? {
        Some(usage) if !usage.contains(KeyUsage::KEY_CERT_SIGN) => return Err(Reason::KeyUsageLacks("keyCertSign")),
        // An anchor was chosen by an operator; RFC 5280 §6.1.1 (d) takes from it only a name and a key.
        None if !anchor => return Err(Reason::KeyUsageMissing),
        _ => {}
    }
    if let Some(names) = alt_names(tbs)? {
        for uri in &names.uris {
            if SpiffeIdRef::parse(uri).is_ok_and(|id| !id.path().is_empty()) {
                return Err(Reason::CaWithPath);
            }
        }
    }
    let names = match tbs.extension(ext::NAME_CONSTRAINTS) {
        Some(extension) => Some(NameConstraints::decode(extension.value)?),
        None => None,
    };
    Ok(CaRules { path_len: constraints.path_len, names })
}

/// The rules of an X.509-SVID for a workload; answers its SPIFFE ID.
pub(super) fn check_svid<'a>(tbs: &TbsRef<'a>) -> Result<SpiffeIdRef<'a>, Reason> {
    check_any(tbs)?;
    if tbs.version != 2 {
        return Err(Reason::Version);
    }
    if let Some(extension) = tbs.extension(ext::BASIC_CONSTRAINTS) {
        let constraints = BasicConstraints::decode(extension.value).map_err(|_| Reason::MalformedExtension("basicConstraints"))?;
        if constraints.ca {
            return Err(Reason::LeafIsCa);
        }
    }
    let usage = key_usage(tbs)?.ok_or(Reason::KeyUsageMissing)?;
    if tbs.extension(ext::KEY_USAGE).is_some_and(|e| !e.critical) {
        return Err(Reason::KeyUsageNotCritical);
    }
    for (bit, name) in [(KeyUsage::KEY_CERT_SIGN, "keyCertSign"), (KeyUsage::CRL_SIGN, "cRLSign")] {
        if usage.contains(bit) {
            return Err(Reason::KeyUsageForbids(name));
        }
    }
    if !usage.contains(KeyUsage::DIGITAL_SIGNATURE) {
        return Err(Reason::KeyUsageLacks("digitalSignature"));
    }
    if let Some(extension) = tbs.extension(ext::EXTENDED_KEY_USAGE) {
        let usage = ExtendedKeyUsage::decode(extension.value).map_err(|_| Reason::MalformedExtension("extKeyUsage"))?;
        for (present, needed) in [(usage.server_auth, "serverAuth"), (usage.client_auth, "clientAuth")] {
            if !present {
                return Err(Reason::ExtendedKeyUsage { needed });
            }
        }
    }
    let names = alt_names(tbs)?.ok_or(Reason::NoUri)?;
    let uri = match names.uris.as_slice() {
        [] => return Err(Reason::NoUri),
        [one] => one,
        several => return Err(Reason::SeveralUris(several.len())),
    };
    if tbs.subject == DistinguishedName::empty().as_der() && tbs.extension(ext::SUBJECT_ALT_NAME).is_some_and(|e| !e.critical) {
        return Err(Reason::SanNotCritical);
    }
    let id = SpiffeIdRef::parse(uri).map_err(Reason::NotASpiffeId)?;
    if id.path().is_empty() {
        return Err(Reason::NoPath);
    }
    Ok(id)
}

pub(super) fn alt_names<'a>(tbs: &TbsRef<'a>) -> Result<Option<AltNames<'a>>, Reason> {
    match tbs.extension(ext::SUBJECT_ALT_NAME) {
        Some(e) => AltNames::decode(e.value).map(Some).map_err(|_| Reason::MalformedExtension("subjectAltName")),
        None => Ok(None),
    }
}

fn key_usage(tbs: &TbsRef<'_>) -> Result<Option<KeyUsage>, Reason> {
    match tbs.extension(ext::KEY_USAGE) {
        Some(e) => KeyUsage::decode(e.value).map(Some).map_err(|_| Reason::MalformedExtension("keyUsage")),
        None => Ok(None),
    }
}

/// What holds for every certificate: serial, version, no extension twice, no unknown critical one.
fn check_any(tbs: &TbsRef<'_>) -> Result<(), Reason> {
    let negative_or_zero = tbs.serial.first().is_none_or(|first| first & 0x80 != 0) || tbs.serial == [0];
    // 20 octets, and one more for the sign when the first bit is set.
    if negative_or_zero || tbs.serial.len() > 21 || (tbs.serial.len() == 21 && tbs.serial.first() != Some(&0)) {
        return Err(Reason::SerialNumber);
    }
    if tbs.version != 2 && !tbs.extensions.is_empty() {
        return Err(Reason::Version);
    }
    for (index, extension) in tbs.extensions.iter().enumerate() {
        if tbs.extensions.iter().take(index).any(|earlier| earlier.oid == extension.oid) {
            return Err(Reason::DuplicateExtension(extension.oid.to_string()));
        }
        if extension.critical && !ext::UNDERSTOOD.contains(&extension.oid) {
            return Err(Reason::UnknownCriticalExtension(extension.oid.to_string()));
        }
    }
    Ok(())
}
