//! The scenes of `doctor`, judged by a real Envoy. Run by `tests/interop.sh`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use meshroot::key::Crypto;
use meshroot_tests::envoy::Envoy;
use meshroot_tests::exhibits::now;
use meshroot_tests::scene::{Expected, Scene};

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
        assert_eq!(outbound, scene.expected.sidecar, "{}: sidecars as clients", scene.name);
    }
}
