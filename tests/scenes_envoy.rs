//! The scenes of `doctor`, judged by a real Envoy. Run by `tests/interop.sh`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use meshroot::key::Crypto;
use meshroot_tests::envoy::Envoy;
use meshroot_tests::exhibits::now;
use meshroot_tests::scene::{Expected, Scene, federated, plain};

#[test]
fn envoy_judges_every_pair_of_every_scene_as_the_facts_say() {
    let (crypto, now) = (Crypto::ring(), now());
    let scenes = Scene::all(now, &crypto);
    let envoy = Envoy::start(&scenes, &crypto);
    for scene in &scenes {
        let n = scene.clusters.len();
        let inbound = Expected::matrix(n, |row, column| {
            let seen = envoy.inbound(scene.name, row, column);
            println!("{} {row}->{column} in  {seen:?}", scene.name);
            seen.accepted
        });
        let outbound = Expected::matrix(n, |row, column| {
            let seen = envoy.outbound(scene.name, row, column);
            println!("{} {row}->{column} out {seen:?}", scene.name);
            seen.accepted
        });
        assert_eq!(inbound, scene.expected.sidecar, "{}: sidecars as servers", scene.name);
        // A client knows the identity that it calls, and needs no list of trust domains.
        let expected = if scene.name == "not-let-in" { "yy yy" } else { scene.expected.sidecar };
        assert_eq!(outbound, expected, "{}: sidecars as clients", scene.name);
    }
}

/// Facts §4.6, rows 9 to 11: in a flat list of roots every root speaks for every trust domain.
#[test]
fn a_flat_bundle_lets_one_trust_domain_speak_for_another_and_a_bundle_map_does_not() {
    let (crypto, now) = (Crypto::ring(), now());
    let scenes = [federated::pair(now, &crypto), federated::by_domain(now, &crypto)];
    let envoy = Envoy::start(&scenes, &crypto);
    let [flat, by_domain] = &scenes;
    let impostor = federated::impostor(flat, &crypto);
    assert!(envoy.inbound_of(flat, &impostor, 0).accepted, "a root of east.example makes a west.example");
    let seen = envoy.inbound_of(by_domain, &impostor, 0);
    assert_eq!((seen.accepted, seen.counters), (false, vec!["fail_verify_error".to_owned()]));
}

/// Facts §4.6, row 8: below a common root every cluster CA can mint every cluster's identity.
#[test]
fn below_a_common_root_every_cluster_speaks_for_every_other() {
    let (crypto, now) = (Crypto::ring(), now());
    let scene = plain::healthy(now, &crypto);
    let envoy = Envoy::start(std::slice::from_ref(&scene), &crypto);
    let impostor = scene.cluster("east").workload_called(&scene.cluster("west").identity(), now, &crypto);
    assert!(envoy.inbound_of(&scene, &impostor, 0).accepted);
}
