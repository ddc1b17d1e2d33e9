//! The rules, field by field in the order of RFC 5280 §4.

use der::asn1::ObjectIdentifier;

use super::Finding;
use super::finding::Severity::{Error, Notice, Warning};
use crate::key::{KeyAlgorithm, KeyError, PublicKey};
use crate::profile::ProfileKind;
use crate::spiffe::SpiffeIdRef;
use crate::x509::reader::DerReader;
use crate::x509::wire::TbsRef;
use crate::x509::{AltNames, BasicConstraints, ExtendedKeyUsage, KeyUsage, encode, extension as ext, signature_algorithm};

const EMPTY_NAME: [u8; 2] = [0x30, 0x00];

/// What a certificate says it is: a root when it is a self-issued CA, a server's when hosts are all that it names.
pub(super) fn apparent_kind(tbs: &TbsRef<'_>) -> ProfileKind {
    let constraints = tbs.extension(ext::BASIC_CONSTRAINTS).and_then(|e| BasicConstraints::decode(e.value).ok());
    let hosts_only = || names(tbs).is_ok_and(|names| names.uris.is_empty() && !(names.dns.is_empty() && names.ips.is_empty()));
    match (constraints.is_some_and(|constraints| constraints.ca), tbs.self_issued()) {
        (true, true) => ProfileKind::RootCa,
        (true, false) => ProfileKind::SubordinateCa,
        (false, _) if hosts_only() => ProfileKind::Server,
        (false, _) => ProfileKind::Workload,
    }
}

/// What holds for every certificate of the Internet's profile.
pub(super) fn general(tbs: &TbsRef<'_>, out: &mut Vec<Finding>) {
    let mut say = |severity, code, field, message: &str, source| out.push(Finding::new(severity, code, field, message, source));
    if tbs.version != 2 {
        say(Error, "lint.version", "version", "it is not 3", "RFC 5280 §4.1.2.1");
    }
    match tbs.serial {
        [first, ..] if first & 0x80 != 0 => say(Error, "lint.serial_negative", "serialNumber", "it is negative", "RFC 5280 §4.1.2.2"),
        [0] | [] => say(Error, "lint.serial_zero", "serialNumber", "it is zero", "RFC 5280 §4.1.2.2"),
        long if long.len() > 20 => say(Error, "lint.serial_long", "serialNumber", "it is longer than 20 octets", "RFC 5280 §4.1.2.2"),
        short if short.len() < 8 => {
            say(Notice, "lint.serial_short", "serialNumber", "it has less than 64 bits, so it may be guessed", "CA/B Forum BR §7.1")
        }
        _ => {}
    }
    if signature_algorithm(tbs.signature_algorithm).is_none() {
        say(Error, "lint.signature_algorithm", "signature", "the algorithm is unknown, weak (SHA-1, MD5) or misspelled", "RFC 5280 §4.1.1.2");
    }
    if tbs.issuer == EMPTY_NAME {
        say(Error, "lint.issuer_empty", "issuer", "it is empty", "RFC 5280 §4.1.2.4");
    }
    if tbs.validity.not_before > tbs.validity.not_after {
        say(Error, "lint.validity_reversed", "validity", "notAfter lies before notBefore", "RFC 5280 §4.1.2.5");
    }
    if !times_are_encoded_by_year(tbs) {
        say(Error, "lint.validity_encoding", "validity", "years through 2049 must be UTCTime, later ones GeneralizedTime", "RFC 5280 §4.1.2.5");
    }
    if let Err(e) = PublicKey::algorithm_of(tbs.spki) {
        let severity = if matches!(e, KeyError::UnsupportedAlgorithm(_)) { Warning } else { Error };
        say(severity, "lint.public_key", "subjectPublicKeyInfo", &e.to_string(), "RFC 5280 §4.1.2.7");
    }
    if tbs.has_unique_ids {
        say(Error, "lint.unique_ids", "issuerUniqueID", "unique identifiers must not be made", "RFC 5280 §4.1.2.8");
    }
    if let Some(twice) = duplicate(tbs) {
        say(Error, "lint.extension_twice", "extensions", &format!("{twice} stands there twice"), "RFC 5280 §4.2");
    }
    for extension in &tbs.extensions {
        if extension.critical && !ext::UNDERSTOOD.contains(&extension.oid) {
            say(
                Error,
                "lint.unknown_critical",
                "extensions",
                &format!("{} is critical, and peers of a mesh do not know it", extension.oid),
                "RFC 5280 §4.2",
            );
        }
    }
    match names(tbs) {
        Ok(names) => super::names::syntax(&names, out),
        Err(_) => say(Error, "lint.san_malformed", "subjectAltName", "it cannot be read", "RFC 5280 §4.2.1.6"),
    }
    let mut say = |severity, code, field, message: &str, source| out.push(Finding::new(severity, code, field, message, source));
    if tbs.subject == EMPTY_NAME && tbs.extension(ext::SUBJECT_ALT_NAME).is_none_or(|san| !san.critical) {
        say(Error, "lint.san_not_critical", "subjectAltName", "it must be critical where the subject is empty", "RFC 5280 §4.2.1.6");
    }
}

