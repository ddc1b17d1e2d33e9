use meshroot::revocation::{Crl, RevocationReason};
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::SerialNumber;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::failure::Context;
use super::load::{number_of, sound};
use crate::checksum::Checksum;
use crate::{Denial, Lift, PublishedCrl, Revocation, RevocationChange, Revocations, StoreError};

/// The newest row of `revocation_changes`; all zeros before the first.
#[derive(Default)]
pub(crate) struct Newest {
    pub(crate) version: i64,
    pub(crate) at: i64,
    pub(crate) revocations: i64,
    pub(crate) denials: i64,
    pub(crate) lifts: i64,
    pub(crate) crls: i64,
}

impl Newest {
    fn read(connection: &Connection, context: &Context<'_>) -> Result<Self, StoreError> {
        let sql = "SELECT version, at, revocations, denials, lifts, crls, checksum FROM revocation_changes ORDER BY version DESC LIMIT 1";
        let mut select = connection.prepare_cached(sql).map_err(|e| context.failed(e))?;
        let read = |row: &Row<'_>| {
            let newest =
                Self { version: row.get(0)?, at: row.get(1)?, revocations: row.get(2)?, denials: row.get(3)?, lifts: row.get(4)?, crls: row.get(5)? };
            Ok((newest, row.get::<_, i64>(6)?))
        };
        let found = select.query_row([], read).optional().map_err(|e| context.failed(e))?;
        let Some((newest, checksum)) = found else { return Ok(Self::default()) };
        sound(newest.checksum() == checksum, context, || "the newest change of what is revoked".into())?;
        Ok(newest)
    }

    pub(crate) fn checksum(&self) -> i64 {
        let row = Checksum::of("revocation_changes").int(self.version).int(self.at).int(self.revocations);
        row.int(self.denials).int(self.lifts).int(self.crls).finish()
    }

    fn insert(&self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "INSERT INTO revocation_changes (version, at, revocations, denials, lifts, crls, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)";
        let values = params![self.version, self.at, self.revocations, self.denials, self.lifts, self.crls, self.checksum()];
        connection.execute(sql, values).map(drop)
    }
}

pub(super) fn version(connection: &Connection, context: &Context<'_>) -> Result<u64, StoreError> {
    unsigned(Newest::read(connection, context)?.version, context)
}

pub(super) fn commit(connection: &Connection, context: &Context<'_>, change: &RevocationChange) -> Result<u64, StoreError> {
    let before = Newest::read(connection, context)?;
    let found = unsigned(before.version, context)?;
    if found != change.expected_version {
        return Err(StoreError::Conflict { expected: change.expected_version, found });
    }
    let version = before.version.saturating_add(1);
    let newest = Newest {
        version,
        at: change.at.unix(),
        revocations: before.revocations.saturating_add(new_revocations(connection, context, &change.revoked)?),
        denials: before.denials.saturating_add(i64::try_from(change.denied.len()).unwrap_or(i64::MAX)),
        lifts: before.lifts.saturating_add(new_lifts(connection, context, &change.lifted)?),
        crls: i64::try_from(change.crls.len()).unwrap_or(i64::MAX),
    };
    // First: the other rows refer to it.
    newest.insert(connection).map_err(|e| context.failed(e))?;
    insert_revocations(connection, context, version, before.revocations, &change.revoked)?;
    insert_denials(connection, context, version, before.denials, &change.denied)?;
    insert_lifts(connection, context, version, before.lifts, change)?;
    for published in &change.crls {
        replace_crl(connection, context, version, published)?;
    }
    Ok(found.saturating_add(1))
}

/// Whether anybody is, or was, denied anything.
pub(super) fn has_denials(connection: &Connection, context: &Context<'_>) -> Result<bool, StoreError> {
    let mut select = connection.prepare_cached("SELECT 1 FROM denials LIMIT 1").map_err(|e| context.failed(e))?;
    select.exists([]).map_err(|e| context.failed(e))
}

/// Whether a denial of this identity holds.
pub(super) fn denies(connection: &Connection, context: &Context<'_>, id: &SpiffeId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM denials WHERE spiffe_id = ?1 AND (expires_at IS NULL OR expires_at > ?2) \
               AND NOT EXISTS (SELECT 1 FROM denial_lifts WHERE denial = denials.position)";
    let mut select = connection.prepare_cached(sql).map_err(|e| context.failed(e))?;
    select.exists(params![id.as_str(), now.unix()]).map_err(|e| context.failed(e))
}

