//! A store that was put back from a backup, as an operator meets it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]

mod common;

use std::fs;

use common::{ID, Place};

/// A mesh whose store was put back from before a certificate and a cluster.
fn put_back() -> Place {
    let place = Place::with_mesh(&["west"]);
    fs::copy(place.path("mesh/store/mesh.db"), place.path("backup.db")).unwrap();
    place.run(&["cluster", "add", "east"]).ok();
    place.svid("cart").ok();
    fs::copy(place.path("backup.db"), place.path("mesh/store/mesh.db")).unwrap();
    place
}

#[test]
fn nothing_leaves_an_older_copy_and_the_status_says_why() {
    let place = put_back();
    for args in [
        &["svid", "--cluster", "west", "--id", ID, "--out", "other"][..],
        &["cluster", "add", "north"],
        &["bundle", "export"],
        &["istio", "cacerts", "west", "--out", "w"],
        &["quickstart", "west", "--trust-domain", "mesh.example", "--out", "mesh"],
        &["token", "create", "--cluster", "west", "--id", ID],
    ] {
        place.run(args).fails(6).says("older copy").says("meshroot store restored");
    }
    assert!(!place.path("other").exists() && !place.path("w").exists());
    place.run(&["status"]).ok().says("older copy").says("the mark beside it says that it was 3").says("store restored");
    let status = place.run(&["status", "--json"]).ok().json();
    assert!(status["older_copy"].as_str().unwrap().contains("version"), "{status}");
    // Reading goes on.
    place.run(&["inventory"]).ok();
    place.run(&["cluster", "list"]).ok();
}

#[test]
fn the_newest_copy_put_back_is_as_if_nothing_had_happened() {
    let place = Place::with_mesh(&["west"]);
    fs::copy(place.path("mesh/store/mesh.db"), place.path("backup.db")).unwrap();
    place.svid("cart").ok();
    fs::copy(place.path("mesh/store/mesh.db"), place.path("newest.db")).unwrap();
    fs::copy(place.path("backup.db"), place.path("mesh/store/mesh.db")).unwrap();
    place.svid("other").fails(6);
    fs::copy(place.path("newest.db"), place.path("mesh/store/mesh.db")).unwrap();
    place.svid("other").ok();
}

#[test]
fn the_operators_word_jumps_ahead_and_all_goes_on() {
    let place = put_back();
    let restored = place.run(&["store", "restored", "--json"]).ok().json();
    let sequence = restored["bundles"][0]["sequence"].as_u64().unwrap();
    assert!(sequence > 1_000_000 && restored["epoch"] == 1, "{restored}");
    place.run(&["bundle", "show"]).ok().says(&format!("number {sequence}"));
    let svid = place.run(&["svid", "--cluster", "west", "--id", ID, "--out", "other", "--json"]).ok().json();
    assert_eq!(svid["record"], restored["next_record"]);
    place.run(&["cluster", "add", "east"]).ok();
    assert_eq!(place.run(&["status", "--json"]).ok().json()["older_copy"], serde_json::Value::Null);
    place.run(&["inventory", "--id", "spiffe://mesh.example/ns/*", "--cluster", "west"]).ok().says("/ns/shop/sa/cart");
}

#[test]
fn a_mesh_that_moves_as_a_whole_moves_and_a_copy_of_its_store_alone_is_asked_about() {
    let place = Place::with_mesh(&["west"]);
    fs::rename(place.path("mesh"), place.path("moved")).unwrap();
    place.run(&["svid", "--store", "moved", "--cluster", "west", "--id", ID, "--out", "cart"]).ok();
    fs::remove_file(place.path("moved/store/mesh.db-mark")).unwrap();
    place.run(&["svid", "--store", "moved", "--cluster", "west", "--id", ID, "--out", "other"]).fails(6).says("is not there");
    place.run(&["store", "restored", "--store", "moved"]).ok().says("epoch 1");
    place.run(&["svid", "--store", "moved", "--cluster", "west", "--id", ID, "--out", "other"]).ok();
}

#[test]
fn the_roots_store_is_watched_as_well() {
    let place = Place::with_mesh(&["west"]);
    fs::copy(place.path("mesh/root/store/root.db"), place.path("backup.db")).unwrap();
    place.run(&["cluster", "add", "east"]).ok();
    fs::copy(place.path("backup.db"), place.path("mesh/root/store/root.db")).unwrap();
    place.run(&["cluster", "add", "north"]).fails(6).says("root.db").says("older copy");
    place.run(&["store", "restored", "--of", "root"]).ok().says("epoch 1");
    place.run(&["cluster", "add", "north"]).ok();
}
