use std::collections::HashMap;
use std::sync::Arc;

use meshroot::bundle::BundleMap;
use meshroot::hierarchy::{Authority, AuthorityId, ClusterName, Hierarchy};
use meshroot::issue::Issuer;
use meshroot::key::seal::DataKey;
use meshroot::key::{Crypto, KeyAlgorithm, Signer};
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::verify::Validator;
use meshroot::x509::Certificate;
use meshroot_store::{Loaded, Store, StoredTrustDomain};

use super::{MeshError, Published, Rendering, keys};

/// The store's state at one version, ready to be served.
#[derive(Debug)]
pub(crate) struct Snapshot {
    version: u64,
    trust_domains: Vec<Domain>,
    /// From when on it is served; `None` when nothing was ever published.
    pub(super) visible_at: Option<Timestamp>,
    /// Judges certificates against the bundles that are published.
    pub(crate) validator: Validator,
    /// All bundles, as a SPIFFE bundle map.
    pub(crate) map: Rendering,
    /// The same as Envoy reads it; `None` while no bundle has a root.
    pub(crate) envoy_map: Option<Rendering>,
    /// All roots of all trust domains.
    pub(crate) roots: Rendering,
}

/// One trust domain.
#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) hierarchy: Hierarchy,
    pub(crate) published: Published,
    /// What Istio's clients take for their roots, in PEM: the bundle's, and those that were imported.
    pub(crate) workload_roots: String,
    issuers: HashMap<ClusterName, Arc<ClusterIssuer>>,
    /// Clusters whose CA cannot issue now, with the reason in words.
    pub(crate) unable: Vec<(ClusterName, String)>,
    /// The authorities whose keys the store holds: they make CRLs.
    with_keys: Vec<AuthorityId>,
}

/// A cluster's CA, unlocked.
#[derive(Debug)]
pub(crate) struct ClusterIssuer {
    pub(crate) authority: AuthorityId,
    pub(crate) issuer: Issuer,
    signer: Arc<dyn Signer>,
}

impl Snapshot {
    pub(super) fn of(loaded: &Loaded, store: &dyn Store, data_key: &DataKey, crypto: &Crypto, now: Timestamp) -> Result<Self, MeshError> {
        let domains = loaded.trust_domains.iter().map(|held| Domain::of(held, store, data_key, crypto, now));
        let trust_domains = domains.collect::<Result<Vec<_>, _>>()?;
        let mut bundles = BundleMap::new();
        let mut roots = String::new();
        let mut refresh = std::time::Duration::MAX;
        for domain in &trust_domains {
            roots.push_str(&domain.published.bundle.to_pem());
            refresh = refresh.min(domain.published.bundle.refresh_hint().unwrap_or(std::time::Duration::from_secs(300)));
            bundles.insert(domain.published.bundle.clone());
        }
        let json = |text: String| Rendering::new(text, "application/json", refresh, crypto);
        Ok(Self {
            version: loaded.version,
            visible_at: loaded.visible_at(),
            validator: Validator::new(&bundles, crypto.clone()),
            map: json(bundles.to_json()),
            envoy_map: bundles.to_envoy_json().ok().map(json),
            roots: Rendering::new(roots, "application/x-pem-file", refresh, crypto),
            trust_domains,
        })
    }

