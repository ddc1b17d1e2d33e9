//! A database that is put back from a backup, or that another server took the place of, is noticed: by what a replica has seen.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod conformance;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use conformance::{expired_token as token, first_change, issuance, new_store, next_bundle, no_change};
use meshroot::revocation::RevocationReason;
use meshroot_store::{
    Denial, Idempotency, Outcome, PostgresAddress, PostgresStore, Query, Restoration, RevocationChange, Store, StoreError, Submission,
};
use meshroot_tests::postgres::{Cluster, USER};
use support::{Mesh, NOW};

static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

/// A database with a mesh and a certificate, and a backup of it.
struct Scene {
    folder: tempfile::TempDir,
    mesh: Mesh,
    database: String,
}

impl Scene {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let database = format!("mesh_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        CLUSTER.psql("postgres", &format!("CREATE DATABASE {database} OWNER {USER}"));
        let scene = Self { folder: tempfile::tempdir().unwrap(), mesh: Mesh::new("mesh.example"), database };
        let store = PostgresStore::create(&scene.address(), &new_store()).unwrap();
        store.commit(&first_change(&scene.mesh, 0)).unwrap();
        store.record_one(issuance(&scene.mesh, "/ns/shop/sa/cart")).unwrap();
        drop(store);
        scene.copy(&scene.database, "backup");
        scene
    }

    /// Makes one database of another, which nobody uses.
    fn copy(&self, from: &str, suffix: &str) {
        let start = Instant::now();
        let copy = format!("CREATE DATABASE {}_{suffix} OWNER {USER} TEMPLATE {from}", self.database);
        // Connections that were dropped are noticed in a moment.
        while let Err(e) = CLUSTER.try_psql("postgres", &copy) {
            assert!(start.elapsed() < Duration::from_secs(10), "{e}");
        }
    }

    /// Puts the backup in the place of the database; what was there is kept aside.
    fn put_back(&self) {
        self.rename(&self.database, &format!("{}_newest", self.database));
        self.copy(&format!("{}_backup", self.database), "restored");
        self.rename(&format!("{}_restored", self.database), &self.database);
    }

    fn rename(&self, from: &str, to: &str) {
        CLUSTER.psql("postgres", &format!("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{from}'"));
        let start = Instant::now();
        // Somebody may be on their way back.
        while let Err(e) = CLUSTER.try_psql("postgres", &format!("ALTER DATABASE {from} RENAME TO {to}")) {
            assert!(start.elapsed() < Duration::from_secs(10), "{e}");
        }
    }

    fn without_a_mark(&self) -> PostgresAddress {
        format!("postgres://{USER}@127.0.0.1:{}/{}", CLUSTER.port(), self.database).parse().unwrap()
    }

    fn address(&self) -> PostgresAddress {
        self.without_a_mark().with_marks_in(self.folder.path())
    }

    fn mark(&self) -> PathBuf {
        mark_in(self.folder.path())
    }

    fn open(&self) -> PostgresStore {
        PostgresStore::open(&self.address()).unwrap()
    }
}

fn mark_in(folder: &Path) -> PathBuf {
    folder.join(format!("store-{}.mark", new_store().id))
}

fn is_refused(store: &PostgresStore, mesh: &Mesh, word: &str) {
    // Before anybody has asked, and put it on record.
    assert_eq!(store.record_one(issuance(mesh, "/ns/shop/sa/cart")).unwrap_err().code(), "store.older_copy");
    assert_eq!(store.commit(&no_change(mesh, store.version().unwrap())).unwrap_err().code(), "store.older_copy");
    assert_eq!(store.commit_revocations(&denial(mesh, 0)).unwrap_err().code(), "store.older_copy");
    assert_eq!(store.check_writable().unwrap_err().code(), "store.older_copy");
    assert_eq!(store.add_token(&token(mesh, 9)).unwrap_err().code(), "store.older_copy");
    assert_eq!(store.withdraw_token(&token(mesh, 9).digest).unwrap_err().code(), "store.older_copy");
    let older = store.standing().unwrap().older.unwrap();
    assert!(older.contains(word), "{older}");
    assert_eq!(store.record_one(issuance(mesh, "/ns/shop/sa/cart")).unwrap_err().code(), "store.older_copy");
    // Reading goes on.
    assert_eq!(store.issuances(&Query::default()).unwrap().len(), 1);
    assert_eq!(store.load().unwrap().version, 1);
}

