use meshroot_store::JoinToken;

use super::remembered::Remembered;
use super::svid::Judged;

/// Verdicts about callers that hold for a while and cost something to find anew. Those about service account tokens lie
/// with the key sets they were found with, and go with them.
#[derive(Debug)]
pub(crate) struct Recent {
    /// Client certificates that were valid, recorded and ours.
    pub(super) chains: Remembered<Judged>,
    /// One-time tokens that are good for nothing any more: used, or `None` for never made. Unlike good ones they come
    /// again and again, from whoever did not notice.
    pub(super) spent: Remembered<Option<JoinToken>>,
}

impl Recent {
    /// With room for so many of each.
    pub(crate) fn new(most: usize) -> Self {
        Self { chains: Remembered::new(most), spent: Remembered::new(most) }
    }
}
