//! Rules for certificates that others made. What we sign cannot break them by construction, so the issuing path does
//! not pay for them.

use der::Decode;
use der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix;
use x509_cert::ext::pkix::name::GeneralName;

use super::finding::Severity::{Error, Notice, Warning};
use super::{Finding, distinguished, rules};
use crate::key::{KeyAlgorithm, PublicKey};
use crate::profile::ProfileKind;
use crate::time::Timestamp;
use crate::x509::wire::TbsRef;
use crate::x509::{BasicConstraints, ExtendedKeyUsage, extension as ext};

/// Seconds of the longest life of a public web server's certificate; a leaf of a mesh lives hours.
const LONG_LEAF: u64 = 398 * 86_400;

const POLICY_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.36");
const INHIBIT_ANY_POLICY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.54");
const AUTHORITY_INFO_ACCESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.1");

pub(super) fn others(tbs: &TbsRef<'_>, kind: ProfileKind, out: &mut Vec<Finding>) {
    distinguished::check("issuer", tbs.issuer, out);
    if tbs.subject != tbs.issuer {
        distinguished::check("subject", tbs.subject, out);
    }
    validity(tbs, kind, out);
    key(tbs, out);
    constraints(tbs, kind, out);
    criticality(tbs, out);
    key_identifiers(tbs, out);
    names(tbs, kind, out);
}

fn validity(tbs: &TbsRef<'_>, kind: ProfileKind, out: &mut Vec<Finding>) {
    let mut notice = |code, message: String, source| out.push(Finding::new(Notice, code, "validity", message, source));
    let validity = tbs.validity;
    if validity.not_after == Timestamp::MAX {
        notice("lint.no_expiration", "it never expires (99991231235959Z): it can only be taken out of every bundle".into(), "RFC 5280 §4.1.2.5");
    } else if !kind.is_ca() && validity.not_after.since(validity.not_before).as_secs() > LONG_LEAF {
        let days = validity.not_after.since(validity.not_before).as_secs() / 86_400;
        notice(
            "lint.long_leaf",
            format!("it lives {days} days, and who steals its key has as long: leaves of a mesh live hours"),
            "CA/B Forum BR §6.3.2",
        );
    }
}

fn key(tbs: &TbsRef<'_>, out: &mut Vec<Finding>) {
    if PublicKey::from_spki_der(tbs.spki).is_ok_and(|key| key.algorithm() == KeyAlgorithm::Ed25519) {
        let message = "Envoy (BoringSSL) refuses Ed25519 in TLS: use ECDSA P-256 where Envoy is a peer";
        out.push(Finding::new(Notice, "lint.ed25519", "subjectPublicKeyInfo", message, "observed: BoringSSL"));
    }
}

fn constraints(tbs: &TbsRef<'_>, kind: ProfileKind, out: &mut Vec<Finding>) {
    let basic = tbs.extension(ext::BASIC_CONSTRAINTS).and_then(|e| BasicConstraints::decode(e.value).ok());
    if basic.is_some_and(|basic| !basic.ca && basic.path_len.is_some()) {
        out.push(Finding::error("lint.path_len_on_leaf", "basicConstraints", "it has a pathLen and is no CA", "RFC 5280 §4.2.1.9"));
    }
    if tbs.extension(ext::EXTENDED_KEY_USAGE).is_some_and(|e| ExtendedKeyUsage::decode(e.value).is_ok_and(|usage| usage.any)) && !kind.is_ca() {
        let message = "anyExtendedKeyUsage stands for every purpose, and verifiers disagree about it";
        out.push(Finding::new(Warning, "lint.eku_any", "extKeyUsage", message, "RFC 5280 §4.2.1.12"));
    }
    let Some(extension) = tbs.extension(ext::NAME_CONSTRAINTS) else { return };
    const FIELD: &str = "nameConstraints";
    let Ok(decoded) = pkix::NameConstraints::from_der(extension.value) else {
        return out.push(Finding::error("lint.name_constraints_malformed", FIELD, "they cannot be read", "RFC 5280 §4.2.1.10"));
    };
    let subtrees = || decoded.permitted_subtrees.iter().chain(&decoded.excluded_subtrees).flatten();
    if subtrees().next().is_none() {
        out.push(Finding::error("lint.name_constraints_empty", FIELD, "they permit and exclude nothing", "RFC 5280 §4.2.1.10"));
    }
    if subtrees().any(|subtree| matches!(subtree.base, GeneralName::UniformResourceIdentifier(_))) {
        let message = "verifiers disagree about URI constraints: rustls (ztunnel) refuses every SPIFFE ID below such a CA, Go lets sub-domains pass";
        out.push(Finding::new(Warning, "lint.uri_constraints", FIELD, message, "observed: rustls-webpki, Go crypto/x509"));
    }
}

fn criticality(tbs: &TbsRef<'_>, out: &mut Vec<Finding>) {
    if tbs.subject != [0x30, 0x00] && tbs.extension(ext::SUBJECT_ALT_NAME).is_some_and(|san| san.critical) {
        out.push(Finding::new(
            Notice,
            "lint.san_critical",
            "subjectAltName",
            "it should not be critical where the subject is not empty",
            "RFC 5280 §4.2.1.6",
        ));
    }
    for (oid, field, source) in
        [(POLICY_CONSTRAINTS, "policyConstraints", "RFC 5280 §4.2.1.11"), (INHIBIT_ANY_POLICY, "inhibitAnyPolicy", "RFC 5280 §4.2.1.14")]
    {
        if tbs.extension(oid).is_some_and(|e| !e.critical) {
            out.push(Finding::error("lint.must_be_critical", field, "it must be critical", source));
        }
    }
    if tbs.extension(AUTHORITY_INFO_ACCESS).is_some_and(|e| e.critical) {
        out.push(Finding::error("lint.must_not_be_critical", "authorityInfoAccess", "it must not be critical", "RFC 5280 §4.2.2.1"));
    }
}

