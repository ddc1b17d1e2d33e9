use std::ops::Deref;
use std::sync::Arc;

use meshroot::policy::Caller;
use meshroot::token::ServiceAccountToken;

/// A service account that showed a good token, and what the log and the records call it: put into words once, for a token comes again.
#[derive(Debug)]
pub(crate) struct ServiceAccount {
    token: ServiceAccountToken,
    name: Arc<str>,
}

impl ServiceAccount {
    pub(crate) fn new(token: ServiceAccountToken) -> Self {
        let pod = token.pod().map(|pod| format!(", pod {}", pod.name)).unwrap_or_default();
        let name = format!("{}{pod}", Caller::from(&token)).into();
        Self { token, name }
    }

    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }
}

impl Deref for ServiceAccount {
    type Target = ServiceAccountToken;

    fn deref(&self) -> &ServiceAccountToken {
        &self.token
    }
}
