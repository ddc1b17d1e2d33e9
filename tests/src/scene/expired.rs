//! A CA that has outlived its certificate.

use meshroot::key::Crypto;
use meshroot::time::Timestamp;

use super::plain::{MESH, Pair, cluster_ca, cluster_shape};
use super::{Cluster, Expected, Scene, keys};
use crate::mint::{Ca, DAY, Shape, YEAR};

/// West's cluster CA ended yesterday. East notices, and so does west.
pub fn intermediate(now: Timestamp, crypto: &Crypto) -> Scene {
    let mut pair = Pair::new(now, crypto);
    let mut shape = cluster_shape("west", now);
    (shape.not_before, shape.not_after) = (now.minus(YEAR), now.minus(DAY));
    pair.west = pair.root.below(&shape, &keys::p256(2, crypto), crypto);
    Scene { name: "expired-intermediate", now, clusters: pair.clusters(), authorities: vec![pair.root], expected: Expected::both("nn yy") }
}

/// The root ended yesterday and both cluster CAs are still good for a year. Envoy looks at a root's dates, webpki does not.
pub fn root(now: Timestamp, crypto: &Crypto) -> Scene {
    let mut shape = Shape::sound(MESH, "Mesh Root", now, now.minus(DAY));
    shape.not_before = now.minus(10 * YEAR);
    let root = Ca::root(&shape, &keys::p256(1, crypto), crypto);
    let roots = vec![root.certificate.clone()];
    let cluster = |name, key| Cluster::plugged(name, MESH, cluster_ca(&root, name, key, now, crypto), roots.clone());
    let expected = Expected { sidecar: "nn nn", ambient: "yy yy" };
    Scene { name: "expired-root", now, clusters: vec![cluster("west", 2), cluster("east", 3)], authorities: vec![root.clone()], expected }
}
