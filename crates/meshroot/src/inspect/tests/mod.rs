#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

mod golden;
mod hostile;
mod stories;

use super::{InspectError, Item, inspect};
use crate::key::Crypto;
use crate::time::Timestamp;

/// 2026-11-22T12:00:00Z, at which the inputs were made.
fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn look(bytes: &[u8]) -> Result<Vec<Item>, InspectError> {
    inspect(bytes, "input", &Crypto::ring(), now())
}

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/inspect")
}

fn input(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The codes of all problems, in order.
fn codes(items: &[Item]) -> Vec<&'static str> {
    items.iter().flat_map(|item| &item.problems).map(|problem| problem.code).collect()
}
