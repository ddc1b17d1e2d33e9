//! How the log keeps certificates: whole, or as what differs from a whole one a little before it in the same segment.
//!
//! A CA's certificates of one kind are the same but for identity, times, key, serial number and signature. Two of these have
//! columns of their own. What is left takes a third of the room, and what takes less room takes fewer writes.

use core::fmt;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use super::delta::{self, Known, Reference};
use super::failure::Context;
use super::log;
use super::segments::Segment;
use crate::StoreError;

/// With this octet begins what is kept as a difference; behind it comes how many positions before the reference is, and the
/// difference, as [`delta`] has them. A certificate in DER begins with 0x30.
const DIFFERENCE: u8 = 1;

/// How many positions before an entry its reference may be: so many entries, and no more, are lost with one that is damaged.
const REACH: i64 = 1_024;

/// The longest certificate that this library reads, and with it the longest that a difference can stand for.
const LONGEST: usize = 65_536;

/// How many references are remembered, of about 3 kB: one for each CA and kind of certificate.
const REMEMBERED: usize = 256;

/// The newest certificates that the open segment has whole, each CA's and kind's: by them the next ones are kept.
#[derive(Debug, Default)]
pub(super) struct References {
    /// The segment's number: nothing refers to another segment.
    segment: i64,
    /// The last entry that was looked at.
    seen: i64,
    held: Vec<Held>,
    /// What is written to the log next. Its memory is used again.
    difference: Vec<u8>,
}

#[derive(Debug)]
struct Held {
    position: i64,
    authority: String,
    kind: String,
    reference: Reference,
}

/// A certificate, with what decides how it is kept.
pub(super) struct Whole<'a> {
    pub(super) position: i64,
    pub(super) authority: &'a str,
    pub(super) kind: &'a str,
    /// What its row says anyhow: serial number and identity.
    pub(super) known: Known<'a>,
    pub(super) certificate: &'a [u8],
}

impl References {
    /// Reads what the log has got since, in this process or another.
    pub(super) fn catch_up_to(&mut self, newest: i64, connection: &Connection, context: &Context<'_>, open: &Segment) -> Result<(), StoreError> {
        if self.segment != open.number || self.seen > newest {
            *self = Self { segment: open.number, ..Self::default() };
        }
        if self.seen == newest {
            return Ok(());
        }
        let failed = |e| context.failed(e);
        let sql = format!("{} WHERE position > ? AND substr(certificate, 1, 1) <> x'01' ORDER BY position", log::columns(&open.table()));
        let mut select = connection.prepare_cached(&sql).map_err(failed)?;
        let mut rows = select.query([self.seen.max(newest.saturating_sub(REACH))]).map_err(failed)?;
        let mut certificates = Certificates::of(connection, context, open);
        while let Some(row) = rows.next().map_err(failed)? {
            let position = row.get(0).map_err(failed)?;
            match log::entry(row, &mut certificates) {
                Ok(row) => self.hold(position, row.authority.as_str(), &row.kind, row.certificate),
                // Who reads it is told so. Nothing more shall depend on it.
                Err(StoreError::Damaged { .. }) => {}
                Err(e) => return Err(e),
            }
        }
        self.seen = newest;
        Ok(())
    }

    /// Forgets what was appended at this position and behind it.
    pub(super) fn take_back(&mut self, position: i64) {
        self.held.retain(|held| held.position < position);
        self.seen = position.saturating_sub(1);
    }

    /// What the log keeps of a certificate that is appended now. One that is kept whole is the reference of those that follow.
    pub(super) fn keep<'a>(&'a mut self, whole: &Whole<'a>) -> &'a [u8] {
        self.seen = whole.position;
        if self.differs_little(whole) {
            return &self.difference;
        }
        self.hold(whole.position, whole.authority, whole.kind, whole.certificate.to_vec());
        whole.certificate
    }

