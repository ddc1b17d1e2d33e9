use std::time::Duration;

use serde_json::{Value, json};

use super::super::testing::*;
use super::super::{Expected, Issuers, ServiceAccountToken, TokenError};
use crate::key::{Crypto, KeyAlgorithm};
use crate::time::Timestamp;

fn west() -> (Cluster, Issuers) {
    let west = Cluster::generated("west", KeyAlgorithm::EcdsaP256);
    let issuers = issuers(std::slice::from_ref(&west));
    (west, issuers)
}

fn with(edit: impl FnOnce(&mut Value)) -> Result<ServiceAccountToken, TokenError> {
    let (west, issuers) = west();
    verify(&issuers, &west.mint_claims(edit))
}

fn code(edit: impl FnOnce(&mut Value)) -> &'static str {
    with(edit).unwrap_err().code()
}

fn without(claim: &'static str) -> TokenError {
    with(|claims| {
        claims.as_object_mut().unwrap().remove(claim).unwrap();
    })
    .unwrap_err()
}

#[test]
fn a_projected_token_says_who_its_pod_is() {
    let token = with(|_| ()).unwrap();
    assert_eq!((token.cluster().as_str(), token.issuer()), ("west", ISSUER));
    assert_eq!((token.namespace(), token.service_account()), ("shop", "cart"));
    assert_eq!(token.pod().unwrap().uid.as_deref(), Some("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"));
    assert_eq!(token.warn_after(), None);
    // TokenRequest by hand is bound to nothing, or to a Secret; Kubernetes before 1.30 names no node.
    for object in ["pod", "node"] {
        let token = with(|claims| {
            claims["kubernetes.io"].as_object_mut().unwrap().remove(object).unwrap();
            claims["kubernetes.io"]["secret"] = json!({ "name": "s", "uid": "u" });
        })
        .unwrap();
        assert_eq!((token.pod().is_none(), token.node().is_none()), (object == "pod", object == "node"));
    }
    let token = with(|claims| claims["kubernetes.io"]["warnafter"] = json!(NOW.unix() + 7)).unwrap();
    assert_eq!(token.warn_after(), Some(NOW.plus(Duration::from_secs(7))));
    assert_eq!(with(|claims| claims["aud"] = json!(AUDIENCE)).unwrap().id(), Some("b1d0a6a8-3c0e-4f0e-9d3a-0a5f8d5b7a11"));
}

#[test]
fn a_token_for_somebody_else_is_refused() {
    for audience in [json!("istio-ca"), json!(["istio-ca", "api"]), json!([]), json!(""), json!("Meshroot"), json!("meshroot "), json!([""])] {
        assert_eq!(code(|claims| claims["aud"] = audience.clone()), "token.audience", "{audience}");
    }
    for audience in [json!(7), json!([AUDIENCE, 7]), json!([[AUDIENCE]]), json!({ "meshroot": true })] {
        assert_eq!(code(|claims| claims["aud"] = audience.clone()), "token.bad_claim", "{audience}");
    }
    // One for several is for us, too.
    with(|claims| claims["aud"] = json!(["api", AUDIENCE])).unwrap();
    assert_eq!(without("aud"), TokenError::MissingClaim("aud"));
    assert_eq!(code(|claims| claims["aud"] = json!(null)), "token.missing_claim");

    let (west, issuers) = west();
    let token = west.mint_claims(|claims| claims["aud"] = json!(["", "istio-ca"]));
    let ask = |expected: Expected| issuers.verify(&token, &expected, &Crypto::ring(), NOW).map(|_| ());
    assert_eq!(ask(Expected::audience("")).unwrap_err().code(), "token.audience");
    assert_eq!(ask(Expected::any_audience([])).unwrap_err().code(), "token.audience");
    ask(Expected::any_audience(["meshroot".into(), "istio-ca".into()])).unwrap();
}

#[test]
fn a_token_is_good_from_its_start_to_before_its_expiry() {
    let (west, issuers) = west();
    let token = west.mint();
    let at = |offset: i64| issuers.verify(&token, &expected(), &Crypto::ring(), Timestamp::from_unix(NOW.unix() + offset)).map_err(|e| e.code());
    // Issued a minute ago, for an hour more; clocks may be ten seconds apart.
    assert_eq!(at(-71).unwrap_err(), "token.not_yet_valid");
    at(-70).unwrap();
    at(3_600 + 9).unwrap();
    assert_eq!(at(3_600 + 10).unwrap_err(), "token.expired");
    let later = west.mint_claims(|claims| claims["nbf"] = json!(NOW.unix() + 100));
    assert_eq!(verify(&issuers, &later).unwrap_err().code(), "token.not_yet_valid");
    let from_the_future = west.mint_claims(|claims| claims["iat"] = json!(NOW.unix() + 11));
    assert_eq!(verify(&issuers, &from_the_future).unwrap_err().code(), "token.not_yet_valid");
}

#[test]
fn a_token_without_times_or_with_odd_ones_is_refused() {
    assert_eq!(without("exp"), TokenError::MissingClaim("exp"));
    assert!(without("exp").to_string().contains("Secrets"));
    assert_eq!(without("iat"), TokenError::MissingClaim("iat"));
    for claim in ["exp", "iat", "nbf"] {
        for odd in [json!("1795348800"), json!(1_795_348_860.5), json!(1e300), json!([]), json!(true), json!(u64::MAX)] {
            assert_eq!(code(|claims| claims[claim] = odd.clone()), "token.bad_claim", "{claim} {odd}");
        }
    }
    assert_eq!(code(|claims| claims["exp"] = json!(i64::MIN)), "token.expired");
    assert_eq!(code(|claims| claims["iat"] = json!(i64::MAX)), "token.not_yet_valid");
    assert_eq!(code(|claims| claims["iat"] = json!(i64::MIN)), "token.lifetime_too_long");
    // Alive only by the leeway, and expired before it was issued.
    let odd = |claims: &mut Value| {
        claims["iat"] = json!(NOW.unix() + 2);
        claims["exp"] = json!(NOW.unix() + 1);
    };
    assert_eq!(code(odd), "token.bad_claim");
}

