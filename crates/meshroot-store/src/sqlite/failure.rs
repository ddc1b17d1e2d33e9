use std::io::{self, Write};
use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::StoreError;
use crate::files::Temporary;

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
            // SQLite says of its own small file beside the store that the disk failed, where it is full.
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen if is_of_index(failure.extended_code) && no_room_beside(&path) => {
                StoreError::DiskFull { action, path }
            }
            ErrorCode::CannotOpen => StoreError::Io { action, path, source: io::Error::other(detail) },
            ErrorCode::SystemIoFailure => StoreError::Disk { action, path, detail },
            _ => StoreError::Database { action, path, detail },
        }
    }
}

/// Whether it was the index of the write-ahead log (`-shm`) that could not be made or made larger.
fn is_of_index(code: i32) -> bool {
    use rusqlite::ffi::{SQLITE_CANTOPEN, SQLITE_IOERR_SHMLOCK, SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMSIZE};
    [SQLITE_CANTOPEN, SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_SHMOPEN, SQLITE_IOERR_SHMMAP, SQLITE_IOERR_SHMLOCK].contains(&code)
}

/// What the index takes at first.
const INDEX: usize = 32 << 10;

/// Whether as much cannot be written beside the store because there is no room, tried out.
fn no_room_beside(path: &Path) -> bool {
    let Ok((_removed_again, mut file)) = Temporary::beside(path) else { return false };
    let full = |e: io::Error| matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    file.write_all(&[0; INDEX]).and_then(|()| file.sync_all()).is_err_and(full)
}
