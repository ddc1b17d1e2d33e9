//! The mark of a store, a file beside it or beside who uses it: how far the store has got. One that has got less far is an
//! older copy that somebody put back.
//!
//! It is written after a transaction, so it never says more than is on the disk, and may say less after a power cut:
//! only a change of the hierarchy waits for it. It is small and lies in place, so writing it costs two system calls.

mod line;
mod reached;

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use crate::files::{self, Mode};
use crate::{StoreError, StoreId};
use line::{LINE, parse};
pub(crate) use reached::Reached;
#[cfg(feature = "postgres")]
pub(crate) use reached::Server;

/// Milliseconds after which a process that holds up all others is not waited for any more; a writer is not, either.
const PATIENCE: u32 = 10_000;

/// What lies where a mark would be.
#[derive(Debug)]
pub(crate) enum Found {
    /// Nothing.
    Nothing,
    /// A mark that is none, or another store's: what it does, in words.
    Unusable(String),
    /// How far this store has got.
    Mark(Reached),
}

/// The open mark of a store. While it is open it carries a shared lock, by which a writer knows whether it is alone.
#[derive(Debug)]
pub(crate) struct Mark {
    file: File,
    id: StoreId,
    turn: bool,
}

impl Mark {
    /// Opens the one that is there; says what is found.
    pub(crate) fn open(path: &Path, id: &StoreId) -> Result<(Option<Self>, Found), StoreError> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((None, Found::Nothing)),
            Err(e) => return Err(StoreError::io("open", path, e)),
        };
        let mark = Self { file, id: id.clone(), turn: false };
        mark.share();
        let found = mark.read().map_err(|e| StoreError::io("read", path, e))?;
        Ok((Some(mark), found))
    }

    /// Lays one, or makes a good one of what is there. Two must not do it at once with different things to say.
    pub(crate) fn lay(path: &Path, id: &StoreId, reached: &Reached) -> Result<Self, StoreError> {
        let line = line::write(id, reached);
        let both = [line.as_str(), line.as_str()].concat();
        match files::write_new(path, both.as_bytes(), Mode::Private) {
            // Written over and not replaced: others may have it open, and their locks are on it.
            Ok(()) | Err(StoreError::Exists(_)) => {}
            Err(e) => return Err(e),
        }
        let failed = |e| StoreError::io("write", path, e);
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
        file.write_all_at(both.as_bytes(), 0).and_then(|()| file.sync_data()).map_err(failed)?;
        let mark = Self { file, id: id.clone(), turn: false };
        mark.share();
        Ok(mark)
    }

    /// Waits until nobody is alone with it, which takes a commit. Where files cannot be locked nobody ever is: see `alone`.
    fn share(&self) {
        for _ in 0..PATIENCE {
            match self.file.try_lock_shared() {
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
                Ok(()) | Err(TryLockError::Error(_)) => return,
            }
        }
    }

    fn read(&self) -> io::Result<Found> {
        let mut both = [0u8; 2 * LINE];
        let mut length = 0usize;
        while let Some(rest) = both.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, u64::try_from(length).unwrap_or(0))? {
                0 => break,
                read => length = length.saturating_add(read),
            }
        }
        let mut found = Found::Unusable("cannot be read".into());
        for chunk in both.chunks(LINE) {
            let Some((id, reached)) = core::str::from_utf8(chunk).ok().and_then(parse) else { continue };
            if id != self.id.as_str() {
                return Ok(Found::Unusable(format!("is of another store ({id})")));
            }
            found = Found::Mark(match found {
                Found::Mark(other) => other.or(reached),
                _ => reached,
            });
        }
        Ok(found)
    }

    /// Moves it on; another process may have moved it farther. `durable` waits for the disk.
    pub(crate) fn advance(&mut self, reached: &Reached, durable: bool) -> io::Result<()> {
        let farther = match self.read()? {
            // Who only reads leaves no trace.
            Found::Mark(held) if held.or(*reached) == held => return Ok(()),
            Found::Mark(held) => held.or(*reached),
            _ => *reached,
        };
        self.turn = !self.turn;
        let offset = if self.turn { u64::try_from(LINE).unwrap_or(0) } else { 0 };
        self.file.write_all_at(line::write(&self.id, &farther).as_bytes(), offset)?;
        if durable { self.file.sync_data() } else { Ok(()) }
    }

    /// Whether no other process, and nobody else in this one, has the store open. Until [`share`](Self::share) is
    /// called nobody can open it. Only to be asked while writing, which one does at a time.
    pub(crate) fn alone(&self) -> bool {
        let alone = self.file.try_lock().is_ok();
        if !alone {
            self.share();
        }
        alone
    }

    /// Lets others in again.
    pub(crate) fn not_alone(&self) {
        self.share();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> StoreId {
        "00112233445566778899aabbccddeeff".parse().unwrap()
    }

    #[test]
    fn one_spoilt_line_is_of_no_consequence_and_two_are_no_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.db-mark");
        let mut mark = Mark::lay(&path, &id(), &Reached { version: 1, ..Reached::default() }).unwrap();
        mark.advance(&Reached { version: 2, ..Reached::default() }, true).unwrap();
        mark.advance(&Reached { position: 7, ..Reached::default() }, false).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for (spoilt, usable) in [(vec![], true), (vec![0], true), (vec![1], true), (vec![0, 1], false)] {
            let mut bytes = whole.clone();
            spoilt.iter().for_each(|line| bytes[line * LINE + 60] ^= 1);
            std::fs::write(&path, &bytes).unwrap();
            match Mark::open(&path, &id()).unwrap().1 {
                Found::Mark(reached) => assert_eq!((usable, reached.version), (true, 2)),
                Found::Unusable(_) => assert!(!usable),
                Found::Nothing => unreachable!(),
            }
        }
        assert!(matches!(Mark::open(&path, &"ff".repeat(16).parse().unwrap()).unwrap().1, Found::Unusable(_)));
    }

    #[test]
    fn whoever_has_it_open_alone_knows_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mesh.db-mark");
        let first = Mark::lay(&path, &id(), &Reached::default()).unwrap();
        assert!(first.alone());
        first.not_alone();
        let second = Mark::open(&path, &id()).unwrap().0.unwrap();
        assert!(!first.alone() && !second.alone());
        drop(second);
        assert!(first.alone());
    }
}
