//! One line for every grant and every refusal, under a target of its own, so that it can be kept apart and for longer.

use tracing::info;

/// Somebody was given something, or it was done for them.
pub(crate) fn granted(request_id: &str, caller: &str, what: &str, details: &str) {
    info!(target: "audit", request_id, caller, what, details, "granted");
}

/// Somebody was refused.
pub(crate) fn refused(request_id: &str, caller: &str, what: &str, code: &str, why: &str) {
    info!(target: "audit", request_id, caller, what, code, why, "refused");
}
