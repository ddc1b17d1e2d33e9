use super::*;
use crate::istio::testing::{DAY, NOW, at, below_with, root_with};
use crate::time::Timestamp;
use rcgen::{CertificateRevocationListParams, KeyIdMethod, KeyUsagePurpose, SerialNumber};

fn crl(ca: &Ca, this_update: Timestamp, next_update: Timestamp) -> String {
    crl_with(ca, this_update, next_update, KeyIdMethod::Sha256)
}

fn crl_with(ca: &Ca, this_update: Timestamp, next_update: Timestamp, key_identifier_method: KeyIdMethod) -> String {
    let mut issuer = ca.params.clone();
    // rcgen refuses to sign a CRL without the right to; the certificate in the set is what decides here.
    issuer.key_usages = vec![KeyUsagePurpose::CrlSign];
    let params = CertificateRevocationListParams {
        this_update: at(this_update),
        next_update: at(next_update),
        crl_number: SerialNumber::from(1u64),
        issuing_distribution_point: None,
        revoked_certs: vec![],
        key_identifier_method,
    };
    params.signed_by(&rcgen::Issuer::from_params(&issuer, &ca.key)).unwrap().pem().unwrap()
}

fn current(ca: &Ca) -> String {
    crl(ca, NOW.minus(DAY), NOW.plus(DAY))
}

fn with_crls(mesh: &Mesh, crls: &[String]) -> CacertsFiles {
    let mut files = mesh.files();
    files.set("ca-crl.pem", crls.concat());
    files
}

#[test]
fn crls_of_all_cas_pass() {
    let mesh = mesh();
    assert!(codes(&with_crls(&mesh, &[current(&mesh.root), current(&mesh.west)])).is_empty());
    assert!(codes(&with_crls(&mesh, &[])).is_empty(), "an empty file is none");
}

#[test]
fn a_missing_crl_of_the_chain_is_refused() {
    let mesh = mesh();
    assert_eq!(codes(&with_crls(&mesh, &[current(&mesh.root)])), ["I istio.crl_missing"]);
    let mut files = set(&[&mesh.west, &mesh.root], &[&mesh.root]);
    files.set("ca-crl.pem", current(&mesh.west));
    assert_eq!(codes(&files), ["I istio.crl_missing"], "the root stands in the chain");
}

#[test]
fn a_missing_crl_of_the_root_breaks_the_mesh() {
    let mesh = mesh();
    assert_eq!(codes(&with_crls(&mesh, &[current(&mesh.west)])), ["M istio.crl_missing"]);
}

#[test]
fn a_crl_of_another_key_does_not_count() {
    let mesh = mesh();
    let other = below(&mesh.root, "west");
    assert_eq!(codes(&with_crls(&mesh, &[current(&mesh.root), current(&other)])), ["I istio.crl_missing"]);
    // Nor does one that only claims to be of this key.
    let claimed = KeyIdMethod::PreSpecified(mesh.west.cert.subject_key_id().unwrap().as_bytes().to_vec());
    let forged = crl_with(&other, NOW.minus(DAY), NOW.plus(DAY), claimed);
    assert_eq!(codes(&with_crls(&mesh, &[current(&mesh.root), forged])), ["I istio.crl_missing"]);
}

#[test]
fn a_ca_without_crl_sign_cannot_have_a_crl() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    let mesh = Mesh { root, west };
    assert_eq!(codes(&with_crls(&mesh, &[current(&mesh.root), current(&mesh.west)])), ["I istio.crl_missing", "H istio.no_crl_sign"]);

    let root = root_with("root", |p| p.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    let west = below(&root, "west");
    let mesh = Mesh { root, west };
    assert_eq!(codes(&with_crls(&mesh, &[current(&mesh.root), current(&mesh.west)])), ["M istio.crl_missing", "H istio.no_crl_sign"]);
}

#[test]
fn a_crl_out_of_date_breaks_the_mesh() {
    let mesh = mesh();
    let old = crl(&mesh.west, NOW.minus(2 * DAY), NOW.minus(DAY));
    assert_eq!(codes(&with_crls(&mesh, &[current(&mesh.root), old])), ["M istio.crl_expired"]);
    let just = crl(&mesh.west, NOW.minus(DAY), NOW);
    assert_eq!(codes(&with_crls(&mesh, &[current(&mesh.root), just])), ["M istio.crl_expired"], "as BoringSSL has it");
    let early = crl(&mesh.west, NOW.plus(DAY), NOW.plus(2 * DAY));
    assert_eq!(codes(&with_crls(&mesh, &[current(&mesh.root), early])), ["M istio.crl_not_yet_valid"]);
}

#[test]
fn what_is_no_crl_is_refused() {
    let mesh = mesh();
    assert_eq!(codes(&with_crls(&mesh, &[current(&mesh.root), current(&mesh.west), mesh.root.pem()])), ["I istio.crl_unreadable"]);
    assert_eq!(codes(&with_crls(&mesh, &["-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n".into()])), ["I istio.crl_unreadable"]);
    assert_eq!(codes(&with_crls(&mesh, &["-----BEGIN X509 CRL-----\nAAAA\n".into()])), ["I istio.crl_unreadable"]);
}

#[test]
fn a_crl_under_another_label_breaks_the_mesh() {
    let mesh = mesh();
    let renamed = current(&mesh.west).replace("X509 CRL", "CRL");
    assert_eq!(codes(&with_crls(&mesh, &[current(&mesh.root), current(&mesh.west), renamed])), ["M istio.crl_label"]);
}
