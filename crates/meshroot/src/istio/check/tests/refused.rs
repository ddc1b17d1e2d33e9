//! What istiod does not start with: the upper part of the table of measurements.

use super::*;
use crate::istio::testing::{DAY, NOW, at, below_with, report, root_with};
use crate::key::Crypto;
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};

#[test]
fn a_set_with_any_file_missing_is_incomplete() {
    for name in ["ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem"] {
        let mut files = mesh().files();
        match name {
            "ca-cert.pem" => files.ca_cert = None,
            "ca-key.pem" => files.ca_key = None,
            "cert-chain.pem" => files.cert_chain = None,
            _ => files.root_cert = None,
        }
        let report = report(&files);
        let first = &report.findings()[0];
        assert_eq!((first.code, first.file), ("istio.incomplete", name), "{first}");
        assert_eq!(first.istiod_says.as_deref(), Some("incomplete signing CA bundle detected"));
        assert!(!report.is_good());
    }
}

#[test]
fn ca_false_and_no_basic_constraints_are_no_ca() {
    let root = root("root");
    for edit in [|p: &mut rcgen::CertificateParams| p.is_ca = IsCa::ExplicitNoCa, |p: &mut rcgen::CertificateParams| p.is_ca = IsCa::NoCa] {
        let west = below_with(&root, "west", edit);
        let report = report(&set(&[&west], &[&root]));
        assert_eq!(report.findings()[0].code, "istio.not_a_ca");
        assert_eq!(report.findings()[0].istiod_says.as_deref(), Some("certificate is not authorized to sign other certificates"));
    }
}

#[test]
fn an_expired_ca_is_refused() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.not_after = at(NOW.minus(20 * DAY)));
    assert_eq!(codes_for(&west, &root), ["I istio.expired"]);
}

#[test]
fn an_expired_root_is_refused() {
    let root = root_with("root", |p| p.not_after = at(NOW.minus(20 * DAY)));
    let west = below_with(&root, "west", |p| p.not_after = at(NOW.minus(21 * DAY)));
    assert_eq!(codes_for(&west, &root), ["I istio.expired", "I istio.expired"]);
}

#[test]
fn a_ca_of_the_future_is_refused() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.not_before = at(NOW.plus(DAY)));
    assert_eq!(codes_for(&west, &root), ["I istio.not_yet_valid"]);
}

#[test]
fn another_root_is_refused() {
    let mesh = mesh();
    let report = report(&set(&[&mesh.west], &[&root("other root")]));
    let codes: Vec<_> = report.findings().iter().map(|f| f.code).collect();
    assert_eq!(codes, ["istio.no_path"]);
    assert!(report.findings()[0].message.contains("CN=root"), "{}", report.findings()[0]);
    assert!(report.path().is_empty());
}

#[test]
fn a_ca_that_signed_itself_and_is_no_root_is_refused() {
    let alone = root("alone");
    let report = report(&set(&[&alone], &[&root("root")]));
    assert_eq!(report.findings()[0].code, "istio.no_path");
    assert!(report.findings()[0].message.contains("signed itself"), "{}", report.findings()[0]);
}

#[test]
fn another_root_of_the_same_name_is_refused() {
    let mesh = mesh();
    let report = report(&set(&[&mesh.west], &[&root("root")]));
    assert_eq!(report.findings()[0].code, "istio.no_path");
    assert!(report.findings()[0].message.contains("another key"), "{}", report.findings()[0]);
}

#[test]
fn a_root_that_is_no_ca_is_refused() {
    let root = root_with("root", |p| {
        p.is_ca = IsCa::ExplicitNoCa;
    });
    assert_eq!(codes_for(&below(&root, "west"), &root), ["I istio.issuer_not_a_ca"]);
}

#[test]
fn a_root_that_may_not_sign_certificates_is_refused() {
    let root = root_with("root", |p| p.key_usages = vec![KeyUsagePurpose::CrlSign]);
    assert_eq!(codes_for(&below(&root, "west"), &root), ["I istio.no_key_cert_sign"]);
}

#[test]
fn an_extended_key_usage_without_server_auth_is_refused() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    assert_eq!(codes_for(&west, &root), ["I istio.eku_without_server_auth"]);
}

