use meshroot::hierarchy::{AuthorityId, Event};
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use tokio_postgres::Row;

use super::failure::{Context, Fault};
use super::rows::{bytes, int, maybe, text};
use super::session::Session;
use crate::sqlite::load::{Commit, StoreRow, bundle_checksum, event_checksum, key_checksum};
use crate::{Loaded, RenderedBundle, StoreId, StoredTrustDomain};

const STORE: &str = "SELECT id, kind, created_at, wrapped_data_key, version, checksum FROM store";
const TRUST_DOMAINS: &str = "SELECT number, name FROM trust_domains ORDER BY number";
const COMMITS: &str = "SELECT version, trust_domain, coalesce(name, ''), at, events, keys, sequence, checksum, visible_at \
    FROM commits LEFT JOIN trust_domains ON number = trust_domain ORDER BY version";
const EVENTS: &str = "SELECT position, version, event, checksum FROM events ORDER BY position";
/// Of each trust domain the newest.
const BUNDLES: &str =
    "SELECT DISTINCT ON (trust_domain) trust_domain, sequence, version, rendered, checksum FROM bundles ORDER BY trust_domain, sequence DESC";
const KEY: &str = "SELECT trust_domain, version, sealed, checksum FROM sealed_keys \
    WHERE trust_domain = (SELECT number FROM trust_domains WHERE name = $1) AND authority = $2";

pub(super) async fn store_row(session: &Session, context: &Context<'_>) -> Result<StoreRow, Fault> {
    let row = session.one(STORE, &[]).await?;
    read_store_row(row, context)
}

pub(super) fn read_store_row(row: Option<Row>, context: &Context<'_>) -> Result<StoreRow, Fault> {
    let row = row.ok_or_else(|| context.damaged("it does not say what it is"))?;
    let store =
        StoreRow { id: text(&row, 0)?, kind: text(&row, 1)?, created_at: int(&row, 2)?, wrapped_data_key: bytes(&row, 3)?, version: int(&row, 4)? };
    context.sound(store.checksum() == int(&row, 5)?, || "what it says about itself".into())?;
    Ok(store)
}

/// The store's identifier alone, which every format has in the same place.
pub(super) async fn identifier(session: &Session, context: &Context<'_>) -> Result<StoreId, Fault> {
    let row = session.one("SELECT id FROM store", &[]).await?.ok_or_else(|| context.damaged("it does not say what it is"))?;
    Ok(text(&row, 0)?.parse().map_err(|_| context.damaged("its identifier is none"))?)
}

pub(super) async fn version(session: &Session, context: &Context<'_>) -> Result<u64, Fault> {
    Ok(u64::try_from(store_row(session, context).await?.version).map_err(|_| context.damaged("its version is negative"))?)
}

struct Domain {
    number: i64,
    held: StoredTrustDomain,
}

struct Held {
    trust_domain: i64,
    events: i64,
    sequence: Option<i64>,
    visible_at: i64,
}

pub(super) async fn load(session: &Session, context: &Context<'_>) -> Result<Loaded, Fault> {
    session.prepare(&[STORE, TRUST_DOMAINS, COMMITS, EVENTS, BUNDLES]).await?;
    let (store, domains, commits, events, bundles) = tokio::join!(
        biased;
        session.one(STORE, &[]),
        session.query(TRUST_DOMAINS, &[]),
        session.query(COMMITS, &[]),
        session.query(EVENTS, &[]),
        session.query(BUNDLES, &[]),
    );
    let version = read_store_row(store?, context)?.version;
    let mut domains = domains?.iter().map(|row| trust_domain(row, context)).collect::<Result<Vec<_>, Fault>>()?;
    let commits = read_commits(&commits?, version, context)?;
    read_events(&events?, &commits, &mut domains, context)?;
    let bundles = bundles?;
    for domain in &mut domains {
        // The newest is the one that the newest commit with a bundle names: a row that went missing is noticed.
        let newest = commits.iter().filter(|commit| commit.trust_domain == domain.number).filter_map(|commit| commit.sequence).max();
        let of = |commit: &&Held| commit.trust_domain == domain.number && commit.sequence == newest && newest.is_some();
        domain.held.visible_at = commits.iter().find(of).map(|commit| Timestamp::from_unix(commit.visible_at));
        domain.held.bundle = newest.map(|sequence| bundle(&bundles, domain.number, sequence, context)).transpose()?;
    }
    let version = u64::try_from(version).map_err(|_| context.damaged("its version is negative"))?;
    Ok(Loaded { version, trust_domains: domains.into_iter().map(|domain| domain.held).collect() })
}

