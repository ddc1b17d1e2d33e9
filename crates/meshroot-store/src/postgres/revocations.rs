//! What is revoked, denied and published about it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use meshroot::revocation::Crl;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::SerialNumber;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::failure::{Context, Fault};
use super::head::Head;
use super::rows::{bytes, int, maybe, text};
use super::session::Session;
use super::{commit, load};
use crate::checksum::Checksum;
use crate::sqlite::revocations::{Newest, crl_checksum, denial_checksum, reason, revocation_checksum};
use crate::{Denial, PublishedCrl, Revocation, RevocationChange, Revocations, StoreError};

const NEWEST: &str = "SELECT version, at, revocations, denials, lifts, crls, checksum FROM revocation_changes ORDER BY version DESC LIMIT 1";
const ENDS: &str = "SELECT (SELECT coalesce(max(position), 0) FROM revocations), (SELECT coalesce(max(position), 0) FROM denials), \
    (SELECT coalesce(max(position), 0) FROM denial_lifts)";
const REVOKED: &str = "SELECT position, version, coalesce(name, ''), authority, serial, spiffe_id, not_after, reason, at, revoked_by, checksum \
    FROM revocations LEFT JOIN trust_domains ON number = trust_domain WHERE not_after >= $1 ORDER BY position";
const DENIED: &str = "SELECT position, version, spiffe_id, reason, at, denied_by, expires_at, checksum FROM denials \
    WHERE (expires_at IS NULL OR expires_at > $1) AND NOT EXISTS (SELECT 1 FROM denial_lifts WHERE denial = denials.position) ORDER BY position";
const CRLS: &str = "SELECT coalesce(name, ''), authority, crls.number, version, crl, checksum \
    FROM crls LEFT JOIN trust_domains ON trust_domains.number = trust_domain ORDER BY trust_domain, authority";
/// The denials of these identities that were not taken back.
pub(super) const DENIES: &str = "SELECT spiffe_id, expires_at FROM denials WHERE spiffe_id = ANY($1::text[]) \
    AND NOT EXISTS (SELECT 1 FROM denial_lifts WHERE denial = denials.position)";
const REVOKE: &str = "INSERT INTO revocations (position, version, trust_domain, authority, serial, spiffe_id, not_after, reason, at, revoked_by, checksum) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// The newest row of `revocation_changes`; all zeros before the first.
async fn newest(session: &Session, context: &Context<'_>) -> Result<Newest, Fault> {
    let Some(row) = session.one(NEWEST, &[]).await? else { return Ok(Newest::default()) };
    let newest = Newest {
        version: int(&row, 0)?,
        at: int(&row, 1)?,
        revocations: int(&row, 2)?,
        denials: int(&row, 3)?,
        lifts: int(&row, 4)?,
        crls: int(&row, 5)?,
    };
    context.sound(newest.checksum() == int(&row, 6)?, || "the newest change of what is revoked".into())?;
    Ok(newest)
}

pub(super) async fn version(session: &Session, context: &Context<'_>) -> Result<u64, Fault> {
    unsigned(newest(session, context).await?.version, context)
}

