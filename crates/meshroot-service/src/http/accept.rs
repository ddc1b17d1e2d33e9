use axum::http::{HeaderMap, StatusCode, header};

use super::Problem;

/// The form that `Accept` asks for, the client's first that is `known`; without the header, the usual one. `offered` says
/// in words what there is.
pub(super) fn form<T>(headers: &HeaderMap, usual: T, known: impl Fn(&str) -> Option<T>, offered: &'static str) -> Result<T, Problem> {
    let mut any = false;
    for value in headers.get_all(header::ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            any = true;
            if let Some(form) = known(range.split(';').next().unwrap_or_default().trim()) {
                return Ok(form);
            }
        }
    }
    if any { Err(Problem::new(StatusCode::NOT_ACCEPTABLE, "http.not_acceptable", offered)) } else { Ok(usual) }
}
