//! Searching the inventory, segment by segment. What is found in it is read from the log, where it has checksums.

use std::collections::BTreeMap;

use meshroot::hierarchy::AuthorityId;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Context;
use super::inventory::{self, Term, authority_key, expiry_key, serial_key, slot};
use super::references::Certificates;
use super::segments::{self, Segment};
use super::{load, log};
use crate::{Found, IdPattern, IssuanceRow, LogExtent, Query, Search, StoreError, Unexpired};

/// The most entries of a segment that are looked at although the inventory does not know them yet: some ten milliseconds.
const TAIL: i64 = 49_152;

/// The most that one condition may fit in one segment. Only the log of an older format has segments of that size.
const MOST: usize = 4_000_000;

/// So few candidates are read, and judged by what they say: looking up what else would fit takes longer.
const FEW: usize = 2_000;

/// To read one is as much effort as so many candidates.
const READING: usize = 50;

/// So many candidates, and a page ends: who searches for much gets it in several pages, and nobody waits for one.
const PAGE_EFFORT: usize = 500_000;

pub(super) fn search(connection: &Connection, context: &Context<'_>, search: &Search) -> Result<Found, StoreError> {
    let mut after = i64::try_from(search.after).unwrap_or(i64::MAX);
    let limit = usize::try_from(search.limit.clamp(1, Search::MOST)).unwrap_or(1);
    let mut rows: Vec<IssuanceRow> = Vec::new();
    let mut effort = 0usize;
    let mut known = 0;
    for segment in segments::held(connection, context)? {
        let newest = segment.newest(connection, context)?;
        known = newest;
        if newest <= after || has_expired(&segment, newest, search) {
            continue;
        }
        let page = Page { connection, context, segment: &segment, search, after };
        let all_is_known = search.is_for_everything() || newest.saturating_sub(segment.known) <= TAIL;
        rows.extend(page.rows(limit.saturating_sub(rows.len()), all_is_known, &mut effort)?);
        if rows.len() >= limit {
            let next = rows.last().map(|row| row.position);
            return Ok(Found { rows, next, known: number(newest) });
        }
        if !all_is_known {
            known = segment.known;
            break;
        }
        after = newest;
        if effort >= PAGE_EFFORT {
            return Ok(Found { rows, next: Some(number(newest)), known: number(newest) });
        }
    }
    Ok(Found { rows, next: None, known: number(known) })
}

fn number(position: i64) -> u64 {
    u64::try_from(position).unwrap_or(0)
}

/// Whether the search is for unexpired certificates, and the segment has none.
fn has_expired(segment: &Segment, newest: i64, search: &Search) -> bool {
    segment.known == newest && search.expires_after.is_some_and(|after| after.unix() >= segment.last_expiry)
}

/// What may fit a search in one segment.
struct Candidates {
    positions: Vec<i64>,
    /// They were looked up by everything that is asked for.
    all_fit: bool,
}

/// A search in one segment.
struct Page<'a> {
    connection: &'a Connection,
    context: &'a Context<'a>,
    segment: &'a Segment,
    search: &'a Search,
    after: i64,
}