pub(super) async fn commit(session: &Session, context: &Context<'_>, change: &RevocationChange) -> Result<u64, Fault> {
    // One change at a time, of whatever kind.
    commit::lock(session, context).await?;
    if !change.denied.is_empty() {
        // A batch that is being recorded has asked for denials before this one: it goes first.
        Head::lock(session, context).await?;
    }
    let before = newest(session, context).await?;
    let found = unsigned(before.version, context)?;
    if found != change.expected_version {
        return Err(StoreError::Conflict { expected: change.expected_version, found }.into());
    }
    let numbers = numbers(session, change).await?;
    let revoked = new_revocations(session, &numbers, change).await?;
    let lifted = new_lifts(session, change).await?;
    let after = |last: i64, added: usize| last.saturating_add(i64::try_from(added).unwrap_or(i64::MAX));
    let newest = Newest {
        version: before.version.saturating_add(1),
        at: change.at.unix(),
        revocations: after(before.revocations, revoked.len()),
        denials: after(before.denials, change.denied.len()),
        lifts: after(before.lifts, lifted.len()),
        crls: after(0, change.crls.len()),
    };
    let version = newest.version;
    // First: the other rows refer to it.
    let sql = "INSERT INTO revocation_changes (version, at, revocations, denials, lifts, crls, checksum) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let values: [&(dyn ToSql + Sync); 7] =
        [&version, &newest.at, &newest.revocations, &newest.denials, &newest.lifts, &newest.crls, &newest.checksum()];
    session.execute(sql, &values).await?;
    for (position, one) in (before.revocations.saturating_add(1)..).zip(revoked) {
        insert_revocation(session, (position, version, number_of(&numbers, &one.trust_domain)?), one).await?;
    }
    for (position, one) in (before.denials.saturating_add(1)..).zip(&change.denied) {
        insert_denial(session, (position, version, number_of(&numbers, &one.id.trust_domain().to_owned())?), one).await?;
    }
    for (position, (denial, by)) in (before.lifts.saturating_add(1)..).zip(lifted) {
        let at = change.at.unix();
        let checksum = Checksum::of("denial_lifts").int(position).int(version).int(denial).int(at).text(by).finish();
        let sql = "INSERT INTO denial_lifts (position, version, denial, at, lifted_by, checksum) VALUES ($1, $2, $3, $4, $5, $6)";
        session.execute(sql, &[&position, &version, &denial, &at, &by, &checksum]).await?;
    }
    for published in &change.crls {
        replace_crl(session, version, number_of(&numbers, &published.trust_domain)?, published).await?;
    }
    Ok(found.saturating_add(1))
}

/// The numbers of all trust domains that a change names.
async fn numbers(session: &Session, change: &RevocationChange) -> Result<HashMap<TrustDomain, i64>, Fault> {
    let named = change.revoked.iter().map(|one| one.trust_domain.clone());
    let named = named.chain(change.denied.iter().map(|one| one.id.trust_domain().to_owned()));
    let mut numbers = HashMap::new();
    for name in named.chain(change.crls.iter().map(|one| one.trust_domain.clone())) {
        if let Entry::Vacant(vacant) = numbers.entry(name) {
            let number = load::number_of(session, vacant.key().as_str()).await?;
            let number = number.ok_or_else(|| StoreError::UnknownTrustDomain(vacant.key().clone()))?;
            vacant.insert(number);
        }
    }
    Ok(numbers)
}

fn number_of(numbers: &HashMap<TrustDomain, i64>, name: &TrustDomain) -> Result<i64, StoreError> {
    numbers.get(name).copied().ok_or_else(|| StoreError::UnknownTrustDomain(name.clone()))
}

/// Those of a change that are not on record, each once.
async fn new_revocations<'a>(
    session: &Session,
    numbers: &HashMap<TrustDomain, i64>,
    change: &'a RevocationChange,
) -> Result<Vec<&'a Revocation>, Fault> {
    let domains = change.revoked.iter().map(|one| number_of(numbers, &one.trust_domain)).collect::<Result<Vec<i64>, _>>()?;
    let authorities: Vec<&str> = change.revoked.iter().map(|one| one.authority.as_str()).collect();
    let serials: Vec<&[u8]> = change.revoked.iter().map(|one| one.serial.as_bytes()).collect();
    let sql = "SELECT ordinal FROM unnest($1::bigint[], $2::text[], $3::bytea[]) WITH ORDINALITY AS asked (trust_domain, authority, serial, ordinal) \
               JOIN revocations USING (trust_domain, authority, serial)";
    let mut held = HashSet::new();
    for row in session.query(sql, &[&domains, &authorities, &serials]).await? {
        held.insert(int(&row, 0)?);
    }
    let mut seen = HashSet::new();
    let asked = (1i64..).zip(&change.revoked).filter(|(ordinal, one)| {
        !held.contains(ordinal) && seen.insert((one.trust_domain.clone(), one.authority.clone(), one.serial.as_bytes().to_vec()))
    });
    Ok(asked.map(|(_, one)| one).collect())
}

