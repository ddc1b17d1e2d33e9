//! Searching the inventory. What is found in it is read from the log, where it has checksums.

use std::collections::BTreeMap;

use meshroot::hierarchy::AuthorityId;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use tokio_postgres::types::ToSql;

use super::failure::{Context, Fault};
use super::inventory::{slot, slot_end};
use super::rows::{int, maybe, text};
use super::session::Session;
use super::{load, log};
use crate::sqlite::log::expiry_checksum;
use crate::{Found, IdPattern, IssuanceRow, LogExtent, Query, Search, Unexpired};

/// The most entries that are looked at although the inventory does not know them yet.
const TAIL: i64 = 4_096;

const SEARCH: &str = "SELECT log.position, log.trust_domain, coalesce(name, ''), authority, kind, caller, spiffe_id, log.serial, not_before, not_after, at, certificate, checksum, since \
    FROM (SELECT part, position FROM inventory WHERE position > $1 \
        AND part >= (SELECT coalesce(max(part), 0) FROM log_parts WHERE first_position - 1 <= $1) \
        AND ($2::bigint IS NULL OR trust_domain = $2) AND ($3::text IS NULL OR spiffe_id = $3) \
        AND ($4::text IS NULL OR (spiffe_id >= $4 AND spiffe_id < $5)) AND ($6::text[] IS NULL OR authority = ANY($6)) \
        AND ($7::text IS NULL OR (caller >= $7 AND caller < $8)) AND ($9::bytea IS NULL OR serial = $9) \
        AND ($10::bigint IS NULL OR not_after > $10) AND ($11::bigint IS NULL OR not_after <= $11) \
        ORDER BY part, position LIMIT $12) AS found \
    JOIN issuances AS log USING (part, position) LEFT JOIN trust_domains ON number = log.trust_domain ORDER BY part, position";

const UNEXPIRED: &str = "SELECT l.trust_domain, coalesce(name, ''), l.authority, l.not_after, l.checksum, \
    (SELECT coalesce(sum(certificates), 0)::bigint FROM expiries AS e WHERE e.trust_domain = l.trust_domain AND e.authority = l.authority AND slot > $2) \
    + (SELECT count(*) FROM inventory AS i WHERE i.trust_domain = l.trust_domain AND i.authority = l.authority AND i.not_after > $1 AND i.not_after < $3) \
    FROM last_expiries AS l LEFT JOIN trust_domains ON number = l.trust_domain WHERE l.not_after > $1 ORDER BY l.trust_domain, l.authority";

/// Of the entries that the inventory does not know.
const UNEXPIRED_TAIL: &str = "SELECT trust_domain, authority, count(*) FROM \
    (SELECT trust_domain, authority, not_after FROM issuances WHERE position > (SELECT known FROM inventory_head) \
     AND part >= (SELECT coalesce(max(part), 0) FROM log_parts WHERE first_position - 1 <= (SELECT known FROM inventory_head)) \
     ORDER BY part, position LIMIT $2) AS tail WHERE not_after > $1 GROUP BY 1, 2";

const EXTENT: &str = "SELECT position, part_first, known, \
    (SELECT coalesce(max(last_position), 0) FROM log_parts), \
    (SELECT coalesce(sum(last_position - first_position + 1), 0)::bigint FROM log_parts WHERE NOT dropped) FROM log_head, inventory_head";

/// The last character of all.
const LAST: char = char::MAX;

pub(super) async fn search(session: &Session, context: &Context<'_>, search: &Search) -> Result<Found, Fault> {
    let limit = search.limit.clamp(1, Search::MOST);
    let wanted = usize::try_from(limit).unwrap_or(1);
    let (extent, known) = read_extent(session, context).await?;
    if search.is_for_everything() {
        let all = Query { after: search.after, limit, ..Query::default() };
        return Ok(page(log::issuances(session, context, &all, true).await?, wanted, extent.last));
    }
    let mut rows = candidates(session, context, search, i64::from(limit)).await?;
    // The inventory has a caller's beginning alone; everything else fits, or one of them is wrong.
    let before = rows.len();
    let end = rows.last().map(|row| row.position);
    rows.retain(|row| search.fits(row));
    context.sound(rows.len() == before || search.caller.is_some(), || "what the inventory says of the issuance log".to_owned())?;
    if before >= wanted {
        return Ok(Found { rows, next: end, known: extent.last });
    }
    // What the inventory does not know yet, unless that is too much.
    let after = search.after.max(u64::try_from(known).unwrap_or(0));
    let tail = Query { after, limit: u32::try_from(TAIL.saturating_add(1)).unwrap_or(u32::MAX), ..Query::default() };
    let tail = log::issuances(session, context, &tail, true).await?;
    if i64::try_from(tail.len()).is_ok_and(|entries| entries > TAIL) {
        return Ok(Found { rows, next: None, known: u64::try_from(known).unwrap_or(0) });
    }
    rows.extend(tail.into_iter().filter(|row| search.fits(row)));
    Ok(page(rows, wanted, extent.last))
}

