#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod ca_request;
mod change;
mod checksum;
mod durability;
mod error;
pub mod export;
pub mod files;
mod issuance;
mod join_token;
mod mark;
mod meta;
#[cfg(feature = "postgres")]
mod postgres;
mod recorder;
mod revocation;
mod search;
mod sqlite;
mod standing;
mod store;
mod submission;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;

pub use ca_request::{CaAnswer, CaRequest, CaRequestId};
pub use change::{Change, Loaded, RenderedBundle, SealedKeyOf, StoredTrustDomain};
pub use durability::Durability;
pub use error::StoreError;
pub use issuance::{Issuance, IssuanceRow, Query, Recorded};
pub use join_token::{JoinToken, TokenDigest, TokenScope};
pub use meta::{InvalidStoreId, Meta, NewStore, StoreId, StoreKind};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresAddress, PostgresStore};
pub use recorder::{InFlight, Lost, Recorder, Transaction};
pub use revocation::{Denial, Lift, PublishedCrl, Revocation, RevocationChange, Revocations};
pub use search::{Found, IdPattern, LogExtent, Maintained, Search, Unexpired};
pub use sqlite::SqliteStore;
pub use standing::{Restoration, Restored, Seen, Standing};
pub use store::{Store, VISIBLE_AFTER};
pub use submission::{Idempotency, Outcome, Submission};
