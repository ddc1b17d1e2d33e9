//! The one place that reads the clock.

use std::io;
use std::time::{Duration, Instant, SystemTime};

use meshroot::time::Timestamp;

/// What the system's clock says.
#[expect(clippy::disallowed_methods, reason = "the library has no clock, so the command brings its own, here alone")]
pub(crate) fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}

/// The moment at which something that others could draw out for ever is given up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    #[expect(clippy::disallowed_methods, reason = "waiting for others is measured, never judged by")]
    pub(crate) fn after(time: Duration) -> Self {
        let now = Instant::now();
        // A time that cannot be counted to is as good as a day.
        Self(now.checked_add(time).or_else(|| now.checked_add(Duration::from_secs(86_400))).unwrap_or(now))
    }

    /// How long is left.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when nothing is.
    #[expect(clippy::disallowed_methods, reason = "waiting for others is measured, never judged by")]
    pub(crate) fn left(&self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
    }

    /// The earlier of this one and so long from now.
    pub(crate) fn or_after(self, time: Duration) -> Self {
        Self(self.0.min(Self::after(time).0))
    }
}
