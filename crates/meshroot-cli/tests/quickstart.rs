//! `quickstart`: what it makes, that it can be repeated, and that it leaves alone what it did not make.
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

use common::{Answer, Place, changes, mode, now};
use meshroot::istio::{CacertsFiles, check_for};
use meshroot::key::Crypto;
use meshroot::spiffe::TrustDomain;

#[test]
fn one_command_makes_everything_that_two_clusters_need() {
    let place = Place::new();
    let answer = place.quickstart(&["west", "east"]).ok();
    for cluster in ["west", "east"] {
        let mut files = CacertsFiles::default();
        for name in ["ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem"] {
            files.set(name, place.read(&format!("mesh/clusters/{cluster}/cacerts/{name}")));
        }
        let td = TrustDomain::parse("mesh.example").unwrap();
        let report = check_for(&files, Some(td.as_ref()), &Crypto::ring(), now());
        assert!(report.findings().is_empty(), "{:?}", report.findings());
        let manifest = meshroot::istio::manifest::secrets(&place.read(&format!("mesh/clusters/{cluster}/cacerts.yaml"))).unwrap();
        assert_eq!((manifest[0].name.as_str(), manifest[0].namespace.as_deref()), ("cacerts", Some("istio-system")));
        assert_eq!(manifest[0].files, files, "the Secret holds the same");
    }
    assert_eq!(place.read("mesh/root-cert.pem"), place.read("mesh/clusters/west/cacerts/root-cert.pem"));
    assert_eq!(place.read("mesh/root-cert.pem"), place.read("mesh/clusters/east/cacerts/root-cert.pem"));
    let bundle = place.read("mesh/bundle.json");
    let (bundle, ignored) =
        meshroot::bundle::Bundle::from_spiffe_json(TrustDomain::parse("mesh.example").unwrap(), &bundle, &meshroot::bundle::Limits::default())
            .unwrap();
    assert!(ignored.is_empty());
    assert_eq!(bundle.to_pem().into_bytes(), place.read("mesh/root-cert.pem"));
    assert_eq!(bundle.sequence(), Some(1));

    for said in ["root-", "├─ west-", "└─ east-", "left)", "can go offline", "0600", "kubectl --context west apply", "meshroot svid --store mesh"]
    {
        assert!(answer.stdout.contains(said), "'{said}' is not in {}", answer.stdout);
    }
    assert_eq!(answer.stdout.matches("yes").count(), 4, "the matrix: {}", answer.stdout);
}

#[test]
fn secrets_are_readable_by_their_owner_alone() {
    let place = Place::with_mesh(&["west"]);
    for secret in
        ["unlock.key", "root/unlock.key", "store/mesh.db", "root/store/root.db", "clusters/west/cacerts/ca-key.pem", "clusters/west/cacerts.yaml"]
    {
        assert_eq!(mode(&place.path("mesh").join(secret)), 0o600, "{secret}");
    }
    for folder in ["", "store", "root", "root/store", "clusters", "clusters/west", "clusters/west/cacerts"] {
        assert_eq!(mode(&place.path("mesh").join(folder)), 0o700, "{folder}");
    }
    for public in ["root-cert.pem", "bundle.json", "clusters/west/cacerts/ca-cert.pem"] {
        assert_eq!(mode(&place.path("mesh").join(public)), 0o644, "{public}");
    }
}

#[test]
fn nothing_but_what_was_promised_is_left_in_the_folder() {
    let place = Place::with_mesh(&["west"]);
    let mut names: Vec<_> = place.snapshot("mesh").keys().map(|path| path.strip_prefix(place.path("mesh")).unwrap().display().to_string()).collect();
    names.sort();
    let cacerts = ["ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem"].map(|name| format!("clusters/west/cacerts/{name}"));
    let mut expected: Vec<String> =
        ["bundle.json", "clusters/west/cacerts.yaml", "root-cert.pem", "root/store/root.db", "root/unlock.key", "store/mesh.db", "unlock.key"]
            .map(Into::into)
            .into();
    expected.extend(["root/store/root.db-mark", "store/mesh.db-mark"].map(Into::into));
    expected.extend(cacerts);
    expected.sort();
    assert_eq!(names, expected);
}

