//! Files under `tests/fixtures`.

use std::path::PathBuf;

use serde_json::Value;

/// The path of a fixture.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// The bytes of a fixture.
pub fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|e| panic!("fixture {name}: {e}"))
}

/// The entries of a folder's `index.json`.
pub fn index(folder: &str) -> Vec<Value> {
    let entries: Vec<Value> = serde_json::from_slice(&bytes(&format!("{folder}/index.json"))).unwrap();
    assert!(entries.len() > 10, "the index of {folder} is nearly empty");
    entries
}

/// A text member of an entry, empty if it is not there.
pub fn text<'a>(entry: &'a Value, member: &str) -> &'a str {
    entry[member].as_str().unwrap_or_default()
}
