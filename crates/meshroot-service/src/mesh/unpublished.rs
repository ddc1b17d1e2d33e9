use std::time::Duration;

use meshroot::time::Timestamp;

/// Why no bundle is served and no certificate is issued now, although the service runs. What a stranger may read: the
/// status says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Unpublished {
    #[error("the store is an older copy of itself: an administrator has to put the newest one back, or say `meshroot store restored`")]
    OlderCopy,
    #[error("the store could not be read for {} seconds, and a later bundle may be served elsewhere", .0.as_secs())]
    Stale(Duration),
    #[error("the bundle is served from {0} on, everywhere at once")]
    NotYet(Timestamp),
}

impl Unpublished {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::OlderCopy => "store.older_copy",
            Self::Stale(_) => "service.stale",
            Self::NotYet(_) => "service.not_yet",
        }
    }

    /// When it is worth asking again.
    pub(crate) fn retry_after(&self) -> Duration {
        match self {
            Self::OlderCopy => Duration::from_secs(30),
            Self::Stale(_) | Self::NotYet(_) => Duration::from_secs(2),
        }
    }
}
