//! From nothing to a validated workload, and everything on that way that must not work.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests stop at what they did not expect")]

mod common;

use std::time::Duration;

use common::{Mesh, crypto, id, now};
use meshroot::csr::Csr;
use meshroot::issue::{Authorized, Denial, IssueError};
use meshroot::key::{KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use meshroot::revocation::CrlSet;
use meshroot::verify::{CaLinks, Validator};
use meshroot::x509::Certificate;

#[test]
fn a_workload_of_one_cluster_is_valid_in_every_other() {
    let mesh = Mesh::new(&["west", "east"]);
    let validator = Validator::new(&mesh.map(), crypto());
    for cluster in ["west", "east"] {
        let issued = mesh.issue(cluster, KeyAlgorithm::EcdsaP256, "spiffe://mesh.example/ns/shop/sa/cart");
        let svid = validator.validate(&issued.chain_der(), &CrlSet::empty(), now()).unwrap();
        assert_eq!(svid.id(), &id("spiffe://mesh.example/ns/shop/sa/cart"));
        assert_eq!(svid.path().len(), 2);
        assert_eq!(svid.not_after(), issued.validity().not_after);
    }
}

#[test]
fn a_leaf_never_outlives_its_issuer() {
    let mesh = Mesh::new(&["west"]);
    let grant = mesh.grant(KeyAlgorithm::EcdsaP256, "spiffe://mesh.example/a");
    let issued =
        mesh.issuer("west").issue(grant, &Profile::workload().with_lifetime(Duration::from_secs(400 * 86_400)), crypto().entropy(), now()).unwrap();
    let ca = mesh.issuer("west").path().signing().unwrap().validity();
    assert_eq!(issued.validity().not_after, ca.not_after);
    let cut = issued.lifetime_cut().unwrap();
    assert_eq!(cut.until, ca.not_after);
    assert!(cut.to_string().contains("west CA"), "{cut}");
}

#[test]
fn a_cluster_ca_never_outlives_its_root() {
    let mesh = Mesh::new_with(&["west"], Profile::root_ca().with_lifetime(Duration::from_secs(86_400)), Profile::cluster_ca());
    let path = mesh.issuer("west").path().clone();
    let [ca, root] = path.certificates() else { panic!("two certificates") };
    assert_eq!(ca.validity().not_after, root.validity().not_after);
}

#[test]
fn nothing_is_issued_outside_the_life_of_the_ca() {
    let mesh = Mesh::new(&["west"]);
    let issuer = mesh.issuer("west");
    let issue = |at| issuer.issue(mesh.grant(KeyAlgorithm::EcdsaP256, "spiffe://mesh.example/a"), &Profile::workload(), crypto().entropy(), at);
    let validity = issuer.path().validity();
    assert!(matches!(issue(validity.not_before.minus(Duration::from_secs(1))), Err(IssueError::ClockBeforeCa { .. })));
    assert!(matches!(issue(validity.not_after.plus(Duration::from_secs(1))), Err(IssueError::CaExpired { .. })));
    assert!(matches!(issue(validity.not_after), Err(IssueError::CaExpired { .. })));
    assert!(issue(validity.not_before).is_ok());
}

#[test]
fn a_request_gets_the_granted_identity_or_nothing() {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto()).unwrap().signer(&crypto()).unwrap();
    let csr = Csr::for_workload(&*key, &id("spiffe://mesh.example/ns/a/sa/b")).unwrap();
    let request = csr.prove(&crypto()).unwrap();
    let denial = Authorized::workload(request, id("spiffe://mesh.example/ns/a/sa/c")).unwrap_err();
    assert!(matches!(denial, Denial::OtherIdentity { .. }), "{denial}");
}

#[test]
fn an_issuer_serves_only_its_own_trust_domain() {
    let mesh = Mesh::new(&["west"]);
    let grant = mesh.grant(KeyAlgorithm::EcdsaP256, "spiffe://other.example/a");
    let refused = mesh.issuer("west").issue(grant, &Profile::workload(), crypto().entropy(), now()).unwrap_err();
    assert_eq!(refused.code(), "issue.foreign_trust_domain");
}

#[test]
fn a_cluster_ca_signs_no_ca() {
    let mesh = Mesh::new(&["west"]);
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto()).unwrap().signer(&crypto()).unwrap();
    let request = meshroot::csr::ProvenRequest::from_signer(&*key, &crypto()).unwrap();
    let name = meshroot::x509::DistinguishedName::new("mesh.example", "below");
    let grant = Authorized::authority(request, mesh.trust_domain(), name).unwrap();
    let refused = mesh.issuer("west").issue(grant, &Profile::cluster_ca(), crypto().entropy(), now()).unwrap_err();
    assert!(refused.to_string().contains("CA certificates below it"), "{refused}");
}

#[test]
fn a_signature_by_another_key_never_leaves() {
    let mesh = Mesh::new(&["west"]);
    let other = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto()).unwrap().signer(&crypto()).unwrap();
    let grant = mesh.grant(KeyAlgorithm::EcdsaP256, "spiffe://mesh.example/a");
    let serial = meshroot::x509::SerialNumber::generate(crypto().entropy()).unwrap();
    let tbs = mesh.issuer("west").prepare(grant, &Profile::workload(), serial, now()).unwrap();
    let forged = other.sign(tbs.message()).unwrap();
    assert_eq!(tbs.complete(&forged).unwrap_err().code(), "issue.not_valid");
}

