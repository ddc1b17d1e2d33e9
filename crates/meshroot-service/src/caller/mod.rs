//! Who is asking. Decided anew with every request, from what was proven and from nothing that was merely said.

mod bearer;
mod error;
mod svid;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use meshroot::hierarchy::ClusterName;
use meshroot::token::ServiceAccountToken;
use meshroot_store::JoinToken;

use crate::http::{App, Problem};
use crate::net::{Origin, Peer};
pub(crate) use bearer::TOKEN_PREFIX;
pub(crate) use error::AuthenticationError;
pub(crate) use svid::Workload;

/// Who is asking.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// Nobody that we know.
    Nobody,
    /// Somebody with a one-time token that is good for something now.
    Token(JoinToken),
    /// A service account of a cluster, by its token.
    ServiceAccount(Box<ServiceAccountToken>),
    /// A workload that shows its current certificate.
    Workload(Workload),
    /// An administrator.
    Administrator {
        /// By which way, for the record.
        name: String,
    },
}

impl Caller {
    /// For records and the log.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Nobody => "nobody".into(),
            Self::Token(token) => format!("token {:?} by {}", token.digest, token.created_by),
            Self::ServiceAccount(token) => {
                let pod = token.pod().map(|pod| format!(", pod {}", pod.name)).unwrap_or_default();
                format!("{}{pod}", meshroot::policy::Caller::from(&**token))
            }
            Self::Workload(workload) => format!("{} with record {}", workload.id, workload.position),
            Self::Administrator { name } => name.clone(),
        }
    }

    /// The cluster that the credentials are of.
    pub(crate) fn cluster(&self) -> Option<&ClusterName> {
        match self {
            Self::Nobody | Self::Administrator { .. } => None,
            Self::Token(token) => Some(&token.cluster),
            Self::ServiceAccount(token) => Some(token.cluster()),
            Self::Workload(workload) => Some(&workload.cluster),
        }
    }

    /// Who sends these headers over this connection.
    pub(crate) async fn of(headers: &HeaderMap, peer: Option<&Peer>, audience: Audience, app: &Arc<App>) -> Result<Self, AuthenticationError> {
        if let Some(bearer) = bearer::of(headers)? {
            return bearer::caller(app, &bearer, audience).await;
        }
        match peer.cloned() {
            // Only its owner and root can connect to the socket, and both were checked.
            Some(Peer { origin: Origin::Socket { user }, .. }) => Ok(Self::Administrator { name: format!("administrator, user {user}") }),
            Some(Peer { chain: Some(chain), .. }) => svid::workload(app, chain).await.map(Self::Workload),
            _ => Ok(Self::Nobody),
        }
    }
}

/// For whom a service account token must be. What counts for one does not count for the other: every istiod sees the tokens
/// that are for Istio, and could ask for anything with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Audience {
    /// Us, as the policy names us: over HTTP.
    Ours,
    /// Istio's own, which its clients send: over gRPC.
    Istio,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let caller = Self::of(&parts.headers, parts.extensions.get::<Peer>(), Audience::Ours, app).await;
        caller.map_err(|e| {
            app.metrics.not_authenticated(e.code());
            Problem::from(e)
        })
    }
}

/// An administrator, or a refusal.
#[derive(Clone, Debug)]
pub(crate) struct Administrator {
    pub(crate) name: String,
}

impl FromRequestParts<Arc<App>> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match Caller::from_request_parts(parts, app).await? {
            Caller::Administrator { name } => Ok(Self { name }),
            Caller::Nobody => Err(AuthenticationError::Missing.into()),
            Caller::Token(_) | Caller::Workload(_) | Caller::ServiceAccount(_) => Err(AuthenticationError::NotAnAdministrator.into()),
        }
    }
}
