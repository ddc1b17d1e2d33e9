use serde_json::json;

use super::super::testing::*;
use super::super::{ClusterIssuer, Expected, IssuerFinding, Issuers, MAX_TRIALS, TokenError};
use crate::hierarchy::ClusterName;
use crate::key::{BadSignature, Crypto, KeyAlgorithm};

fn codes(findings: &[IssuerFinding]) -> Vec<&'static str> {
    findings.iter().map(IssuerFinding::code).collect()
}

fn names(names: &[&str]) -> Vec<ClusterName> {
    names.iter().map(|name| ClusterName::parse(name).unwrap()).collect()
}

#[test]
fn clusters_with_one_issuer_string_are_told_apart_by_key() {
    let clusters = three();
    let (issuers, findings) = Issuers::new(clusters.iter().map(Cluster::issuer).collect());
    assert_eq!(findings, [IssuerFinding::SharedIssuer { issuer: ISSUER.into(), clusters: names(&["east", "north", "west"]) }]);
    for cluster in &clusters {
        assert_eq!(verify(&issuers, &cluster.mint()).unwrap().cluster(), &cluster.name);
        // A claim or a header that says otherwise changes nothing.
        let token = cluster.mint_header(|header| header["clusterid"] = json!("north"));
        assert_eq!(verify(&issuers, &token).unwrap().cluster(), &cluster.name);
        let token = cluster.mint_claims(|claims| claims["cluster"] = json!("north"));
        assert_eq!(verify(&issuers, &token).unwrap().cluster(), &cluster.name);
    }
}

#[test]
fn key_ids_that_collide_across_clusters_are_all_tried() {
    let clusters = three().map(|cluster| cluster.called("key-1"));
    let (issuers, findings) = Issuers::new(clusters.iter().map(Cluster::issuer).collect());
    assert_eq!(codes(&findings), ["token.issuer.shared_key_id", "token.issuer.shared_issuer"]);
    assert!(findings.iter().all(|finding| !finding.refuses_tokens()));
    for cluster in &clusters {
        assert_eq!(verify(&issuers, &cluster.mint()).unwrap().cluster(), &cluster.name);
    }
    let stranger = Cluster::generated("west", KeyAlgorithm::EcdsaP256).called("key-1");
    assert_eq!(verify(&issuers, &stranger.mint()).unwrap_err().code(), "token.unknown_key");
    let [west, east, _] = clusters;
    let issuers = self::issuers(&[west]);
    assert_eq!(verify(&issuers, &east.mint()).unwrap_err(), TokenError::BadSignature);
}

#[test]
fn a_token_without_a_key_id_is_tried_with_every_key_of_its_issuer() {
    let clusters = three();
    let issuers = issuers(&clusters);
    for cluster in &clusters {
        for kid in [json!(""), json!(null)] {
            let token = cluster.mint_header(|header| {
                if kid.is_null() {
                    header.as_object_mut().unwrap().remove("kid");
                } else {
                    header["kid"] = kid;
                }
            });
            assert_eq!(verify(&issuers, &token).unwrap().cluster(), &cluster.name);
        }
    }
}

#[test]
fn a_key_set_written_by_hand_may_leave_out_or_change_the_key_id() {
    let west = Cluster::rsa("west", 0);
    let mut jwk = west.jwk();
    jwk.as_object_mut().unwrap().remove("kid");
    for jwk in [jwk.clone(), {
        jwk["kid"] = json!("our-west");
        jwk
    }] {
        let keys = key_set(&[jwk]);
        let (issuers, _) = Issuers::new(vec![ClusterIssuer { cluster: west.name.clone(), issuer: ISSUER.into(), keys: keys.clone() }]);
        // Kubernetes derives the key ID from the key, and so do we.
        verify(&issuers, &west.mint()).unwrap();
        // An external signer calls its key as it likes: good only where the set does not call it otherwise.
        let verdict = verify(&issuers, &west.clone().called("kms-7").mint());
        assert_eq!(verdict.is_ok(), keys.keys().all(|(_, _, kid)| kid.is_none()));
    }
}

