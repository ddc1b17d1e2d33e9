//! `inspect` and `verify`, as people and scripts meet them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::fs;

use common::{ID, Place};
use serde_json::Value;

/// A mesh of two clusters and a workload's files in `cart`.
fn place() -> Place {
    let place = Place::with_mesh(&["west", "east"]);
    place.svid("cart").ok();
    place
}

#[test]
fn everything_that_the_program_writes_has_nothing_wrong_with_it() {
    let place = place();
    let west = "mesh/clusters/west/cacerts";
    let files = [
        "cart/svid.pem".into(),
        "cart/svid-key.pem".into(),
        "cart/bundle.pem".into(),
        "mesh/bundle.json".into(),
        "mesh/root-cert.pem".into(),
        "mesh/unlock.key".into(),
        "mesh/clusters/west/cacerts.yaml".into(),
        format!("{west}/ca-cert.pem"),
        format!("{west}/ca-key.pem"),
        format!("{west}/cert-chain.pem"),
        format!("{west}/root-cert.pem"),
    ];
    let names: Vec<&str> = files.iter().map(String::as_str).collect();
    let said = place.run(&[&["inspect"], names.as_slice()].concat()).ok();
    assert!(said.stdout.contains(&format!("X.509-SVID of {ID}")), "{}", said.stdout);
    assert!(!said.stdout.contains("error:") && !said.stdout.contains("warning:"), "{}", said.stdout);
    assert!(!said.stdout.contains('\u{1b}'), "colours in a pipe");

    let document = place.run(&[&["inspect", "--json"], names.as_slice()].concat()).ok();
    let document: Value = serde_json::from_str(&document.stdout).unwrap();
    assert_eq!((&document["errors"], &document["warnings"]), (&0.into(), &0.into()));
    let chain = &document["files"][0]["items"];
    assert_eq!(chain[0]["kind"], "chain");
    assert_eq!(chain[1]["fields"]["spiffe_id"], ID);
    assert_eq!(document["files"][6]["items"][0]["problems"][0]["code"], "inspect.plain_key");
    assert!(
        document["key_pairs"].as_array().unwrap().contains(&serde_json::json!({ "private_key": "cart/svid-key.pem", "belongs_to": "cart/svid.pem" }))
    );
}

#[test]
fn the_exit_code_says_how_bad_it_is() {
    let place = place();
    let expired = place.run(&["inspect", "cart/svid.pem", "--now", "2999-01-01T00:00:00Z"]);
    assert_eq!(expired.code, 1, "{expired:?}");
    assert!(expired.stdout.contains("inspect.expired"));
    fs::write(place.path("garbage"), b"\x00\x01").unwrap();
    let garbage = place.run(&["inspect", "garbage"]);
    assert_eq!((garbage.code, garbage.stdout.as_str()), (3, ""), "{garbage:?}");
    assert!(garbage.stderr.starts_with("meshroot: garbage: binary data of an unknown kind"), "{garbage:?}");
    assert_eq!(place.run(&["inspect", "missing"]).code, 4);
    assert_eq!(place.run(&["inspect", "mesh"]).code, 3);

    // The others are described all the same, and the worst counts.
    let mixed = place.run(&["inspect", "cart/svid.pem", "garbage"]);
    assert_eq!(mixed.code, 3, "{mixed:?}");
    assert!(mixed.stdout.contains(ID) && mixed.stdout.contains("unreadable: garbage"), "{mixed:?}");
    assert_eq!(place.run(&["inspect", "cart/svid.pem", "garbage", "missing"]).code, 4);

    let json = place.run(&["inspect", "--json", "garbage"]);
    let error: Value = serde_json::from_str(&json.stderr).unwrap();
    assert_eq!((&error["error"]["code"], &error["error"]["exit"]), (&"inspect.unknown".into(), &3.into()));
}

#[test]
fn standard_input_is_a_file_like_others() {
    let place = place();
    let said = place.feed(&["inspect", "-"], &place.read("cart/svid.pem")).ok();
    assert!(said.stdout.contains(ID));
    let garbage = place.feed(&["inspect", "-"], b"hello");
    assert_eq!(garbage.code, 3);
    assert!(garbage.stderr.starts_with("meshroot: standard input: text of an unknown kind"), "{garbage:?}");
    let large = place.feed(&["inspect", "-"], &vec![b'a'; (4 << 20) + 1]);
    assert_eq!(large.code, 3, "{}", large.stderr);
}

