use std::collections::BTreeMap;

use meshroot::hierarchy::AuthorityId;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::{Timestamp, Validity};
use meshroot::x509::{Certificate, SerialNumber};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row};

use super::failure::{Context, Fault};
use super::rows::{bytes, int, maybe, text};
use super::session::Session;
use crate::sqlite::log::{Entry, expiry_checksum};
use crate::{IssuanceRow, Query};

/// From the part on that holds what comes behind `after`; in each by position.
const WANTED: &str = "SELECT position, trust_domain, coalesce(name, ''), authority, kind, caller, spiffe_id, serial, not_before, not_after, at, certificate, checksum, since, part \
    FROM issuances LEFT JOIN trust_domains ON number = trust_domain \
    WHERE part >= (SELECT coalesce(max(part), 0) FROM log_parts WHERE first_position - 1 <= $1) \
    AND part >= (SELECT CASE WHEN part_first - 1 <= $1 THEN part ELSE 0 END FROM log_head) \
    AND position > $1 AND ($2::text IS NULL OR name = $2) AND ($3::text IS NULL OR spiffe_id = $3) AND ($4::text IS NULL OR authority = $4) \
    AND ($5::bytea IS NULL OR serial = $5) ORDER BY part, position LIMIT $6";

/// The parts that are there, with where they end as far as they have ended. Asked for after the entries: a part that was
/// closed meanwhile had all of its entries before.
const PARTS: &str = "SELECT part, first_position, last_position FROM log_parts WHERE NOT dropped AND last_position > $1 \
    UNION ALL SELECT part, part_first, NULL FROM log_head ORDER BY 1";

/// By the serial number, in the part that it names.
const FIND: &str = "SELECT log.position, log.trust_domain, coalesce(name, ''), authority, kind, caller, spiffe_id, log.serial, not_before, not_after, at, certificate, checksum, since \
    FROM serials JOIN issuances AS log ON log.part = serials.part AND log.position = serials.position LEFT JOIN trust_domains ON number = log.trust_domain \
    WHERE serials.serial = $1 AND serials.issuer = $2";

const LAST_EXPIRY: &str = "SELECT trust_domain, not_after, checksum FROM last_expiries \
    WHERE trust_domain = (SELECT number FROM trust_domains WHERE name = $1) AND authority = $2";

pub(super) const RAISE: &str = "INSERT INTO last_expiries (trust_domain, authority, not_after, checksum) \
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) ON CONFLICT (trust_domain, authority) \
    DO UPDATE SET not_after = excluded.not_after, checksum = excluded.checksum WHERE excluded.not_after > last_expiries.not_after";

/// `at_once`: whether the session reads at one moment.
pub(super) async fn issuances(session: &Session, context: &Context<'_>, query: &Query, at_once: bool) -> Result<Vec<IssuanceRow>, Fault> {
    let (after, limit) = (i64::try_from(query.after).unwrap_or(i64::MAX), i64::from(query.limit.min(Query::MOST)));
    let values: [&(dyn ToSql + Sync); 6] = [
        &after,
        &query.trust_domain.as_ref().map(TrustDomain::as_str),
        &query.id.as_ref().map(SpiffeId::as_str),
        &query.authority.as_ref().map(AuthorityId::as_str),
        &query.serial.as_ref().map(SerialNumber::as_bytes),
        &limit,
    ];
    let all = query.trust_domain.is_none() && query.id.is_none() && query.authority.is_none() && query.serial.is_none();
    session.prepare(&[WANTED, PARTS]).await?;
    let (rows, parts) = tokio::join!(
        biased;
        session.query(WANTED, &values),
        async { if all { session.query(PARTS, &[&after]).await } else { Ok(Vec::new()) } },
    );
    let rows = rows?;
    if all {
        let ended = at_once && i64::try_from(rows.len()).is_ok_and(|found| found < limit);
        is_without_gap(&rows, &parts?, after, ended, context)?;
    }
    rows.iter().map(|row| read(row, context)).collect()
}

/// In each part there is an entry at every position.
fn is_without_gap(rows: &[Row], parts: &[Row], after: i64, ended: bool, context: &Context<'_>) -> Result<(), Fault> {
    let missing = |position: i64| context.damaged(format!("entry {position} of the issuance log is missing"));
    let mut rows = rows.iter().peekable();
    for part in parts {
        let (number, first, last) = (int(part, 0)?, int(part, 1)?, maybe::<i64>(part, 2)?);
        let mut expected = first.max(after.saturating_add(1));
        while let Some(row) = rows.peek() {
            if int(row, 14)? != number {
                break;
            }
            let position = int(row, 0)?;
            if position != expected {
                return Err(missing(expected).into());
            }
            expected = expected.saturating_add(1);
            rows.next();
        }
        // A page may end before its part does.
        if (ended || rows.peek().is_some()) && last.is_some_and(|last| expected <= last) {
            return Err(missing(expected).into());
        }
    }
    Ok(())
}

