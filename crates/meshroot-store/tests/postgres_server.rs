//! What a store has to do when its database is a server: one that dies, stands still, is far away, or was tampered with.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod conformance;
mod support;

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use conformance::{first_change, issuance, new_store, no_change};
use meshroot_store::{PostgresAddress, PostgresStore, Query, Store, StoreError};
use meshroot_tests::postgres::{Cluster, PASSWORD, SECURED};
use support::Mesh;

/// One server for all of these, one after the other: most of them harm it.
fn cluster() -> MutexGuard<'static, Cluster> {
    static CLUSTER: LazyLock<Mutex<Cluster>> = LazyLock::new(|| Mutex::new(Cluster::start()));
    CLUSTER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A store with a mesh in a schema of this name.
fn with_mesh(cluster: &Cluster, schema: &str) -> (PostgresStore, Mesh) {
    let (store, mesh) = (PostgresStore::create(&address(cluster, schema), &new_store()).unwrap(), Mesh::new("mesh.example"));
    store.commit(&first_change(&mesh, 0)).unwrap();
    (store, mesh)
}

fn address(cluster: &Cluster, schema: &str) -> PostgresAddress {
    cluster.address(schema).parse().unwrap()
}

fn record(store: &dyn Store, mesh: &Mesh) -> Result<u64, StoreError> {
    Ok(store.record_one(issuance(mesh, "/ns/shop/sa/cart"))?.position())
}

/// Tries until it goes well again.
fn in_the_end<T>(what: &str, mut attempt: impl FnMut() -> Result<T, StoreError>) -> T {
    let start = Instant::now();
    loop {
        match attempt() {
            Ok(done) => return done,
            Err(e) => assert!(start.elapsed() < Duration::from_secs(60), "{what}: {e}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_database_that_died_is_an_error_at_once_and_used_again_when_it_is_back() {
    let mut cluster = cluster();
    let (store, mesh) = with_mesh(&cluster, "died");
    assert_eq!(record(&store, &mesh).unwrap(), 1);
    cluster.kill();
    for _ in 0..3 {
        let start = Instant::now();
        for refused in [record(&store, &mesh).map(drop), store.version().map(drop), store.load().map(drop), store.check_writable()] {
            assert_eq!(refused.unwrap_err().code(), "store.unavailable");
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    }
    cluster.run();
    let position = in_the_end("after a crash", || record(&store, &mesh));
    assert_eq!((position, store.load().unwrap().version), (2, 1));
    // Stopped in good order, and started while nobody looked: the dead connection is noticed and replaced within the call.
    cluster.stop();
    cluster.run();
    assert_eq!(record(&store, &mesh).unwrap(), 3);
    assert_eq!(store.issuances(&Query::default()).unwrap().len(), 3);
}

#[test]
fn a_database_that_stands_still_is_an_error_after_seconds() {
    let cluster = cluster();
    let (store, mesh) = with_mesh(&cluster, "still");
    record(&store, &mesh).unwrap();
    cluster.freeze(true);
    let start = Instant::now();
    let codes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..6).map(|_| scope.spawn(|| (record(&store, &mesh).unwrap_err().code(), store.version().unwrap_err().code()))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let took = start.elapsed();
    cluster.freeze(false);
    assert!(codes.iter().all(|codes| *codes == ("store.unavailable", "store.unavailable")), "{codes:?}");
    assert!(took < Duration::from_secs(45), "{took:?}");
    in_the_end("when it moves again", || record(&store, &mesh));
}

#[test]
fn a_replica_that_holds_the_log_and_does_not_go_on_is_not_waited_for_for_ever() {
    let cluster = cluster();
    let (store, mesh) = with_mesh(&cluster, "held");
    std::thread::scope(|scope| {
        scope.spawn(|| cluster.psql("mesh", "SET search_path = held; BEGIN; SELECT * FROM log_head FOR UPDATE; SELECT pg_sleep(7); COMMIT"));
        std::thread::sleep(Duration::from_millis(800));
        let start = Instant::now();
        assert_eq!(record(&store, &mesh).unwrap_err().code(), "store.busy");
        assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
        // Reading goes on.
        assert_eq!(store.load().unwrap().version, 1);
    });
    assert_eq!(record(&store, &mesh).unwrap(), 1);
}

/// A commit of a transaction that failed is answered as if all were well.
#[test]
fn a_batch_of_which_the_database_refuses_a_row_is_not_taken_for_recorded() {
    let cluster = cluster();
    let (store, mesh) = with_mesh(&cluster, "refused");
    record(&store, &mesh).unwrap();
    for (table, column) in [("issuances", "position"), ("serials", "position"), ("log_head", "position")] {
        cluster.psql("mesh", &format!("ALTER TABLE refused.{table} ADD CONSTRAINT no_more CHECK ({column} IS NULL OR {column} < 2)"));
        assert_eq!(record(&store, &mesh).unwrap_err().code(), "store.database", "{table}");
        assert_eq!(store.issuances(&Query::default()).unwrap().len(), 1, "{table}");
        cluster.psql("mesh", &format!("ALTER TABLE refused.{table} DROP CONSTRAINT no_more"));
    }
    assert_eq!(record(&store, &mesh).unwrap(), 2);
}

#[test]
fn who_loses_the_connection_before_anything_was_committed_begins_again() {
    let cluster = cluster();
    let (store, mesh) = with_mesh(&cluster, "again");
    record(&store, &mesh).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| cluster.psql("mesh", "SET search_path = again; BEGIN; SELECT * FROM log_head FOR UPDATE; SELECT pg_sleep(3); COMMIT"));
        let waiting = "SELECT pid FROM pg_stat_activity WHERE application_name = 'meshroot' AND wait_event_type = 'Lock'";
        let recording = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(700));
            record(&store, &mesh)
        });
        let start = Instant::now();
        let mut pid = String::new();
        while pid.is_empty() {
            assert!(start.elapsed() < Duration::from_secs(8), "nobody waits for the lock");
            pid = cluster.psql("postgres", waiting);
        }
        cluster.psql("postgres", &format!("SELECT pg_terminate_backend({pid})"));
        assert_eq!(recording.join().unwrap().unwrap(), 2);
    });
    assert_eq!(store.issuances(&Query::default()).unwrap().len(), 2);
}

