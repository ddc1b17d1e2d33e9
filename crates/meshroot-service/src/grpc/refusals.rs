use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, header};
use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot::token::TokenError;

use super::status::Status;
use crate::caller::AuthenticationError;
use crate::permission::Permissions;

/// Credentials that were refused a moment ago, by digest. A pod that is refused asks again every two or three seconds for ever, and the
/// signature of its token is not verified every time.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    /// What the refusals were judged by. With another policy or other keys they are worth nothing.
    permissions: Option<Arc<Permissions>>,
    refused: HashMap<[u8; 32], (Status, Timestamp)>,
}

/// For so long.
const KEPT: Duration = Duration::from_secs(30);

/// And so many; who sends others all the time has them verified all the time.
const MOST: usize = 8_192;

impl Refusals {
    /// What to look a call up by; none for calls that are not remembered.
    pub(super) fn key(headers: &HeaderMap, crypto: &Crypto) -> Option<[u8; 32]> {
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let first = values.next()?;
        values.next().is_none().then(|| crypto.sha256(first.as_bytes()))
    }

    pub(super) fn find(&self, key: &[u8; 32], permissions: &Arc<Permissions>, now: Timestamp) -> Option<Status> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let current = held.permissions.as_ref().is_some_and(|judged_by| Arc::ptr_eq(judged_by, permissions));
        let (status, until) = held.refused.get(key).filter(|_| current)?;
        (now < *until).then(|| status.clone())
    }

    pub(super) fn remember(&self, key: [u8; 32], status: &Status, permissions: &Arc<Permissions>, now: Timestamp) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.permissions.as_ref().is_some_and(|judged_by| Arc::ptr_eq(judged_by, permissions)) {
            *held = Held { permissions: Some(Arc::clone(permissions)), refused: HashMap::new() };
        }
        if held.refused.len() >= MOST {
            held.refused.clear();
        }
        held.refused.insert(key, (status.clone(), now.plus(KEPT)));
    }
}

/// Whether the same credentials are refused in a moment, too. A key that is not known may be fetched meanwhile; what is not yet valid
/// becomes so.
pub(super) fn is_lasting(e: &AuthenticationError) -> bool {
    matches!(e, AuthenticationError::ServiceAccount(e) if !matches!(e, TokenError::UnknownKey { .. } | TokenError::NotYetValid { .. }))
}
