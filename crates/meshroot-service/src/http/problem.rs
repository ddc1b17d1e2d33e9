use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::mesh::Unpublished;

/// What went wrong, for people and for programs (RFC 9457).
///
/// A handler answers with it; the outermost layer, which knows the request's id, writes the document.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    retry_after: Option<Duration>,
    rule: Option<String>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), retry_after: None, rule: None }
    }

    /// It may be tried again, after this time.
    pub(crate) fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// The rule that forbids it, in the policy's words.
    pub(crate) fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn retryable_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(crate) fn broken_rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// The answer, with the request's id in it.
    pub(super) fn into_document(self, request_id: &str) -> Response {
        let mut document = Map::from_iter([
            ("type".to_owned(), Value::from(format!("urn:meshroot:problem:{}", self.code))),
            ("title".to_owned(), self.status.canonical_reason().unwrap_or("Problem").into()),
            ("status".to_owned(), self.status.as_u16().into()),
            ("code".to_owned(), self.code.into()),
            ("detail".to_owned(), Value::from(self.detail.into_owned())),
            ("retryable".to_owned(), self.retry_after.is_some().into()),
            ("request_id".to_owned(), request_id.into()),
        ]);
        if let Some(rule) = self.rule {
            document.insert("rule".to_owned(), json!(rule));
        }
        let mut response = (self.status, Body::from(Value::from(document).to_string())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}

impl From<Unpublished> for Problem {
    fn from(e: Unpublished) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, e.code(), e.to_string()).retry_after(e.retry_after())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

pub(super) async fn no_such_path(uri: Uri) -> Problem {
    // A path is what the client wrote itself, but of any length.
    let path: String = uri.path().chars().take(200).collect();
    Problem::new(StatusCode::NOT_FOUND, "http.no_such_path", format!("there is nothing at '{path}': /openapi.json lists what there is"))
}

pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(200).collect();
    let method: String = method.as_str().chars().take(20).collect();
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "http.method_not_allowed", format!("'{path}' does not take {method}"))
}
