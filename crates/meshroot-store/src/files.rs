//! Files that are there as a whole or not at all.
//!
//! Everything is written under a temporary name in the same folder, synced, and then moved to its name in one step.
//! Whoever looks, at any moment and after any crash, finds the old file, or the new one, or none; never half of one.
//! After a crash a file `.meshroot-*.tmp` (0600) may remain; it is safe to remove.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::StoreError;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The owner alone: 0600. For everything that holds or unlocks a key.
    Private,
    /// Everybody: 0644. For certificates and bundles.
    Public,
}

impl Mode {
    /// The permission bits.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Public => 0o644,
        }
    }
}

/// Writes a file that must not be there yet.
///
/// # Errors
/// [`StoreError::Exists`] when something is at `path`, be it a dangling symbolic link; [`StoreError::DiskFull`],
/// [`StoreError::NotPermitted`], [`StoreError::Io`]. Nothing is left behind then.
pub fn write_new(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), StoreError> {
    // Spares the writing in the ordinary case; what counts is that linking refuses too.
    if fs::symlink_metadata(path).is_ok() {
        return Err(StoreError::Exists(path.to_owned()));
    }
    Temporary::with(path, bytes, mode)?.link_to(path)
}

/// Writes a file, in place of the one that may be there.
///
/// A symbolic link at `path` is replaced and not followed: whoever can plant one must not choose what gets overwritten.
///
/// # Errors
/// [`StoreError::DiskFull`], [`StoreError::NotPermitted`], [`StoreError::Io`]. The old file is untouched then.
pub fn replace(path: &Path, bytes: &[u8], mode: Mode) -> Result<(), StoreError> {
    Temporary::with(path, bytes, mode)?.rename_to(path)
}

/// Whether the file at `path` holds exactly `bytes`. A file that is not there does not.
///
/// # Errors
/// When it is there and cannot be read.
pub fn unchanged(path: &Path, bytes: &[u8]) -> Result<bool, StoreError> {
    let failed = |e| StoreError::io("read", path, e);
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(failed(e)),
    };
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() || metadata.len() != length {
        return Ok(false);
    }
    let mut found = Vec::with_capacity(bytes.len());
    (&mut file).take(length).read_to_end(&mut found).map_err(failed)?;
    Ok(found == bytes)
}

/// Makes a folder for its owner alone (0700), and the folders above it that are missing. One that is there is left as it
/// is.
///
/// # Errors
/// When something else than a folder is in the way, or the operating system refuses.
pub fn private_dir(path: &Path) -> Result<(), StoreError> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Ok(());
    }
    let parent = folder_of(path);
    private_dir(parent)?;
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => sync_folder(parent),
        // Another process was as quick.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(e) => Err(StoreError::io("create the folder", path, e)),
    }
}

/// The folder that holds `path`.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A name is durable only when its folder was synced, not the file alone.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| StoreError::io("sync the folder", folder, e))
}

/// A file under a name that nobody else uses, removed unless it is put in place.
#[derive(Debug)]
pub(crate) struct Temporary {
    path: PathBuf,
    in_place: bool,
}

impl Temporary {
    /// An empty one beside `target`, for its owner alone.
    pub(crate) fn beside(target: &Path) -> Result<(Self, File), StoreError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let path = folder_of(target).join(format!(".meshroot-{}-{count}.tmp", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => return Ok((Self { path, in_place: false }, file)),
                // A process of the same number crashed here once.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(StoreError::io("write", target, e)),
            }
        }
    }

    fn with(target: &Path, bytes: &[u8], mode: Mode) -> Result<Self, StoreError> {
        let (temporary, mut file) = Self::beside(target)?;
        let failed = |e| StoreError::io("write", target, e);
        file.write_all(bytes).map_err(failed)?;
        // Said outright, because the process's umask would have its word in what `open` sets.
        file.set_permissions(Permissions::from_mode(mode.bits())).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        Ok(temporary)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name, which nothing may have yet.
    pub(crate) fn link_to(self, target: &Path) -> Result<(), StoreError> {
        let failed = |e| StoreError::io("write", target, e);
        match fs::hard_link(&self.path, target) {
            Ok(()) => sync_folder(folder_of(target)).inspect_err(|_| {
                let _ = fs::remove_file(target);
            }),
            // Some file systems (FAT, some network ones) have no hard links. Reserving the name keeps others away; a
            // crash before the renaming leaves an empty file.
            Err(e) if matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) => {
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(target).map_err(failed)?;
                self.rename_to(target).inspect_err(|_| {
                    let _ = fs::remove_file(target);
                })
            }
            Err(e) => Err(failed(e)),
        }
    }

    fn rename_to(mut self, target: &Path) -> Result<(), StoreError> {
        fs::rename(&self.path, target).map_err(|e| StoreError::io("write", target, e))?;
        self.in_place = true;
        sync_folder(folder_of(target))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.in_place {
            // Nothing can be done when this fails, and the reason to clean up is the error that people should read.
            let _ = fs::remove_file(&self.path);
        }
    }
}