/// UTCTime through 2049, GeneralizedTime from 2050 on (and before 1950, which no UTCTime can say).
fn times_are_encoded_by_year(tbs: &TbsRef<'_>) -> bool {
    const YEARS_1950_TO_2049: core::ops::Range<i64> = -631_152_000..2_524_608_000;
    let right = |tag: Option<u8>, t: crate::time::Timestamp| {
        tag == Some(if YEARS_1950_TO_2049.contains(&t.unix()) { encode::UTC_TIME } else { encode::GENERALIZED_TIME })
    };
    let Ok(period) = DerReader::new(tbs.validity_der).element() else { return false };
    let mut times = period.inside();
    let first = times.peek();
    times.element().is_ok() && right(first, tbs.validity.not_before) && right(times.peek(), tbs.validity.not_after)
}

/// What a certificate of this kind must look like. `ours`: we are about to sign it, so recommendations bind too.
pub(super) fn profile(tbs: &TbsRef<'_>, kind: ProfileKind, ours: bool, out: &mut Vec<Finding>) {
    let advice = if ours { Error } else { Warning };
    key_identifiers(tbs, kind, advice, out);
    basic_constraints(tbs, kind, ours, out);
    key_usage(tbs, kind, advice, out);
    extended_key_usage(tbs, kind, advice, out);
    match kind {
        ProfileKind::RootCa | ProfileKind::ClusterCa | ProfileKind::SubordinateCa => ca_names(tbs, advice, out),
        ProfileKind::Workload => workload_names(tbs, out),
        ProfileKind::Server => server_names(tbs, out),
    }
    if let Some(constraints) = tbs.extension(ext::NAME_CONSTRAINTS) {
        if !kind.is_ca() {
            out.push(Finding::error("lint.name_constraints_on_leaf", "nameConstraints", "only a CA may have them", "RFC 5280 §4.2.1.10"));
        }
        if !constraints.critical {
            out.push(Finding::error("lint.name_constraints_not_critical", "nameConstraints", "they must be critical", "RFC 5280 §4.2.1.10"));
        }
    }
}

