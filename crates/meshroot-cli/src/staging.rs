//! A new mesh appears as a whole or not at all.
//!
//! It is made in `.meshroot-making` inside its folder. When it is complete that is renamed to `.meshroot-made`, and then
//! its parts are moved to their places. A crash before the renaming leaves nothing that counts; a crash after it is
//! made good by whoever comes next. The folder must be locked.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::exit::{Exit, Failure, Result};

const MAKING: &str = ".meshroot-making";
const MADE: &str = ".meshroot-made";

/// What a mesh's folder holds, in the order of moving: the store comes last, since it is what makes a mesh.
const PARTS: [&str; 6] = ["root", "clusters", "root-cert.pem", "bundle.json", "unlock.key", "store"];

/// A mesh in the making. Dropped before [`finish`](Self::finish), it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Staging {
    folder: PathBuf,
    finished: bool,
}

/// Completes what a crash interrupted, and removes what one left behind.
pub(crate) fn recover(folder: &Path) -> Result<()> {
    remove(&folder.join(MAKING))?;
    if folder.join(MADE).is_dir() {
        move_parts(folder)?;
    }
    Ok(())
}

impl Staging {
    /// Starts in this folder, which has no mesh yet.
    pub(crate) fn begin(folder: &Path) -> Result<Self> {
        for part in PARTS {
            let path = folder.join(part);
            if fs::symlink_metadata(&path).is_ok() {
                let message = format!("{} is already there and belongs to no mesh: choose another folder, or move it away", path.display());
                return Err(Failure::new(Exit::CannotWrite, "store.exists", message));
            }
        }
        let staging = Self { folder: folder.to_owned(), finished: false };
        meshroot_store::files::private_dir(&staging.path())?;
        Ok(staging)
    }

    /// Where to make it.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(MAKING)
    }

    /// Puts everything in its place.
    pub(crate) fn finish(mut self) -> Result<()> {
        rename(&self.path(), &self.folder.join(MADE))?;
        self.finished = true;
        sync(&self.folder)?;
        move_parts(&self.folder)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.finished {
            // The reason to give up is the error that people should read; recover() tries again.
            let _ = remove(&self.path());
        }
    }
}

fn move_parts(folder: &Path) -> Result<()> {
    let made = folder.join(MADE);
    for part in PARTS {
        let from = made.join(part);
        if fs::symlink_metadata(&from).is_ok() {
            sync(folder)?;
            rename(&from, &folder.join(part))?;
        }
    }
    sync(folder)?;
    remove(&made)
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|e| Failure::writing(to, &e))
}

fn sync(folder: &Path) -> Result<()> {
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| Failure::writing(folder, &e))
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Failure::writing(path, &e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(folder: &Path) -> Staging {
        let staging = Staging::begin(folder).unwrap();
        for part in PARTS {
            fs::create_dir(staging.path().join(part)).unwrap();
        }
        staging
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn all() -> Vec<String> {
        let mut all = PARTS.map(str::to_owned).to_vec();
        all.sort();
        all
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(make(folder.path()));
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn what_is_finished_is_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        make(folder.path()).finish().unwrap();
        assert_eq!(names(folder.path()), all());
    }

    #[test]
    fn a_crash_while_making_leaves_nothing_that_counts() {
        let folder = tempfile::tempdir().unwrap();
        std::mem::forget(make(folder.path()));
        recover(folder.path()).unwrap();
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_crash_while_moving_is_made_good() {
        for moved in 0..=PARTS.len() {
            let folder = tempfile::tempdir().unwrap();
            let staging = make(folder.path());
            let made = folder.path().join(MADE);
            fs::rename(staging.path(), &made).unwrap();
            std::mem::forget(staging);
            for part in &PARTS[..moved] {
                fs::rename(made.join(part), folder.path().join(part)).unwrap();
            }
            recover(folder.path()).unwrap();
            assert_eq!(names(folder.path()), all(), "after {moved} moves");
        }
    }

    #[test]
    fn what_belongs_to_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bundle.json"), "theirs").unwrap();
        assert_eq!(Staging::begin(folder.path()).unwrap_err().exit, Exit::CannotWrite);
        assert_eq!(names(folder.path()), ["bundle.json"]);
    }
}
