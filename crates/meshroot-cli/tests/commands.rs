//! The same as quickstart in steps, and every other command when all goes well.
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

use common::{ID, Place, changes, mode, now};
use meshroot::bundle::{BundleMap, Limits};
use meshroot::key::Crypto;
use meshroot::pem;
use meshroot::revocation::CrlSet;
use meshroot::spiffe::TrustDomain;
use meshroot::verify::Validator;

fn td() -> TrustDomain {
    TrustDomain::parse("mesh.example").unwrap()
}

#[test]
fn in_steps_it_comes_to_the_same() {
    let place = Place::new();
    place.run(&["init", "--trust-domain", "mesh.example"]).ok().says("root-");
    place.run(&["cluster", "add", "west", "east"]).ok().says("Added west").says("Added east");
    place.run(&["istio", "cacerts", "west", "--out", "w"]).ok();
    place.run(&["istio", "cacerts", "east", "--out", "e"]).ok();
    place.run(&["istio", "check", "w", "e"]).ok().says("good").says("they fit together");
    assert_eq!(mode(&place.path("w/ca-key.pem")), 0o600);
    // quickstart goes on from there, and the files it writes are the same.
    place.quickstart(&["west", "east"]).ok().says("Wrote what was missing");
    assert_eq!(place.read("mesh/clusters/west/cacerts/ca-key.pem"), place.read("w/ca-key.pem"));
}

#[test]
fn init_makes_a_mesh_once() {
    let place = Place::new();
    place.run(&["init", "--trust-domain", "mesh.example", "--store", "m"]).ok();
    let before = place.snapshot("m");
    place.run(&["init", "--trust-domain", "mesh.example", "--store", "m"]).fails(7);
    place.run(&["init", "--trust-domain", "other.example", "--store", "m"]).fails(7);
    assert_eq!(changes(&before, &place.snapshot("m")), [""; 0]);
    place.run(&["cluster", "list", "--store", "m"]).ok();
    place.run(&["cluster", "list", "--store", "m/store/mesh.db"]).ok();
    place.run(&["cluster", "list", "--store", "m/root/store/root.db"]).fails(3).says("root");
}

#[test]
fn a_cluster_is_added_once_or_not_at_all() {
    let place = Place::with_mesh(&["west"]);
    let before = place.snapshot("mesh");
    place.run(&["cluster", "add", "north", "west"]).fails(1).says("west");
    place.run(&["cluster", "add", "north", "north"]).fails(2).says("twice");
    place.run(&["cluster", "add", "north", "NORTH"]).fails(2).says("twice");
    place.run(&["cluster", "add", "../north"]).fails(2).says("cluster name");
    assert_eq!(changes(&before, &place.snapshot("mesh")), [""; 0]);
    place.run(&["cluster", "show", "west"]).ok().says("SHA-256").says("issuer");
    let shown = place.run(&["cluster", "show", "west", "--json"]).ok().json();
    assert_eq!(shown["authorities"][0]["certificate"].as_str().unwrap().as_bytes(), place.read("mesh/clusters/west/cacerts/ca-cert.pem"));
}

