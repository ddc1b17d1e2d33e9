use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{App, Problem};
use crate::mesh::ready;

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: certificates can be issued, tried out for real.
pub(super) async fn is_ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    let mesh = Arc::clone(&app.mesh);
    let tried = tokio::task::spawn_blocking(move || ready::check(&mesh)).await;
    let not = |why: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "service.not_ready", why).retry_after(Duration::from_secs(5));
    match tried {
        Ok(Ok(())) => Ok("ready\n"),
        Ok(Err(why)) => Err(not(why)),
        Err(e) => Err(not(format!("the check failed: {e}"))),
    }
}

/// `GET /metrics`: Prometheus' text form.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    let text = app.metrics.render(&app.mesh, &app.key_sets, app.desk.waiting());
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}
