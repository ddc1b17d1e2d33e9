//! A cluster while it is put together of its evidence.

use crate::bundle::BundleMap;
use crate::istio;
use crate::revocation::Crl;
use crate::spiffe::TrustDomain;
use crate::x509::Certificate;

use super::intake::{Origin, Sent};
use super::{Cluster, CrlSummary};

/// Whence the trusted roots are known; the later ones are nearer to what workloads go by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TrustFrom {
    Store,
    SelfSigned,
    Cacerts,
    /// istiod writes it from what it has loaded, which may not be what lies in cacerts.
    ConfigMap,
    Bundle,
}

/// A cluster: what it signs with and sends, and what it trusts.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) name: String,
    pub(super) named_by: String,
    /// The number of its first evidence.
    pub(super) order: usize,
    pub(super) signing: Option<Certificate>,
    pub(super) origin: Option<Origin>,
    pub(super) chain: Vec<Certificate>,
    pub(super) roots: Option<Vec<Certificate>>,
    pub(super) trust_from: Option<TrustFrom>,
    pub(super) roots_source: String,
    pub(super) map: Option<BundleMap>,
    pub(super) crls: Option<Vec<Crl>>,
    pub(super) crls_source: String,
    pub(super) sent: Vec<Sent>,
    /// Why it sends or trusts nothing although it should.
    pub(super) cannot_send: Option<String>,
    pub(super) cannot_trust: Option<String>,
    /// istiod reads the signing certificate and the roots of this place.
    pub(super) authority_source: String,
    pub(super) trust_domain: Option<(TrustDomain, String)>,
    pub(super) sources: Vec<String>,
    /// What `istio::check` said, with the place.
    pub(super) findings: Vec<(String, istio::Finding)>,
    /// Where private keys were seen, and whether that is a manifest.
    pub(super) keys: Vec<(String, bool)>,
}

impl Site {
    pub(super) fn new(name: String, named_by: String, order: usize) -> Self {
        Self {
            name,
            named_by,
            order,
            signing: None,
            origin: None,
            chain: Vec::new(),
            roots: None,
            trust_from: None,
            roots_source: String::new(),
            map: None,
            crls: None,
            crls_source: String::new(),
            sent: Vec::new(),
            cannot_send: None,
            cannot_trust: None,
            authority_source: String::new(),
            trust_domain: None,
            sources: Vec::new(),
            findings: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Whether its workloads have anything to show, or should have.
    pub(super) fn sends(&self) -> bool {
        self.signing.is_some() || !self.sent.is_empty() || self.cannot_send.is_some()
    }

    /// Whether it is known, or should be, what its workloads trust.
    pub(super) fn trusts(&self) -> bool {
        self.roots.is_some() || self.map.is_some() || self.cannot_trust.is_some()
    }

    pub(super) fn roots(&self) -> &[Certificate] {
        self.roots.as_deref().unwrap_or_default()
    }

    /// The trust domain; known once all sites were settled.
    pub(super) fn domain(&self) -> Option<&TrustDomain> {
        self.trust_domain.as_ref().map(|(domain, _)| domain)
    }

    pub(super) fn seen(&mut self, source: &str, order: usize) {
        self.order = self.order.min(order);
        if !self.sources.iter().any(|known| known == source) {
            self.sources.push(source.to_owned());
        }
    }

    /// For whoever reads the diagnosis.
    pub(super) fn to_cluster(&self) -> Cluster {
        let summary = |crl: &Crl| CrlSummary {
            issuer: crl.issuer().clone(),
            this_update: crl.this_update(),
            next_update: crl.next_update(),
            entries: crl.len(),
            source: self.crls_source.clone(),
        };
        let (trust_domain, trust_domain_by) = self.trust_domain.clone().map_or((None, String::new()), |(domain, by)| (Some(domain), by));
        Cluster {
            name: self.name.clone(),
            named_by: self.named_by.clone(),
            trust_domain,
            trust_domain_by,
            signing_ca: self.signing.clone(),
            chain: self.chain.clone(),
            leaves: self.sent.len(),
            roots: self.roots().to_vec(),
            bundles: self.map.clone(),
            crls: self.crls.as_ref().map(|crls| crls.iter().map(summary).collect()),
            sources: self.sources.clone(),
        }
    }
}