fn key_identifiers(tbs: &TbsRef<'_>, kind: ProfileKind, advice: super::Severity, out: &mut Vec<Finding>) {
    match tbs.extension(ext::SUBJECT_KEY_IDENTIFIER) {
        None if kind.is_ca() => out.push(Finding::error("lint.ski_missing", "subjectKeyIdentifier", "a CA must have one", "RFC 5280 §4.2.1.2")),
        None => out.push(Finding::new(advice, "lint.ski_missing", "subjectKeyIdentifier", "it is missing", "RFC 5280 §4.2.1.2")),
        Some(e) if e.critical => {
            out.push(Finding::error("lint.ski_critical", "subjectKeyIdentifier", "it must not be critical", "RFC 5280 §4.2.1.2"))
        }
        Some(e) if !ext::subject_key_identifier(e.value).is_ok_and(|id| !id.is_empty()) => {
            out.push(Finding::error("lint.ski_malformed", "subjectKeyIdentifier", "it cannot be read", "RFC 5280 §4.2.1.2"));
        }
        Some(_) => {}
    }
    match tbs.extension(ext::AUTHORITY_KEY_IDENTIFIER) {
        // Only a self-signed certificate may leave it out.
        None if tbs.self_issued() => {}
        None => out.push(Finding::error("lint.aki_missing", "authorityKeyIdentifier", "it is missing", "RFC 5280 §4.2.1.1")),
        Some(e) if e.critical => {
            out.push(Finding::error("lint.aki_critical", "authorityKeyIdentifier", "it must not be critical", "RFC 5280 §4.2.1.1"))
        }
        Some(e) => {
            if !ext::authority_key_identifier(e.value).is_ok_and(|id| id.is_some_and(|id| !id.is_empty())) {
                out.push(Finding::new(advice, "lint.aki_no_key", "authorityKeyIdentifier", "it names no key", "RFC 5280 §4.2.1.1"));
            }
        }
    }
}

fn basic_constraints(tbs: &TbsRef<'_>, kind: ProfileKind, ours: bool, out: &mut Vec<Finding>) {
    const FIELD: &str = "basicConstraints";
    const SOURCE: &str = "RFC 5280 §4.2.1.9";
    let Some(extension) = tbs.extension(ext::BASIC_CONSTRAINTS) else {
        let severity = if ours || kind.is_ca() { Error } else { Notice };
        out.push(Finding::new(
            severity,
            "lint.basic_constraints_missing",
            FIELD,
            "it is missing; some SPIFFE libraries refuse a leaf without it",
            SOURCE,
        ));
        return;
    };
    let Ok(constraints) = BasicConstraints::decode(extension.value) else {
        out.push(Finding::error("lint.basic_constraints_malformed", FIELD, "it cannot be read", SOURCE));
        return;
    };
    if constraints.ca != kind.is_ca() {
        let message = if kind.is_ca() { "it says CA:FALSE" } else { "it says CA:TRUE: this would be a CA" };
        out.push(Finding::error("lint.basic_constraints_ca", FIELD, message, "SPIFFE X509-SVID §4.1"));
    }
    if !extension.critical && (ours || kind.is_ca()) {
        out.push(Finding::error("lint.basic_constraints_not_critical", FIELD, "it must be critical", SOURCE));
    }
    let wanted = match kind {
        ProfileKind::ClusterCa => Some(0),
        ProfileKind::SubordinateCa => Some(1),
        _ => None,
    };
    if ours && constraints.path_len != wanted {
        out.push(Finding::error("lint.path_len", FIELD, format!("pathLen is {:?}, the profile wants {wanted:?}", constraints.path_len), SOURCE));
    }
}

