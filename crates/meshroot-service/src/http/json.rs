use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Problem;

/// A JSON answer that no cache keeps.
pub(super) fn answer(status: StatusCode, document: &Value) -> Response {
    respond(status, document.to_string().into())
}

/// The same, with one more member, first, whose value is JSON already: it is neither read nor written anew.
pub(super) fn answer_with(status: StatusCode, name: &str, value: &[u8], document: &impl Serialize) -> Response {
    // A chain is the most of what is left; what does not fit makes it grow.
    let mut body = Vec::with_capacity(value.len().saturating_add(4 << 10));
    body.extend_from_slice(b"{\"");
    body.extend_from_slice(name.as_bytes());
    body.extend_from_slice(b"\":");
    body.extend_from_slice(value);
    let rest = body.len();
    if let Err(e) = serde_json::to_writer(&mut body, document) {
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "http.json", e.to_string()).into_response();
    }
    // Its members follow the first one.
    if let Some(brace) = body.get_mut(rest) {
        *brace = b',';
    }
    respond(status, body.into())
}

fn respond(status: StatusCode, body: Body) -> Response {
    let mut response = (status, body).into_response();
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

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_member_that_is_json_already_is_a_member_like_the_others() {
        let response = answer_with(StatusCode::CREATED, "bundle", br#"{"keys": []}"#, &json!({ "chain": "a\nb", "cut": null }));
        let body = to_bytes(response.into_body(), 1_000).await.unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), json!({ "bundle": { "keys": [] }, "chain": "a\nb", "cut": null }));
    }
}
