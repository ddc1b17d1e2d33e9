//! Which snapshot is served, from when on, and whether any may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use meshroot::time::Timestamp;
use meshroot_store::{Standing, VISIBLE_AFTER};
use tokio::sync::watch;

use super::{Snapshot, Unpublished};
use crate::Clock;

/// How long the store may have been unreadable: half of the time after which others serve a change that was missed, so
/// that clocks and the rounding to seconds have the other half.
const STALE: Duration = Duration::from_secs(VISIBLE_AFTER.as_secs() / 2);

/// What is served.
#[derive(Debug)]
pub(super) struct Serving {
    current: ArcSwap<Snapshot>,
    /// What is served next, when its moment has come.
    next: ArcSwapOption<Next>,
    standing: ArcSwap<Standing>,
    /// The epoch that what is served is of.
    epoch: AtomicU64,
    /// When the store was last asked for changes, in milliseconds of [`Clock::elapsed`].
    asked: AtomicU64,
    /// The version that is served, for those who wait for the next one.
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Next {
    at: Timestamp,
    snapshot: Arc<Snapshot>,
}

impl Serving {
    pub(super) fn new(snapshot: Snapshot, standing: Standing, asked: Duration) -> Self {
        let (changed, epoch) = (watch::Sender::new(snapshot.version()), AtomicU64::new(standing.epoch));
        Self {
            current: ArcSwap::from_pointee(snapshot),
            next: ArcSwapOption::empty(),
            standing: ArcSwap::from_pointee(standing),
            epoch,
            asked: AtomicU64::new(milliseconds(asked)),
            changed,
        }
    }

    /// The snapshot that is served, be it fit to be shown or not.
    pub(super) fn now(&self) -> arc_swap::Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// The snapshot that may be shown to others.
    pub(super) fn published(&self, clock: &dyn Clock) -> Result<arc_swap::Guard<Arc<Snapshot>>, Unpublished> {
        if self.next.load().is_some() {
            self.advance(clock);
        }
        if self.standing.load().older.is_some() {
            return Err(Unpublished::OlderCopy);
        }
        let unread = clock.elapsed().saturating_sub(Duration::from_millis(self.asked.load(Ordering::Acquire)));
        if unread > STALE {
            return Err(Unpublished::Stale(unread));
        }
        let snapshot = self.current.load();
        match snapshot.visible_at.filter(|at| *at > clock.now()) {
            Some(at) => Err(Unpublished::NotYet(at)),
            None => Ok(snapshot),
        }
    }

    /// The newest snapshot, served or not yet.
    pub(super) fn newest(&self) -> Arc<Snapshot> {
        self.next.load().as_ref().map_or_else(|| self.current.load_full(), |next| Arc::clone(&next.snapshot))
    }

    pub(super) fn standing(&self) -> arc_swap::Guard<Arc<Standing>> {
        self.standing.load()
    }

    pub(super) fn stands(&self, standing: Standing) {
        if **self.standing.load() != standing {
            self.standing.store(Arc::new(standing));
        }
    }

    /// The epoch that what is served is of.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Takes the state of another epoch in place of all that was held: its versions begin where a backup had got to, and may have
    /// been given to other states that are forgotten now.
    pub(super) fn begin_anew(&self, snapshot: Snapshot, epoch: u64) {
        let version = snapshot.version();
        self.next.store(None);
        self.current.store(Arc::new(snapshot));
        self.epoch.store(epoch, Ordering::Release);
        self.changed.send_replace(version);
    }

    /// The store was asked for changes at this moment, and there are no others than those that are known.
    pub(super) fn asked(&self, at: Duration) {
        self.asked.store(milliseconds(at), Ordering::Release);
    }

    /// Takes a newer snapshot, to be served when its moment has come.
    pub(super) fn take(&self, snapshot: Snapshot, clock: &dyn Clock) {
        let at = snapshot.visible_at.unwrap_or_else(|| clock.now());
        self.next.store(Some(Arc::new(Next { at, snapshot: Arc::new(snapshot) })));
        self.advance(clock);
    }

    /// Serves the next snapshot if its moment has come.
    pub(super) fn advance(&self, clock: &dyn Clock) -> bool {
        let due = self.next.load_full().filter(|next| next.at <= clock.now());
        let Some(due) = due else { return false };
        let version = due.snapshot.version();
        // Two may be here at once, and one of them may be slow.
        self.current.rcu(|current| if current.version() < version { Arc::clone(&due.snapshot) } else { Arc::clone(current) });
        self.next.rcu(|next| next.clone().filter(|next| next.snapshot.version() > version));
        self.changed.send_if_modified(|served| {
            let later = *served < version;
            *served = version.max(*served);
            later
        })
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may be blunt")]
mod tests {
    use std::sync::atomic::AtomicI64;

    use meshroot::key::Crypto;
    use meshroot::key::seal::DataKey;
    use meshroot_store::{Loaded, NewStore, SqliteStore, StoreId, StoreKind};

    use super::*;

    /// Seconds, of the day and passed.
    #[derive(Debug, Default)]
    struct Hands(AtomicI64, AtomicU64);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix(self.0.load(Ordering::SeqCst))
        }

        fn elapsed(&self) -> Duration {
            Duration::from_secs(self.1.load(Ordering::SeqCst))
        }
    }

