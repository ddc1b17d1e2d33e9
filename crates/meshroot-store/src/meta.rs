use core::fmt;
use core::str::FromStr;

use meshroot::key::{Entropy, KeyError};
use meshroot::time::Timestamp;

/// A store's name for itself: 32 lower-case hexadecimal digits, drawn once. Sealed keys are bound to it, so a key does
/// not open in another store.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct StoreId(Box<str>);

/// A text that is no store's identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{}' is no store's identifier: it has 32 lower-case hexadecimal digits", .0.escape_debug())]
pub struct InvalidStoreId(String);

impl InvalidStoreId {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        "store.invalid_id"
    }
}

impl StoreId {
    /// Draws a new one, of 128 random bits.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, KeyError> {
        let mut bytes = [0u8; 16];
        entropy.fill(&mut bytes)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The 32 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StoreId {
    type Err = InvalidStoreId;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let digits = s.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if digits && s.len() == 32 { Ok(Self(s.into())) } else { Err(InvalidStoreId(s.chars().take(80).collect())) }
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a store is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreKind {
    /// The mesh's own: cluster CAs with their keys, the root's certificate, the issuance log.
    Mesh,
    /// The root's key, kept apart.
    Root,
}

impl StoreKind {
    /// `mesh` or `root`, as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mesh => "mesh",
            Self::Root => "root",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Mesh, Self::Root].into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a new store starts with.
#[derive(Clone, Debug)]
pub struct NewStore {
    /// Its identifier; the wrapped data key is bound to it, so it is drawn before.
    pub id: StoreId,
    /// What it is for.
    pub kind: StoreKind,
    /// The data key, wrapped, as bytes: `meshroot::key`'s `WrappedDataKey::to_bytes`.
    pub wrapped_data_key: Vec<u8>,
    /// Now.
    pub at: Timestamp,
}

/// What never changes about a store, but its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Its identifier.
    pub id: StoreId,
    /// What it is for.
    pub kind: StoreKind,
    /// The format of the data, from 1.
    pub schema: i64,
    /// When it was made.
    pub created_at: Timestamp,
}
