//! What is served: the store's state, as one immutable snapshot that is swapped when the store changes.

mod change;
pub(crate) mod crls;
mod error;
mod keys;
mod published;
pub(crate) mod ready;
mod revoke;
mod revoked;
mod snapshot;

use std::sync::Arc;

use arc_swap::ArcSwap;
use meshroot::key::Crypto;
use meshroot::key::seal::DataKey;
use meshroot_store::Store;
use tokio::sync::watch;

use crate::Clock;
pub use error::MeshError;
pub(crate) use published::{Published, Rendering};
pub(crate) use revoke::Told;
pub(crate) use revoked::Revoked;
pub(crate) use snapshot::{ClusterIssuer, Domain, Snapshot};

/// The mesh behind the service.
#[derive(Debug)]
pub(crate) struct Mesh {
    store: Arc<dyn Store>,
    data_key: DataKey,
    crypto: Crypto,
    clock: Arc<dyn Clock>,
    current: ArcSwap<Snapshot>,
    revoked: ArcSwap<Revoked>,
    /// The store's version, for those who wait for the next one.
    changed: watch::Sender<u64>,
}

impl Mesh {
    /// Reads the store's state and unlocks the keys that it issues with.
    pub(crate) fn open(store: Arc<dyn Store>, data_key: DataKey, crypto: Crypto, clock: Arc<dyn Clock>) -> Result<Self, MeshError> {
        let loaded = store.load()?;
        let snapshot = Snapshot::of(&loaded, &*store, &data_key, &crypto, clock.now())?;
        let changed = watch::Sender::new(snapshot.version());
        let held = store.revocations(clock.now().minus(crls::KEPT))?;
        let revoked = ArcSwap::from_pointee(Revoked::of(held, &snapshot, &crypto, clock.now()));
        Ok(Self { store, data_key, crypto, clock, current: ArcSwap::from_pointee(snapshot), revoked, changed })
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

    /// The state as of now: no lock, no copy.
    pub(crate) fn now(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// Tells of every later change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Takes over what others wrote to the store. Blocks: for a thread that may.
    ///
    /// When the new state cannot be used the old one stays, and the error says why.
    pub(crate) fn refresh(&self) -> Result<bool, MeshError> {
        if self.store.version()? == self.now().version() {
            return Ok(false);
        }
        let loaded = self.store.load()?;
        let snapshot = Snapshot::of(&loaded, &*self.store, &self.data_key, &self.crypto, self.clock.now())?;
        let version = snapshot.version();
        let snapshot = Arc::new(snapshot);
        self.current.store(Arc::clone(&snapshot));
        // Which CRLs there have to be depends on the CAs.
        self.read_revoked(&snapshot)?;
        self.changed.send_replace(version);
        Ok(true)
    }
}