#[test]
fn an_svid_is_valid_in_the_mesh() {
    let place = Place::with_mesh(&["west", "east"]);
    let answer = place.run(&["svid", "--cluster", "east", "--id", ID, "--lifetime", "1h", "--out", "cart", "--json"]).ok().json();
    let chain = pem::certificates(&place.read("cart/svid.pem")).unwrap();
    assert_eq!(chain.len(), 2, "the leaf and the cluster CA, no root");
    assert_eq!(answer["serial"], chain[0].serial().to_string());
    let (bundle, _) = meshroot::bundle::Bundle::from_spiffe_json(td(), &place.read("mesh/bundle.json"), &Limits::default()).unwrap();
    let ders: Vec<_> = chain.iter().map(|cert| cert.der()).collect();
    let now = now();
    let svid = Validator::new(&BundleMap::from(bundle), Crypto::ring()).validate(&ders, &CrlSet::empty(), now).unwrap();
    assert_eq!(svid.id().as_str(), ID);
    assert!(chain[0].validity().remaining(now).as_secs() <= 3_600);
    let key = meshroot::key::PrivateKey::from_pem(&place.read("cart/svid-key.pem"), None, &Crypto::ring()).unwrap();
    assert_eq!(key.public_key(), chain[0].public_key());
    assert_eq!(place.read("cart/bundle.pem"), place.read("mesh/root-cert.pem"));
    assert_eq!([mode(&place.path("cart/svid-key.pem")), mode(&place.path("cart/svid.pem")), mode(&place.path("cart"))], [0o600, 0o644, 0o700]);
    for kind in ["p384", "ed25519"] {
        place.run(&["svid", "--cluster", "east", "--id", ID, "--key-type", kind, "--out", kind]).ok();
    }
}

#[test]
fn what_is_there_is_not_overwritten_without_force() {
    let place = Place::with_mesh(&["west"]);
    place.svid("cart").ok();
    let before = (place.snapshot("cart"), place.snapshot("mesh"));
    place.svid("cart").fails(7).says("svid.pem");
    place.run(&["sign", "--cluster", "west", "--id", ID, "--csr", "nothing", "--out", "cart/svid.pem"]).fails(7);
    place.run(&["bundle", "export", "--out", "cart/svid.pem"]).fails(7).says("--force");
    place.run(&["istio", "cacerts", "west", "--secret", "--out", "cart/svid.pem"]).fails(7).says("--force");
    assert_eq!(changes(&before.0, &place.snapshot("cart")), [""; 0]);
    assert_eq!(changes(&before.1, &place.snapshot("mesh")), [""; 0], "nothing was issued for it");
    // Half a folder is not completed either.
    fs::remove_file(place.path("cart/svid.pem")).unwrap();
    place.svid("cart").fails(7);
    assert_eq!(place.snapshot("cart").len(), 2);
    place.run(&["svid", "--cluster", "west", "--id", ID, "--out", "cart", "--force"]).ok();
    assert_eq!(place.snapshot("cart").len(), 3);
}

#[test]
fn a_certificate_ends_with_its_ca_and_the_answer_says_so() {
    let place = Place::with_mesh(&["west"]);
    let answer = place.run(&["svid", "--cluster", "west", "--id", ID, "--lifetime", "400d", "--out", "cart"]).ok();
    assert!(answer.stderr.contains("instead of") && answer.stderr.contains("west CA"), "{answer:?}");
    let document = place.run(&["svid", "--cluster", "west", "--id", ID, "--lifetime", "400d", "--out", "other", "--json"]).ok().json();
    assert_eq!(document["lifetime_cut"]["asked_seconds"], 400 * 86_400);
    assert_eq!(document["not_after"], document["lifetime_cut"]["until"]);
}

#[test]
fn the_bundle_comes_in_three_forms() {
    let place = Place::with_mesh(&["west"]);
    let export = |format| place.run(&["bundle", "export", "--format", format]).ok().stdout;
    assert_eq!(export("spiffe").trim_end().as_bytes(), place.read("mesh/bundle.json").trim_ascii_end(), "the bytes that were published");
    assert_eq!(export("pem").as_bytes(), place.read("mesh/root-cert.pem"));
    let (map, _) = BundleMap::from_json(export("map").as_bytes(), &Limits::default()).unwrap();
    assert_eq!(map.get(td().as_ref()).unwrap().to_pem().as_bytes(), place.read("mesh/root-cert.pem"));
    place.run(&["bundle", "export", "--out", "b.json"]).ok();
    assert_eq!(place.read("b.json"), place.read("mesh/bundle.json"));
    place.run(&["bundle", "show"]).ok().says("SHA-256").says("number 1");
}

