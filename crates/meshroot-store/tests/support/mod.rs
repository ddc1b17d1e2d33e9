//! A small mesh to fill stores with.
#![allow(clippy::unwrap_used, reason = "tests may be blunt")]
#![allow(dead_code, unreachable_pub, reason = "every test program uses its own part of it")]

use std::sync::Arc;

use meshroot::bundle::Bundle;
use meshroot::csr::ProvenRequest;
use meshroot::hierarchy::{AuthorityId, ClusterName, Command, Event, Hierarchy, create_cluster_ca, create_root};
use meshroot::issue::{Authorized, Issued, Issuer};
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey, Signer};
use meshroot::profile::Profile;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::SerialNumber;

/// 2027-01-15T08:00:00Z.
pub const NOW: Timestamp = Timestamp::from_unix(1_800_000_000);

/// A trust domain with a root and the CA of a cluster `west`.
pub struct Mesh {
    pub trust_domain: TrustDomain,
    pub events: Vec<Event>,
    pub bundle: Bundle,
    pub west: AuthorityId,
    pub west_key: PrivateKey,
    pub issuer: Issuer,
    signer: Arc<dyn Signer>,
    crypto: Crypto,
}

impl Mesh {
    pub fn new(trust_domain: &str) -> Self {
        let crypto = Crypto::ring();
        let trust_domain = TrustDomain::parse(trust_domain).unwrap();
        let mut hierarchy = Hierarchy::new(trust_domain.clone());
        let mut events = Vec::new();
        let mut decide = |hierarchy: &mut Hierarchy, command| {
            for event in hierarchy.decide(&command, &crypto, NOW).unwrap() {
                hierarchy.apply(&event);
                events.push(event);
            }
        };
        let root_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap();
        let root_signer = root_key.signer(&crypto).unwrap();
        let path = create_root(&trust_domain, &Profile::root_ca(), &*root_signer, &crypto, NOW).unwrap();
        let root = path.signing().unwrap().clone();
        decide(&mut hierarchy, Command::AddRoot { path });
        let bundle = hierarchy.bundle().unwrap();
        let west_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap();
        let signer = west_key.signer(&crypto).unwrap();
        let request = ProvenRequest::from_signer(&*signer, &crypto).unwrap();
        let cluster = ClusterName::parse("west").unwrap();
        let path = create_cluster_ca(&(root, root_signer), &bundle, &cluster, request, &Profile::cluster_ca(), &crypto, NOW).unwrap();
        let chain = path.certificates().to_vec();
        decide(&mut hierarchy, Command::AddCluster { cluster: cluster.clone(), path });
        let west = hierarchy.active_cluster_ca(&cluster).unwrap().id().clone();
        let issuer = Issuer::new(&chain, &bundle, Arc::clone(&signer), crypto.clone(), NOW).unwrap();
        Self { trust_domain, events, bundle, west, west_key, issuer, signer, crypto }
    }

    /// A workload's certificate with a new serial number.
    pub fn issue(&self, path: &str) -> Issued {
        self.issue_with(path, SerialNumber::generate(self.crypto.entropy()).unwrap(), NOW)
    }

    /// The same for a key of its own, as every workload has.
    pub fn issue_to_another(&self, path: &str, serial: SerialNumber, now: Timestamp) -> Issued {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &self.crypto).unwrap();
        let request = ProvenRequest::from_signer(&*key.signer(&self.crypto).unwrap(), &self.crypto).unwrap();
        self.answer(request, path, serial, now)
    }

    /// A workload's certificate with this serial number, issued at `now`.
    pub fn issue_with(&self, path: &str, serial: SerialNumber, now: Timestamp) -> Issued {
        self.answer(ProvenRequest::from_signer(&*self.signer, &self.crypto).unwrap(), path, serial, now)
    }

    fn answer(&self, request: ProvenRequest, path: &str, serial: SerialNumber, now: Timestamp) -> Issued {
        let grant = Authorized::workload(request, self.id(path)).unwrap();
        let tbs = self.issuer.prepare(grant, &Profile::workload(), serial, now).unwrap();
        let signature = self.signer.sign(tbs.message()).unwrap();
        tbs.complete(&signature).unwrap()
    }

    pub fn id(&self, path: &str) -> SpiffeId {
        SpiffeId::from_path(self.trust_domain.as_ref(), path).unwrap()
    }
}
