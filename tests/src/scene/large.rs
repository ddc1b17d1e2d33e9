//! As many clusters as anybody has.

use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::time::Timestamp;

use super::plain::{MESH, cluster_shape};
use super::{Cluster, Expected, Scene};
use crate::mint::{Ca, DAY, Shape, YEAR};

/// How a mesh of many clusters came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One root, a cluster CA for each.
    OneRoot,
    /// The same, and everybody has the CRLs of everybody.
    OneRootWithCrls,
    /// A root for each, and nobody trusts anybody else.
    StrangersAll,
}

/// `n` clusters with keys of their own.
pub fn clusters(n: usize, kind: Kind, now: Timestamp, crypto: &Crypto) -> Scene {
    let key = || PrivateKey::generate(KeyAlgorithm::EcdsaP256, crypto).unwrap();
    let root = |name: &str| Ca::root(&Shape::sound(MESH, name, now.minus(YEAR), now.plus(10 * YEAR)), &key(), crypto);
    let common = root("Mesh Root");
    let mut clusters: Vec<Cluster> = (0..n)
        .map(|i| {
            // The names of clusters are constants everywhere else.
            let name: &'static str = Box::leak(format!("cluster-{i:03}").into_boxed_str());
            let root = if kind == Kind::StrangersAll { root(&format!("Root of {name}")) } else { common.clone() };
            Cluster::plugged(name, MESH, root.below(&cluster_shape(name, now), &key(), crypto), vec![root.certificate])
        })
        .collect();
    if kind == Kind::OneRootWithCrls {
        let crl = |ca: &Ca| ca.crl(now.minus(DAY), now.plus(30 * DAY), &[]);
        let crls: Vec<Vec<u8>> = std::iter::once(&common).chain(clusters.iter().map(|cluster| &cluster.signing)).map(crl).collect();
        clusters.iter_mut().for_each(|cluster| cluster.crls.clone_from(&crls));
    }
    Scene { name: "large", now, clusters, authorities: vec![common], expected: Expected::both("") }
}
