use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use meshroot::time::Timestamp;

/// SHA-256 of what somebody showed.
pub(crate) type Digest = [u8; 32];

/// Verdicts by the digest of what they are about, for as long as each holds.
///
/// Bounded, and cheap to keep so: each shard has a young and an old generation; when the young one is full it becomes the
/// old one, whose entries are forgotten with the next turn unless somebody asks for them meanwhile.
#[derive(Debug)]
pub(crate) struct Remembered<V> {
    shards: [Mutex<Shard<V>>; SHARDS],
    /// Entries of one generation of one shard.
    most: usize,
}

/// Enough that threads seldom wait for each other, whose turn takes well under a microsecond.
const SHARDS: usize = 16;

#[derive(Debug)]
struct Shard<V> {
    young: HashMap<Digest, Verdict<V>>,
    old: HashMap<Digest, Verdict<V>>,
}

#[derive(Clone, Debug)]
struct Verdict<V> {
    value: V,
    /// It was found then; a clock that was set back makes it worth nothing.
    from: Timestamp,
    /// From then on it has to be found anew.
    until: Timestamp,
}

impl<V: Clone> Remembered<V> {
    /// For at most about `most` verdicts; none at all with zero.
    pub(crate) fn new(most: usize) -> Self {
        let empty = || Mutex::new(Shard { young: HashMap::new(), old: HashMap::new() });
        let generations = SHARDS.saturating_mul(2);
        Self { shards: core::array::from_fn(|_| empty()), most: most.div_ceil(generations) }
    }

    pub(crate) fn get(&self, digest: &Digest, now: Timestamp) -> Option<V> {
        let mut shard = self.shard(digest);
        if let Some(verdict) = shard.young.get(digest) {
            return verdict.at(now);
        }
        let verdict = shard.old.remove(digest)?;
        let value = verdict.at(now)?;
        self.insert(&mut shard, *digest, verdict);
        Some(value)
    }

    pub(crate) fn put(&self, digest: Digest, value: V, from: Timestamp, until: Timestamp) {
        if self.most > 0 && from < until {
            self.insert(&mut self.shard(&digest), digest, Verdict { value, from, until });
        }
    }

    fn insert(&self, shard: &mut Shard<V>, digest: Digest, verdict: Verdict<V>) {
        if shard.young.len() >= self.most && !shard.young.contains_key(&digest) {
            shard.old = core::mem::take(&mut shard.young);
        }
        shard.young.insert(digest, verdict);
    }

    fn shard(&self, digest: &Digest) -> MutexGuard<'_, Shard<V>> {
        let [first, ..] = digest;
        // The mask keeps it below the number of shards.
        let at = usize::from(*first) % SHARDS;
        let [zeroth, ..] = &self.shards;
        // Nothing that holds the lock can panic halfway through a change.
        self.shards.get(at).unwrap_or(zeroth).lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap()).flat_map(|shard| [shard.young.len(), shard.old.len()]).sum()
    }
}

impl<V: Clone> Verdict<V> {
    fn at(&self, now: Timestamp) -> Option<V> {
        (self.from <= now && now < self.until).then(|| self.value.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: u64) -> Digest {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        digest
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    #[test]
    fn a_verdict_holds_from_when_it_was_found_until_it_ends() {
        let remembered = Remembered::new(100);
        remembered.put(digest(1), "yes", at(10), at(20));
        let found = [9, 10, 19, 20].map(|now| remembered.get(&digest(1), at(now)).is_some());
        assert_eq!(found, [false, true, true, false]);
        assert_eq!(remembered.get(&digest(2), at(10)), None);
    }

    #[test]
    fn it_never_grows_beyond_its_bound_and_keeps_what_is_asked_for() {
        let remembered = Remembered::new(320);
        remembered.put(digest(0), 0, at(0), at(100));
        for number in 1..10_000 {
            remembered.put(digest(number), number, at(0), at(100));
            assert_eq!(remembered.get(&digest(0), at(1)), Some(0), "after {number}");
        }
        assert!(remembered.len() <= 320 + 2 * SHARDS, "{}", remembered.len());
    }

    #[test]
    fn nothing_is_remembered_where_nothing_may_be() {
        let remembered = Remembered::new(0);
        remembered.put(digest(1), 1, at(0), at(100));
        assert_eq!((remembered.get(&digest(1), at(1)), remembered.len()), (None, 0));
    }
}
