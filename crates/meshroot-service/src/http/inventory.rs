use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as Parameters, State};
use axum::http::StatusCode;
use axum::response::Response;
use meshroot::hierarchy::{AuthorityId, Role};
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::SerialNumber;
use meshroot_store::{IdPattern, IssuanceRow, Search};
use serde::Deserialize;
use serde_json::{Value, json};

use super::dependents::{Below, no_such_authority};
use super::tokens::in_store;
use super::{App, Problem, bundles, hex, json as document};
use crate::caller::Administrator;
use crate::mesh::Snapshot;

/// What is searched for; all that is given has to fit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    id: Option<String>,
    trust_domain: Option<String>,
    cluster: Option<String>,
    authority: Option<String>,
    depends_on: Option<String>,
    caller: Option<String>,
    serial: Option<String>,
    expires_after: Option<String>,
    expires_by: Option<String>,
    after: Option<u64>,
    limit: Option<u32>,
}

/// `GET /v1/inventory`
pub(super) async fn search(
    State(app): State<Arc<App>>,
    _: Administrator,
    wanted: Result<Parameters<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Parameters(wanted) = wanted.map_err(|e| bundles::malformed_query(&e))?;
    let (search, below) = read(wanted, &app.mesh.now(), app.mesh.clock().now())?;
    let depends_on = match &below {
        Some(below) => Some(below.count(&app).await?),
        None => None,
    };
    let store = Arc::clone(app.mesh.store());
    let found = in_store(move || Ok((store.search(&search)?, store.log_extent()?))).await;
    let (found, extent) = found.map_err(|problem| match problem.code() {
        "store.search_too_broad" => bad("inventory.too_broad", problem.detail().to_owned()),
        _ => problem,
    })?;
    let mut answer = json!({
        "certificates": found.rows.iter().map(describe).collect::<Vec<_>>(),
        "next_after": found.next,
        "known_until_record": found.known,
        "last_record": extent.last,
    });
    if let (Value::Object(members), Some(depends_on)) = (&mut answer, depends_on) {
        members.insert("depends_on".into(), depends_on);
    }
    Ok(document::answer(StatusCode::OK, &answer))
}

fn bad(code: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, detail)
}

fn read(wanted: Wanted, snapshot: &Snapshot, now: Timestamp) -> Result<(Search, Option<Below>), Problem> {
    let mut authorities: Option<Vec<AuthorityId>> = None;
    let mut narrow = |these: Vec<AuthorityId>| {
        authorities = Some(match authorities.take() {
            Some(those) => those.into_iter().filter(|one| these.contains(one)).collect(),
            None => these,
        });
    };
    if let Some(name) = &wanted.authority {
        let found = snapshot.trust_domains().iter().find_map(|domain| domain.hierarchy.authority(name));
        narrow(vec![found.ok_or_else(no_such_authority)?.id().clone()]);
    }
    if let Some(name) = &wanted.cluster {
        let all = snapshot.trust_domains().iter().flat_map(|domain| domain.hierarchy.authorities());
        let of: Vec<_> = all.filter(|one| matches!(one.role(), Role::Cluster(cluster) if cluster.as_str() == name)).collect();
        if of.is_empty() {
            return Err(bad("inventory.cluster", "there is no such cluster".into()));
        }
        narrow(of.into_iter().map(|one| one.id().clone()).collect());
    }
    let below = wanted.depends_on.as_ref().map(|name| {
        let mut all = snapshot.trust_domains().iter();
        all.find_map(|domain| Some(Below::of(domain, domain.hierarchy.authority(name)?))).ok_or_else(no_such_authority)
    });
    let below = below.transpose()?;
    if let Some(below) = &below {
        narrow(below.authorities.clone());
    }
    let moment = |text: Option<String>| {
        let read = |text: String| text.parse::<Timestamp>().map_err(|_| bad("inventory.time", "a time is written like 2027-01-15T08:00:00Z".into()));
        text.map(read).transpose()
    };
    let search = Search {
        trust_domain: wanted.trust_domain.map(|name| TrustDomain::parse(&name).map_err(|e| bad(e.code(), e.to_string()))).transpose()?,
        id: wanted.id.map(pattern).transpose()?,
        authorities,
        caller: wanted.caller,
        serial: wanted
            .serial
            .map(|text| serial(&text).ok_or_else(|| bad("inventory.serial", "a serial number is written in hexadecimal".into())))
            .transpose()?,
        // What has expired depends on nothing.
        expires_after: moment(wanted.expires_after)?.or_else(|| below.is_some().then_some(now)),
        expires_by: moment(wanted.expires_by)?,
        after: wanted.after.unwrap_or(0),
        limit: wanted.limit.unwrap_or(100).clamp(1, Search::MOST),
    };
    Ok((search, below))
}

/// A SPIFFE ID, or the beginning of some with `*` or `…` at its end.
fn pattern(text: String) -> Result<IdPattern, Problem> {
    if let Some(start) = text.strip_suffix('*').or_else(|| text.strip_suffix('…')) {
        return Ok(IdPattern::BeginsWith(start.to_owned()));
    }
    SpiffeId::parse(&text).map(IdPattern::Exactly).map_err(|e| bad(e.code(), e.to_string()))
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
