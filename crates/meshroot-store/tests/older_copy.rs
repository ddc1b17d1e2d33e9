//! A store that is put back from a backup is noticed: by the mark beside it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

mod conformance;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use conformance::{expired_token as token, first_change, issuance, new_store, next_bundle, no_change};
use meshroot_store::{Restoration, SqliteStore, Store};
use support::{Mesh, NOW};

/// A closed store with a mesh and a certificate, and a backup of it.
struct Scene {
    folder: tempfile::TempDir,
    mesh: Mesh,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap(), mesh: Mesh::new("mesh.example") };
        let store = SqliteStore::create(&scene.path(), &new_store()).unwrap();
        store.commit(&first_change(&scene.mesh, 0)).unwrap();
        store.record_one(issuance(&scene.mesh, "/ns/shop/sa/cart")).unwrap();
        drop(store);
        fs::copy(scene.path(), scene.backup()).unwrap();
        scene
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("mesh.db")
    }

    fn mark(&self) -> PathBuf {
        self.folder.path().join("mesh.db-mark")
    }

    fn backup(&self) -> PathBuf {
        self.folder.path().join("backup")
    }

    fn put_back(&self) {
        fs::copy(self.backup(), self.path()).unwrap();
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path()).unwrap()
    }
}

fn is_refused(store: &SqliteStore, mesh: &Mesh, word: &str) {
    let older = store.standing().unwrap().older.unwrap();
    assert!(older.contains(word), "{older}");
    assert_eq!(store.record_one(issuance(mesh, "/ns/shop/sa/cart")).unwrap_err().code(), "store.older_copy");
    assert_eq!(store.commit(&no_change(mesh, store.version().unwrap())).unwrap_err().code(), "store.older_copy");
    assert_eq!(store.check_writable().unwrap_err().code(), "store.older_copy");
    assert_eq!(store.add_token(&token(mesh, 9)).unwrap_err().code(), "store.older_copy");
}

/// What a store goes through.
type Happening = fn(&SqliteStore, &Mesh);

#[test]
fn a_copy_from_before_a_change_a_certificate_or_a_token_is_noticed() {
    let happenings: [(&str, Happening); 4] = [
        ("version", |store, mesh| assert_eq!(store.commit(&next_bundle(mesh, 1, 2)).unwrap(), 2)),
        ("last record", |store, mesh| drop(store.record_one(issuance(mesh, "/ns/shop/sa/till")).unwrap())),
        ("count of changes", |store, mesh| store.add_token(&token(mesh, 1)).unwrap()),
        ("epoch", |store, mesh| {
            let changes = vec![next_bundle(mesh, 1, 2)];
            store.restored(&Restoration { by: "operator".into(), at: NOW, changes }).unwrap();
        }),
    ];
    for (word, happens) in happenings {
        let scene = Scene::new();
        assert_eq!(scene.open().standing().unwrap().older, None);
        happens(&scene.open(), &scene.mesh);
        scene.put_back();
        for _ in 0..2 {
            is_refused(&scene.open(), &scene.mesh, word);
        }
    }
}

#[test]
fn a_copy_that_lost_nothing_is_as_good_as_the_store() {
    let scene = Scene::new();
    scene.put_back();
    let store = scene.open();
    assert_eq!(store.standing().unwrap().older, None);
    store.record_one(issuance(&scene.mesh, "/ns/shop/sa/till")).unwrap();
}

#[test]
fn a_process_that_is_killed_leaves_a_mark_that_is_true() {
    let scene = Scene::new();
    let store = scene.open();
    store.record_one(issuance(&scene.mesh, "/ns/shop/sa/till")).unwrap();
    // As after a kill: nothing is closed, and SQLite's log is what has the certificate.
    let found_after = |database: &Path, names: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        fs::copy(database, folder.path().join("mesh.db")).unwrap();
        for name in names {
            fs::copy(scene.folder.path().join(name), folder.path().join(name)).unwrap();
        }
        SqliteStore::open(&folder.path().join("mesh.db")).unwrap().standing().unwrap().older
    };
    assert_eq!(found_after(&scene.path(), &["mesh.db-mark", "mesh.db-wal"]), None);
    assert!(found_after(&scene.backup(), &["mesh.db-mark"]).unwrap().contains("last record"));
    drop(store);
}

