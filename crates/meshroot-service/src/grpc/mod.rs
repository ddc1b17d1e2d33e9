//! Istio's signing API over gRPC, as istio-agents and ztunnels call it, on the port of HTTPS.
//!
//! It is written on axum directly: a message in its frame (`frame`), read within bounds (`body`), a status in trailers (`status`). A caller of
//! the signing method is known by the headers alone, before any of the message is read; everything after that is the issuing path of HTTP.

mod body;
mod certificate;
mod frame;
mod health;
mod impersonation;
mod layer;
mod message;
mod reflection;
mod status;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Response, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, any};
use http_body_util::{BodyExt, Full};
use prost::Message;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::{App, Payload};
use crate::pods::PodIndex;
use health::Health;
use status::{Code, Status};

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// What every call works with.
#[derive(Debug)]
pub(crate) struct Calls {
    app: Arc<App>,
    pods: Arc<dyn PodIndex>,
    health: Health,
    /// Calls that answer for as long as the client likes.
    streams: Arc<Semaphore>,
}

/// The most of those at once: a few load balancers watch, and people look.
const STREAMS: usize = 1_024;

impl Calls {
    pub(crate) fn new(app: Arc<App>, pods: Arc<dyn PodIndex>) -> Self {
        Self { app, pods, health: Health::default(), streams: Arc::new(Semaphore::new(STREAMS)) }
    }

    /// Until the service stops.
    async fn stopped(&self) {
        // Who lost the sender has nobody left to stop it in good order.
        let _ = self.app.stopping.clone().wait_for(|stopping| *stopping).await;
    }

    /// A place for a call that lasts.
    fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.streams).try_acquire_owned().ok()
    }
}

/// By which certificates are asked for.
pub(crate) const CREATE_CERTIFICATE: &str = "/istio.v1.auth.IstioCertificateService/CreateCertificate";

/// A call of [`CREATE_CERTIFICATE`], answered as the router would have it answered.
pub(crate) async fn certificate<B: Payload>(calls: Arc<Calls>, request: Request<B>) -> Response<Body> {
    layer::around(&calls, CREATE_CERTIFICATE, request, |request| certificate::create(State(Arc::clone(&calls)), request)).await
}

/// Every method; a test holds reflection to it.
fn methods() -> Vec<(&'static str, MethodRouter<Arc<Calls>>)> {
    vec![
        (CREATE_CERTIFICATE, any(certificate::create)),
        ("/grpc.health.v1.Health/Check", any(health::check)),
        ("/grpc.health.v1.Health/Watch", any(health::watch)),
        ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", any(reflection::info)),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", any(reflection::info)),
    ]
}

/// The signing service's full name.
const SIGNING: &str = "istio.v1.auth.IstioCertificateService";

/// What can be called.
pub(crate) fn routes(calls: Arc<Calls>) -> Router {
    let router = methods().into_iter().fold(Router::new(), |router, (path, method)| router.route(path, method));
    router
        .route("/istio.v1.auth.IstioCertificateService/{method}", any(unknown_method))
        .layer(from_fn_with_state(Arc::clone(&calls), layer::layer))
        .with_state(calls)
}

async fn unknown_method(request: Request) -> Response<Body> {
    body::drain(request.into_body()).await;
    Status::new(Code::Unimplemented, "grpc.no_such_method", "the service has no such method").into_response()
}

fn stopping() -> Status {
    Status::new(Code::Unavailable, "service.stopping", "the service is stopping")
}

async fn too_many_streams(body: Body) -> Response<Body> {
    body::drain(body).await;
    Status::new(Code::ResourceExhausted, "grpc.too_many_streams", "too many calls are open that do not end by themselves").into_response()
}

/// The one message that answers a unary call.
fn answer(message: &impl Message) -> Response<Body> {
    let trailers = async { Some(Ok(status::ok())) };
    let mut response = Response::new(Body::new(Full::from(frame::encode(message)).with_trailers(trailers)));
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response
}
