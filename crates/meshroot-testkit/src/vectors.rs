//! The test vectors under `tests/vectors/` at the workspace's top.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::Value;

/// Where a vector file is, whatever folder a test runs in.
pub fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors").join(file)
}

/// Reads a vector file.
///
/// # Errors
/// It cannot be read, or is no JSON.
pub fn load(file: &Path) -> anyhow::Result<Value> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is no JSON", file.display()))
}
