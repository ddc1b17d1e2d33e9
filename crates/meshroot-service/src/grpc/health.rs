//! `grpc.health.v1.Health`: whether certificates can be issued, for load balancers and Kubernetes' probes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::Response;
use tokio::sync::Mutex;

use super::status::{Code, Status};
use super::stream::Messages;
use super::{Calls, SIGNING, answer, body};
use crate::mesh::{Mesh, ready};

#[derive(Clone, PartialEq, prost::Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct HealthCheckResponse {
    #[prost(enumeration = "ServingStatus", tag = "1")]
    status: i32,
}

/// What is said of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
enum ServingStatus {
    Unknown = 0,
    Serving = 1,
    NotServing = 2,
    ServiceUnknown = 3,
}

/// How old an answer may be: a check makes real signatures, and anybody may ask.
const FRESH: Duration = Duration::from_secs(1);

/// How often those who watch are told of a change.
const LOOK: Duration = Duration::from_secs(2);

/// What the last check said, and when.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Option<(Instant, bool)>>);

impl Health {
    /// Whoever asks while a check is made waits for that one.
    #[allow(clippy::disallowed_methods, reason = "it measures how old an answer is")]
    async fn is_serving(&self, mesh: &Arc<Mesh>) -> bool {
        let mut last = self.0.lock().await;
        if let Some((at, serving)) = *last
            && at.elapsed() < FRESH
        {
            return serving;
        }
        let mesh = Arc::clone(mesh);
        let serving = tokio::task::spawn_blocking(move || ready::check(&mesh).is_ok()).await.unwrap_or(false);
        *last = Some((Instant::now(), serving));
        serving
    }
}

impl Calls {
    /// Nothing, or the one service that there is besides this one and reflection.
    async fn serving(&self, service: &str) -> ServingStatus {
        match service {
            "" | SIGNING if self.health.is_serving(&self.app.mesh).await => ServingStatus::Serving,
            "" | SIGNING => ServingStatus::NotServing,
            _ => ServingStatus::ServiceUnknown,
        }
    }
}

/// `Check`
pub(super) async fn check(State(calls): State<Arc<Calls>>, request: Request) -> Response<Body> {
    let asked: HealthCheckRequest = match body::unary(request.into_body(), calls.app.limits.body_timeout.0).await {
        Ok(asked) => asked,
        Err(status) => return status.into_response(),
    };
    match calls.serving(&asked.service).await {
        ServingStatus::ServiceUnknown => Status::new(Code::NotFound, "grpc.no_such_service", "there is no such service here").into_response(),
        serving => answer(&HealthCheckResponse { status: serving.into() }),
    }
}

/// `Watch`
pub(super) async fn watch(State(calls): State<Arc<Calls>>, request: Request) -> Response<Body> {
    let Some(turn) = calls.turn() else { return super::too_many_streams(request.into_body()).await };
    let asked: HealthCheckRequest = match body::unary(request.into_body(), calls.app.limits.body_timeout.0).await {
        Ok(asked) => asked,
        Err(status) => return status.into_response(),
    };
    let (messages, response) = Messages::begin();
    tokio::spawn(async move {
        let _turn = turn;
        let mut told = None;
        loop {
            let serving = calls.serving(&asked.service).await;
            if told != Some(serving) {
                if messages.send(&HealthCheckResponse { status: serving.into() }).await.is_err() {
                    return;
                }
                told = Some(serving);
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = messages.gone() => return,
                () = calls.stopped() => return messages.fail(super::stopping()).await,
            }
        }
    });
    response
}
