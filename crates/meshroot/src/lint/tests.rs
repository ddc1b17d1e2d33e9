//! Each rule sees the defect that was planted for it, in to-be-signed bytes that were right before.

use super::{Linted, check_certificate};
use crate::csr::ProvenRequest;
use crate::hierarchy::create_root;
use crate::issue::{Authorized, Issuer};
use crate::key::{Crypto, KeyAlgorithm, PrivateKey};
use crate::profile::{Profile, ProfileKind};
use crate::spiffe::{SpiffeId, TrustDomain};
use crate::time::Timestamp;
use crate::x509::wire::CertRef;

const NOW: Timestamp = Timestamp::from_unix(1_795_348_800);

/// A workload's certificate below a root, and that root.
fn certificates() -> (Vec<u8>, Vec<u8>) {
    let crypto = Crypto::ring();
    let key = || PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap().signer(&crypto).unwrap();
    let td = TrustDomain::parse("mesh.example").unwrap();
    let root_key = key();
    let root = create_root(&td, &Profile::root_ca(), &*root_key, &crypto, NOW).unwrap().signing().unwrap().clone();
    let bundle = crate::bundle::Bundle::new(td).with_x509_authorities([root.clone()]).unwrap();
    let issuer = Issuer::new(std::slice::from_ref(&root), &bundle, root_key, crypto.clone(), NOW).unwrap();
    let request = ProvenRequest::from_signer(&*key(), &crypto).unwrap();
    let grant = Authorized::workload(request, SpiffeId::parse("spiffe://mesh.example/ns/a/sa/b").unwrap()).unwrap();
    let leaf = issuer.issue(grant, &Profile::workload(), crypto.entropy(), NOW).unwrap();
    (leaf.der().to_vec(), root.der().to_vec())
}

/// The to-be-signed bytes with one run of bytes replaced by another of the same length.
fn planted(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut tbs = CertRef::parse(der).unwrap().tbs.raw.to_vec();
    let at = tbs.windows(from.len()).position(|window| window == from).unwrap_or_else(|| panic!("{from:02x?} is not there"));
    tbs[at..at + from.len()].copy_from_slice(to);
    tbs
}

fn codes(tbs: Vec<u8>, kind: ProfileKind) -> Vec<&'static str> {
    Linted::certificate(tbs, kind).err().unwrap_or_default().iter().map(|finding| finding.code).collect()
}

#[test]
fn what_we_make_passes_and_only_as_what_it_is() {
    let (leaf, root) = certificates();
    let tbs = |der: &[u8]| CertRef::parse(der).unwrap().tbs.raw.to_vec();
    assert!(codes(tbs(&leaf), ProfileKind::Workload).is_empty());
    assert!(codes(tbs(&root), ProfileKind::RootCa).is_empty());
    assert!(codes(tbs(&leaf), ProfileKind::ClusterCa).contains(&"lint.basic_constraints_ca"));
    assert!(codes(tbs(&root), ProfileKind::Workload).contains(&"lint.basic_constraints_ca"));
    assert!(codes(tbs(&root), ProfileKind::ClusterCa).contains(&"lint.path_len"));
    assert!(check_certificate(&leaf).unwrap().is_empty());
}

