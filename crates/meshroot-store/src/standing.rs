use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;

use crate::Change;

/// Whether a store is the newest of its history, or an older copy that somebody put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How many times the store was put back from a backup, on record.
    pub epoch: u64,
    /// Why it is taken for an older copy, in words; `None` when it is not.
    pub older: Option<String>,
    /// The greatest sequence number of any bundle that is known to have been published, be it forgotten here.
    pub seen: u64,
}

/// What somebody says who has seen a later bundle than the store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whose bundle.
    pub trust_domain: TrustDomain,
    /// Its sequence number.
    pub sequence: u64,
    /// Who has seen it, for the record.
    pub by: String,
    /// Now.
    pub at: Timestamp,
}

/// An operator's word that a store that was put back from a backup is the one that counts from now on.
#[derive(Clone, Debug)]
pub struct Restoration {
    /// Who says so.
    pub by: String,
    /// Now.
    pub at: Timestamp,
    /// The bundles' new sequence numbers: a change for each trust domain, each expecting the version that the one before
    /// leads to.
    pub changes: Vec<Change>,
}

/// What a restoration led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// The new epoch.
    pub epoch: u64,
    /// The store's version.
    pub version: u64,
    /// The position of the next entry of the issuance log: far behind every one that was ever given.
    pub next_position: u64,
}