pub(super) fn load(connection: &Connection, context: &Context<'_>, unexpired_at: Timestamp) -> Result<Revocations, StoreError> {
    let newest = Newest::read(connection, context)?;
    for (table, last) in [("revocations", newest.revocations), ("denials", newest.denials), ("denial_lifts", newest.lifts)] {
        let sql = format!("SELECT coalesce(max(position), 0) FROM {table}");
        let held: i64 = connection.query_row(&sql, [], |row| row.get(0)).map_err(|e| context.failed(e))?;
        sound(held == last, context, || format!("the end of the table {table}"))?;
    }
    Ok(Revocations {
        version: unsigned(newest.version, context)?,
        revoked: revoked(connection, context, unexpired_at)?,
        denied: denied(connection, context, unexpired_at)?,
        crls: crls(connection, context)?,
    })
}

/// How many of these are not on record.
fn new_revocations(connection: &Connection, context: &Context<'_>, revoked: &[Revocation]) -> Result<i64, StoreError> {
    let mut seen = std::collections::HashSet::new();
    let mut new = 0i64;
    for one in revoked {
        let number = trust_domain(connection, context, &one.trust_domain)?;
        if seen.insert((number, &one.authority, &one.serial)) && !is_revoked(connection, context, number, one)? {
            new = new.saturating_add(1);
        }
    }
    Ok(new)
}

fn is_revoked(connection: &Connection, context: &Context<'_>, trust_domain: i64, one: &Revocation) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM revocations WHERE trust_domain = ? AND authority = ? AND serial = ?";
    let mut select = connection.prepare_cached(sql).map_err(|e| context.failed(e))?;
    select.exists(params![trust_domain, one.authority.as_str(), one.serial.as_bytes()]).map_err(|e| context.failed(e))
}

pub(crate) fn revocation_checksum(position: i64, version: i64, name: &str, one: &Revocation) -> i64 {
    let row = Checksum::of("revocations").int(position).int(version).text(name).text(one.authority.as_str()).bytes(one.serial.as_bytes());
    let row = row.text(one.id.as_ref().map_or("", SpiffeId::as_str)).int(one.not_after.unix()).text(one.reason.as_str());
    row.int(one.at.unix()).text(&one.by).finish()
}

fn insert_revocations(connection: &Connection, context: &Context<'_>, version: i64, last: i64, revoked: &[Revocation]) -> Result<(), StoreError> {
    let failed = |e| context.failed(e);
    let sql = "INSERT INTO revocations (position, version, trust_domain, authority, serial, spiffe_id, not_after, reason, at, revoked_by, checksum) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut insert = connection.prepare_cached(sql).map_err(failed)?;
    let mut position = last;
    for one in revoked {
        let number = trust_domain(connection, context, &one.trust_domain)?;
        if is_revoked(connection, context, number, one)? {
            continue;
        }
        position = position.saturating_add(1);
        let checksum = revocation_checksum(position, version, one.trust_domain.as_str(), one);
        let id = one.id.as_ref().map(SpiffeId::as_str);
        let (serial, not_after, at) = (one.serial.as_bytes(), one.not_after.unix(), one.at.unix());
        let values = params![position, version, number, one.authority.as_str(), serial, id, not_after, one.reason.as_str(), at, one.by, checksum];
        insert.execute(values).map_err(failed)?;
    }
    Ok(())
}

