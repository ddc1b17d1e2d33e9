use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Parameters, State};
use axum::http::StatusCode;
use axum::response::Response;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::x509::SerialNumber;
use meshroot_store::{IssuanceRow, Query};
use serde::Deserialize;
use serde_json::{Value, json};

use super::tokens::in_store;
use super::{App, Problem, bundles, hex, json as document};
use crate::caller::Administrator;

/// What is searched for; all that is given has to fit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    id: Option<String>,
    trust_domain: Option<String>,
    authority: Option<String>,
    serial: Option<String>,
    after: Option<u64>,
    limit: Option<u32>,
}

/// The most entries of a page.
const PAGE: u32 = 1_000;

/// `GET /v1/inventory`
pub(super) async fn search(
    State(app): State<Arc<App>>,
    _: Administrator,
    search: Result<Parameters<Search>, QueryRejection>,
) -> Result<Response, Problem> {
    let Parameters(search) = search.map_err(|e| bundles::malformed_query(&e))?;
    let bad = |code, detail: String| Problem::new(StatusCode::BAD_REQUEST, code, detail);
    let snapshot = app.mesh.now();
    let authority = search.authority.map(|wanted| {
        let mut all = snapshot.trust_domains().iter();
        let found = all.find_map(|domain| domain.hierarchy.authority(&wanted));
        found.map(|authority| authority.id().clone()).ok_or_else(|| bad("inventory.authority", "there is no such authority".into()))
    });
    let query = Query {
        trust_domain: search.trust_domain.map(|name| TrustDomain::parse(&name).map_err(|e| bad(e.code(), e.to_string()))).transpose()?,
        id: search.id.map(|id| SpiffeId::parse(&id).map_err(|e| bad(e.code(), e.to_string()))).transpose()?,
        authority: authority.transpose()?,
        serial: search
            .serial
            .map(|text| serial(&text).ok_or_else(|| bad("inventory.serial", "a serial number is written in hexadecimal".into())))
            .transpose()?,
        after: search.after.unwrap_or(0),
        limit: search.limit.unwrap_or(100).clamp(1, PAGE),
    };
    let store = Arc::clone(app.mesh.store());
    let limit = query.limit;
    let rows = in_store(move || store.issuances(&query)).await?;
    let full = u32::try_from(rows.len()).unwrap_or(u32::MAX) >= limit;
    let next = rows.last().filter(|_| full).map(|row| row.position);
    Ok(document::answer(StatusCode::OK, &json!({ "certificates": rows.iter().map(describe).collect::<Vec<_>>(), "next_after": next })))
}

fn serial(text: &str) -> Option<SerialNumber> {
    hex::read(text).filter(|octets| octets.len() <= 21).map(|octets| SerialNumber::from_bytes(&octets))
}

fn describe(row: &IssuanceRow) -> Value {
    json!({
        "record": row.position,
        "trust_domain": row.trust_domain.as_str(),
        "authority": row.authority.as_str(),
        "kind": row.kind,
        "caller": row.caller,
        "id": row.id.as_ref().map(SpiffeId::as_str),
        "serial": row.serial.to_string(),
        "not_before": row.validity.not_before.to_string(),
        "not_after": row.validity.not_after.to_string(),
        "issued_at": row.at.to_string(),
    })
}
