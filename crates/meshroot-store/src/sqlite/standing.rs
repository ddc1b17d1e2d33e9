//! Whether the file is the newest of its history.

use core::time::Duration;

use rusqlite::{Connection, params};

use super::failure::Context;
use super::load::sound;
use super::{commit, load, segments};
use crate::checksum::Checksum;
use crate::mark::Reached;
use crate::{Restoration, Restored, Seen, StoreError};

/// How far the positions of the issuance log jump: farther than a lost history can have got.
const JUMP: i64 = 1_000_000_000;

/// The row that says it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) epoch: i64,
    pub(super) writes: i64,
    pub(super) marked: bool,
    pub(super) doubt: Option<String>,
    pub(super) seen: i64,
}

impl Row {
    fn checksum(&self) -> i64 {
        let row = Checksum::of("standing").int(self.epoch).int(self.writes).int(i64::from(self.marked));
        // No doubt is without words.
        row.text(self.doubt.as_deref().unwrap_or_default()).int(self.seen).finish()
    }

    pub(super) fn read(connection: &Connection, context: &Context<'_>) -> Result<Self, StoreError> {
        let sql = "SELECT epoch, writes, marked, doubt, seen, checksum FROM standing";
        let mut select = connection.prepare_cached(sql).map_err(|e| context.failed(e))?;
        let read = |row: &rusqlite::Row<'_>| {
            let held = Self { epoch: row.get(0)?, writes: row.get(1)?, marked: row.get(2)?, doubt: row.get(3)?, seen: row.get(4)? };
            Ok((held, row.get(5)?))
        };
        let (row, checksum): (Self, i64) = select.query_row([], read).map_err(|e| context.failed(e))?;
        sound(row.checksum() == checksum, context, || "whether it is the newest copy".to_owned())?;
        Ok(row)
    }

    pub(super) fn write(&self, connection: &Connection, context: &Context<'_>) -> Result<(), StoreError> {
        let sql = "UPDATE standing SET epoch = ?, writes = ?, marked = ?, doubt = ?, seen = ?, checksum = ?";
        let values = params![self.epoch, self.writes, self.marked, self.doubt, self.seen, self.checksum()];
        connection.prepare_cached(sql).and_then(|mut update| update.execute(values)).map_err(|e| context.failed(e))?;
        Ok(())
    }
}

/// How far the store has got.
pub(super) fn reached(connection: &Connection, context: &Context<'_>) -> Result<Reached, StoreError> {
    let row = Row::read(connection, context)?;
    let sequence: Option<i64> = connection.query_row("SELECT max(sequence) FROM bundles", [], |row| row.get(0)).map_err(|e| context.failed(e))?;
    Ok(Reached {
        epoch: row.epoch,
        version: load::store_row(connection, context)?.version,
        writes: row.writes,
        position: segments::open(connection, context)?.newest(connection, context)?,
        sequence: sequence.unwrap_or(0),
        server: None,
    })
}

/// Counts a transaction that writes something else than certificates.
pub(super) fn count(connection: &Connection, context: &Context<'_>) -> Result<(), StoreError> {
    let mut row = Row::read(connection, context)?;
    row.writes = row.writes.saturating_add(1);
    row.write(connection, context)
}

/// Takes note of a later bundle that somebody has seen. `false` when it is none.
pub(super) fn doubt(connection: &Connection, context: &Context<'_>, seen: &Seen) -> Result<bool, StoreError> {
    let sequence = i64::try_from(seen.sequence).map_err(|_| StoreError::TooLarge { what: "sequence number", number: seen.sequence })?;
    let number = load::number_of(connection, context, &seen.trust_domain)?;
    let number = number.ok_or_else(|| StoreError::UnknownTrustDomain(seen.trust_domain.clone()))?;
    let held = load::newest_sequence(connection, context, number)?.unwrap_or(0);
    if sequence <= held {
        return Ok(false);
    }
    let mut row = Row::read(connection, context)?;
    row.seen = row.seen.max(sequence);
    let words = || format!("{} has seen bundle {sequence} of '{}', and {held} is the newest here; said at {}", seen.by, seen.trust_domain, seen.at);
    row.doubt.get_or_insert_with(words);
    row.write(connection, context)?;
    Ok(true)
}

/// Puts a restoration on record and lifts every doubt.
pub(super) fn restored(
    connection: &Connection,
    context: &Context<'_>,
    restoration: &Restoration,
    why: &str,
    lost: &Reached,
    delay: Duration,
) -> Result<Restored, StoreError> {
    let mut row = Row::read(connection, context)?;
    row.epoch = row.epoch.max(lost.epoch).saturating_add(1);
    row.doubt = None;
    let mut version = load::version(connection, context)?;
    for change in &restoration.changes {
        version = commit::commit(connection, context, change, delay)?;
    }
    // So that no position ever names two certificates.
    let open = segments::open(connection, context)?;
    let newest = open.newest(connection, context)?.max(lost.position);
    let next = segments::begin_next(connection, context, newest.saturating_add(JUMP))?;
    row.write(connection, context)?;
    let checksum = Checksum::of("restorations").int(row.epoch).int(restoration.at.unix()).text(&restoration.by).text(why).int(next.first).finish();
    let sql = "INSERT INTO restorations (epoch, at, restored_by, why, first, checksum) VALUES (?, ?, ?, ?, ?, ?)";
    connection.execute(sql, params![row.epoch, restoration.at.unix(), restoration.by, why, next.first, checksum]).map_err(|e| context.failed(e))?;
    let number = |n: i64| u64::try_from(n).unwrap_or_default();
    Ok(Restored { epoch: number(row.epoch), version, next_position: number(next.first) })
}
