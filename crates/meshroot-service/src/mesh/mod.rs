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
mod serving;
mod snapshot;
mod unpublished;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use meshroot::key::Crypto;
use meshroot::key::seal::DataKey;
use meshroot_store::{Standing, Store};
use tokio::sync::watch;

use crate::Clock;
pub use error::MeshError;
pub(crate) use published::{Published, Rendering};
pub use restoring::restoration;
pub(crate) use revoke::Told;
pub(crate) use revoked::Revoked;
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
    /// The version whose CAs decided which CRLs there have to be.
    revoked_of: AtomicU64,
}

impl Mesh {
    /// Reads the store's state and unlocks the keys that it issues with.
    pub(crate) fn open(store: Arc<dyn Store>, data_key: DataKey, crypto: Crypto, clock: Arc<dyn Clock>) -> Result<Self, MeshError> {
        let asked = clock.elapsed();
        let (standing, loaded) = (store.standing()?, store.load()?);
        let snapshot = Snapshot::of(&loaded, &*store, &data_key, &crypto, clock.now())?;
        let held = store.revocations(clock.now().minus(crls::KEPT))?;
        let revoked = ArcSwap::from_pointee(Revoked::of(held, &snapshot, &crypto, clock.now()));
        let revoked_of = AtomicU64::new(snapshot.version());
        let serving = Serving::new(snapshot, standing, asked);
        Ok(Self { store, data_key, crypto, clock, serving, revoked, revoked_of })
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
        let asked = self.clock.elapsed();
        self.serving.stands(self.store.standing()?);
        if self.store.version()? != self.serving.newest().version() {
            let loaded = self.store.load()?;
            match Snapshot::of(&loaded, &*self.store, &self.data_key, &self.crypto, self.clock.now()) {
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
        if self.revoked_of.load(Ordering::Acquire) == served.version() {
            return Ok(false);
        }
        self.read_revoked(&served)?;
        self.revoked_of.store(served.version(), Ordering::Release);
        Ok(true)
    }
}
