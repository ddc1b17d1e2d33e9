//! Certificate revocation lists (RFC 5280 §5), as a set that a validator asks.

/// The lists that a validator asks. Without any, revocation is not asked for.
#[derive(Clone, Debug, Default)]
pub struct CrlSet {}

impl CrlSet {
    /// No lists: revocation is not asked for.
    pub const fn empty() -> Self {
        Self {}
    }

    /// Whether there are no lists.
    pub fn is_empty(&self) -> bool {
        true
    }
}
