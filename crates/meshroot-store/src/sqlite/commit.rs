use core::time::Duration;

use meshroot::hierarchy::Event;
use meshroot::time::Timestamp;
use rusqlite::{Connection, params};

use super::failure::Context;
use super::load::{self, Commit, StoreRow};
use super::serials;
use crate::{Change, StoreError};

/// Stores a change. A bundle in it is served so long after it.
pub(super) fn commit(connection: &Connection, context: &Context<'_>, change: &Change, delay: Duration) -> Result<u64, StoreError> {
    let mut row = load::store_row(connection, context)?;
    let found = u64::try_from(row.version).map_err(|_| context.damaged("its version is negative"))?;
    if found != change.expected_version {
        return Err(StoreError::Conflict { expected: change.expected_version, found });
    }
    row.version = row.version.saturating_add(1);
    let number = find_or_add(connection, context, change)?;
    let bundle = change.bundle.as_ref();
    let sequence = bundle.map(|bundle| new_sequence(connection, context, number, change, bundle.sequence)).transpose()?;
    let added = Commit {
        version: row.version,
        trust_domain: number,
        name: change.trust_domain.as_str(),
        at: change.at.unix(),
        events: count(change.events.len()),
        keys: count(change.sealed_keys.len()),
        sequence,
        visible_at: sequence.filter(|_| !delay.is_zero()).map(|_| change.at.plus(delay).unix()),
    };
    insert_commit(connection, &added).map_err(|e| context.failed(e))?;
    insert_events(connection, context, &added, &change.events)?;
    insert_keys(connection, context, &added, change)?;
    if let Some((sequence, bundle)) = sequence.zip(bundle) {
        let checksum = load::bundle_checksum(number, sequence, added.version, &bundle.bytes);
        let sql = "INSERT INTO bundles (trust_domain, sequence, version, rendered, checksum) VALUES (?, ?, ?, ?, ?)";
        connection.execute(sql, params![number, sequence, added.version, bundle.bytes, checksum]).map_err(|e| context.failed(e))?;
    }
    set_version(connection, &row).map_err(|e| context.failed(e))?;
    Ok(found.saturating_add(1))
}

fn find_or_add(connection: &Connection, context: &Context<'_>, change: &Change) -> Result<i64, StoreError> {
    if let Some(number) = load::number_of(connection, context, &change.trust_domain)? {
        return Ok(number);
    }
    connection.execute("INSERT INTO trust_domains (name) VALUES (?)", [change.trust_domain.as_str()]).map_err(|e| context.failed(e))?;
    Ok(connection.last_insert_rowid())
}

/// The sequence number of a bundle, which must be greater than all before it.
fn new_sequence(connection: &Connection, context: &Context<'_>, number: i64, change: &Change, offered: u64) -> Result<i64, StoreError> {
    let held = load::newest_sequence(connection, context, number)?;
    let sequence = i64::try_from(offered).map_err(|_| StoreError::TooLarge { what: "sequence number", number: offered })?;
    match held {
        Some(held) if sequence <= held => {
            Err(StoreError::SequenceNotNew { trust_domain: change.trust_domain.clone(), offered, held: u64::try_from(held).unwrap_or(0) })
        }
        _ => Ok(sequence),
    }
}

fn insert_commit(connection: &Connection, commit: &Commit<'_>) -> rusqlite::Result<()> {
    let sql = "INSERT INTO commits (version, trust_domain, at, events, keys, sequence, visible_at, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let Commit { version, trust_domain, at, events, keys, sequence, visible_at, .. } = commit;
    connection.execute(sql, params![version, trust_domain, at, events, keys, sequence, visible_at, commit.checksum()])?;
    Ok(())
}

fn insert_events(connection: &Connection, context: &Context<'_>, commit: &Commit<'_>, events: &[Event]) -> Result<(), StoreError> {
    let failed = |e| context.failed(e);
    let last: i64 = connection.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0)).map_err(failed)?;
    let mut insert = connection.prepare_cached("INSERT INTO events (position, version, event, checksum) VALUES (?, ?, ?, ?)").map_err(failed)?;
    for (position, event) in (last.saturating_add(1)..).zip(events) {
        let text = serde_json::to_string(event).map_err(|e| StoreError::Database {
            action: context.action,
            path: context.path.to_owned(),
            detail: e.to_string(),
        })?;
        insert.execute(params![position, commit.version, text, load::event_checksum(position, commit.version, &text)]).map_err(failed)?;
        if let Event::AuthorityAdded { certificate, .. } | Event::CertificateAdded { certificate, .. } = event
            && !serials::use_of_ca(connection, context, commit.trust_domain, certificate, Timestamp::from_unix(commit.at))?
        {
            return Err(StoreError::DuplicateSerial(certificate.serial().clone()));
        }
    }
    Ok(())
}

fn insert_keys(connection: &Connection, context: &Context<'_>, commit: &Commit<'_>, change: &Change) -> Result<(), StoreError> {
    let failed = |e| context.failed(e);
    let mut held = connection.prepare_cached("SELECT 1 FROM sealed_keys WHERE trust_domain = ? AND authority = ?").map_err(failed)?;
    let sql = "INSERT INTO sealed_keys (trust_domain, authority, version, sealed, checksum) VALUES (?, ?, ?, ?, ?)";
    let mut insert = connection.prepare_cached(sql).map_err(failed)?;
    for key in &change.sealed_keys {
        if held.exists(params![commit.trust_domain, key.authority.as_str()]).map_err(failed)? {
            return Err(StoreError::KeyExists(key.authority.clone()));
        }
        let checksum = load::key_checksum(commit.trust_domain, key.authority.as_str(), commit.version, &key.sealed);
        insert.execute(params![commit.trust_domain, key.authority.as_str(), commit.version, key.sealed, checksum]).map_err(failed)?;
    }
    Ok(())
}

fn set_version(connection: &Connection, row: &StoreRow) -> rusqlite::Result<()> {
    connection.execute("UPDATE store SET version = ?, checksum = ?", params![row.version, row.checksum()])?;
    Ok(())
}

fn count(items: usize) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}
