//! `doctor` as people see it: the matrix, the reasons, what mends them, and the exit code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::Place;

/// Two meshes side by side, as `ours` and `theirs`: nobody of the one is trusted in the other.
fn strangers(ours: &[&str], theirs: &[&str]) -> Place {
    let place = Place::new();
    for (names, out) in [(ours, "ours"), (theirs, "theirs")] {
        place.run(&[&["quickstart", "--trust-domain", "mesh.example", "-q", "--out", out], names].concat()).ok();
    }
    place
}

#[test]
fn healthy_clusters_get_a_matrix_of_yes_and_a_forecast() {
    let place = Place::with_mesh(&["west", "east"]);
    let answer = place.run(&["doctor", "mesh"]).ok();
    assert!(answer.stdout.starts_with("2 clusters, trust domain mesh.example  at 20"), "{answer:?}");
    assert!(answer.stdout.contains("\n        west      east\n  west  yes       yes\n  east  yes       yes\n"), "{answer:?}");
    assert!(answer.stdout.contains("All 4 pairs trust each other, until "), "{answer:?}");
    let answer = answer.says("What ends it first").says("the signing CA CN=west CA").says("west → west, east; sidecars and ambient");
    assert!(!answer.stdout.contains("Why not") && !answer.stdout.contains('\u{1b}') && answer.stderr.is_empty(), "{answer:?}");
}

#[test]
fn each_no_has_a_certificate_a_rule_a_symptom_and_a_cure() {
    let place = strangers(&["west", "east"], &["north"]);
    let answer = place.run(&["doctor", "ours", "theirs/clusters/north/cacerts"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert!(answer.stdout.contains("\n  north  NO        NO        yes\n"), "{answer:?}");
    let why = answer.stdout.split("Why not, and what mends it\n").nth(1).unwrap();
    let first = why.split("\nNO").next().unwrap();
    assert!(first.starts_with("NO  west, east → north; sidecars and ambient\n"), "{first}");
    for said in [
        "certificate  the ",
        "CN=Root CA",
        "because ",
        "(verify.unknown_issuer)",
        "RFC 5280 §6.1.3",
        "in Envoy ",
        "CERTIFICATE_VERIFY_FAILED",
        "counter: ssl.fail_verify_error",
        "in ztunnel ",
        "UnknownIssuer",
        "do  ",
        "append the root",
        "root-cert.pem",
    ] {
        assert!(first.contains(said), "{said}: {first}");
    }
    assert_eq!(why.matches("\nNO").count(), 2, "one cure for each column: {why}");
    answer.says("Of 18 answers (each pair, sidecars and ambient), 10 are yes, 8 are no.");
}

#[test]
fn the_printed_cure_applied_turns_no_into_yes() {
    let place = strangers(&["west"], &["north"]);
    let (west, north) = ("ours/clusters/west/cacerts", "theirs/clusters/north/cacerts");
    let no = place.run(&["doctor", west, north, "--json"]);
    assert_eq!(no.code, 1);
    for cell in no.json()["cells"].as_array().unwrap().iter().filter(|cell| cell["verdict"] == "no" && cell["plane"] == "sidecar") {
        let step = &cell["mend"][0]["mend"];
        assert_eq!(step["change"], "add_roots", "{cell}");
        let folder = if step["cluster"] == "west" { west } else { north };
        let mut roots = place.read(&format!("{folder}/root-cert.pem"));
        roots.extend(step["roots"][0]["certificate"].as_str().unwrap().as_bytes());
        std::fs::write(place.path(folder).join("root-cert.pem"), roots).unwrap();
    }
    place.run(&["doctor", west, north]).ok();
}

#[test]
fn many_clusters_are_told_by_class() {
    let names: Vec<String> = (10..40).map(|number| format!("c{number}")).collect();
    let ours: Vec<&str> = names.iter().map(String::as_str).collect();
    let place = strangers(&ours, &["x", "y"]);
    let healthy = place.run(&["doctor", "ours/clusters"]).ok();
    healthy.says("30 alike #1  yes").says("All 900 pairs trust each other").says("and 18 more clusters");
    let mixed = place.run(&["doctor", "ours/clusters", "theirs/clusters"]);
    assert_eq!(mixed.code, 1, "{mixed:?}");
    let words = mixed.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("30 alike #1 2 alike #2 30 alike #1 yes NO 2 alike #2 NO yes 30 alike #1:"), "{words}");
    let mixed = mixed.says("NO  c10 → x;").says("and so on    30 alike #1 → 2 alike #2").says("c10, c11, c12, c13, c14, c15 and 24 more");
    assert!(mixed.stdout.lines().count() < 100, "{}", mixed.stdout);
    // All of it is in the document.
    assert_eq!(place.run(&["doctor", "ours/clusters", "theirs/clusters", "--json"]).json()["cells"].as_array().unwrap().len(), 32 * 32 * 2);
}

#[test]
fn the_document_says_all_that_the_text_says() {
    let place = strangers(&["west"], &["north"]);
    let document = place.run(&["doctor", "ours", "theirs", "--json"]).json();
    assert_eq!(document["every_pair_trusts"], false);
    assert_eq!(document["clusters"][1]["name"], "north");
    assert!(document["clusters"][0]["roots"][0]["certificate"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    let no = &document["cells"].as_array().unwrap().iter().find(|cell| cell["verdict"] == "no").unwrap();
    assert_eq!(no["cause"]["code"], "verify.unknown_issuer");
    assert!(no["mend"][0]["text"].is_string() && no["symptom"]["log"].is_string(), "{no}");
    for member in ["forecast", "warnings", "notes", "endpoints", "remarks", "unread"] {
        assert!(document[member].is_array(), "{member}");
    }
}

#[test]
fn another_time_is_judged_at() {
    let place = Place::with_mesh(&["west"]);
    place.run(&["doctor", "mesh", "--at", "2027-01-01T00:00:00Z"]).ok();
    let late = place.run(&["doctor", "mesh", "--at", "2032-01-01T00:00:00Z"]);
    assert_eq!(late.code, 1, "{late:?}");
    late.says("expired").says("verify.expired");
    assert_eq!(place.run(&["doctor", "mesh", "--at", "tomorrow"]).code, 2);
    assert_eq!(place.run(&["doctor", "mesh", "--timeout", "1h"]).code, 2);
}

#[test]
fn it_is_in_the_help_the_completions_and_the_manual() {
    let place = Place::new();
    place.run(&["doctor", "--help"]).ok().says("istio-ca-root-cert").says("tls://HOST:PORT").says("kubectl");
    place.run(&["completions", "bash"]).ok().says("doctor");
    place.run(&["man", "--out", "man"]).ok();
    assert!(String::from_utf8(place.read("man/meshroot-doctor.1")).unwrap().contains("SOURCE"));
}
