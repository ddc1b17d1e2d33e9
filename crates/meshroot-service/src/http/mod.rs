//! The interface over HTTP.

mod accept;
mod bundles;
mod certificates;
mod cluster_ca;
mod conditional;
mod crls;
mod dependents;
mod evidence;
mod health;
pub(crate) mod hex;
mod hierarchy;
mod inventory;
mod json;
mod long_poll;
mod problem;
mod request_id;
mod revocations;
mod root;
mod store;
mod tokens;

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use tokio::sync::{Semaphore, watch};

use crate::caller::{Means, Operators, Recent};
use crate::config::Limits;
use crate::discovery::KeySets;
use crate::issuing::Desk;
use crate::limits::Rates;
use crate::mesh::Mesh;
use crate::metrics::Metrics;
use crate::permission::Permissions;
use crate::review::Reviews;
pub(crate) use certificates::{Claim, Names, WORKLOAD, decide, unusable};
pub(crate) use problem::Problem;
pub(crate) use request_id::{Payload, RequestId};

/// What every handler works with.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) mesh: Arc<Mesh>,
    pub(crate) desk: Desk,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Limits,
    /// Who may have what.
    pub(crate) permissions: ArcSwap<Permissions>,
    /// How much everybody may ask for.
    pub(crate) rates: Rates,
    /// Callers that were judged a moment ago.
    pub(crate) recent: Recent,
    /// Administrators over the network.
    pub(crate) operators: Operators,
    /// Clusters' token keys that are fetched.
    pub(crate) key_sets: Arc<KeySets>,
    /// API servers that are asked about tokens.
    pub(crate) reviews: Reviews,
    /// Requests in hand.
    pub(crate) requests: Arc<Semaphore>,
    /// Bundle readers that wait.
    long_polls: Semaphore,
    /// Those who have seen a later bundle than the one that is published.
    witnesses: evidence::Witnesses,
    /// Turns true when the service stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

impl App {
    pub(crate) fn new(mesh: Arc<Mesh>, desk: Desk, limits: Limits, permissions: Permissions, means: Means, stopping: watch::Receiver<bool>) -> Self {
        Self {
            mesh,
            metrics: Metrics::new(desk.commits()),
            desk,
            limits,
            permissions: ArcSwap::from_pointee(permissions),
            rates: Rates::new(&limits),
            recent: Recent::new(limits.remembered),
            operators: means.operators,
            key_sets: means.key_sets,
            reviews: means.reviews,
            requests: Arc::new(Semaphore::new(limits.requests)),
            long_polls: Semaphore::new(limits.long_polls),
            witnesses: evidence::Witnesses::default(),
            stopping,
        }
    }
}

/// Where certificates are asked for.
pub(crate) const CERTIFICATES: &str = "/v1/certificates";

/// A `POST` to [`CERTIFICATES`], answered as the router would have it answered.
pub(crate) async fn certificate<B: Payload>(app: Arc<App>, request: Request<B>) -> Response {
    request_id::around(&app, CERTIFICATES, request, |request| certificates::create(State(Arc::clone(&app)), request)).await
}

/// Every path of the interface; a test holds it to the OpenAPI document.
fn operations() -> Vec<(&'static str, MethodRouter<Arc<App>>)> {
    vec![
        (CERTIFICATES, post(certificates::create)),
        ("/v1/tokens", get(tokens::list).post(tokens::create)),
        ("/v1/tokens/{digest}", delete(tokens::withdraw)),
        ("/v1/inventory", get(inventory::search)),
        ("/v1/authorities", get(hierarchy::authorities)),
        ("/v1/status", get(hierarchy::status)),
        ("/v1/clusters/{cluster}/ca", post(cluster_ca::create)),
        ("/v1/clusters/{cluster}/ca/{request}", get(cluster_ca::fetch)),
        ("/v1/root-requests", get(root::requests)),
        ("/v1/root-answers", post(root::take)),
        ("/v1/revocations", get(revocations::list).post(revocations::create)),
        ("/v1/denials/{number}", delete(revocations::lift)),
        ("/crl/{authority}", get(crls::of_authority).put(crls::publish)),
        ("/crls.pem", get(crls::all)),
        ("/v1/store/restored", post(store::restored)),
        ("/v1/trust-domains/{trust_domain}/bundle", get(bundles::bundle)),
        ("/v1/bundle-map", get(bundles::map)),
        ("/roots.pem", get(bundles::roots)),
        ("/root/{sha256}", get(bundles::root)),
        ("/healthz", get(health::alive)),
        ("/readyz", get(health::is_ready)),
        ("/openapi.json", get(openapi)),
    ]
}

/// The OpenAPI document.
const OPENAPI: &str = include_str!("openapi.json");

/// `GET /openapi.json`
async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI)
}

/// What can be reached over HTTPS and over the socket.
pub(crate) fn public(app: Arc<App>) -> Router {
    let router = operations().into_iter().fold(Router::new(), |router, (path, methods)| router.route(path, methods));
    router
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn_with_state(Arc::clone(&app), request_id::name_count_and_limit))
        .with_state(app)
}

/// Health and metrics, on a port of their own: they answer when everything else is full.
pub(crate) fn health(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::is_ready))
        .route("/metrics", get(health::metrics))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn(request_id::name))
        .with_state(app)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_path_is_in_the_openapi_document_and_the_other_way_round() {
        let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let documented: BTreeSet<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(documented, operations().iter().map(|(path, _)| *path).collect());
    }

    #[test]
    fn every_operation_is_shown_in_the_guide_with_a_line_to_try_it() {
        let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let guide = include_str!("../../docs/http-api.md");
        let sections: BTreeSet<&str> = guide.split("\n### ").skip(1).collect();
        let mut shown = BTreeSet::new();
        for section in sections {
            let (title, text) = section.split_once('\n').unwrap();
            let of_section = text.split("\n## ").next().unwrap();
            assert!(["curl", "$C ", "$A "].iter().any(|start| of_section.contains(&format!("\n{start}"))), "{title} has no line to try it");
            shown.insert(title.trim_matches('`').to_owned());
        }
        let paths = document["paths"].as_object().unwrap();
        let documented: BTreeSet<String> = paths
            .iter()
            .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase())))
            .collect();
        assert_eq!(shown, documented);
    }
}
