use core::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use meshroot::time::Timestamp;

/// What time it is. Injected, so that tests decide.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Now, in UTC, to the second.
    fn now(&self) -> Timestamp;

    /// How much time has passed since some moment in the past. It never goes back, whatever happens to the time of day.
    #[allow(clippy::disallowed_methods, reason = "the one place where the service measures time that its answers depend on")]
    fn elapsed(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place where the service reads the clock")]
    fn now(&self) -> Timestamp {
        // A clock before 1970 reads as 1970: every CA is "not valid yet" then, and nothing is issued.
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_unix(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
    }
}
