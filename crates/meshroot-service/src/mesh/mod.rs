//! What is served: the store's state, as one immutable snapshot that is swapped when the store changes.

mod change;
pub(crate) mod crls;
mod error;
mod keys;
pub(crate) mod maintenance;
mod published;
pub(crate) mod ready;
mod restoring;
mod revoke;
mod revoked;
mod root;
mod serving;
mod snapshot;
mod unpublished;

use std::sync::Arc;

use arc_swap::ArcSwap;
use meshroot::hierarchy::AuthorityId;
use meshroot::key::Crypto;
use meshroot::key::seal::DataKey;
use meshroot::spiffe::TrustDomain;
use meshroot_store::{Standing, Store};
use tokio::sync::watch;
use tracing::{error, info};

use crate::Clock;
use crate::root::{RootError, RootKeeper};
pub use error::MeshError;
pub(crate) use published::{Published, Rendering};
pub use restoring::restoration;
pub(crate) use revoke::Told;
pub(crate) use revoked::Revoked;
pub(crate) use root::{AnsweredCa, trust_domain_of};
use serving::Serving;
pub(crate) use snapshot::{ClusterIssuer, Domain, Snapshot};
pub(crate) use unpublished::Unpublished;

/// The mesh behind the service.
#[derive(Debug)]
pub(crate) struct Mesh {
    store: Arc<dyn Store>,
    data_key: DataKey,
    crypto: Crypto,
    clock: Arc<dyn Clock>,
    serving: Serving,
    revoked: ArcSwap<Revoked>,
    /// The root with its key, where the settings say that it is at hand.
    root: Option<RootKeeper>,
}

impl Mesh {
    /// Reads the store's state and unlocks the keys that it issues with.
    pub(crate) fn open(store: Arc<dyn Store>, data_key: DataKey, crypto: Crypto, clock: Arc<dyn Clock>) -> Result<Self, MeshError> {
        let asked = clock.elapsed();
        let (standing, loaded) = (store.standing()?, store.load()?);
        let snapshot = Snapshot::of(&loaded, &*store, &data_key, &crypto, clock.now())?;
        let held = store.revocations(clock.now().minus(crls::KEPT))?;
        let revoked = ArcSwap::from_pointee(Revoked::of(held, &snapshot, &crypto, clock.now()));
        let serving = Serving::new(snapshot, standing, asked);
        Ok(Self { store, data_key, crypto, clock, serving, revoked, root: None })
    }

    /// With the root's key at hand.
    pub(crate) fn with_root(self, root: RootKeeper) -> Result<Self, RootError> {
        {
            let snapshot = self.now();
            let known = snapshot.trust_domain(root.trust_domain().as_str()).and_then(|domain| domain.hierarchy.authority(root.authority().as_str()));
            if !known.is_some_and(|known| known.certificates().contains(root.certificate())) {
                let wanted = snapshot.trust_domains().iter().filter_map(|domain| domain.hierarchy.active_root()).map(|root| root.id().to_string());
                let wanted = wanted.collect::<Vec<_>>().join(", ");
                return Err(RootError::OtherRoot { wanted, found: format!("{} of {}", root.authority(), root.trust_domain()) });
            }
        }
        Ok(Self { root: Some(root), ..self })
    }

    /// The root with this name, if its key is at hand.
    pub(crate) fn root_of(&self, trust_domain: &TrustDomain, authority: &AuthorityId) -> Option<&RootKeeper> {
        self.root.as_ref().filter(|root| root.authority() == authority && root.trust_domain() == trust_domain)
    }

    pub(crate) fn crypto(&self) -> &Crypto {
        &self.crypto
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The state as of now: no lock, no copy. For judging and for administrators; what others are shown is
    /// [`published`](Self::published).
    pub(crate) fn now(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.serving.now()
    }

    /// The state as it may be shown to others now.
    pub(crate) fn published(&self) -> Result<arc_swap::Guard<Arc<Snapshot>>, Unpublished> {
        self.serving.published(&*self.clock)
    }

    /// The newest state, be it served already or not: what the next change is decided on.
    pub(crate) fn newest(&self) -> Arc<Snapshot> {
        self.serving.newest()
    }

    /// Whether the store is the newest copy, as of the last refresh.
    pub(crate) fn standing(&self) -> arc_swap::Guard<Arc<Standing>> {
        self.serving.standing()
    }

    /// Tells of every later change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.serving.changes()
    }

    /// Takes over what others wrote to the store; answers whether another state is served from now on. Blocks: for a
    /// thread that may.
    ///
    /// When the new state cannot be used the old one stays, and the error says why. If it has another bundle, none is served
    /// soon.
    pub(crate) fn refresh(&self) -> Result<bool, MeshError> {
        let (asked, before) = (self.clock.elapsed(), self.now().version());
        let standing = self.store.standing()?;
        let epoch = standing.epoch;
        let restored = epoch != self.serving.epoch();
        match (&self.serving.standing().older, &standing.older) {
            (None, Some(why)) => error!(why, "the store is an older copy of itself: nothing is issued or published"),
            (Some(_), None) => info!(epoch, "the store is the newest copy again, or counts as it is"),
            _ => {}
        }
        self.serving.stands(standing);
        if restored || self.store.version()? != self.serving.newest().version() {
            let loaded = self.store.load()?;
            match Snapshot::of(&loaded, &*self.store, &self.data_key, &self.crypto, self.clock.now()) {
                Ok(snapshot) if restored => self.serving.begin_anew(snapshot, epoch),
                Ok(snapshot) => self.serving.take(snapshot, &*self.clock),
                Err(e) => {
                    if self.now().publishes_what(&loaded) {
                        self.serving.asked(asked);
                    }
                    return Err(e);
                }
            }
        }
        self.serving.asked(asked);
        self.serving.advance(&*self.clock);
        let served = self.now();
        // Which CRLs there have to be depends on the CAs.
        if restored || self.revoked().snapshot() != served.version() {
            self.read_revoked(&served)?;
        }
        Ok(restored || served.version() != before)
    }
}