pub(super) fn read(row: &Row, context: &Context<'_>) -> Result<IssuanceRow, Fault> {
    let (position, name, authority, kind, caller) = (int(row, 0)?, text(row, 2)?, text(row, 3)?, text(row, 4)?, text(row, 5)?);
    let (spiffe_id, serial, certificate) = (maybe::<String>(row, 6)?, bytes(row, 7)?, bytes(row, 11)?);
    let entry = Entry {
        position,
        trust_domain: int(row, 1)?,
        authority: &authority,
        kind: &kind,
        caller: &caller,
        spiffe_id: spiffe_id.as_deref(),
        serial: &serial,
        not_before: int(row, 8)?,
        not_after: int(row, 9)?,
        at: int(row, 10)?,
        since: maybe(row, 13)?,
        certificate: &certificate,
    };
    let damaged = || context.damaged(format!("entry {position} of the issuance log is not what was written"));
    context.sound(entry.checksum() == int(row, 12)?, || format!("entry {position} of the issuance log"))?;
    Ok(IssuanceRow {
        position: u64::try_from(position).map_err(|_| damaged())?,
        trust_domain: TrustDomain::parse(&name).map_err(|_| damaged())?,
        id: entry.spiffe_id.map(SpiffeId::parse).transpose().map_err(|_| damaged())?,
        serial: SerialNumber::from_bytes(&serial),
        validity: Validity { not_before: Timestamp::from_unix(entry.not_before), not_after: Timestamp::from_unix(entry.not_after) },
        at: Timestamp::from_unix(entry.at),
        since: Timestamp::from_unix(entry.since.unwrap_or(entry.at)),
        authority: serde_json::from_value(authority.into()).map_err(|_| damaged())?,
        kind,
        caller,
        certificate,
    })
}

/// The entry of the log with this certificate, found by its issuer and serial number.
pub(super) async fn find(session: &Session, context: &Context<'_>, certificate: &Certificate) -> Result<Option<IssuanceRow>, Fault> {
    for row in session.query(FIND, &[&certificate.serial().as_bytes(), &certificate.issuer().as_der()]).await? {
        let entry = read(&row, context)?;
        // The very certificate: names and numbers can be chosen by who holds another CA's key.
        if entry.certificate == certificate.der() {
            return Ok(Some(entry));
        }
    }
    Ok(None)
}

pub(super) async fn last_expiry(
    session: &Session,
    context: &Context<'_>,
    trust_domain: &TrustDomain,
    authority: &AuthorityId,
    now: Timestamp,
) -> Result<Option<Timestamp>, Fault> {
    let Some(row) = session.one(LAST_EXPIRY, &[&trust_domain.as_str(), &authority.as_str()]).await? else { return Ok(None) };
    let (number, not_after, checksum) = (int(&row, 0)?, int(&row, 1)?, int(&row, 2)?);
    let sound = expiry_checksum(number, authority.as_str(), not_after) == checksum;
    context.sound(sound, || format!("the last expiry of '{authority}'"))?;
    Ok(Some(Timestamp::from_unix(not_after)).filter(|until| *until > now))
}

/// Takes note of the expiries that are later than those before, of each CA the last.
pub(super) async fn raise_expiries(session: &Session, entries: &[Entry<'_>]) -> Result<(), Error> {
    let mut last: BTreeMap<(i64, &str), i64> = BTreeMap::new();
    for entry in entries {
        let held = last.entry((entry.trust_domain, entry.authority)).or_insert(entry.not_after);
        *held = entry.not_after.max(*held);
    }
    let numbers: Vec<i64> = last.keys().map(|(number, _)| *number).collect();
    let authorities: Vec<&str> = last.keys().map(|(_, authority)| *authority).collect();
    let expiries: Vec<i64> = last.values().copied().collect();
    let checksums: Vec<i64> = last.iter().map(|((number, authority), not_after)| expiry_checksum(*number, authority, *not_after)).collect();
    session.execute(RAISE, &[&numbers, &authorities, &expiries, &checksums]).await.map(drop)
}