impl Page<'_> {
    fn rows(&self, limit: usize, with_tail: bool, effort: &mut usize) -> Result<Vec<IssuanceRow>, StoreError> {
        let mut rows = Vec::new();
        let Some(Candidates { mut positions, all_fit }) = self.candidates(effort)? else {
            let all = Query::default();
            return log::of_segment(self.connection, self.context, self.segment, &all, self.after, limit);
        };
        if !all_fit {
            *effort = effort.saturating_add(positions.len().saturating_mul(READING));
        }
        if with_tail {
            let tail = inventory::entries(self.connection, self.context, self.segment, self.segment.known.max(self.after), TAIL)?;
            positions.extend(tail.iter().filter(|entry| entry.may_fit(self.search)).map(|entry| entry.position));
        }
        let mut certificates = Certificates::of(self.connection, self.context, self.segment);
        for position in positions {
            let row = log::in_segment(&mut certificates, position)?;
            let is_tail = position > self.segment.known;
            match row.filter(|row| self.search.fits(row)) {
                Some(row) => rows.push(row),
                None if is_tail || !all_fit => {}
                None => return Err(self.context.damaged(format!("the inventory says of entry {position} what the issuance log does not"))),
            }
            if rows.len() >= limit {
                break;
            }
        }
        Ok(rows)
    }

    /// Where entries are that may fit, in order; `None` when there is no condition.
    fn candidates(&self, effort: &mut usize) -> Result<Option<Candidates>, StoreError> {
        let search = self.search;
        // The key of a serial number is its beginning.
        let mut all_fit = search.serial.is_none();
        let mut fitting: Option<Vec<i64>> = None;
        let mut narrow = |positions: Vec<i64>| {
            *effort = effort.saturating_add(positions.len());
            fitting = Some(narrowed(fitting.take(), positions));
        };
        if let Some(serial) = &search.serial {
            narrow(self.equal(Term::Serial, serial_key(serial.as_bytes()))?);
        }
        match &search.id {
            Some(IdPattern::Exactly(id)) => narrow(self.equal(Term::Id, id.as_str().as_bytes())?),
            Some(IdPattern::BeginsWith(start)) => narrow(self.beginning(Term::Id, start.as_bytes())?),
            None => {}
        }
        if let Some(start) = &search.caller {
            narrow(self.beginning(Term::Caller, start.as_bytes())?);
        }
        let by_expiry =
            search.trust_domain.is_some() || search.authorities.is_some() || search.expires_after.is_some() || search.expires_by.is_some();
        let are_few = fitting.as_ref().is_some_and(|fitting| fitting.len() <= FEW);
        if by_expiry && are_few {
            all_fit = false;
        } else if by_expiry {
            let positions = self.expiring()?;
            *effort = effort.saturating_add(positions.len());
            fitting = Some(narrowed(fitting, positions));
        }
        Ok(fitting.map(|positions| Candidates { positions, all_fit }))
    }

    fn equal(&self, term: Term, key: &[u8]) -> Result<Vec<i64>, StoreError> {
        let sql = format!("SELECT position FROM terms_{} WHERE kind = ? AND key = ? AND position > ? LIMIT ?", self.segment.number);
        self.gather(&sql, params![term.number(), key, self.after, limit()])
    }

    fn between(&self, term: Term, from: &[u8], to: &[u8]) -> Result<Vec<i64>, StoreError> {
        let sql = format!("SELECT position FROM terms_{} WHERE kind = ? AND key >= ? AND key < ? AND position > ? LIMIT ?", self.segment.number);
        self.gather(&sql, params![term.number(), from, to, self.after, limit()])
    }

    /// Keys are texts, in which no octet is 255.
    fn beginning(&self, term: Term, start: &[u8]) -> Result<Vec<i64>, StoreError> {
        self.between(term, start, &[start, &[u8::MAX]].concat())
    }

    /// By CA and moment of expiry.
    fn expiring(&self) -> Result<Vec<i64>, StoreError> {
        let mut found = Vec::new();
        let wanted = match &self.search.trust_domain {
            Some(name) => match load::number_of(self.connection, self.context, name)? {
                Some(number) => Some(number),
                None => return Ok(found),
            },
            None => None,
        };
        for (trust_domain, authority) in authorities(self.connection, self.context, self.segment)? {
            let is_one = self.search.authorities.as_ref().is_none_or(|wanted| wanted.iter().any(|one| one.as_str() == authority));
            if !is_one || wanted.is_some_and(|wanted| wanted != trust_domain) {
                continue;
            }
            let key = |moment: Timestamp| expiry_key(trust_domain, &authority, moment.unix().saturating_add(1));
            let mut end = authority_key(trust_domain, &authority);
            let from = self.search.expires_after.map_or_else(|| end.clone(), key);
            // Behind the last moment: the octet after the name is 0 in every key.
            end.pop();
            end.push(1);
            let to = self.search.expires_by.map_or(end, key);
            found.extend(self.between(Term::Expiry, &from, &to)?);
            if found.len() > MOST {
                return Err(StoreError::TooBroad);
            }
        }
        Ok(found)
    }

    fn gather(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<i64>, StoreError> {
        let failed = |e| self.context.failed(e);
        let mut select = self.connection.prepare_cached(sql).map_err(failed)?;
        let rows = select.query_map(values, |row| row.get(0)).map_err(failed)?;
        let mut positions = rows.collect::<Result<Vec<i64>, _>>().map_err(failed)?;
        // What is being taken up is not known before all of it is.
        positions.retain(|position| *position <= self.segment.known);
        if positions.len() > MOST { Err(StoreError::TooBroad) } else { Ok(positions) }
    }
}

fn limit() -> i64 {
    i64::try_from(MOST).unwrap_or(i64::MAX).saturating_add(1)
}

/// What fits these, too.
fn narrowed(before: Option<Vec<i64>>, mut these: Vec<i64>) -> Vec<i64> {
    these.sort_unstable();
    match before {
        Some(before) => both(&before, &these),
        None => these,
    }
}

/// What two sorted lists share.
fn both(these: &[i64], those: &[i64]) -> Vec<i64> {
    let mut those = those.iter().peekable();
    let mut shared = Vec::new();
    for this in these {
        while those.next_if(|that| *that < this).is_some() {}
        if those.peek() == Some(&this) {
            shared.push(*this);
        }
    }
    shared
}

