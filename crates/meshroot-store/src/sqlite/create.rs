use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Transaction, params};

use super::failure::Context;
use super::load::StoreRow;
use super::{APPLICATION_ID, MARK_SUFFIX, migrate};
use crate::files::{self, Temporary};
use crate::{NewStore, StoreError};

/// The files that SQLite keeps beside a database, and our mark.
const COMPANIONS: [&str; 4] = ["-wal", "-journal", "-shm", MARK_SUFFIX];

/// Octets of a page, which is written as a whole. A transaction of eight certificates fills one or two of these, and writes three others
/// again for it: with pages twice as large a fifth more is written a certificate. In smaller ones that of an RSA key has hardly room.
const PAGE: i64 = 2_048;

/// Builds the store under a temporary name and links it into place. `between` is told each step's name before it is
/// done; tests crash there.
pub(super) fn create(path: &Path, new: &NewStore, between: &mut dyn FnMut(&'static str)) -> Result<(), StoreError> {
    create_with(path, new, &mut |_, _| Ok(()), between)
}

/// What a new store is filled with, in the transaction that makes it.
pub(super) type Filling<'a> = dyn FnMut(&Connection, &Context<'_>) -> Result<(), StoreError> + 'a;

/// The same, filled.
pub(super) fn create_with(path: &Path, new: &NewStore, fill: &mut Filling<'_>, between: &mut dyn FnMut(&'static str)) -> Result<(), StoreError> {
    if fs::symlink_metadata(path).is_ok() {
        return Err(StoreError::Exists(path.to_owned()));
    }
    // A log without its database would be replayed into the new one.
    if let Some(remnant) = companions(path).into_iter().find(|companion| fs::symlink_metadata(companion).is_ok()) {
        return Err(StoreError::Remnant(remnant));
    }
    between("folder");
    files::private_dir(files::folder_of(path))?;
    between("temporary");
    let (temporary, file) = Temporary::beside(path)?;
    drop(file);
    between("build");
    let companions = Companions(temporary.path());
    build(temporary.path(), &Context { action: "create", path }, new, fill, between)?;
    drop(companions);
    between("sync");
    File::open(temporary.path()).and_then(|file| file.sync_all()).map_err(|e| StoreError::io("create", path, e))?;
    between("link");
    temporary.link_to(path)?;
    between("done");
    Ok(())
}

fn build(
    path: &Path,
    context: &Context<'_>,
    new: &NewStore,
    fill: &mut Filling<'_>,
    between: &mut dyn FnMut(&'static str),
) -> Result<(), StoreError> {
    let mut connection = empty(path).map_err(|e| context.failed(e))?;
    let transaction = connection.transaction().map_err(|e| context.failed(e))?;
    make(&transaction, new).map_err(|e| context.failed(e))?;
    fill(&transaction, context)?;
    between("commit");
    transaction.commit().map_err(|e| context.failed(e))?;
    between("close");
    connection.close().map_err(|(_, e)| context.failed(e))
}

fn empty(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.pragma_update(None, "page_size", PAGE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Stays in the file: who opens it later uses a write-ahead log too.
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    Ok(connection)
}

fn make(transaction: &Transaction<'_>, new: &NewStore) -> rusqlite::Result<()> {
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    migrate::apply(transaction, migrate::MIGRATIONS, 0)?;
    let row = StoreRow {
        id: new.id.as_str().to_owned(),
        kind: new.kind.as_str().to_owned(),
        created_at: new.at.unix(),
        wrapped_data_key: new.wrapped_data_key.clone(),
        version: 0,
    };
    transaction.execute(
        "INSERT INTO store (one, id, kind, created_at, wrapped_data_key, version, checksum) VALUES (1, ?, ?, ?, ?, ?, ?)",
        params![row.id, row.kind, row.created_at, row.wrapped_data_key, row.version, row.checksum()],
    )?;
    Ok(())
}

fn companions(path: &Path) -> [PathBuf; 4] {
    COMPANIONS.map(|suffix| {
        let mut name = OsString::from(path);
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// Removes the companions of a database that came to nothing. SQLite removes those of one that it closed well.
struct Companions<'a>(&'a Path);

impl Drop for Companions<'_> {
    fn drop(&mut self) {
        for companion in companions(self.0) {
            let _ = fs::remove_file(companion);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may be blunt")]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::{SqliteStore, Store, StoreId, StoreKind};
    use meshroot::time::Timestamp;

    const STEPS: [&str; 8] = ["folder", "temporary", "build", "commit", "close", "sync", "link", "done"];
    const PATH: &str = "MESHROOT_TEST_CREATE_PATH";
    const CRASH: &str = "MESHROOT_TEST_CREATE_CRASH";

    fn new_store() -> NewStore {
        let id: StoreId = "00112233445566778899aabbccddeeff".parse().unwrap();
        NewStore { id, kind: StoreKind::Mesh, wrapped_data_key: b"wrapped".to_vec(), at: Timestamp::from_unix(1_800_000_000) }
    }

    /// The process that [`a_crash_between_any_two_steps_leaves_nothing_or_a_whole_store`] starts; alone it does nothing.
    #[test]
    fn child() {
        let (Ok(path), Ok(crash)) = (std::env::var(PATH), std::env::var(CRASH)) else { return };
        let mut seen = Vec::new();
        create(Path::new(&path), &new_store(), &mut |step| {
            seen.push(step);
            if step == crash {
                std::process::abort();
            }
        })
        .unwrap();
        panic!("{crash} is no step; there are {seen:?}");
    }

    #[test]
    fn a_crash_between_any_two_steps_leaves_nothing_or_a_whole_store() {
        for step in STEPS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("store/mesh.db");
            let mut child = Command::new(std::env::current_exe().unwrap());
            let status = child.args(["--exact", "sqlite::create::tests::child"]).env(PATH, &path).env(CRASH, step).output().unwrap().status;
            assert!(status.code().is_none(), "the child should have died at '{step}', and ended with {status}");
            assert_eq!(path.exists(), step == "done", "after a crash at '{step}'");
            let store = if path.exists() { SqliteStore::open(&path) } else { SqliteStore::create(&path, &new_store()) }.unwrap();
            assert_eq!(store.wrapped_data_key().unwrap(), b"wrapped", "after a crash at '{step}'");
        }
    }

    #[test]
    fn a_failure_to_build_leaves_no_file_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.db");
        // Somebody else is quicker by a moment.
        let failed = create(&path, &new_store(), &mut |step| {
            if step == "link" {
                fs::write(&path, "theirs").unwrap();
            }
        });
        assert_eq!(failed.unwrap_err().code(), "store.exists");
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["mesh.db"]);
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
    }

    #[test]
    fn the_journal_of_a_store_that_is_gone_is_not_replayed_into_a_new_one() {
        for suffix in COMPANIONS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("mesh.db");
            fs::write(folder.path().join(format!("mesh.db{suffix}")), "left behind").unwrap();
            assert_eq!(SqliteStore::create(&path, &new_store()).unwrap_err().code(), "store.remnant");
            assert!(!path.exists());
        }
    }
}