fn key_usage(tbs: &TbsRef<'_>, kind: ProfileKind, advice: super::Severity, out: &mut Vec<Finding>) {
    const FIELD: &str = "keyUsage";
    const SOURCE: &str = "SPIFFE X509-SVID §4.3";
    let Some(extension) = tbs.extension(ext::KEY_USAGE) else {
        out.push(Finding::error("lint.key_usage_missing", FIELD, "it is missing", SOURCE));
        return;
    };
    let Ok(usage) = KeyUsage::decode(extension.value) else {
        out.push(Finding::error("lint.key_usage_malformed", FIELD, "it cannot be read", "RFC 5280 §4.2.1.3"));
        return;
    };
    if !extension.critical {
        out.push(Finding::error("lint.key_usage_not_critical", FIELD, "it must be critical", SOURCE));
    }
    if usage.is_empty() {
        out.push(Finding::error("lint.key_usage_empty", FIELD, "no bit is set", "RFC 5280 §4.2.1.3"));
    }
    if kind.is_ca() {
        if !usage.contains(KeyUsage::KEY_CERT_SIGN) {
            out.push(Finding::error("lint.key_cert_sign_missing", FIELD, "a CA needs keyCertSign", SOURCE));
        }
        if !usage.contains(KeyUsage::CRL_SIGN) {
            let message = "without cRLSign no CRL of this CA is accepted, and Istio's CRL support cannot be used";
            out.push(Finding::new(advice, "lint.crl_sign_missing", FIELD, message, "RFC 5280 §4.2.1.3"));
        }
        if usage != KeyUsage::KEY_CERT_SIGN.with(KeyUsage::CRL_SIGN) && usage != KeyUsage::KEY_CERT_SIGN {
            let severity = if advice == Error { Error } else { Notice };
            out.push(Finding::new(
                severity,
                "lint.ca_key_usage",
                FIELD,
                format!("a CA should have keyCertSign and cRLSign alone, not {usage}"),
                "SPIFFE X509-SVID App. A",
            ));
        }
        return;
    }
    if !usage.contains(KeyUsage::DIGITAL_SIGNATURE) {
        out.push(Finding::error("lint.digital_signature_missing", FIELD, "a leaf needs digitalSignature", SOURCE));
    }
    for (bit, name) in [(KeyUsage::KEY_CERT_SIGN, "keyCertSign"), (KeyUsage::CRL_SIGN, "cRLSign")] {
        if usage.contains(bit) {
            out.push(Finding::error("lint.leaf_signs", FIELD, format!("a leaf must not have {name}"), SOURCE));
        }
    }
    let rsa = || PublicKey::algorithm_of(tbs.spki).is_ok_and(|algorithm| matches!(algorithm, KeyAlgorithm::Rsa(_)));
    if usage.contains(KeyUsage::KEY_ENCIPHERMENT) && !rsa() {
        out.push(Finding::new(
            if advice == Error { Error } else { Notice },
            "lint.key_encipherment",
            FIELD,
            "keyEncipherment means nothing for a key that is not RSA",
            "RFC 8813 §3",
        ));
    }
}

fn extended_key_usage(tbs: &TbsRef<'_>, kind: ProfileKind, advice: super::Severity, out: &mut Vec<Finding>) {
    const FIELD: &str = "extKeyUsage";
    let Some(extension) = tbs.extension(ext::EXTENDED_KEY_USAGE) else {
        if !kind.is_ca() {
            out.push(Finding::new(advice, "lint.eku_missing", FIELD, "a leaf should have serverAuth and clientAuth", "SPIFFE X509-SVID §4.4"));
        }
        return;
    };
    match ExtendedKeyUsage::decode(extension.value) {
        Err(_) => out.push(Finding::error("lint.eku_malformed", FIELD, "it cannot be read", "RFC 5280 §4.2.1.12")),
        Ok(_) if kind.is_ca() => {
            out.push(Finding::new(
                advice,
                "lint.eku_on_ca",
                FIELD,
                "on a CA, some verifiers take it as a limit for everything below",
                "SPIFFE X509-SVID §4.4",
            ));
        }
        Ok(usage) if !(usage.server_auth && usage.client_auth) => {
            // A server of others that is no SVID is held to it as far as it wants to be a peer of a mesh.
            let severity = if kind == ProfileKind::Server { advice } else { Error };
            out.push(Finding::new(severity, "lint.eku_incomplete", FIELD, "it must have both serverAuth and clientAuth", "SPIFFE X509-SVID §4.4"));
        }
        Ok(_) => {}
    }
}

/// An extension that is there twice. Ours have eight; a hostile certificate has thousands.
fn duplicate(tbs: &TbsRef<'_>) -> Option<ObjectIdentifier> {
    let oids = tbs.extensions.iter().map(|extension| extension.oid);
    if tbs.extensions.len() <= 16 {
        return oids.enumerate().find(|(index, oid)| tbs.extensions.iter().take(*index).any(|earlier| earlier.oid == *oid)).map(|(_, oid)| oid);
    }
    let mut seen = std::collections::HashSet::new();
    oids.into_iter().find(|oid| !seen.insert(*oid))
}

