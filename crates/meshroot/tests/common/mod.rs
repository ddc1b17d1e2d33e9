//! A mesh to test with: real keys, a fixed time.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, reason = "tests stop at what they did not expect")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use meshroot::bundle::{Bundle, BundleMap};
use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::{ClusterName, create_cluster_ca, create_root};
use meshroot::issue::{Authorized, Issued, Issuer};
use meshroot::key::{Backend, BadSignature, Crypto, Entropy, KeyAlgorithm, KeyError, PrivateKey, PublicKey, SignatureAlgorithm, Signer};
use meshroot::profile::Profile;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;

pub fn crypto() -> Crypto {
    Crypto::ring()
}

/// 2026-11-22T12:00:00Z
pub fn now() -> Timestamp {
    Timestamp::from_unix(1_795_348_800)
}

pub fn id(text: &str) -> SpiffeId {
    SpiffeId::parse(text).unwrap()
}

pub fn map_of(bundle: Bundle) -> BundleMap {
    BundleMap::from(bundle)
}

/// A root and cluster CAs of `mesh.example`.
pub struct Mesh {
    bundle: Bundle,
    root: (Certificate, Arc<dyn Signer>),
    issuers: BTreeMap<String, Issuer>,
}

impl Mesh {
    pub fn new(clusters: &[&str]) -> Self {
        Self::new_with(clusters, Profile::root_ca(), Profile::cluster_ca())
    }

    pub fn new_with(clusters: &[&str], root: Profile, cluster_ca: Profile) -> Self {
        Self::new_on(clusters, root, cluster_ca, crypto())
    }

    pub fn new_on(clusters: &[&str], root_profile: Profile, cluster_ca: Profile, crypto: Crypto) -> Self {
        let key = |crypto: &Crypto| PrivateKey::generate(KeyAlgorithm::EcdsaP256, crypto).unwrap().signer(crypto).unwrap();
        let td = TrustDomain::parse("mesh.example").unwrap();
        let root_key = key(&crypto);
        let root = create_root(&td, &root_profile, &*root_key, &crypto, now()).unwrap().signing().unwrap().clone();
        let bundle = Bundle::new(td).with_x509_authorities([root.clone()]).unwrap();
        let root = (root, root_key);
        let mut issuers = BTreeMap::new();
        for cluster in clusters {
            let signer = key(&crypto);
            let request = ProvenRequest::from_signer(&*signer, &crypto).unwrap();
            let name = ClusterName::parse(cluster).unwrap();
            let path = create_cluster_ca(&root, &bundle, &name, request, &cluster_ca, &crypto, now()).unwrap();
            let issuer = Issuer::new(path.certificates(), &bundle, signer, crypto.clone(), now()).unwrap();
            issuers.insert((*cluster).to_owned(), issuer);
        }
        Self { bundle, root, issuers }
    }

    pub fn trust_domain(&self) -> TrustDomain {
        self.bundle.trust_domain().clone()
    }

    pub fn map(&self) -> BundleMap {
        map_of(self.bundle.clone())
    }

    pub fn issuer(&self, cluster: &str) -> &Issuer {
        &self.issuers[cluster]
    }

    pub fn root_issuer(&self) -> Issuer {
        Issuer::new(std::slice::from_ref(&self.root.0), &self.bundle, self.root.1.clone(), crypto(), now()).unwrap()
    }

    pub fn grant(&self, algorithm: KeyAlgorithm, name: &str) -> Authorized {
        let signer = PrivateKey::generate(algorithm, &crypto()).unwrap().signer(&crypto()).unwrap();
        let request = ProvenRequest::from_signer(&*signer, &crypto()).unwrap();
        Authorized::workload(request, id(name)).unwrap()
    }

    pub fn issue(&self, cluster: &str, algorithm: KeyAlgorithm, name: &str) -> Issued {
        self.issuer(cluster).issue(self.grant(algorithm, name), &Profile::workload(), crypto().entropy(), now()).unwrap()
    }
}

/// ring, counting signatures and verifications.
#[derive(Clone, Debug)]
pub struct Counting(Arc<Counter>);

#[derive(Debug)]
struct Counter {
    ring: Crypto,
    signatures: Arc<AtomicUsize>,
    verifications: AtomicUsize,
}

impl Counting {
    pub fn new() -> Self {
        Self(Arc::new(Counter { ring: Crypto::ring(), signatures: Arc::default(), verifications: AtomicUsize::new(0) }))
    }

    pub fn crypto(&self) -> Crypto {
        Crypto::new(self.0.clone())
    }

    /// Signatures and verifications since the last call.
    pub fn take(&self) -> (usize, usize) {
        (self.0.signatures.swap(0, Ordering::SeqCst), self.0.verifications.swap(0, Ordering::SeqCst))
    }
}

#[derive(Debug)]
struct CountingSigner(Arc<dyn Signer>, Arc<AtomicUsize>);

impl Signer for CountingSigner {
    fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.sign(message)
    }
}

impl Backend for Counter {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn sha256(&self, data: &[u8]) -> [u8; 32] {
        self.ring.sha256(data)
    }

    fn verify(&self, key: &PublicKey, algorithm: SignatureAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), BadSignature> {
        self.verifications.fetch_add(1, Ordering::SeqCst);
        self.ring.verify(key, algorithm, message, signature)
    }

    fn check_public_key(&self, key: &PublicKey) -> Result<(), KeyError> {
        self.ring.check_public_key(key)
    }

    fn generate(&self, algorithm: KeyAlgorithm) -> Result<PrivateKey, KeyError> {
        self.ring.generate(algorithm)
    }

    fn public_key(&self, pkcs8_der: &[u8]) -> Result<PublicKey, KeyError> {
        self.ring.public_key(pkcs8_der)
    }

    fn signer(&self, key: &PrivateKey) -> Result<Arc<dyn Signer>, KeyError> {
        Ok(Arc::new(CountingSigner(self.ring.signer(key)?, self.signatures.clone())))
    }

    fn seal(&self, key: &[u8; 32], nonce: [u8; 12], associated_data: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.ring.seal(key, nonce, associated_data, plaintext)
    }

    fn open(&self, key: &[u8; 32], nonce: [u8; 12], associated_data: &[u8], ciphertext: &[u8]) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyError> {
        self.ring.open(key, nonce, associated_data, ciphertext)
    }

    fn entropy(&self) -> &dyn Entropy {
        self.ring.entropy()
    }
}
