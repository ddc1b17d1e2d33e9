//! All files of one state at once.
//!
//! They lie in a folder of their own, `..RANDOM`, and the names that programs read are links through `..data`, which
//! points to it. A new state is written whole beside it; then one rename moves `..data`. A reader finds all of the old
//! state or all of the new one, never a key with another certificate. Kubernetes projects Secrets the same way, and what
//! watches for that (Envoy's `watched_directory`) works here too.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::{Path, PathBuf};

use meshroot_store::files::{Mode, private_dir, write_new};
use zeroize::Zeroizing;

use super::AgentError;

/// The link that says which state counts.
const DATA: &str = "..data";

/// Longer than any file that an agent reads.
const MOST: u64 = 4 << 20;

pub(super) fn read(path: &Path) -> Result<Vec<u8>, AgentError> {
    let failed = |detail: String| AgentError::Unreadable { path: path.into(), detail };
    let metadata = fs::metadata(path).map_err(|e| failed(e.to_string()))?;
    if !metadata.is_file() || metadata.len() > MOST {
        return Err(failed("it is no file of a reasonable size".into()));
    }
    fs::read(path).map_err(|e| failed(e.to_string()))
}

pub(super) fn read_token(path: &Path) -> Result<Zeroizing<String>, AgentError> {
    let bytes = Zeroizing::new(read(path)?);
    let text = core::str::from_utf8(&bytes).map_err(|_| AgentError::Unreadable { path: path.into(), detail: "it is no text".into() })?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}

/// A file of the state that counts; `None` if there is no such state or no such file in it.
pub(super) fn current(folder: &Path, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, AgentError> {
    let path = folder.join(DATA).join(name);
    if !path.exists() {
        return Ok(None);
    }
    read(&path).map(|bytes| Some(Zeroizing::new(bytes)))
}

/// A file of a state: name, content, who may read it.
pub(super) type Entry<'a> = (&'a str, &'a [u8], Mode);

/// Replaces the state that counts by these files.
pub(super) fn replace(folder: &Path, unique: &str, entries: &[Entry<'_>]) -> Result<(), AgentError> {
    private_dir(folder)?;
    let failed = |path: &Path, e: &io::Error| {
        AgentError::Files(meshroot_store::StoreError::Io { action: "write", path: path.to_owned(), source: io::Error::new(e.kind(), e.to_string()) })
    };
    let state = folder.join(format!("..{unique}"));
    DirBuilder::new().mode(0o700).create(&state).map_err(|e| failed(&state, &e))?;
    for (name, bytes, mode) in entries {
        write_new(&state.join(name), bytes, *mode)?;
    }
    let before = fs::read_link(folder.join(DATA)).ok();
    let next = folder.join(format!("..{unique}.link"));
    symlink(state.file_name().unwrap_or_default(), &next).map_err(|e| failed(&next, &e))?;
    fs::rename(&next, folder.join(DATA)).map_err(|e| failed(&folder.join(DATA), &e))?;
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| failed(folder, &e))?;
    for (name, ..) in entries {
        let link = folder.join(name);
        let target = PathBuf::from(DATA).join(name);
        if fs::read_link(&link).ok().as_ref() != Some(&target) {
            let _ = fs::remove_file(&link);
            symlink(&target, &link).map_err(|e| failed(&link, &e))?;
        }
    }
    // What does not count any more: the state before, and what a crash may have left.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_old = name.to_string_lossy().starts_with("..") && name != DATA && Some(name.as_os_str()) != state.file_name();
        if is_old && entry.path() != folder.join(DATA) {
            let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
        }
    }
    drop(before);
    Ok(())
}