fn page(mut rows: Vec<IssuanceRow>, wanted: usize, known: u64) -> Found {
    rows.truncate(wanted);
    let next = rows.last().filter(|_| rows.len() == wanted).map(|row| row.position);
    Found { rows, next, known }
}

async fn candidates(session: &Session, context: &Context<'_>, search: &Search, limit: i64) -> Result<Vec<IssuanceRow>, Fault> {
    let number = match &search.trust_domain {
        Some(name) => match load::number_of(session, name.as_str()).await? {
            Some(number) => Some(number),
            None => return Ok(Vec::new()),
        },
        None => None,
    };
    let (exactly, begins) = match &search.id {
        Some(IdPattern::Exactly(id)) => (Some(SpiffeId::as_str(id)), None),
        Some(IdPattern::BeginsWith(start)) => (None, Some(start.as_str())),
        None => (None, None),
    };
    let caller: Option<String> = search.caller.as_ref().map(|start| start.chars().take(512).collect());
    let end = |start: &str| format!("{start}{LAST}");
    let values: [&(dyn ToSql + Sync); 12] = [
        &i64::try_from(search.after).unwrap_or(i64::MAX),
        &number,
        &exactly,
        &begins,
        &begins.map(end),
        &search.authorities.as_ref().map(|wanted| wanted.iter().map(AuthorityId::as_str).collect::<Vec<_>>()),
        &caller,
        &caller.as_deref().map(end),
        &search.serial.as_ref().map(meshroot::x509::SerialNumber::as_bytes),
        &search.expires_after.map(Timestamp::unix),
        &search.expires_by.map(Timestamp::unix),
        &limit,
    ];
    session.query(SEARCH, &values).await?.iter().map(|row| log::read(row, context)).collect()
}

/// How many unexpired certificates there are of each CA.
pub(super) async fn unexpired(session: &Session, context: &Context<'_>, now: Timestamp) -> Result<Vec<Unexpired>, Fault> {
    let mut tail: BTreeMap<(i64, String), i64> = BTreeMap::new();
    for row in session.query(UNEXPIRED_TAIL, &[&now.unix(), &TAIL]).await? {
        tail.insert((int(&row, 0)?, text(&row, 1)?), int(&row, 2)?);
    }
    let mut unexpired = Vec::new();
    for row in session.query(UNEXPIRED, &[&now.unix(), &slot(now.unix()), &slot_end(now.unix())]).await? {
        let (number, name, authority, not_after) = (int(&row, 0)?, text(&row, 1)?, text(&row, 2)?, int(&row, 3)?);
        context.sound(expiry_checksum(number, &authority, not_after) == int(&row, 4)?, || format!("the last expiry of '{authority}'"))?;
        let certificates = int(&row, 5)?.saturating_add(tail.get(&(number, authority.clone())).copied().unwrap_or(0));
        unexpired.push(Unexpired {
            trust_domain: TrustDomain::parse(&name).map_err(|_| context.damaged("a trust domain's name is not what was written"))?,
            authority: serde_json::from_value(authority.into()).map_err(|_| context.damaged("a CA's name is not what was written"))?,
            certificates: u64::try_from(certificates).unwrap_or(0),
            last_expiry: Timestamp::from_unix(not_after),
        });
    }
    Ok(unexpired)
}

/// The log in numbers.
pub(super) async fn extent(session: &Session, context: &Context<'_>) -> Result<LogExtent, Fault> {
    Ok(read_extent(session, context).await?.0)
}

/// The same, and the position up to which the inventory knows the log.
async fn read_extent(session: &Session, context: &Context<'_>) -> Result<(LogExtent, i64), Fault> {
    let row = session.one(EXTENT, &[]).await?.ok_or_else(|| context.damaged("the end of the issuance log is missing"))?;
    let (position, first, known) = (int(&row, 0)?, int(&row, 1)?, int(&row, 2)?);
    let (last_closed, held_closed) = (int(&row, 3)?, maybe::<i64>(&row, 4)?.unwrap_or(0));
    let last = if position >= first { position } else { last_closed };
    let held = held_closed.saturating_add(position.saturating_sub(first).saturating_add(1).max(0));
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok((LogExtent { held: number(held), last: number(last), known: number(known) }, known))
}