type Place = (i64, i64, i64);

async fn insert_revocation(session: &Session, (position, version, trust_domain): Place, one: &Revocation) -> Result<(), Fault> {
    let checksum = revocation_checksum(position, version, one.trust_domain.as_str(), one);
    let values: [&(dyn ToSql + Sync); 11] = [
        &position,
        &version,
        &trust_domain,
        &one.authority.as_str(),
        &one.serial.as_bytes(),
        &one.id.as_ref().map(SpiffeId::as_str),
        &one.not_after.unix(),
        &one.reason.as_str(),
        &one.at.unix(),
        &one.by,
        &checksum,
    ];
    session.execute(REVOKE, &values).await?;
    Ok(())
}

async fn insert_denial(session: &Session, (position, version, trust_domain): Place, one: &Denial) -> Result<(), Fault> {
    let sql = "INSERT INTO denials (position, version, trust_domain, spiffe_id, reason, at, denied_by, expires_at, checksum) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let (id, reason, at, expires_at) = (one.id.as_str(), one.reason.as_str(), one.at.unix(), one.expires_at.map(Timestamp::unix));
    let checksum = denial_checksum(position, version, one);
    session.execute(sql, &[&position, &version, &trust_domain, &id, &reason, &at, &one.by, &expires_at, &checksum]).await?;
    Ok(())
}

/// The denials that a change takes back, with who does, each once.
async fn new_lifts<'a>(session: &Session, change: &'a RevocationChange) -> Result<Vec<(i64, &'a str)>, Fault> {
    let sql =
        "SELECT position FROM denials WHERE position = ANY($1::bigint[]) AND NOT EXISTS (SELECT 1 FROM denial_lifts WHERE denial = denials.position)";
    let asked: Vec<i64> = change.lifted.iter().map(|lift| i64::try_from(lift.denial).unwrap_or(i64::MAX)).collect();
    let mut open = HashSet::new();
    for row in session.query(sql, &[&asked]).await? {
        open.insert(int(&row, 0)?);
    }
    // Removed with the first that names it.
    Ok(asked.iter().zip(&change.lifted).filter(|(denial, _)| open.remove(*denial)).map(|(denial, lift)| (*denial, lift.by.as_str())).collect())
}

async fn replace_crl(session: &Session, version: i64, trust_domain: i64, published: &PublishedCrl) -> Result<(), Fault> {
    let authority = published.authority.as_str();
    let row = session.one("SELECT number FROM crls WHERE trust_domain = $1 AND authority = $2", &[&trust_domain, &authority]).await?;
    let held = row.map(|row| int(&row, 0)).transpose()?;
    let number = published.crl.number().and_then(|number| u64::try_from(number).ok()).and_then(|number| i64::try_from(number).ok());
    let number = number.filter(|number| held.is_none_or(|held| *number > held));
    let number = number.ok_or_else(|| StoreError::CrlNotNewer {
        authority: published.authority.clone(),
        held: held.and_then(|held| u64::try_from(held).ok()).unwrap_or_default(),
    })?;
    let crl = published.crl.der();
    let checksum = crl_checksum(published.trust_domain.as_str(), authority, number, version, crl);
    let sql = "INSERT INTO crls (trust_domain, authority, number, version, crl, checksum) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (trust_domain, authority) DO UPDATE SET number = excluded.number, version = excluded.version, crl = excluded.crl, \
               checksum = excluded.checksum";
    session.execute(sql, &[&trust_domain, &authority, &number, &version, &crl, &checksum]).await?;
    Ok(())
}

