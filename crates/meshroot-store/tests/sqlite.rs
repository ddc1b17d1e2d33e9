//! The SQLite store does what every store does, and what a file has to do besides.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

mod conformance;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use conformance::{Place, first_change, new_store};
use meshroot_store::{NewStore, SqliteStore, Store};
use support::Mesh;

struct InAFolder(tempfile::TempDir);

impl InAFolder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("mesh/store/mesh.db")
    }
}

impl Place for InAFolder {
    fn create(&self, new: &NewStore) -> Box<dyn Store> {
        Box::new(SqliteStore::create(&self.path(), new).unwrap())
    }

    fn open(&self) -> Box<dyn Store> {
        Box::new(SqliteStore::open(&self.path()).unwrap())
    }
}

conformance!(InAFolder::new());

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn files_are_0600_and_folders_0700_while_open_and_afterwards() {
    let place = InAFolder::new();
    let store = place.create(&new_store());
    store.commit(&first_change(&Mesh::new("mesh.example"), 0)).unwrap();
    let folder = place.path().parent().unwrap().to_owned();
    assert_eq!((mode(&folder), mode(folder.parent().unwrap())), (0o700, 0o700));
    let files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 4, "the database, its log, the log's index and the mark: {files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
    drop(store);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["mesh.db", "mesh.db-mark"]);
    assert_eq!((mode(&place.path()), mode(&folder.join("mesh.db-mark"))), (0o600, 0o600));
}

#[test]
fn an_existing_file_is_never_replaced() {
    let place = InAFolder::new();
    drop(place.create(&new_store()));
    let before = fs::read(place.path()).unwrap();
    assert_eq!(SqliteStore::create(&place.path(), &new_store()).unwrap_err().code(), "store.exists");
    assert_eq!(fs::read(place.path()).unwrap(), before);
    let link = place.0.path().join("dangling.db");
    std::os::unix::fs::symlink(place.0.path().join("nowhere"), &link).unwrap();
    assert_eq!(SqliteStore::create(&link, &new_store()).unwrap_err().code(), "store.exists");
}

#[test]
fn of_several_that_make_a_store_at_once_one_does() {
    let place = InAFolder::new();
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| SqliteStore::create(&place.path(), &new_store()).map(drop).map_err(|e| e.code()))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err("store.exists"))), "{outcomes:?}");
    place.open();
}

#[test]
fn a_store_whose_path_has_unusual_characters_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b?c=d#e%20ü.db");
    SqliteStore::create(&path, &new_store()).unwrap();
    SqliteStore::open(&path).unwrap();
}
