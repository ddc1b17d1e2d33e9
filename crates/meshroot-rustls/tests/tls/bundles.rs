//! Bundles are replaced while connections go on, and never by older ones.

use std::sync::Arc;

use meshroot::bundle::Rollback;
use meshroot::key::Crypto;
use meshroot::revocation::{Coverage, CrlNumber, CrlSet, RevocationList, RevocationReason};
use meshroot_rustls::{Credential, Identity, Peers, Trust, client_config, server_config};
use rustls::{ClientConfig, ServerConfig};

use crate::mesh::{Mesh, NOW, map};
use crate::shake::shake;

/// A client, a server, and whom the server believes.
fn ends(mesh: &Mesh) -> (Arc<ClientConfig>, Arc<ServerConfig>, Arc<Trust>) {
    let trust = mesh.trust();
    let client = client_config(&mesh.trust(), &mesh.identity("/cart"), Peers::trusted(), &[]).unwrap();
    let server = server_config(&trust, &mesh.identity("/shop"), Peers::trusted(), &[]).unwrap();
    (Arc::new(client), Arc::new(server), trust)
}

#[test]
fn a_removed_root_counts_from_the_next_handshake_on_and_open_connections_go_on() {
    let (mesh, next) = (Mesh::new("mesh.example"), Mesh::new("mesh.example"));
    let (client, server, trust) = ends(&mesh);
    let mut open = shake(&client, &server).unwrap();

    let both = mesh.bundle.add(next.root()).unwrap();
    trust.replace(both.clone().into()).unwrap();
    assert!(shake(&client, &server).unwrap().works());
    let without = both.remove(&mesh.root()).unwrap();
    trust.replace(without.clone().into()).unwrap();
    assert_eq!(shake(&client, &server).unwrap_err().by_server().code(), "verify.unknown_issuer");
    assert!(open.works());

    trust.replace(without.add(mesh.root()).unwrap().into()).unwrap();
    assert!(shake(&client, &server).unwrap().works());
    assert!(open.works());
}

#[test]
fn a_trust_domain_that_is_taken_out_is_not_believed_any_more() {
    let mesh = Mesh::new("mesh.example");
    let (client, server, trust) = ends(&mesh);
    assert!(shake(&client, &server).unwrap().works());
    trust.replace(map([])).unwrap();
    assert_eq!(shake(&client, &server).unwrap_err().by_server().code(), "verify.unknown_trust_domain");
}

#[test]
fn a_bundle_never_goes_back() {
    let (mesh, other) = (Mesh::new("mesh.example"), Mesh::new("mesh.example"));
    let (old, new) = (mesh.bundle.clone(), mesh.bundle.add(other.root()).unwrap());
    let trust = mesh.trust();
    trust.replace(new.clone().into()).unwrap();

    let refused = trust.replace(old.clone().into()).unwrap_err();
    assert_eq!(refused.reason, Rollback::Older { held: 2, offered: 1 });
    assert_eq!(refused.code(), "bundle.rollback.older");
    assert!(refused.to_string().starts_with("the bundle of 'mesh.example' is not taken over: "), "{refused}");
    let same = trust.replace(old.clone().with_sequence(2).into()).unwrap_err();
    assert_eq!(same.reason, Rollback::SameSequence { sequence: 2 });
    assert_eq!(trust.bundles(), new.clone().into());

    // Not by way of taking the trust domain out, either.
    trust.replace(map([])).unwrap();
    assert_eq!(trust.replace(old.clone().into()).unwrap_err().reason, Rollback::Older { held: 2, offered: 1 });
    assert!(trust.bundles().is_empty());

    // An operator who knows better says so, and that counts from then on.
    trust.replace_even_by_older(old.clone().into());
    trust.replace(old.clone().into()).unwrap();
    assert_eq!(trust.bundles(), old.into());
}

#[test]
fn one_bundle_that_goes_back_keeps_all_from_being_replaced() {
    let (ours, theirs) = (Mesh::new("mesh.example"), Mesh::new("partner.example"));
    let held = map([&ours.bundle.clone().with_sequence(5), &theirs.bundle.clone().with_sequence(5)]);
    let trust = Trust::new(held.clone(), Crypto::ring());
    let offered = map([&ours.bundle.clone().with_sequence(6), &theirs.bundle.clone().with_sequence(4)]);
    assert_eq!(trust.replace(offered).unwrap_err().trust_domain.as_str(), "partner.example");
    assert_eq!(trust.bundles(), held);
    // Nor was our newer one remembered.
    trust.replace(held).unwrap();
}

#[test]
fn a_revoked_certificate_counts_from_the_next_handshake_on() {
    let mesh = Mesh::new("mesh.example");
    let (key, issued) = mesh.issue("/cart");
    let credential = Credential::from_der(&issued.chain_der(), key.pkcs8_der(), &Crypto::ring()).unwrap();
    let cart = Arc::new(Identity::new(credential));
    let (_, server, trust) = ends(&mesh);
    let client = Arc::new(client_config(&mesh.trust(), &cart, Peers::trusted(), &[]).unwrap());
    let mut open = shake(&client, &server).unwrap();

    let list = RevocationList::new(CrlNumber::from(1), NOW, NOW.plus(std::time::Duration::from_secs(86_400)));
    let list = list.revoke(issued.serial().clone(), NOW, Some(RevocationReason::KeyCompromise));
    let crl = list.sign(&mesh.ca.0, &*mesh.ca.1, &Crypto::ring()).unwrap();
    trust.replace_crls(CrlSet::new(vec![crl]).with_coverage(Coverage::WhatIsThere));
    assert_eq!(shake(&client, &server).unwrap_err().by_server().code(), "verify.revoked");
    assert!(open.works());

    // A new bundle keeps the lists; another certificate of the same workload is good.
    trust.replace(mesh.bundle.clone().with_sequence(2).into()).unwrap();
    assert_eq!(shake(&client, &server).unwrap_err().by_server().code(), "verify.revoked");
    cart.replace(mesh.credential("/cart"));
    assert!(shake(&client, &server).unwrap().works());
}