#[test]
fn no_planted_defect_of_a_leaf_is_signed() {
    let (leaf, _) = certificates();
    let oid = |id: u8, rest: &[u8]| [&[0x06, 0x03, 0x55, 0x1d, id][..], rest].concat();
    let critical = |id| (oid(id, &[1, 1, 0xff]), oid(id, &[1, 1, 0x00]));
    let renamed = |id| (oid(id, &[]), oid(0x63, &[]));
    let text = |from: &str, to: &str| (from.as_bytes().to_vec(), to.as_bytes().to_vec());
    for ((from, to), expected) in [
        (critical(17), "lint.san_not_critical"),
        (critical(15), "lint.key_usage_not_critical"),
        (critical(19), "lint.basic_constraints_not_critical"),
        (renamed(14), "lint.ski_missing"),
        (renamed(35), "lint.aki_missing"),
        (renamed(37), "lint.eku_missing"),
        (renamed(15), "lint.key_usage_missing"),
        (renamed(19), "lint.unknown_critical"),
        ((oid(14, &[]), oid(35, &[])), "lint.extension_twice"),
        ((vec![0x03, 0x02, 0x07, 0x80], vec![0x03, 0x02, 0x02, 0x84]), "lint.leaf_signs"),
        ((vec![0x03, 0x02, 0x07, 0x80], vec![0x03, 0x02, 0x05, 0x20]), "lint.digital_signature_missing"),
        ((vec![5, 5, 7, 3, 2], vec![5, 5, 7, 3, 9]), "lint.eku_incomplete"),
        (text("spiffe://mesh", "spiffe://mEsh"), "lint.not_a_spiffe_id"),
        (text("/ns/a/sa/b", "/ns/a/../b"), "lint.not_a_spiffe_id"),
        (text("spiffe:", "https:/"), "lint.not_a_spiffe_id"),
        ((vec![0xa0, 0x03, 0x02, 0x01, 0x02], vec![0xa0, 0x03, 0x02, 0x01, 0x01]), "lint.version"),
        ((vec![0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02], vec![0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x01]), "lint.signature_algorithm"),
        (text("261122", "281122"), "lint.validity_reversed"),
    ] {
        let found = codes(planted(&leaf, &from, &to), ProfileKind::Workload);
        assert!(found.contains(&expected), "{expected}: {found:?}");
    }
}

#[test]
fn no_planted_defect_of_a_root_is_signed() {
    let (_, root) = certificates();
    for (from, to, expected) in [
        (&[0x03, 0x02, 0x01, 0x06][..], &[0x03, 0x02, 0x02, 0x04][..], "lint.crl_sign_missing"),
        (&[0x03, 0x02, 0x01, 0x06], &[0x03, 0x02, 0x01, 0x02], "lint.key_cert_sign_missing"),
        (&[0x06, 0x03, 0x55, 0x1d, 0x0e], &[0x06, 0x03, 0x55, 0x1d, 0x63], "lint.ski_missing"),
        (b"spiffe://mesh.example", b"spiffe://mesh/example", "lint.ca_id_with_path"),
    ] {
        let found = codes(planted(&root, from, to), ProfileKind::RootCa);
        assert!(found.contains(&expected), "{expected}: {found:?}");
    }
}

#[test]
fn bytes_that_are_no_certificate_are_not_signed() {
    assert_eq!(codes(vec![0x30, 0x03, 0x02, 0x01, 0x01], ProfileKind::Workload), ["lint.malformed"]);
    assert_eq!(codes(Vec::new(), ProfileKind::RootCa), ["lint.malformed"]);
}

#[test]
fn each_year_has_its_own_kind_of_time() {
    let (leaf, root) = certificates();
    let encoded = |der: &[u8], at: Timestamp| {
        let mut out = vec![];
        crate::x509::encode::time(&mut out, at);
        assert!(CertRef::parse(der).unwrap().tbs.validity_der.windows(out.len()).any(|window| window == out));
        out[0]
    };
    for der in [&leaf, &root] {
        let validity = CertRef::parse(der).unwrap().tbs.validity;
        assert_eq!((encoded(der, validity.not_before), encoded(der, validity.not_after)), (0x17, 0x17));
    }
    let mut parsed = CertRef::parse(&leaf).unwrap().tbs;
    let mut findings = Vec::new();
    let mut wrong = parsed.validity_der.to_vec();
    wrong[2] = crate::x509::encode::GENERALIZED_TIME;
    parsed.validity_der = &wrong;
    super::rules::general(&parsed, &mut findings);
    assert!(findings.iter().any(|finding| finding.code == "lint.validity_encoding"), "{findings:?}");
}
