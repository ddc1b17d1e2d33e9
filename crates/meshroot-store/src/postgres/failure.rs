use std::error::Error as _;
use std::path::Path;
use std::str::Utf8Error;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::types::{WasNull, WrongType};

use super::address::PostgresAddress;
use crate::StoreError;

/// Why a transaction came to nothing.
#[derive(Debug)]
pub(super) enum Fault {
    /// A reason that is ours.
    Store(StoreError),
    /// The database's.
    Postgres(Error),
    /// The commit was sent, and what became of it is not known.
    Unknown(String),
}

impl From<StoreError> for Fault {
    fn from(e: StoreError) -> Self {
        Self::Store(e)
    }
}

impl From<Error> for Fault {
    fn from(e: Error) -> Self {
        Self::Postgres(e)
    }
}

/// What is being done to which store, for messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) action: &'static str,
    pub(super) name: &'a Path,
    pub(super) address: &'a PostgresAddress,
}

impl Context<'_> {
    pub(super) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::Damaged { path: self.name.to_owned(), what: what.into() }
    }

    /// Damage, unless it is sound.
    pub(super) fn sound(&self, is: bool, what: impl FnOnce() -> String) -> Result<(), StoreError> {
        if is { Ok(()) } else { Err(self.damaged(format!("{} is not what was written", what()))) }
    }

    pub(super) fn failed(&self, fault: Fault) -> StoreError {
        match fault {
            Fault::Store(e) => e,
            Fault::Postgres(e) => self.refused(&e),
            Fault::Unknown(detail) => StoreError::OutcomeUnknown { address: self.address.to_string(), detail },
        }
    }

    /// Sorts a failure of PostgreSQL by what a person can do about it, by the classes of its codes (PostgreSQL's manual,
    /// appendix A).
    fn refused(&self, error: &Error) -> StoreError {
        let (action, path, detail) = (self.action, self.name.to_owned(), in_words(error));
        let Some(reason) = error.as_db_error() else {
            // The columns are ours and were compared: what does not fit was not written by us.
            let read = error.to_string().starts_with("error deserializing");
            let misfit = read && error.source().is_some_and(|source| source.is::<WasNull>() || source.is::<WrongType>() || source.is::<Utf8Error>());
            return if misfit { self.damaged(detail) } else { StoreError::unavailable(self.address, error) };
        };
        match reason.code().code() {
            "53100" => StoreError::DiskFull { action, path },
            // Somebody else holds a lock, or the statement took too long.
            "55P03" | "57014" | "40001" | "40P01" => StoreError::Busy(path),
            "42501" => StoreError::NotPermitted { action, path, detail },
            "XX001" | "XX002" | "42P01" | "42703" | "3F000" => StoreError::Damaged { path, what: detail },
            code if is_absence(code) => StoreError::unavailable(self.address, error),
            _ => StoreError::Database { action, path, detail },
        }
    }
}

impl StoreError {
    pub(super) fn unavailable(address: &PostgresAddress, error: &Error) -> Self {
        Self::Unavailable { address: address.to_string(), detail: in_words(error) }
    }
}

/// Whether the server, and not the statement, is the reason: it cannot be reached, is starting, stopping, full, takes no
/// login, or is a standby.
fn is_absence(code: &str) -> bool {
    matches!(code.get(..2), Some("08" | "28" | "53" | "57" | "3D")) || code == "25006"
}

/// Whether the connection is of no use any more, and another one may be.
pub(super) fn is_lost(error: &Error) -> bool {
    match error.as_db_error() {
        // Among those that are not fatal: a standby takes no writes, and stays connected.
        Some(reason) => is_fatal(reason) || reason.code().code() == "25006",
        None => error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>()),
    }
}

fn is_fatal(reason: &DbError) -> bool {
    reason.parsed_severity().is_none_or(|severity| matches!(severity, Severity::Fatal | Severity::Panic))
}

/// Whether the server refused the statement and went on: then its transaction is taken back, for certain.
pub(super) fn is_refusal(error: &Error) -> bool {
    error.as_db_error().is_some_and(|reason| !is_fatal(reason))
}

/// The server's words, or the operating system's.
pub(super) fn in_words(error: &Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(reason), _) => {
            let detail = reason.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
            format!("{}{detail}", reason.message())
        }
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}
