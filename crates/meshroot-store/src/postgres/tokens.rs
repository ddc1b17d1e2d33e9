use meshroot::hierarchy::ClusterName;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use tokio_postgres::Row;

use super::failure::{Context, Fault};
use super::load::number_of;
use super::rows::{bytes, int, maybe, text};
use super::session::Session;
use super::standing::is_newest;
use crate::sqlite::serials::REMEMBERED;
use crate::sqlite::tokens::{checksum, used};
use crate::{JoinToken, StoreError, TokenDigest, TokenScope};

/// Locked until the transaction ends, so that nobody withdraws what is being used.
pub(super) const LOCK: &str = "SELECT digest, trust_domain, coalesce(name, ''), cluster, spiffe_id, created_by, created_at, expires_at, used_by, checksum \
    FROM join_tokens LEFT JOIN trust_domains ON number = trust_domain WHERE digest = ANY($1::bytea[]) ORDER BY digest FOR UPDATE OF join_tokens";
pub(super) const CONSUME: &str = "UPDATE join_tokens SET used_by = now.position, checksum = now.checksum \
    FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS now (digest, position, checksum) WHERE join_tokens.digest = now.digest";
const FIND: &str = "SELECT digest, trust_domain, coalesce(name, ''), cluster, spiffe_id, created_by, created_at, expires_at, used_by, checksum \
    FROM join_tokens LEFT JOIN trust_domains ON number = trust_domain WHERE digest = $1";
const ALL: &str = "SELECT digest, trust_domain, coalesce(name, ''), cluster, spiffe_id, created_by, created_at, expires_at, used_by, checksum \
    FROM join_tokens LEFT JOIN trust_domains ON number = trust_domain ORDER BY created_at, digest LIMIT 10000";
const FORGET: &str =
    "DELETE FROM join_tokens WHERE digest IN (SELECT digest FROM join_tokens WHERE expires_at < $1 AND digest <> $2 ORDER BY expires_at LIMIT 16)";
const ADD: &str = "INSERT INTO join_tokens (digest, trust_domain, cluster, spiffe_id, created_by, created_at, expires_at, checksum) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";

pub(super) async fn add(session: &Session, context: &Context<'_>, token: &JoinToken) -> Result<(), Fault> {
    is_newest(session, context).await?;
    let number = number_of(session, token.trust_domain.as_str()).await?;
    let number = number.ok_or_else(|| StoreError::UnknownTrustDomain(token.trust_domain.clone()))?;
    let id = match &token.scope {
        TokenScope::Workload(id) => Some(id.as_str()),
        TokenScope::ClusterCa => None,
    };
    let unused = JoinToken { used_by: None, ..token.clone() };
    let digest = token.digest.0.as_slice();
    let (created_at, expires_at) = (token.created_at.unix(), token.expires_at.unix());
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 8] =
        [&digest, &number, &token.cluster.as_str(), &id, &token.created_by, &created_at, &expires_at, &checksum(number, &unused)];
    // Expired ones go with each new one, a few at a time.
    session.execute(FORGET, &[&token.created_at.minus(REMEMBERED).unix(), &digest]).await?;
    if session.execute(ADD, &values).await? == 1 { Ok(()) } else { Err(StoreError::TokenExists.into()) }
}

/// Uses one token up.
pub(super) async fn consume_one(
    session: &Session,
    context: &Context<'_>,
    digest: &TokenDigest,
    use_up: impl FnOnce(Option<&mut (JoinToken, i64)>) -> Result<(JoinToken, i64), StoreError>,
) -> Result<(), Fault> {
    let mut held = session.one(LOCK, &[&vec![digest.0.as_slice()]]).await?.map(|row| read(&row, context)).transpose()?;
    let (token, trust_domain) = use_up(held.as_mut())?;
    let (digests, used, checksums) = (vec![digest.0.as_slice()], vec![used(&token)], vec![checksum(trust_domain, &token)]);
    session.execute(CONSUME, &[&digests, &used, &checksums]).await?;
    Ok(())
}

pub(super) async fn find(session: &Session, context: &Context<'_>, digest: &TokenDigest) -> Result<Option<JoinToken>, Fault> {
    let row = session.one(FIND, &[&digest.0.as_slice()]).await?;
    row.map(|row| Ok(read(&row, context)?.0)).transpose()
}

pub(super) async fn all(session: &Session, context: &Context<'_>) -> Result<Vec<JoinToken>, Fault> {
    session.query(ALL, &[]).await?.iter().map(|row| Ok(read(row, context)?.0)).collect()
}

pub(super) async fn withdraw(session: &Session, context: &Context<'_>, digest: &TokenDigest) -> Result<bool, Fault> {
    is_newest(session, context).await?;
    Ok(session.execute("DELETE FROM join_tokens WHERE digest = $1 AND used_by IS NULL", &[&digest.0.as_slice()]).await? == 1)
}

/// A token, and the number of its trust domain.
pub(super) fn read(row: &Row, context: &Context<'_>) -> Result<(JoinToken, i64), Fault> {
    let damaged = || context.damaged("a join token is not what was written");
    let (digest, number, name, cluster) = (bytes(row, 0)?, int(row, 1)?, text(row, 2)?, text(row, 3)?);
    let (id, used_by) = (maybe::<String>(row, 4)?, maybe::<i64>(row, 8)?);
    let token = JoinToken {
        digest: TokenDigest(digest.try_into().map_err(|_| damaged())?),
        trust_domain: TrustDomain::parse(&name).map_err(|_| damaged())?,
        cluster: ClusterName::parse(&cluster).map_err(|_| damaged())?,
        scope: match id {
            Some(id) => TokenScope::Workload(SpiffeId::parse(&id).map_err(|_| damaged())?),
            None => TokenScope::ClusterCa,
        },
        created_by: text(row, 5)?,
        created_at: Timestamp::from_unix(int(row, 6)?),
        expires_at: Timestamp::from_unix(int(row, 7)?),
        used_by: used_by.map(u64::try_from).transpose().map_err(|_| damaged())?,
    };
    context.sound(checksum(number, &token) == int(row, 9)?, || "a join token".to_owned())?;
    Ok((token, number))
}
