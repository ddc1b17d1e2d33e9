//! Token buckets, one number each: the time at which the bucket will be full again.

use std::time::Duration;

use crate::config::Rate;

/// What everybody of a kind may do, and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    /// Nanoseconds until one more may be done; zero lifts the limit.
    interval: u64,
    /// Nanoseconds' worth of a full bucket.
    capacity: u64,
}

/// When a bucket will be full again, in nanoseconds since the start. What lies behind is the same as never used.
pub(super) type FullAt = u64;

impl Bucket {
    pub(super) fn new(rate: Rate) -> Self {
        let interval = 1_000_000_000u64.checked_div(u64::from(rate.per_second)).unwrap_or(0);
        // A bucket that holds nothing would let nobody through.
        Self { interval, capacity: interval.saturating_mul(u64::from(rate.burst.max(1))) }
    }

    pub(super) fn is_lifted(&self) -> bool {
        self.interval == 0
    }

    /// How long to wait until one may be taken; `None` if one may now.
    pub(super) fn wait(&self, full_at: FullAt, now: u64) -> Option<Duration> {
        let after = full_at.max(now).saturating_add(self.interval);
        let over = after.saturating_sub(now.saturating_add(self.capacity));
        (over > 0).then(|| Duration::from_nanos(over))
    }

    /// One is taken, whether or not it may.
    pub(super) fn taken(&self, full_at: FullAt, now: u64) -> FullAt {
        // Never emptier than empty: who is refused does not wait the longer for having asked.
        full_at.max(now).saturating_add(self.interval).min(now.saturating_add(self.capacity))
    }

    /// One is given back.
    pub(super) fn given_back(&self, full_at: FullAt) -> FullAt {
        full_at.saturating_sub(self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn bucket(per_second: u32, burst: u32) -> Bucket {
        Bucket::new(Rate { per_second, burst })
    }

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate() {
        let bucket = bucket(10, 5);
        let (mut full_at, mut passed) = (0, 0);
        for _ in 0..20 {
            if bucket.wait(full_at, SECOND).is_none() {
                full_at = bucket.taken(full_at, SECOND);
                passed += 1;
            }
        }
        assert_eq!(passed, 5);
        assert_eq!(bucket.wait(full_at, SECOND), Some(Duration::from_millis(100)));
        assert_eq!(bucket.wait(full_at, SECOND + SECOND / 10), None);
    }

    #[test]
    fn asking_in_vain_does_not_lengthen_the_wait() {
        let bucket = bucket(1, 1);
        let mut full_at = 0;
        for _ in 0..100 {
            full_at = bucket.taken(full_at, 0);
        }
        assert_eq!(bucket.wait(full_at, 0), Some(Duration::from_secs(1)));
    }

    #[test]
    fn no_rate_is_no_limit() {
        assert!(bucket(0, 0).is_lifted());
        assert!(!bucket(1, 0).is_lifted());
        assert_eq!(bucket(1, 0).wait(0, 0), None);
    }
}
