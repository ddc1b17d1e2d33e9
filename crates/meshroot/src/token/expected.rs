use std::time::Duration;

use super::ServiceAccountToken;
use crate::time::Timestamp;

/// What is asked of a token besides its signature.
///
/// ```
/// use meshroot::token::Expected;
/// use std::time::Duration;
/// let http = Expected::audience("meshroot");
/// let grpc = Expected::audience("istio-ca").with_max_age(Duration::from_secs(13 * 3600));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub(super) audiences: Vec<String>,
    pub(super) max_age: Duration,
    pub(super) max_lifetime: Duration,
    pub(super) leeway: Duration,
}

impl Expected {
    /// A token for this audience: at most 25 hours old (kubelet renews after 24 hours, or at four fifths of the lifetime), made for at
    /// most 48 hours (Istio's are made for 12), clocks 30 seconds apart.
    pub fn audience(audience: impl Into<String>) -> Self {
        Self::any_audience([audience.into()])
    }

    /// A token for one of these audiences, with the same limits. Without any audience, no token passes.
    pub fn any_audience(audiences: impl IntoIterator<Item = String>) -> Self {
        Self {
            audiences: audiences.into_iter().filter(|audience| !audience.is_empty()).collect(),
            max_age: Duration::from_secs(25 * 3_600),
            max_lifetime: Duration::from_secs(48 * 3_600),
            leeway: Duration::from_secs(30),
        }
    }

    /// The same, refusing tokens that were issued longer ago than this, whatever their expiry. It bounds how long a token outlives
    /// its pod.
    #[must_use]
    pub fn with_max_age(self, max_age: Duration) -> Self {
        Self { max_age, ..self }
    }

    /// The same, refusing tokens that were made to live longer than this.
    #[must_use]
    pub fn with_max_lifetime(self, max_lifetime: Duration) -> Self {
        Self { max_lifetime, ..self }
    }

    /// The audiences of which a token must have one.
    pub fn audiences(&self) -> &[String] {
        &self.audiences
    }

    /// Until when a token that was accepted is sure to be accepted again: its expiry, or the oldest that it may get, without
    /// the leeway for clocks. Verifiers that remember verdicts forget them then.
    pub fn accepted_until(&self, token: &ServiceAccountToken) -> Timestamp {
        token.expires_at().min(token.issued_at().plus(self.max_age))
    }

    /// The same, for clocks that may differ by this much.
    #[must_use]
    pub fn with_leeway(self, leeway: Duration) -> Self {
        Self { leeway, ..self }
    }
}
