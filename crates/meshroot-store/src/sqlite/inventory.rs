//! The inventory: what the issuance log is searched by. It is made from the log, a moment behind it, in small steps, so
//! that the hot path only appends.

use core::time::Duration;
use std::collections::BTreeMap;

use meshroot::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::failure::Context;
use super::segments::{self, Segment};
use crate::{IdPattern, Maintained, Search, StoreError};

/// What an entry is found by, in `terms`. The numbers are in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Term {
    /// The SPIFFE ID.
    Id = 1,
    /// The caller's name.
    Caller = 2,
    /// The first eight octets of the serial number, which are random.
    Serial = 3,
    /// The CA, then the moment of expiry: see [`expiry_key`].
    Expiry = 4,
}

impl Term {
    pub(super) const fn number(self) -> i64 {
        match self {
            Self::Id => 1,
            Self::Caller => 2,
            Self::Serial => 3,
            Self::Expiry => 4,
        }
    }
}

/// Expiries are counted by spans of ten minutes: a few thousand counts for a million certificates.
const SLOT: i64 = 600;

pub(super) fn slot(not_after: i64) -> i64 {
    not_after.div_euclid(SLOT)
}

/// The first moment of the span after the one that `now` is in.
pub(super) fn slot_end(now: i64) -> i64 {
    slot(now).saturating_add(1).saturating_mul(SLOT)
}

/// How many entries are taken up together. Keys are random, so few of them would write as many pages as many do: with so
/// many, sorted, each page takes several.
const TOGETHER: i64 = 16_384;

/// So long they may wait for others.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many terms one step writes: a few milliseconds for which writers wait.
const STEP: usize = 2_048;

/// Entries that are being taken up. What was written of them counts when all is, and is written again after a crash.
#[derive(Debug)]
struct Learning {
    /// Still to be written, in the opposite order of their keys.
    terms: Vec<(i64, Vec<u8>, i64)>,
    expiries: BTreeMap<(i64, String, i64), i64>,
    /// As it is when all is written.
    segment: Segment,
}

/// What one process does for the inventory.
#[derive(Debug, Default)]
pub(super) struct Maintenance {
    learning: Option<Learning>,
    /// When entries were last taken up.
    learned_at: Option<Timestamp>,
}

pub(super) fn serial_key(serial: &[u8]) -> &[u8] {
    serial.get(..8).unwrap_or(serial)
}

/// What all keys of a CA's certificates begin with.
pub(super) fn authority_key(trust_domain: i64, authority: &str) -> Vec<u8> {
    let mut key = u32::try_from(trust_domain).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    key.extend_from_slice(authority.as_bytes());
    key.push(0);
    key
}

/// A CA and a moment, so that keys sort by the moment: 40 bits of seconds reach for 17,000 years to either side of 1970.
pub(super) fn expiry_key(trust_domain: i64, authority: &str, not_after: i64) -> Vec<u8> {
    const HALF: i64 = 1 << 39;
    let seconds = not_after.clamp(-HALF, HALF.saturating_sub(1)).saturating_add(HALF);
    let mut key = authority_key(trust_domain, authority);
    key.extend(seconds.to_be_bytes().into_iter().skip(3));
    key
}

impl Maintenance {
    /// One step of what is done beside: the first of these for which there is occasion.
    pub(super) fn step(
        &mut self,
        connection: &Connection,
        context: &Context<'_>,
        now: Timestamp,
        retention: Duration,
    ) -> Result<Maintained, StoreError> {
        if let Some(learning) = self.learning.take() {
            self.learning = learning.go_on(connection, context)?;
            return Ok(Maintained { more: true, expired: 0 });
        }
        let held = segments::held(connection, context)?;
        for segment in &held {
            let newest = segment.newest(connection, context)?;
            if segment.known < newest {
                // A closed one gets no others.
                let is_time = self.learned_at.is_none_or(|at| at.plus(PATIENCE) <= now || now < at);
                if !is_time && segment.last.is_none() && newest.saturating_sub(segment.known) < TOGETHER {
                    break;
                }
                if segment.last.is_none() {
                    self.learned_at = Some(now);
                }
                self.learning = Some(Learning::of(connection, context, segment.clone())?);
                return Ok(Maintained { more: true, expired: 0 });
            }
            let expired = Timestamp::from_unix(segment.last_expiry).plus(retention) < now;
            if segment.last.is_some() && expired {
                segments::drop_one(connection, context, segment.clone())?;
                let entries = newest.saturating_sub(segment.first).saturating_add(1);
                return Ok(Maintained { more: true, expired: u64::try_from(entries).unwrap_or(0) });
            }
        }
        if let Some(open) = held.last()
            && is_full(connection, context, open, now)?
        {
            segments::begin_next(connection, context, 0)?;
        }
        Ok(Maintained::default())
    }
}

fn is_full(connection: &Connection, context: &Context<'_>, open: &Segment, now: Timestamp) -> Result<bool, StoreError> {
    let entries = open.newest(connection, context)?.saturating_sub(open.first).saturating_add(1);
    if entries >= segments::ENTRIES {
        return Ok(true);
    }
    if entries < 1 {
        return Ok(false);
    }
    let sql = format!("SELECT at FROM {} ORDER BY position LIMIT 1", open.table());
    let first: i64 = connection.prepare_cached(&sql).and_then(|mut select| select.query_row([], |row| row.get(0))).map_err(|e| context.failed(e))?;
    Ok(first.saturating_add(segments::SECONDS) < now.unix())
}

