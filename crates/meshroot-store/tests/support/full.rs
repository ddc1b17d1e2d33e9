//! A store with some of everything.
#![allow(clippy::unwrap_used, reason = "tests may be blunt")]
#![allow(dead_code, unreachable_pub, reason = "every test program uses its own part of it")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use meshroot::hierarchy::ClusterName;
use meshroot::revocation::{CrlNumber, RevocationList, RevocationReason};
use meshroot::x509::SerialNumber;
use meshroot_store::{
    CaRequest, CaRequestId, Change, Denial, Idempotency, Issuance, JoinToken, Lift, PublishedCrl, RenderedBundle, Restoration, Revocation,
    RevocationChange, Store, Submission, TokenDigest, TokenScope,
};

use crate::conformance::{first_change, issuance, no_change};
use crate::support::{Mesh, NOW};

const DAY: Duration = Duration::from_secs(86_400);

/// Fills an empty store: several trust domains, parts of the log that are gone, a restoration, and what else there can be.
pub fn fill(store: &dyn Store) {
    let (mesh, other) = (Mesh::new("mesh.example"), Mesh::new("other.example"));
    store.commit(&first_change(&mesh, 0)).unwrap();
    store.commit(&first_change(&other, 1)).unwrap();
    store.commit(&Change { bundle: Some(RenderedBundle { sequence: 5, bytes: b"five".to_vec() }), ..no_change(&mesh, 2) }).unwrap();
    for digest in 1..=3 {
        let scope = if digest == 2 { TokenScope::ClusterCa } else { TokenScope::Workload(mesh.id("/ns/shop/sa/cart")) };
        store.add_token(&token(&mesh, digest, scope)).unwrap();
    }
    // Long ago, to be let go of.
    store.record((0..3).map(|_| issuance(&mesh, "/ns/shop/sa/old")).collect()).unwrap();
    let later = NOW.plus(DAY * 40);
    let at = |mesh: &Mesh, path: &str| {
        let serial = SerialNumber::generate(meshroot::key::Crypto::ring().entropy()).unwrap();
        Issuance { issued: mesh.issue_with(path, serial, later), at: later, since: later.minus(DAY), ..issuance(mesh, path) }
    };
    while store.maintain(later, DAY).unwrap().more {}
    let name = Idempotency { caller: "west, ü".into(), key: "k\"1".into(), request: [7; 32], expires_at: later.plus(DAY) };
    let submissions = vec![
        Submission { idempotency: Some(name), consumes: Some(TokenDigest([1; 32])), ..at(&mesh, "/ns/shop/sa/cart").into() },
        at(&other, "/ns/shop/sa/till").into(),
    ];
    for outcome in store.submit(submissions).unwrap() {
        outcome.unwrap();
    }
    while store.maintain(later, DAY).unwrap().more {}
    let revoked = Revocation {
        trust_domain: mesh.trust_domain.clone(),
        authority: mesh.west.clone(),
        serial: SerialNumber::from_bytes(&[0x42; 20]),
        id: Some(mesh.id("/ns/shop/sa/cart")),
        not_after: later,
        reason: RevocationReason::KeyCompromise,
        at: NOW,
        by: "operator".into(),
    };
    let denial = |path: &str| Denial {
        number: 0,
        id: mesh.id(path),
        reason: RevocationReason::KeyCompromise,
        at: NOW,
        by: "operator".into(),
        expires_at: None,
    };
    let denied = vec![denial("/ns/shop/sa/thief"), denial("/ns/shop/sa/sorry")];
    let crls = vec![crl(&mesh, &revoked)];
    store.commit_revocations(&RevocationChange { revoked: vec![revoked], denied, crls, ..RevocationChange::new(0, NOW) }).unwrap();
    let lifted = vec![Lift { denial: 2, by: "operator".into() }];
    store.commit_revocations(&RevocationChange { lifted, ..RevocationChange::new(1, NOW) }).unwrap();
    let change = Change { bundle: Some(RenderedBundle { sequence: 1_000, bytes: b"a thousand".to_vec() }), ..no_change(&mesh, 3) };
    let request = CaRequest {
        id: CaRequestId([9; 16]),
        number: 0,
        trust_domain: mesh.trust_domain.clone(),
        cluster: ClusterName::parse("north").unwrap(),
        profile: "cluster_ca".into(),
        lifetime: DAY,
        csr: vec![0, 255, 7],
        caller: "operator".into(),
        token: Some(TokenDigest([2; 32])),
        at: NOW,
        answered: None,
    };
    store.add_ca_request(&request).unwrap();
    store.restored(&Restoration { by: "operator".into(), at: later, changes: vec![change] }).unwrap();
    store.record((0..2).map(|_| at(&mesh, "/ns/shop/sa/cart")).collect()).unwrap();
}

fn crl(mesh: &Mesh, revoked: &Revocation) -> PublishedCrl {
    let crypto = meshroot::key::Crypto::ring();
    let list = RevocationList::new(CrlNumber::from(7), NOW, NOW.plus(DAY)).revoke(revoked.serial.clone(), revoked.at, Some(revoked.reason));
    let crl = list.sign(mesh.issuer.path().signing().unwrap(), &*mesh.west_key.signer(&crypto).unwrap(), &crypto).unwrap();
    PublishedCrl { trust_domain: mesh.trust_domain.clone(), authority: mesh.west.clone(), crl }
}

fn token(mesh: &Mesh, digest: u8, scope: TokenScope) -> JoinToken {
    JoinToken {
        digest: TokenDigest([digest; 32]),
        trust_domain: mesh.trust_domain.clone(),
        cluster: ClusterName::parse("west").unwrap(),
        scope,
        created_by: "operator".into(),
        created_at: NOW,
        expires_at: NOW.plus(DAY * 60),
        used_by: None,
    }
}

/// All files of a folder.
pub fn files(folder: &Path) -> BTreeMap<String, String> {
    let name = |entry: &std::fs::DirEntry| entry.file_name().into_string().unwrap();
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (name(&entry), std::fs::read_to_string(entry.path()).unwrap())).collect()
}