#[test]
fn the_secret_holds_what_the_folder_holds() {
    let place = Place::with_mesh(&["west"]);
    let manifest = place.run(&["istio", "cacerts", "west", "--secret"]).ok().stdout;
    assert_eq!(manifest.as_bytes(), place.read("mesh/clusters/west/cacerts.yaml"));
    let named = place.run(&["istio", "cacerts", "west", "--secret", "--namespace", "istio-north"]).ok().stdout;
    assert!(named.contains("istio-north"));
    place.run(&["istio", "cacerts", "west", "--secret", "--namespace", "no/name"]).fails(1);
    place.run(&["istio", "cacerts", "west", "--secret", "--json"]).fails(2).says("--out");
    place.run(&["istio", "cacerts", "west", "--secret", "--out", "s.yaml", "--json"]).ok();
    assert_eq!((place.read("s.yaml"), mode(&place.path("s.yaml"))), (manifest.into_bytes(), 0o600));
    place.feed(&["istio", "check", "-"], &place.read("s.yaml")).ok().says("good");
}

#[test]
fn check_tells_good_sets_from_bad_ones() {
    let place = Place::with_mesh(&["west", "east"]);
    let other = Place::with_mesh(&["north"]);
    let north = other.path("mesh/clusters/north/cacerts");
    let north = north.to_str().unwrap();
    let (west, east) = ("mesh/clusters/west/cacerts", "mesh/clusters/east/cacerts");
    place.run(&["istio", "check", west, east]).ok();
    // The folder and its Secret are one set.
    place.run(&["istio", "check", west, "mesh/clusters/west/cacerts.yaml", east]).ok().says("2 sets: they fit together");

    // Each is good, and they do not trust each other.
    let answer = place.run(&["istio", "check", west, north]);
    assert_eq!(answer.code, 1);
    answer.says("istio.roots_differ").says("do not fit together");

    fs::copy(place.path(east).join("ca-key.pem"), place.path(west).join("ca-key.pem")).unwrap();
    let answer = place.run(&["istio", "check", west]);
    assert_eq!(answer.code, 1);
    answer.says("istiod says: ").says("does not belong").says("do: ");
    let document = place.run(&["istio", "check", west, "--json"]);
    assert_eq!((document.code, &document.json()["good"]), (1, &false.into()));
    assert_eq!(document.json()["sets"][0]["findings"][0]["severity"], "istiod_refuses");

    place.run(&["istio", "check", "mesh/store"]).fails(4).says("ca-cert.pem");
    place.run(&["istio", "check", "nothing"]).fails(4);
    place.run(&["istio", "check", "mesh/root-cert.pem"]).fails(3);
}

#[test]
fn status_says_what_expires_first_and_what_to_do() {
    let place = Place::with_mesh(&["west", "east"]);
    place.svid("cart").ok();
    place.run(&["status"]).ok().says("1 certificate is on record").says("expires first").says("Nothing needs to be done");
    let document = place.run(&["status", "--json"]).ok().json();
    assert_eq!((&document["issued"], &document["sequence"]), (&1.into(), &1.into()));
    let at = |time| place.run(&["status", "--now", time]).ok();
    let expiry = document["expires_first"]["not_after"].as_str().unwrap();
    at(expiry).says("Act soon");
    at("2040-01-01T00:00:00Z").says("Act now").says("expired");
    for count in 2..20 {
        place.run(&["svid", "--cluster", "west", "--id", ID, "--out", "cart", "--force", "-q"]).ok();
        assert_eq!(place.run(&["status", "--json"]).ok().json()["issued"], count);
    }
}

#[test]
fn quiet_prints_results_only_and_pipes_get_no_colours() {
    let place = Place::with_mesh(&["west"]);
    let answer = place.run(&["quickstart", "west", "--trust-domain", "mesh.example", "-q"]).ok();
    assert_eq!((answer.stdout.as_str(), answer.stderr.as_str()), ("", ""));
    assert!(!place.run(&["bundle", "export", "-q"]).ok().stdout.is_empty());
    for args in [vec!["status"], vec!["istio", "check", "mesh/clusters/west/cacerts"]] {
        assert!(!place.run(&args).ok().stdout.contains('\u{1b}'));
    }
}

