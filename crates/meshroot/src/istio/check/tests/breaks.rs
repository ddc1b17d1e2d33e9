//! What istiod takes without a word, and then nobody can talk: the bold rows of the table of measurements.

use super::*;
use crate::istio::testing::{below_with, pem_of, root_with};
use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyUsagePurpose};

#[test]
fn no_file_at_all_makes_a_mesh_of_its_own() {
    assert_eq!(codes(&CacertsFiles::default()), ["M istio.no_files"]);
}

#[test]
fn a_ca_without_key_cert_sign_breaks_the_mesh() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign]);
    assert_eq!(codes_for(&west, &root), ["M istio.no_key_cert_sign"]);
}

#[test]
fn a_chain_that_is_empty_or_a_root_or_anothers_breaks_the_mesh() {
    let mesh = mesh();
    let east = below(&mesh.root, "east");
    let other = root("other root");
    for (what, chain) in [("empty", String::new()), ("the root", mesh.root.pem())] {
        let mut files = mesh.files();
        files.set("cert-chain.pem", chain);
        assert_eq!(codes(&files), ["M istio.chain_without_ca"], "{what}");
    }
    for (what, chain) in [("another CA's", east.pem()), ("another root", other.pem())] {
        let mut files = mesh.files();
        files.set("cert-chain.pem", chain);
        assert_eq!(codes(&files), ["M istio.chain_without_ca"], "{what}");
    }
}

#[test]
fn a_chain_that_lacks_only_the_cluster_ca_breaks_the_mesh() {
    let root = root("root");
    let region = below(&root, "region");
    let west = below_with(&region, "west", |p| p.not_after -= time::Duration::DAY);
    let mut files = set(&[&west, &region], &[&root]);
    files.set("cert-chain.pem", region.pem());
    assert_eq!(codes(&files), ["M istio.chain_without_ca"]);
}

#[test]
fn garbage_in_the_chain_breaks_the_mesh() {
    let mesh = mesh();
    let mut files = mesh.files();
    files.set("cert-chain.pem", format!("{}{}", mesh.west.pem(), pem_of(&[b"junk"])));
    assert_eq!(codes(&files), ["M istio.garbage"]);
}

#[test]
fn a_damaged_block_is_stepped_over_by_istiod() {
    let mesh = mesh();
    let mut files = mesh.files();
    files.set("root-cert.pem", format!("{}-----BEGIN CERTIFICATE-----\nAAAA\n", mesh.root.pem()));
    assert_eq!(codes(&files), ["M istio.damaged_pem"]);

    let mut files = mesh.files();
    files.set("cert-chain.pem", mesh.west.pem().replace("-----END", "----END"));
    assert_eq!(codes(&files), ["M istio.damaged_pem"]);
}

#[test]
fn a_root_of_path_length_zero_forbids_leaves_below_a_cluster_ca() {
    let root = root_with("root", |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    assert_eq!(codes_for(&below(&root, "west"), &root), ["M istio.path_length"]);
}

#[test]
fn an_extended_key_usage_for_servers_only_breaks_mutual_tls() {
    let root = root("root");
    let west = below_with(&root, "west", |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]);
    assert_eq!(codes_for(&west, &root), ["M istio.eku_incomplete"]);
    let west = below_with(&root, "west", |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]);
    assert_eq!(codes_for(&west, &root), ["M istio.eku_incomplete"]);
    let west = below_with(&root, "west", |p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]);
    assert!(codes_for(&west, &root).is_empty());
}

#[test]
fn a_key_identifier_of_another_issuer_breaks_the_mesh() {
    let mut root = root("root");
    root.params.key_identifier_method = KeyIdMethod::PreSpecified(vec![7; 20]);
    assert_eq!(codes_for(&below(&root, "west"), &root), ["M istio.key_ids_differ"]);
}

#[test]
fn a_cluster_ca_named_like_its_root_breaks_the_mesh_unless_key_identifiers_tell_them_apart() {
    let root = root("root");
    let bare = below_with(&root, "root", |p| p.use_authority_key_identifier_extension = false);
    assert_eq!(codes_for(&bare, &root), ["M istio.same_subject"]);
    assert_eq!(codes_for(&below(&root, "root"), &root), ["H istio.same_subject"]);
}

#[test]
fn a_small_rsa_key_is_a_finding_wherever_it_stands() {
    let weak = include_str!("../../../../testdata/istio/rsa1024-cert.pem");
    let mut files = CacertsFiles::default();
    files.set("ca-cert.pem", weak);
    files.set("ca-key.pem", include_str!("../../../../testdata/istio/rsa1024-key.pem"));
    files.set("cert-chain.pem", weak);
    files.set("root-cert.pem", weak);
    assert_eq!(codes(&files), ["M istio.weak_key"; 4]);

    let mesh = mesh();
    let mut files = mesh.files();
    files.set("root-cert.pem", format!("{}{weak}", mesh.root.pem()));
    assert_eq!(codes(&files), ["M istio.weak_key"]);
}

#[test]
fn a_chain_of_hundreds_breaks_the_mesh() {
    let mesh = mesh();
    let mut files = mesh.files();
    files.set("cert-chain.pem", mesh.west.pem().repeat(101));
    assert_eq!(codes(&files), ["M istio.chain_too_long"]);
}

#[test]
fn a_private_key_among_public_files_breaks_all_trust() {
    let mesh = mesh();
    for name in ["root-cert.pem", "cert-chain.pem"] {
        let mut files = mesh.files();
        let mut text = if name == "root-cert.pem" { mesh.root.pem() } else { mesh.west.pem() };
        text.push_str(&mesh.west.key.serialize_pem());
        files.set(name, text);
        assert_eq!(codes(&files), ["M istio.key_published"], "{name}");
    }
}

#[test]
fn a_way_to_the_root_longer_than_any_mesh_needs_breaks_it() {
    let root = root("root");
    let mut cas = vec![below(&root, "ca 0")];
    for n in 1..10 {
        cas.push(below_with(&cas[n - 1], &format!("ca {n}"), |p| p.not_after -= time::Duration::DAY));
    }
    let upwards: Vec<_> = cas.iter().rev().collect();
    assert_eq!(codes(&set(&upwards[1..], &[&root])), Vec::<String>::new(), "nine below the root");
    assert_eq!(codes(&set(&upwards, &[&root])), ["M istio.path_too_long"], "ten");
}