fn trust_domain(row: &Row, context: &Context<'_>) -> Result<Domain, Fault> {
    let (number, name) = (int(row, 0)?, text(row, 1)?);
    let trust_domain = TrustDomain::parse(&name).map_err(|e| context.damaged(format!("the trust domain {number}: {e}")))?;
    Ok(Domain { number, held: StoredTrustDomain { trust_domain, events: Vec::new(), bundle: None, visible_at: None } })
}

/// All commits, without a gap.
fn read_commits(rows: &[Row], last: i64, context: &Context<'_>) -> Result<Vec<Held>, Fault> {
    let mut held = Vec::with_capacity(rows.len());
    for (expected, row) in (1i64..).zip(rows) {
        let name = text(row, 2)?;
        let commit = Commit {
            version: int(row, 0)?,
            trust_domain: int(row, 1)?,
            name: &name,
            at: int(row, 3)?,
            events: int(row, 4)?,
            keys: int(row, 5)?,
            sequence: maybe(row, 6)?,
            visible_at: maybe(row, 8)?,
        };
        context.sound(commit.checksum() == int(row, 7)? && commit.version == expected, || format!("change {expected}"))?;
        let visible_at = commit.visible_at.unwrap_or(commit.at);
        held.push(Held { trust_domain: commit.trust_domain, events: commit.events, sequence: commit.sequence, visible_at });
    }
    context.sound(i64::try_from(held.len()) == Ok(last), || format!("{} changes of {last} are there", held.len()))?;
    Ok(held)
}

/// All events, each commit's in full, to the trust domain of its commit.
fn read_events(rows: &[Row], commits: &[Held], domains: &mut [Domain], context: &Context<'_>) -> Result<(), Fault> {
    let mut rows = rows.iter();
    let mut last = 0i64;
    for (version, commit) in (1i64..).zip(commits) {
        let domain = domains.iter_mut().find(|domain| domain.number == commit.trust_domain);
        let domain = domain.ok_or_else(|| context.damaged(format!("change {version} is of an unknown trust domain")))?;
        for _ in 0..commit.events {
            last = last.saturating_add(1);
            let row = rows.next().ok_or_else(|| context.damaged(format!("event {last} is missing")))?;
            let (position, of, event, checksum) = (int(row, 0)?, int(row, 1)?, text(row, 2)?, int(row, 3)?);
            let sound = event_checksum(position, of, &event) == checksum && position == last && of == version;
            context.sound(sound, || format!("event {last}"))?;
            let event: Event = serde_json::from_str(&event).map_err(|e| context.damaged(format!("event {last}: {e}")))?;
            domain.held.events.push(event);
        }
    }
    Ok(context.sound(rows.next().is_none(), || format!("there are events after {last}, of no change"))?)
}

fn bundle(rows: &[Row], trust_domain: i64, sequence: i64, context: &Context<'_>) -> Result<RenderedBundle, Fault> {
    for row in rows {
        let (of, found, version, rendered) = (int(row, 0)?, int(row, 1)?, int(row, 2)?, bytes(row, 3)?);
        if (of, found) == (trust_domain, sequence) {
            let sound = bundle_checksum(of, found, version, &rendered) == int(row, 4)?;
            context.sound(sound, || format!("the bundle {sequence}"))?;
            let sequence = u64::try_from(sequence).map_err(|_| context.damaged("a sequence number is negative"))?;
            return Ok(RenderedBundle { sequence, bytes: rendered });
        }
    }
    Err(context.damaged(format!("the bundle {sequence} is missing")).into())
}

pub(super) async fn sealed_key(
    session: &Session,
    context: &Context<'_>,
    trust_domain: &TrustDomain,
    authority: &AuthorityId,
) -> Result<Option<Vec<u8>>, Fault> {
    let Some(row) = session.one(KEY, &[&trust_domain.as_str(), &authority.as_str()]).await? else { return Ok(None) };
    let (number, version, sealed, checksum) = (int(&row, 0)?, int(&row, 1)?, bytes(&row, 2)?, int(&row, 3)?);
    let sound = key_checksum(number, authority.as_str(), version, &sealed) == checksum;
    context.sound(sound, || format!("the key of '{authority}'"))?;
    Ok(Some(sealed))
}

/// The number of a trust domain in this store.
pub(super) async fn number_of(session: &Session, trust_domain: &str) -> Result<Option<i64>, tokio_postgres::Error> {
    let row = session.one("SELECT number FROM trust_domains WHERE name = $1", &[&trust_domain]).await?;
    row.map(|row| int(&row, 0)).transpose()
}
