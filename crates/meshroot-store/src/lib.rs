#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod change;
mod checksum;
mod durability;
mod error;
pub mod files;
mod issuance;
mod join_token;
mod meta;
#[cfg(feature = "postgres")]
mod postgres;
mod recorder;
mod sqlite;
mod store;
mod submission;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod support;

pub use change::{Change, Loaded, RenderedBundle, SealedKeyOf, StoredTrustDomain};
pub use durability::Durability;
pub use error::StoreError;
pub use issuance::{Issuance, IssuanceRow, Query, Recorded};
pub use join_token::{JoinToken, TokenDigest, TokenScope};
pub use meta::{InvalidStoreId, Meta, NewStore, StoreId, StoreKind};
#[cfg(feature = "postgres")]
pub use postgres::{PostgresAddress, PostgresStore};
pub use recorder::{InFlight, Lost, Recorder};
pub use sqlite::SqliteStore;
pub use store::Store;
pub use submission::{Idempotency, Outcome, Submission};
