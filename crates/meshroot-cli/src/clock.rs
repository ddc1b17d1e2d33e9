//! The one place that reads the clock.

use std::time::SystemTime;

use meshroot::time::Timestamp;

/// What the system's clock says.
#[expect(clippy::disallowed_methods, reason = "the library has no clock, so the command brings its own, here alone")]
pub(crate) fn now() -> Timestamp {
    Timestamp::from(SystemTime::now())
}
