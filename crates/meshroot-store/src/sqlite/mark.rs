//! The mark beside a store: how far it has got. A store that has got less far is an older copy that somebody put back.
//!
//! It is written after a transaction, so it never says more than is on the disk, and may say less after a power cut:
//! only a change of the hierarchy waits for it. It is small and lies in place, so writing it costs two system calls.

use core::fmt::Write as _;
use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::checksum::Checksum;
use crate::files::{self, Mode};
use crate::{StoreError, StoreId};

/// What the file's name ends with.
pub(super) const SUFFIX: &str = "-mark";

const WORD: &str = "meshroot-mark-1";

/// A line with the newline at its end. There are two, written in turns: a power cut spoils one at most.
const LINE: usize = 192;

/// Milliseconds after which a process that holds up all others is not waited for any more; a writer is not, either.
const PATIENCE: u32 = 10_000;

/// How far a store has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reached {
    /// See `standing`.
    pub(super) epoch: i64,
    /// The store's version.
    pub(super) version: i64,
    /// See `standing`.
    pub(super) writes: i64,
    /// The position of the newest entry of the issuance log.
    pub(super) position: i64,
    /// The greatest sequence number of a bundle.
    pub(super) sequence: i64,
}

impl Reached {
    /// The farther of two: the later epoch's, and within one, each number's.
    fn or(self, other: Self) -> Self {
        match self.epoch.cmp(&other.epoch) {
            core::cmp::Ordering::Greater => self,
            core::cmp::Ordering::Less => other,
            core::cmp::Ordering::Equal => Self {
                epoch: self.epoch,
                version: self.version.max(other.version),
                writes: self.writes.max(other.writes),
                position: self.position.max(other.position),
                sequence: self.sequence.max(other.sequence),
            },
        }
    }

    /// In which way `self` has got less far than what the mark says.
    pub(super) fn behind(&self, mark: &Self) -> Option<String> {
        let words = |what: &str, here: i64, there: i64| Some(format!("its {what} is {here}, and the mark beside it says that it was {there}"));
        if self.epoch != mark.epoch {
            return if self.epoch < mark.epoch { words("epoch", self.epoch, mark.epoch) } else { None };
        }
        if self.version < mark.version {
            return words("version", self.version, mark.version);
        }
        if self.position < mark.position {
            return words("last record", self.position, mark.position);
        }
        if self.writes < mark.writes { words("count of changes", self.writes, mark.writes) } else { None }
    }
}

/// What lies beside a store.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// A mark that is none, or another store's, in words.
    Unusable(String),
    /// How far this store has got.
    Mark(Reached),
}

/// The open mark of a store. While it is open it carries a shared lock, by which a writer knows whether it is alone.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    id: StoreId,
    turn: bool,
}

/// Where the mark of the store at `path` lies.
pub(super) fn path_of(path: &Path) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(SUFFIX);
    PathBuf::from(name)
}

impl Mark {
    /// Opens the one that is there; says what is found.
    pub(super) fn open(store: &Path, id: &StoreId) -> Result<(Option<Self>, Found), StoreError> {
        let path = path_of(store);
        let file = match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((None, Found::Nothing)),
            Err(e) => return Err(StoreError::io("open", &path, e)),
        };
        let mark = Self { file, id: id.clone(), turn: false };
        mark.share();
        let found = mark.read().map_err(|e| StoreError::io("read", &path, e))?;
        Ok((Some(mark), found))
    }

    /// Lays one, or makes a good one of what is there. Only while writing to the store, so that two never do it at once.
    pub(super) fn lay(store: &Path, id: &StoreId, reached: &Reached) -> Result<Self, StoreError> {
        let path = path_of(store);
        let line = line(id, reached);
        let both = [line.as_str(), line.as_str()].concat();
        match files::write_new(&path, both.as_bytes(), Mode::Private) {
            // Written over and not replaced: others may have it open, and their locks are on it.
            Ok(()) | Err(StoreError::Exists(_)) => {}
            Err(e) => return Err(e),
        }
        let failed = |e| StoreError::io("write", &path, e);
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(failed)?;
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
        let mut found = Found::Unusable("the mark beside it cannot be read".into());
        for chunk in both.chunks(LINE) {
            let Some((id, reached)) = core::str::from_utf8(chunk).ok().and_then(parse) else { continue };
            if id != self.id.as_str() {
                return Ok(Found::Unusable(format!("the mark beside it is of another store ({id})")));
            }
            found = Found::Mark(match found {
                Found::Mark(other) => other.or(reached),
                _ => reached,
            });
        }
        Ok(found)
    }

    /// Moves it on; another process may have moved it farther. `durable` waits for the disk.
    pub(super) fn advance(&mut self, reached: &Reached, durable: bool) -> io::Result<()> {
        let farther = match self.read()? {
            // Who only reads leaves no trace.
            Found::Mark(held) if held.or(*reached) == held => return Ok(()),
            Found::Mark(held) => held.or(*reached),
            _ => *reached,
        };
        self.turn = !self.turn;
        let offset = if self.turn { u64::try_from(LINE).unwrap_or(0) } else { 0 };
        self.file.write_all_at(line(&self.id, &farther).as_bytes(), offset)?;
        if durable { self.file.sync_data() } else { Ok(()) }
    }

    /// Whether no other process, and nobody else in this one, has the store open. Until [`share`](Self::share) is
    /// called nobody can open it. Only to be asked while writing, which one does at a time.
    pub(super) fn alone(&self) -> bool {
        let alone = self.file.try_lock().is_ok();
        if !alone {
            self.share();
        }
        alone
    }

    /// Lets others in again.
    pub(super) fn not_alone(&self) {
        self.share();
    }
}