    /// Whether it can be kept as a difference, and a third of it is saved so.
    fn differs_little(&mut self, whole: &Whole<'_>) -> bool {
        let Self { held, difference, .. } = self;
        let Some(held) = held.iter().find(|held| held.authority == whole.authority && held.kind == whole.kind) else { return false };
        let before = whole.position.saturating_sub(held.position);
        if !(1..=REACH).contains(&before) || whole.certificate.len() > LONGEST {
            return false;
        }
        difference.clear();
        difference.push(DIFFERENCE);
        delta::put(difference, before.cast_unsigned());
        held.reference.encode(whole.known, whole.certificate, difference);
        difference.len().saturating_mul(3) <= whole.certificate.len().saturating_mul(2)
    }

    fn hold(&mut self, position: i64, authority: &str, kind: &str, certificate: Vec<u8>) {
        let reference = Reference::new(certificate);
        if let Some(held) = self.held.iter_mut().find(|held| held.authority == authority && held.kind == kind) {
            (held.position, held.reference) = (position, reference);
            return;
        }
        if self.held.len() >= REMEMBERED
            && let Some((oldest, _)) = self.held.iter().enumerate().min_by_key(|(_, held)| held.position)
        {
            self.held.swap_remove(oldest);
        }
        self.held.push(Held { position, authority: authority.to_owned(), kind: kind.to_owned(), reference });
    }
}

/// Where the reference of an entry is; `None` when it is kept whole. The inner value is `None` when that cannot be said.
fn reference(position: i64, kept: &[u8]) -> Option<Option<(i64, &[u8])>> {
    let mut rest = kept.strip_prefix(&[DIFFERENCE])?;
    let before = delta::take(&mut rest).and_then(|before| i64::try_from(before).ok()).filter(|before| (1..=REACH).contains(before));
    Some(before.map(|before| (position.saturating_sub(before), rest)))
}

/// What is damaged when an entry is: it may be the one by which it is kept.
pub(super) struct Name {
    position: i64,
    by: Option<i64>,
}

pub(super) fn name(position: i64, kept: &[u8]) -> Name {
    Name { position, by: reference(position, kept).flatten().map(|(by, _)| by) }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} of the issuance log", self.position)?;
        self.by.map_or(Ok(()), |by| write!(f, ", or entry {by}, by which it is kept,"))
    }
}

/// The certificates of a segment, to read.
pub(super) struct Certificates<'a> {
    pub(super) connection: &'a Connection,
    pub(super) context: &'a Context<'a>,
    pub(super) segment: &'a Segment,
    /// References: neighbours have the same.
    read: BTreeMap<i64, Vec<u8>>,
}

impl<'a> Certificates<'a> {
    pub(super) fn of(connection: &'a Connection, context: &'a Context<'a>, segment: &'a Segment) -> Self {
        Self { connection, context, segment, read: BTreeMap::new() }
    }

    /// An entry's certificate, whole. Only the entry's checksum says whether it is what was written.
    pub(super) fn whole(&mut self, position: i64, known: Known<'_>, kept: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        let Some(by) = reference(position, &kept) else { return Ok(kept) };
        let whole = match by {
            Some((by, difference)) => self.reference(by)?.and_then(|reference| delta::decode(reference, known, difference, LONGEST)),
            None => None,
        };
        whole.ok_or_else(|| self.context.damaged(format!("{} is not what was written", name(position, &kept))))
    }

    /// What another entry is kept by; `None` if that one is not there, or itself a difference.
    fn reference(&mut self, position: i64) -> Result<Option<&[u8]>, StoreError> {
        let failed = |e| self.context.failed(e);
        if !self.read.contains_key(&position) {
            let sql = format!("SELECT certificate FROM {} WHERE position = ?", self.segment.table());
            let mut select = self.connection.prepare_cached(&sql).map_err(failed)?;
            let found: Option<Vec<u8>> = select.query_row([position], |row| row.get(0)).optional().map_err(failed)?;
            let Some(found) = found.filter(|found| !found.starts_with(&[DIFFERENCE])) else { return Ok(None) };
            if self.read.len() >= REMEMBERED {
                self.read.clear();
            }
            self.read.insert(position, found);
        }
        Ok(self.read.get(&position).map(Vec::as_slice))
    }
}

#[cfg(test)]
mod tests;
