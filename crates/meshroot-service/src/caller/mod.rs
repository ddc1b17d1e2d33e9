//! Who is asking. Decided anew with every request, from what was proven and from nothing that was merely said.

mod bearer;
mod error;
mod means;
mod operators;
mod recent;
mod remembered;
mod service_account;
mod svid;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use meshroot::hierarchy::ClusterName;
use meshroot_store::JoinToken;
use rustls::pki_types::CertificateDer;

use crate::http::{App, Problem};
use crate::net::{Origin, Peer};
use bearer::Bearer;
pub(crate) use bearer::{TOKEN_PREFIX, shown_token};
pub(crate) use error::AuthenticationError;
pub(crate) use means::Means;
pub use operators::OperatorError;
pub(crate) use operators::Operators;
pub(crate) use recent::Recent;
pub(crate) use remembered::{Digest, Remembered};
pub(crate) use service_account::ServiceAccount;
pub(crate) use svid::Workload;

/// Who is asking.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// Nobody that we know.
    Nobody,
    /// Somebody with a one-time token that is good for something now.
    Token(JoinToken),
    /// A service account of a cluster, by its token.
    ServiceAccount(Arc<ServiceAccount>),
    /// A workload that shows its current certificate.
    Workload(Arc<Workload>),
    /// An administrator.
    Administrator {
        /// By which way, for the record.
        name: String,
    },
}

impl Caller {
    /// For records and the log.
    pub(crate) fn name(&self) -> Arc<str> {
        match self {
            Self::Nobody => "nobody".into(),
            Self::Token(token) => format!("token {:?} by {}", token.digest, token.created_by).into(),
            Self::ServiceAccount(account) => account.name(),
            Self::Workload(workload) => format!("{} with record {}", workload.id, workload.position).into(),
            Self::Administrator { name } => name.as_str().into(),
        }
    }

    /// The cluster that the credentials are of.
    pub(crate) fn cluster(&self) -> Option<&ClusterName> {
        match self {
            Self::Nobody | Self::Administrator { .. } => None,
            Self::Token(token) => Some(&token.cluster),
            Self::ServiceAccount(account) => Some(account.cluster()),
            Self::Workload(workload) => Some(&workload.cluster),
        }
    }

    /// Who sends these headers over this connection.
    pub(crate) async fn of(headers: &HeaderMap, peer: Option<&Peer>, audience: Audience, app: &Arc<App>) -> Result<Self, AuthenticationError> {
        let address = peer.and_then(|peer| peer.origin.address());
        let caller = Self::find_out(headers, peer, audience, app).await;
        // Also when the verdict was remembered: who does not stop is slowed down, whatever the question costs.
        if caller.as_ref().is_err_and(AuthenticationError::is_bad_credentials) {
            app.rates.failed(address);
        }
        caller
    }

    async fn find_out(headers: &HeaderMap, peer: Option<&Peer>, audience: Audience, app: &Arc<App>) -> Result<Self, AuthenticationError> {
        let shown = Shown::of(headers, peer, audience, app)?;
        if let Some(known) = shown.known(app) {
            app.metrics.authenticated("remembered");
            return known;
        }
        app.rates.may_try(peer.and_then(|peer| peer.origin.address()))?;
        app.metrics.authenticated("judged");
        shown.judged(app).await
    }
}

/// What somebody shows of themselves.
enum Shown<'a> {
    Nothing,
    Bearer(Bearer<'a>),
    /// The Unix socket's other end.
    User(u32),
    Chain(Arc<[CertificateDer<'static>]>, Digest),
}

impl<'a> Shown<'a> {
    fn of(headers: &'a HeaderMap, peer: Option<&Peer>, audience: Audience, app: &App) -> Result<Self, AuthenticationError> {
        if let Some(bearer) = Bearer::of(headers, audience, app)? {
            return Ok(Self::Bearer(bearer));
        }
        Ok(match peer {
            Some(Peer { origin: Origin::Socket { user }, .. }) => Self::User(*user),
            Some(Peer { chain: Some(chain), .. }) => Self::Chain(Arc::clone(chain), svid::digest(chain, app.mesh.crypto())),
            _ => Self::Nothing,
        })
    }

    /// What is known without work, by far the most frequent case.
    fn known(&self, app: &App) -> Option<Result<Caller, AuthenticationError>> {
        match self {
            Self::Nothing => Some(Ok(Caller::Nobody)),
            // Only its owner and root can connect to the socket, and both were checked.
            Self::User(user) => Some(Ok(Caller::Administrator { name: format!("administrator, user {user}") })),
            Self::Bearer(bearer) => bearer.remembered(app),
            Self::Chain(_, digest) => svid::remembered(app, digest).map(Caller::Workload).map(Ok),
        }
    }

    /// What has to be found out.
    async fn judged(self, app: &Arc<App>) -> Result<Caller, AuthenticationError> {
        match self {
            Self::Bearer(bearer) => bearer.caller(app).await,
            Self::Chain(chain, digest) => {
                let name = app.operators.name(&chain, &app.mesh.now(), app.mesh.crypto(), app.mesh.clock().now());
                match name {
                    Some(name) => Ok(Caller::Administrator { name }),
                    None => svid::workload(app, chain, digest).await.map(Caller::Workload),
                }
            }
            Self::Nothing | Self::User(_) => Ok(Caller::Nobody),
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