#[test]
fn a_store_that_was_copied_without_its_mark_is_not_trusted_and_with_it_is() {
    let scene = Scene::new();
    let elsewhere = scene.folder.path().join("elsewhere.db");
    fs::copy(scene.path(), &elsewhere).unwrap();
    is_refused(&SqliteStore::open(&elsewhere).unwrap(), &scene.mesh, "is not there");
    let store = SqliteStore::open(&elsewhere).unwrap();
    fs::copy(scene.mark(), scene.folder.path().join("elsewhere.db-mark")).unwrap();
    assert_eq!(store.standing().unwrap().older, None, "brought later, it is found");
    store.record_one(issuance(&scene.mesh, "/ns/shop/sa/till")).unwrap();
    drop(store);
    fs::copy(scene.mark(), scene.folder.path().join("elsewhere.db-mark")).unwrap();
    assert_eq!(SqliteStore::open(&elsewhere).unwrap().standing().unwrap().older, None, "a mark that says less is moved on");
}

#[test]
fn a_mark_that_cannot_be_read_or_is_another_stores_is_said() {
    for (content, word) in [(b"nonsense".to_vec(), "cannot be read"), (Vec::new(), "cannot be read")] {
        let scene = Scene::new();
        fs::write(scene.mark(), content).unwrap();
        is_refused(&scene.open(), &scene.mesh, word);
    }
    let (scene, other) = (Scene::new(), tempfile::tempdir().unwrap());
    let id = "ffeeddccbbaa99887766554433221100".parse().unwrap();
    drop(SqliteStore::create(&other.path().join("other.db"), &meshroot_store::NewStore { id, ..new_store() }).unwrap());
    fs::copy(other.path().join("other.db-mark"), scene.mark()).unwrap();
    is_refused(&scene.open(), &scene.mesh, "another store");
}

#[test]
fn after_the_operators_word_it_goes_on_in_every_process_and_the_next_copy_is_noticed_again() {
    for without_mark in [false, true] {
        let scene = Scene::new();
        scene.open().commit(&next_bundle(&scene.mesh, 1, 2)).unwrap();
        scene.put_back();
        if without_mark {
            fs::remove_file(scene.mark()).unwrap();
        }
        let (one, other) = (scene.open(), scene.open());
        is_refused(&other, &scene.mesh, "");
        let seen = one.standing().unwrap().seen;
        assert_eq!(seen, if without_mark { 0 } else { 2 }, "the mark knows what was published");
        let changes = vec![next_bundle(&scene.mesh, 1, 1_002)];
        let restored = one.restored(&Restoration { by: "operator".into(), at: NOW, changes }).unwrap();
        assert_eq!((restored.epoch, restored.version), (1, 2));
        for store in [&one, &other, &scene.open()] {
            assert_eq!((store.standing().unwrap().epoch, store.standing().unwrap().older), (1, None));
            store.record_one(issuance(&scene.mesh, "/ns/shop/sa/till")).unwrap();
        }
        drop((one, other));
        scene.put_back();
        is_refused(&scene.open(), &scene.mesh, "epoch");
    }
}

#[test]
fn whoever_has_the_copy_open_alone_can_restore_it() {
    let scene = Scene::new();
    scene.open().commit(&next_bundle(&scene.mesh, 1, 2)).unwrap();
    scene.put_back();
    let store = scene.open();
    let changes = vec![next_bundle(&scene.mesh, 1, 1_002)];
    store.restored(&Restoration { by: "operator".into(), at: NOW, changes }).unwrap();
    assert_eq!(store.load().unwrap().visible_at(), Some(NOW), "nobody else has to learn of it");
    assert_eq!(scene.open().standing().unwrap().older, None);
    assert_eq!(store.record_one(issuance(&scene.mesh, "/ns/shop/sa/till")).map(|_| ()).map_err(|e| e.code()), Ok(()));
}

#[test]
fn a_store_is_not_made_beside_the_mark_of_another() {
    let scene = Scene::new();
    fs::remove_file(scene.path()).unwrap();
    assert_eq!(SqliteStore::create(&scene.path(), &new_store()).unwrap_err().code(), "store.remnant");
    assert!(!Path::new(&scene.path()).exists());
}