/// The CAs that signed what the inventory knows of a segment: a step through the index for each.
fn authorities(connection: &Connection, context: &Context<'_>, segment: &Segment) -> Result<Vec<(i64, String)>, StoreError> {
    let sql = format!(
        "SELECT trust_domain, authority FROM expiries_{} WHERE (trust_domain, authority) > (?, ?) ORDER BY trust_domain, authority LIMIT 1",
        segment.number
    );
    let failed = |e| context.failed(e);
    let mut select = connection.prepare_cached(&sql).map_err(failed)?;
    let mut found: Vec<(i64, String)> = Vec::new();
    loop {
        let (trust_domain, authority) = found.last().map_or((i64::MIN, ""), |(number, name)| (*number, name.as_str()));
        let next = select.query_row(params![trust_domain, authority], |row| Ok((row.get(0)?, row.get(1)?))).optional().map_err(failed)?;
        match next {
            Some(next) => found.push(next),
            None => return Ok(found),
        }
    }
}

/// How many unexpired certificates there are of each CA.
pub(super) fn unexpired(connection: &Connection, context: &Context<'_>, now: Timestamp) -> Result<Vec<Unexpired>, StoreError> {
    let mut counts: BTreeMap<(i64, String), i64> = BTreeMap::new();
    for segment in segments::held(connection, context)? {
        count_known(connection, context, &segment, now.unix(), &mut counts)?;
        for entry in inventory::entries(connection, context, &segment, segment.known, TAIL)? {
            if entry.not_after > now.unix() {
                let count = counts.entry((entry.trust_domain, entry.authority)).or_default();
                *count = count.saturating_add(1);
            }
        }
    }
    let failed = |e| context.failed(e);
    let sql = "SELECT trust_domain, name, authority FROM last_expiries JOIN trust_domains ON number = trust_domain ORDER BY 1, 3";
    let mut select = connection.prepare_cached(sql).map_err(failed)?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(failed)?;
    let rows = rows.collect::<Result<Vec<(i64, String, String)>, _>>().map_err(failed)?;
    let mut unexpired = Vec::new();
    for (number, name, authority) in rows {
        let trust_domain = TrustDomain::parse(&name).map_err(|_| context.damaged("a trust domain's name is not what was written"))?;
        let id: AuthorityId = serde_json::from_value(authority.clone().into()).map_err(|_| context.damaged("a CA's name is not what was written"))?;
        // The log's own word, which nothing is behind.
        let Some(last_expiry) = log::last_expiry(connection, context, &trust_domain, &id, now)? else { continue };
        let certificates = counts.get(&(number, authority)).copied().unwrap_or(0);
        unexpired.push(Unexpired { trust_domain, authority: id, certificates: u64::try_from(certificates).unwrap_or(0), last_expiry });
    }
    Ok(unexpired)
}

fn count_known(
    connection: &Connection,
    context: &Context<'_>,
    segment: &Segment,
    now: i64,
    counts: &mut BTreeMap<(i64, String), i64>,
) -> Result<(), StoreError> {
    if segment.last_expiry <= now {
        return Ok(());
    }
    let failed = |e| context.failed(e);
    // Of the span of time that is under way, one by one.
    let part = format!("SELECT count(*) FROM terms_{} WHERE kind = ? AND key >= ? AND key < ? AND position <= ?", segment.number);
    let whole = format!(
        "SELECT trust_domain, authority, sum(CASE WHEN slot > ?1 THEN certificates ELSE 0 END), max(slot = ?1) \
         FROM expiries_{} WHERE slot >= ?1 GROUP BY trust_domain, authority",
        segment.number
    );
    let (mut whole, mut part) = (connection.prepare_cached(&whole).map_err(failed)?, connection.prepare_cached(&part).map_err(failed)?);
    let rows = whole.query_map([slot(now)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).map_err(failed)?;
    for row in rows {
        let (trust_domain, authority, later, has_some_now): (i64, String, i64, bool) = row.map_err(failed)?;
        let mut soon = 0;
        if has_some_now {
            let from = expiry_key(trust_domain, &authority, now.saturating_add(1));
            let to = expiry_key(trust_domain, &authority, inventory::slot_end(now));
            soon = part.query_row(params![Term::Expiry.number(), from, to, segment.known], |row| row.get(0)).map_err(failed)?;
        }
        let count = counts.entry((trust_domain, authority)).or_default();
        *count = count.saturating_add(later).saturating_add(soon);
    }
    Ok(())
}

/// The log in numbers.
pub(super) fn extent(connection: &Connection, context: &Context<'_>) -> Result<LogExtent, StoreError> {
    let (mut held, mut last, mut known) = (0i64, 0i64, None);
    for segment in segments::all(connection, context)? {
        let newest = segment.newest(connection, context)?;
        let entries = newest.saturating_sub(segment.first).saturating_add(1);
        if entries > 0 {
            last = newest;
        }
        if !segment.dropped {
            held = held.saturating_add(entries);
            if segment.known < newest {
                known.get_or_insert(segment.known);
            }
        }
    }
    Ok(LogExtent { held: number(held), last: number(last), known: number(known.unwrap_or(last)) })
}