fn revoked(connection: &Connection, context: &Context<'_>, unexpired_at: Timestamp) -> Result<Vec<Revocation>, StoreError> {
    let failed = |e| context.failed(e);
    let sql = "SELECT position, version, name, authority, serial, spiffe_id, not_after, reason, at, revoked_by, checksum \
               FROM revocations LEFT JOIN trust_domains ON number = trust_domain WHERE not_after >= ? ORDER BY position";
    let mut select = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = select.query([unexpired_at.unix()]).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let text = |column| row.get::<_, String>(column).map_err(failed);
        let int = |column| row.get::<_, i64>(column).map_err(failed);
        let (position, version, name) = (int(0)?, int(1)?, text(2)?);
        let damaged = || context.damaged(format!("revocation {position} is not what was written"));
        let id: Option<String> = row.get(5).map_err(failed)?;
        let one = Revocation {
            trust_domain: TrustDomain::parse(&name).map_err(|_| damaged())?,
            authority: serde_json::from_value(text(3)?.into()).map_err(|_| damaged())?,
            serial: SerialNumber::from_bytes(&row.get::<_, Vec<u8>>(4).map_err(failed)?),
            id: id.map(|id| SpiffeId::parse(&id)).transpose().map_err(|_| damaged())?,
            not_after: Timestamp::from_unix(int(6)?),
            reason: reason(&text(7)?).ok_or_else(damaged)?,
            at: Timestamp::from_unix(int(8)?),
            by: text(9)?,
        };
        sound(revocation_checksum(position, version, &name, &one) == int(10)?, context, || format!("revocation {position}"))?;
        all.push(one);
    }
    Ok(all)
}

pub(crate) fn reason(name: &str) -> Option<RevocationReason> {
    name.parse().ok()
}

pub(crate) fn denial_checksum(position: i64, version: i64, one: &Denial) -> i64 {
    let row = Checksum::of("denials").int(position).int(version).text(one.id.as_str()).text(one.reason.as_str()).int(one.at.unix());
    row.text(&one.by).int(one.expires_at.map_or(i64::MAX, Timestamp::unix)).finish()
}

fn insert_denials(connection: &Connection, context: &Context<'_>, version: i64, last: i64, denied: &[Denial]) -> Result<(), StoreError> {
    let sql = "INSERT INTO denials (position, version, trust_domain, spiffe_id, reason, at, denied_by, expires_at, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    for (position, one) in (last.saturating_add(1)..).zip(denied) {
        let number = trust_domain(connection, context, &one.id.trust_domain().to_owned())?;
        let (at, expires_at) = (one.at.unix(), one.expires_at.map(Timestamp::unix));
        let checksum = denial_checksum(position, version, one);
        let values = params![position, version, number, one.id.as_str(), one.reason.as_str(), at, one.by, expires_at, checksum];
        connection.execute(sql, values).map_err(|e| context.failed(e))?;
    }
    Ok(())
}

fn denied(connection: &Connection, context: &Context<'_>, unexpired_at: Timestamp) -> Result<Vec<Denial>, StoreError> {
    let failed = |e| context.failed(e);
    let sql = "SELECT position, version, spiffe_id, reason, at, denied_by, expires_at, checksum FROM denials \
               WHERE (expires_at IS NULL OR expires_at > ?) AND NOT EXISTS (SELECT 1 FROM denial_lifts WHERE denial = denials.position) ORDER BY position";
    let mut select = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = select.query([unexpired_at.unix()]).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let int = |column| row.get::<_, i64>(column).map_err(failed);
        let text = |column| row.get::<_, String>(column).map_err(failed);
        let (position, version) = (int(0)?, int(1)?);
        let damaged = || context.damaged(format!("denial {position} is not what was written"));
        let one = Denial {
            number: unsigned(position, context)?,
            id: SpiffeId::parse(&text(2)?).map_err(|_| damaged())?,
            reason: reason(&text(3)?).ok_or_else(damaged)?,
            at: Timestamp::from_unix(int(4)?),
            by: text(5)?,
            expires_at: row.get::<_, Option<i64>>(6).map_err(failed)?.map(Timestamp::from_unix),
        };
        sound(denial_checksum(position, version, &one) == int(7)?, context, || format!("denial {position}"))?;
        all.push(one);
    }
    Ok(all)
}

/// How many of these take something back.
fn new_lifts(connection: &Connection, context: &Context<'_>, lifted: &[Lift]) -> Result<i64, StoreError> {
    let mut seen = std::collections::HashSet::new();
    let mut new = 0i64;
    for lift in lifted {
        if seen.insert(lift.denial) && can_be_lifted(connection, context, lift)? {
            new = new.saturating_add(1);
        }
    }
    Ok(new)
}

fn can_be_lifted(connection: &Connection, context: &Context<'_>, lift: &Lift) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM denials WHERE position = ? AND NOT EXISTS (SELECT 1 FROM denial_lifts WHERE denial = denials.position)";
    let mut select = connection.prepare_cached(sql).map_err(|e| context.failed(e))?;
    select.exists([i64::try_from(lift.denial).unwrap_or(i64::MAX)]).map_err(|e| context.failed(e))
}

