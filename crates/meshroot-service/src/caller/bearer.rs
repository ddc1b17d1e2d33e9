use std::sync::Arc;

use axum::http::{HeaderMap, header};
use meshroot_store::{JoinToken, TokenDigest};
use zeroize::Zeroizing;

use super::{Audience, AuthenticationError, Caller};
use crate::http::App;

/// What a one-time token begins with: people and secret scanners see what it is.
pub(crate) const TOKEN_PREFIX: &str = "meshroot-join-";

/// Longer than any token.
const MOST: usize = 16 << 10;

/// The token in the `Authorization` header, if there is one.
pub(super) fn of(headers: &HeaderMap) -> Result<Option<Zeroizing<String>>, AuthenticationError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(AuthenticationError::Several);
    }
    let text = value.to_str().ok().filter(|text| text.len() <= MOST).ok_or(AuthenticationError::Malformed)?;
    let (scheme, token) = text.split_once(' ').ok_or(AuthenticationError::Malformed)?;
    let token = token.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.contains(' ') {
        return Err(AuthenticationError::Malformed);
    }
    Ok(Some(Zeroizing::new(token.to_owned())))
}

pub(super) async fn caller(app: &Arc<App>, bearer: &str, audience: Audience) -> Result<Caller, AuthenticationError> {
    if !bearer.starts_with(TOKEN_PREFIX) {
        // A JWS has three parts; nothing else that we know has dots.
        if bearer.split('.').count() != 3 {
            return Err(AuthenticationError::UnknownKind);
        }
        let permissions = app.permissions.load();
        let token = permissions.service_account(bearer, audience, app.mesh.crypto(), app.mesh.clock().now())?;
        return Ok(Caller::ServiceAccount(Box::new(token)));
    }
    let digest = TokenDigest(app.mesh.crypto().sha256(bearer.as_bytes()));
    let store = Arc::clone(app.mesh.store());
    let found = tokio::task::spawn_blocking(move || store.token(&digest)).await.map_err(|_| AuthenticationError::Stopping)?;
    let token: JoinToken = found?.ok_or(AuthenticationError::Unknown)?;
    // A used one may still ask again under the key it was used with; whether it does is the issuing path's to see.
    if app.mesh.clock().now() >= token.expires_at {
        return Err(AuthenticationError::Expired(token.expires_at));
    }
    Ok(Caller::Token(token))
}
