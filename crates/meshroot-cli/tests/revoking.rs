//! Revoking from the command line, with and without a service.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "helpers of tests, where a failed expectation is the point"
)]

mod common;

use common::{ID, Place};

#[test]
fn without_a_service_the_store_alone_does_and_records_the_same() {
    let place = Place::with_mesh(&["west"]);
    let made = place.run(&["svid", "--cluster", "west", "--id", ID, "--out", "cart", "--json"]).ok().json();
    let serial = made["serial"].as_str().unwrap();
    place.run(&["revoke", serial, "--reason", "keyCompromise", "--deny"]).ok().says("revoked").says("denied").says("the CRL of west-");
    let listed = place.run(&["revoke", "--list", "--json"]).ok().json();
    assert_eq!((listed["total"].as_u64(), listed["revocations"][0]["serial"].as_str()), (Some(1), Some(serial)));
    assert_eq!((&listed["revocations"][0]["on_crl"], &listed["revocations"][0]["reason"]), (&true.into(), &"keyCompromise".into()));
    // The commands of operators obey a denial as well.
    place.run(&["svid", "--cluster", "west", "--id", ID, "--out", "again"]).fails(1).says("is denied");
    let number = listed["denials"][0]["number"].to_string();
    place.run(&["revoke", "--lift", &number]).ok().says("may get certificates again");
    place.run(&["svid", "--cluster", "west", "--id", ID, "--out", "again"]).ok();
    place.run(&["revoke", "--lift", &number]).fails(4).says("no such denial");
}

#[test]
fn the_crls_of_all_cas_come_in_one_file_or_not_at_all() {
    let place = Place::with_mesh(&["west", "east"]);
    let made = place.run(&["svid", "--cluster", "west", "--id", ID, "--out", "cart", "--json"]).ok().json();
    place.run(&["crls", "--out", "ca-crl.pem"]).ok().says("3 CRLs");
    place.run(&["verify", "--bundle", "mesh/bundle.json", "--chain", "cart/svid.pem", "--crl", "ca-crl.pem"]).ok();
    place.run(&["revoke", made["serial"].as_str().unwrap()]).ok();
    place.run(&["crls", "--out", "ca-crl.pem"]).fails(7);
    place.run(&["crls", "--out", "ca-crl.pem", "--force"]).ok();
    assert_eq!(place.run(&["verify", "--bundle", "mesh/bundle.json", "--chain", "cart/svid.pem", "--crl", "ca-crl.pem"]).code, 1);
    assert_eq!(place.run(&["crls", "--json"]).ok().json()["crls"].as_array().unwrap().len(), 3);
    // Without the root's there is none: a mesh from before there were CRLs, whose root is away.
    let young = Place::new();
    young.run(&["init", "--trust-domain", "mesh.example"]).ok();
    young.run(&["crls"]).fails(1).says("there is no CRL of 'root-");
}

#[test]
fn what_cannot_be_revoked_is_said() {
    let place = Place::with_mesh(&["west"]);
    place.run(&["revoke", "00ff"]).fails(4).says("nothing was revoked");
    place.run(&["revoke", "00ff", "--reason", "stolen"]).fails(3).says("keyCompromise");
    place.run(&["revoke", "--id", ID, "--deny-for", "5m", "--json"]).ok();
    assert_eq!(place.run(&["revoke"]).code, 2);
    assert_eq!(place.run(&["revoke", "00ff", "--id", ID]).code, 2);
    assert_eq!(place.run(&["revoke", "--list", "--deny"]).code, 2);
}
