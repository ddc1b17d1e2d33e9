use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tracing::{debug, info};

use super::Calls;
use super::status::Status;
use crate::http::RequestId;

/// Names every call, counts it, logs it, and turns away what is no call at all.
pub(super) async fn layer(State(calls): State<Arc<Calls>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    around(&calls, &route, request, |request| next.run(request)).await
}

/// What [`layer`] does about a call of this method, whoever answers it.
#[allow(clippy::disallowed_methods, reason = "it measures how long an answer takes")]
pub(super) async fn around<B, F: Future<Output = Response>>(
    calls: &Calls,
    route: &str,
    mut request: Request<B>,
    answer: impl FnOnce(Request<B>) -> F,
) -> Response {
    let id = RequestId::next();
    request.extensions_mut().insert(id.clone());
    let began = Instant::now();
    let mut response = match not_a_call(&request) {
        Some(status) => status.into_response(),
        None => answer(request).await,
    };
    let (took, failed) = (began.elapsed(), response.extensions_mut().remove::<Status>());
    let status = failed.as_ref().map_or(response.status(), |failed| failed.code().as_http());
    calls.app.metrics.answered(route, status, took);
    let microseconds = took.as_micros();
    match failed {
        Some(failed) => info!(request_id = %id.0, route, code = failed.reason(), grpc = ?failed.code(), microseconds, "answered"),
        None => debug!(request_id = %id.0, route, status = status.as_u16(), microseconds, "answered"),
    }
    id.put_on(&mut response);
    response
}

/// gRPC is a POST over h2 with a content type of its own; the protocol wants HTTP's own refusals for anything else.
fn not_a_call<B>(request: &Request<B>) -> Option<StatusCode> {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let subtype = content_type.strip_prefix("application/grpc");
    if request.method() != Method::POST {
        Some(StatusCode::METHOD_NOT_ALLOWED)
    } else if !subtype.is_some_and(|rest| rest.is_empty() || rest.starts_with("+proto") || rest.starts_with(';')) {
        Some(StatusCode::UNSUPPORTED_MEDIA_TYPE)
    } else if request.version() != Version::HTTP_2 {
        Some(StatusCode::HTTP_VERSION_NOT_SUPPORTED)
    } else {
        None
    }
}
