use std::collections::HashSet;

use super::{Event, Hierarchy, HierarchyError};
use crate::bundle::{Bundle, Change};
use crate::spiffe::TrustDomain;
use crate::time::Timestamp;
use crate::x509::Certificate;

/// The bundle of others, handed to the workloads of this trust domain as trust anchors.
///
/// Istio's clients take all anchors together, whatever trust domain they are of: whoever holds the key of one of them can be everybody
/// to them. Here an imported bundle validates nothing: it becomes no part of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    bundle: Bundle,
    at: Timestamp,
    /// It is kept after that, so that an older one is still noticed.
    forgotten: bool,
}

impl Imported {
    /// Whose bundle.
    pub fn trust_domain(&self) -> &TrustDomain {
        self.bundle.trust_domain()
    }

    /// The bundle, with its own sequence number.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// When it was imported.
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

impl Hierarchy {
    /// The bundles of others that are handed to workloads, in the order in which they were first imported.
    pub fn imported(&self) -> impl Iterator<Item = &Imported> {
        self.imported.iter().filter(|imported| !imported.forgotten)
    }

    /// All trust anchors that workloads are handed: those of the bundle, then the imported ones, each once.
    pub fn workload_anchors(&self) -> Vec<Certificate> {
        let mut seen = HashSet::new();
        let imported = self.imported().flat_map(|imported| imported.bundle.x509_authorities().iter().cloned());
        self.anchors().into_iter().chain(imported).filter(|anchor| seen.insert(anchor.der().to_vec())).collect()
    }

    pub(super) fn import(&self, bundle: &Bundle, force: bool, now: Timestamp) -> Result<Vec<Event>, HierarchyError> {
        let trust_domain = bundle.trust_domain();
        // The roots alone: keys for JWTs and the hint are of no use to a workload's TLS, and no reason to call it another bundle.
        let bundle = roots_of(trust_domain, bundle.x509_authorities(), bundle.sequence());
        let bundle = bundle.ok_or_else(|| HierarchyError::EmptyImport(trust_domain.clone()))?;
        let held = self.imported.iter().find(|held| held.trust_domain() == bundle.trust_domain());
        let change = held.map(|held| bundle.supersedes(&held.bundle)).transpose();
        let forced = match change {
            Ok(Some(Change::Unchanged)) if held.is_some_and(|held| !held.forgotten) => return Ok(Vec::new()),
            Ok(_) => false,
            Err(rollback) if !force => return Err(HierarchyError::Rollback(rollback)),
            Err(_) => true,
        };
        Ok(vec![Event::BundleImported {
            trust_domain: bundle.trust_domain().clone(),
            certificates: bundle.x509_authorities().to_vec(),
            sequence: bundle.sequence(),
            forced,
            at: now,
        }])
    }

    pub(super) fn forget(&self, trust_domain: &TrustDomain, now: Timestamp) -> Result<Vec<Event>, HierarchyError> {
        match self.imported().any(|held| held.trust_domain() == trust_domain) {
            true => Ok(vec![Event::BundleForgotten { trust_domain: trust_domain.clone(), at: now }]),
            false => Err(HierarchyError::NotImported(trust_domain.clone())),
        }
    }

    pub(super) fn apply_import(&mut self, trust_domain: &TrustDomain, certificates: &[Certificate], sequence: Option<u64>, at: Timestamp) {
        // What was decided has CA certificates, and nothing else.
        let Some(bundle) = roots_of(trust_domain, certificates, sequence) else { return };
        let imported = Imported { bundle, at, forgotten: false };
        match self.imported.iter_mut().find(|held| held.trust_domain() == trust_domain) {
            Some(held) => *held = imported,
            None => self.imported.push(imported),
        }
    }

    pub(super) fn apply_forget(&mut self, trust_domain: &TrustDomain) {
        self.imported.iter_mut().filter(|held| held.trust_domain() == trust_domain).for_each(|held| held.forgotten = true);
    }
}

fn roots_of(trust_domain: &TrustDomain, certificates: &[Certificate], sequence: Option<u64>) -> Option<Bundle> {
    let bundle = Bundle::new(trust_domain.clone()).with_x509_authorities(certificates.iter().cloned()).ok()?;
    Some(match sequence {
        Some(sequence) => bundle.with_sequence(sequence),
        None => bundle,
    })
}