pub(super) async fn load(session: &Session, context: &Context<'_>, unexpired_at: Timestamp) -> Result<Revocations, Fault> {
    let newest = newest(session, context).await?;
    if let Some(ends) = session.one(ENDS, &[]).await? {
        for (column, (table, last)) in
            [("revocations", newest.revocations), ("denials", newest.denials), ("denial_lifts", newest.lifts)].iter().enumerate()
        {
            context.sound(int(&ends, column)? == *last, || format!("the end of the table {table}"))?;
        }
    }
    let at = unexpired_at.unix();
    Ok(Revocations {
        version: unsigned(newest.version, context)?,
        revoked: session.query(REVOKED, &[&at]).await?.iter().map(|row| revocation(row, context)).collect::<Result<_, _>>()?,
        denied: session.query(DENIED, &[&at]).await?.iter().map(|row| denial(row, context)).collect::<Result<_, _>>()?,
        crls: session.query(CRLS, &[]).await?.iter().map(|row| crl(row, context)).collect::<Result<_, _>>()?,
    })
}

fn revocation(row: &Row, context: &Context<'_>) -> Result<Revocation, Fault> {
    let (position, version, name) = (int(row, 0)?, int(row, 1)?, text(row, 2)?);
    let damaged = || context.damaged(format!("revocation {position} is not what was written"));
    let one = Revocation {
        trust_domain: TrustDomain::parse(&name).map_err(|_| damaged())?,
        authority: serde_json::from_value(text(row, 3)?.into()).map_err(|_| damaged())?,
        serial: SerialNumber::from_bytes(&bytes(row, 4)?),
        id: maybe::<String>(row, 5)?.map(|id| SpiffeId::parse(&id)).transpose().map_err(|_| damaged())?,
        not_after: Timestamp::from_unix(int(row, 6)?),
        reason: reason(&text(row, 7)?).ok_or_else(damaged)?,
        at: Timestamp::from_unix(int(row, 8)?),
        by: text(row, 9)?,
    };
    context.sound(revocation_checksum(position, version, &name, &one) == int(row, 10)?, || format!("revocation {position}"))?;
    Ok(one)
}

fn denial(row: &Row, context: &Context<'_>) -> Result<Denial, Fault> {
    let (position, version) = (int(row, 0)?, int(row, 1)?);
    let damaged = || context.damaged(format!("denial {position} is not what was written"));
    let one = Denial {
        number: unsigned(position, context)?,
        id: SpiffeId::parse(&text(row, 2)?).map_err(|_| damaged())?,
        reason: reason(&text(row, 3)?).ok_or_else(damaged)?,
        at: Timestamp::from_unix(int(row, 4)?),
        by: text(row, 5)?,
        expires_at: maybe::<i64>(row, 6)?.map(Timestamp::from_unix),
    };
    context.sound(denial_checksum(position, version, &one) == int(row, 7)?, || format!("denial {position}"))?;
    Ok(one)
}

fn crl(row: &Row, context: &Context<'_>) -> Result<PublishedCrl, Fault> {
    let (name, authority, number, version, crl) = (text(row, 0)?, text(row, 1)?, int(row, 2)?, int(row, 3)?, bytes(row, 4)?);
    context.sound(crl_checksum(&name, &authority, number, version, &crl) == int(row, 5)?, || format!("the CRL of '{authority}'"))?;
    let damaged = |what: String| context.damaged(format!("the CRL of '{authority}': {what}"));
    Ok(PublishedCrl {
        trust_domain: TrustDomain::parse(&name).map_err(|e| damaged(e.to_string()))?,
        crl: Crl::from_der(&crl).map_err(|e| damaged(e.to_string()))?,
        authority: serde_json::from_value(authority.clone().into()).map_err(|e| damaged(e.to_string()))?,
    })
}

fn unsigned(number: i64, context: &Context<'_>) -> Result<u64, Fault> {
    u64::try_from(number).map_err(|_| context.damaged("a number of what is revoked is negative").into())
}