    fn snapshot(version: u64, visible_at: Option<i64>) -> Snapshot {
        let (folder, crypto) = (tempfile::tempdir().unwrap(), Crypto::ring());
        let id = StoreId::generate(crypto.entropy()).unwrap();
        let new = NewStore { id, kind: StoreKind::Mesh, wrapped_data_key: Vec::new(), at: Timestamp::from_unix(0) };
        let store = SqliteStore::create(&folder.path().join("mesh.db"), &new).unwrap();
        let data_key = DataKey::generate(crypto.entropy()).unwrap();
        let loaded = Loaded { version, trust_domains: Vec::new() };
        let mut made = Snapshot::of(&loaded, &store, &data_key, &crypto, Timestamp::from_unix(0)).unwrap();
        made.visible_at = visible_at.map(Timestamp::from_unix);
        made
    }

    fn newest() -> Standing {
        Standing { epoch: 0, older: None, seen: 0 }
    }

    fn version(serving: &Serving, clock: &Hands) -> Result<u64, Unpublished> {
        serving.published(clock).map(|snapshot| snapshot.version())
    }

    #[test]
    fn a_change_is_served_from_its_moment_on_and_the_state_before_it_until_then() {
        let clock = Hands::default();
        let serving = Serving::new(snapshot(1, None), newest(), clock.elapsed());
        let mut changes = serving.changes();
        serving.take(snapshot(2, Some(6)), &clock);
        assert_eq!((version(&serving, &clock), serving.newest().version()), (Ok(1), 2));
        clock.0.store(5, Ordering::SeqCst);
        assert!(!serving.advance(&clock));
        assert_eq!((version(&serving, &clock), changes.has_changed().unwrap()), (Ok(1), false));
        clock.0.store(6, Ordering::SeqCst);
        // The first who reads need not wait for the chore.
        assert_eq!((version(&serving, &clock), changes.has_changed().unwrap()), (Ok(2), true));
        assert_eq!(*changes.borrow_and_update(), 2);
    }

    #[test]
    fn who_starts_before_the_moment_of_a_change_serves_nothing_until_then() {
        let clock = Hands::default();
        let serving = Serving::new(snapshot(2, Some(6)), newest(), clock.elapsed());
        assert_eq!(version(&serving, &clock), Err(Unpublished::NotYet(Timestamp::from_unix(6))));
        clock.0.store(6, Ordering::SeqCst);
        assert_eq!(version(&serving, &clock), Ok(2));
    }

    #[test]
    fn who_could_not_read_the_store_serves_nothing_before_others_serve_a_later_bundle() {
        let clock = Hands::default();
        let serving = Serving::new(snapshot(1, None), newest(), clock.elapsed());
        for seconds in 0..VISIBLE_AFTER.as_secs() {
            clock.1.store(seconds, Ordering::SeqCst);
            // A change of just now is served elsewhere when VISIBLE_AFTER is over, by a clock that may be some seconds ahead.
            assert_eq!(version(&serving, &clock).is_ok(), seconds <= VISIBLE_AFTER.as_secs() / 2, "{seconds}");
        }
        serving.asked(clock.elapsed());
        assert_eq!(version(&serving, &clock), Ok(1));
    }

    #[test]
    fn after_a_restoration_a_version_that_was_served_before_is_another_one() {
        let clock = Hands::default();
        let serving = Serving::new(snapshot(5, None), newest(), clock.elapsed());
        let mut changes = serving.changes();
        serving.take(snapshot(6, Some(6)), &clock);
        serving.begin_anew(snapshot(5, Some(3)), 1);
        assert_eq!((serving.epoch(), serving.newest().version(), changes.has_changed().unwrap()), (1, 5, true));
        // What was served until now is of a history that was lost.
        assert_eq!(version(&serving, &clock), Err(Unpublished::NotYet(Timestamp::from_unix(3))));
        clock.0.store(6, Ordering::SeqCst);
        assert_eq!((version(&serving, &clock), *changes.borrow_and_update()), (Ok(5), 5));
    }

    #[test]
    fn from_an_older_copy_nothing_is_served() {
        let clock = Hands::default();
        let serving = Serving::new(snapshot(1, None), newest(), clock.elapsed());
        serving.stands(Standing { older: Some("the mark says so".into()), ..newest() });
        assert_eq!(version(&serving, &clock), Err(Unpublished::OlderCopy));
        serving.stands(Standing { epoch: 1, ..newest() });
        assert_eq!(version(&serving, &clock), Ok(1));
    }
}
