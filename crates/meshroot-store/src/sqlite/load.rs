use meshroot::hierarchy::{AuthorityId, Event};
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Context;
use crate::checksum::Checksum;
use crate::{Loaded, RenderedBundle, StoreError, StoredTrustDomain};

/// The row that says what the store is.
pub(crate) struct StoreRow {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) created_at: i64,
    pub(crate) wrapped_data_key: Vec<u8>,
    pub(crate) version: i64,
}

impl StoreRow {
    pub(crate) fn checksum(&self) -> i64 {
        Checksum::of("store").text(&self.id).text(&self.kind).int(self.created_at).bytes(&self.wrapped_data_key).int(self.version).finish()
    }
}

pub(super) fn store_row(connection: &Connection, context: &Context<'_>) -> Result<StoreRow, StoreError> {
    let sql = "SELECT id, kind, created_at, wrapped_data_key, version, checksum FROM store";
    let read = |row: &rusqlite::Row<'_>| {
        Ok((
            StoreRow { id: row.get(0)?, kind: row.get(1)?, created_at: row.get(2)?, wrapped_data_key: row.get(3)?, version: row.get(4)? },
            row.get(5)?,
        ))
    };
    let (row, checksum): (StoreRow, i64) = connection.query_row(sql, [], read).map_err(|e| context.failed(e))?;
    sound(row.checksum() == checksum, context, || "what it says about itself".into())?;
    Ok(row)
}

pub(super) fn version(connection: &Connection, context: &Context<'_>) -> Result<u64, StoreError> {
    u64::try_from(store_row(connection, context)?.version).map_err(|_| context.damaged("its version is negative"))
}

pub(super) fn load(connection: &Connection, context: &Context<'_>) -> Result<Loaded, StoreError> {
    let version = store_row(connection, context)?.version;
    let mut domains = trust_domains(connection, context)?;
    let commits = commits(connection, context, version)?;
    events(connection, context, &commits, &mut domains)?;
    for domain in &mut domains {
        // The newest is the one that the newest commit with a bundle names: a row that went missing is noticed.
        let newest = commits.iter().filter(|commit| commit.trust_domain == domain.number).filter_map(|commit| commit.sequence).max();
        let of = |commit: &&Held| commit.trust_domain == domain.number && commit.sequence == newest && newest.is_some();
        domain.held.visible_at = commits.iter().find(of).map(|commit| Timestamp::from_unix(commit.visible_at));
        domain.held.bundle = newest.map(|sequence| bundle(connection, context, domain.number, sequence)).transpose()?;
    }
    let version = u64::try_from(version).map_err(|_| context.damaged("its version is negative"))?;
    Ok(Loaded { version, trust_domains: domains.into_iter().map(|domain| domain.held).collect() })
}

struct Domain {
    number: i64,
    held: StoredTrustDomain,
}

fn trust_domains(connection: &Connection, context: &Context<'_>) -> Result<Vec<Domain>, StoreError> {
    let failed = |e| context.failed(e);
    let mut statement = connection.prepare_cached("SELECT number, name FROM trust_domains ORDER BY number").map_err(failed)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?))).map_err(failed)?;
    rows.map(|row| {
        let (number, name): (i64, String) = row.map_err(failed)?;
        let trust_domain = TrustDomain::parse(&name).map_err(|e| context.damaged(format!("the trust domain {number}: {e}")))?;
        Ok(Domain { number, held: StoredTrustDomain { trust_domain, events: Vec::new(), bundle: None, visible_at: None } })
    })
    .collect()
}

/// One change, as it was committed.
pub(crate) struct Commit<'a> {
    pub(crate) version: i64,
    pub(crate) trust_domain: i64,
    /// The trust domain's name, so that a renamed one is noticed.
    pub(crate) name: &'a str,
    pub(crate) at: i64,
    pub(crate) events: i64,
    pub(crate) keys: i64,
    pub(crate) sequence: Option<i64>,
    /// From when on its bundle is served; `None` for at once.
    pub(crate) visible_at: Option<i64>,
}

impl Commit<'_> {
    pub(crate) fn checksum(&self) -> i64 {
        let row = Checksum::of("commits").int(self.version).int(self.trust_domain).text(self.name).int(self.at).int(self.events).int(self.keys);
        // No sequence number is negative.
        let row = row.int(self.sequence.unwrap_or(-1));
        // As it was before there was this column, where it says nothing.
        self.visible_at.into_iter().fold(row, Checksum::int).finish()
    }
}

struct Held {
    trust_domain: i64,
    events: i64,
    sequence: Option<i64>,
    visible_at: i64,
}

/// All commits, without a gap.
fn commits(connection: &Connection, context: &Context<'_>, last: i64) -> Result<Vec<Held>, StoreError> {
    let failed = |e| context.failed(e);
    let sql = "SELECT version, trust_domain, name, at, events, keys, sequence, checksum, visible_at FROM commits LEFT JOIN trust_domains ON number = trust_domain ORDER BY version";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut held = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let int = |column| row.get::<_, i64>(column).map_err(failed);
        let (name, sequence): (String, _) = (row.get(2).map_err(failed)?, row.get(6).map_err(failed)?);
        let visible_at = row.get(8).map_err(failed)?;
        let commit =
            Commit { version: int(0)?, trust_domain: int(1)?, name: &name, at: int(3)?, events: int(4)?, keys: int(5)?, sequence, visible_at };
        let position = i64::try_from(held.len()).unwrap_or(i64::MAX).saturating_add(1);
        sound(commit.checksum() == int(7)? && commit.version == position, context, || format!("change {position}"))?;
        held.push(Held { trust_domain: commit.trust_domain, events: commit.events, sequence, visible_at: visible_at.unwrap_or(commit.at) });
    }
    sound(i64::try_from(held.len()) == Ok(last), context, || format!("{} changes of {last} are there", held.len()))?;
    Ok(held)
}

