use super::*;
use crate::istio::testing::{report, root_with};
use rcgen::{BasicConstraints, IsCa};

#[test]
fn a_sound_set_has_no_finding() {
    let mesh = mesh();
    let report = report(&mesh.files());
    assert_eq!(report.findings(), &[]);
    assert!(report.is_good());
    assert_eq!(report.signing_ca(), Some(&mesh.west.cert));
    assert_eq!(report.path(), &[mesh.west.cert.clone(), mesh.root.cert.clone()]);
    assert_eq!(report.expires(), Some(mesh.west.cert.validity().not_after));
}

#[test]
fn the_root_may_stand_in_the_chain() {
    let mesh = mesh();
    assert!(codes(&set(&[&mesh.west, &mesh.root], &[&mesh.root])).is_empty());
}

#[test]
fn two_roots_may_stand_in_either_order() {
    let (mesh, other) = (mesh(), root("next root"));
    assert!(codes(&set(&[&mesh.west], &[&mesh.root, &other])).is_empty());
    assert!(codes(&set(&[&mesh.west], &[&other, &mesh.root])).is_empty());
}

#[test]
fn line_ends_of_windows_and_comments_are_fine() {
    let mut files = mesh().files();
    for file in [&mut files.ca_cert, &mut files.cert_chain, &mut files.root_cert] {
        let text = String::from_utf8(file.take().unwrap()).unwrap();
        *file = Some(format!("subject=CN = x\n{text}").replace('\n', "\r\n").into_bytes());
    }
    assert!(codes(&files).is_empty());
}

#[test]
fn a_cluster_ca_with_path_length_zero_signs_leaves() {
    let root = root("root");
    let west = crate::istio::testing::below_with(&root, "west", |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    assert!(codes_for(&west, &root).is_empty());
}

#[test]
fn a_root_with_room_for_one_ca_is_enough_for_one() {
    let root = root_with("root", |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(1)));
    assert!(codes_for(&below(&root, "west"), &root).is_empty());
}

#[test]
fn three_levels_work() {
    let root = root("root");
    let region = below(&root, "region");
    let west = crate::istio::testing::below_with(&region, "west", |p| p.not_after -= time::Duration::DAY);
    assert!(codes(&set(&[&west, &region], &[&root])).is_empty());
}

#[test]
fn a_ca_that_is_itself_the_root_needs_no_chain() {
    let root = root("root");
    let mut files = set(&[&root], &[&root]);
    assert!(codes(&files).is_empty());
    files.set("cert-chain.pem", "");
    assert!(codes(&files).is_empty());
}

#[test]
fn keys_in_the_formats_of_openssl_are_read() {
    let mut files = CacertsFiles::default();
    files.set("ca-cert.pem", include_str!("../../../../testdata/istio/rsa-ca.pem"));
    files.set("ca-key.pem", include_str!("../../../../testdata/istio/rsa-ca-key.pem"));
    files.set("cert-chain.pem", include_str!("../../../../testdata/istio/rsa-ca.pem"));
    files.set("root-cert.pem", include_str!("../../../../testdata/istio/rsa-root.pem"));
    assert!(codes(&files).is_empty(), "PKCS#1");
}

#[test]
fn a_cross_signed_root_in_the_chain_is_no_stranger() {
    let (old, new) = (root("old root"), root("new root"));
    let west = below(&new, "west");
    // The new root's name and key, signed by the old root, for peers that know only the old one.
    let bridge = new.params.signed_by(&new.key, &old.issuer()).unwrap();
    let mut files = set(&[&west], &[&old, &new]);
    files.set("cert-chain.pem", format!("{}{}", west.pem(), bridge.pem()));
    assert!(codes(&files).is_empty());
}

#[test]
fn a_cross_signed_root_of_others_in_the_chain_is_no_stranger() {
    let (old, new) = (root("old root"), root("new root"));
    let west = below(&new, "west");
    let bridge = old.params.signed_by(&old.key, &new.issuer()).unwrap();
    let mut files = set(&[&west], &[&old, &new]);
    files.set("cert-chain.pem", format!("{}{}", west.pem(), bridge.pem()));
    assert!(codes(&files).is_empty());
}
