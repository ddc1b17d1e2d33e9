//! Scenes: a few clusters, what each signs with and what each trusts, as real meshes get into them.
//!
//! A scene is a value. It can be looked at, written out as the sources of `meshroot doctor` ([`sources`]), and tried with real handshakes
//! ([`crate::handshake`], [`crate::envoy`]).

pub mod evidence;
pub mod expired;
pub mod federated;
pub mod keys;
pub mod large;
pub mod makefile;
pub mod mend;
pub mod odd;
pub mod plain;
pub mod revocation;
pub mod rotation;
pub mod sources;

use meshroot::bundle::BundleMap;
use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

use crate::mint::{Ca, Leaf};

/// Some clusters at one time.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Like `self-signed`; a folder's name.
    pub name: &'static str,
    /// The present.
    pub now: Timestamp,
    /// The clusters, in the order of the matrix.
    pub clusters: Vec<Cluster>,
    /// The CAs that sign no leaves and whose keys are somewhere all the same: roots.
    pub authorities: Vec<Ca>,
    /// What real data planes do with it, sidecars and ambient; see [`Expected`].
    pub expected: Expected,
}

/// For each row, for each column: is a workload of the row accepted? `y` or `n`, the rows apart by spaces, like `yn yy`.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// By Envoy.
    pub sidecar: &'static str,
    /// By ztunnel.
    pub ambient: &'static str,
}

/// One cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Its name.
    pub name: &'static str,
    /// Its trust domain.
    pub trust_domain: String,
    /// The CA that signs its leaves.
    pub signing: Ca,
    /// `cert-chain.pem`: the signing CA, then upwards, perhaps with the root. Empty where istiod signs with its own root.
    pub chain: Vec<Certificate>,
    /// `root-cert.pem`.
    pub roots: Vec<Certificate>,
    /// `ca-crl.pem`.
    pub crls: Vec<Vec<u8>>,
    /// Further trust domains whose workloads its sidecars let in: aliases, or `caCertificates[].trustDomains` of the mesh's configuration.
    pub lets_in: Vec<String>,
    /// The roots of each trust domain apart, where the data plane keeps them so (Envoy's SPIFFE validator); Istio never does.
    pub bundle_map: Option<BundleMap>,
}

impl Cluster {
    /// A cluster whose CA has a chain up to, and without, its root.
    pub fn plugged(name: &'static str, trust_domain: &str, signing: Ca, roots: Vec<Certificate>) -> Self {
        let chain = vec![signing.certificate.clone()];
        Self { name, trust_domain: trust_domain.to_owned(), signing, chain, roots, crls: Vec::new(), lets_in: Vec::new(), bundle_map: None }
    }

    /// The identity of the workload that stands for this cluster.
    pub fn identity(&self) -> String {
        format!("spiffe://{}/ns/shop/sa/{}", self.trust_domain, self.name)
    }

    /// A workload of this cluster, as its CA would sign it at `now`.
    pub fn workload(&self, now: Timestamp, crypto: &Crypto) -> Leaf {
        self.workload_called(&self.identity(), now, crypto)
    }

    /// A workload with any identity at all, as this cluster's CA could sign it.
    pub fn workload_called(&self, id: &str, now: Timestamp, crypto: &Crypto) -> Leaf {
        let key = keys::p256(keys::WORKLOAD, crypto);
        let mut chain = vec![self.signing.leaf(id, &key, now, crypto)];
        chain.extend(self.chain.iter().cloned());
        Leaf { chain, key: key.pkcs8_der().to_vec() }
    }
}

impl Scene {
    /// The cluster of this name.
    pub fn cluster(&self, name: &str) -> &Cluster {
        self.clusters.iter().find(|cluster| cluster.name == name).unwrap_or_else(|| panic!("no cluster {name} in {}", self.name))
    }

    /// All pairs: the row's index, the column's index.
    pub fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let n = self.clusters.len();
        (0..n).flat_map(move |row| (0..n).map(move |column| (row, column)))
    }

    /// The six of the documentation and their variations; `now` is the present for all of them.
    pub fn all(now: Timestamp, crypto: &Crypto) -> Vec<Self> {
        let mut all =
            vec![plain::healthy(now, crypto), plain::self_signed(now, crypto), expired::intermediate(now, crypto), expired::root(now, crypto)];
        all.extend(makefile::all(now, crypto));
        all.extend(revocation::all(now, crypto));
        all.extend(rotation::all(now, crypto));
        all.extend(federated::all(now, crypto));
        all.extend(odd::all(now, crypto));
        all
    }
}

impl Expected {
    /// The same for both data planes.
    pub const fn both(matrix: &'static str) -> Self {
        Self { sidecar: matrix, ambient: matrix }
    }

    /// A matrix as it is written here.
    pub fn matrix(n: usize, accepted: impl Fn(usize, usize) -> bool) -> String {
        let row = |row| (0..n).map(|column| if accepted(row, column) { 'y' } else { 'n' }).collect::<String>();
        (0..n).map(row).collect::<Vec<_>>().join(" ")
    }
}
