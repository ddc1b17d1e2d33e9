//! No key and no unlock secret is ever printed, whatever happens.
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

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use common::canaries::{self, scalar, unlock};
use common::{ID, Place};

/// As text, for what is printed is text.
fn forms(secret: &[u8]) -> Vec<String> {
    canaries::forms(secret).into_iter().filter_map(|form| String::from_utf8(form).ok()).collect()
}

#[test]
fn nothing_that_is_printed_holds_a_secret() {
    let place = Place::new();
    let mut said = String::new();
    let tour: [&[&str]; 27] = [
        &["quickstart", "west", "east", "--trust-domain", "mesh.example", "--out", "mesh"],
        &["quickstart", "west", "east", "--trust-domain", "mesh.example", "--out", "mesh"],
        &["cluster", "add", "north"],
        &["quickstart", "north", "--trust-domain", "mesh.example"],
        &["cluster", "list"],
        &["cluster", "show", "west"],
        &["status"],
        &["svid", "--cluster", "west", "--id", ID, "--out", "cart"],
        &["svid", "--cluster", "west", "--id", ID, "--out", "cart"],
        &["svid", "--cluster", "west", "--id", ID, "--out", "cart", "--force"],
        &["istio", "cacerts", "west", "--out", "w"],
        &["istio", "cacerts", "west", "--secret", "--out", "w.yaml"],
        &["istio", "check", "w", "w.yaml", "mesh/clusters/east/cacerts"],
        &["istio", "check", "w/ca-key.pem"],
        &["bundle", "show"],
        &["bundle", "export"],
        &["bundle", "export", "--format", "map"],
        // Secrets where something else is expected.
        &["sign", "--cluster", "west", "--id", ID, "--csr", "cart/svid-key.pem"],
        &["sign", "--cluster", "west", "--id", ID, "--csr", "mesh/unlock.key"],
        &["svid", "--cluster", "west", "--id", ID, "--out", "x", "--unlock-file", "cart/svid-key.pem"],
        &["svid", "--cluster", "west", "--id", ID, "--out", "x", "--unlock-file", "mesh/root/unlock.key"],
        &["status", "--store", "mesh/unlock.key"],
        &["status", "--store", "cart/svid-key.pem"],
        &["inspect", "cart/svid-key.pem", "mesh/unlock.key", "w.yaml", "w/ca-key.pem"],
        &["verify", "--bundle", "mesh/unlock.key", "--chain", "cart/svid-key.pem"],
        &["verify", "--bundle", "mesh/bundle.json", "--chain", "w/ca-key.pem"],
        &["istio", "check", "mesh/unlock.key"],
    ];
    for args in tour {
        for form in [&[][..], &["--json"]] {
            let answer = place.run(&[args, form].concat());
            assert_ne!(answer.code, 70, "{args:?}: {answer:?}");
            said.push_str(&answer.stdout);
            said.push_str(&answer.stderr);
        }
    }
    // A record of what everybody wrote is of no use without what it must not hold.
    let keys = [
        "mesh/clusters/west/cacerts/ca-key.pem",
        "mesh/clusters/east/cacerts/ca-key.pem",
        "mesh/clusters/north/cacerts/ca-key.pem",
        "cart/svid-key.pem",
    ];
    let unlocks = ["mesh/unlock.key", "mesh/root/unlock.key"];
    let secrets = keys.map(|name| scalar(&place.read(name))).into_iter().chain(unlocks.map(|name| unlock(&place.read(name))));
    for secret in secrets {
        for form in forms(&secret) {
            assert!(!said.contains(&form), "a secret was printed");
        }
    }
    let block = fs::read_to_string(place.path("cart/svid-key.pem")).unwrap();
    assert!(block.lines().filter(|line| !line.starts_with("-----")).all(|line| !said.contains(line)), "a line of a key's PEM was printed");
    assert!(!said.contains("PRIVATE KEY-----"));
}

#[test]
fn the_stores_hold_no_key_in_the_clear() {
    let place = Place::with_mesh(&["west"]);
    let key = scalar(&place.read("mesh/clusters/west/cacerts/ca-key.pem"));
    for name in ["mesh/store/mesh.db", "mesh/root/store/root.db"] {
        let store = place.read(name);
        for secret in [key.clone(), unlock(&place.read("mesh/unlock.key")), unlock(&place.read("mesh/root/unlock.key"))] {
            assert!(!store.windows(secret.len()).any(|window| window == secret), "{name}");
            let text = String::from_utf8_lossy(&store);
            assert!(forms(&secret).iter().all(|form| !text.contains(form)), "{name}");
        }
    }
}

#[test]
fn the_search_finds_what_was_planted() {
    let secret: Vec<u8> = (100..132).collect();
    for (before, after) in [("", ""), ("a", "bc"), ("ab", "c")] {
        let text = STANDARD.encode([before.as_bytes(), &secret, after.as_bytes()].concat());
        assert!(forms(&secret).iter().any(|form| text.contains(form.as_str())), "behind {} bytes", before.len());
    }
}
