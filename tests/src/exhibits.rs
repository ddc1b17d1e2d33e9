//! One of everything that we issue: each profile, each kind of CA key, each kind of leaf key.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use meshroot::bundle::Bundle;
use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::{ClusterName, create_cluster_ca, create_root};
use meshroot::issue::{Authorized, Issuer};
use meshroot::key::{Crypto, PrivateKey, Signer};
use meshroot::profile::Profile;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::{Certificate, DistinguishedName};

use crate::fixtures;

/// The trust domain of every exhibit.
pub const TRUST_DOMAIN: &str = "mesh.example";
/// The workload of every exhibit.
pub const WORKLOAD: &str = "spiffe://mesh.example/ns/shop/sa/cart";

/// The kinds of key, each with a fixture that holds one. RSA of the smallest size and the largest that ring signs with.
pub const KEYS: [(&str, &str); 5] = [
    ("p256", "keys/p256-pkcs8.pem"),
    ("p384", "keys/p384-pkcs8.pem"),
    ("ed25519", "keys/ed25519-pkcs8-v1.pem"),
    ("rsa2048", "keys/rsa2048-pkcs8.pem"),
    ("rsa4096", "keys/rsa4096-pkcs8.pem"),
];

/// A finished certificate with everything above it.
#[derive(Debug)]
pub struct Exhibit {
    /// Like `workload p256 below p384`.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The certificate, in PEM.
    pub leaf: String,
    /// The CAs between it and the root, in PEM.
    pub intermediates: String,
    /// The root, in PEM.
    pub root: String,
    /// The certificate above it, in PEM.
    pub issuer: String,
}

/// The profile of an exhibit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A root.
    Root,
    /// A cluster CA.
    ClusterCa,
    /// A CA for another product.
    SubordinateCa,
    /// An X.509-SVID.
    Workload,
    /// A server with DNS names.
    Server,
}

/// The real time: outside judges ask no one else.
pub fn now() -> Timestamp {
    #[allow(clippy::disallowed_methods, reason = "Istio's loader judges by the present time")]
    SystemTime::now().into()
}

/// A signer with the key of a fixture.
pub fn signer(file: &str, crypto: &Crypto) -> Arc<dyn Signer> {
    PrivateKey::from_pem(&fixtures::bytes(file), None, crypto).unwrap().signer(crypto).unwrap()
}

/// A root and one cluster CA.
#[derive(Debug)]
pub struct Mesh {
    /// The root.
    pub root: Certificate,
    /// The root's signer.
    pub root_signer: Arc<dyn Signer>,
    /// The trust bundle.
    pub bundle: Bundle,
    /// The cluster's CA.
    pub cluster: Issuer,
    /// The cluster CA's key.
    pub cluster_key: PrivateKey,
}

/// A mesh whose CAs have keys of this kind. Only the root's is the fixture's: every CA needs a key of its own.
pub fn mesh(ca_key: &str, crypto: &Crypto) -> Mesh {
    let td = TrustDomain::parse(TRUST_DOMAIN).unwrap();
    let root_signer = signer(&format!("keys/{ca_key}-pkcs8{}.pem", if ca_key == "ed25519" { "-v1" } else { "" }), crypto);
    let root = create_root(&td, &Profile::root_ca(), &*root_signer, crypto, now()).unwrap().signing().unwrap().clone();
    let bundle = Bundle::new(td).with_x509_authorities([root.clone()]).unwrap().with_sequence(1).with_refresh_hint(Duration::from_secs(300));
    // ring makes no RSA keys, so below an RSA root stands the RSA key of another size.
    let cluster_key = match ca_key {
        "rsa2048" => PrivateKey::from_pem(&fixtures::bytes("keys/rsa3072-pkcs8.pem"), None, crypto).unwrap(),
        "rsa4096" => PrivateKey::from_pem(&fixtures::bytes("keys/rsa2048-pkcs8.pem"), None, crypto).unwrap(),
        other => PrivateKey::generate(other.parse().unwrap(), crypto).unwrap(),
    };
    let cluster_signer = cluster_key.signer(crypto).unwrap();
    let request = ProvenRequest::from_signer(&*cluster_signer, crypto).unwrap();
    let name = ClusterName::parse("west").unwrap();
    let path = create_cluster_ca(&(root.clone(), root_signer.clone()), &bundle, &name, request, &Profile::cluster_ca(), crypto, now()).unwrap();
    let cluster = Issuer::new(path.certificates(), &bundle, cluster_signer, crypto.clone(), now()).unwrap();
    Mesh { root, root_signer, bundle, cluster, cluster_key }
}