#[test]
fn a_named_key_that_is_not_there_costs_no_verification() {
    let clusters = three();
    let issuers = issuers(&clusters);
    let verdict = verify(&issuers, &Cluster::rsa("west", 0).called("a-deleted-key").mint()).unwrap_err();
    assert_eq!(verdict, TokenError::UnknownKey { issuer: ISSUER.into(), kid: Some("a-deleted-key".into()) });
    assert!(verdict.suggests_new_keys());
}

#[test]
fn trials_are_bounded_and_the_verdict_does_not_depend_on_the_order() {
    let many: Vec<_> = (0..=MAX_TRIALS).map(|n| Cluster::generated(&format!("c{n}"), KeyAlgorithm::EcdsaP256).called("key-1")).collect();
    let fits = issuers(&many[..MAX_TRIALS]);
    let all = issuers(&many);
    for cluster in &many[..MAX_TRIALS] {
        assert_eq!(verify(&fits, &cluster.mint()).unwrap().cluster(), &cluster.name);
        assert_eq!(verify(&all, &cluster.mint()).unwrap_err(), TokenError::TooManyKeys { candidates: MAX_TRIALS + 1 });
    }
}

#[test]
fn a_key_of_two_clusters_is_refused_for_both() {
    let [west, _, north] = three();
    let east = Cluster { name: ClusterName::parse("east").unwrap(), ..west.clone() };
    // Whatever they call themselves, or the key.
    for (issuer, kid) in [(ISSUER, west.kid.clone()), ("https://east.example", west.kid.clone()), (ISSUER, "east-1".to_owned())] {
        let east = east.clone().called(&kid);
        let clusters = vec![west.issuer(), ClusterIssuer { issuer: issuer.into(), ..east.issuer() }, north.issuer()];
        let (issuers, findings) = Issuers::new(clusters);
        let shared = findings.iter().find(|finding| finding.refuses_tokens()).unwrap();
        assert_eq!(*shared, IssuerFinding::SharedKey { key: west.kid.clone(), clusters: names(&["east", "west"]) });
        for token in [west.mint(), east.mint_claims(|claims| claims["iss"] = json!(issuer))] {
            let refused = verify(&issuers, &token).unwrap_err();
            assert_eq!(refused, TokenError::SharedKey { clusters: names(&["east", "west"]) });
        }
        assert_eq!(verify(&issuers, &north.mint()).unwrap().cluster(), &north.name);
    }
}

#[test]
fn a_cluster_may_have_two_issuers_while_it_changes_from_one_to_the_other() {
    let west = Cluster::rsa("west", 0);
    let new = ClusterIssuer { issuer: "https://west.example".into(), ..west.issuer() };
    let (issuers, findings) = Issuers::new(vec![west.issuer(), new]);
    assert_eq!(findings, []);
    assert_eq!(verify(&issuers, &west.mint()).unwrap().issuer(), ISSUER);
    let token = west.mint_claims(|claims| claims["iss"] = json!("https://west.example"));
    assert_eq!(verify(&issuers, &token).unwrap().issuer(), "https://west.example");
}

#[test]
fn an_issuer_is_bound_to_its_clusters_keys() {
    let [west, east, _] = three();
    let ours = ClusterIssuer { issuer: "https://east.example".into(), ..east.issuer() };
    let (issuers, _) = Issuers::new(vec![west.issuer(), ours]);
    // Each is genuine, and says it is the other's issuer.
    let as_east = west.mint_claims(|claims| claims["iss"] = json!("https://east.example"));
    assert_eq!(verify(&issuers, &as_east).unwrap_err().code(), "token.unknown_key");
    assert_eq!(verify(&issuers, &east.mint()).unwrap_err().code(), "token.unknown_key");
    for stranger in ["https://kubernetes.default.svc.cluster.local/", "https://Kubernetes.default.svc.cluster.local", "", "kubernetes/serviceaccount"]
    {
        let token = west.mint_claims(|claims| claims["iss"] = json!(stranger));
        assert_eq!(verify(&issuers, &token).unwrap_err().code(), "token.unknown_issuer", "{stranger}");
    }
    let token = west.mint_claims(|claims| {
        claims.as_object_mut().unwrap().remove("iss");
    });
    assert_eq!(verify(&issuers, &token).unwrap_err(), TokenError::MissingClaim("iss"));
}

