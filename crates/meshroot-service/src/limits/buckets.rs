use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::bucket::{Bucket, FullAt};
use crate::config::Rate;

/// A bucket for each of many, in bounded memory.
///
/// Full buckets need not be kept, and are dropped when room is needed. When all of a shard are in use, newcomers are not
/// held to a bucket of their own: whoever makes up names cannot lock out the others, and cannot use up the memory.
#[derive(Debug)]
pub(super) struct Buckets {
    bucket: Bucket,
    shards: [Mutex<Shard>; SHARDS],
    /// Keyed at random, so that nobody can aim at somebody else's bucket.
    hasher: RandomState,
}

const SHARDS: usize = 16;

/// Buckets in use at once, in a shard: a million in all, and 32 MB at the very most.
const MOST: usize = 65_536;

#[derive(Debug, Default)]
struct Shard {
    full_at: HashMap<u64, FullAt>,
    /// When room was last made: looking through all of them is worth it once a second.
    swept: u64,
}

impl Buckets {
    pub(super) fn new(rate: Rate) -> Self {
        Self { bucket: Bucket::new(rate), shards: Default::default(), hasher: RandomState::new() }
    }

    /// How long this one has to wait before the next; `None` if it need not.
    pub(super) fn wait(&self, of: impl Hash, now: u64) -> Option<Duration> {
        if self.bucket.is_lifted() {
            return None;
        }
        let key = self.hasher.hash_one(of);
        let full_at = self.shard(key).full_at.get(&key).copied()?;
        self.bucket.wait(full_at, now)
    }

    /// Takes one, if there is one; otherwise how long to wait.
    pub(super) fn take(&self, of: impl Hash, now: u64) -> Option<Duration> {
        if self.bucket.is_lifted() {
            return None;
        }
        let key = self.hasher.hash_one(of);
        let mut shard = self.shard(key);
        let full_at = shard.full_at.get(&key).copied().unwrap_or_default();
        let wait = self.bucket.wait(full_at, now);
        if wait.is_none() {
            shard.set(key, self.bucket.taken(full_at, now), now);
        }
        wait
    }

    /// Gives back what was taken for something that came to nothing.
    pub(super) fn give_back(&self, of: impl Hash, now: u64) {
        if self.bucket.is_lifted() {
            return;
        }
        let key = self.hasher.hash_one(of);
        let mut shard = self.shard(key);
        if let Some(full_at) = shard.full_at.get(&key).copied() {
            shard.set(key, self.bucket.given_back(full_at), now);
        }
    }

    fn shard(&self, key: u64) -> MutexGuard<'_, Shard> {
        let [zeroth, ..] = &self.shards;
        let at = usize::try_from(key >> 32).unwrap_or_default() % SHARDS;
        // Nothing that holds the lock can panic halfway through a change.
        self.shards.get(at).unwrap_or(zeroth).lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().full_at.len()).sum()
    }
}

impl Shard {
    fn set(&mut self, key: u64, full_at: FullAt, now: u64) {
        if self.full_at.len() >= MOST && !self.full_at.contains_key(&key) {
            if now.saturating_sub(self.swept) >= 1_000_000_000 {
                self.swept = now;
                self.full_at.retain(|_, full_at| *full_at > now);
            }
            if self.full_at.len() >= MOST {
                return;
            }
        }
        self.full_at.insert(key, full_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn each_has_a_bucket_of_their_own() {
        let buckets = Buckets::new(Rate { per_second: 1, burst: 2 });
        let passed = |of: &str| (0..5).filter(|_| buckets.take(of, SECOND).is_none()).count();
        assert_eq!([passed("a"), passed("b"), passed("a")], [2, 2, 0]);
        assert!(buckets.wait("a", SECOND).is_some() && buckets.wait("c", SECOND).is_none());
        buckets.give_back("a", SECOND);
        assert_eq!(passed("a"), 1);
    }

    #[test]
    fn made_up_names_use_up_neither_the_memory_nor_the_buckets_of_others() {
        let buckets = Buckets::new(Rate { per_second: 1, burst: 1 });
        assert_eq!(buckets.take("honest", SECOND), None);
        for name in 0..(SHARDS * MOST + 100_000) {
            let _ = buckets.take(name, SECOND);
        }
        assert!(buckets.len() <= SHARDS * MOST);
        assert!(buckets.wait("honest", SECOND).is_some());
        assert_eq!(buckets.take("newcomer", SECOND), None);
        // Once they are full again there is room.
        for name in 0..1_000 {
            let _ = buckets.take(format!("later {name}"), 10 * SECOND);
        }
        assert!(buckets.len() <= 1_000);
    }
}
