//! Istio's signing API over gRPC, as istio-agents and ztunnels call it, on the port of HTTPS.
//!
//! It is written on axum directly: one unary method in its frame (`frame`), with its status in trailers (`status`). A caller is known by
//! the headers alone, before any of the message is read, and everything after that is the issuing path of HTTP.

mod certificate;
mod frame;
mod layer;
mod message;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use axum::middleware::from_fn_with_state;
use axum::routing::any;
use http_body_util::{BodyExt, Full};
use prost::Message;

use crate::http::App;
use status::{Code, Status};

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

/// What every call works with.
#[derive(Debug)]
pub(crate) struct Calls {
    app: Arc<App>,
}

impl Calls {
    pub(crate) fn new(app: Arc<App>) -> Self {
        Self { app }
    }
}

/// What can be called.
pub(crate) fn routes(calls: Arc<Calls>) -> Router {
    Router::new()
        .route("/istio.v1.auth.IstioCertificateService/CreateCertificate", any(certificate::create))
        .route("/istio.v1.auth.IstioCertificateService/{method}", any(unknown_method))
        .layer(from_fn_with_state(Arc::clone(&calls), layer::around))
        .with_state(calls)
}

async fn unknown_method() -> Response<Body> {
    Status::new(Code::Unimplemented, "grpc.no_such_method", "the service has no such method").into_response()
}

/// The one message that answers a unary call.
fn answer(message: &impl Message) -> Response<Body> {
    let trailers = async { Some(Ok(status::ok())) };
    let mut response = Response::new(Body::new(Full::from(frame::encode(message)).with_trailers(trailers)));
    response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response
}
