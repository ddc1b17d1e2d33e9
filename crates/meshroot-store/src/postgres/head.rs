//! Where the log ends, and the parts that it is kept in.

use std::time::Duration;

use meshroot::time::Timestamp;
use tokio_postgres::Row;

use super::failure::{Context, Fault};
use super::rows::int;
use super::session::Session;
use crate::checksum::Checksum;

/// How long one part of the log is written to. A mesh of a million workloads fills about 15 GB in that time, and ten
/// years are about 500 parts: neither is too much for one table, or for one query.
const PART: Duration = Duration::from_secs(7 * 86_400);

const COLUMNS: usize = 6;

/// The end of the log, locked by who appends until the entries are committed.
pub(super) const LOCK: &str =
    "SELECT first_position, position, part, part_first, part_started_at, part_last_expiry, checksum FROM log_head FOR UPDATE";

/// Ends a transaction's appending.
pub(super) const MOVE: &str = "UPDATE log_head SET first_position = $1, position = $2, part = $3, part_first = $4, part_started_at = $5, \
    part_last_expiry = $6, checksum = $7";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) first_position: i64,
    pub(super) position: i64,
    pub(super) part: i64,
    pub(super) part_first: i64,
    pub(super) part_started_at: i64,
    pub(super) part_last_expiry: i64,
}

impl Head {
    /// Of an empty log.
    pub(super) const EMPTY: Self = Self { first_position: 1, position: 0, part: 0, part_first: 1, part_started_at: 0, part_last_expiry: 0 };

    pub(super) fn read(row: Option<Row>, context: &Context<'_>) -> Result<Self, Fault> {
        let row = row.ok_or_else(|| context.damaged("the end of the issuance log is missing"))?;
        let head = Self {
            first_position: int(&row, 0)?,
            position: int(&row, 1)?,
            part: int(&row, 2)?,
            part_first: int(&row, 3)?,
            part_started_at: int(&row, 4)?,
            part_last_expiry: int(&row, 5)?,
        };
        context.sound(head.checksum() == int(&row, COLUMNS)?, || "the end of the issuance log".into())?;
        Ok(head)
    }

    pub(super) fn checksum(&self) -> i64 {
        self.columns().into_iter().fold(Checksum::of("log_head"), Checksum::int).finish()
    }

    pub(super) fn columns(&self) -> [i64; COLUMNS] {
        [self.first_position, self.position, self.part, self.part_first, self.part_started_at, self.part_last_expiry]
    }

    /// Whether what is appended now belongs to a new part.
    pub(super) fn needs_part(&self, now: Timestamp) -> bool {
        self.part == 0 || now >= Timestamp::from_unix(self.part_started_at).plus(PART)
    }
}

pub(super) fn part_checksum(part: i64, first: i64, last: i64, last_expiry: i64) -> i64 {
    Checksum::of("log_parts").int(part).int(first).int(last).int(last_expiry).finish()
}

/// Closes the part that was written to, and makes the next. Call it with the end of the log locked.
///
/// The table is made by itself and attached, because that waits for nobody who reads or appends.
pub(super) async fn begin_part(session: &Session, mut head: Head, now: Timestamp) -> Result<Head, Fault> {
    // A part in which nothing is needs no row of its own.
    if head.part > 0 && head.position >= head.part_first {
        let sql = "INSERT INTO log_parts (part, first_position, last_position, last_expiry, checksum) VALUES ($1, $2, $3, $4, $5)";
        let checksum = part_checksum(head.part, head.part_first, head.position, head.part_last_expiry);
        session.execute(sql, &[&head.part, &head.part_first, &head.position, &head.part_last_expiry, &checksum]).await?;
    }
    head = Head {
        part: head.part.saturating_add(1),
        part_first: head.position.saturating_add(1),
        part_started_at: now.unix(),
        part_last_expiry: 0,
        ..head
    };
    let part = head.part;
    let make = format!(
        "CREATE TABLE issuances_{part} (LIKE issuances INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE); \
         ALTER TABLE issuances ATTACH PARTITION issuances_{part} FOR VALUES IN ({part}); \
         CREATE TRIGGER stay_all BEFORE TRUNCATE ON issuances_{part} EXECUTE FUNCTION stays()"
    );
    session.run(&make).await?;
    Ok(head)
}
