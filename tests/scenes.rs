//! The scenes of `doctor`: what they are, told by real handshakes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot_tests::handshake::{Rules, inbound, outbound};
use meshroot_tests::scene::{Expected, Scene};

/// 2026-12-01T00:00:00Z
const NOW: Timestamp = Timestamp::from_unix(1_796_083_200);

#[test]
fn rustls_judges_every_pair_of_every_scene_as_the_facts_say() {
    let crypto = Crypto::ring();
    for scene in Scene::all(NOW, &crypto) {
        for (rules, expected) in [(Rules::Ztunnel, scene.expected.ambient), (Rules::AsStrictAsEnvoy, scene.expected.sidecar)] {
            let seen = Expected::matrix(scene.clusters.len(), |row, column| {
                let leaf = scene.clusters[row].workload(NOW, &crypto);
                let verdict = inbound(&leaf, &scene.clusters[column], rules, NOW, &crypto);
                println!("{} {rules:?} {row}->{column}: {verdict:?}", scene.name);
                verdict.is_ok()
            });
            assert_eq!(seen, expected, "{} under {rules:?}", scene.name);
        }
    }
}

#[test]
fn a_client_judges_a_server_as_a_server_judges_a_client_where_no_crl_is_held() {
    let crypto = Crypto::ring();
    for scene in Scene::all(NOW, &crypto).iter().filter(|scene| scene.clusters.iter().all(|cluster| cluster.crls.is_empty())) {
        let seen = Expected::matrix(scene.clusters.len(), |row, column| {
            outbound(&scene.clusters[row].workload(NOW, &crypto), &scene.clusters[column], Rules::Ztunnel, NOW, &crypto).is_ok()
        });
        assert_eq!(seen, scene.expected.ambient, "{}", scene.name);
    }
}
