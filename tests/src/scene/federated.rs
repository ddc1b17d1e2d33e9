//! Two trust domains: strangers, friends, and friends who trust too much.

use meshroot::key::Crypto;
use meshroot::time::Timestamp;

use super::{Cluster, Expected, Scene, keys};
use crate::mint::{Ca, Shape, YEAR};

/// The two trust domains.
pub const DOMAINS: [&str; 2] = ["west.example", "east.example"];

/// Strangers, and the pair that has exchanged its bundles.
pub fn all(now: Timestamp, crypto: &Crypto) -> Vec<Scene> {
    vec![strangers(now, crypto), acquaintances(now, crypto), pair(now, crypto), by_domain(now, crypto)]
}

/// Each trusts its own root and lets in its own trust domain.
pub fn strangers(now: Timestamp, crypto: &Crypto) -> Scene {
    let (clusters, authorities) = made(now, crypto);
    Scene { name: "strangers", now, clusters, authorities, expected: Expected::both("yn ny") }
}

/// The roots are exchanged, and nobody has told the sidecars to let the other trust domain in. As clients they know whom they call, and call.
pub fn acquaintances(now: Timestamp, crypto: &Crypto) -> Scene {
    let mut scene = Scene { name: "not-let-in", expected: Expected::both("yn ny"), ..pair(now, crypto) };
    scene.clusters.iter_mut().for_each(|cluster| cluster.lets_in.clear());
    scene
}

/// Both have the other's roots in a flat `root-cert.pem` and let the other's trust domain in, as Istio federates. ztunnel accepts no trust domain
/// but its own. And either root can now speak for both trust domains: see [`impostor`].
pub fn pair(now: Timestamp, crypto: &Crypto) -> Scene {
    let (mut clusters, authorities) = made(now, crypto);
    let roots: Vec<_> = clusters.iter().flat_map(|cluster| cluster.roots.clone()).collect();
    for (cluster, other) in clusters.iter_mut().zip([DOMAINS[1], DOMAINS[0]]) {
        cluster.lets_in = vec![other.to_owned()];
        cluster.roots.clone_from(&roots);
    }
    Scene { name: "federated", now, clusters, authorities, expected: Expected { sidecar: "yy yy", ambient: "yn ny" } }
}

/// The same with the roots of each trust domain apart.
pub fn by_domain(now: Timestamp, crypto: &Crypto) -> Scene {
    let mut scene = Scene { name: "federated-by-domain", ..pair(now, crypto) };
    let map = scene.bundle_map();
    scene.clusters.iter_mut().for_each(|cluster| cluster.bundle_map = Some(map.clone()));
    scene
}

/// An identity of west's own trust domain, signed by east's CA.
pub fn impostor(scene: &Scene, crypto: &Crypto) -> crate::mint::Leaf {
    scene.cluster("east").workload_called(&scene.cluster("west").identity(), scene.now, crypto)
}

/// The roots of each trust domain apart: a bundle map, and what Envoy's SPIFFE validator takes.
pub fn roots_by_domain(scene: &Scene) -> Vec<(&'static str, meshroot::x509::Certificate)> {
    // A root is self-issued below its own cluster's name, first in the list by construction.
    DOMAINS.iter().copied().zip(clusters_roots(scene)).collect()
}

fn clusters_roots(scene: &Scene) -> Vec<meshroot::x509::Certificate> {
    scene
        .clusters
        .iter()
        .map(|cluster| cluster.roots.iter().find(|root| root.subject() == cluster.signing.certificate.issuer()).unwrap().clone())
        .collect()
}

fn made(now: Timestamp, crypto: &Crypto) -> (Vec<Cluster>, Vec<Ca>) {
    let cluster = |name: &'static str, trust_domain: &'static str, key| {
        let mut shape = Shape::sound(trust_domain, "Root", now, now.plus(10 * YEAR));
        shape.uri = Some(format!("spiffe://{trust_domain}"));
        let root = Ca::root(&shape, &keys::p256(key, crypto), crypto);
        let mut shape = Shape::sound(trust_domain, &format!("Cluster CA {name}"), now, now.plus(YEAR));
        shape.path_length = Some(0);
        shape.uri = Some(format!("spiffe://{trust_domain}"));
        let signing = root.below(&shape, &keys::p256(key + 1, crypto), crypto);
        (Cluster::plugged(name, trust_domain, signing, vec![root.certificate.clone()]), root)
    };
    [cluster("west", DOMAINS[0], 7), cluster("east", DOMAINS[1], 9)].into_iter().unzip()
}