#[test]
fn the_certificate_carries_exactly_the_key_that_came_in() {
    let mesh = Mesh::new(&["west"]);
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519] {
        let key = PrivateKey::generate(algorithm, &crypto()).unwrap().signer(&crypto()).unwrap();
        let request = Csr::for_workload(&*key, &id("spiffe://mesh.example/a")).unwrap().prove(&crypto()).unwrap();
        let grant = Authorized::workload(request, id("spiffe://mesh.example/a")).unwrap();
        let issued = mesh.issuer("west").issue(grant, &Profile::workload(), crypto().entropy(), now()).unwrap();
        assert_eq!(Certificate::from_der(issued.der()).unwrap().public_key().spki_der(), key.public_key().spki_der());
    }
}

#[test]
fn a_remembered_link_costs_one_verification_and_is_forgotten_with_its_bundle() {
    let mesh = Mesh::new(&["west"]);
    let counting = common::Counting::new();
    let validator = Validator::new(&mesh.map(), counting.crypto());
    let mut links = CaLinks::new();
    let leaf = || mesh.issue("west", KeyAlgorithm::EcdsaP256, "spiffe://mesh.example/a");
    validator.validate_with(&leaf().chain_der(), &CrlSet::empty(), now(), &mut links).unwrap();
    assert_eq!(counting.take(), (0, 2));
    validator.validate_with(&leaf().chain_der(), &CrlSet::empty(), now(), &mut links).unwrap();
    assert_eq!(counting.take(), (0, 1));
    let other = Mesh::new(&["west"]);
    let stranger = Validator::new(&other.map(), counting.crypto());
    assert_eq!(stranger.validate_with(&leaf().chain_der(), &CrlSet::empty(), now(), &mut links).unwrap_err().code(), "verify.unknown_issuer");
}

#[test]
fn issuing_costs_one_signature_and_two_verifications() {
    let counting = common::Counting::new();
    let mesh = Mesh::new_on(&["west"], Profile::root_ca(), Profile::cluster_ca(), counting.crypto());
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto()).unwrap().signer(&crypto()).unwrap();
    let csr = Csr::for_workload(&*key, &id("spiffe://mesh.example/a")).unwrap();
    let issuer = mesh.issuer("west");
    counting.take();
    let request = Csr::from_der(csr.der()).unwrap().prove(&counting.crypto()).unwrap();
    let grant = Authorized::workload(request, id("spiffe://mesh.example/a")).unwrap();
    issuer.issue(grant, &Profile::workload(), crypto().entropy(), now()).unwrap();
    assert_eq!(counting.take(), (1, 2));
}

#[test]
fn an_expired_chain_is_refused_to_the_second() {
    let mesh = Mesh::new(&["west"]);
    let issued = mesh.issue("west", KeyAlgorithm::EcdsaP256, "spiffe://mesh.example/a");
    let validator = Validator::new(&mesh.map(), crypto());
    let end = issued.validity().not_after;
    assert!(validator.validate(&issued.chain_der(), &CrlSet::empty(), end).is_ok());
    let late = validator.validate(&issued.chain_der(), &CrlSet::empty(), end.plus(Duration::from_secs(1))).unwrap_err();
    assert_eq!(late.code(), "verify.expired");
    let early = validator.validate(&issued.chain_der(), &CrlSet::empty(), issued.validity().not_before.minus(Duration::from_secs(1))).unwrap_err();
    assert_eq!(early.code(), "verify.not_yet_valid");
}

#[test]
fn a_bundle_validates_only_its_own_trust_domain() {
    // Two trust domains that trust the very same root: only the trust domain of the leaf decides.
    let mesh = Mesh::new(&["west"]);
    let root = mesh.issuer("west").path().certificates()[1].clone();
    let other = meshroot::bundle::Bundle::new(meshroot::spiffe::TrustDomain::parse("other.example").unwrap()).with_x509_authorities([root]).unwrap();
    let validator = Validator::new(&common::map_of(other), crypto());
    let issued = mesh.issue("west", KeyAlgorithm::EcdsaP256, "spiffe://mesh.example/a");
    assert_eq!(validator.validate(&issued.chain_der(), &CrlSet::empty(), now()).unwrap_err().code(), "verify.unknown_trust_domain");
}

#[test]
fn peers_of_the_old_root_find_the_new_one_through_a_cross_signature() {
    let old = Mesh::new(&["west"]);
    let new = Mesh::new(&["west"]);
    let new_root = new.issuer("west").path().certificates()[1].clone();
    let cross = old.root_issuer().cross_sign(&new_root, &Profile::subordinate_ca(), crypto().entropy(), now()).unwrap();
    let leaf = new.issue("west", KeyAlgorithm::EcdsaP256, "spiffe://mesh.example/a");
    let validator = Validator::new(&old.map(), crypto());
    assert!(validator.validate(&leaf.chain_der(), &CrlSet::empty(), now()).is_err());
    let mut chain = leaf.chain_der();
    chain.push(cross.der());
    assert_eq!(validator.validate(&chain, &CrlSet::empty(), now()).unwrap().path().len(), 3);
}

#[test]
fn a_root_that_the_peer_sends_is_not_trusted_for_that() {
    let (ours, theirs) = (Mesh::new(&["west"]), Mesh::new(&["west"]));
    let leaf = theirs.issue("west", KeyAlgorithm::EcdsaP256, "spiffe://mesh.example/a");
    let their_root = theirs.issuer("west").path().certificates()[1].clone();
    let mut chain = leaf.chain_der();
    chain.push(their_root.der());
    let refused = Validator::new(&ours.map(), crypto()).validate(&chain, &CrlSet::empty(), now()).unwrap_err();
    assert_eq!(refused.code(), "verify.unknown_issuer");
    assert!(Validator::new(&theirs.map(), crypto()).validate(&chain, &CrlSet::empty(), now()).is_ok(), "a root in the chain is no fault either");
}