#[test]
fn a_store_is_found_by_option_variable_or_place() {
    let place = Place::new();
    place.run(&["init", "--trust-domain", "mesh.example", "--store", "a/b/c"]).ok();
    place.run(&["status", "--store", "a/b/c"]).ok();
    place.run(&["status"]).fails(4).says("mesh/store/mesh.db");
    let mut command = place.command(&["status"]);
    assert!(command.env("MESHROOT_STORE", "a/b/c").status().unwrap().success());
}

#[test]
fn completions_and_manual_come_from_the_definitions() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.run(&["completions", shell]).ok().stdout;
        assert!(script.contains("quickstart") && script.contains("trust-domain"), "{shell}");
    }
    place.run(&["man", "--out", "man"]).ok();
    let page = String::from_utf8(place.read("man/meshroot.1")).unwrap();
    assert!(page.contains("Exit codes") && page.contains("quickstart"));
    assert!(place.path("man/meshroot-istio-cacerts.1").exists());
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let place = Place::new();
    for command in [
        vec!["quickstart"],
        vec!["init"],
        vec!["cluster", "add"],
        vec!["istio", "cacerts"],
        vec!["istio", "check"],
        vec!["istio", "istiod-tls"],
        vec!["istio", "root-configmap"],
        vec!["bundle", "import"],
        vec!["bundle", "remove"],
        vec!["sign"],
        vec!["svid"],
        vec!["bundle", "export"],
        vec!["inspect"],
        vec!["verify"],
        vec!["status"],
        vec!["completions"],
    ] {
        let help = place.run(&[command.as_slice(), &["--help"]].concat()).ok().stdout;
        assert!(help.contains("meshroot ") && help.contains("Example"), "{command:?}: {help}");
    }
    assert!(place.run(&["--help"]).ok().stdout.contains("Exit codes"));
}