fn all_is_well(store: &PostgresStore, mesh: &Mesh) {
    assert_eq!(store.standing().unwrap().older, None);
    store.record_one(issuance(mesh, "/ns/shop/sa/cart")).unwrap();
}

fn denial(mesh: &Mesh, version: u64) -> RevocationChange {
    let id = mesh.id("/ns/shop/sa/thief");
    let denial = Denial { number: 0, id, reason: RevocationReason::KeyCompromise, at: NOW, by: "operator".into(), expires_at: None };
    RevocationChange { denied: vec![denial], ..RevocationChange::new(version, NOW) }
}

fn restoration(mesh: &Mesh, store: &PostgresStore) -> Restoration {
    let sequence = store.standing().unwrap().seen + 1_000;
    Restoration { by: "operator".into(), at: NOW, changes: vec![next_bundle(mesh, store.version().unwrap(), sequence)] }
}

/// What a store goes through.
type Happening = fn(&PostgresStore, &Mesh);

#[test]
fn a_copy_from_before_a_change_a_certificate_or_a_revocation_is_noticed() {
    let happenings: [(&str, Happening); 4] = [
        ("version", |store, mesh| assert_eq!(store.commit(&next_bundle(mesh, 1, 2)).unwrap(), 2)),
        ("last record", |store, mesh| drop(store.record_one(issuance(mesh, "/ns/shop/sa/till")).unwrap())),
        ("count of changes", |store, mesh| assert_eq!(store.commit_revocations(&denial(mesh, 0)).unwrap(), 1)),
        ("epoch", |store, mesh| assert_eq!(store.restored(&restoration(mesh, store)).unwrap().epoch, 1)),
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
fn a_process_that_has_it_open_notices_as_well_and_the_newest_put_back_is_as_if_nothing_had_happened() {
    let scene = Scene::new();
    // By what it has seen itself.
    let (forgetful, store) = (PostgresStore::open(&scene.without_a_mark()).unwrap(), scene.open());
    for store in [&forgetful, &store] {
        store.record_one(issuance(&scene.mesh, "/ns/shop/sa/till")).unwrap();
    }
    scene.put_back();
    is_refused(&forgetful, &scene.mesh, "last record");
    is_refused(&store, &scene.mesh, "last record");
    scene.rename(&scene.database, &format!("{}_older", scene.database));
    scene.rename(&format!("{}_newest", scene.database), &scene.database);
    for store in [forgetful, store, scene.open()] {
        all_is_well(&store, &scene.mesh);
    }
}

#[test]
fn who_has_no_mark_is_told_by_who_has_one() {
    let scene = Scene::new();
    scene.open().record_one(issuance(&scene.mesh, "/ns/shop/sa/till")).unwrap();
    scene.put_back();
    let forgetful = PostgresStore::open(&scene.without_a_mark()).unwrap();
    assert_eq!(forgetful.standing().unwrap().older, None, "how should it know?");
    assert!(scene.open().standing().unwrap().older.is_some());
    is_refused(&forgetful, &scene.mesh, "the mark of a replica");
    is_refused(&PostgresStore::open(&scene.without_a_mark()).unwrap(), &scene.mesh, "the mark of a replica");
}

#[test]
fn after_the_operators_word_it_goes_on_in_every_process_and_the_next_copy_is_noticed_again() {
    let scene = Scene::new();
    scene.open().commit(&next_bundle(&scene.mesh, 1, 7)).unwrap();
    scene.open().record_one(issuance(&scene.mesh, "/ns/shop/sa/till")).unwrap();
    scene.put_back();
    let (one, other) = (scene.open(), scene.open());
    let forgetful = PostgresStore::open(&scene.without_a_mark()).unwrap();
    is_refused(&other, &scene.mesh, "");
    assert_eq!(one.standing().unwrap().seen, 7, "the mark knows what was published");
    let restored = one.restored(&restoration(&scene.mesh, &one)).unwrap();
    assert_eq!((restored.epoch, restored.version), (1, 2));
    assert!(restored.next_position > 1_000_000_000, "{}", restored.next_position);
    all_is_well(&one, &scene.mesh);
    // Others look again after a second.
    std::thread::sleep(Duration::from_millis(1_100));
    for store in [&other, &forgetful, &scene.open()] {
        assert_eq!(store.standing().unwrap().epoch, 1);
        all_is_well(store, &scene.mesh);
    }
    drop((one, other, forgetful));
    scene.rename(&format!("{}_newest", scene.database), &format!("{}_lost", scene.database));
    scene.put_back();
    let store = scene.open();
    is_refused(&store, &scene.mesh, "epoch");
    // Numbers are ahead of all that was lost, not of what is left alone.
    let again = store.restored(&restoration(&scene.mesh, &store)).unwrap();
    assert_eq!(again.epoch, 2);
    assert!(again.next_position > restored.next_position + 1_000_000_000, "{again:?}");
    assert!(store.standing().unwrap().seen > 1_007 + 999);
}

#[test]
fn a_mark_that_cannot_be_read_stops_its_replica_until_it_is_taken_away() {
    let scene = Scene::new();
    fs::write(scene.mark(), b"nonsense").unwrap();
    let store = scene.open();
    is_refused(&store, &scene.mesh, "cannot be read");
    // One replica's disk is no reason for the others to stop.
    let other = PostgresStore::open(&scene.without_a_mark()).unwrap();
    assert_eq!(other.standing().unwrap().older, None);
    fs::remove_file(scene.mark()).unwrap();
    std::thread::sleep(Duration::from_millis(1_100));
    all_is_well(&store, &scene.mesh);
    all_is_well(&other, &scene.mesh);
    assert!(scene.mark().exists());
    drop(store);
    // Or an operator's word makes a good one of it.
    fs::write(scene.mark(), b"").unwrap();
    let store = scene.open();
    assert!(store.standing().unwrap().older.unwrap().contains("cannot be read"));
    store.restored(&restoration(&scene.mesh, &store)).unwrap();
    all_is_well(&store, &scene.mesh);
    all_is_well(&scene.open(), &scene.mesh);
}

#[test]
fn where_no_mark_can_be_kept_it_is_said_or_the_store_stays_closed() {
    let scene = Scene::new();
    let mode = fs::metadata(scene.mark()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(scene.open().durability().unwrap().notices_older_copy);
    let nowhere = scene.folder.path().join("nowhere");
    let store = PostgresStore::open(&scene.without_a_mark().with_marks_if_possible_in(&nowhere)).unwrap();
    let worth = store.durability().unwrap();
    assert!(!worth.notices_older_copy && worth.words.contains("no mark is kept") && worth.words.contains("nowhere"), "{}", worth.words);
    all_is_well(&store, &scene.mesh);
    let refused = PostgresStore::open(&scene.without_a_mark().with_marks_in(&nowhere)).map(drop).unwrap_err();
    assert_eq!(refused.code(), "store.io", "{refused}");
    assert!(!nowhere.exists());
    // A folder may have the marks of other stores.
    fs::write(scene.folder.path().join("store-ff.mark"), "another store's").unwrap();
    all_is_well(&scene.open(), &scene.mesh);
}

/// A primary that waits for its standby, the standby, and a store with a mesh on both of them.
fn pair() -> (Cluster, Cluster, PostgresAddress, Mesh) {
    let first = Cluster::start();
    let second = first.standby("second");
    let address: PostgresAddress = Cluster::socket_address_of(&[&first, &second], "mesh").parse().unwrap();
    let mesh = Mesh::new("mesh.example");
    let store = PostgresStore::create(&address, &new_store()).unwrap();
    store.commit(&first_change(&mesh, 0)).unwrap();
    wait_for(&first, "second");
    (first, second, address, mesh)
}

/// Has a server wait for this standby with every commit.
fn wait_for(cluster: &Cluster, standby: &str) {
    cluster.psql("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{standby}'"));
    cluster.psql("postgres", "SELECT pg_reload_conf()");
    let start = Instant::now();
    let state = if standby.is_empty() { "async" } else { "sync" };
    while cluster.psql("postgres", "SELECT coalesce(max(sync_state), 'async') FROM pg_stat_replication") != state {
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}

fn entries(cluster: &Cluster) -> u64 {
    cluster.psql("mesh", "SELECT count(*) FROM mesh.issuances").parse().unwrap()
}

#[test]
fn who_knows_nothing_of_the_past_takes_the_server_that_took_over_though_another_has_got_farther() {
    let (first, second, address, mesh) = pair();
    let record = |store: &PostgresStore| store.record_one(issuance(&mesh, "/ns/shop/sa/cart")).unwrap().position();
    let store = PostgresStore::open(&address).unwrap();
    record(&store);
    // The network between the two is cut, and both go on. What is connected to the first stays connected.
    wait_for(&first, "");
    second.promote();
    assert_eq!((record(&store), record(&store), record(&store)), (2, 3, 4), "nothing tells it better");
    assert_eq!((entries(&first), entries(&second)), (4, 1));
    let later = PostgresStore::open(&address).unwrap();
    assert_eq!((record(&later), record(&later)), (2, 3));
    assert_eq!((entries(&first), entries(&second)), (4, 3));
}

#[test]
fn a_connection_that_finds_another_server_takes_all_others_along() {
    let (first, second, address, mesh) = pair();
    let record = |store: &PostgresStore| store.record_one(issuance(&mesh, "/ns/shop/sa/cart")).unwrap().position();
    let store = PostgresStore::open(&address).unwrap();
    record(&store);
    wait_for(&first, "");
    second.promote();
    // The first takes nobody any more, and keeps the connection that writes.
    fs::write(first.folder().join("data/pg_hba.conf"), "local all postgres trust\n").unwrap();
    first.psql("postgres", "SELECT pg_reload_conf()");
    let readers = "application_name = 'meshroot' AND query <> 'COMMIT'";
    first.psql("postgres", &format!("SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE {readers}"));
    assert_eq!(first.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'meshroot'"), "1");
    assert_eq!(store.version().unwrap(), 1);
    assert_eq!(record(&store), 2);
    assert_eq!((entries(&first), entries(&second)), (1, 2));
}

/// A row that no standby has is seen by everybody once its server gives up waiting, or was started anew; it must not be given to
/// anybody.
#[test]
fn what_no_standby_has_is_not_given_to_who_asks_again() {
    let (first, second, address, mesh) = pair();
    let store = PostgresStore::open(&address).unwrap();
    let name = || Idempotency { caller: "west".into(), key: "a".into(), request: [1; 32], expires_at: NOW.plus(Duration::from_secs(3_600)) };
    let submission = || Submission { idempotency: Some(name()), ..issuance(&mesh, "/ns/shop/sa/cart").into() };
    let submit = |submission| -> Result<Outcome, StoreError> { store.submit(vec![submission])?.pop().unwrap() };
    let give_up = || first.psql("postgres", "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    store.check_writable().unwrap();
    second.freeze(true);
    assert_eq!(submit(submission()).map(drop).unwrap_err().code(), "store.outcome_unknown");
    assert_eq!(give_up(), "1");
    assert_eq!(store.check_writable().unwrap_err().code(), "store.outcome_unknown", "it says that it is ready, and confirms nothing");
    assert_eq!(give_up(), "1");
    assert_eq!(store.issuances(&Query::default()).unwrap().len(), 1, "it is there, for the time being");
    assert_eq!(store.answered("west", "a").unwrap_err().code(), "store.outcome_unknown");
    assert_eq!(give_up(), "1");
    assert_eq!(submit(submission()).map(drop).unwrap_err().code(), "store.outcome_unknown");
    second.freeze(false);
    let start = Instant::now();
    while !matches!(store.answered("west", "a"), Ok(Some((1, _)))) {
        assert!(start.elapsed() < Duration::from_secs(20));
    }
    assert!(matches!(submit(submission()), Ok(Outcome::Answered(1))));
}
