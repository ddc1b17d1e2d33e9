//! An open mesh: its store, the hierarchy in it, and its keys once they are unlocked.

use std::sync::Arc;

use meshroot::bundle::Bundle;
use meshroot::hierarchy::{Authority, AuthorityState, ClusterName, Event, Hierarchy, Role};
use meshroot::issue::Issuer;
use meshroot::key::PrivateKey;
use meshroot::key::seal::{DataKey, SealContext, SealedKey};
use meshroot::spiffe::TrustDomain;
use meshroot::x509::Certificate;
use meshroot_store::{RenderedBundle, Store, StoreError, StoreKind, StoredTrustDomain};

use crate::exit::{Exit, Failure, Result};
use crate::home::Home;
use crate::session::Session;
use crate::unlock;

/// A mesh, or a root, read from its store.
#[derive(Debug)]
pub(crate) struct Mesh {
    pub(crate) home: Home,
    pub(crate) store: Arc<dyn Store>,
    /// What the next change has to expect.
    pub(crate) version: u64,
    pub(crate) hierarchy: Hierarchy,
    pub(crate) published: Option<RenderedBundle>,
}

impl Mesh {
    /// Opens the mesh that the options mean.
    pub(crate) fn open(session: &Session<'_>) -> Result<Self> {
        Self::open_at(Home::of(session)?, StoreKind::Mesh)
    }

    /// Opens the store of this kind.
    pub(crate) fn open_at(home: Home, kind: StoreKind) -> Result<Self> {
        let store = home.open()?;
        if store.meta().kind != kind {
            let message = format!("{} is the store of a {}, and that of a {kind} is needed", home.database.display(), store.meta().kind);
            return Err(Failure::new(Exit::BadInput, "store.other_kind", message));
        }
        let loaded = store.load()?;
        let damaged = |what: &str| {
            Failure::new(Exit::Store, "store.damaged", format!("the store {} {what}: restore it from a backup", home.database.display()))
        };
        let mut held = loaded.trust_domains.into_iter();
        let StoredTrustDomain { trust_domain, events, bundle, .. } = held.next().ok_or_else(|| damaged("holds no trust domain"))?;
        if held.next().is_some() {
            let message = format!("the store {} holds several trust domains, and this command works with one", home.database.display());
            return Err(Failure::new(Exit::BadInput, "store.several_trust_domains", message));
        }
        let hierarchy = Hierarchy::replay(trust_domain, &events);
        if bundle.as_ref().map(|published| published.sequence) != hierarchy.bundle().ok().and_then(|bundle| bundle.sequence()) {
            return Err(damaged("publishes another bundle than its history says"));
        }
        Ok(Self { home, store, version: loaded.version, hierarchy, published: bundle })
    }

    pub(crate) fn trust_domain(&self) -> &TrustDomain {
        self.hierarchy.trust_domain()
    }

    /// Refuses to go on from an older copy of the store: nothing may be published from it.
    pub(crate) fn check_newest(&self) -> Result<()> {
        match self.store.standing()?.older {
            Some(why) => Err(StoreError::OlderCopy { path: self.home.database.clone(), why }.into()),
            None => Ok(()),
        }
    }

    /// The trust bundle that is published now.
    pub(crate) fn bundle(&self) -> Result<Bundle> {
        Ok(self.hierarchy.bundle()?)
    }

    /// The key that opens the sealed keys.
    pub(crate) fn unlock(&self, session: &Session<'_>) -> Result<DataKey> {
        unlock::data_key(session, &self.home, &*self.store)
    }

    /// The cluster of this name.
    pub(crate) fn cluster(&self, name: &str) -> Result<ClusterName> {
        let name = ClusterName::parse(name)?;
        let known = self.hierarchy.clusters();
        if known.contains(&&name) {
            return Ok(name);
        }
        let some: Vec<_> = known.iter().take(5).map(ToString::to_string).collect();
        let hint = match some.as_slice() {
            [] => "it has none yet: add one with `meshroot cluster add`".to_owned(),
            some => format!("it has {}{}", some.join(", "), if known.len() > some.len() { ", …" } else { "" }),
        };
        Err(Failure::new(Exit::NotFound, "cluster.not_found", format!("{} has no cluster '{name}': {hint}", self.home.database.display())))
    }

    /// The CA that issues for a cluster, and its certificate.
    pub(crate) fn cluster_ca(&self, name: &ClusterName) -> Result<(&Authority, &Certificate)> {
        let ca = self.hierarchy.active_cluster_ca(name);
        let ca = ca.and_then(|authority| Some((authority, authority.certificate()?)));
        ca.ok_or_else(|| Failure::new(Exit::Refused, "cluster.no_active_ca", format!("the cluster '{name}' has no active CA")))
    }

    /// The key of one of its authorities.
    pub(crate) fn private_key(&self, session: &Session<'_>, data_key: &DataKey, authority: &Authority) -> Result<PrivateKey> {
        let id = authority.id();
        let missing = || Failure::new(Exit::NotFound, "store.no_key", format!("{} does not hold the key of '{id}'", self.home.database.display()));
        let sealed = self.store.sealed_key(self.trust_domain(), id)?.ok_or_else(missing)?;
        let certificate = authority.certificate().ok_or_else(missing)?;
        let context = SealContext { store: self.store.meta().id.as_str(), authority: id.as_str(), public_key: certificate.public_key() };
        Ok(data_key.open(&session.crypto, &context, &SealedKey::from_bytes(&sealed)?)?)
    }

    /// What issues for a cluster: its CA's chain, checked against the bundle that is published now, and its key.
    pub(crate) fn issuer(&self, session: &Session<'_>, data_key: &DataKey, name: &ClusterName) -> Result<Issuer> {
        let (authority, certificate) = self.cluster_ca(name)?;
        let signer = self.private_key(session, data_key, authority)?.signer(&session.crypto)?;
        Ok(Issuer::new(core::slice::from_ref(certificate), &self.bundle()?, signer, session.crypto.clone(), session.now)?)
    }

    /// What issues below the root: of a root's own store.
    pub(crate) fn root_issuer(&self, session: &Session<'_>, data_key: &DataKey, bundle: &Bundle) -> Result<Issuer> {
        let root = self.hierarchy.active_root();
        let (authority, certificate) = root
            .and_then(|root| Some((root, root.certificate()?)))
            .ok_or_else(|| Failure::new(Exit::Refused, "root.not_active", format!("{} holds no active root", self.home.database.display())))?;
        let signer = self.private_key(session, data_key, authority)?.signer(&session.crypto)?;
        Ok(Issuer::new(core::slice::from_ref(certificate), bundle, signer, session.crypto.clone(), session.now)?)
    }

    /// Takes note of what was committed.
    pub(crate) fn apply(&mut self, events: &[Event], version: u64) {
        events.iter().for_each(|event| self.hierarchy.apply(event));
        self.version = version;
    }

    /// The cluster CAs, of all clusters and in all states.
    pub(crate) fn cluster_authorities(&self) -> impl Iterator<Item = (&ClusterName, &Authority)> {
        self.hierarchy.authorities().iter().filter_map(|authority| match authority.role() {
            Role::Cluster(name) => Some((name, authority)),
            Role::Root => None,
        })
    }
}

/// Whether anything still depends on it.
pub(crate) fn is_in_use(authority: &Authority) -> bool {
    authority.state() != AuthorityState::Retired
}
