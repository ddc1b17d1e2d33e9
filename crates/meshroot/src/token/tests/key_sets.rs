use serde_json::{Value, json};

use super::super::testing::*;
use super::super::{KeySet, KeySetError};
use crate::key::{Crypto, KeyAlgorithm};

fn read(document: &Value) -> Result<KeySet, KeySetError> {
    KeySet::from_jwks(document.to_string().as_bytes(), &Crypto::ring()).map(|(keys, _)| keys)
}

/// The code of the only key's fault.
fn ignored(jwk: Value) -> &'static str {
    let (keys, ignored) = KeySet::from_jwks(json!({ "keys": [jwk] }).to_string().as_bytes(), &Crypto::ring()).unwrap();
    assert!(keys.is_empty());
    assert!(ignored[0].to_string().starts_with("keys[0]"));
    ignored[0].reason.code()
}

#[test]
fn every_kind_of_key_that_kubernetes_may_have_is_read() {
    for cluster in [Cluster::rsa("west", 0), Cluster::generated("west", KeyAlgorithm::EcdsaP256), Cluster::generated("west", KeyAlgorithm::EcdsaP384)]
    {
        let keys = cluster.keys();
        let only: Vec<_> = keys.keys().collect();
        assert_eq!(only, [(cluster.kid.as_str(), cluster.signer.public_key().algorithm(), Some(cluster.kid.as_str()))]);
        assert_eq!(keys.keys[0].key, *cluster.signer.public_key());
        // With less said about it, it is the same key.
        let bare = key_set(&[bare_jwk(cluster.signer.public_key())]);
        assert_eq!(bare.keys[0].digest, keys.keys[0].digest);
        let mut with_operations = cluster.jwk();
        with_operations["key_ops"] = json!(["verify"]);
        assert_eq!(key_set(&[with_operations]), keys);
    }
}

#[test]
fn a_key_that_cannot_be_used_is_told_and_the_others_stay() {
    let west = Cluster::rsa("west", 0);
    let (keys, ignored) = KeySet::from_jwks(json!({ "keys": [{ "kty": "new" }, west.jwk()] }).to_string().as_bytes(), &Crypto::ring()).unwrap();
    assert_eq!((keys, ignored.len(), ignored[0].index), (west.keys(), 1, 0));
}

#[test]
fn every_unusable_key_says_why() {
    let jwk = Cluster::rsa("west", 0).jwk();
    let with = |member: &str, value: Value| {
        let mut changed = jwk.clone();
        changed[member] = value;
        ignored(changed)
    };
    assert_eq!(with("use", json!("enc")), "token.key.not_for_signatures");
    assert_eq!(with("key_ops", json!(["sign"])), "token.key.not_for_signatures");
    assert_eq!(with("key_ops", json!([])), "token.key.not_for_signatures");
    assert_eq!(with("alg", json!("PS256")), "token.key.other_algorithm");
    assert_eq!(with("alg", json!("none")), "token.key.other_algorithm");
    assert_eq!(with("alg", json!(7)), "bundle.entry.bad_member");
    assert_eq!(with("kid", json!(7)), "bundle.entry.bad_member");
    assert_eq!(with("d", json!("AQAB")), "bundle.entry.private_key");
    assert_eq!(with("kty", json!("oct")), "bundle.entry.unknown_key_type");
    assert_eq!(with("e", json!("Aw")), "key.rsa_exponent");
    assert_eq!(with("n", json!("AQAB")), "key.rsa_size");
    assert_eq!(with("n", json!("AQ=B")), "bundle.entry.bad_member");
    assert_eq!(ignored(Cluster::generated("west", KeyAlgorithm::Ed25519).jwk()), "token.key.not_of_kubernetes");

    let ec = Cluster::generated("west", KeyAlgorithm::EcdsaP256).jwk();
    let mut off_curve = ec.clone();
    off_curve["y"] = ec["x"].clone();
    assert_eq!(ignored(off_curve), "key.point_not_on_curve");
    let mut other_algorithm = ec;
    other_algorithm["alg"] = json!("ES384");
    assert_eq!(ignored(other_algorithm), "token.key.other_algorithm");
}

#[test]
fn a_member_of_a_key_that_is_there_twice_refuses_the_key() {
    let jwk = Cluster::rsa("west", 0).jwk().to_string();
    let document = format!(r#"{{"keys":[{}]}}"#, jwk.replacen('{', r#"{"n":"AQAB","#, 1));
    let (keys, ignored) = KeySet::from_jwks(document.as_bytes(), &Crypto::ring()).unwrap();
    assert!(keys.is_empty());
    assert_eq!(ignored[0].reason.code(), "bundle.entry.duplicate_member");
}

#[test]
fn what_is_no_key_set_is_refused() {
    for bad in [json!([]), json!({}), json!({ "keys": null }), json!({ "keys": [7] }), json!("keys")] {
        assert_eq!(read(&bad).unwrap_err().code(), "token.keys.malformed", "{bad}");
    }
    assert!(read(&json!({ "keys": [] })).unwrap().is_empty());
    let twice = br#"{"keys":[],"keys":[]}"#;
    assert_eq!(KeySet::from_jwks(twice, &Crypto::ring()).unwrap_err().code(), "token.keys.malformed");
    let many = vec![json!({ "kty": "new" }); 65];
    assert_eq!(read(&json!({ "keys": many })).unwrap_err(), KeySetError::TooManyKeys { limit: 64 });
    let long = json!({ "keys": [], "filler": "x".repeat(256 * 1024) });
    assert_eq!(read(&long).unwrap_err().code(), "token.keys.too_large");
}

#[test]
fn a_key_that_is_there_twice_counts_once() {
    let west = Cluster::rsa("west", 0);
    assert_eq!(key_set(&[west.jwk(), west.jwk()]).len(), 1);
    assert!(west.keys().changes_since(&key_set(&[west.jwk(), west.clone().called("too").jwk()])).is_empty());
}
