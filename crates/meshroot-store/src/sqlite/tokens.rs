use meshroot::hierarchy::ClusterName;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::failure::Context;
use super::load::{number_of, sound};
use crate::checksum::Checksum;
use crate::{JoinToken, StoreError, TokenDigest, TokenScope};

const COLUMNS: &str = "digest, trust_domain, name, cluster, spiffe_id, created_by, created_at, expires_at, used_by, checksum \
    FROM join_tokens LEFT JOIN trust_domains ON number = trust_domain";

pub(crate) fn checksum(trust_domain: i64, token: &JoinToken) -> i64 {
    let id = match &token.scope {
        TokenScope::Workload(id) => id.as_str(),
        TokenScope::ClusterCa => "",
    };
    let row = Checksum::of("join_tokens").bytes(&token.digest.0).int(trust_domain).text(token.cluster.as_str()).text(id).text(&token.created_by);
    row.int(token.created_at.unix()).int(token.expires_at.unix()).int(used(token)).finish()
}

pub(crate) fn used(token: &JoinToken) -> i64 {
    token.used_by.map_or(0, |position| i64::try_from(position).unwrap_or(i64::MAX))
}

pub(super) fn add(connection: &Connection, context: &Context<'_>, token: &JoinToken) -> Result<(), StoreError> {
    let failed = |e| context.failed(e);
    let number = number_of(connection, context, &token.trust_domain)?;
    let number = number.ok_or_else(|| StoreError::UnknownTrustDomain(token.trust_domain.clone()))?;
    if find(connection, context, &token.digest)?.is_some() {
        return Err(StoreError::TokenExists);
    }
    // Expired ones go with each new one, a few at a time.
    let sql = "DELETE FROM join_tokens WHERE digest IN (SELECT digest FROM join_tokens WHERE expires_at < ? ORDER BY expires_at LIMIT 16)";
    connection
        .prepare_cached(sql)
        .and_then(|mut delete| delete.execute([token.created_at.minus(super::serials::REMEMBERED).unix()]))
        .map_err(failed)?;
    let sql = "INSERT INTO join_tokens (digest, trust_domain, cluster, spiffe_id, created_by, created_at, expires_at, used_by, checksum) \
               VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)";
    let id = match &token.scope {
        TokenScope::Workload(id) => Some(id.as_str()),
        TokenScope::ClusterCa => None,
    };
    let unused = JoinToken { used_by: None, ..token.clone() };
    let (created_at, expires_at) = (token.created_at.unix(), token.expires_at.unix());
    let values = params![token.digest.0, number, token.cluster.as_str(), id, token.created_by, created_at, expires_at, checksum(number, &unused)];
    connection.execute(sql, values).map_err(failed)?;
    Ok(())
}

pub(super) fn find(connection: &Connection, context: &Context<'_>, digest: &TokenDigest) -> Result<Option<JoinToken>, StoreError> {
    let sql = format!("SELECT {COLUMNS} WHERE digest = ?");
    let mut select = connection.prepare_cached(&sql).map_err(|e| context.failed(e))?;
    let found = select.query_row([digest.0], |row| Ok(read(row, context))).optional().map_err(|e| context.failed(e))?;
    found.transpose()
}

pub(super) fn all(connection: &Connection, context: &Context<'_>) -> Result<Vec<JoinToken>, StoreError> {
    let sql = format!("SELECT {COLUMNS} ORDER BY created_at, digest LIMIT 10000");
    let mut select = connection.prepare_cached(&sql).map_err(|e| context.failed(e))?;
    let mut rows = select.query([]).map_err(|e| context.failed(e))?;
    let mut tokens = Vec::new();
    while let Some(row) = rows.next().map_err(|e| context.failed(e))? {
        tokens.push(read(row, context)?);
    }
    Ok(tokens)
}

pub(super) fn withdraw(connection: &Connection, context: &Context<'_>, digest: &TokenDigest) -> Result<bool, StoreError> {
    let sql = "DELETE FROM join_tokens WHERE digest = ? AND used_by IS NULL";
    Ok(connection.execute(sql, [digest.0]).map_err(|e| context.failed(e))? == 1)
}

/// Uses a token up for the certificate at `position`. The inner error fails the certificate alone.
pub(super) fn consume(
    connection: &Connection,
    context: &Context<'_>,
    digest: &TokenDigest,
    position: u64,
    now: Timestamp,
) -> Result<Result<(), StoreError>, StoreError> {
    let Some(mut token) = find(connection, context, digest)? else { return Ok(Err(StoreError::TokenUnknown)) };
    if token.used_by.is_some() {
        return Ok(Err(StoreError::TokenUsed));
    }
    if now >= token.expires_at {
        return Ok(Err(StoreError::TokenExpired(token.expires_at)));
    }
    let number = number_of(connection, context, &token.trust_domain)?.unwrap_or_default();
    token.used_by = Some(position);
    let sql = "UPDATE join_tokens SET used_by = ?, checksum = ? WHERE digest = ?";
    connection
        .prepare_cached(sql)
        .and_then(|mut update| update.execute(params![used(&token), checksum(number, &token), digest.0]))
        .map_err(|e| context.failed(e))?;
    Ok(Ok(()))
}

fn read(row: &Row<'_>, context: &Context<'_>) -> Result<JoinToken, StoreError> {
    let damaged = || context.damaged("a join token is not what was written");
    let columns = || -> rusqlite::Result<_> {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?, row.get::<_, Option<String>>(4)?))
    };
    let (digest, number, name, cluster, id) = columns().map_err(|e| context.failed(e))?;
    let rest = || -> rusqlite::Result<_> {
        Ok((row.get::<_, String>(5)?, row.get::<_, i64>(6)?, row.get::<_, i64>(7)?, row.get::<_, Option<i64>>(8)?, row.get::<_, i64>(9)?))
    };
    let (created_by, created_at, expires_at, used_by, held) = rest().map_err(|e| context.failed(e))?;
    let token = JoinToken {
        digest: TokenDigest(digest.try_into().map_err(|_| damaged())?),
        trust_domain: TrustDomain::parse(&name).map_err(|_| damaged())?,
        cluster: ClusterName::parse(&cluster).map_err(|_| damaged())?,
        scope: match id {
            Some(id) => TokenScope::Workload(SpiffeId::parse(&id).map_err(|_| damaged())?),
            None => TokenScope::ClusterCa,
        },
        created_by,
        created_at: Timestamp::from_unix(created_at),
        expires_at: Timestamp::from_unix(expires_at),
        used_by: used_by.map(u64::try_from).transpose().map_err(|_| damaged())?,
    };
    sound(checksum(number, &token) == held, context, || "a join token".to_owned())?;
    Ok(token)
}