/// What the inventory takes from an entry.
pub(super) struct Entry {
    pub(super) position: i64,
    pub(super) trust_domain: i64,
    pub(super) authority: String,
    caller: String,
    id: Option<String>,
    serial: Vec<u8>,
    pub(super) not_after: i64,
}

impl Entry {
    /// What can be said without reading the certificate; the rest is found out with it.
    pub(super) fn may_fit(&self, search: &Search) -> bool {
        let id_fits = |pattern: &IdPattern| match (pattern, &self.id) {
            (_, None) => false,
            (IdPattern::Exactly(wanted), Some(id)) => wanted.as_str() == id,
            (IdPattern::BeginsWith(start), Some(id)) => id.starts_with(start),
        };
        search.id.as_ref().is_none_or(id_fits)
            && search.caller.as_ref().is_none_or(|start| self.caller.starts_with(start))
            && search.serial.as_ref().is_none_or(|wanted| wanted.as_bytes() == self.serial)
            && search.authorities.as_ref().is_none_or(|wanted| wanted.iter().any(|one| one.as_str() == self.authority))
            && search.expires_after.is_none_or(|after| self.not_after > after.unix())
            && search.expires_by.is_none_or(|by| self.not_after <= by.unix())
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        position: row.get(0)?,
        trust_domain: row.get(1)?,
        authority: row.get(2)?,
        caller: row.get(3)?,
        id: row.get(4)?,
        serial: row.get(5)?,
        not_after: row.get(6)?,
    })
}

/// Entries of a segment behind this position.
pub(super) fn entries(connection: &Connection, context: &Context<'_>, segment: &Segment, after: i64, limit: i64) -> Result<Vec<Entry>, StoreError> {
    let failed = |e| context.failed(e);
    let sql = format!(
        "SELECT position, trust_domain, authority, caller, spiffe_id, serial, not_after FROM {} WHERE position > ? ORDER BY position LIMIT ?",
        segment.table()
    );
    let mut select = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = select.query_map([after, limit], entry).map_err(failed)?;
    rows.collect::<Result<_, _>>().map_err(failed)
}

impl Learning {
    /// The next entries of a segment.
    fn of(connection: &Connection, context: &Context<'_>, mut segment: Segment) -> Result<Self, StoreError> {
        let learned = entries(connection, context, &segment, segment.known, TOGETHER)?;
        let mut terms: Vec<(i64, Vec<u8>, i64)> = Vec::with_capacity(learned.len().saturating_mul(4));
        let mut expiries = BTreeMap::new();
        for entry in learned {
            let mut add = |term: Term, key: &[u8]| terms.push((term.number(), key.to_vec(), entry.position));
            entry.id.iter().for_each(|id| add(Term::Id, id.as_bytes()));
            add(Term::Caller, entry.caller.as_bytes());
            add(Term::Serial, serial_key(&entry.serial));
            add(Term::Expiry, &expiry_key(entry.trust_domain, &entry.authority, entry.not_after));
            let count: &mut i64 = expiries.entry((entry.trust_domain, entry.authority, slot(entry.not_after))).or_default();
            *count = count.saturating_add(1);
            segment.last_expiry = segment.last_expiry.max(entry.not_after);
            segment.known = entry.position;
        }
        // Neighbours share pages.
        terms.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Self { terms, expiries, segment })
    }

    /// Writes some of them; with the last ones, what they count for. `None` when all is done.
    fn go_on(mut self, connection: &Connection, context: &Context<'_>) -> Result<Option<Self>, StoreError> {
        let failed = |e| context.failed(e);
        let number = self.segment.number;
        let sql = format!("INSERT OR IGNORE INTO terms_{number} (kind, key, position) VALUES (?, ?, ?)");
        let mut insert = connection.prepare_cached(&sql).map_err(failed)?;
        for (kind, key, position) in self.terms.drain(self.terms.len().saturating_sub(STEP)..).rev() {
            insert.execute(params![kind, key, position]).map_err(failed)?;
        }
        if !self.terms.is_empty() {
            return Ok(Some(self));
        }
        // Another process may have done the same, and then it is counted already.
        let known = segments::of_position(connection, context, self.segment.first)?.map(|held| (held.known, held.dropped, held.last));
        let Some((known, false, last)) = known else { return Ok(None) };
        if known >= self.segment.known || self.began_at() != known {
            return Ok(None);
        }
        let sql = format!(
            "INSERT INTO expiries_{number} (trust_domain, authority, slot, certificates) VALUES (?, ?, ?, ?) \
             ON CONFLICT DO UPDATE SET certificates = certificates + excluded.certificates"
        );
        let mut insert = connection.prepare_cached(&sql).map_err(failed)?;
        for ((trust_domain, authority, slot), count) in &self.expiries {
            insert.execute(params![trust_domain, authority, slot, count]).map_err(failed)?;
        }
        Segment { last, ..self.segment }.update(connection, context)?;
        Ok(None)
    }

    /// Behind which position its entries begin.
    fn began_at(&self) -> i64 {
        let entries = self.expiries.values().fold(0i64, |sum, count| sum.saturating_add(*count));
        self.segment.known.saturating_sub(entries)
    }
}
