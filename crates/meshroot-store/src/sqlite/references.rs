//! How the log keeps certificates: whole, or as what differs from a whole one a little before it in the same segment.
//!
//! A CA's certificates of one kind are the same but for identity, times, key, serial number and signature. Two of these have
//! columns of their own. What is left takes a third of the room, and what takes less room takes fewer writes.

use core::fmt;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use super::delta::{self, Known, Reference};
use super::failure::Context;
use super::segments::Segment;
use crate::StoreError;

/// With this octet begins what is kept as a difference; behind it comes how many positions before the reference is, and the
/// difference, as [`delta`] has them. A certificate in DER begins with 0x30.
const DIFFERENCE: u8 = 1;

/// How many entries one is the reference of, at most: so many are lost with it when it is damaged.
const DEPENDENTS: u32 = 256;

/// How many positions before an entry its reference may be: enough for some hundred CAs that take turns.
const REACH: i64 = 8_192;

/// The longest certificate that this library reads, and with it the longest that a difference can stand for.
const LONGEST: usize = 65_536;

/// How many references are remembered, of about 3 kB: one for each CA and kind of certificate.
const REMEMBERED: usize = 256;

/// Certificates that this process appended whole to the open segment, the newest of each CA and kind: by them the next ones are kept.
/// What others appended is not read for it: a reference more for each process costs less.
#[derive(Debug, Default)]
pub(super) struct References {
    /// The segment's number: nothing refers to another segment.
    segment: i64,
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
    dependents: u32,
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
    /// Goes on behind the newest entry of the open segment.
    pub(super) fn go_on(&mut self, open: &Segment, newest: i64) {
        if self.segment != open.number {
            (self.segment, self.held) = (open.number, Vec::new());
        }
        self.take_back(newest.saturating_add(1));
    }

    /// Forgets what was appended at this position and behind it.
    pub(super) fn take_back(&mut self, position: i64) {
        self.held.retain(|held| held.position < position);
    }

    /// What the log keeps of a certificate that is appended now. One that is kept whole is the reference of those that follow.
    pub(super) fn keep<'a>(&'a mut self, whole: &Whole<'a>) -> &'a [u8] {
        if self.differs_little(whole) {
            return &self.difference;
        }
        self.hold(whole);
        whole.certificate
    }

    /// Whether it can be kept as a difference, and a third of it is saved so.
    fn differs_little(&mut self, whole: &Whole<'_>) -> bool {
        let Self { held, difference, .. } = self;
        let Some(held) = held.iter_mut().find(|held| held.authority == whole.authority && held.kind == whole.kind) else { return false };
        let before = whole.position.saturating_sub(held.position);
        if !(1..=REACH).contains(&before) || held.dependents >= DEPENDENTS || whole.certificate.len() > LONGEST {
            return false;
        }
        difference.clear();
        difference.push(DIFFERENCE);
        delta::put(difference, before.cast_unsigned());
        let head = difference.len();
        held.reference.encode(whole.known, whole.certificate, difference);
        held.dependents = held.dependents.saturating_add(1);
        difference.len().saturating_mul(3) <= whole.certificate.len().saturating_mul(2)
            // The log is the truth: what cannot be read back is not written to it, whatever the reason.
            && difference.get(head..).is_some_and(|written| held.reference.reads_back(whole.known, written, whole.certificate))
    }

    fn hold(&mut self, whole: &Whole<'_>) {
        self.held.retain(|held| held.authority != whole.authority || held.kind != whole.kind);
        if self.held.len() >= REMEMBERED
            && let Some((oldest, _)) = self.held.iter().enumerate().min_by_key(|(_, held)| held.position)
        {
            self.held.swap_remove(oldest);
        }
        let (authority, kind) = (whole.authority.to_owned(), whole.kind.to_owned());
        let reference = Reference::new(whole.certificate.to_vec());
        self.held.push(Held { position: whole.position, authority, kind, reference, dependents: 0 });
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