#[test]
fn a_commit_that_no_standby_has_is_no_commit_that_is_acknowledged() {
    let cluster = cluster();
    let (store, mesh) = with_mesh(&cluster, "standby");
    record(&store, &mesh).unwrap();
    assert!(store.durability().unwrap().survives_crash && !store.durability().unwrap().survives_failover);
    cluster.psql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    cluster.psql("postgres", "SELECT pg_reload_conf()");
    std::thread::sleep(Duration::from_millis(300));
    let worth = store.durability().unwrap();
    assert!(worth.survives_failover && worth.words.contains("none is connected"), "by the settings, that is: {}", worth.words);
    let refused = std::thread::scope(|scope| {
        let recording = scope.spawn(|| record(&store, &mesh));
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        let start = Instant::now();
        while cluster.psql("postgres", waiting) != "1" {
            assert!(start.elapsed() < Duration::from_secs(8), "nobody waits for the standby");
        }
        // The server then acknowledges the commit, with a warning that no standby has it.
        cluster.psql("postgres", "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
        recording.join().unwrap().unwrap_err()
    });
    cluster.psql("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
    cluster.psql("postgres", "SELECT pg_reload_conf()");
    assert_eq!(refused.code(), "store.outcome_unknown", "{refused}");
    // It may be there, as said. What comes next has its own place.
    let position = in_the_end("without a standby", || record(&store, &mesh));
    assert_eq!(store.issuances(&Query::default()).unwrap().len() as u64, position);
}

#[test]
fn over_the_network_it_logs_in_by_verified_tls_and_a_password_from_a_file() {
    let cluster = cluster();
    let (_store, mesh) = with_mesh(&cluster, "secured");
    cluster.psql("mesh", "GRANT ALL ON SCHEMA secured TO secured; GRANT ALL ON ALL TABLES IN SCHEMA secured TO secured");
    let folder = tempfile::tempdir().unwrap();
    let (password, wrong) = (folder.path().join("password"), folder.path().join("wrong"));
    std::fs::write(&password, format!("{PASSWORD}\n")).unwrap();
    std::fs::write(&wrong, "guess").unwrap();
    let open = |host: &str, mode: &str, password: &std::path::Path| {
        let text = format!("postgres://{SECURED}@{host}:{}/mesh?schema=secured{mode}", cluster.port());
        let address: PostgresAddress = text.parse().unwrap();
        PostgresStore::open(&address.with_root_file(cluster.root_file()).with_password_file(password))
    };
    let store = open("localhost", "&sslmode=verify-full", &password).unwrap();
    assert_eq!(store.load().unwrap().trust_domains[0].events, mesh.events);
    assert_eq!(record(&store, &mesh).unwrap(), 1);
    for (what, refused) in [
        ("plain text", open("localhost", "", &password)),
        ("another name than the certificate's", open("127.0.0.1", "&sslmode=verify-full", &password)),
        ("a wrong password", open("localhost", "&sslmode=verify-full", &wrong)),
    ] {
        let refused = refused.map(drop).unwrap_err();
        assert_eq!(refused.code(), "store.unavailable", "{what}: {refused}");
        assert!(!refused.to_string().contains("guess") && !refused.to_string().contains("correct horse"), "{refused}");
    }
    assert_eq!(open("localhost", "&sslmode=verify-full", &folder.path().join("none")).map(drop).unwrap_err().code(), "store.io");
    let text = format!("postgres://{SECURED}@localhost:{}/mesh?schema=secured&sslmode=verify-full", cluster.port());
    let address = text.parse::<PostgresAddress>().unwrap().with_password_file(&password);
    std::fs::write(folder.path().join("other.pem"), other_root()).unwrap();
    let refused = PostgresStore::open(&address.with_root_file(folder.path().join("other.pem"))).map(drop).unwrap_err();
    assert!(refused.to_string().contains("certificate"), "roots of somebody else: {refused}");
}

/// A root that never signed a database's certificate.
fn other_root() -> String {
    let mesh = Mesh::new("other.example");
    mesh.bundle.to_pem()
}

#[test]
fn tables_that_somebody_altered_are_not_opened() {
    let cluster = cluster();
    for (number, alteration) in [
        "DROP TRIGGER stay ON events",
        "ALTER TABLE events DISABLE TRIGGER stay",
        "CREATE OR REPLACE FUNCTION stays() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "DROP TABLE bundles",
        "ALTER TABLE issuances ADD COLUMN note text",
        "ALTER TABLE serials DROP CONSTRAINT serials_pkey",
        "CREATE TABLE notes (note text)",
        "ALTER TABLE issuances_1 DISABLE TRIGGER stay",
    ]
    .iter()
    .enumerate()
    {
        let schema = format!("altered_{number}");
        let (store, mesh) = with_mesh(&cluster, &schema);
        record(&store, &mesh).unwrap();
        drop(store);
        PostgresStore::open(&address(&cluster, &schema)).unwrap();
        cluster.psql("mesh", &format!("SET search_path = {schema}; {alteration}"));
        let refused = PostgresStore::open(&address(&cluster, &schema)).map(drop).unwrap_err();
        assert_eq!(refused.code(), "store.damaged", "{alteration}: {refused}");
    }
}

#[test]
fn a_row_that_was_changed_or_went_missing_is_noticed() {
    let cluster = cluster();
    for (number, harm) in [
        "DELETE FROM events WHERE position = 2",
        "DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
        "UPDATE events SET event = replace(event, 'west', 'east')",
        "DELETE FROM commits",
        "DELETE FROM bundles",
        "UPDATE bundles SET rendered = 'x'",
        "UPDATE sealed_keys SET sealed = 'x'",
        "UPDATE trust_domains SET name = 'other.example'",
        "DELETE FROM store",
        "DELETE FROM issuances WHERE position = 2",
        "DELETE FROM issuances WHERE position = 1",
        "UPDATE issuances SET caller = 'nobody' WHERE position = 3",
        "UPDATE last_expiries SET not_after = not_after + 1",
        "UPDATE log_head SET position = 1",
    ]
    .iter()
    .enumerate()
    {
        let schema = format!("harmed_{number}");
        let (store, mesh) = with_mesh(&cluster, &schema);
        for _ in 0..3 {
            record(&store, &mesh).unwrap();
        }
        // As somebody with every right can.
        cluster.psql("mesh", &format!("SET search_path = {schema}; SET session_replication_role = replica; {harm}"));
        let read = || -> Result<(), StoreError> {
            store.load()?;
            store.sealed_key(&mesh.trust_domain, &mesh.west)?;
            store.last_expiry(&mesh.trust_domain, &mesh.west, support::NOW)?;
            store.issuances(&Query::default())?;
            record(&store, &mesh).map(drop)
        };
        assert_eq!(read().unwrap_err().code(), "store.damaged", "{harm}");
    }
}

#[test]
fn the_database_itself_refuses_to_change_or_remove_what_is_on_record() {
    let cluster = cluster();
    let (store, mesh) = with_mesh(&cluster, "refuses");
    record(&store, &mesh).unwrap();
    for table in ["commits", "events", "bundles", "sealed_keys", "issuances", "issuances_1"] {
        for statement in [format!("DELETE FROM {table}"), format!("UPDATE {table} SET checksum = 0"), format!("TRUNCATE {table} CASCADE")] {
            let refused = cluster.try_psql("mesh", &format!("SET search_path = refuses; {statement}")).unwrap_err();
            assert!(refused.contains("never"), "{statement}: {refused}");
        }
    }
    let back = "INSERT INTO bundles SELECT trust_domain, sequence - 1, version, rendered, checksum FROM bundles";
    assert!(cluster.try_psql("mesh", &format!("SET search_path = refuses; {back}")).unwrap_err().contains("only grows"));
}

#[test]
fn of_several_that_make_a_store_at_once_one_does() {
    let cluster = cluster();
    let place = address(&cluster, "race");
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| PostgresStore::create(&place, &new_store()).map(drop).map_err(|e| e.code()))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err("store.exists"))), "{outcomes:?}");
    // Where something else is, nothing is made; where nothing is, nothing is opened.
    cluster.psql("mesh", "CREATE SCHEMA theirs; CREATE TABLE theirs.t (x int); GRANT ALL ON SCHEMA theirs TO meshroot");
    assert_eq!(PostgresStore::create(&address(&cluster, "theirs"), &new_store()).map(drop).unwrap_err().code(), "store.not_a_store");
    assert_eq!(PostgresStore::open(&address(&cluster, "theirs")).map(drop).unwrap_err().code(), "store.not_a_store");
    assert_eq!(PostgresStore::open(&address(&cluster, "nothing")).map(drop).unwrap_err().code(), "store.not_found");
    // A newer program's format is left to it.
    cluster.psql("mesh", "UPDATE race.format SET version = 7");
    assert!(matches!(PostgresStore::open(&place).map(drop).unwrap_err(), StoreError::TooNew { found: 7, .. }));
}

#[test]
fn a_store_can_be_used_and_dropped_where_a_runtime_forbids_blocking() {
    let cluster = cluster();
    let place = address(&cluster, "within");
    let (store, mesh) = with_mesh(&cluster, "within");
    drop(store);
    for threads in [1, 2] {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
        runtime.block_on(async {
            let store = PostgresStore::open(&place).unwrap();
            let version = store.version().unwrap();
            record(&store, &mesh).unwrap();
            assert_eq!(store.commit(&no_change(&mesh, version)).unwrap(), version + 1);
            drop(store);
        });
    }
}