fn key_identifiers(tbs: &TbsRef<'_>, out: &mut Vec<Finding>) {
    if tbs.extension(ext::AUTHORITY_KEY_IDENTIFIER).is_some_and(|e| pkix::AuthorityKeyIdentifier::from_der(e.value).is_err()) {
        out.push(Finding::error("lint.aki_malformed", "authorityKeyIdentifier", "it cannot be read", "RFC 5280 §4.2.1.1"));
    }
}

fn names(tbs: &TbsRef<'_>, kind: ProfileKind, out: &mut Vec<Finding>) {
    if kind == ProfileKind::Server && rules::names(tbs).is_ok_and(|names| names.uris.is_empty()) {
        let message = "it has no URI, so no SPIFFE ID: it can serve TLS by its host name, and is no X.509-SVID";
        out.push(Finding::new(Warning, "lint.no_uri", "subjectAltName", message, "SPIFFE X509-SVID §2"));
    }
    if !kind.is_ca() && tbs.self_issued() && tbs.subject != [0x30, 0x00] {
        out.push(Finding::new(
            Error,
            "lint.self_issued_leaf",
            "issuer",
            "it names itself as its issuer and is no CA: nobody can validate it",
            "RFC 5280 §3.2",
        ));
    }
}

#[cfg(all(test, feature = "ring"))]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};

    use crate::lint::check_certificate;

    /// The codes found in a self-signed certificate, a leaf unless changed.
    fn codes(change: impl FnOnce(&mut CertificateParams)) -> Vec<&'static str> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::ExplicitNoCa;
        params.distinguished_name.push(DnType::CommonName, "cart");
        change(&mut params);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        check_certificate(certificate.der()).unwrap().iter().map(|finding| finding.code).collect()
    }

    fn custom(oid: &[u64], critical: bool, value: &[u8]) -> impl FnOnce(&mut CertificateParams) {
        let mut extension = CustomExtension::from_oid_content(oid, value.to_vec());
        extension.set_criticality(critical);
        |params| params.custom_extensions.push(extension)
    }

    fn named(kind: DnType, value: impl Into<rcgen::DnValue>) -> impl FnOnce(&mut CertificateParams) {
        let value = value.into();
        |params| params.distinguished_name.push(kind, value)
    }

    /// A change to a certificate, and the code that it must bring.
    type Defect = (&'static str, Box<dyn FnOnce(&mut CertificateParams)>);

    #[test]
    fn each_defect_of_others_is_found_and_only_where_it_is() {
        let defects: Vec<Defect> = vec![
            (
                "lint.path_len_on_leaf",
                Box::new(|params| {
                    params.is_ca = IsCa::NoCa;
                    custom(&[2, 5, 29, 19], true, &[0x30, 0x03, 0x02, 0x01, 0x00])(params);
                }),
            ),
            ("lint.eku_any", Box::new(|params| params.extended_key_usages.push(ExtendedKeyUsagePurpose::Any))),
            ("lint.must_be_critical", Box::new(custom(&[2, 5, 29, 36], false, &[0x30, 0x03, 0x80, 0x01, 0x00]))),
            ("lint.must_not_be_critical", Box::new(custom(&[1, 3, 6, 1, 5, 5, 7, 1, 1], true, &[0x30, 0x00]))),
            ("lint.aki_malformed", Box::new(custom(&[2, 5, 29, 35], false, &[0x31, 0x00]))),
            (
                "lint.name_constraints_empty",
                Box::new(|params| {
                    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                    custom(&[2, 5, 29, 30], true, &[0x30, 0x00])(params);
                }),
            ),
            (
                "lint.name_constraints_malformed",
                Box::new(|params| {
                    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
                    custom(&[2, 5, 29, 30], true, &[0x04, 0x00])(params);
                }),
            ),
            (
                "lint.no_expiration",
                Box::new(|params| {
                    params.not_after = time::macros::datetime!(9999-12-31 23:59:59 UTC);
                }),
            ),
            (
                "lint.long_leaf",
                Box::new(|params| {
                    params.not_before = rcgen::date_time_ymd(2026, 1, 1);
                    params.not_after = rcgen::date_time_ymd(2027, 2, 4);
                }),
            ),
            ("lint.name_length", Box::new(named(DnType::OrganizationName, "a".repeat(65)))),
            ("lint.empty_attribute", Box::new(named(DnType::OrganizationName, ""))),
            ("lint.string_type", Box::new(named(DnType::CountryName, "DE"))),
            ("lint.old_string", Box::new(named(DnType::OrganizationName, rcgen::DnValue::BmpString("mesh".try_into().unwrap())))),
        ];
        for (code, change) in defects {
            let found = codes(change);
            assert!(found.contains(&code), "{code}: {found:?}");
        }
        let sound = codes(|params| {
            params.not_before = rcgen::date_time_ymd(2026, 1, 1);
            params.not_after = rcgen::date_time_ymd(2027, 2, 3);
            params.distinguished_name.push(DnType::OrganizationName, "a".repeat(64));
        });
        for code in [
            "lint.path_len_on_leaf",
            "lint.eku_any",
            "lint.no_expiration",
            "lint.long_leaf",
            "lint.name_length",
            "lint.string_type",
            "lint.aki_malformed",
        ] {
            assert!(!sound.contains(&code), "{code}: {sound:?}");
        }
        assert!(sound.contains(&"lint.self_issued_leaf"));
    }
}
