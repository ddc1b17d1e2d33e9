//! Two clusters as they should be, and two as a first installation leaves them.

use meshroot::bundle::Bundle;
use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::{ClusterName, create_cluster_ca, create_root};
use meshroot::key::Crypto;
use meshroot::profile::Profile;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::verify::CaPath;

use super::{Cluster, Expected, Scene, keys};
use crate::der::name;
use crate::mint::{Ca, DAY, Shape, YEAR};

/// The trust domain of scenes with one mesh.
pub const MESH: &str = "mesh.example";

/// A root of `mesh.example` and the CAs of two clusters below it: the usual beginning.
pub(super) struct Pair {
    pub(super) root: Ca,
    pub(super) west: Ca,
    pub(super) east: Ca,
}

impl Pair {
    /// Keys 1 to 3.
    pub(super) fn new(now: Timestamp, crypto: &Crypto) -> Self {
        let mut shape = Shape::sound(MESH, "Mesh Root", now, now.plus(8 * YEAR));
        shape.not_before = now.minus(2 * YEAR);
        shape.uri = Some(format!("spiffe://{MESH}"));
        let root = Ca::root(&shape, &keys::p256(1, crypto), crypto);
        let west = cluster_ca(&root, "west", 2, now, crypto);
        let east = cluster_ca(&root, "east", 3, now, crypto);
        Self { root, west, east }
    }

    /// The two clusters, each with the root and nothing else.
    pub(super) fn clusters(&self) -> Vec<Cluster> {
        let roots = vec![self.root.certificate.clone()];
        let cluster = |name, ca: &Ca| Cluster::plugged(name, MESH, ca.clone(), roots.clone());
        vec![cluster("west", &self.west), cluster("east", &self.east)]
    }
}

/// The shape of a cluster CA as we make them, for a year.
pub(super) fn cluster_shape(cluster: &str, now: Timestamp) -> Shape {
    let mut shape = Shape::sound(MESH, &format!("Cluster CA {cluster}"), now, now.plus(YEAR));
    shape.not_before = now.minus(30 * DAY);
    shape.path_length = Some(0);
    shape.uri = Some(format!("spiffe://{MESH}"));
    shape
}

pub(super) fn cluster_ca(root: &Ca, cluster: &str, key: usize, now: Timestamp, crypto: &Crypto) -> Ca {
    root.below(&cluster_shape(cluster, now), &keys::p256(key, crypto), crypto)
}

/// One root, a cluster CA for each cluster: made by this library thirty days ago, as `meshroot quickstart west east` makes them.
pub fn healthy(now: Timestamp, crypto: &Crypto) -> Scene {
    let (made, domain) = (now.minus(30 * DAY), TrustDomain::parse(MESH).unwrap());
    let signer = |key| keys::p256(key, crypto).signer(crypto).unwrap();
    let ca = |path: &CaPath, key| {
        let key_pem = keys::p256(key, crypto).to_pkcs8_pem().to_string();
        Ca { certificate: path.signing().unwrap().clone(), key_pem, signer: signer(key) }
    };
    let root = ca(&create_root(&domain, &Profile::root_ca(), &*signer(1), crypto, made).unwrap(), 1);
    let roots = vec![root.certificate.clone()];
    let bundle = Bundle::new(domain).with_x509_authorities(roots.clone()).unwrap();
    let cluster = |name: &'static str, key| {
        let request = ProvenRequest::from_signer(&*signer(key), crypto).unwrap();
        let issuer = (root.certificate.clone(), root.signer.clone());
        let path = create_cluster_ca(&issuer, &bundle, &ClusterName::parse(name).unwrap(), request, &Profile::cluster_ca(), crypto, made);
        Cluster::plugged(name, MESH, ca(&path.unwrap(), key), roots.clone())
    };
    Scene { name: "healthy", now, clusters: vec![cluster("west", 2), cluster("east", 3)], authorities: vec![root], expected: Expected::both("yy yy") }
}

/// Two clusters in which nobody plugged a CA in: each istiod has signed its own root, RSA-2048, and both roots are called `O=cluster.local`.
pub fn self_signed(now: Timestamp, crypto: &Crypto) -> Scene {
    let cluster = |name, key| {
        let shape = Shape {
            subject: name_of_istiod(),
            not_before: now.minus(30 * DAY),
            not_after: now.plus(10 * YEAR),
            key_usage: vec![5],
            path_length: None,
            uri: None,
            permitted_uri: None,
            key_id: None,
        };
        let signing = Ca::root(&shape, &keys::rsa2048(key, crypto), crypto);
        let roots = vec![signing.certificate.clone()];
        Cluster {
            name,
            trust_domain: "cluster.local".into(),
            signing,
            chain: Vec::new(),
            roots,
            crls: Vec::new(),
            lets_in: Vec::new(),
            bundle_map: None,
        }
    };
    Scene {
        name: "self-signed",
        now,
        clusters: vec![cluster("west", 0), cluster("east", 1)],
        authorities: Vec::new(),
        expected: Expected::both("yn ny"),
    }
}

fn name_of_istiod() -> Vec<u8> {
    name(&[(10, "cluster.local")])
}
