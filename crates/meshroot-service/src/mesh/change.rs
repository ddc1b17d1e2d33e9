use meshroot::hierarchy::{AuthorityId, Command, Event, Hierarchy, HierarchyError};
use meshroot::spiffe::TrustDomain;
use meshroot_store::{Change, StoreError};

use super::{Mesh, MeshError};

/// How often a change is decided anew because somebody else was quicker.
const ATTEMPTS: usize = 16;

impl Mesh {
    /// Decides a change of a hierarchy that leaves its bundle alone, has it stored by `commit`, and takes it over; again, when
    /// somebody else was quicker. Blocks.
    pub(crate) fn change<E: From<MeshError>>(
        &self,
        trust_domain: &TrustDomain,
        mut decide: impl FnMut(&Hierarchy) -> Result<Vec<Event>, E>,
        commit: impl Fn(&Change) -> Result<u64, StoreError>,
    ) -> Result<(), E> {
        for _ in 0..ATTEMPTS {
            self.refresh()?;
            let snapshot = self.newest();
            let unknown = || MeshError::from(StoreError::UnknownTrustDomain(trust_domain.clone()));
            let domain = snapshot.trust_domain(trust_domain.as_str()).ok_or_else(unknown)?;
            let events = decide(&domain.hierarchy)?;
            let change = Change {
                expected_version: snapshot.version(),
                trust_domain: trust_domain.clone(),
                events,
                sealed_keys: Vec::new(),
                bundle: None,
                at: self.clock.now(),
            };
            match commit(&change) {
                Err(StoreError::Conflict { .. }) => continue,
                other => other.map_err(MeshError::from)?,
            };
            self.refresh()?;
            return Ok(());
        }
        Err(MeshError::Contended.into())
    }

    /// Declares that an authority must not be trusted any more: it issues nothing, and what it issued authenticates nobody.
    pub(crate) fn taint(&self, trust_domain: &TrustDomain, authority: &AuthorityId) -> Result<(), MeshError> {
        let taint = Command::Taint { authority: authority.clone() };
        let decide = |hierarchy: &Hierarchy| -> Result<_, MeshError> {
            let decided: Result<_, HierarchyError> = hierarchy.decide(&taint, &self.crypto, self.clock.now());
            Ok(decided?)
        };
        self.change(trust_domain, decide, |change| self.store.commit(change))
    }
}
