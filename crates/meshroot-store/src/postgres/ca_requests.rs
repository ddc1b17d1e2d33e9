//! Requests of clusters for a CA certificate of their own key.

use std::time::Duration;

use meshroot::hierarchy::ClusterName;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::decide::use_up;
use super::failure::{Context, Fault};
use super::rows::{bytes, int, maybe, text};
use super::session::{Session, Values};
use super::{commit, load, standing, tokens};
use crate::sqlite::ca_requests::{checksum, seconds};
use crate::{CaAnswer, CaRequest, CaRequestId, Change, StoreError, TokenDigest};

macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT position, nonce, coalesce(name, ''), cluster, profile, lifetime, csr, caller, token, at, authority, decided_at, decided_by, checksum ",
            "FROM ca_requests LEFT JOIN trust_domains ON number = trust_domain ",
            $which
        )
    };
}

const FIND: &str = select!("WHERE nonce = $1");
const OF_TOKEN: &str = select!("WHERE position = $1 AND token = $2");
const WAITING: &str = select!("WHERE outcome IS NULL ORDER BY position LIMIT 1000");
const ADD: &str = "INSERT INTO ca_requests (position, nonce, trust_domain, cluster, profile, lifetime, csr, caller, token, at, checksum) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const ANSWER: &str = "UPDATE ca_requests SET outcome = 'signed', authority = $1, decided_at = $2, decided_by = $3, checksum = $4 WHERE position = $5";

/// Stores a request and uses its token up.
pub(super) async fn add(session: &Session, context: &Context<'_>, request: &CaRequest) -> Result<u64, Fault> {
    // The next number is given once.
    commit::lock(session, context).await?;
    standing::is_newest(session, context).await?;
    let trust_domain = load::number_of(session, request.trust_domain.as_str()).await?;
    let trust_domain = trust_domain.ok_or_else(|| StoreError::UnknownTrustDomain(request.trust_domain.clone()))?;
    let last = session.one("SELECT coalesce(max(position), 0) FROM ca_requests", &[]).await?;
    let number = last.map(|row| int(&row, 0)).transpose()?.unwrap_or(0).saturating_add(1);
    let position = u64::try_from(number).map_err(|_| context.damaged("a request's number is negative"))?;
    if let Some(digest) = &request.token {
        tokens::consume_one(session, context, digest, |token| use_up(token, position, request.at)).await?;
    }
    let new = CaRequest { answered: None, ..request.clone() };
    let values: [&(dyn ToSql + Sync); 11] = [
        &number,
        &request.id.0.as_slice(),
        &trust_domain,
        &request.cluster.as_str(),
        &request.profile,
        &seconds(request.lifetime),
        &request.csr,
        &request.caller,
        &request.token.as_ref().map(|token| token.0.as_slice()),
        &request.at.unix(),
        &checksum(number, &new),
    ];
    session.execute(ADD, &values).await?;
    Ok(position)
}

pub(super) async fn find(session: &Session, context: &Context<'_>, id: &CaRequestId) -> Result<Option<CaRequest>, Fault> {
    Ok(all(session, context, FIND, &[&id.0.as_slice()]).await?.pop())
}

/// The request that used this token up.
pub(super) async fn of_token(session: &Session, context: &Context<'_>, token: &TokenDigest) -> Result<Option<CaRequest>, Fault> {
    // The token says which.
    let Some(number) = tokens::find(session, context, token).await?.and_then(|token| token.used_by) else { return Ok(None) };
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    Ok(all(session, context, OF_TOKEN, &[&number, &token.0.as_slice()]).await?.pop())
}

pub(super) async fn waiting(session: &Session, context: &Context<'_>) -> Result<Vec<CaRequest>, Fault> {
    all(session, context, WAITING, &[]).await
}

/// Stores the change that answers a request, and the answer with it.
pub(super) async fn answer(session: &Session, context: &Context<'_>, id: &CaRequestId, answer: &CaAnswer, change: &Change) -> Result<u64, Fault> {
    // First: of two answers one finds the other.
    commit::lock(session, context).await?;
    let request = find(session, context, id).await?.ok_or(StoreError::CaRequestUnknown(*id))?;
    if request.answered.is_some() {
        return Err(StoreError::CaRequestAnswered(*id).into());
    }
    let version = commit::commit(session, context, change).await?;
    let answered = CaRequest { answered: Some(answer.clone()), ..request };
    let number = i64::try_from(answered.number).unwrap_or(i64::MAX);
    session.execute(ANSWER, &[&answer.authority.as_str(), &answer.at.unix(), &answer.by, &checksum(number, &answered), &number]).await?;
    Ok(version)
}

async fn all(session: &Session, context: &Context<'_>, sql: &'static str, values: Values<'_>) -> Result<Vec<CaRequest>, Fault> {
    session.query(sql, values).await?.iter().map(|row| read(row, context)).collect()
}

fn read(row: &Row, context: &Context<'_>) -> Result<CaRequest, Fault> {
    let number = int(row, 0)?;
    let damaged = || context.damaged(format!("request {number} for a CA certificate is not what was written"));
    let answered = match maybe::<String>(row, 10)? {
        Some(authority) => Some(CaAnswer {
            authority: serde_json::from_value(authority.into()).map_err(|_| damaged())?,
            at: Timestamp::from_unix(int(row, 11)?),
            by: text(row, 12)?,
        }),
        None => None,
    };
    let request = CaRequest {
        id: CaRequestId(bytes(row, 1)?.try_into().map_err(|_| damaged())?),
        number: u64::try_from(number).map_err(|_| damaged())?,
        trust_domain: TrustDomain::parse(&text(row, 2)?).map_err(|_| damaged())?,
        cluster: ClusterName::parse(&text(row, 3)?).map_err(|_| damaged())?,
        profile: text(row, 4)?,
        lifetime: Duration::from_secs(u64::try_from(int(row, 5)?).map_err(|_| damaged())?),
        csr: bytes(row, 6)?,
        caller: text(row, 7)?,
        token: maybe::<Vec<u8>>(row, 8)?.map(|octets| octets.try_into().map(TokenDigest)).transpose().map_err(|_| damaged())?,
        at: Timestamp::from_unix(int(row, 9)?),
        answered,
    };
    context.sound(checksum(number, &request) == int(row, 13)?, || format!("request {number} for a CA certificate"))?;
    Ok(request)
}
