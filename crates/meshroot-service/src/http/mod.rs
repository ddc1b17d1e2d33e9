//! The interface over HTTP.

mod bundles;
mod certificates;
mod conditional;
mod health;
mod hierarchy;
mod inventory;
mod json;
mod long_poll;
mod problem;
mod request_id;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{delete, get, post};
use tokio::sync::Semaphore;

use crate::config::Limits;
use crate::issuing::Desk;
use crate::mesh::Mesh;
use crate::metrics::Metrics;
pub(crate) use problem::Problem;

/// What every handler works with.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) mesh: Arc<Mesh>,
    pub(crate) desk: Desk,
    pub(crate) metrics: Metrics,
    pub(crate) limits: Limits,
    /// Requests in hand.
    requests: Arc<Semaphore>,
    /// Bundle readers that wait.
    long_polls: Semaphore,
}

impl App {
    pub(crate) fn new(mesh: Arc<Mesh>, desk: Desk, limits: Limits) -> Self {
        Self {
            mesh,
            desk,
            metrics: Metrics::default(),
            limits,
            requests: Arc::new(Semaphore::new(limits.requests)),
            long_polls: Semaphore::new(limits.long_polls),
        }
    }
}

/// What anybody may reach over HTTPS.
pub(crate) fn public(app: Arc<App>) -> Router {
    let limit = app.limits.body_bytes;
    Router::new()
        .route("/v1/trust-domains/{trust_domain}/bundle", get(bundles::bundle))
        .route("/v1/certificates", post(certificates::create))
        .route("/v1/tokens", get(tokens::list).post(tokens::create))
        .route("/v1/tokens/{digest}", delete(tokens::withdraw))
        .route("/v1/inventory", get(inventory::search))
        .route("/v1/authorities", get(hierarchy::authorities))
        .route("/v1/status", get(hierarchy::status))
        .route("/v1/bundle-map", get(bundles::map))
        .route("/roots.pem", get(bundles::roots))
        .route("/root/{sha256}", get(bundles::root))
        .merge(health::probes())
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(DefaultBodyLimit::max(limit))
        .layer(from_fn_with_state(Arc::clone(&app), request_id::name_count_and_limit))
        .with_state(app)
}

/// Health and metrics, on a port of their own: they answer when everything else is full.
pub(crate) fn health(app: Arc<App>) -> Router {
    health::probes()
        .route("/metrics", get(health::metrics))
        .fallback(problem::no_such_path)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(from_fn(request_id::name))
        .with_state(app)
}
