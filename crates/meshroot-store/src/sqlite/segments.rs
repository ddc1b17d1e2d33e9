//! The segments of the issuance log: which there are, which one takes entries, which ones go.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::failure::Context;
use super::load::sound;
use crate::StoreError;
use crate::checksum::Checksum;

/// How many entries a segment takes before the next one is begun. Dropping one holds up writers for as long as it takes
/// to free its pages: about 40,000 of them, a tenth of a second.
pub(super) const ENTRIES: i64 = 131_072;

/// How old a segment's first entry may be before the next segment is begun: what expires with it waits for that long.
pub(super) const SECONDS: i64 = 7 * 86_400;

/// A segment, as the catalogue has it.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) number: i64,
    pub(super) first: i64,
    /// `None` while it takes entries.
    pub(super) last: Option<i64>,
    /// Up to which position the inventory knows it; less than `first` when it knows nothing of it.
    pub(super) known: i64,
    /// Of the certificates that the inventory knows.
    pub(super) last_expiry: i64,
    pub(super) dropped: bool,
}

impl Segment {
    fn checksum(&self) -> i64 {
        // No position is negative.
        let row = Checksum::of("segments").int(self.number).int(self.first).int(self.last.unwrap_or(-1)).int(self.known);
        row.int(self.last_expiry).int(i64::from(self.dropped)).finish()
    }

    /// The table with its entries.
    pub(super) fn table(&self) -> String {
        table(self.number)
    }

    /// The position of its newest entry; the one before its first when it has none.
    pub(super) fn newest(&self, connection: &Connection, context: &Context<'_>) -> Result<i64, StoreError> {
        if let Some(last) = self.last {
            return Ok(last);
        }
        let sql = format!("SELECT max(position) FROM {}", self.table());
        let newest: Option<i64> =
            connection.prepare_cached(&sql).and_then(|mut select| select.query_row([], |row| row.get(0))).map_err(|e| context.failed(e))?;
        Ok(newest.unwrap_or_else(|| self.first.saturating_sub(1)))
    }

    pub(super) fn update(&self, connection: &Connection, context: &Context<'_>) -> Result<(), StoreError> {
        let sql = "UPDATE segments SET last = ?, known = ?, last_expiry = ?, dropped = ?, checksum = ? WHERE number = ?";
        let values = params![self.last, self.known, self.last_expiry, self.dropped, self.checksum(), self.number];
        connection.prepare_cached(sql).and_then(|mut update| update.execute(values)).map_err(|e| context.failed(e))?;
        Ok(())
    }
}

/// The first segment's table is older than the others, and keeps its name.
fn table(number: i64) -> String {
    if number == 1 { "issuances".to_owned() } else { format!("issuances_{number}") }
}

const COLUMNS: &str = "SELECT number, first, last, known, last_expiry, dropped, checksum FROM segments";

fn read(row: &Row<'_>) -> rusqlite::Result<(Segment, i64)> {
    let segment =
        Segment { number: row.get(0)?, first: row.get(1)?, last: row.get(2)?, known: row.get(3)?, last_expiry: row.get(4)?, dropped: row.get(5)? };
    Ok((segment, row.get(6)?))
}

fn checked((segment, checksum): (Segment, i64), context: &Context<'_>) -> Result<Segment, StoreError> {
    sound(segment.checksum() == checksum, context, || format!("what is known of segment {} of the issuance log", segment.number))?;
    Ok(segment)
}

/// All that ever were, the oldest first, none missing.
pub(super) fn all(connection: &Connection, context: &Context<'_>) -> Result<Vec<Segment>, StoreError> {
    let failed = |e| context.failed(e);
    let mut select = connection.prepare_cached(&format!("{COLUMNS} ORDER BY number")).map_err(failed)?;
    let rows = select.query_map([], read).map_err(failed)?;
    let mut segments: Vec<Segment> = Vec::new();
    for row in rows {
        let segment = checked(row.map_err(failed)?, context)?;
        let number = i64::try_from(segments.len()).unwrap_or(i64::MAX).saturating_add(1);
        sound(segment.number == number, context, || format!("the segment {number} of the issuance log"))?;
        segments.push(segment);
    }
    let last_is_open = segments.last().is_some_and(|segment| segment.last.is_none() && !segment.dropped);
    sound(last_is_open, context, || "the list of the issuance log's segments".to_owned())?;
    Ok(segments)
}

/// Those that are still there.
pub(super) fn held(connection: &Connection, context: &Context<'_>) -> Result<Vec<Segment>, StoreError> {
    Ok(all(connection, context)?.into_iter().filter(|segment| !segment.dropped).collect())
}

/// The one that takes entries.
pub(super) fn open(connection: &Connection, context: &Context<'_>) -> Result<Segment, StoreError> {
    let sql = format!("{COLUMNS} ORDER BY number DESC LIMIT 1");
    let mut select = connection.prepare_cached(&sql).map_err(|e| context.failed(e))?;
    let found = select.query_row([], read).optional().map_err(|e| context.failed(e))?;
    let found = found.ok_or_else(|| context.damaged("the list of the issuance log's segments is empty"))?;
    checked(found, context)
}

/// The one that holds a position, or held it.
pub(super) fn of_position(connection: &Connection, context: &Context<'_>, position: i64) -> Result<Option<Segment>, StoreError> {
    let sql = format!("{COLUMNS} WHERE first <= ? ORDER BY first DESC LIMIT 1");
    let mut select = connection.prepare_cached(&sql).map_err(|e| context.failed(e))?;
    let found = select.query_row([position], read).optional().map_err(|e| context.failed(e))?;
    found.map(|found| checked(found, context)).transpose()
}

/// Closes the open segment and begins the next one, whose entries begin at `first` or behind the last one.
pub(super) fn begin_next(connection: &Connection, context: &Context<'_>, first: i64) -> Result<Segment, StoreError> {
    let mut open = open(connection, context)?;
    let newest = open.newest(connection, context)?;
    open.last = Some(newest);
    open.update(connection, context)?;
    let first = first.max(newest.saturating_add(1));
    let number = open.number.saturating_add(1);
    let next = Segment { number, first, last: None, known: first.saturating_sub(1), last_expiry: 0, dropped: false };
    let failed = |e| context.failed(e);
    connection.execute_batch(&text(number)).map_err(failed)?;
    let sql = "INSERT INTO segments (number, first, last, known, last_expiry, dropped, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let values = params![next.number, next.first, next.last, next.known, next.last_expiry, next.dropped, next.checksum()];
    connection.execute(sql, values).map_err(failed)?;
    Ok(next)
}

/// Drops a closed segment. Its pages are free for new entries then; they are not written over one by one.
pub(super) fn drop_one(connection: &Connection, context: &Context<'_>, mut segment: Segment) -> Result<(), StoreError> {
    let erase = |how: &str| connection.pragma_update_and_check(None, "secure_delete", how, |_| Ok(())).map_err(|e| context.failed(e));
    // There are no secrets in it, and to overwrite all of it would take as long as writing it.
    erase("fast")?;
    let dropped = connection.execute_batch(&without(segment.number)).map_err(|e| context.failed(e));
    erase("true")?;
    dropped?;
    segment.dropped = true;
    segment.update(connection, context)
}

/// What makes the tables of a segment.
pub(super) fn text(number: i64) -> String {
    include_str!("segment.sql").replace("{n}", &number.to_string())
}

/// What drops them.
pub(super) fn without(number: i64) -> String {
    format!("DROP TABLE {}; DROP TABLE terms_{number}; DROP TABLE expiries_{number};", table(number))
}
