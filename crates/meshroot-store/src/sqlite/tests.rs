//! What can only be tried from inside.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

use rusqlite::Connection;

use super::migrate::newest;
use super::*;
use crate::Issuance;
use crate::support::{Mesh, NOW};
use crate::{RenderedBundle, StoreKind};

fn store() -> (tempfile::TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let id = "00112233445566778899aabbccddeeff".parse().unwrap();
    let new = NewStore { id, kind: StoreKind::Root, wrapped_data_key: b"wrapped".to_vec(), at: NOW };
    let store = SqliteStore::create(&folder.path().join("root.db"), &new).unwrap();
    (folder, store)
}

fn change(mesh: &Mesh, expected_version: u64, bytes: usize) -> Change {
    let bundle = RenderedBundle { sequence: expected_version + 1, bytes: vec![b' '; bytes] };
    Change { expected_version, trust_domain: mesh.trust_domain.clone(), events: Vec::new(), sealed_keys: Vec::new(), bundle: Some(bundle), at: NOW }
}

fn issuance(mesh: &Mesh) -> Issuance {
    let (trust_domain, authority) = (mesh.trust_domain.clone(), mesh.west.clone());
    Issuance {
        issued: mesh.issue("/ns/shop/sa/cart"),
        trust_domain,
        authority,
        kind: "workload".into(),
        caller: "operator".into(),
        at: NOW,
        since: NOW,
    }
}

#[test]
fn a_full_disk_is_reported_and_leaves_the_store_as_it_was() {
    let (_folder, store) = store();
    let mesh = Mesh::new("mesh.example");
    store.commit(&change(&mesh, 0, 10)).unwrap();
    let before = store.load().unwrap();
    let pages: i64 = store.state().connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
    let limit = |pages: i64| store.state().connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(())).unwrap();
    limit(pages + 2);
    let full = store.commit(&change(&mesh, 1, 100_000)).unwrap_err();
    assert_eq!((full.code(), full.to_string().contains("the disk is full; make room")), ("store.disk_full", true), "{full}");
    let full = store.record((0..50).map(|_| issuance(&mesh)).collect()).unwrap_err();
    assert_eq!(full.code(), "store.disk_full");
    assert_eq!(store.load().unwrap(), before);
    assert_eq!(store.issuances(&Query::default()).unwrap(), []);
    limit(1_000_000);
    assert_eq!(store.commit(&change(&mesh, 1, 100_000)).unwrap(), 2, "with room again it goes on");
}