#[test]
fn run_again_it_changes_nothing_and_says_so() {
    let place = Place::with_mesh(&["west", "east"]);
    let before = place.snapshot("mesh");
    place.quickstart(&["west", "east"]).ok().says("Nothing to do").says("yes");
    assert_eq!(changes(&before, &place.snapshot("mesh")), [""; 0]);
    // Also for some of the clusters, and in another order.
    place.quickstart(&["east"]).ok().says("Nothing to do");
    assert_eq!(changes(&before, &place.snapshot("mesh")), [""; 0]);
    let answer = place.run(&["quickstart", "west", "--trust-domain", "mesh.example", "--json"]).ok();
    assert_eq!(answer.json()["changed"], false);
}

#[test]
fn run_with_one_more_name_it_adds_that_and_touches_nothing_else() {
    let place = Place::with_mesh(&["west", "east"]);
    let before = place.snapshot("mesh");
    let answer = place.quickstart(&["west", "east", "north"]).ok().says("Added north");
    assert_eq!(answer.stdout.matches("yes").count(), 9, "{}", answer.stdout);
    let after = place.snapshot("mesh");
    let touched = changes(&before, &after);
    let allowed = |path: &String| {
        path.contains("/clusters/north/") || ["mesh.db", "root.db", "mesh.db-mark", "root.db-mark"].iter().any(|name| path.ends_with(name))
    };
    assert!(touched.iter().all(allowed), "{touched:?}");
    assert_eq!(touched.len(), 5 + 4, "{touched:?}");
    place.run(&["istio", "check", "mesh/clusters/west/cacerts", "mesh/clusters/north/cacerts"]).ok().says("they fit together");
}

#[test]
fn a_missing_file_is_written_again_as_it_was() {
    let place = Place::with_mesh(&["west"]);
    let before = place.snapshot("mesh");
    for name in ["mesh/bundle.json", "mesh/clusters/west/cacerts/ca-key.pem"] {
        fs::remove_file(place.path(name)).unwrap();
        place.quickstart(&["west"]).ok().says("written again").says(name);
    }
    let after = place.snapshot("mesh");
    for (path, (bytes, mode, _)) in &before {
        assert_eq!((bytes, mode), (&after[path].0, &after[path].1), "{}", path.display());
    }
}

#[test]
fn a_changed_file_is_never_overwritten_without_force() {
    let place = Place::with_mesh(&["west"]);
    let name = "mesh/clusters/west/cacerts/root-cert.pem";
    let good = place.read(name);
    fs::write(place.path(name), "mine").unwrap();
    let before = place.snapshot("mesh");
    place.quickstart(&["west", "east"]).fails(7).says(name).says("--force");
    assert_eq!(changes(&before, &place.snapshot("mesh")), [""; 0], "not even the new cluster was added");
    place.run(&["quickstart", "west", "--trust-domain", "mesh.example", "--force"]).ok().says(name);
    assert_eq!(place.read(name), good);
}

#[test]
fn files_of_somebody_else_are_left_alone() {
    let place = Place::new();
    fs::create_dir(place.path("mesh")).unwrap();
    fs::write(place.path("mesh/README"), "mine").unwrap();
    place.quickstart(&["west"]).ok();
    assert_eq!(place.read("mesh/README"), b"mine");

    let other = Place::new();
    fs::create_dir(other.path("mesh")).unwrap();
    fs::write(other.path("mesh/bundle.json"), "mine").unwrap();
    other.quickstart(&["west"]).fails(7).says("bundle.json");
    assert_eq!(other.snapshot("mesh").len(), 1);

    // A folder where a new cluster's would be.
    fs::create_dir_all(place.path("mesh/clusters/east/cacerts")).unwrap();
    fs::write(place.path("mesh/clusters/east/cacerts/ca-key.pem"), "mine").unwrap();
    let before = place.snapshot("mesh");
    place.quickstart(&["west", "east"]).fails(7).says("clusters/east/cacerts");
    assert_eq!(changes(&before, &place.snapshot("mesh")), [""; 0]);
}

#[test]
fn another_trust_domain_needs_another_folder() {
    let place = Place::with_mesh(&["west"]);
    let before = place.snapshot("mesh");
    place.run(&["quickstart", "west", "--trust-domain", "other.example", "--out", "mesh"]).fails(1).says("mesh.example").says("other.example");
    assert_eq!(changes(&before, &place.snapshot("mesh")), [""; 0]);
}