#[test]
fn an_old_token_is_refused_though_it_has_not_expired() {
    let issued = |hours: i64, lives: i64| {
        with(|claims| {
            for claim in ["iat", "nbf"] {
                claims[claim] = json!(NOW.unix() - hours * 3_600);
            }
            claims["exp"] = json!(NOW.unix() + (lives - hours) * 3_600);
        })
        .map_err(|e| e.code())
    };
    issued(25, 48).unwrap();
    assert_eq!(issued(26, 48).unwrap_err(), "token.too_old");
    // What the API server makes of its own tokens when it extends them: a year.
    assert_eq!(issued(1, 49).unwrap_err(), "token.lifetime_too_long");
    assert_eq!(issued(1, 24 * 365).unwrap_err(), "token.lifetime_too_long");

    let (west, issuers) = west();
    let short = expected().with_max_age(Duration::from_secs(40));
    let verdict = issuers.verify(&west.mint(), &short, &Crypto::ring(), NOW);
    assert_eq!(verdict.unwrap_err().code(), "token.too_old");
    let short = expected().with_max_lifetime(Duration::from_secs(3_659));
    assert_eq!(issuers.verify(&west.mint(), &short, &Crypto::ring(), NOW).unwrap_err().code(), "token.lifetime_too_long");
}

#[test]
fn subject_and_claims_name_one_account() {
    assert_eq!(without("sub"), TokenError::MissingClaim("sub"));
    for other in [
        "system:serviceaccount:shop:admin",
        "system:serviceaccount:kube-system:cart",
        "system:serviceaccount:shop:cart:x",
        "system:serviceaccount:shop:cart ",
        "system:serviceaccount::cart",
        "shop:cart",
        "",
    ] {
        assert_eq!(code(|claims| claims["sub"] = json!(other)), "token.subject_mismatch", "{other}");
    }
    assert_eq!(code(|claims| claims["sub"] = json!(["system:serviceaccount:shop:cart"])), "token.bad_claim");
    assert_eq!(code(|claims| claims["kubernetes.io"]["namespace"] = json!("kube-system")), "token.subject_mismatch");
    assert_eq!(code(|claims| claims["kubernetes.io"]["serviceaccount"]["name"] = json!("admin")), "token.subject_mismatch");
}

#[test]
fn names_are_those_that_kubernetes_allows() {
    // A namespace and account that would put a slash, a colon or a dot segment into a SPIFFE ID or a subject.
    for (namespace, account) in [
        ("shop/sa/admin", "cart"),
        ("shop:x", "cart"),
        ("..", "cart"),
        ("Shop", "cart"),
        ("", "cart"),
        ("-shop", "cart"),
        ("a.b", "cart"),
        (&"n".repeat(64), "cart"),
        ("shop", "."),
        ("shop", ".."),
        ("shop", "a..b"),
        ("shop", "cart/x"),
        ("shop", ""),
        ("shop", "cart."),
        ("shop", &"a".repeat(254)),
        ("shop", "cärt"),
    ] {
        let edit = |claims: &mut Value| {
            claims["sub"] = json!(format!("system:serviceaccount:{namespace}:{account}"));
            claims["kubernetes.io"]["namespace"] = json!(namespace);
            claims["kubernetes.io"]["serviceaccount"]["name"] = json!(account);
        };
        assert_eq!(code(edit), "token.bad_claim", "{namespace} {account}");
    }
    let longest = ("n".repeat(63), format!("{}.v2", "a".repeat(250)));
    with(|claims| {
        claims["sub"] = json!(format!("system:serviceaccount:{}:{}", longest.0, longest.1));
        claims["kubernetes.io"]["namespace"] = json!(longest.0);
        claims["kubernetes.io"]["serviceaccount"]["name"] = json!(longest.1);
    })
    .unwrap();
}

#[test]
fn a_token_of_something_else_is_refused() {
    assert_eq!(without("kubernetes.io"), TokenError::MissingClaim("kubernetes.io"));
    for (place, value, expected) in [
        ("/kubernetes.io", json!([]), "token.bad_claim"),
        ("/kubernetes.io/serviceaccount", json!(null), "token.missing_claim"),
        ("/kubernetes.io/serviceaccount", json!("cart"), "token.bad_claim"),
        ("/kubernetes.io/serviceaccount/uid", json!(null), "token.bad_claim"),
        ("/kubernetes.io/serviceaccount/uid", json!(""), "token.bad_claim"),
        ("/kubernetes.io/serviceaccount/uid", json!("a b"), "token.bad_claim"),
        ("/kubernetes.io/pod", json!({}), "token.bad_claim"),
        ("/kubernetes.io/pod/uid", json!(null), "token.bad_claim"),
        ("/kubernetes.io/pod/name", json!("../x"), "token.bad_claim"),
        ("/kubernetes.io/node/name", json!(7), "token.bad_claim"),
        ("/kubernetes.io/namespace", json!(7), "token.bad_claim"),
        ("/jti", json!(7), "token.bad_claim"),
        ("/iss", json!(7), "token.bad_claim"),
    ] {
        let edit = |claims: &mut Value| *claims.pointer_mut(place).unwrap() = value.clone();
        assert_eq!(code(edit), expected, "{place} {value}");
    }
    let warned = |claims: &mut Value| claims["kubernetes.io"]["warnafter"] = json!("soon");
    assert_eq!(code(warned), "token.bad_claim");
}
