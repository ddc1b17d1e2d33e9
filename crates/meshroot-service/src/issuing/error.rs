use meshroot::issue::{Denial, IssueError};
use meshroot::revocation::RevocationReason;
use meshroot::spiffe::SpiffeId;
use meshroot::time::Timestamp;
use meshroot_store::{Lost, StoreError};

use crate::mesh::Unpublished;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum IssuingError {
    /// The request does not fit what was granted.
    #[error(transparent)]
    Denied(#[from] Denial),
    /// The CA cannot issue it.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// There is no CA for the cluster.
    #[error("the cluster '{0}' has no CA that can issue now")]
    NoIssuer(String),
    /// The identity is denied.
    #[error("'{id}' is denied since {at} ({reason}): it gets no certificate until an administrator takes the denial back{}", until.map(|until| format!(", or it expires at {until}")).unwrap_or_default())]
    DeniedIdentity {
        /// Which.
        id: SpiffeId,
        /// Since when.
        at: Timestamp,
        /// Why.
        reason: RevocationReason,
        /// Until when, if somebody said so.
        until: Option<Timestamp>,
    },
    /// The idempotency key came with another request.
    #[error("this idempotency key came with another request before: a key stands for one request, use a new one")]
    OtherRequest,
    /// It was not recorded.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing is published now, and a certificate comes with its bundle.
    #[error(transparent)]
    Unpublished(#[from] Unpublished),
    /// The service is stopping.
    #[error("the service is stopping")]
    Interrupted,
    /// What was answered before is revoked.
    #[error("the certificate that answered this before is revoked: ask with a new idempotency key")]
    Revoked,
    /// What was answered before cannot be put together any more.
    #[error("the CA that signed this before is not there any more: ask with a new idempotency key")]
    Gone,
}