fn insert_lifts(connection: &Connection, context: &Context<'_>, version: i64, last: i64, change: &RevocationChange) -> Result<(), StoreError> {
    let sql = "INSERT INTO denial_lifts (position, version, denial, at, lifted_by, checksum) VALUES (?, ?, ?, ?, ?, ?)";
    let mut position = last;
    for lift in &change.lifted {
        if !can_be_lifted(connection, context, lift)? {
            continue;
        }
        position = position.saturating_add(1);
        let (denial, at) = (i64::try_from(lift.denial).unwrap_or(i64::MAX), change.at.unix());
        let checksum = Checksum::of("denial_lifts").int(position).int(version).int(denial).int(at).text(&lift.by).finish();
        connection.execute(sql, params![position, version, denial, at, lift.by, checksum]).map_err(|e| context.failed(e))?;
    }
    Ok(())
}

pub(crate) fn crl_checksum(name: &str, authority: &str, number: i64, version: i64, crl: &[u8]) -> i64 {
    Checksum::of("crls").text(name).text(authority).int(number).int(version).bytes(crl).finish()
}

fn replace_crl(connection: &Connection, context: &Context<'_>, version: i64, published: &PublishedCrl) -> Result<(), StoreError> {
    let failed = |e| context.failed(e);
    let trust_domain = trust_domain(connection, context, &published.trust_domain)?;
    let authority = published.authority.as_str();
    let held = connection
        .query_row("SELECT number FROM crls WHERE trust_domain = ? AND authority = ?", params![trust_domain, authority], |row| row.get::<_, i64>(0))
        .optional()
        .map_err(failed)?;
    let number = published.crl.number().and_then(|number| u64::try_from(number).ok()).and_then(|number| i64::try_from(number).ok());
    let number = number.filter(|number| held.is_none_or(|held| *number > held));
    let number = number.ok_or_else(|| StoreError::CrlNotNewer {
        authority: published.authority.clone(),
        held: held.and_then(|held| u64::try_from(held).ok()).unwrap_or_default(),
    })?;
    let crl = published.crl.der();
    let checksum = crl_checksum(published.trust_domain.as_str(), authority, number, version, crl);
    let sql = match held {
        Some(_) => "UPDATE crls SET number = ?3, version = ?4, crl = ?5, checksum = ?6 WHERE trust_domain = ?1 AND authority = ?2",
        None => "INSERT INTO crls (trust_domain, authority, number, version, crl, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    };
    connection.execute(sql, params![trust_domain, authority, number, version, crl, checksum]).map(drop).map_err(failed)
}

fn crls(connection: &Connection, context: &Context<'_>) -> Result<Vec<PublishedCrl>, StoreError> {
    let failed = |e| context.failed(e);
    let sql = "SELECT name, authority, crls.number, version, crl, checksum FROM crls LEFT JOIN trust_domains ON trust_domains.number = trust_domain \
               ORDER BY trust_domain, authority";
    let mut select = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = select.query([]).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let (name, authority): (String, String) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        let (number, version): (i64, i64) = (row.get(2).map_err(failed)?, row.get(3).map_err(failed)?);
        let (crl, held): (Vec<u8>, i64) = (row.get(4).map_err(failed)?, row.get(5).map_err(failed)?);
        sound(crl_checksum(&name, &authority, number, version, &crl) == held, context, || format!("the CRL of '{authority}'"))?;
        let damaged = |what: String| context.damaged(format!("the CRL of '{authority}': {what}"));
        all.push(PublishedCrl {
            trust_domain: TrustDomain::parse(&name).map_err(|e| damaged(e.to_string()))?,
            crl: Crl::from_der(&crl).map_err(|e| damaged(e.to_string()))?,
            authority: serde_json::from_value(authority.clone().into()).map_err(|e| damaged(e.to_string()))?,
        });
    }
    Ok(all)
}

fn trust_domain(connection: &Connection, context: &Context<'_>, name: &TrustDomain) -> Result<i64, StoreError> {
    number_of(connection, context, name)?.ok_or_else(|| StoreError::UnknownTrustDomain(name.clone()))
}

fn unsigned(number: i64, context: &Context<'_>) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| context.damaged("a number of what is revoked is negative"))
}
