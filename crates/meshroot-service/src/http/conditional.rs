use axum::body::Body;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::mesh::Rendering;

/// Answers with a document, or with 304 when the client has it already (RFC 9110 §13.1.2).
pub(super) fn respond(rendering: &Rendering, method: &Method, request: &HeaderMap) -> Response {
    let unchanged = request.get_all(header::IF_NONE_MATCH).iter().any(|held| names(held.as_bytes(), rendering.etag.as_bytes()));
    let mut response = match (unchanged, method == Method::HEAD) {
        (true, _) => StatusCode::NOT_MODIFIED.into_response(),
        (false, true) => Body::empty().into_response(),
        (false, false) => Body::from(rendering.body.clone()).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, rendering.etag.clone());
    headers.insert(header::CACHE_CONTROL, rendering.cache_control.clone());
    if !unchanged {
        headers.insert(header::CONTENT_TYPE, rendering.content_type.clone());
    }
    if !unchanged && method == Method::HEAD {
        headers.insert(header::CONTENT_LENGTH, rendering.body.len().into());
    }
    response
}

/// Whether a list of entity tags has this one. Weak ones count (RFC 9110 §13.1.2).
fn names(list: &[u8], etag: &[u8]) -> bool {
    list == b"*" || list.split(|octet| *octet == b',').map(<[u8]>::trim_ascii).any(|one| one.strip_prefix(b"W/").unwrap_or(one) == etag)
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_not() {
        assert!(names(b"\"a\"", b"\"a\"") && names(b"\"x\", W/\"a\"", b"\"a\"") && names(b"*", b"\"a\""));
        assert!(!names(b"\"b\"", b"\"a\"") && !names(b"a", b"\"a\"") && !names(b"", b"\"a\""));
    }
}
