use std::time::Duration;

use super::{Authority, AuthorityId, AuthorityState, ClusterName, Event, Imported, Role};
use crate::bundle::{Bundle, BundleError};
use crate::spiffe::TrustDomain;
use crate::x509::Certificate;

/// How often peers should ask for the bundle: the default of SPIFFE Trust-Domain-and-Bundle §6.1.
const REFRESH_HINT: Duration = Duration::from_secs(300);

/// The authorities of one trust domain.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    pub(super) trust_domain: TrustDomain,
    pub(super) authorities: Vec<Authority>,
    pub(super) sequence: u64,
    pub(super) imported: Vec<Imported>,
}

impl Hierarchy {
    /// A trust domain without any authority.
    pub fn new(trust_domain: TrustDomain) -> Self {
        Self { trust_domain, authorities: Vec::new(), sequence: 0, imported: Vec::new() }
    }

    /// The hierarchy that these events made.
    pub fn replay<'e>(trust_domain: TrustDomain, events: impl IntoIterator<Item = &'e Event>) -> Self {
        let mut hierarchy = Self::new(trust_domain);
        events.into_iter().for_each(|event| hierarchy.apply(event));
        hierarchy
    }

    /// Takes note of what has happened. Cannot fail: [`decide`](Self::decide) did all the checking.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::AuthorityAdded { authority, role, certificate, state, .. } => self.authorities.push(Authority {
                id: authority.clone(),
                role: role.clone(),
                certificates: vec![certificate.clone()],
                state: *state,
                published_at: None,
            }),
            Event::CertificateAdded { authority, certificate, .. } => self.change(authority, |a| a.certificates.push(certificate.clone())),
            Event::StateChanged { authority, state, .. } => self.change(authority, |a| a.state = *state),
            Event::AnchorPublished { authority, sequence, at } => {
                self.sequence = self.sequence.max(*sequence);
                self.change(authority, |a| a.published_at = Some(*at));
            }
            Event::AnchorRemoved { authority, sequence, .. } => {
                self.sequence = self.sequence.max(*sequence);
                self.change(authority, |a| a.published_at = None);
            }
            Event::BundleImported { trust_domain, certificates, sequence, at, .. } => self.apply_import(trust_domain, certificates, *sequence, *at),
            Event::BundleForgotten { trust_domain, .. } => self.apply_forget(trust_domain),
            Event::Restored { sequence, .. } => self.sequence = self.sequence.max(*sequence),
        }
    }

    fn change(&mut self, id: &AuthorityId, change: impl FnOnce(&mut Authority)) {
        if let Some(authority) = self.authorities.iter_mut().find(|a| a.id == *id) {
            change(authority);
        }
    }

    /// The trust domain.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// All authorities, in the order in which they were added.
    pub fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    /// The authority of this name.
    pub fn authority(&self, id: &str) -> Option<&Authority> {
        self.authorities.iter().find(|a| a.id.as_str() == id)
    }

    /// The roots, in the order in which they were added.
    pub fn roots(&self) -> impl Iterator<Item = &Authority> {
        self.authorities.iter().filter(|a| a.role == Role::Root)
    }

    /// The root that signs cluster CAs.
    pub fn active_root(&self) -> Option<&Authority> {
        self.roots().find(|a| a.state == AuthorityState::Active)
    }

    /// The cluster CA that issues for a cluster.
    pub fn active_cluster_ca(&self, cluster: &ClusterName) -> Option<&Authority> {
        let is_of = |a: &&Authority| matches!(&a.role, Role::Cluster(name) if name == cluster);
        self.authorities.iter().filter(is_of).find(|a| a.state == AuthorityState::Active)
    }

    /// The names of the clusters that have a CA, in the order in which they were added.
    pub fn clusters(&self) -> Vec<&ClusterName> {
        let mut names: Vec<&ClusterName> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for authority in &self.authorities {
            if let Role::Cluster(name) = &authority.role
                && seen.insert(name)
            {
                names.push(name);
            }
        }
        names
    }

    /// The trust anchors: the self-signed certificates of all published roots.
    pub fn anchors(&self) -> Vec<Certificate> {
        let published = self.roots().filter(|root| root.published_at.is_some());
        published.flat_map(|root| root.certificates.iter().filter(|c| c.is_self_issued()).cloned()).collect()
    }

    /// The trust bundle, with its sequence number.
    ///
    /// # Errors
    /// When there is no root in it: an empty bundle revokes everything, and is never made by accident.
    pub fn bundle(&self) -> Result<Bundle, BundleError> {
        let bundle = Bundle::new(self.trust_domain.clone()).with_x509_authorities(self.anchors())?;
        Ok(bundle.with_sequence(self.sequence).with_refresh_hint(REFRESH_HINT))
    }
}
