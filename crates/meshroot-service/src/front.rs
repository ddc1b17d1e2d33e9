//! What a request meets first: the router, or, for the two operations that are asked for all day, the operation itself. The framework's
//! way there, its layers, boxes and extractors, takes a twentieth of the time of everything but the signatures.

use core::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response};
use hyper::body::Incoming;
use tower::Service;

use crate::grpc::{self, Calls};
use crate::http::{self, App};
use crate::net::Peer;

/// The answer to one request, on its way.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// What answers the requests that come in by one door.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    router: Router,
    signing: Option<Signing>,
}

/// What signs.
#[derive(Clone, Debug)]
struct Signing {
    app: Arc<App>,
    calls: Arc<Calls>,
}

impl From<Router> for Front {
    fn from(router: Router) -> Self {
        Self { router, signing: None }
    }
}

impl Front {
    /// Everything that is reached over HTTPS.
    pub(crate) fn public(app: Arc<App>, calls: Arc<Calls>) -> Self {
        let router = http::public(Arc::clone(&app)).merge(grpc::routes(Arc::clone(&calls)));
        Self { router, signing: Some(Signing { app, calls }) }
    }

    /// Answers one request of this peer.
    pub(crate) fn answer(&self, peer: &Peer, mut request: Request<Incoming>) -> Answering {
        request.extensions_mut().insert(peer.clone());
        if let Some(Signing { app, calls }) = self.signing.as_ref().filter(|_| request.method() == Method::POST) {
            let (app, calls) = (Arc::clone(app), Arc::clone(calls));
            match request.uri().path() {
                http::CERTIFICATES => return Box::pin(async { Ok(http::certificate(app, request).await) }),
                grpc::CREATE_CERTIFICATE => return Box::pin(async { Ok(grpc::certificate(calls, request).await) }),
                _ => {}
            }
        }
        // A router is always ready, and cloning it counts a reference.
        Box::pin(self.router.clone().call(request))
    }
}
