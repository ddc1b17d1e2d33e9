//! Three clusters whose API servers call themselves the same, and the rotation of their keys.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::time::Duration;

use meshroot::hierarchy::ClusterName;
use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot::token::{ClusterIssuer, Expected, Issuers, KeySet, ServiceAccountToken, TokenError};
use meshroot_testkit::kubernetes::{self, ApiServer, ISSUER, KEYS, Node, Pod, SigningKey, TokenRequest};
use serde_json::json;

/// 2026-12-01T00:00:00Z
const NOW: Timestamp = Timestamp::from_unix(1_796_083_200);

const NAMES: [&str; 3] = ["west", "east", "north"];

fn key(which: usize) -> SigningKey {
    SigningKey::from_pem(KEYS[which]).unwrap()
}

fn pod() -> Pod {
    Pod::new(&Node::new("node-1.west"), "shop", "cart", "cart-5d8f7c9b6-x2x7p")
}

fn key_set(server: &ApiServer) -> KeySet {
    let (keys, ignored) = KeySet::from_jwks(server.jwks().as_bytes(), &Crypto::ring()).unwrap();
    assert_eq!(ignored, []);
    keys
}

fn issuers(servers: &[&ApiServer]) -> Issuers {
    let of = |(name, server): (&&str, &&ApiServer)| ClusterIssuer {
        cluster: ClusterName::parse(name).unwrap(),
        issuer: server.issuer().into(),
        keys: key_set(server),
    };
    Issuers::new(NAMES.iter().zip(servers).map(of).collect()).0
}

fn verify(issuers: &Issuers, token: &str) -> Result<ServiceAccountToken, TokenError> {
    issuers.verify(token, &Expected::audience("istio-ca"), &Crypto::ring(), NOW.plus(Duration::from_secs(60)))
}

#[test]
fn a_token_says_all_that_kubernetes_says_of_a_pod() {
    let (server, pod) = (ApiServer::new(key(0)), pod());
    let token = verify(&issuers(&[&server]), &server.token(&pod, &TokenRequest::istio(NOW)).unwrap()).unwrap();
    assert_eq!((token.namespace(), token.service_account()), ("shop", "cart"));
    assert_eq!(token.issuer(), ISSUER);
    assert_eq!(token.service_account_uid(), pod.service_account_uid());
    assert_eq!(token.pod().map(|bound| (bound.name.as_str(), bound.uid.as_deref())), Some((pod.name.as_str(), Some(pod.uid.as_str()))));
    assert_eq!(token.node().map(|bound| (bound.name.as_str(), bound.uid.as_deref())), Some(("node-1.west", Some(pod.node.uid.as_str()))));
    assert_eq!((token.issued_at(), token.expires_at()), (NOW, NOW.plus(Duration::from_secs(43_200))));
    assert_eq!(token.warn_after(), None);
}

#[test]
fn the_api_servers_own_tokens_live_longer_and_warn() {
    let (server, pod) = (ApiServer::new(key(0)), pod());
    let request = TokenRequest { audience: ISSUER.into(), lifetime: Duration::from_secs(3_607), at: NOW };
    let token = server.token(&pod, &request).unwrap();
    let expected = Expected::audience(ISSUER).with_max_lifetime(Duration::from_secs(32_000_000));
    let token = issuers(&[&server]).verify(&token, &expected, &Crypto::ring(), NOW).unwrap();
    assert_eq!(token.warn_after(), Some(NOW.plus(Duration::from_secs(3_607))));
    assert_eq!(token.expires_at(), NOW.plus(Duration::from_secs(31_536_000)));
}

#[test]
fn three_clusters_of_one_name_are_told_apart_by_their_keys() {
    let servers = [0, 1, 2].map(|which| ApiServer::new(key(which)));
    let issuers = issuers(&servers.each_ref());
    for (server, name) in servers.iter().zip(NAMES) {
        let token = verify(&issuers, &server.token(&pod(), &TokenRequest::istio(NOW)).unwrap()).unwrap();
        assert_eq!(token.cluster().as_str(), name);
    }
}

#[test]
fn a_clusters_keys_are_rotated_without_a_gap_and_the_old_one_ends() {
    let (mut server, request) = (ApiServer::new(key(0)), TokenRequest::istio(NOW));
    let before = server.token(&pod(), &request).unwrap();
    server.rotate(key(1));
    let after = server.token(&pod(), &request).unwrap();
    assert_ne!(before, after);
    let both = issuers(&[&server]);
    assert!(verify(&both, &before).is_ok());
    assert!(verify(&both, &after).is_ok());
    server.retire_older_keys();
    let one = issuers(&[&server]);
    assert!(matches!(verify(&one, &before).unwrap_err(), TokenError::UnknownKey { .. }));
    assert!(verify(&one, &after).is_ok());
}

#[test]
fn a_changed_claim_or_another_audience_is_refused() {
    let server = ApiServer::new(key(0));
    let issuers = issuers(&[&server]);
    let request = TokenRequest::istio(NOW);
    let other = server.token(&pod(), &request.clone().for_audience("vault")).unwrap();
    assert!(matches!(verify(&issuers, &other).unwrap_err(), TokenError::Audience { .. }));
    let odd = server.token_with(&pod(), &request, |claims| claims["sub"] = "system:serviceaccount:shop:pay".into()).unwrap();
    assert!(matches!(verify(&issuers, &odd).unwrap_err(), TokenError::SubjectMismatch { .. }));
}

#[test]
fn a_key_on_p256_signs_what_a_test_writes_down() {
    let key = SigningKey::p256("w").unwrap();
    let (keys, ignored) = KeySet::from_jwks(kubernetes::key_set([&key]).as_bytes(), &Crypto::ring()).unwrap();
    assert_eq!(ignored, []);
    let of = |keys| Issuers::new(vec![ClusterIssuer { cluster: ClusterName::parse("west").unwrap(), issuer: ISSUER.into(), keys }]).0;
    let claims = json!({
        "iss": ISSUER, "aud": ["istio-ca"], "sub": "system:serviceaccount:shop:cart", "iat": NOW.unix(), "exp": NOW.unix() + 600,
        "kubernetes.io": { "namespace": "shop", "serviceaccount": { "name": "cart", "uid": "5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0001" } },
    });
    let token = key.sign(&claims).unwrap();
    assert_eq!(verify(&of(keys), &token).unwrap().service_account(), "cart");
    // Another key of the same name.
    let (others, _) = KeySet::from_jwks(kubernetes::key_set([&SigningKey::p256("w").unwrap()]).as_bytes(), &Crypto::ring()).unwrap();
    assert!(matches!(verify(&of(others), &token), Err(TokenError::BadSignature)));
}
