//! Every request that real clients send is signed, and every one that should be refused is, with its reason.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "helpers of tests, where a failed expectation is the point"
)]

mod common;

use std::path::Path;

use common::{ID, Place, changes};
use meshroot::csr::Csr;
use meshroot::pem;
use serde_json::Value;

fn fixtures() -> (std::path::PathBuf, Vec<Value>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/csr");
    let index: Value = serde_json::from_slice(&std::fs::read(folder.join("index.json")).unwrap()).unwrap();
    (folder.canonicalize().unwrap(), index.as_array().unwrap().clone())
}

#[test]
fn every_client_gets_a_certificate_with_the_very_key_it_sent() {
    let place = Place::with_mesh(&["west"]);
    let (folder, index) = fixtures();
    let mut signed = 0;
    for entry in index.iter().filter(|entry| entry["expect"] == "ok") {
        let file = folder.join(entry["file"].as_str().unwrap());
        let answer = place.run(&["sign", "--cluster", "west", "--id", ID, "--csr", file.to_str().unwrap()]).ok();
        let chain = pem::certificates(answer.stdout.as_bytes()).unwrap();
        assert_eq!(chain.len(), 2, "the leaf and the cluster CA");
        let request = Csr::from_pem_or_der(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(chain[0].public_key().spki_der(), request.public_key().spki_der(), "{entry}");
        let names = chain[0].alt_names().unwrap();
        assert_eq!((names.uris.as_slice(), names.dns.len(), names.ips.len(), names.emails.len()), ([ID].as_slice(), 0, 0, 0), "{entry}");
        assert!(chain[0].subject().is_empty() && !chain[0].is_ca(), "{entry}");
        signed += 1;
    }
    assert!(signed >= 28, "only {signed} of the fixtures were signed");
    assert_eq!(place.run(&["status", "--json"]).ok().json()["issued"], signed, "each is on record");
}

#[test]
fn every_request_that_should_be_refused_is_refused_with_a_reason() {
    let place = Place::with_mesh(&["west"]);
    let before = place.snapshot("mesh");
    let (folder, index) = fixtures();
    let mut codes = std::collections::BTreeSet::new();
    let mut refused = 0;
    for entry in index.iter().filter(|entry| entry["expect"] == "refuse") {
        let file = folder.join(entry["file"].as_str().unwrap());
        let args = ["sign", "--cluster", "west", "--id", ID, "--csr", file.to_str().unwrap(), "--out", "chain.pem"];
        let expected = if entry["refused_by"] == "grant" { 1 } else { 3 };
        place.run(&args).fails(expected);
        let error = place.run(&[args.as_slice(), &["--json"]].concat()).fails(expected).error();
        let code = error["code"].as_str().unwrap();
        assert!(code.contains('.') && code != "internal", "{entry}: {error}");
        codes.insert(code.to_owned());
        refused += 1;
    }
    assert!(refused >= 40, "only {refused} of the fixtures were refused");
    assert!(codes.len() >= 10, "the reasons are told apart: {codes:?}");
    assert!(!place.path("chain.pem").exists());
    assert_eq!(changes(&before, &place.snapshot("mesh")), [""; 0]);
    assert_eq!(place.run(&["status", "--json"]).ok().json()["issued"], 0);
}

#[test]
fn a_request_comes_through_standard_input_too() {
    let place = Place::with_mesh(&["west"]);
    let (folder, _) = fixtures();
    let request = std::fs::read(folder.join("ztunnel.pem")).unwrap();
    let answer = place.feed(&["sign", "--cluster", "west", "--id", ID, "--csr", "-"], &request).ok();
    assert_eq!(pem::certificates(answer.stdout.as_bytes()).unwrap().len(), 2);
    place.feed(&["sign", "--cluster", "west", "--id", ID, "--csr", "-"], b"").fails(3).says("standard input");
    let huge = vec![b'a'; 5 << 20];
    place.feed(&["sign", "--cluster", "west", "--id", ID, "--csr", "-"], &huge).fails(3).says("bytes");
}
