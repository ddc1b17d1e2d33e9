use axum::http::StatusCode;
use meshroot::revocation::RevocationReason;
use meshroot::time::Timestamp;
use meshroot::token::TokenError;
use meshroot::verify::Rejection;
use meshroot_store::StoreError;

use crate::http::Problem;
use crate::limits::Throttled;
use crate::review::ReviewError;

/// Why nobody could be made out, or not somebody who may.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuthenticationError {
    #[error("this needs an authenticated caller: show a token in the Authorization header, as `Bearer`")]
    Missing,
    #[error("this is for administrators: connect to the service's Unix socket, or show an administrator's certificate")]
    NotAnAdministrator,
    #[error("there are several Authorization headers, and it must be clear which one counts: send one")]
    Several,
    #[error("the Authorization header is not `Bearer` and a token")]
    Malformed,
    #[error("the token is not of a kind that this service takes")]
    UnknownKind,
    #[error("there is no such token: it was withdrawn, expired long ago, or never made here")]
    Unknown,
    #[error("the token was used already, and it was good for one certificate: have a new one made")]
    Used,
    #[error("the token expired at {0}: have a new one made")]
    Expired(Timestamp),
    #[error("the client certificate is not valid here: {0}")]
    Certificate(#[from] Rejection),
    #[error("the client certificate was not issued by this service: ask with a token")]
    NotOurs,
    #[error("the client certificate's CA '{authority}' is {state}: ask with a token")]
    Authority { authority: String, state: String },
    #[error("the client certificate, or a CA above it, is revoked since {at} ({reason}): ask with a token")]
    Revoked { at: Timestamp, reason: RevocationReason },
    #[error("{0}")]
    ServiceAccount(#[from] TokenError),
    #[error("whether the caller cannot be found out now: {0}")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Review(#[from] ReviewError),
    #[error(transparent)]
    Throttled(#[from] Throttled),
    #[error("the service is stopping")]
    Stopping,
}

impl AuthenticationError {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Missing => "authentication.missing",
            Self::NotAnAdministrator => "authentication.not_an_administrator",
            Self::Several => "authentication.several",
            Self::Malformed => "authentication.malformed",
            Self::UnknownKind => "authentication.unknown_kind",
            Self::Unknown => "authentication.token_unknown",
            Self::Used => "authentication.token_used",
            Self::Expired(_) => "authentication.token_expired",
            Self::Certificate(e) => e.code(),
            Self::NotOurs => "authentication.certificate_not_ours",
            Self::Authority { .. } => "authentication.authority",
            Self::Revoked { .. } => "authentication.certificate_revoked",
            Self::ServiceAccount(e) => e.code(),
            Self::Store(e) => e.code(),
            Self::Review(e) => e.code(),
            Self::Throttled(e) => e.code(),
            Self::Stopping => "service.stopping",
        }
    }
}

impl AuthenticationError {
    /// Whether somebody showed what does not count, and not only too often.
    pub(super) fn is_bad_credentials(&self) -> bool {
        !matches!(self, Self::Review(ReviewError::Unreachable(_)) | Self::Throttled(_) | Self::Store(_) | Self::Stopping)
    }
}

impl From<AuthenticationError> for Problem {
    fn from(e: AuthenticationError) -> Self {
        let status = match e {
            AuthenticationError::Throttled(e) => return e.into(),
            AuthenticationError::NotAnAdministrator => StatusCode::FORBIDDEN,
            AuthenticationError::Several | AuthenticationError::Malformed => StatusCode::BAD_REQUEST,
            AuthenticationError::Review(ReviewError::Unreachable(_)) | AuthenticationError::Store(_) | AuthenticationError::Stopping => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => StatusCode::UNAUTHORIZED,
        };
        let problem = Self::new(status, e.code(), e.to_string());
        if status == StatusCode::SERVICE_UNAVAILABLE { problem.retry_after(std::time::Duration::from_secs(2)) } else { problem }
    }
}
