//! A cluster that keeps its key, and a root that is away: files travel.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "helpers of tests, where a failed expectation is the point"
)]

mod common;

use std::fs;

use common::{Place, changes};

/// A mesh whose root was moved away, as its owner should.
fn with_root_away() -> Place {
    let place = Place::with_mesh(&["west"]);
    fs::rename(place.path("mesh/root"), place.path("safe")).unwrap();
    place
}

#[test]
fn a_revoked_cluster_ca_gets_onto_the_crl_of_a_root_that_is_away() {
    let place = with_root_away();
    place.run(&["root", "requests"]).ok().says("nothing waits");
    let shown = place.run(&["cluster", "show", "west", "--json"]).ok().json();
    let serial = shown["authorities"][0]["serial"].as_str().unwrap();
    place.run(&["revoke", serial, "--reason", "cACompromise"]).ok().says("root requests").says("issues nothing any more");
    assert_eq!(place.run(&["revoke", "--list", "--json"]).ok().json()["revocations"][0]["on_crl"], false);
    place.run(&["root", "requests", "--out", "request.json"]).ok().says("its CRL").says(serial);
    place.run(&["root", "sign", "request.json", "--root", "safe", "--out", "answer.json", "--yes"]).ok().says(serial).says("Signed");
    place.run(&["root", "import", "answer.json"]).ok().says("the root's CRL has number");
    assert_eq!(place.run(&["revoke", "--list", "--json"]).ok().json()["revocations"][0]["on_crl"], true);
    place.run(&["root", "requests"]).ok().says("nothing waits");
}

#[test]
fn nothing_is_signed_unasked_unread_or_by_another_root() {
    let place = with_root_away();
    let serial = place.run(&["cluster", "show", "west", "--json"]).ok().json()["authorities"][0]["serial"].as_str().unwrap().to_owned();
    place.run(&["revoke", &serial]).ok();
    place.run(&["root", "requests", "--out", "request.json"]).ok();
    let before = place.snapshot("safe");
    place.run(&["root", "sign", "request.json", "--root", "safe", "--out", "answer.json"]).fails(1).says("--yes");
    let text = String::from_utf8(place.read("request.json")).unwrap();
    fs::write(place.path("changed.json"), text.replace("unspecified", "superseded").replacen("superseded", "unspecified", 1)).unwrap();
    place.run(&["root", "sign", "changed.json", "--root", "safe", "--out", "answer.json", "--yes"]).fails(3).says("somebody changed it");
    place.run(&["root", "sign", "nowhere.json", "--root", "safe", "--out", "answer.json", "--yes"]).fails(4);
    place.run(&["root", "sign", "request.json", "--root", "elsewhere", "--out", "answer.json", "--yes"]).fails(4);
    let other = Place::with_mesh(&["west"]);
    fs::copy(place.path("request.json"), other.path("request.json")).unwrap();
    other.run(&["root", "sign", "request.json", "--out", "answer.json", "--yes"]).fails(1).says("this is for the root");
    assert_eq!(changes(&before, &place.snapshot("safe")), [""; 0]);
    assert!(!place.path("answer.json").exists() && !other.path("answer.json").exists());
    fs::write(place.path("garbage.json"), "{}").unwrap();
    place.run(&["root", "import", "garbage.json"]).fails(3).says("answer of the root");
    // What is there is not overwritten.
    place.run(&["root", "sign", "request.json", "--root", "safe", "--out", "request.json", "--yes"]).fails(7);
}

#[test]
fn a_token_can_be_made_for_the_ca_of_a_cluster_that_is_to_join() {
    let place = with_root_away();
    let token = place.run(&["token", "create", "--cluster", "north", "--ca", "--json"]).ok().json();
    assert!(token["id"].is_null() && token["cluster"] == "north");
    place.run(&["token", "list"]).ok().says("the cluster's CA");
    place.run(&["token", "create", "--cluster", "north", "--id", common::ID]).fails(4);
    assert_eq!(place.run(&["token", "create", "--cluster", "north"]).code, 2);
}
