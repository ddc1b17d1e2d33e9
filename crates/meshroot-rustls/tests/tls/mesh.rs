//! A trust domain with a root, a cluster CA and workloads.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use meshroot::bundle::{Bundle, BundleMap};
use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::{ClusterName, create_cluster_ca, create_root};
use meshroot::issue::{Authorized, Issued, Issuer};
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey, Signer};
use meshroot::profile::Profile;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::Certificate;
use meshroot_rustls::{Credential, Identity, Trust};
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// When everything was issued.
pub(crate) const NOW: Timestamp = Timestamp::from_unix(1_796_083_200);

pub(crate) struct Mesh {
    pub(crate) bundle: Bundle,
    /// The CA of the cluster `west`, and its key.
    pub(crate) ca: (Certificate, Arc<dyn Signer>),
    issuer: Issuer,
}

impl Mesh {
    pub(crate) fn new(name: &str) -> Self {
        let crypto = Crypto::ring();
        let trust_domain = TrustDomain::parse(name).unwrap();
        let root_key = signer();
        let root = create_root(&trust_domain, &Profile::root_ca(), &*root_key, &crypto, NOW).unwrap();
        let bundle = Bundle::new(trust_domain).with_x509_authorities(root.certificates().iter().cloned()).unwrap().with_sequence(1);

        let key = signer();
        let request = ProvenRequest::from_signer(&*key, &crypto).unwrap();
        let west = ClusterName::parse("west").unwrap();
        let root = (root.signing().unwrap().clone(), root_key);
        let path = create_cluster_ca(&root, &bundle, &west, request, &Profile::cluster_ca(), &crypto, NOW).unwrap();
        let ca = (path.signing().unwrap().clone(), Arc::clone(&key));
        let issuer = Issuer::new(path.certificates(), &bundle, key, crypto, NOW).unwrap();
        Self { bundle, ca, issuer }
    }

    pub(crate) fn root(&self) -> Certificate {
        self.bundle.x509_authorities().first().unwrap().clone()
    }

    pub(crate) fn id(&self, path: &str) -> SpiffeId {
        SpiffeId::from_path(self.bundle.trust_domain().as_ref(), path).unwrap()
    }

    /// A workload's key and certificate, for 24 hours.
    pub(crate) fn issue(&self, path: &str) -> (PrivateKey, Issued) {
        let crypto = Crypto::ring();
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap();
        let request = ProvenRequest::from_signer(&*key.signer(&crypto).unwrap(), &crypto).unwrap();
        let grant = Authorized::workload(request, self.id(path)).unwrap();
        let issued = self.issuer.issue(grant, &Profile::workload(), crypto.entropy(), NOW).unwrap();
        (key, issued)
    }

    pub(crate) fn credential(&self, path: &str) -> Credential {
        let (key, issued) = self.issue(path);
        Credential::from_der(&issued.chain_der(), key.pkcs8_der(), &Crypto::ring()).unwrap()
    }

    pub(crate) fn identity(&self, path: &str) -> Arc<Identity> {
        Arc::new(Identity::new(self.credential(path)))
    }

    /// Believes this trust domain alone.
    pub(crate) fn trust(&self) -> Arc<Trust> {
        trust([&self.bundle])
    }
}

fn signer() -> Arc<dyn Signer> {
    let crypto = Crypto::ring();
    PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap().signer(&crypto).unwrap()
}

pub(crate) fn map<'a>(bundles: impl IntoIterator<Item = &'a Bundle>) -> BundleMap {
    let mut map = BundleMap::new();
    for bundle in bundles {
        map.insert(bundle.clone());
    }
    map
}

/// Believes these bundles, at the time of issuance.
pub(crate) fn trust<'a>(bundles: impl IntoIterator<Item = &'a Bundle>) -> Arc<Trust> {
    Clock::new().trust(bundles)
}

/// A clock that tests set.
#[derive(Clone)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOW.unix())))
    }

    pub(crate) fn set(&self, now: Timestamp) {
        self.0.store(now.unix(), Ordering::Relaxed);
    }

    pub(crate) fn trust<'a>(&self, bundles: impl IntoIterator<Item = &'a Bundle>) -> Arc<Trust> {
        let clock = Arc::clone(&self.0);
        Arc::new(Trust::with_clock(map(bundles), Crypto::ring(), move || Timestamp::from_unix(clock.load(Ordering::Relaxed))))
    }
}

/// A workload's certificate in the hands of somebody who has another key.
#[derive(Debug)]
pub(crate) struct Stolen(Arc<CertifiedKey>);

impl From<&Mesh> for Stolen {
    fn from(mesh: &Mesh) -> Self {
        let own = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &Crypto::ring()).unwrap();
        let own = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.pkcs8_der()));
        let chain = mesh.credential("/victim").chain().to_vec();
        Self(Arc::new(CertifiedKey::new(chain, any_supported_type(&own).unwrap())))
    }
}

impl ResolvesServerCert for Stolen {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

impl ResolvesClientCert for Stolen {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}
