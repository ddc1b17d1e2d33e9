//! The inventory: what the issuance log is searched by. It is made from the log, a moment behind it, in steps that hold up
//! nobody who appends.

use core::time::Duration;

use meshroot::time::Timestamp;

use super::failure::{Context, Fault};
use super::head::{Head, begin_part, part_checksum};
use super::rows::{int, maybe};
use super::session::Session;
use super::standing::is_newest;
use crate::Maintained;

/// How many entries one step takes.
const STEP: i64 = 4_000;

/// Expiries are counted by spans of ten minutes: a few thousand counts for a million certificates.
const SLOT: i64 = 600;

/// Another replica that is at it does it for all.
const LOCK: &str = "SELECT known FROM inventory_head FOR UPDATE SKIP LOCKED";

const LEARN: &str = "WITH new AS MATERIALIZED (\
        SELECT part, position, trust_domain, authority, left(caller, 512) AS caller, spiffe_id, serial, not_after FROM issuances \
        WHERE part >= (SELECT coalesce(max(part), 0) FROM log_parts WHERE first_position - 1 <= $1) AND position > $1 ORDER BY part, position LIMIT $2), \
    added AS (INSERT INTO inventory (part, position, trust_domain, authority, caller, spiffe_id, serial, not_after) SELECT * FROM new), \
    counted AS (INSERT INTO expiries (part, trust_domain, authority, slot, certificates) \
        SELECT part, trust_domain, authority, not_after / $3::bigint, count(*) FROM new GROUP BY 1, 2, 3, 4 \
        ON CONFLICT (trust_domain, authority, slot, part) DO UPDATE SET certificates = expiries.certificates + excluded.certificates) \
    SELECT count(*), max(position) FROM new";

const EXPIRED: &str = "SELECT part, first_position, last_position, last_expiry FROM log_parts \
    WHERE NOT dropped AND last_expiry < $1 AND last_position <= $2 ORDER BY part LIMIT 1";

pub(super) fn slot(moment: i64) -> i64 {
    moment.div_euclid(SLOT)
}

/// Where the span of time ends that `now` is in.
pub(super) fn slot_end(now: i64) -> i64 {
    slot(now).saturating_add(1).saturating_mul(SLOT)
}

/// One step.
pub(super) async fn maintain(session: &Session, context: &Context<'_>, now: Timestamp, retention: Duration) -> Result<Maintained, Fault> {
    is_newest(session, context).await?;
    let Some(row) = session.one(LOCK, &[]).await? else { return Ok(Maintained::default()) };
    let known = int(&row, 0)?;
    let learnt = session.one(LEARN, &[&known, &STEP, &SLOT]).await?.ok_or_else(|| context.damaged("nothing was counted"))?;
    if let Some(newest) = maybe::<i64>(&learnt, 1)? {
        session.execute("UPDATE inventory_head SET known = $1", &[&newest]).await?;
        return Ok(Maintained { more: int(&learnt, 0)? >= STEP, expired: 0 });
    }
    if let Some(row) = session.one(EXPIRED, &[&now.minus(retention).unix(), &known]).await? {
        let (part, first, last, last_expiry) = (int(&row, 0)?, int(&row, 1)?, int(&row, 2)?, int(&row, 3)?);
        drop_part(session, (part, first, last, last_expiry)).await?;
        let entries = last.saturating_sub(first).saturating_add(1);
        return Ok(Maintained { more: true, expired: u64::try_from(entries).unwrap_or(0) });
    }
    // A part that nobody writes to any more is closed, or it would never go.
    let head = Head::lock(session, context).await?;
    if head.part > 0 && !head.is_empty() && head.needs_part(now) {
        begin_part(session, head, head.position.saturating_add(1), now).await?.store(session).await?;
    }
    Ok(Maintained::default())
}

/// Drops a closed part. Readers are waited for, and wait, as long as that takes.
async fn drop_part(session: &Session, (part, first, last, last_expiry): (i64, i64, i64, i64)) -> Result<(), Fault> {
    session.run(&format!("DROP TABLE issuances_{part}; DROP TABLE inventory_{part}")).await?;
    session.execute("DELETE FROM expiries WHERE part = $1", &[&part]).await?;
    let sql = "UPDATE log_parts SET dropped = true, checksum = $2 WHERE part = $1";
    session.execute(sql, &[&part, &part_checksum(part, first, last, last_expiry, true)]).await?;
    Ok(())
}
