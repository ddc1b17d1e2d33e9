//! One command at a time changes a mesh.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use meshroot_store::files::private_dir;

use crate::exit::{Failure, Result};
use crate::outputs::folders_to_make;
use crate::session::Session;

/// A folder that is held.
#[derive(Debug)]
pub(crate) struct Held {
    _lock: File,
    /// The folders that did not exist before, the deepest first.
    made: Vec<PathBuf>,
}

impl Drop for Held {
    /// A command that came to nothing takes the folders that it made with it.
    fn drop(&mut self) {
        for folder in &self.made {
            // Refused, as it should be, when there is something in it.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Makes the folder if need be, and holds it until the value is dropped. Another command that holds it is waited for.
///
/// The lock is the operating system's (flock) and lies on the folder itself: it ends with the process, however that
/// ends, and leaves no file behind.
pub(crate) fn folder(session: &Session<'_>, path: &Path) -> Result<Held> {
    loop {
        let made = folders_to_make(path);
        private_dir(path)?;
        let folder = match File::open(path) {
            Ok(folder) => folder,
            // Somebody whose attempt failed removed the folder again.
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(Failure::writing(path, &e)),
        };
        match folder.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                session.out.warn(format_args!("another meshroot is at work in {}: waiting for it", path.display()));
                folder.lock().map_err(|e| Failure::writing(path, &e))?;
            }
            // Some network file systems have no locks; the store's own version check still keeps changes apart.
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => return Ok(Held { _lock: folder, made }),
            Err(TryLockError::Error(e)) => return Err(Failure::writing(path, &e)),
        }
        // While we waited the folder may have been removed and made anew: then the lock is on nothing.
        let held = folder.metadata().map_err(|e| Failure::writing(path, &e))?;
        if fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (held.dev(), held.ino())) {
            return Ok(Held { _lock: folder, made });
        }
    }
}
