//! Where the log ends, and the parts that it is kept in.

use std::time::Duration;

use meshroot::time::Timestamp;
use tokio_postgres::Row;

use super::failure::{Context, Fault};
use super::rows::{int, maybe};
use super::session::Session;
use super::standing::older;
use crate::checksum::Checksum;

/// How long one part of the log is written to. A mesh of a million workloads fills about 15 GB in that time, and ten
/// years are about 500 parts: neither is too much for one table, or for one query.
const PART: Duration = Duration::from_secs(7 * 86_400);

const COLUMNS: usize = 5;

/// The end of the log, locked by who appends until the entries are committed; and whether anything may be appended.
pub(super) const LOCK: &str =
    "SELECT position, part, part_first, part_started_at, part_last_expiry, checksum, (SELECT doubt FROM standing) FROM log_head FOR UPDATE";

/// Ends a transaction's appending.
pub(super) const MOVE: &str =
    "UPDATE log_head SET position = $1, part = $2, part_first = $3, part_started_at = $4, part_last_expiry = $5, checksum = $6";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) position: i64,
    pub(super) part: i64,
    pub(super) part_first: i64,
    pub(super) part_started_at: i64,
    pub(super) part_last_expiry: i64,
}

impl Head {
    /// Of an empty log.
    pub(super) const EMPTY: Self = Self { position: 0, part: 0, part_first: 1, part_started_at: 0, part_last_expiry: 0 };

    /// Locks the end of the log. Refuses when the store is an older copy of itself.
    pub(super) async fn lock(session: &Session, context: &Context<'_>) -> Result<Self, Fault> {
        Self::read(session.one(LOCK, &[]).await?, context)
    }

    pub(super) fn read(row: Option<Row>, context: &Context<'_>) -> Result<Self, Fault> {
        let row = row.ok_or_else(|| context.damaged("the end of the issuance log is missing"))?;
        let head = Self {
            position: int(&row, 0)?,
            part: int(&row, 1)?,
            part_first: int(&row, 2)?,
            part_started_at: int(&row, 3)?,
            part_last_expiry: int(&row, 4)?,
        };
        context.sound(head.checksum() == int(&row, COLUMNS)?, || "the end of the issuance log".into())?;
        match maybe::<String>(&row, COLUMNS.saturating_add(1))? {
            Some(why) => Err(older(context, why).into()),
            None => Ok(head),
        }
    }

    pub(super) fn checksum(&self) -> i64 {
        self.columns().into_iter().fold(Checksum::of("log_head"), Checksum::int).finish()
    }

    pub(super) fn columns(&self) -> [i64; COLUMNS] {
        [self.position, self.part, self.part_first, self.part_started_at, self.part_last_expiry]
    }

    /// Whether the part that is written to has no entry.
    pub(super) fn is_empty(&self) -> bool {
        self.position < self.part_first
    }

    /// Whether what is appended now belongs to a new part.
    pub(super) fn needs_part(&self, now: Timestamp) -> bool {
        self.part == 0 || now >= Timestamp::from_unix(self.part_started_at).plus(PART)
    }

    /// Moves the end of the log.
    pub(super) async fn store(&self, session: &Session) -> Result<(), tokio_postgres::Error> {
        let [position, part, part_first, part_started_at, part_last_expiry] = self.columns();
        session.execute(MOVE, &[&position, &part, &part_first, &part_started_at, &part_last_expiry, &self.checksum()]).await.map(drop)
    }
}

pub(super) fn part_checksum(part: i64, first: i64, last: i64, last_expiry: i64, dropped: bool) -> i64 {
    Checksum::of("log_parts").int(part).int(first).int(last).int(last_expiry).int(i64::from(dropped)).finish()
}

/// Closes the part that was written to, and makes the next, whose first position is this one. Call it with the end of the
/// log locked, and store what it answers.
///
/// The tables are made by themselves and attached, because that waits for nobody who reads or appends.
pub(super) async fn begin_part(session: &Session, head: Head, first: i64, now: Timestamp) -> Result<Head, Fault> {
    let next = Head { position: first.saturating_sub(1), part_first: first, part_started_at: now.unix(), part_last_expiry: 0, ..head };
    // One without an entry is used on.
    if head.part > 0 && head.is_empty() {
        return Ok(next);
    }
    if head.part > 0 {
        let sql = "INSERT INTO log_parts (part, first_position, last_position, last_expiry, dropped, checksum) VALUES ($1, $2, $3, $4, false, $5)";
        let checksum = part_checksum(head.part, head.part_first, head.position, head.part_last_expiry, false);
        session.execute(sql, &[&head.part, &head.part_first, &head.position, &head.part_last_expiry, &checksum]).await?;
    }
    let part = head.part.saturating_add(1);
    let make = format!(
        "CREATE TABLE issuances_{part} (LIKE issuances INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE); \
         ALTER TABLE issuances ATTACH PARTITION issuances_{part} FOR VALUES IN ({part}); \
         CREATE TRIGGER stay_all BEFORE TRUNCATE ON issuances_{part} EXECUTE FUNCTION stays(); \
         CREATE TABLE inventory_{part} (LIKE inventory INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES); \
         ALTER TABLE inventory ATTACH PARTITION inventory_{part} FOR VALUES IN ({part})"
    );
    session.run(&make).await?;
    Ok(Head { part, ..next })
}
