//! What is no store, or is not whole, gets one clear sentence, and is not touched.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

mod conformance;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use conformance::{first_change, issuance, new_store};
use meshroot::time::Timestamp;
use meshroot_store::{IssuanceRow, Loaded, Query, SqliteStore, Store, StoreError};
use support::{Mesh, NOW};

/// A folder with a store that holds a mesh and some issued certificates, closed.
fn store() -> (tempfile::TempDir, PathBuf, Mesh) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.db");
    let mesh = Mesh::new("mesh.example");
    let store = SqliteStore::create(&path, &new_store()).unwrap();
    store.commit(&first_change(&mesh, 0)).unwrap();
    store.record((0..3).map(|_| issuance(&mesh, "/ns/shop/sa/cart")).collect()).unwrap();
    (folder, path, mesh)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_no_store_is_named_and_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mesh.db");
    let long = b"SQLite format 2\0".repeat(400);
    for content in [&b""[..], b"\0", b"meshroot-unlock-v1 00", b"SQLite format 3\0", &long] {
        fs::write(&path, content).unwrap();
        let refused = SqliteStore::open(&path).unwrap_err();
        assert_eq!(refused.code(), "store.not_a_store", "{refused}");
        assert!(refused.to_string().contains("mesh.db is no meshroot store: it is"), "{refused}");
        assert_eq!((fs::read(&path).unwrap().as_slice(), names(folder.path())), (content, vec!["mesh.db".to_owned()]));
    }
    assert_eq!(SqliteStore::open(folder.path()).unwrap_err().code(), "store.not_a_store");
    assert_eq!(SqliteStore::open(Path::new("/dev/null")).unwrap_err().code(), "store.not_a_store");
    assert_eq!(SqliteStore::open(&folder.path().join("nothing.db")).unwrap_err().code(), "store.not_found");
    assert!(!folder.path().join("nothing.db").exists());
}

#[test]
fn another_programs_database_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("theirs.db");
    for journal in ["DELETE", "WAL"] {
        let theirs = rusqlite::Connection::open(&path).unwrap();
        theirs.pragma_update_and_check(None, "journal_mode", journal, |_| Ok(())).unwrap();
        theirs.execute_batch("CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1)").unwrap();
        theirs.close().unwrap();
        let before = fs::read(&path).unwrap();
        let refused = SqliteStore::open(&path).unwrap_err();
        assert_eq!((refused.code(), refused.to_string().contains("another program's database")), ("store.not_a_store", true), "{refused}");
        assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (before, vec!["theirs.db".to_owned()]));
    }
}

#[test]
fn a_truncated_store_is_damaged_wherever_it_was_cut() {
    let (folder, path, _) = store();
    let whole = fs::read(&path).unwrap();
    let cut = folder.path().join("cut.db");
    for length in (1..whole.len()).step_by(1_999).chain([100, 4_096, whole.len() - 4_096, whole.len() - 1]) {
        fs::write(&cut, &whole[..length]).unwrap();
        let refused = SqliteStore::open(&cut).unwrap_err();
        assert!(matches!(refused.code(), "store.damaged" | "store.not_a_store"), "{length}: {refused}");
    }
}

#[test]
fn a_newer_format_is_left_to_a_newer_program() {
    let (_folder, path, _) = store();
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let before = fs::read(&path).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::TooNew { found: 7, known: 4, .. }), "{refused}");
    assert!(refused.to_string().ends_with("use a newer meshroot"));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_store_whose_tables_somebody_altered_is_not_opened() {
    for alteration in [
        "DROP TRIGGER issuances_stay",
        "CREATE TRIGGER forget AFTER INSERT ON serials BEGIN DELETE FROM serials; END",
        "DROP TABLE bundles",
        "ALTER TABLE issuances ADD COLUMN note TEXT",
    ] {
        let (_folder, path, _) = store();
        rusqlite::Connection::open(&path).unwrap().execute_batch(alteration).unwrap();
        assert_eq!(SqliteStore::open(&path).unwrap_err().code(), "store.damaged", "{alteration}");
    }
}

/// Everything that can be read from a store.
type Content = (Loaded, Vec<u8>, Option<Vec<u8>>, Option<Timestamp>, Vec<IssuanceRow>);