fn checksum(id: &str, reached: &Reached) -> i64 {
    let line = Checksum::of("mark").text(id).int(reached.epoch).int(reached.version).int(reached.writes);
    line.int(reached.position).int(reached.sequence).finish()
}

fn line(id: &StoreId, reached: &Reached) -> String {
    let Reached { epoch, version, writes, position, sequence } = reached;
    let sum = checksum(id.as_str(), reached).cast_unsigned();
    let mut line = String::with_capacity(LINE);
    let _ = write!(line, "{WORD} {id} {epoch} {version} {writes} {position} {sequence} {sum:016x}");
    while line.len() < LINE.saturating_sub(1) {
        line.push(' ');
    }
    line.push('\n');
    line
}

fn parse(line: &str) -> Option<(&str, Reached)> {
    let mut words = line.split_ascii_whitespace();
    let id = (words.next()? == WORD).then(|| words.next()).flatten()?;
    let mut number = || words.next()?.parse::<i64>().ok();
    let reached = Reached { epoch: number()?, version: number()?, writes: number()?, position: number()?, sequence: number()? };
    let sum = u64::from_str_radix(words.next()?, 16).ok()?;
    (sum.cast_signed() == checksum(id, &reached)).then_some((id, reached))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> StoreId {
        "00112233445566778899aabbccddeeff".parse().unwrap()
    }

    const FAR: Reached = Reached { epoch: 3, version: i64::MAX, writes: i64::MAX, position: i64::MAX, sequence: i64::MAX };

    #[test]
    fn a_line_always_has_its_length_and_is_read_back() {
        for reached in [FAR, Reached::default()] {
            let text = line(&id(), &reached);
            assert_eq!((text.len(), text.ends_with('\n')), (LINE, true));
            assert_eq!(parse(&text), Some((id().as_str(), reached)));
            assert_eq!(parse(&text.replacen(" 3 ", " 4 ", 1).replacen(" 0 ", " 1 ", 1)), None, "changed");
        }
    }

    #[test]
    fn one_spoilt_line_is_of_no_consequence_and_two_are_no_mark() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("mesh.db");
        let mut mark = Mark::lay(&store, &id(), &Reached { version: 1, ..Reached::default() }).unwrap();
        mark.advance(&Reached { version: 2, ..Reached::default() }, true).unwrap();
        mark.advance(&Reached { position: 7, ..Reached::default() }, false).unwrap();
        let whole = std::fs::read(path_of(&store)).unwrap();
        for (spoilt, usable) in [(vec![], true), (vec![0], true), (vec![1], true), (vec![0, 1], false)] {
            let mut bytes = whole.clone();
            spoilt.iter().for_each(|line| bytes[line * LINE + 60] ^= 1);
            std::fs::write(path_of(&store), &bytes).unwrap();
            match Mark::open(&store, &id()).unwrap().1 {
                Found::Mark(reached) => assert_eq!((usable, reached.version), (true, 2)),
                Found::Unusable(_) => assert!(!usable),
                Found::Nothing => unreachable!(),
            }
        }
        assert!(matches!(Mark::open(&store, &"ff".repeat(16).parse().unwrap()).unwrap().1, Found::Unusable(_)));
    }

    #[test]
    fn whoever_has_it_open_alone_knows_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("mesh.db");
        let first = Mark::lay(&store, &id(), &Reached::default()).unwrap();
        assert!(first.alone());
        first.not_alone();
        let second = Mark::open(&store, &id()).unwrap().0.unwrap();
        assert!(!first.alone() && !second.alone());
        drop(second);
        assert!(first.alone());
    }
}