#[test]
fn two_cas_below_a_root_of_path_length_zero_are_refused() {
    let root = root_with("root", |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let region = below(&root, "region");
    let west = below_with(&region, "west", |p| p.not_after -= time::Duration::DAY);
    assert_eq!(codes(&set(&[&west, &region], &[&root])), ["I istio.path_length"]);
}

#[test]
fn another_cas_key_is_refused() {
    let mesh = mesh();
    let mut files = mesh.files();
    files.set("ca-key.pem", mesh.root.key.serialize_pem());
    let report = report(&files);
    assert_eq!(report.findings().len(), 1);
    assert_eq!(report.findings()[0].istiod_says.as_deref(), Some("the cert does not match the key: tls: private key does not match public key"));
}

#[test]
fn with_the_root_first_the_key_belongs_to_a_certificate_that_is_not_read() {
    let mesh = mesh();
    let mut files = mesh.files();
    files.set("ca-cert.pem", format!("{}{}", mesh.root.pem(), mesh.west.pem()));
    let report = report(&files);
    let first = &report.findings()[0];
    assert_eq!(first.code, "istio.key_mismatch");
    assert!(first.message.contains("certificate 2"), "{first}");
}

#[test]
fn no_pem_is_refused_in_each_file() {
    for (name, code) in [("ca-cert.pem", "I istio.no_pem"), ("ca-key.pem", "I istio.key_unreadable"), ("root-cert.pem", "I istio.no_pem")] {
        let mut files = mesh().files();
        files.set(name, "hello\n");
        assert_eq!(codes(&files)[0], code, "{name}");
    }
}

#[test]
fn a_sound_certificate_behind_a_broken_one_is_not_taken_for_the_signing_ca() {
    let mesh = mesh();
    let mut files = mesh.files();
    files.set("ca-cert.pem", format!("{}{}", crate::istio::testing::pem_of(&[b"junk"]), mesh.west.pem()));
    let report = report(&files);
    assert_eq!(report.findings()[0].code, "istio.garbage");
    assert_eq!(report.signing_ca(), None);
}

#[test]
fn an_encrypted_key_is_refused() {
    let mesh = mesh();
    let crypto = Crypto::ring();
    let mut files = mesh.files();
    files.set("ca-key.pem", mesh.west.private_key().to_encrypted_pem(b"password", crypto.entropy()).unwrap());
    let report = report(&files);
    assert_eq!((report.findings().len(), report.findings()[0].code), (1, "istio.encrypted_key"));
    assert!(report.findings()[0].istiod_says.as_deref().unwrap().ends_with("unsupported PEM block type for a private key: ENCRYPTED PRIVATE KEY"));

    files.set(
        "ca-key.pem",
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END EC PRIVATE KEY-----\n",
    );
    assert_eq!(codes(&files), ["I istio.encrypted_key"]);
}

#[test]
fn parameters_before_an_elliptic_curve_key_are_refused_and_the_key_alone_is_not() {
    let mut files = CacertsFiles::default();
    files.set("ca-cert.pem", include_str!("../../../../testdata/istio/v1-ca.pem"));
    files.set("cert-chain.pem", include_str!("../../../../testdata/istio/v1-ca.pem"));
    files.set("root-cert.pem", include_str!("../../../../testdata/istio/v1-root.pem"));
    files.set("ca-key.pem", include_str!("../../../../testdata/istio/v1-ca-key-parameters.pem"));
    assert_eq!(codes(&files), ["I istio.key_block", "H istio.root_version_1"]);
    files.set("ca-key.pem", include_str!("../../../../testdata/istio/v1-ca-key.pem"));
    assert_eq!(codes(&files), ["H istio.root_version_1"], "SEC1, and a root that cannot say what it is");
}

#[test]
fn a_certificate_in_place_of_the_key_is_refused() {
    let mesh = mesh();
    let mut files = mesh.files();
    files.set("ca-key.pem", mesh.west.pem());
    assert_eq!(codes(&files), ["I istio.key_block"]);
}

#[test]
fn garbage_after_the_roots_is_refused() {
    let mesh = mesh();
    let mut files = mesh.files();
    files.set("root-cert.pem", format!("{}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", mesh.root.pem()));
    let report = report(&files);
    assert_eq!((report.findings().len(), report.findings()[0].code), (1, "istio.garbage"));
    assert!(report.findings()[0].istiod_says.as_deref().unwrap().starts_with("add root CAs into peerCertVerifier failed"));
}

#[test]
fn a_sha_1_signature_is_refused() {
    let mut files = CacertsFiles::default();
    files.set("ca-cert.pem", include_str!("../../../../testdata/istio/sha1-ca.pem"));
    files.set("ca-key.pem", include_str!("../../../../testdata/istio/rsa-ca-key.pem"));
    files.set("cert-chain.pem", include_str!("../../../../testdata/istio/sha1-ca.pem"));
    files.set("root-cert.pem", include_str!("../../../../testdata/istio/rsa-root.pem"));
    assert_eq!(codes(&files), ["I istio.weak_signature"]);
}

#[test]
fn a_critical_extension_that_nobody_knows_is_refused() {
    let root = root("root");
    let west = below_with(&root, "west", |p| {
        let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        p.custom_extensions.push(extension);
    });
    assert_eq!(codes_for(&west, &root), ["I istio.critical_extension"]);
}

#[test]
fn an_extension_that_is_malformed_or_there_twice_is_refused() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.custom_extensions.push(rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 37], vec![5, 0])));
    assert_eq!(codes_for(&west, &root), ["I istio.bad_extension"]);
    let west = below_with(&root, "west", |p| p.custom_extensions.push(rcgen::CustomExtension::from_oid_content(&[2, 5, 29, 15], vec![3, 2, 2, 4])));
    assert_eq!(codes_for(&west, &root), ["I istio.bad_extension"]);
}
