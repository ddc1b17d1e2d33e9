use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Problem;

/// A JSON answer that no cache keeps.
pub(super) fn answer(status: StatusCode, document: &Value) -> Response {
    let mut response = (status, Body::from(document.to_string())).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Reads a JSON body; unknown members are errors, because a misspelt one would be ignored otherwise.
pub(super) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|e| {
        let detail = format!("the body is not the JSON document that belongs here: {e}");
        Problem::new(StatusCode::BAD_REQUEST, "http.malformed_json", detail)
    })
}