#[test]
fn who_waits_too_long_for_another_writer_is_told_so() {
    let (_folder, store) = store();
    let mesh = Mesh::new("mesh.example");
    store.state().connection.busy_timeout(Duration::from_millis(20)).unwrap();
    let other = Connection::open(store.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(store.commit(&change(&mesh, 0, 10)).unwrap_err().code(), "store.busy");
    assert_eq!(store.load().unwrap().version, 0, "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    store.commit(&change(&mesh, 0, 10)).unwrap();
}

#[test]
fn the_database_itself_refuses_to_change_or_remove_what_is_on_record() {
    let (_folder, store) = store();
    let mesh = Mesh::new("mesh.example");
    let sealed_keys = vec![crate::SealedKeyOf { authority: mesh.west.clone(), sealed: b"sealed".to_vec() }];
    store.commit(&Change { events: mesh.events.clone(), sealed_keys, ..change(&mesh, 0, 10) }).unwrap();
    store.record_one(issuance(&mesh)).unwrap();
    for table in ["commits", "events", "bundles", "sealed_keys", "issuances"] {
        for statement in
            [format!("DELETE FROM {table}"), format!("UPDATE {table} SET checksum = 0"), format!("REPLACE INTO {table} SELECT * FROM {table}")]
        {
            let refused = store.state().connection.execute(&statement, []).unwrap_err();
            assert!(["never", "only"].iter().any(|word| refused.to_string().contains(word)), "{statement}: {refused}");
        }
    }
    let back = "INSERT INTO bundles SELECT trust_domain, sequence - 1, version, rendered, checksum FROM bundles";
    assert!(store.state().connection.execute(back, []).unwrap_err().to_string().contains("only grows"));
}

#[test]
fn every_commit_is_synced_with_a_write_ahead_log() {
    let (_folder, store) = store();
    let state = store.state();
    let pragma = |name: &str| state.connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
    assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
    assert_eq!(pragma("synchronous"), 2i64.into());
    assert_eq!((pragma("foreign_keys"), pragma("trusted_schema"), pragma("secure_delete")), (1i64.into(), 0i64.into(), 1i64.into()));
}

/// The migrations, and one more.
fn and(next: &'static str) -> Vec<&'static str> {
    migrate::MIGRATIONS.iter().copied().chain([next]).collect()
}

const NEXT: &str = "CREATE TABLE notes (note TEXT NOT NULL) STRICT;";

#[test]
fn an_older_format_is_brought_up_to_date_with_all_that_it_holds() {
    let (_folder, store) = store();
    let mesh = Mesh::new("mesh.example");
    store.commit(&Change { events: mesh.events.clone(), ..change(&mesh, 0, 10) }).unwrap();
    let (before, path) = (store.load().unwrap(), store.path().to_owned());
    drop(store);
    let (known, next) = (newest(migrate::MIGRATIONS), newest(migrate::MIGRATIONS) + 1);
    let store = open::open(&path, &and(NEXT)).unwrap();
    assert_eq!((store.meta().schema, store.load().unwrap()), (next, before));
    store.state().connection.execute("INSERT INTO notes VALUES ('new')", []).unwrap();
    drop(store);
    open::open(&path, &and(NEXT)).unwrap();
    let refused = SqliteStore::open(&path).unwrap_err();
    assert!(
        matches!(refused, StoreError::TooNew { found, known: newest, .. } if (found, newest) == (next, known)),
        "there is no way back: {refused}"
    );
}

#[test]
fn a_migration_that_fails_leaves_the_older_format() {
    let (_folder, store) = store();
    let path = store.path().to_owned();
    drop(store);
    const BROKEN: &str = "CREATE TABLE notes (note TEXT NOT NULL) STRICT; INSERT INTO nowhere VALUES (1);";
    assert!(open::open(&path, &and(BROKEN)).is_err());
    assert_eq!(SqliteStore::open(&path).unwrap().meta().schema, newest(migrate::MIGRATIONS));
}

fn with_serial(mesh: &Mesh, serial: u8, at: Timestamp) -> Issuance {
    let serial = meshroot::x509::SerialNumber::from_bytes(&[serial; 20]);
    Issuance { issued: mesh.issue_with("/ns/shop/sa/cart", serial, at), at, since: at, ..issuance(mesh) }
}

#[test]
fn serial_numbers_are_known_wherever_they_are_kept_and_in_every_process() {
    let (_folder, store) = store();
    let mesh = Mesh::new("mesh.example");
    store.commit(&change(&mesh, 0, 10)).unwrap();
    let other = SqliteStore::open(store.path()).unwrap();
    store.state().recent.behind = 4;
    let indexed = || store.state().connection.query_row("SELECT count(*) FROM serial_keys", [], |row| row.get::<_, i64>(0)).unwrap();
    for serial in 1..=10 {
        let one = if serial % 3 == 0 { &other } else { &store };
        let recorded = one.record_one(with_serial(&mesh, serial, NOW)).unwrap();
        let leaf = Certificate::from_der(recorded.der()).unwrap();
        let again = SqliteStore::open(store.path()).unwrap();
        for place in [&store, &other, &again] {
            let position = place.find(&leaf).unwrap().map(|row| row.position);
            assert_eq!(position, Some(u64::from(serial)), "{serial}, {} in the index", indexed());
            for before in 1..=serial {
                assert_eq!(
                    place.record_one(with_serial(&mesh, before, NOW)).unwrap_err().code(),
                    "store.duplicate_serial",
                    "{before} after {serial}"
                );
            }
        }
    }
    assert_eq!(indexed(), 8);
    assert_eq!(store.issuances(&Query::default()).unwrap().len(), 10);
}

#[test]
fn a_serial_number_that_was_not_recorded_is_not_used() {
    let (_folder, store) = store();
    let mesh = Mesh::new("mesh.example");
    store.commit(&change(&mesh, 0, 10)).unwrap();
    let refused = Submission { consumes: Some(TokenDigest([7; 32])), ..with_serial(&mesh, 1, NOW).into() };
    let batch = vec![refused, with_serial(&mesh, 2, NOW).into(), with_serial(&mesh, 1, NOW).into(), with_serial(&mesh, 2, NOW).into()];
    let outcomes: Vec<_> = store.submit(batch).unwrap().into_iter().map(|outcome| outcome.map_err(|e| e.code())).collect();
    assert!(matches!(outcomes[0], Err("store.token_unknown")), "{outcomes:?}");
    assert!(matches!(&outcomes[1], Ok(Outcome::Recorded(recorded)) if recorded.position() == 1));
    assert!(matches!(&outcomes[2], Ok(Outcome::Recorded(recorded)) if recorded.position() == 2));
    assert!(matches!(outcomes[3], Err("store.duplicate_serial")));
}

#[test]
fn the_index_of_serial_numbers_forgets_what_expired_long_ago() {
    let (_folder, store) = store();
    let mesh = Mesh::new("mesh.example");
    store.commit(&change(&mesh, 0, 10)).unwrap();
    store.state().recent.behind = 2;
    let later = NOW.plus(Duration::from_secs(3 * 86_400));
    for (serial, at) in [(1, NOW), (2, NOW), (3, later), (4, later)] {
        store.record_one(with_serial(&mesh, serial, at)).unwrap();
    }
    let mut positions: Vec<i64> = {
        let state = store.state();
        let mut select = state.connection.prepare("SELECT position FROM serial_keys").unwrap();
        select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    positions.sort_unstable();
    assert_eq!(positions, [3, 4]);
    assert_eq!(store.record_one(with_serial(&mesh, 1, later)).unwrap().position(), 5);
}