pub(super) fn names<'a>(tbs: &TbsRef<'a>) -> der::Result<AltNames<'a>> {
    tbs.extension(ext::SUBJECT_ALT_NAME).map_or_else(|| Ok(AltNames::default()), |e| AltNames::decode(e.value))
}

fn ca_names(tbs: &TbsRef<'_>, advice: super::Severity, out: &mut Vec<Finding>) {
    if tbs.subject == EMPTY_NAME {
        out.push(Finding::error("lint.ca_subject_empty", "subject", "a CA must have a subject", "RFC 5280 §4.1.2.6"));
    }
    let Ok(names) = names(tbs) else { return };
    if names.uris.is_empty() {
        out.push(Finding::new(
            advice,
            "lint.ca_without_id",
            "subjectAltName",
            "a signing certificate should carry its trust domain's SPIFFE ID",
            "SPIFFE X509-SVID §3.2",
        ));
    }
    if names.uris.len() > 1 {
        out.push(Finding::error("lint.several_uris", "subjectAltName", format!("it has {} URIs", names.uris.len()), "SPIFFE X509-SVID §2"));
    }
    for uri in &names.uris {
        match SpiffeIdRef::parse(uri) {
            Ok(id) if !id.path().is_empty() => {
                out.push(Finding::error(
                    "lint.ca_id_with_path",
                    "subjectAltName",
                    "a signing certificate's SPIFFE ID must not have a path",
                    "SPIFFE X509-SVID §3.2",
                ));
            }
            Ok(id) => readable_by_go(id, advice, out),
            Err(e) => out.push(Finding::new(advice, "lint.ca_uri", "subjectAltName", format!("its URI is no SPIFFE ID: {e}"), "SPIFFE-ID §2")),
        }
    }
}

fn workload_names(tbs: &TbsRef<'_>, out: &mut Vec<Finding>) {
    let Ok(names) = names(tbs) else { return };
    let uri = match names.uris.as_slice() {
        [one] => one,
        [] => return out.push(Finding::error("lint.no_uri", "subjectAltName", "it has no URI, so no SPIFFE ID", "SPIFFE X509-SVID §2")),
        several => {
            let message = format!("it has {} URIs: Envoy believes the first, others refuse it", several.len());
            return out.push(Finding::error("lint.several_uris", "subjectAltName", message, "SPIFFE X509-SVID §2"));
        }
    };
    workload_id(uri, out);
}

fn workload_id(uri: &str, out: &mut Vec<Finding>) {
    match SpiffeIdRef::parse(uri) {
        Err(e) => out.push(Finding::error("lint.not_a_spiffe_id", "subjectAltName", format!("its URI is no SPIFFE ID: {e}"), "SPIFFE-ID §2")),
        Ok(id) if id.path().is_empty() => {
            out.push(Finding::error("lint.id_without_path", "subjectAltName", "the SPIFFE ID of a leaf must have a path", "SPIFFE X509-SVID §3.1"));
        }
        Ok(id) => readable_by_go(id, Warning, out),
    }
}

fn server_names(tbs: &TbsRef<'_>, out: &mut Vec<Finding>) {
    let Ok(names) = names(tbs) else { return };
    if names.dns.is_empty() && names.ips.is_empty() {
        out.push(Finding::error("lint.server_without_name", "subjectAltName", "a server needs a DNS name or an IP address", "RFC 9525 §6.3"));
    }
    if names.uris.len() > 1 {
        out.push(Finding::error("lint.several_uris", "subjectAltName", format!("it has {} URIs", names.uris.len()), "SPIFFE X509-SVID §2"));
    }
    names.uris.iter().for_each(|uri| workload_id(uri, out));
}

fn readable_by_go(id: SpiffeIdRef<'_>, severity: super::Severity, out: &mut Vec<Finding>) {
    if !id.trust_domain().is_readable_by_go() {
        let message = "its trust domain has an empty label: Go programs (istiod, SPIRE) cannot read such a certificate";
        out.push(Finding::new(severity.min(Warning), "lint.trust_domain_go", "subjectAltName", message, "observed: Go crypto/x509"));
    }
}