#[test]
fn each_cluster_may_expect_something_else() {
    let [west, east, north] = three();
    let issuers = issuers(&[west.clone(), east.clone(), north.clone()]);
    let expected = |cluster: &ClusterName| match cluster.as_str() {
        "west" => Some(expected()),
        "east" => Some(Expected::audience("east-only")),
        _ => None,
    };
    let verify = |token: &str| issuers.verify_as(token, expected, &Crypto::ring(), NOW).map_err(|e| e.code());
    verify(&west.mint()).unwrap();
    verify(&east.mint_claims(|claims| claims["aud"] = json!("east-only"))).unwrap();
    assert_eq!(verify(&east.mint()).unwrap_err(), "token.audience");
    assert_eq!(verify(&north.mint()).unwrap_err(), "token.not_expected");
}

#[test]
fn rotated_keys_are_good_as_long_as_the_set_has_them() {
    let (old, new) = (Cluster::rsa("west", 0), Cluster::rsa("west", 1));
    let east = Cluster::rsa("east", 2);
    let issuers = issuers(&[old.clone(), east.clone()]);
    assert!(verify(&issuers, &new.mint()).unwrap_err().suggests_new_keys());

    let both = key_set(&[new.jwk(), old.jwk()]);
    let changes = both.changes_since(&old.keys());
    assert_eq!((changes.added, changes.removed), (vec![new.kid.clone()], vec![]));
    let (issuers, _) = issuers.with_keys(&old.name, &both);
    for token in [old.mint(), new.mint()] {
        assert_eq!(verify(&issuers, &token).unwrap().cluster(), &old.name);
    }
    assert_eq!(verify(&issuers, &east.mint()).unwrap().cluster(), &east.name);

    let changes = new.keys().changes_since(&both);
    assert_eq!((changes.added, changes.removed), (vec![], vec![old.kid.clone()]));
    let (issuers, _) = issuers.with_keys(&old.name, &new.keys());
    assert_eq!(verify(&issuers, &old.mint()).unwrap_err().code(), "token.unknown_key");
    verify(&issuers, &new.mint()).unwrap();

    // Two API servers, one of them restarted.
    let joined = new.keys().joined_with(&old.keys()).joined_with(&both);
    assert_eq!(joined.len(), 2);
    let (issuers, _) = issuers.with_keys(&old.name, &joined);
    verify(&issuers, &old.mint()).unwrap();
}

#[test]
fn a_cluster_without_keys_is_told() {
    let west = ClusterIssuer { keys: Default::default(), ..Cluster::rsa("west", 0).issuer() };
    let (issuers, findings) = Issuers::new(vec![west]);
    assert_eq!(findings, [IssuerFinding::NoKeys { cluster: names(&["west"])[0].clone() }]);
    assert!(findings[0].refuses_tokens());
    assert_eq!(verify(&issuers, &Cluster::rsa("west", 0).mint()).unwrap_err().code(), "token.unknown_key");
    assert_eq!(verify(&Issuers::default(), &Cluster::rsa("west", 0).mint()).unwrap_err().code(), "token.unknown_issuer");
}

#[test]
fn a_signature_of_ecdsa_has_the_length_of_its_curve() {
    use super::super::jws::Jws;
    let crypto = Crypto::ring();
    for (kind, length) in [(KeyAlgorithm::EcdsaP256, 64), (KeyAlgorithm::EcdsaP384, 96)] {
        let cluster = Cluster::generated("west", kind);
        let token = cluster.mint();
        let jws = Jws::parse(&token).unwrap();
        let check = |signature: &[u8]| jws.algorithm.verify(cluster.signer.public_key(), jws.message, signature, &crypto);
        assert_eq!(jws.signature.len(), length);
        assert_eq!(check(&jws.signature), Ok(()));
        assert_eq!(check(&[&jws.signature[..], &[0]].concat()), Err(BadSignature));
        assert_eq!(check(&jws.signature[1..]), Err(BadSignature));
        assert_eq!(check(&vec![0; length]), Err(BadSignature));
        // As X.509 writes it.
        assert_eq!(check(&cluster.signer.sign(jws.message).unwrap()), Err(BadSignature));
    }
}