    /// Whether the bundles in the store are the ones that it publishes.
    pub(super) fn publishes_what(&self, loaded: &Loaded) -> bool {
        let sequence = |held: &StoredTrustDomain| held.bundle.as_ref().map(|bundle| bundle.sequence);
        let ours = |held: &StoredTrustDomain| self.trust_domain(held.trust_domain.as_str()).map(|domain| domain.published.sequence);
        loaded.trust_domains.iter().all(|held| sequence(held) == ours(held))
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn trust_domains(&self) -> &[Domain] {
        &self.trust_domains
    }

    pub(crate) fn trust_domain(&self, name: &str) -> Option<&Domain> {
        self.trust_domains.iter().find(|domain| domain.hierarchy.trust_domain().as_str() == name)
    }

    /// The named cluster's issuer, or the first one's.
    pub(crate) fn issuer(&self, cluster: Option<&str>) -> Option<(&Domain, &Arc<ClusterIssuer>)> {
        self.trust_domains.iter().find_map(|domain| {
            let issuer = match cluster {
                Some(name) => domain.issuers.get(name),
                None => domain.hierarchy.clusters().into_iter().find_map(|name| domain.issuers.get(name)),
            };
            issuer.map(|issuer| (domain, issuer))
        })
    }
}

impl Domain {
    fn of(held: &StoredTrustDomain, store: &dyn Store, data_key: &DataKey, crypto: &Crypto, now: Timestamp) -> Result<Self, MeshError> {
        let name: &TrustDomain = &held.trust_domain;
        let hierarchy = Hierarchy::replay(name.clone(), &held.events);
        let bundle = hierarchy.bundle()?;
        let rendered = held.bundle.as_ref().ok_or_else(|| MeshError::OtherBundle(name.clone()))?;
        if bundle.sequence() != Some(rendered.sequence) {
            return Err(MeshError::OtherBundle(name.clone()));
        }
        let mut with_keys = Vec::new();
        for authority in hierarchy.authorities() {
            if store.sealed_key(name, authority.id())?.is_some() {
                with_keys.push(authority.id().clone());
            }
        }
        let mut issuers = HashMap::new();
        let mut unable = Vec::new();
        for cluster in hierarchy.clusters() {
            let Some(authority) = hierarchy.active_cluster_ca(cluster) else {
                unable.push((cluster.clone(), "it has no active CA".to_owned()));
                continue;
            };
            let Some(signer) = keys::signer(store, data_key, crypto, name, authority)? else {
                // It keeps its key to itself, and issues for itself.
                continue;
            };
            let chain: Vec<_> = authority.certificate().into_iter().cloned().collect();
            // An expired CA stops its own cluster, not the service.
            match Issuer::new(&chain, &bundle, Arc::clone(&signer), crypto.clone(), now) {
                Ok(issuer) => {
                    let issuer = ClusterIssuer { authority: authority.id().clone(), issuer, signer };
                    issuers.insert(cluster.clone(), Arc::new(issuer));
                }
                Err(e) => unable.push((cluster.clone(), e.to_string())),
            }
        }
        let published = Published::new(bundle, rendered.sequence, rendered.bytes.clone(), crypto);
        let workload_roots = meshroot::pem::encode_certificates(&hierarchy.workload_anchors());
        Ok(Self { hierarchy, published, workload_roots, issuers, unable, with_keys })
    }

    /// Whether the store holds this authority's key.
    pub(crate) fn has_key(&self, authority: &AuthorityId) -> bool {
        self.with_keys.contains(authority)
    }

    /// The authority that signed a certificate, by its name: every CA of a mesh has its own.
    pub(crate) fn signer_of(&self, certificate: &Certificate) -> Option<&Authority> {
        let signed = |authority: &&Authority| authority.certificates().iter().any(|own| own.subject() == certificate.issuer());
        self.hierarchy.authorities().iter().find(signed)
    }

    pub(crate) fn issuers(&self) -> impl Iterator<Item = (&ClusterName, &Arc<ClusterIssuer>)> {
        self.issuers.iter()
    }
}

impl ClusterIssuer {
    /// The kind of its key: some sign slowly.
    pub(crate) fn algorithm(&self) -> KeyAlgorithm {
        self.signer.public_key().algorithm()
    }

    /// Signs a message that is no certificate, and verifies it.
    pub(crate) fn try_out(&self, crypto: &Crypto, message: &[u8]) -> Result<(), String> {
        let signature = self.signer.sign(message).map_err(|e| e.to_string())?;
        crypto.verify(self.signer.public_key(), self.signer.algorithm(), message, &signature).map_err(|e| e.to_string())
    }
}
