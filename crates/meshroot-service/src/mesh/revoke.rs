use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use meshroot::hierarchy::{Authority, AuthorityId};
use meshroot::spiffe::TrustDomain;
use meshroot_store::{PublishedCrl, RevocationChange, Revocations, StoreError};

use super::crls::{self, KEPT};
use super::revoked::{Revoked, unexpired};
use super::{Domain, Mesh, MeshError, Snapshot, keys};
use crate::root;

/// How often a change is decided anew because somebody else was quicker.
const ATTEMPTS: usize = 16;

/// What came of a change.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// CRLs that were made and are served from now on.
    pub(crate) crls: Vec<PublishedCrl>,
    /// CAs that tell nobody, and why: their keys are elsewhere.
    pub(crate) untold: Vec<(AuthorityId, String)>,
}

impl Mesh {
    /// What is revoked, as of now: no lock, no copy.
    pub(crate) fn revoked(&self) -> arc_swap::Guard<Arc<Revoked>> {
        self.revoked.load()
    }

    pub(super) fn read_revoked(&self, snapshot: &Snapshot) -> Result<(), MeshError> {
        let held = self.store.revocations(self.clock.now().minus(KEPT))?;
        self.install(Revoked::of(held, snapshot, &self.crypto, self.clock.now()));
        Ok(())
    }

    /// Takes over what others revoked, and makes the CRLs whose time has come. Blocks: for a thread that may.
    pub(crate) fn keep_revocations(&self) -> Result<Told, MeshError> {
        let now = self.clock.now();
        if self.store.revocations_version()? != self.revoked().version() {
            self.read_revoked(&self.now())?;
        }
        let held = self.revoked();
        let due = |authority: &Authority, trust_domain: &TrustDomain| {
            let served = held.crls.iter().find(|served| served.authority == *authority.id() && served.trust_domain == *trust_domain);
            crls::is_due(served.map(|served| &served.crl), self.age(trust_domain, authority), now)
        };
        let snapshot = self.now();
        let is_due = |domain: &Domain| {
            let trust_domain = domain.hierarchy.trust_domain();
            let here = |authority: &&Authority| domain.has_key(authority.id()) || self.root_of(trust_domain, authority.id()).is_some();
            let mut signing = domain.hierarchy.authorities().iter().filter(here).filter(|authority| unexpired(authority, now).is_some());
            signing.any(|authority| due(authority, trust_domain))
        };
        if !snapshot.trust_domains().iter().any(is_due) {
            return Ok(Told::default());
        }
        drop(held);
        self.change_revocations(|_| Ok(RevocationChange::new(0, now)))
    }

    /// Decides a change on what holds, makes the CRLs that tell of it, and stores both together; again, when somebody else
    /// was quicker. Blocks.
    ///
    /// The version is filled in. When it returns, the change holds here; other processes take it over within a second.
    pub(crate) fn change_revocations<E: From<MeshError>>(
        &self,
        mut decide: impl FnMut(&Revocations) -> Result<RevocationChange, E>,
    ) -> Result<Told, E> {
        let failed = |e: StoreError| MeshError::from(e);
        for _ in 0..ATTEMPTS {
            let held = self.store.revocations(self.clock.now().minus(KEPT)).map_err(failed)?;
            let mut change = decide(&held)?;
            change.expected_version = held.version;
            let untold = self.add_crls(&mut change, &held)?;
            if !change.is_empty() {
                match self.store.commit_revocations(&change) {
                    Err(StoreError::Conflict { .. }) => continue,
                    other => other.map_err(failed)?,
                };
            }
            self.read_revoked(&self.now())?;
            return Ok(Told { crls: change.crls, untold });
        }
        Err(MeshError::Contended.into())
    }

    /// Adds the CRLs of all CAs that revoke something with this change, and of those whose time has come.
    fn add_crls(&self, change: &mut RevocationChange, held: &Revocations) -> Result<Vec<(AuthorityId, String)>, MeshError> {
        let now = self.clock.now();
        let known: BTreeSet<_> = held.revoked.iter().map(|one| (&one.trust_domain, &one.authority, &one.serial)).collect();
        let new = |one: &&meshroot_store::Revocation| !known.contains(&(&one.trust_domain, &one.authority, &one.serial));
        let revoking: BTreeSet<_> = change.revoked.iter().filter(new).map(|one| (one.trust_domain.clone(), one.authority.clone())).collect();
        let given: BTreeSet<_> = change.crls.iter().map(|crl| (crl.trust_domain.clone(), crl.authority.clone())).collect();
        let mut untold = Vec::new();
        let snapshot = self.now();
        for domain in snapshot.trust_domains() {
            let trust_domain = domain.hierarchy.trust_domain();
            for authority in domain.hierarchy.authorities() {
                let name = (trust_domain.clone(), authority.id().clone());
                let before = held.crls.iter().find(|crl| crl.trust_domain == name.0 && crl.authority == name.1);
                let wanted = revoking.contains(&name) || crls::is_due(before.map(|before| &before.crl), self.age(trust_domain, authority), now);
                if given.contains(&name) || !wanted || unexpired(authority, now).is_none() {
                    continue;
                }
                let all = held.revoked.iter().chain(change.revoked.iter());
                match self.crl_of(authority, trust_domain, before, crls::of(all, trust_domain, authority.id())) {
                    Ok(Some(crl)) => change.crls.push(crl),
                    Ok(None) if revoking.contains(&name) => untold.push((name.1, "its key is not in this store".to_owned())),
                    Ok(None) => {}
                    // What is revoked is revoked, CRL or not.
                    Err(e) => untold.push((name.1, e.to_string())),
                }
            }
        }
        Ok(untold)
    }

    /// How old an authority's CRL may become before the next one is made.
    fn age(&self, trust_domain: &TrustDomain, authority: &Authority) -> Duration {
        if self.root_of(trust_domain, authority.id()).is_some() { root::AGE } else { crls::AGE }
    }

    /// The next CRL of an authority; `None` when its key is not here.
    fn crl_of<'r>(
        &self,
        authority: &Authority,
        trust_domain: &TrustDomain,
        before: Option<&PublishedCrl>,
        revoked: impl Iterator<Item = &'r meshroot_store::Revocation>,
    ) -> Result<Option<PublishedCrl>, MeshError> {
        let now = self.clock.now();
        if let Some(root) = self.root_of(trust_domain, authority.id()) {
            let above = before.and_then(|before| before.crl.number()).and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
            let crl = root.crl(&revoked.cloned().collect::<Vec<_>>(), above, now).map_err(|e| MeshError::Root(e.to_string()))?;
            return Ok(Some(PublishedCrl { trust_domain: trust_domain.clone(), authority: authority.id().clone(), crl }));
        }
        let Some(signer) = keys::signer(&*self.store, &self.data_key, &self.crypto, trust_domain, authority)? else { return Ok(None) };
        let Some(issuer) = crls::issuer(authority, now) else { return Ok(None) };
        let list = crls::next(before.map(|before| &before.crl), None, revoked, crls::LIFE, now).ok_or(MeshError::CrlNumbersUsedUp)?;
        let crl = list.sign(issuer, &*signer, &self.crypto)?;
        Ok(Some(PublishedCrl { trust_domain: trust_domain.clone(), authority: authority.id().clone(), crl }))
    }

    /// Never goes back: of two readers the one that read more stays.
    fn install(&self, new: Revoked) {
        let new = Arc::new(new);
        self.revoked
            .rcu(|held| if (held.version(), held.snapshot()) > (new.version(), new.snapshot()) { Arc::clone(held) } else { Arc::clone(&new) });
    }
}