pub(crate) fn event_checksum(position: i64, version: i64, event: &str) -> i64 {
    Checksum::of("events").int(position).int(version).text(event).finish()
}

/// All events, each commit's in full, to the trust domain of its commit.
fn events(connection: &Connection, context: &Context<'_>, commits: &[Held], domains: &mut [Domain]) -> Result<(), StoreError> {
    let failed = |e| context.failed(e);
    let mut statement = connection.prepare_cached("SELECT position, version, event, checksum FROM events ORDER BY position").map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut last = 0i64;
    for (version, commit) in (1i64..).zip(commits) {
        let domain = domains.iter_mut().find(|domain| domain.number == commit.trust_domain);
        let domain = domain.ok_or_else(|| context.damaged(format!("change {version} is of an unknown trust domain")))?;
        for _ in 0..commit.events {
            last = last.saturating_add(1);
            let missing = || context.damaged(format!("event {last} is missing"));
            let row = rows.next().map_err(failed)?.ok_or_else(missing)?;
            let read = || -> rusqlite::Result<(i64, i64, String, i64)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)) };
            let (position, of, text, checksum) = read().map_err(failed)?;
            sound(event_checksum(position, of, &text) == checksum && position == last && of == version, context, || format!("event {last}"))?;
            let event: Event = serde_json::from_str(&text).map_err(|e| context.damaged(format!("event {last}: {e}")))?;
            domain.held.events.push(event);
        }
    }
    sound(rows.next().map_err(failed)?.is_none(), context, || format!("there are events after {last}, of no change"))
}

pub(crate) fn bundle_checksum(trust_domain: i64, sequence: i64, version: i64, rendered: &[u8]) -> i64 {
    Checksum::of("bundles").int(trust_domain).int(sequence).int(version).bytes(rendered).finish()
}

fn bundle(connection: &Connection, context: &Context<'_>, trust_domain: i64, sequence: i64) -> Result<RenderedBundle, StoreError> {
    let sql = "SELECT version, rendered, checksum FROM bundles WHERE trust_domain = ? AND sequence = ?";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found = connection.query_row(sql, params![trust_domain, sequence], read).optional().map_err(|e| context.failed(e))?;
    let (version, bytes, checksum): (i64, Vec<u8>, i64) = found.ok_or_else(|| context.damaged(format!("the bundle {sequence} is missing")))?;
    sound(bundle_checksum(trust_domain, sequence, version, &bytes) == checksum, context, || format!("the bundle {sequence}"))?;
    Ok(RenderedBundle { sequence: u64::try_from(sequence).map_err(|_| context.damaged("a sequence number is negative"))?, bytes })
}

pub(crate) fn key_checksum(trust_domain: i64, authority: &str, version: i64, sealed: &[u8]) -> i64 {
    Checksum::of("sealed_keys").int(trust_domain).text(authority).int(version).bytes(sealed).finish()
}

pub(super) fn sealed_key(
    connection: &Connection,
    context: &Context<'_>,
    trust_domain: &TrustDomain,
    authority: &AuthorityId,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sql = "SELECT trust_domain, version, sealed, checksum FROM sealed_keys WHERE trust_domain = (SELECT number FROM trust_domains WHERE name = ?) AND authority = ?";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
    let found = connection.query_row(sql, params![trust_domain.as_str(), authority.as_str()], read).optional().map_err(|e| context.failed(e))?;
    let Some((number, version, sealed, checksum)): Option<(i64, i64, Vec<u8>, i64)> = found else { return Ok(None) };
    sound(key_checksum(number, authority.as_str(), version, &sealed) == checksum, context, || format!("the key of '{authority}'"))?;
    Ok(Some(sealed))
}

/// The greatest sequence number that a bundle of this trust domain ever had here.
pub(super) fn newest_sequence(connection: &Connection, context: &Context<'_>, number: i64) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT max(sequence) FROM bundles WHERE trust_domain = ?";
    connection.query_row(sql, [number], |row| row.get(0)).map_err(|e| context.failed(e))
}

/// The number of a trust domain in this store.
pub(super) fn number_of(connection: &Connection, context: &Context<'_>, trust_domain: &TrustDomain) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT number FROM trust_domains WHERE name = ?").map_err(|e| context.failed(e))?;
    statement.query_row([trust_domain.as_str()], |row| row.get(0)).optional().map_err(|e| context.failed(e))
}

/// Damage, unless it is sound.
pub(super) fn sound(is: bool, context: &Context<'_>, what: impl FnOnce() -> String) -> Result<(), StoreError> {
    if is { Ok(()) } else { Err(context.damaged(format!("{} is not what was written", what()))) }
}