fn content(path: &Path, mesh: &Mesh) -> Result<Content, StoreError> {
    let store = SqliteStore::open(path)?;
    let key = store.sealed_key(&mesh.trust_domain, &mesh.west)?;
    let expiry = store.last_expiry(&mesh.trust_domain, &mesh.west, NOW)?;
    Ok((store.load()?, store.wrapped_data_key()?, key, expiry, store.issuances(&Query::default())?))
}

#[test]
fn a_flipped_byte_is_an_error_and_never_another_content() {
    let (folder, path, mesh) = store();
    let (whole, intact) = (fs::read(&path).unwrap(), content(&path, &mesh).unwrap());
    let flipped = folder.path().join("flipped.db");
    let (mut noticed, mut unused) = (0, 0);
    // Most of the file is empty space between rows; every 23rd of the other bytes is a fair sample.
    let written = (0..whole.len()).filter(|at| whole[*at] != 0).step_by(23);
    for (at, bit) in (0..100).chain(written).zip((0..8).cycle()) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << bit;
        fs::write(&flipped, &bytes).unwrap();
        match content(&flipped, &mesh) {
            Ok(read) => {
                assert!(read == intact, "byte {at}, bit {bit}: read as something else");
                unused += 1;
            }
            Err(e) => {
                assert!(
                    matches!(
                        e.code(),
                        "store.damaged" | "store.not_a_store" | "store.too_new" | "store.database" | "store.not_permitted" | "store.io"
                    ),
                    "{at}: {e:?}"
                );
                noticed += 1;
            }
        }
        for leftover in names(folder.path()).iter().filter(|name| name.starts_with("flipped.db-")) {
            fs::remove_file(folder.path().join(leftover)).unwrap();
        }
    }
    assert!(noticed > unused, "{noticed} noticed, {unused} in unused places");
}

#[test]
fn a_row_that_went_missing_is_noticed() {
    for removal in [
        "DROP TRIGGER events_stay; DELETE FROM events WHERE position = 2",
        "DROP TRIGGER events_stay; DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
        "DROP TRIGGER commits_stay; DELETE FROM commits",
        "DROP TRIGGER bundles_stay; DELETE FROM bundles",
        "DELETE FROM store",
        "DELETE FROM trust_domains",
        "DROP TRIGGER issuances_stay; DELETE FROM issuances WHERE position = 2",
    ] {
        let (_folder, path, mesh) = store();
        let connection = rusqlite::Connection::open(&path).unwrap();
        let trigger: Option<String> = removal
            .strip_prefix("DROP TRIGGER ")
            .and_then(|rest| rest.split(';').next())
            .map(|name| connection.query_row("SELECT sql FROM sqlite_schema WHERE name = ?", [name], |row| row.get(0)).unwrap());
        connection.execute_batch(&format!("PRAGMA foreign_keys = OFF; {removal}; {}", trigger.unwrap_or_default())).unwrap();
        connection.close().unwrap();
        let refused = content(&path, &mesh).unwrap_err();
        assert_eq!(refused.code(), "store.damaged", "{removal}: {refused}");
    }
}

#[test]
fn a_sentence_for_every_place_where_no_store_can_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "a file").unwrap();
    // Below a file, and on a file system that takes none: that binds an administrator too.
    let refused = SqliteStore::create(&file.join("mesh.db"), &new_store()).unwrap_err();
    assert!(refused.to_string().contains("file"), "{refused}");
    let refused = SqliteStore::create(Path::new("/proc/mesh/mesh.db"), &new_store()).unwrap_err();
    assert!(matches!(refused.code(), "store.io" | "store.not_permitted"), "{refused:?}");
    assert!(refused.to_string().contains("cannot create the folder /proc/mesh"), "{refused}");
    let refused = SqliteStore::create(Path::new("/proc/mesh.db"), &new_store()).unwrap_err();
    assert!(matches!(refused.code(), "store.io" | "store.not_permitted"), "{refused:?}");
    assert_eq!(names(folder.path()), ["file"]);
    assert_eq!(fs::read(&file).unwrap(), b"a file");
}
