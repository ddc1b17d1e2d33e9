use meshroot::hierarchy::AuthorityId;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::SerialNumber;

use crate::IssuanceRow;

/// Which certificates on record are looked for: those that fit all that is given.
#[derive(Clone, Debug)]
pub struct Search {
    /// Of this trust domain.
    pub trust_domain: Option<TrustDomain>,
    /// With such a SPIFFE ID.
    pub id: Option<IdPattern>,
    /// Signed by one of these CAs; `None` for any. An empty list fits nothing.
    pub authorities: Option<Vec<AuthorityId>>,
    /// Asked for by a caller whose name begins so.
    pub caller: Option<String>,
    /// With this serial number.
    pub serial: Option<SerialNumber>,
    /// That expire after this moment: at `now`, those that are not expired.
    pub expires_after: Option<Timestamp>,
    /// That expire at this moment or before.
    pub expires_by: Option<Timestamp>,
    /// Behind this position: 0 for the start, then [`Found::next`] of the page before.
    pub after: u64,
    /// At most so many, and never more than [`MOST`](Self::MOST).
    pub limit: u32,
}

/// Which SPIFFE IDs are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdPattern {
    /// This one.
    Exactly(SpiffeId),
    /// All whose text begins so: `spiffe://mesh.example/ns/shop/`.
    BeginsWith(String),
}

impl IdPattern {
    /// Whether it means this one.
    pub fn fits(&self, id: &SpiffeId) -> bool {
        match self {
            Self::Exactly(wanted) => wanted == id,
            Self::BeginsWith(start) => id.as_str().starts_with(start),
        }
    }
}

impl Search {
    /// A page's most entries.
    pub const MOST: u32 = 1_000;

    /// Whether it names no condition.
    pub fn is_for_everything(&self) -> bool {
        self.trust_domain.is_none()
            && self.id.is_none()
            && self.authorities.is_none()
            && self.caller.is_none()
            && self.serial.is_none()
            && self.expires_after.is_none()
            && self.expires_by.is_none()
    }

    /// Whether an entry is one of those.
    pub fn fits(&self, row: &IssuanceRow) -> bool {
        let not_after = row.validity.not_after;
        self.trust_domain.as_ref().is_none_or(|wanted| *wanted == row.trust_domain)
            && self.id.as_ref().is_none_or(|pattern| row.id.as_ref().is_some_and(|id| pattern.fits(id)))
            && self.authorities.as_ref().is_none_or(|wanted| wanted.contains(&row.authority))
            && self.caller.as_ref().is_none_or(|start| row.caller.starts_with(start))
            && self.serial.as_ref().is_none_or(|wanted| *wanted == row.serial)
            && self.expires_after.is_none_or(|after| not_after > after)
            && self.expires_by.is_none_or(|by| not_after <= by)
    }
}

/// Everything, from the start, a hundred a page.
impl Default for Search {
    fn default() -> Self {
        Self {
            trust_domain: None,
            id: None,
            authorities: None,
            caller: None,
            serial: None,
            expires_after: None,
            expires_by: None,
            after: 0,
            limit: 100,
        }
    }
}

/// A page of what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The entries, by growing position. Fewer than asked for, or none, do not mean that nothing follows.
    pub rows: Vec<IssuanceRow>,
    /// Where the next page begins; `None` when this was the last one.
    pub next: Option<u64>,
    /// Up to which position the log was searched, once the last page was read: entries behind it are too new.
    pub known: u64,
}

/// The unexpired certificates of one CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexpired {
    /// The trust domain whose CA signed them.
    pub trust_domain: TrustDomain,
    /// The CA.
    pub authority: AuthorityId,
    /// How many there are.
    pub certificates: u64,
    /// When the last of them expires.
    pub last_expiry: Timestamp,
}

/// The issuance log in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogExtent {
    /// How many entries are held.
    pub held: u64,
    /// The position of the newest entry; 0 before the first. Greater than `held` once entries have expired, or the store
    /// was restored from a backup.
    pub last: u64,
    /// Up to which position the inventory knows the log.
    pub known: u64,
}

/// What a step of maintenance did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Maintained {
    /// There is more to do now.
    pub more: bool,
    /// How many entries of the log went, because all of their segment expired long ago.
    pub expired: u64,
}
