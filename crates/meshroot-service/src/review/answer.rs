use meshroot::token::ServiceAccountToken;
use serde::Deserialize;

use crate::json;

/// A `TokenReview` as the API server fills it in; what else is in it is passed over.
#[derive(Debug, Deserialize)]
struct TokenReview {
    status: Status,
}

#[derive(Debug, Deserialize)]
struct Status {
    #[serde(default)]
    authenticated: bool,
    #[serde(default)]
    user: User,
    #[serde(default)]
    audiences: Vec<String>,
    #[serde(default)]
    error: String,
}

#[derive(Debug, Default, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
    #[serde(default)]
    uid: String,
}

/// Whether the answer says that this very token still counts; otherwise why not.
pub(super) fn judge(answer: &[u8], token: &ServiceAccountToken, audiences: &[String]) -> Result<(), String> {
    let review: TokenReview = serde_json::from_slice(answer).map_err(|e| format!("the answer is no TokenReview: {}", json::fault(&e)))?;
    let status = review.status;
    if !status.authenticated {
        let said: String = status.error.chars().take(200).flat_map(char::escape_debug).collect();
        return Err(if said.is_empty() { "it is not authenticated".into() } else { said });
    }
    // A server that knows of no audiences authenticates for its own, and answers none.
    if !status.audiences.iter().any(|audience| audiences.contains(audience)) {
        return Err("it is for another audience".into());
    }
    let expected = format!("system:serviceaccount:{}:{}", token.namespace(), token.service_account());
    if status.user.username != expected || status.user.uid != token.service_account_uid() {
        return Err("the API server takes it for somebody else's".into());
    }
    Ok(())
}
