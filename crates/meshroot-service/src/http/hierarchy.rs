use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use meshroot::time::humanize;
use meshroot_store::LogExtent;
use serde_json::{Value, json};

use super::{App, Problem, json as document};
use crate::caller::Administrator;
use crate::mesh::{Snapshot, ready};

/// `GET /v1/authorities`
pub(super) async fn authorities(State(app): State<Arc<App>>, _: Administrator) -> Response {
    document::answer(StatusCode::OK, &json!({ "authorities": describe(&app.mesh.now()) }))
}

/// `GET /v1/status`: health in words.
pub(super) async fn status(State(app): State<Arc<App>>, _: Administrator) -> Result<Response, Problem> {
    let mesh = Arc::clone(&app.mesh);
    let looked = tokio::task::spawn_blocking(move || (ready::check(&mesh), mesh.store().log_extent(), mesh.store().durability().ok())).await;
    let stopping = |_| (Err("the service is stopping".into()), Ok(LogExtent { held: 0, last: 0, known: 0 }), None);
    let (ready, log, durability) = looked.unwrap_or_else(stopping);
    let log = log.ok().map(|log| json!({ "held": log.held, "last_record": log.last, "inventory_until_record": log.known }));
    let standing = app.mesh.standing();
    let snapshot = app.mesh.now();
    let now = app.mesh.clock().now();
    let in_use = snapshot.trust_domains().iter().flat_map(|domain| domain.hierarchy.authorities());
    let expiries = in_use.filter_map(|authority| Some((authority.id(), authority.certificate()?.validity().not_after)));
    let first = expiries.min_by_key(|(_, until)| *until);
    let words = match (&ready, first) {
        _ if standing.older.is_some() => {
            let why = standing.older.as_deref().unwrap_or_default();
            format!(
                "nothing is issued or published: the store is an older copy of itself ({why}); put the newest one back, or say `meshroot store restored`"
            )
        }
        (Err(why), _) => format!("certificates cannot be issued: {why}"),
        (Ok(()), Some((id, until))) if until > now => format!("certificates are issued; '{id}' expires first, in {}", humanize(until.since(now))),
        (Ok(()), _) => "certificates are issued".to_owned(),
    };
    let words = core::iter::once(words).chain(app.key_sets.complaints()).collect::<Vec<_>>().join("; ");
    let bundles: Vec<Value> = snapshot
        .trust_domains()
        .iter()
        .map(|domain| {
            let imported = domain.hierarchy.imported().map(|imported| {
                let (bundle, trust_domain) = (imported.bundle(), imported.trust_domain().as_str());
                json!({ "trust_domain": trust_domain, "sequence": bundle.sequence(), "roots": bundle.x509_authorities().len(), "at": imported.at().to_string() })
            });
            json!({
                "trust_domain": domain.hierarchy.trust_domain().as_str(),
                "sequence": domain.published.sequence,
                "roots": domain.published.bundle.x509_authorities().len(),
                "imported": imported.collect::<Vec<_>>(),
            })
        })
        .collect();
    let status = json!({
        "ready": ready.is_ok(),
        "words": words,
        "now": now.to_string(),
        "store": app.mesh.store().meta().id.as_str(),
        "store_version": snapshot.version(),
        "epoch": standing.epoch,
        "older_copy": standing.older,
        "log": log,
        "durability": durability.map(|worth| {
            json!({
                "survives_crash": worth.survives_crash,
                "survives_failover": worth.survives_failover,
                "notices_older_copy": worth.notices_older_copy,
                "words": worth.words,
            })
        }),
        "bundles": bundles,
        "crl_set": app.mesh.revoked().complete_set(now).map_or_else(|missing| missing, |_| "complete".into()),
        "key_sets": app.key_sets.describe(&app.mesh),
        "expires_first": first.map(|(id, until)| json!({ "authority": id.as_str(), "not_after": until.to_string() })),
    });
    Ok(document::answer(StatusCode::OK, &status))
}

fn describe(snapshot: &Snapshot) -> Vec<Value> {
    let mut all = Vec::new();
    for domain in snapshot.trust_domains() {
        for authority in domain.hierarchy.authorities() {
            let certificate = authority.certificate();
            all.push(json!({
                "id": authority.id().as_str(),
                "trust_domain": domain.hierarchy.trust_domain().as_str(),
                "role": authority.role().to_string(),
                "state": authority.state().to_string(),
                "published": authority.published_at().is_some(),
                "subject": certificate.map(|certificate| certificate.subject().to_string()),
                "not_before": certificate.map(|certificate| certificate.validity().not_before.to_string()),
                "not_after": certificate.map(|certificate| certificate.validity().not_after.to_string()),
            }));
        }
    }
    all
}
