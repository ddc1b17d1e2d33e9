use std::sync::Arc;
use std::time::Duration;

use meshroot::hierarchy::ClusterName;
use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use meshroot::token::{Expected, Issuers, TokenError};

use crate::caller::{Audience, Digest, Remembered, ServiceAccount};

/// Service accounts, by their tokens and by the clusters' keys. Verdicts are remembered here, and so forgotten as soon as
/// the policy or a key set changes: then all of this is made anew.
#[derive(Debug)]
pub(super) struct Accounts {
    issuers: Issuers,
    ours: Verdicts,
    istio: Verdicts,
}

#[derive(Debug)]
struct Verdicts {
    good: Remembered<Arc<ServiceAccount>>,
    bad: Remembered<TokenError>,
}

/// How long a bad token is remembered: its bearer asks every second or two, for ever.
const BAD: Duration = Duration::from_secs(30);

impl Accounts {
    pub(super) fn new(issuers: Issuers, remembered: usize) -> Self {
        let verdicts = || Verdicts { good: Remembered::new(remembered), bad: Remembered::new(remembered.div_ceil(4)) };
        Self { issuers, ours: verdicts(), istio: verdicts() }
    }

    pub(super) fn known(&self, digest: &Digest, audience: Audience, now: Timestamp) -> Option<Result<Arc<ServiceAccount>, TokenError>> {
        let verdicts = self.of(audience);
        verdicts.good.get(digest, now).map(Ok).or_else(|| verdicts.bad.get(digest, now).map(Err))
    }

    pub(super) fn judge(
        &self,
        token: &str,
        digest: Digest,
        audience: Audience,
        expected: impl Fn(&ClusterName) -> Option<Expected>,
        crypto: &Crypto,
        now: Timestamp,
    ) -> Result<Arc<ServiceAccount>, TokenError> {
        let verdicts = self.of(audience);
        match self.issuers.verify_as(token, &expected, crypto, now) {
            Ok(token) => {
                let until = expected(token.cluster()).map_or(now, |expected| expected.accepted_until(&token));
                let account = Arc::new(ServiceAccount::new(token));
                verdicts.good.put(digest, Arc::clone(&account), now, until);
                Ok(account)
            }
            Err(e) => {
                if is_final(&e) {
                    verdicts.bad.put(digest, e.clone(), now, now.plus(BAD));
                }
                Err(e)
            }
        }
    }

    fn of(&self, audience: Audience) -> &Verdicts {
        match audience {
            Audience::Ours => &self.ours,
            Audience::Istio => &self.istio,
        }
    }
}

/// Whether the same token never becomes good under the same keys and policy. Those that cost no signature to refuse need
/// not be remembered, and take no room from those that do.
fn is_final(e: &TokenError) -> bool {
    matches!(
        e,
        TokenError::BadSignature
            | TokenError::Audience { .. }
            | TokenError::Expired { .. }
            | TokenError::TooOld { .. }
            | TokenError::SharedKey { .. }
    )
}
