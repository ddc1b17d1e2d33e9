//! The PostgreSQL store does what every store does, and what a server has to do besides. It starts a server of its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]

mod conformance;
mod support;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use conformance::Place;
use meshroot_store::{NewStore, PostgresAddress, PostgresStore, Store};
use meshroot_tests::postgres::Cluster;

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
