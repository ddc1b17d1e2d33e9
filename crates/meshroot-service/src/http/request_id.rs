use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{Extensions, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tracing::{debug, info};

use super::{App, Problem};
use crate::net::{Origin, Peer};

static HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// A name for one request, in the answer, in every problem and in every line of the log about it.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub(crate) Arc<str>);

impl RequestId {
    /// Counts up from a random start: unique within a run, and not to be confused with another run's.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        static START: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
        let start = *START.get_or_init(|| {
            let state = std::collections::hash_map::RandomState::new();
            core::hash::BuildHasher::hash_one(&state, std::process::id())
        });
        Self(format!("{:016x}", start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed))).into())
    }

    /// Names the request in its answer.
    pub(crate) fn put_on(&self, response: &mut Response) {
        if let Ok(mut value) = HeaderValue::from_str(&self.0) {
            // No secret, but never the same again: so h2 keeps no room for it among the values that it can refer to.
            value.set_sensitive(true);
            response.headers_mut().insert(HEADER.clone(), value);
        }
    }

    /// That of the request with these extensions: it was named before anybody else saw it.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().cloned().unwrap_or_else(Self::next)
    }
}

/// Names the request and writes problems as documents.
pub(super) async fn name(mut request: Request, next: Next) -> Response {
    let id = RequestId::next();
    request.extensions_mut().insert(id.clone());
    finish(&id, next.run(request).await)
}

/// As [`name`], and refuses at once what is more than we can do, counts, and logs.
pub(super) async fn name_count_and_limit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned()).unwrap_or_default();
    around(&app, &route, request, |request| next.run(request)).await
}

/// What [`name_count_and_limit`] does about a request of this route, whoever answers it.
#[allow(clippy::disallowed_methods, reason = "it measures how long an answer takes")]
pub(super) async fn around<B: Payload, F: Future<Output = Response>>(
    app: &App,
    route: &str,
    mut request: Request<B>,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let id = RequestId::next();
    request.extensions_mut().insert(id.clone());
    let began = Instant::now();
    let method = request.method().clone();
    // Probes are answered whatever the load; readers that wait for a bundle have a limit of their own.
    let counted = !matches!(route, "/healthz" | "/readyz" | "/v1/trust-domains/{trust_domain}/bundle");
    // The body first: who sends slowly takes no place from those who do not.
    let response = match whole(request, app).await {
        Err(problem) => problem.into_response(),
        Ok(request) => match counted.then(|| app.requests.try_acquire()) {
            Some(Err(_)) => {
                let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "http.overloaded", "too many requests are in hand");
                problem.retry_after(Duration::from_secs(1)).into_response()
            }
            _permit => answer(request).await,
        },
    };
    let status = response.status();
    let code = response.extensions().get::<Problem>().map_or("", Problem::code);
    app.metrics.answered(route, status, began.elapsed());
    let microseconds = began.elapsed().as_micros();
    // Bundles are read by everybody all the time, and for what was granted there is a line under `audit`.
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        debug!(request_id = %id.0, %method, route, status = status.as_u16(), microseconds, "answered");
    } else {
        info!(request_id = %id.0, %method, route, status = status.as_u16(), code, microseconds, "answered");
    }
    finish(&id, response)
}

/// A body as it comes in.
pub(crate) trait Payload: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static {}

impl<B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static> Payload for B {}

/// Octets of an administrator's body: a CRL with 40,000 entries, or what a root signed for a thousand clusters. It is also the
/// most that the framework takes.
const ADMINISTRATORS: usize = 2 << 20;

/// The request with its body read, within the time and the length that are allowed.
async fn whole<B: Payload>(request: Request<B>, app: &App) -> Result<Request, Problem> {
    if request.body().is_end_stream() {
        return Ok(request.map(|_| Body::empty()));
    }
    let (head, body) = request.into_parts();
    // Administrators bring CRLs and what roots signed; on the socket there is nobody else.
    let on_socket = matches!(head.extensions.get::<Peer>(), Some(Peer { origin: Origin::Socket { .. }, .. }));
    let most = if on_socket { app.limits.body_bytes.max(ADMINISTRATORS) } else { app.limits.body_bytes };
    let read = Limited::new(body, most).collect();
    match tokio::time::timeout(app.limits.body_timeout.0, read).await {
        Ok(Ok(body)) => Ok(Request::from_parts(head, Body::from(body.to_bytes()))),
        Ok(Err(e)) if e.is::<LengthLimitError>() => Err(plain(StatusCode::PAYLOAD_TOO_LARGE)),
        Ok(Err(_)) => Err(plain(StatusCode::BAD_REQUEST)),
        Err(_) => Err(plain(StatusCode::REQUEST_TIMEOUT)),
    }
}

fn finish(id: &RequestId, mut response: Response) -> Response {
    let mut response = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem.into_document(&id.0),
        None if response.status().is_client_error() || response.status().is_server_error() => plain(response.status()).into_document(&id.0),
        None => response,
    };
    id.put_on(&mut response);
    response
}

/// For what the framework refused by itself, before a handler saw it.
fn plain(status: StatusCode) -> Problem {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(status, "http.too_large", "the request's body is larger than this service takes"),
        StatusCode::REQUEST_TIMEOUT => Problem::new(status, "http.too_slow", "the request's body took too long to arrive"),
        StatusCode::BAD_REQUEST => Problem::new(status, "http.malformed", "the request's path, query or body is malformed"),
        _ => Problem::new(status, "http.refused", "the request was refused"),
    }
}
