use std::time::Duration;

use meshroot::hierarchy::ClusterName;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use rusqlite::{Connection, Row, ToSql, params};

use super::failure::Context;
use super::load::{number_of, sound};
use super::{commit, tokens};
use crate::checksum::Checksum;
use crate::{CaAnswer, CaRequest, CaRequestId, Change, StoreError, TokenDigest};

const COLUMNS: &str = "position, nonce, name, cluster, profile, lifetime, csr, caller, token, at, authority, decided_at, decided_by, checksum \
    FROM ca_requests LEFT JOIN trust_domains ON number = trust_domain";

pub(crate) fn checksum(number: i64, request: &CaRequest) -> i64 {
    let row = Checksum::of("ca_requests").int(number).bytes(&request.id.0).text(request.trust_domain.as_str()).text(request.cluster.as_str());
    let row = row.text(&request.profile).int(seconds(request.lifetime)).bytes(&request.csr).text(&request.caller);
    let row = row.bytes(request.token.as_ref().map_or(&[], |token| &token.0)).int(request.at.unix());
    match &request.answered {
        Some(answer) => row.text(answer.authority.as_str()).int(answer.at.unix()).text(&answer.by).finish(),
        None => row.finish(),
    }
}

pub(crate) fn seconds(lifetime: Duration) -> i64 {
    i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX)
}

/// Stores a request and uses its token up.
pub(super) fn add(connection: &Connection, context: &Context<'_>, request: &CaRequest) -> Result<u64, StoreError> {
    let failed = |e| context.failed(e);
    let trust_domain = number_of(connection, context, &request.trust_domain)?;
    let trust_domain = trust_domain.ok_or_else(|| StoreError::UnknownTrustDomain(request.trust_domain.clone()))?;
    let last: i64 = connection.query_row("SELECT coalesce(max(position), 0) FROM ca_requests", [], |row| row.get(0)).map_err(failed)?;
    let number = last.saturating_add(1);
    let position = u64::try_from(number).map_err(|_| context.damaged("a request's number is negative"))?;
    if let Some(digest) = &request.token {
        tokens::consume(connection, context, digest, position, request.at)??;
    }
    let new = CaRequest { answered: None, ..request.clone() };
    let sql = "INSERT INTO ca_requests (position, nonce, trust_domain, cluster, profile, lifetime, csr, caller, token, at, checksum) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let token = request.token.as_ref().map(|token| token.0);
    let (cluster, lifetime, at) = (request.cluster.as_str(), seconds(request.lifetime), request.at.unix());
    let checksum = checksum(number, &new);
    let values = params![number, request.id.0, trust_domain, cluster, request.profile, lifetime, request.csr, request.caller, token, at, checksum];
    connection.execute(sql, values).map_err(failed)?;
    Ok(position)
}

pub(super) fn find(connection: &Connection, context: &Context<'_>, id: &CaRequestId) -> Result<Option<CaRequest>, StoreError> {
    Ok(select(connection, context, "WHERE nonce = ?", &[&id.0])?.pop())
}

/// The request that used this token up.
pub(super) fn of_token(connection: &Connection, context: &Context<'_>, token: &TokenDigest) -> Result<Option<CaRequest>, StoreError> {
    // The token says which.
    let Some(number) = tokens::find(connection, context, token)?.and_then(|token| token.used_by) else { return Ok(None) };
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    Ok(select(connection, context, "WHERE position = ? AND token = ?", &[&number, &token.0])?.pop())
}

pub(super) fn waiting(connection: &Connection, context: &Context<'_>) -> Result<Vec<CaRequest>, StoreError> {
    select(connection, context, "WHERE outcome IS NULL ORDER BY position LIMIT 1000", &[])
}

/// Stores the change that answers a request, and the answer with it.
pub(super) fn answer(
    connection: &Connection,
    context: &Context<'_>,
    id: &CaRequestId,
    answer: &CaAnswer,
    change: &Change,
    delay: Duration,
) -> Result<u64, StoreError> {
    let request = find(connection, context, id)?.ok_or(StoreError::CaRequestUnknown(*id))?;
    if request.answered.is_some() {
        return Err(StoreError::CaRequestAnswered(*id));
    }
    let version = commit::commit(connection, context, change, delay)?;
    let answered = CaRequest { answered: Some(answer.clone()), ..request };
    let number = i64::try_from(answered.number).unwrap_or(i64::MAX);
    let sql = "UPDATE ca_requests SET outcome = 'signed', authority = ?, decided_at = ?, decided_by = ?, checksum = ? WHERE position = ?";
    let values = params![answer.authority.as_str(), answer.at.unix(), answer.by, checksum(number, &answered), number];
    connection.execute(sql, values).map_err(|e| context.failed(e))?;
    Ok(version)
}

fn select(connection: &Connection, context: &Context<'_>, which: &str, values: &[&dyn ToSql]) -> Result<Vec<CaRequest>, StoreError> {
    let failed = |e| context.failed(e);
    let mut select = connection.prepare_cached(&format!("SELECT {COLUMNS} {which}")).map_err(failed)?;
    let mut rows = select.query(values).map_err(failed)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        all.push(read(row, context)?);
    }
    Ok(all)
}

fn read(row: &Row<'_>, context: &Context<'_>) -> Result<CaRequest, StoreError> {
    let failed = |e| context.failed(e);
    let text = |column| row.get::<_, String>(column).map_err(failed);
    let int = |column| row.get::<_, i64>(column).map_err(failed);
    let bytes = |column| row.get::<_, Vec<u8>>(column).map_err(failed);
    let number = int(0)?;
    let damaged = || context.damaged(format!("request {number} for a CA certificate is not what was written"));
    let token = row.get::<_, Option<Vec<u8>>>(8).map_err(failed)?;
    let answered = match row.get::<_, Option<String>>(10).map_err(failed)? {
        Some(authority) => Some(CaAnswer {
            authority: serde_json::from_value(authority.into()).map_err(|_| damaged())?,
            at: Timestamp::from_unix(int(11)?),
            by: text(12)?,
        }),
        None => None,
    };
    let request = CaRequest {
        id: CaRequestId(bytes(1)?.try_into().map_err(|_| damaged())?),
        number: u64::try_from(number).map_err(|_| damaged())?,
        trust_domain: TrustDomain::parse(&text(2)?).map_err(|_| damaged())?,
        cluster: ClusterName::parse(&text(3)?).map_err(|_| damaged())?,
        profile: text(4)?,
        lifetime: Duration::from_secs(u64::try_from(int(5)?).map_err(|_| damaged())?),
        csr: bytes(6)?,
        caller: text(7)?,
        token: token.map(|octets| octets.try_into().map(TokenDigest)).transpose().map_err(|_| damaged())?,
        at: Timestamp::from_unix(int(9)?),
        answered,
    };
    sound(checksum(number, &request) == int(13)?, context, || format!("request {number} for a CA certificate"))?;
    Ok(request)
}
