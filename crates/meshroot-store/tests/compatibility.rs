//! Every version opens what any earlier one made.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use meshroot::hierarchy::{ClusterName, Hierarchy};
use meshroot::key::Crypto;
use meshroot::key::seal::{SealContext, SealedKey, UnlockSecret, WrappedDataKey};
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;
use meshroot_store::{Issuance, Query, SqliteStore, Store, StoreKind};
use support::{Mesh, NOW};

#[test]
fn a_store_of_version_1_opens() {
    opens("store-v1");
}

#[test]
fn a_store_of_version_3_opens() {
    opens("store-v3");
}

#[test]
fn a_store_of_version_4_opens() {
    // Its second certificate is kept as what differs from the first: the form is in the file.
    let (_folder, path) = copied(&fixture("store-v4"));
    assert_eq!(kept(&path)[1][..2], [1, 1]);
    opens("store-v4");
}

#[test]
fn what_an_older_version_recorded_stays_as_it_is_and_new_certificates_are_kept_as_differences() {
    let (_folder, path) = copied(&fixture("store-v3"));
    let before = kept(&path);
    let store = SqliteStore::open(&path).unwrap();
    let (held, mesh) = (store.issuances(&Query::default()).unwrap(), Mesh::new("mesh.example"));
    assert_eq!(before, held.iter().map(|row| row.certificate.clone()).collect::<Vec<_>>());
    let issuance = || Issuance {
        issued: mesh.issue("/ns/shop/sa/cart"),
        trust_domain: mesh.trust_domain.clone(),
        authority: held[0].authority.clone(),
        kind: held[0].kind.clone(),
        caller: "operator".into(),
        at: NOW,
        since: NOW,
    };
    store.record_one(issuance()).unwrap();
    let recorded = store.record_one(issuance()).unwrap();
    assert_eq!(store.issuances(&Query { after: 3, ..Query::default() }).unwrap()[0].certificate, recorded.der());
    let after = kept(&path);
    assert_eq!(after[..2], before);
    assert!(after[3].len() * 3 < recorded.der().len() * 2, "{} of {} octets", after[3].len(), recorded.der().len());
}

/// What the log of a store keeps of its certificates.
fn kept(path: &Path) -> Vec<Vec<u8>> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let mut select = connection.prepare("SELECT certificate FROM issuances ORDER BY position").unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A copy of a store, with its mark if it had one.
fn copied(fixture: &Path) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["mesh.db", "mesh.db-mark"].into_iter().filter(|name| fixture.join(name).exists()) {
        fs::copy(fixture.join(name), folder.path().join(name)).unwrap();
    }
    let path = folder.path().join("mesh.db");
    (folder, path)
}

/// Opens it, and reads everything.
fn opens(name: &str) {
    let fixture = fixture(name);
    let (_folder, path) = copied(&fixture);
    let crypto = Crypto::ring();
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!((store.meta().kind, store.meta().created_at), (StoreKind::Mesh, Timestamp::from_unix(1_800_000_000)));

    let loaded = store.load().unwrap();
    assert_eq!((loaded.version, loaded.trust_domains.len()), (1, 1));
    let held = loaded.trust_domain(&TrustDomain::parse("mesh.example").unwrap()).unwrap();
    let hierarchy = Hierarchy::replay(held.trust_domain.clone(), &held.events);
    let bundle = held.bundle.as_ref().unwrap();
    assert_eq!((bundle.sequence, hierarchy.bundle().unwrap().to_spiffe_json().into_bytes()), (1, bundle.bytes.clone()));

    // The key of west opens with the unlock file, and is the key of its certificate.
    let west = hierarchy.active_cluster_ca(&ClusterName::parse("west").unwrap()).unwrap();
    let (certificate, id) = (west.certificate().unwrap(), store.meta().id.as_str());
    let unlock = UnlockSecret::from_file(&fs::read(fixture.join("unlock.key")).unwrap()).unwrap();
    let data_key = WrappedDataKey::from_bytes(&store.wrapped_data_key().unwrap()).unwrap().unwrap(&unlock, id, &crypto).unwrap();
    let sealed = SealedKey::from_bytes(&store.sealed_key(hierarchy.trust_domain(), west.id()).unwrap().unwrap()).unwrap();
    let context = SealContext { store: id, authority: west.id().as_str(), public_key: certificate.public_key() };
    let key = data_key.open(&crypto, &context, &sealed).unwrap();
    assert_eq!(key.public_key(), certificate.public_key());
    assert!(!holds(&fs::read(&path).unwrap(), secret_of(key.pkcs8_der())), "the key is in the file in plain");

    let log = store.issuances(&Query::default()).unwrap();
    let ids: Vec<_> = log.iter().map(|row| row.id.as_ref().unwrap().path()).collect();
    assert_eq!(ids, ["/ns/shop/sa/cart", "/ns/shop/sa/till"]);
    for row in &log {
        let leaf = Certificate::from_der(&row.certificate).unwrap();
        leaf.verify_signature(certificate.public_key(), &crypto).unwrap();
    }
    let last = store.last_expiry(hierarchy.trust_domain(), west.id(), store.meta().created_at).unwrap();
    assert_eq!(last, log.iter().map(|row| row.validity.not_after).max());
}

/// The secret scalar of an EC key: in PKCS#8 it follows `INTEGER 1, OCTET STRING (32)`.
fn secret_of(pkcs8: &[u8]) -> &[u8] {
    let start = pkcs8.windows(5).position(|window| window == [2, 1, 1, 4, 32]).unwrap() + 5;
    &pkcs8[start..start + 32]
}

fn holds(file: &[u8], secret: &[u8]) -> bool {
    file.windows(secret.len()).any(|window| window == secret)
}
