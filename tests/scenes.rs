//! The scenes of `doctor`: what they are, told by real handshakes.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot_tests::handshake::{Rules, inbound, outbound};
use meshroot_tests::scene::{Expected, Scene};

/// 2026-12-01T00:00:00Z
const NOW: Timestamp = Timestamp::from_unix(1_796_083_200);

/// What only Envoy's own validator does: it looks at an issuer's keyCertSign, and into URI constraints.
const BEYOND_WEBPKI: [&str; 2] = ["no-cert-sign", "uri-constraint"];

#[test]
fn rustls_judges_every_pair_of_every_scene_as_the_facts_say() {
    let crypto = Crypto::ring();
    for scene in Scene::all(NOW, &crypto) {
        for (rules, expected) in [(Rules::Ztunnel, scene.expected.ambient), (Rules::AsStrictAsEnvoy, scene.expected.sidecar)] {
            if rules == Rules::AsStrictAsEnvoy && BEYOND_WEBPKI.contains(&scene.name) {
                continue;
            }
            let seen = Expected::matrix(scene.clusters.len(), |row, column| {
                let leaf = scene.clusters[row].workload(NOW, &crypto);
                inbound(&leaf, &scene.clusters[column], rules, NOW, &crypto).is_ok()
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
            let row = &scene.clusters[row];
            outbound(&row.workload(NOW, &crypto), &row.identity(), &scene.clusters[column], Rules::Ztunnel, NOW, &crypto).is_ok()
        });
        // A client of ztunnel's knows the identity that it calls; only those who come in are asked for their trust domain.
        let expected = if matches!(scene.name, "not-let-in" | "federated" | "federated-by-domain") { "yy yy" } else { scene.expected.ambient };
        assert_eq!(seen, expected, "{}", scene.name);
    }
}
