//! The PostgreSQL store does what every store does, and what a server has to do besides. It starts a server of its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

mod conformance;
#[path = "support/full.rs"]
mod full;
mod support;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use conformance::{Place, issuance, new_store};
use full::{files, fill};
use meshroot_store::export::{self, Export};
use meshroot_store::{NewStore, PostgresAddress, PostgresStore, Search, SqliteStore, Store};
use meshroot_tests::postgres::Cluster;
use support::{Mesh, NOW};

static CLUSTER: LazyLock<Cluster> = LazyLock::new(Cluster::start);

/// A schema that nobody else uses.
struct InASchema(PostgresAddress);

impl InASchema {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let schema = format!("s{}", COUNT.fetch_add(1, Ordering::Relaxed));
        Self(CLUSTER.address(&schema).parse().unwrap())
    }
}

impl Place for InASchema {
    fn create(&self, new: &NewStore) -> Box<dyn Store> {
        Box::new(PostgresStore::create(&self.0, new).unwrap())
    }

    fn open(&self) -> Box<dyn Store> {
        Box::new(PostgresStore::open(&self.0).unwrap())
    }
}

conformance!(InASchema::new());

#[test]
fn a_store_moves_between_files_and_both_kinds_of_database_without_a_difference() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let sqlite = SqliteStore::create(&at("mesh.db"), &new_store()).unwrap();
    fill(&sqlite);
    export::write(&sqlite, &at("1")).unwrap();
    let (place, again) = (InASchema::new(), InASchema::new());
    let postgres = PostgresStore::import(&place.0, &Export::open(&at("1")).unwrap()).unwrap();
    export::write(&postgres, &at("2")).unwrap();
    assert_eq!(files(&at("2")), files(&at("1")));
    let back = SqliteStore::import(&at("back.db"), &Export::open(&at("2")).unwrap()).unwrap();
    export::write(&back, &at("3")).unwrap();
    assert_eq!(files(&at("3")), files(&at("1")));
    // It is a store like any other: it goes on where the other one was.
    assert_eq!(postgres.load().unwrap(), sqlite.load().unwrap());
    while postgres.maintain(NOW, std::time::Duration::from_secs(86_400)).unwrap().more {}
    assert_eq!(postgres.search(&Search::default()).unwrap().rows, sqlite.search(&Search::default()).unwrap().rows);
    let mesh = Mesh::new("mesh.example");
    let (here, there) = (postgres.record_one(issuance(&mesh, "/new")).unwrap(), sqlite.record_one(issuance(&mesh, "/new")).unwrap());
    assert_eq!(here.position(), there.position());
    // Over what is there nothing is written, and what fails leaves nothing.
    assert_eq!(PostgresStore::import(&place.0, &Export::open(&at("1")).unwrap()).unwrap_err().code(), "store.exists");
    let events = std::fs::read_to_string(at("2/crls.jsonl")).unwrap();
    let export = Export::open(&at("2")).unwrap();
    std::fs::write(at("2/crls.jsonl"), format!("{events}{{}}\n")).unwrap();
    assert_eq!(PostgresStore::import(&again.0, &export).unwrap_err().code(), "store.bad_export");
    assert_eq!(PostgresStore::open(&again.0).unwrap_err().code(), "store.not_found");
}