#[test]
fn a_chain_is_valid_under_each_form_of_its_bundle_and_under_no_other() {
    let place = place();
    place.run(&["bundle", "export", "--format", "map", "--out", "map.json"]).ok();
    for bundle in ["mesh/bundle.json", "map.json", "mesh/root-cert.pem"] {
        let said = place.run(&["verify", "--bundle", bundle, "--chain", "cart/svid.pem"]).ok();
        assert!(said.stdout.starts_with(&format!("valid: {ID}\n")), "{said:?}");
        assert!(said.stdout.contains("trusted as"), "{said:?}");
    }
    let other = Place::with_mesh(&["west"]);
    fs::copy(other.path("mesh/bundle.json"), place.path("other.json")).unwrap();
    let refused = place.run(&["verify", "--bundle", "other.json", "--chain", "cart/svid.pem"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stdout.starts_with("not valid: "), "{refused:?}");
    assert!(refused.stdout.contains("RFC 5280 §6.1.3 (a)(4) (verify.unknown_issuer)"), "{refused:?}");
}

#[test]
fn a_refusal_names_the_certificate_the_rule_and_its_source() {
    let place = place();
    let verify = |more: &[&str]| place.run(&[&["verify", "--bundle", "mesh/bundle.json", "--chain", "cart/svid.pem", "--json"], more].concat());
    let good: Value = serde_json::from_str(&verify(&[]).ok().stdout).unwrap();
    assert_eq!((&good["valid"], &good["spiffe_id"]), (&true.into(), &ID.into()));
    assert_eq!(good["path"].as_array().unwrap().len(), 2);

    let late = verify(&["--at", "2999-01-01T00:00:00Z"]);
    assert_eq!(late.code, 1);
    let late: Value = serde_json::from_str(&late.stdout).unwrap();
    assert_eq!(late["valid"], false);
    assert_eq!(late["reason"]["code"], "verify.expired");
    assert_eq!(late["reason"]["source"], "RFC 5280 §6.1.3 (a)(2)");
    assert_eq!(late["certificate"]["position"], 0);

    let elsewhere = verify(&["--trust-domain", "elsewhere.example"]);
    assert_eq!(elsewhere.code, 1);
    let elsewhere: Value = serde_json::from_str(&elsewhere.stdout).unwrap();
    assert_eq!(elsewhere["reason"]["code"], "verify.unknown_trust_domain");
}

#[test]
fn the_trust_domain_is_never_taken_from_the_chain_that_is_judged() {
    let place = place();
    // Roots that do not say whose they are.
    let unnamed = include_str!("../../meshroot/testdata/inspect/forever.pem");
    fs::write(place.path("unnamed.pem"), unnamed).unwrap();
    let said = place.run(&["verify", "--bundle", "unnamed.pem", "--chain", "cart/svid.pem"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("--trust-domain NAME"), "{said:?}");
    let given = place.run(&["verify", "--bundle", "unnamed.pem", "--chain", "cart/svid.pem", "--trust-domain", "mesh.example"]);
    assert_eq!(given.code, 1, "{given:?}");
    assert!(given.stdout.contains("as --trust-domain says"), "{given:?}");
}

#[test]
fn what_is_no_bundle_or_no_chain_is_bad_input() {
    let place = place();
    let verify = |bundle: &str, chain: &str| place.run(&["verify", "--bundle", bundle, "--chain", chain]);
    fs::write(place.path("garbage"), "garbage").unwrap();
    let mut cut = place.read("cart/svid.pem");
    cut.truncate(cut.len() / 3);
    fs::write(place.path("cut.pem"), cut).unwrap();
    for (bundle, chain, code, words) in [
        ("garbage", "cart/svid.pem", 3, "meshroot: garbage: "),
        ("mesh/bundle.json", "garbage", 3, "meshroot: garbage: "),
        ("mesh/bundle.json", "cut.pem", 3, "meshroot: cut.pem: "),
        ("mesh/bundle.json", "cart/svid-key.pem", 3, "PRIVATE KEY instead of CERTIFICATE"),
        ("cart/svid.pem", "cart/svid.pem", 2, "name two files"),
        ("missing", "cart/svid.pem", 4, "missing is not there"),
    ] {
        let said = verify(bundle, chain);
        assert_eq!(said.code, code, "{bundle} {chain}: {said:?}");
        assert!(said.stderr.contains(words) && said.stdout.is_empty(), "{said:?}");
    }
}
