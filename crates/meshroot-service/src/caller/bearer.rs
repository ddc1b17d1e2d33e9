use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use meshroot::time::Timestamp;
use meshroot::token::TokenError;
use meshroot_store::{JoinToken, TokenDigest};

use super::remembered::Digest;
use super::{Audience, AuthenticationError, Caller, ServiceAccount};
use crate::http::App;

/// What a one-time token begins with: people and secret scanners see what it is.
pub(crate) const TOKEN_PREFIX: &str = "meshroot-join-";

/// Longer than any token.
const MOST: usize = 16 << 10;

/// How long a token is remembered that is good for nothing.
const SPENT: Duration = Duration::from_secs(60);

/// A token that somebody bears, and its digest.
pub(super) struct Bearer<'a> {
    text: &'a str,
    digest: Digest,
    kind: Kind,
    audience: Audience,
}

/// The digest of the one-time token in the `Authorization` header, if there is one: proof of having it, and of nothing else.
pub(crate) fn shown_token(headers: &HeaderMap, app: &App) -> Option<TokenDigest> {
    let bearer = Bearer::of(headers, Audience::Ours, app).ok().flatten()?;
    (bearer.kind == Kind::OneTime).then_some(TokenDigest(bearer.digest))
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    OneTime,
    ServiceAccount,
}

impl<'a> Bearer<'a> {
    /// The token in the `Authorization` header, if there is one.
    pub(super) fn of(headers: &'a HeaderMap, audience: Audience, app: &App) -> Result<Option<Self>, AuthenticationError> {
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
        let kind = match token.starts_with(TOKEN_PREFIX) {
            true => Kind::OneTime,
            // A JWS has three parts; nothing else that we know has dots.
            false if token.split('.').count() == 3 => Kind::ServiceAccount,
            false => return Err(AuthenticationError::UnknownKind),
        };
        Ok(Some(Self { text: token, digest: app.mesh.crypto().sha256(token.as_bytes()), kind, audience }))
    }

    /// What is known of it already.
    pub(super) fn remembered(&self, app: &App) -> Option<Result<Caller, AuthenticationError>> {
        let now = app.mesh.clock().now();
        match self.kind {
            Kind::OneTime => Some(self.judge(app, app.recent.spent.get(&self.digest, now)?)),
            Kind::ServiceAccount => match app.permissions.load().known_service_account(&self.digest, self.audience, now)? {
                Ok(token) if !app.reviews.is_settled(token.cluster(), &self.digest, now) => None,
                known => Some(known.map(Caller::ServiceAccount).map_err(Into::into)),
            },
        }
    }

    pub(super) async fn caller(&self, app: &Arc<App>) -> Result<Caller, AuthenticationError> {
        let now = app.mesh.clock().now();
        if self.kind == Kind::ServiceAccount {
            return self.service_account(app, now).await.map(Caller::ServiceAccount);
        }
        let (store, digest) = (Arc::clone(app.mesh.store()), TokenDigest(self.digest));
        let found = tokio::task::spawn_blocking(move || store.token(&digest)).await.map_err(|_| AuthenticationError::Stopping)?;
        let token = found?;
        // Both are final: used is used, and nobody knows a token before it is made.
        if token.as_ref().is_none_or(|token| token.used_by.is_some()) {
            app.recent.spent.put(self.digest, token.clone(), now, now.plus(SPENT));
        }
        self.judge(app, token)
    }

    async fn service_account(&self, app: &App, now: Timestamp) -> Result<Arc<ServiceAccount>, AuthenticationError> {
        let permissions = app.permissions.load_full();
        let token = permissions.service_account(self.text, self.digest, self.audience, app.mesh.crypto(), now).inspect_err(|e| {
            if let TokenError::UnknownKey { issuer, .. } = e {
                permissions.of_issuer(issuer).for_each(|cluster| app.key_sets.want(cluster.as_str()));
            }
        })?;
        if !app.reviews.is_settled(token.cluster(), &self.digest, now) {
            let audiences = permissions.audiences(token.cluster(), self.audience);
            app.reviews.check(&token, self.text, self.digest, &audiences, now).await?;
        }
        Ok(token)
    }

    fn judge(&self, app: &App, token: Option<JoinToken>) -> Result<Caller, AuthenticationError> {
        let token = token.ok_or(AuthenticationError::Unknown)?;
        // A used one may still ask again under the key it was used with; whether it does is the issuing path's to see.
        if app.mesh.clock().now() >= token.expires_at {
            return Err(AuthenticationError::Expired(token.expires_at));
        }
        Ok(Caller::Token(token))
    }
}
