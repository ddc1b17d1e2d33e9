use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use meshroot::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::tables::TABLES;
use crate::{Meta, NewStore, StoreKind};

/// Nothing was ever counted that far, and what is counted on from there fits.
const MOST: i64 = 1 << 60;

/// The format of exports that this program writes and reads.
const FORMAT: i64 = 1;

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
    /// Reads `store.json`.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(super) fn from_json(json: &[u8]) -> Result<Self, String> {
        let header: Self = serde_json::from_slice(json).map_err(|e| {
            // It may quote the file.
            let said: String = e.to_string().chars().take(400).flat_map(char::escape_debug).collect();
            format!("line {}, column {}: {said}", e.line(), e.column())
        })?;
        if header.format != FORMAT {
            return Err(format!("it has the format {}, and this program knows {FORMAT}", header.format));
        }
        if header.new_store().is_none() {
            return Err("it does not say what store it is of".to_owned());
        }
        if Timestamp::from_unix(header.created_at).unix() != header.created_at {
            return Err("no time is as far away as the one that it was made at".to_owned());
        }
        let numbers = [header.version, header.epoch, header.seen, header.next_position];
        if let Some(number) = numbers.into_iter().find(|number| !(0..=MOST).contains(number)) {
            return Err(format!("it counts to {number}"));
        }
        if let Some(stranger) = header.tables.keys().find(|name| !TABLES.iter().any(|table| table.name == **name)) {
            let shown: String = stranger.chars().take(80).flat_map(char::escape_debug).collect();
            return Err(format!("it has a table '{shown}', of which this program knows nothing"));
        }
        Ok(header)
    }

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