#[test]
fn the_json_of_every_command_is_documented() {
    let documentation = include_str!("../docs/json.md");
    let place = Place::new();
    let tour: [&[&str]; 21] = [
        &["quickstart", "west", "east", "--trust-domain", "mesh.example", "--out", "mesh"],
        &["init", "--trust-domain", "mesh.example", "--store", "other"],
        &["cluster", "add", "north"],
        &["cluster", "list"],
        &["cluster", "show", "west"],
        &["istio", "cacerts", "west", "--out", "w"],
        &["istio", "check", "w"],
        &["svid", "--cluster", "west", "--id", ID, "--out", "cart"],
        &["sign", "--cluster", "west", "--id", ID, "--csr", concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/csr/ztunnel.pem")],
        &["istio", "istiod-tls", "west", "--out", "tls"],
        &["istio", "root-configmap", "--namespace", "shop"],
        &["bundle", "import", "mesh/bundle.json"],
        &["bundle", "show"],
        &["bundle", "remove", "mesh.example"],
        &["bundle", "export"],
        &["status"],
        &["inspect", "cart/svid.pem"],
        &["verify", "--bundle", "mesh/bundle.json", "--chain", "cart/svid.pem"],
        &["inventory", "--unexpired"],
        &["store", "restored"],
        &["completions", "bash"],
    ];
    for args in tour {
        let document = place.run(&[args, &["--json"]].concat()).ok().json();
        let name = args.iter().take_while(|arg| ["cluster", "istio", "bundle", "store"].contains(arg)).count();
        let name = args[..=name].join(" ");
        let row = documentation.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap_or_else(|| panic!("{name} has no row"));
        for field in document.as_object().unwrap().keys() {
            let documented = row.contains(&format!("`{field}`")) || (name == "svid" && documentation.contains(&format!("`{field}`")));
            assert!(documented, "{name}: `{field}` is not documented");
        }
    }
}

#[test]
fn the_roots_of_others_are_imported_listed_and_removed() {
    let place = Place::with_mesh(&["west"]);
    let other = Place::new();
    other.run(&["quickstart", "north", "--trust-domain", "other.example", "--out", "mesh"]).ok();
    fs::copy(other.path("mesh/bundle.json"), place.path("other.json")).unwrap();
    fs::copy(other.path("mesh/root-cert.pem"), place.path("other.pem")).unwrap();
    let published = place.read("mesh/bundle.json");
    place.run(&["bundle", "import", "other.json"]).ok().says("Imported other.example: 1 root").says("can be anybody");
    place.run(&["bundle", "import", "other.json"]).ok().says("nothing was changed");
    place.run(&["status"]).ok().says("+  other.example: 1 root, its number 1, handed to workloads since");
    place.run(&["bundle", "show"]).ok().says("+  other.example");
    assert_eq!(place.run(&["bundle", "export"]).ok().stdout.trim_end().as_bytes(), published.trim_ascii_end(), "our own bundle is as it was");
    // PEM has no number, so nobody knows whether it is newer.
    place.run(&["bundle", "import", "other.pem"]).fails(1).says("no sequence number");
    place.run(&["bundle", "import", "other.pem", "--force"]).ok();
    place.run(&["bundle", "remove", "other.example"]).ok();
    place.run(&["bundle", "remove", "other.example"]).fails(1).says("no bundle of 'other.example' is imported");
    assert!(!place.run(&["status"]).ok().stdout.contains("other.example"));
}

#[test]
fn istiod_gets_a_certificate_and_the_namespaces_their_roots() {
    let place = Place::with_mesh(&["west"]);
    place
        .run(&["istio", "istiod-tls", "west", "--revision", "1-30", "--dns", "istiod.example", "--out", "tls"])
        .ok()
        .says("istiod-1-30.istio-system.svc");
    assert_eq!(mode(&place.path("tls/tls.key")), 0o600);
    let chain = pem::certificates(&place.read("tls/tls.crt")).unwrap();
    let names = chain[0].alt_names().unwrap();
    assert!(names.dns.contains(&"istiod.istio-system.svc") && names.dns.contains(&"istiod.example"), "{:?}", names.dns);
    assert_eq!(names.uris, ["spiffe://mesh.example/ns/istio-system/sa/istiod"]);
    assert_eq!(place.read("tls/ca.crt"), place.read("mesh/root-cert.pem"));
    place.run(&["istio", "istiod-tls", "west", "--out", "tls"]).fails(7);
    let secret = place.run(&["istio", "istiod-tls", "west", "--secret"]).ok().stdout;
    let read = meshroot::istio::manifest::secrets(secret.as_bytes()).unwrap();
    assert_eq!((read[0].name.as_str(), read[0].secret_type.as_deref()), ("istiod-tls", Some("kubernetes.io/tls")));
    // Nothing is issued for what cannot be written.
    let before = place.run(&["status", "--json"]).ok().stdout;
    place.run(&["istio", "istiod-tls", "west", "--secret", "--namespace", "No Such"]).fails(1).says("no Kubernetes namespace");
    let issued = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["issued"].clone();
    assert_eq!(issued(&before), issued(&place.run(&["status", "--json"]).ok().stdout));

    let roots = place.run(&["istio", "root-configmap", "--namespace", "shop", "--namespace", "team"]).ok().stdout;
    let meshroot::istio::manifest::Object::ConfigMap(map) = &meshroot::istio::manifest::objects(roots.as_bytes()).unwrap()[1] else {
        panic!("{roots}")
    };
    assert_eq!((map.name.as_str(), map.namespace.as_deref()), ("istio-ca-root-cert", Some("team")));
    assert_eq!(map.values["root-cert.pem"], place.read("mesh/root-cert.pem"));
}
