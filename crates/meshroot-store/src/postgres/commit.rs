use meshroot::hierarchy::Event;
use meshroot::x509::Certificate;

use super::failure::{Context, Fault};
use super::head::Head;
use super::rows::{int, maybe};
use super::session::Session;
use super::{load, standing};
use crate::sqlite::load::{Commit, StoreRow, bundle_checksum, event_checksum, key_checksum};
use crate::{Change, StoreError, VISIBLE_AFTER};

/// Locked until the transaction ends: of several changes decided on one version the first goes through, and the others
/// find another version.
const LOCK: &str = "SELECT id, kind, created_at, wrapped_data_key, version, checksum FROM store FOR UPDATE";

/// Waits for whoever changes the store, and keeps others from it until the transaction ends.
pub(super) async fn lock(session: &Session, context: &Context<'_>) -> Result<StoreRow, Fault> {
    load::read_store_row(session.one(LOCK, &[]).await?, context)
}

pub(super) async fn commit(session: &Session, context: &Context<'_>, change: &Change) -> Result<u64, Fault> {
    let mut row = lock(session, context).await?;
    standing::is_newest(session, context).await?;
    let found = u64::try_from(row.version).map_err(|_| context.damaged("its version is negative"))?;
    if found != change.expected_version {
        return Err(StoreError::Conflict { expected: change.expected_version, found }.into());
    }
    row.version = row.version.saturating_add(1);
    let number = find_or_add(session, change).await?;
    let sequence = match &change.bundle {
        Some(bundle) => Some(new_sequence(session, number, change, bundle.sequence).await?),
        None => None,
    };
    let commit = Commit {
        version: row.version,
        trust_domain: number,
        name: change.trust_domain.as_str(),
        at: change.at.unix(),
        events: count(change.events.len()),
        keys: count(change.sealed_keys.len()),
        sequence,
        // Other replicas may serve the bundle before it.
        visible_at: sequence.map(|_| change.at.plus(VISIBLE_AFTER).unix()),
    };
    let sql = "INSERT INTO commits (version, trust_domain, at, events, keys, sequence, visible_at, checksum) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
        [&commit.version, &number, &commit.at, &commit.events, &commit.keys, &sequence, &commit.visible_at, &commit.checksum()];
    session.execute(sql, &values).await?;
    insert_events(session, context, &commit, &change.events).await?;
    insert_keys(session, &commit, change).await?;
    if let Some((sequence, bundle)) = sequence.zip(change.bundle.as_ref()) {
        let checksum = bundle_checksum(number, sequence, commit.version, &bundle.bytes);
        let sql = "INSERT INTO bundles (trust_domain, sequence, version, rendered, checksum) VALUES ($1, $2, $3, $4, $5)";
        session.execute(sql, &[&number, &sequence, &commit.version, &bundle.bytes, &checksum]).await?;
    }
    session.execute("UPDATE store SET version = $1, checksum = $2", &[&row.version, &row.checksum()]).await?;
    Ok(found.saturating_add(1))
}

async fn find_or_add(session: &Session, change: &Change) -> Result<i64, Fault> {
    let name = change.trust_domain.as_str();
    if let Some(number) = load::number_of(session, name).await? {
        return Ok(number);
    }
    // Whoever adds one holds the lock on the store.
    let sql = "INSERT INTO trust_domains (number, name) SELECT coalesce(max(number), 0) + 1, $1::text FROM trust_domains RETURNING number";
    let row = session.one(sql, &[&name]).await?;
    row.map(|row| int(&row, 0)).transpose()?.ok_or_else(|| StoreError::UnknownTrustDomain(change.trust_domain.clone()).into())
}

/// The greatest sequence number of a trust domain's bundles.
pub(super) async fn newest_sequence(session: &Session, number: i64) -> Result<Option<i64>, Fault> {
    let row = session.one("SELECT max(sequence) FROM bundles WHERE trust_domain = $1", &[&number]).await?;
    Ok(row.map(|row| maybe(&row, 0)).transpose()?.flatten())
}

/// The sequence number of a bundle, which must be greater than all before it.
async fn new_sequence(session: &Session, number: i64, change: &Change, offered: u64) -> Result<i64, Fault> {
    let held = newest_sequence(session, number).await?;
    let sequence = i64::try_from(offered).map_err(|_| StoreError::TooLarge { what: "sequence number", number: offered })?;
    match held {
        Some(held) if sequence <= held => {
            let held = u64::try_from(held).unwrap_or(0);
            Err(StoreError::SequenceNotNew { trust_domain: change.trust_domain.clone(), offered, held }.into())
        }
        _ => Ok(sequence),
    }
}

async fn insert_events(session: &Session, context: &Context<'_>, commit: &Commit<'_>, events: &[Event]) -> Result<(), Fault> {
    let row = session.one("SELECT coalesce(max(position), 0) FROM events", &[]).await?;
    let last = row.map(|row| int(&row, 0)).transpose()?.unwrap_or(0);
    let mut texts = Vec::with_capacity(events.len());
    for event in events {
        let failed = |e: serde_json::Error| StoreError::Database { action: context.action, path: context.name.to_owned(), detail: e.to_string() };
        texts.push(serde_json::to_string(event).map_err(failed)?);
    }
    let positions: Vec<i64> = (last.saturating_add(1)..).take(texts.len()).collect();
    let checksums: Vec<i64> = positions.iter().zip(&texts).map(|(position, text)| event_checksum(*position, commit.version, text)).collect();
    let sql = "INSERT INTO events (position, version, event, checksum) \
               SELECT position, $1, event, checksum FROM unnest($2::bigint[], $3::text[], $4::bigint[]) AS new (position, event, checksum)";
    session.execute(sql, &[&commit.version, &positions, &texts, &checksums]).await?;
    let certificates: Vec<&Certificate> = events
        .iter()
        .filter_map(|event| match event {
            Event::AuthorityAdded { certificate, .. } | Event::CertificateAdded { certificate, .. } => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Ok(());
    }
    // Whoever appends to the log has looked for used serial numbers and relies on it.
    Head::lock(session, context).await?;
    for certificate in certificates {
        if !use_serial(session, commit.trust_domain, certificate).await? {
            return Err(StoreError::DuplicateSerial(certificate.serial().clone()).into());
        }
    }
    Ok(())
}

async fn insert_keys(session: &Session, commit: &Commit<'_>, change: &Change) -> Result<(), Fault> {
    let sql = "INSERT INTO sealed_keys (trust_domain, authority, version, sealed, checksum) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    for key in &change.sealed_keys {
        let authority = key.authority.as_str();
        let checksum = key_checksum(commit.trust_domain, authority, commit.version, &key.sealed);
        if session.execute(sql, &[&commit.trust_domain, &authority, &commit.version, &key.sealed, &checksum]).await? != 1 {
            return Err(StoreError::KeyExists(key.authority.clone()).into());
        }
    }
    Ok(())
}

/// Takes note of a CA certificate's serial number; `false` if its issuer has used it before.
pub(super) async fn use_serial(session: &Session, trust_domain: i64, certificate: &Certificate) -> Result<bool, Fault> {
    let (serial, issuer, expires_at) = (certificate.serial().as_bytes(), certificate.issuer().as_der(), certificate.validity().not_after.unix());
    let sql = "INSERT INTO serials (serial, issuer, trust_domain, expires_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    Ok(session.execute(sql, &[&serial, &issuer, &trust_domain, &expires_at]).await? == 1)
}

fn count(items: usize) -> i64 {
    i64::try_from(items).unwrap_or(i64::MAX)
}
