//! How much one caller, one cluster and one address may ask for. Judged in memory, at once; who asks too much is told when
//! to come back.

mod bucket;
mod buckets;

use core::fmt;
use std::net::IpAddr;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::time::Instant;

use crate::config::Limits;
use crate::http::Problem;
use buckets::Buckets;

/// The rates of all, and how far each has used them up.
#[derive(Debug)]
pub(crate) struct Rates {
    callers: Buckets,
    clusters: Buckets,
    failures: Buckets,
    start: Instant,
}

/// Somebody asked too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{whose} asked too often: wait {} before the next request", Wait(*.wait))]
pub(crate) struct Throttled {
    whose: Whose,
    /// When it may be tried again.
    pub(crate) wait: Duration,
}

/// Whose rate is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Caller,
    Cluster,
    Address,
}

impl Rates {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            callers: Buckets::new(limits.caller),
            clusters: Buckets::new(limits.cluster),
            failures: Buckets::new(limits.failures),
            start: Instant::now(),
        }
    }

    /// Before a certificate is made for an authenticated caller of this cluster, over whatever interface: every request
    /// that is let through counts against both.
    pub(crate) fn admit(&self, caller: &str, cluster: &str) -> Result<(), Throttled> {
        self.admit_at(caller, cluster, self.now())
    }

    fn admit_at(&self, caller: &str, cluster: &str, now: u64) -> Result<(), Throttled> {
        if let Some(wait) = self.callers.take(caller, now) {
            return Err(Throttled { whose: Whose::Caller, wait });
        }
        if let Some(wait) = self.clusters.take(cluster, now) {
            // What others used up is not to be paid by this one.
            self.callers.give_back(caller, now);
            return Err(Throttled { whose: Whose::Cluster, wait });
        }
        Ok(())
    }

    /// Before credentials are judged that are not known to be good: whether too many from this address were bad.
    pub(crate) fn may_try(&self, address: Option<IpAddr>) -> Result<(), Throttled> {
        let wait = address.and_then(|address| self.failures.wait(network(address), self.now()));
        wait.map_or(Ok(()), |wait| Err(Throttled { whose: Whose::Address, wait }))
    }

    /// Credentials from this address were bad.
    pub(crate) fn failed(&self, address: Option<IpAddr>) {
        if let Some(address) = address {
            let _ = self.failures.take(network(address), self.now());
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Who has one IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

impl Throttled {
    /// A stable, machine-readable code.
    pub(crate) fn code(&self) -> &'static str {
        match self.whose {
            Whose::Caller => "limits.caller",
            Whose::Cluster => "limits.cluster",
            Whose::Address => "limits.address",
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Caller => "this caller",
            Self::Cluster => "all callers of this cluster together",
            Self::Address => "this address, from which too many bad credentials came,",
        })
    }
}

struct Wait(Duration);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", whole_seconds(self.0))
    }
}

/// `Retry-After` has no fractions; too early would be in vain.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0))
}

impl From<Throttled> for Problem {
    fn from(e: Throttled) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, e.code(), e.to_string()).retry_after(Duration::from_secs(whole_seconds(e.wait)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Rate;

    fn rates() -> Rates {
        let limits = Limits { caller: Rate { per_second: 1, burst: 3 }, cluster: Rate { per_second: 1, burst: 5 }, ..Limits::default() };
        Rates::new(&limits)
    }

    #[test]
    fn a_caller_and_a_cluster_have_a_limit_each() {
        let rates = rates();
        let passed = |caller: &str, cluster: &str| (0..10).filter(|_| rates.admit_at(caller, cluster, 0).is_ok()).count();
        assert_eq!([passed("a", "west"), passed("b", "west"), passed("c", "west"), passed("c", "east")], [3, 2, 0, 3]);
        assert_eq!(rates.admit_at("a", "west", 0).unwrap_err().code(), "limits.caller");
        assert_eq!(rates.admit_at("b", "west", 0).unwrap_err().code(), "limits.cluster");
    }

    #[test]
    fn what_a_cluster_is_refused_does_not_count_against_its_caller() {
        let rates = rates();
        for n in 0..5 {
            rates.admit_at(&n.to_string(), "west", 0).unwrap();
        }
        for _ in 0..10 {
            assert_eq!(rates.admit_at("late", "west", 0).unwrap_err().code(), "limits.cluster");
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_address_and_a_mapped_ipv4_is_itself() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.2.8"));
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_too_short() {
        assert_eq!(whole_seconds(Duration::from_millis(1_001)), 2);
        assert_eq!(whole_seconds(Duration::from_secs(3)), 3);
    }
}