#[test]
fn a_cluster_is_added_only_with_the_root_at_hand() {
    let place = Place::with_mesh(&["west"]);
    fs::rename(place.path("mesh/root"), place.path("safe")).unwrap();
    let before = place.snapshot("mesh");
    place.quickstart(&["west", "east"]).fails(4).says("--root").says("root.db");
    assert_eq!(changes(&before, &place.snapshot("mesh")), [""; 0]);
    // Everything else works without it.
    place.quickstart(&["west"]).ok().says("Nothing to do");
    place.svid("cart").ok();
    place.run(&["bundle", "export"]).ok();
    place.run(&["istio", "cacerts", "west", "--out", "again"]).ok();
    place.run(&["status"]).ok().says("away");
    place.run(&["quickstart", "east", "--trust-domain", "mesh.example", "--root", "safe"]).ok().says("Added east");
}

#[test]
fn the_root_of_another_mesh_signs_nothing_here() {
    let (place, other) = (Place::with_mesh(&["west"]), Place::with_mesh(&["west"]));
    let root = other.path("mesh/root");
    let before = place.snapshot("mesh");
    place.run(&["cluster", "add", "east", "--root", root.to_str().unwrap()]).fails(1).says("is not the one of");
    assert_eq!(changes(&before, &place.snapshot("mesh")), [""; 0]);
}

#[test]
fn of_two_at_once_one_waits_for_the_other() {
    for names in [["west", "west"], ["west", "east"]] {
        let place = Place::new();
        let start = |name| place.command(&["quickstart", name, "--trust-domain", "mesh.example", "--out", "mesh"]).spawn().unwrap();
        for child in names.map(start) {
            Answer::of(child).ok();
        }
        let expected = if names[0] == names[1] { 1 } else { 2 };
        let listed = place.run(&["cluster", "list", "--json"]).ok().json();
        assert_eq!(listed["clusters"].as_array().unwrap().len(), expected);
        place.quickstart(&names[..expected]).ok().says("Nothing to do");
    }
}

#[test]
fn whenever_it_is_killed_the_next_run_makes_it_whole() {
    let clusters: Vec<String> = (0..21).map(|number| format!("c{number}")).collect();
    let clusters: Vec<&str> = clusters.iter().map(String::as_str).collect();
    let mut cut_short = 0;
    for wait in [10, 40, 70, 100, 150] {
        let place = Place::new();
        let args = [&["quickstart"], clusters.as_slice(), &["--trust-domain", "mesh.example", "--out", "mesh"]].concat();
        let mut child = place.command(&args).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(wait));
        child.kill().unwrap();
        cut_short += usize::from(!child.wait().unwrap().success());
        place.quickstart(&clusters).ok().says("441 of 441");
        let left: Vec<_> = place.snapshot("mesh").into_keys().filter(|path| path.display().to_string().contains(".meshroot-")).collect();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(place.run(&["cluster", "list", "--json"]).ok().json()["clusters"].as_array().unwrap().len(), clusters.len());
    }
    assert!(cut_short > 0, "it was always faster than the kill");
}

#[test]
fn keys_and_lifetimes_are_as_asked_for_and_a_cut_is_said() {
    let place = Place::new();
    let args = [
        "quickstart",
        "west",
        "--trust-domain",
        "mesh.example",
        "--key-type",
        "ed25519",
        "--root-key-type",
        "p384",
        "--root-lifetime",
        "90d",
        "--json",
    ];
    let made = place.run(&args).ok().json();
    assert_eq!(made["roots"][0]["key"], "ECDSA P-384");
    assert_eq!(made["clusters"][0]["key"], "Ed25519");
    assert_eq!(made["roots"][0]["not_after"], made["clusters"][0]["not_after"]);
    assert!(made["lifetimes_cut"][0].as_str().unwrap().contains("90d instead of 1y"), "{made}");
}

#[test]
fn many_clusters_are_summarised() {
    let place = Place::new();
    let clusters: Vec<String> = (0..21).map(|number| format!("c{number}")).collect();
    let answer = place.quickstart(&clusters.iter().map(String::as_str).collect::<Vec<_>>()).ok();
    assert!(answer.stdout.contains("441 of 441 pairs") && answer.stdout.contains("all with the same roots"), "{}", answer.stdout);
    assert!(answer.stdout.contains("and 1 more"), "{}", answer.stdout);
    assert!(answer.stdout.lines().count() < 60);
}
