use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use meshroot::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Meta, NewStore, StoreKind};

/// The format of exports that this program writes and reads.
pub(super) const FORMAT: i64 = 1;

/// What a store says about itself: `store.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// The format of the export.
    pub(super) format: i64,
    /// The store's identifier: sealed keys are bound to it.
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) created_at: i64,
    /// The data key, wrapped, in base64. It opens with the same unlock secret as before.
    pub(crate) wrapped_data_key: String,
    /// How many changes were committed.
    pub(crate) version: i64,
    /// How many times the store was put back from a backup, on record.
    pub(crate) epoch: i64,
    /// Why it is taken for an older copy of itself; `null` when it is not.
    pub(crate) doubt: Option<String>,
    /// The greatest sequence number of a bundle that others have seen.
    pub(crate) seen: i64,
    /// The position of the next entry of the issuance log.
    pub(crate) next_position: i64,
    /// The files with the rows.
    pub(super) tables: BTreeMap<String, Content>,
}

/// What a file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Content {
    pub(super) rows: u64,
    /// SHA-256 of the file, in hexadecimal digits.
    pub(super) sha256: String,
}

/// Where a store stands, besides its tables.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) version: i64,
    pub(crate) epoch: i64,
    pub(crate) doubt: Option<String>,
    pub(crate) seen: i64,
    pub(crate) next_position: i64,
}

impl Header {
    pub(crate) fn new(meta: &Meta, wrapped_data_key: &[u8], place: Place) -> Self {
        Self {
            format: FORMAT,
            id: meta.id.as_str().to_owned(),
            kind: meta.kind.as_str().to_owned(),
            created_at: meta.created_at.unix(),
            wrapped_data_key: BASE64_STANDARD.encode(wrapped_data_key),
            version: place.version,
            epoch: place.epoch,
            doubt: place.doubt,
            seen: place.seen,
            next_position: place.next_position,
            tables: BTreeMap::new(),
        }
    }

    /// What the store is made of that it is imported into.
    pub(crate) fn new_store(&self) -> Option<NewStore> {
        Some(NewStore {
            id: self.id.parse().ok()?,
            kind: StoreKind::parse(&self.kind)?,
            wrapped_data_key: BASE64_STANDARD.decode(&self.wrapped_data_key).ok()?,
            at: Timestamp::from_unix(self.created_at),
        })
    }
}
