use std::io;
use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::StoreError;

/// What is being done to which store, for messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'a> {
    pub(super) action: &'static str,
    pub(super) path: &'a Path,
}

impl Context<'_> {
    pub(super) fn damaged(&self, what: impl Into<String>) -> StoreError {
        StoreError::Damaged { path: self.path.to_owned(), what: what.into() }
    }

    /// Sorts a failure of SQLite by what a person can do about it.
    pub(super) fn failed(&self, error: Error) -> StoreError {
        let (action, path) = (self.action, self.path.to_owned());
        let detail = error.to_string();
        let Error::SqliteFailure(failure, _) = &error else {
            return match error {
                // The schema is ours and was compared: what does not fit its column was not written by us.
                Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..)
                | Error::Utf8Error(..)
                | Error::QueryReturnedNoRows => StoreError::Damaged { path, what: detail },
                _ => StoreError::Database { action, path, detail },
            };
        };
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy(path),
            ErrorCode::DiskFull => StoreError::DiskFull { action, path },
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Damaged { path, what: detail },
            ErrorCode::PermissionDenied | ErrorCode::ReadOnly => StoreError::NotPermitted { action, path, detail },
            ErrorCode::CannotOpen => StoreError::Io { action, path, source: io::Error::other(detail) },
            ErrorCode::SystemIoFailure => StoreError::Disk { action, path, detail },
            _ => StoreError::Database { action, path, detail },
        }
    }
}
