//! Who is asking. Decided anew with every request, from what was proven and from nothing that was merely said.

mod bearer;
mod error;
mod operators;
mod recent;
mod remembered;
mod svid;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use meshroot::token::ServiceAccountToken;
use meshroot_store::JoinToken;
use rustls::pki_types::CertificateDer;

use crate::http::{App, Problem};
use crate::net::{Origin, Peer};
use bearer::Bearer;
pub(crate) use bearer::TOKEN_PREFIX;
pub(crate) use error::AuthenticationError;
pub use operators::OperatorError;
pub(crate) use operators::Operators;
pub(crate) use recent::Recent;
pub(crate) use remembered::{Digest, Remembered};
pub(crate) use svid::Workload;

/// Who is asking.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// Nobody that we know.
    Nobody,
    /// Somebody with a one-time token that is good for something now.
    Token(JoinToken),
    /// A service account of a cluster, by its token.
    ServiceAccount(Arc<ServiceAccountToken>),
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
}

/// What somebody shows of themselves.
enum Shown {
    Nothing,
    Bearer(Bearer),
    /// The Unix socket's other end.
    User(u32),
    Chain(Arc<[CertificateDer<'static>]>, Digest),
}

impl Shown {
    fn of(parts: &Parts, app: &App) -> Result<Self, AuthenticationError> {
        if let Some(bearer) = Bearer::of(app, &parts.headers)? {
            return Ok(Self::Bearer(bearer));
        }
        Ok(match parts.extensions.get::<Peer>() {
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
    async fn find_out(self, app: &Arc<App>) -> Result<Caller, AuthenticationError> {
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

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let address = parts.extensions.get::<Peer>().and_then(|peer| peer.origin.address());
        let refused = |e: AuthenticationError| {
            app.metrics.not_authenticated(e.code());
            if e.is_the_callers_fault() {
                app.rates.failed(address);
            }
            Problem::from(e)
        };
        let shown = Shown::of(parts, app).map_err(refused)?;
        if let Some(known) = shown.known(app) {
            app.metrics.authenticated("remembered");
            return known.map_err(refused);
        }
        app.rates.may_try(address)?;
        app.metrics.authenticated("judged");
        shown.find_out(app).await.map_err(refused)
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