/// Everything that we issue, for every kind of CA key and every kind of leaf key.
pub fn all(crypto: &Crypto) -> Vec<Exhibit> {
    KEYS.iter().flat_map(|(ca_key, _)| below(ca_key, crypto)).collect()
}

fn below(ca_key: &str, crypto: &Crypto) -> Vec<Exhibit> {
    let mesh = mesh(ca_key, crypto);
    let root = mesh.root.to_pem();
    let ca = mesh.cluster.path().signing().unwrap().to_pem();
    let exhibit = |name: &str, kind, leaf: String, intermediates: &str, issuer: &str| Exhibit {
        name: format!("{name} below {ca_key}"),
        kind,
        leaf,
        intermediates: intermediates.to_owned(),
        root: root.clone(),
        issuer: issuer.to_owned(),
    };
    let mut all = vec![exhibit("root", Kind::Root, root.clone(), "", &root), exhibit("cluster CA", Kind::ClusterCa, ca.clone(), "", &root)];

    let root_issuer = Issuer::new(std::slice::from_ref(&mesh.root), &mesh.bundle, mesh.root_signer.clone(), crypto.clone(), now()).unwrap();
    let other = PrivateKey::generate("p256".parse().unwrap(), crypto).unwrap().signer(crypto).unwrap();
    let request = ProvenRequest::from_signer(&*other, crypto).unwrap();
    let grant =
        Authorized::subordinate_authority(request, mesh.bundle.trust_domain().clone(), DistinguishedName::new(TRUST_DOMAIN, "SPIRE upstream 1"))
            .unwrap();
    let subordinate = root_issuer.issue(grant, &Profile::subordinate_ca(), crypto.entropy(), now()).unwrap();
    all.push(exhibit("subordinate CA", Kind::SubordinateCa, pem(subordinate.der()), "", &root));

    for (leaf_key, file) in KEYS {
        let id = SpiffeId::parse(WORKLOAD).unwrap();
        let request = || ProvenRequest::from_signer(&*signer(file, crypto), crypto).unwrap();
        let workload = Authorized::workload(request(), id.clone()).unwrap();
        let workload = mesh.cluster.issue(workload, &Profile::workload(), crypto.entropy(), now()).unwrap();
        all.push(exhibit(&format!("workload {leaf_key}"), Kind::Workload, pem(workload.der()), &ca, &ca));
        let names = vec!["istiod.istio-system.svc".to_owned(), "ca.mesh.example".to_owned()];
        let ips = vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        let server = Authorized::server(request(), Some(id), names, ips).unwrap();
        let server = mesh.cluster.issue(server, &Profile::server(), crypto.entropy(), now()).unwrap();
        all.push(exhibit(&format!("server {leaf_key}"), Kind::Server, pem(server.der()), &ca, &ca));
    }
    all
}

/// A certificate in PEM.
pub fn pem(der: &[u8]) -> String {
    Certificate::from_der(der).unwrap().to_pem()
}

/// Bytes that need not be a certificate, as the PEM of one.
pub fn armor(der: &[u8]) -> String {
    armor_as("CERTIFICATE", der)
}

/// Any bytes, as PEM with any label.
pub fn armor_as(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}
