//! Room to write, before a change that cannot be taken back.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use meshroot_store::StoreError;
use meshroot_store::files::private_dir;

use crate::exit::{Failure, Result};
use crate::outputs::folders_to_make;

/// What one cluster takes: five files and two folders in blocks of 4 KiB, and its rows in both stores, twice, since
/// SQLite writes them to its log first.
pub(crate) const FOR_A_CLUSTER: usize = 64 << 10;

/// Two new stores with SQLite's logs beside them. Without that much SQLite fails in words that nobody connects with a
/// full disk.
pub(crate) const FOR_A_MESH: usize = 1 << 20;

/// What a leaf, its key and the roots take.
pub(crate) const FOR_A_LEAF: usize = 64 << 10;

/// Room that is taken until the value is dropped.
///
/// What is issued is put on record before it is written. With a full disk, or a folder where nothing may be written,
/// that would leave a record of something that nobody got; so the room is taken before, and given back when the files
/// are to be written.
#[derive(Debug)]
pub(crate) struct Reserved {
    /// It has no name: the room is given back however the process ends.
    file: File,
    /// The folders that did not exist before, the deepest first.
    made: Vec<PathBuf>,
}

/// Takes room in this folder, which is made if need be.
pub(crate) fn reserve(folder: &Path, bytes: usize) -> Result<Reserved> {
    let made = folders_to_make(folder);
    private_dir(folder)?;
    let path = folder.join(format!(".meshroot-{}-room.tmp", std::process::id()));
    let named = File::create(&path).and_then(|file| fs::remove_file(&path).map(|()| file));
    let file = match named {
        Ok(file) => file,
        Err(e) => {
            remove_empty(&made);
            return Err(full_or_forbidden(folder, &e));
        }
    };
    let reserved = Reserved { file, made };
    fill(&reserved.file, bytes).map_err(|e| full_or_forbidden(folder, &e))?;
    Ok(reserved)
}

fn fill(mut file: &File, bytes: usize) -> std::io::Result<()> {
    let block = [0u8; 64 << 10];
    let mut left = bytes;
    while left > 0 {
        let part = block.get(..left.min(block.len())).unwrap_or(&block);
        file.write_all(part)?;
        left = left.saturating_sub(part.len());
    }
    // Some file systems find out only now.
    file.sync_all()
}

fn full_or_forbidden(folder: &Path, e: &std::io::Error) -> Failure {
    if matches!(e.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded) {
        return StoreError::DiskFull { action: "write to", path: folder.to_owned() }.into();
    }
    Failure::writing(folder, e)
}

fn remove_empty(folders: &[PathBuf]) {
    for folder in folders {
        // Refused, as it should be, when there is something in it.
        let _ = fs::remove_dir(folder);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        remove_empty(&self.made);
    }
}
