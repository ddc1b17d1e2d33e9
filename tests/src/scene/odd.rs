//! Certificates about which data planes disagree, and the mistakes that istiod does not notice (it says it is ready, and nothing works).

use meshroot::key::Crypto;
use meshroot::time::Timestamp;

use super::plain::{MESH, Pair, cluster_shape};
use super::{Cluster, Expected, Scene, keys};
use crate::mint::{Ca, Shape, YEAR};

/// One mistake each, all of them in west or in the root.
pub fn all(now: Timestamp, crypto: &Crypto) -> Vec<Scene> {
    let west = |name, expected, edit: fn(&mut Shape)| {
        let mut pair = Pair::new(now, crypto);
        let mut shape = cluster_shape("west", now);
        edit(&mut shape);
        pair.west = pair.root.below(&shape, &keys::p256(2, crypto), crypto);
        Scene { name, now, clusters: pair.clusters(), authorities: vec![pair.root], expected }
    };
    vec![
        chain_forgotten(now, crypto),
        root_path_length(now, crypto),
        west("no-cert-sign", Expected { sidecar: "nn yy", ambient: "yy yy" }, |shape| shape.key_usage = vec![0, 6]),
        west("uri-constraint", Expected { sidecar: "yy yy", ambient: "nn yy" }, |shape| shape.permitted_uri = Some(MESH.to_owned())),
        west("uri-constraint-of-another", Expected { sidecar: "nn yy", ambient: "nn yy" }, |shape| {
            shape.permitted_uri = Some("other.example".to_owned())
        }),
    ]
}

/// West's `cert-chain.pem` holds the root alone: nobody is shown who signed west's leaves.
fn chain_forgotten(now: Timestamp, crypto: &Crypto) -> Scene {
    let pair = Pair::new(now, crypto);
    let mut clusters = pair.clusters();
    clusters[0].chain = vec![pair.root.certificate.clone()];
    Scene { name: "chain-forgotten", now, clusters, authorities: vec![pair.root], expected: Expected::both("nn yy") }
}

/// The root allows no CA below it, and both data planes let that pass: webpki reads of a root its name, its key and its name constraints, and
/// BoringSSL ignores the pathLen of a CA that is called like its issuer.
fn root_path_length(now: Timestamp, crypto: &Crypto) -> Scene {
    let mut shape = Shape::sound(MESH, "Mesh Root", now, now.plus(10 * YEAR));
    shape.path_length = Some(0);
    let root = Ca::root(&shape, &keys::p256(1, crypto), crypto);
    let cluster = |name, key| {
        let signing = root.below(&cluster_shape(name, now), &keys::p256(key, crypto), crypto);
        Cluster::plugged(name, MESH, signing, vec![root.certificate.clone()])
    };
    Scene {
        name: "root-path-length",
        now,
        clusters: vec![cluster("west", 2), cluster("east", 3)],
        authorities: vec![root.clone()],
        expected: Expected::both("yy yy"),
    }
}
