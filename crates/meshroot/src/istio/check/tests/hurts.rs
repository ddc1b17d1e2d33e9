//! What works today.

use super::*;
use crate::istio::testing::{DAY, NOW, at, below_with, report, root_with};
use rcgen::{IsCa, KeyUsagePurpose};

#[test]
fn a_set_of_the_documented_makefile_is_good_and_can_never_be_revoked() {
    let usages =
        [KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment, KeyUsagePurpose::KeyEncipherment, KeyUsagePurpose::KeyCertSign];
    let mut root = root_with("Root CA", |_| ());
    root.params.key_usages = usages.to_vec();
    root.cert = crate::x509::Certificate::from_der(root.params.self_signed(&root.key).unwrap().der()).unwrap();
    let west = below_with(&root, "Intermediate CA", |p| {
        p.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::ContentCommitment,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyCertSign,
        ];
    });
    let files = set(&[&west, &root], &[&root]);
    assert_eq!(codes(&files), ["H istio.no_crl_sign", "H istio.no_crl_sign"]);
    assert!(report(&files).is_good());
}

#[test]
fn a_ca_without_a_name_hurts() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.distinguished_name = rcgen::DistinguishedName::new());
    assert_eq!(codes_for(&west, &root), ["H istio.empty_subject"]);
}

#[test]
fn no_key_usage_at_all_hurts() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.key_usages.clear());
    assert_eq!(codes_for(&west, &root), ["H istio.no_key_usage"]);
}

#[test]
fn a_chain_in_the_wrong_order_hurts() {
    let mesh = mesh();
    let mut files = mesh.files();
    files.set("cert-chain.pem", format!("{}{}", mesh.root.pem(), mesh.west.pem()));
    assert_eq!(codes(&files), ["H istio.chain_order"]);

    let region = below(&mesh.root, "region");
    let south = below_with(&region, "south", |p| p.not_after -= time::Duration::DAY);
    let mut files = set(&[&south, &region], &[&mesh.root]);
    files.set("cert-chain.pem", format!("{}{}", region.pem(), south.pem()));
    assert_eq!(codes(&files), ["H istio.chain_order"]);
}

#[test]
fn a_stranger_in_the_chain_hurts() {
    let mesh = mesh();
    assert_eq!(codes(&set(&[&mesh.west, &below(&mesh.root, "east")], &[&mesh.root])), ["H istio.chain_stranger"]);
}

#[test]
fn several_certificates_in_ca_cert_pem_hurt() {
    let mesh = mesh();
    let mut files = mesh.files();
    files.set("ca-cert.pem", format!("{}{}", mesh.west.pem(), mesh.root.pem()));
    assert_eq!(codes(&files), ["H istio.several_signing_certificates"]);
}

#[test]
fn an_intermediate_that_outlives_its_root_hurts() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.not_after += 2 * DAY);
    assert_eq!(codes_for(&west, &root), ["H istio.outlives_issuer"]);
    let west = below_with(&root, "west", |p| p.not_after += DAY);
    assert!(codes_for(&west, &root).is_empty(), "ending together is fine");
}

#[test]
fn roots_of_others_are_looked_at_too() {
    let mesh = mesh();
    let expired = root_with("expired", |p| p.not_after = at(NOW.minus(20 * DAY)));
    assert_eq!(codes(&set(&[&mesh.west], &[&mesh.root, &expired])), ["H istio.other_root_not_valid"]);
    let leaf = root_with("leaf", |p| p.is_ca = IsCa::NoCa);
    assert_eq!(codes(&set(&[&mesh.west], &[&mesh.root, &leaf])), ["H istio.other_root_not_a_ca"]);
    assert_eq!(codes(&set(&[&mesh.west], &[&mesh.root, &root("root")])), ["H istio.roots_share_a_name"]);
    assert!(codes(&set(&[&mesh.west], &[&mesh.root, &mesh.root])).is_empty(), "the same root twice is no news");
}

#[test]
fn the_marker_of_istiods_own_sets_hurts() {
    let mut files = mesh().files();
    files.set("istio-generated", "");
    assert_eq!(codes(&files), ["H istio.istio_generated"]);
}

#[test]
fn an_ed25519_ca_hurts() {
    let root = root("root");
    let mut west = below(&root, "west");
    west.key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    west.cert = crate::x509::Certificate::from_der(west.params.signed_by(&west.key, &root.issuer()).unwrap().der()).unwrap();
    let mut files = set(&[&west], &[&root]);
    files.set("ca-key.pem", west.private_key().to_pkcs8_pem().as_str());
    assert_eq!(codes(&files), ["H istio.ed25519_ca"]);
}
