use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use meshroot::revocation::Crl;
use meshroot_store::PublishedCrl;
use serde_json::json;

use super::conditional::respond;
use super::request_id::RequestId;
use super::revocations::in_mesh;
use super::{App, Problem, accept, json as document};
use crate::audit;
use crate::caller::Administrator;
use crate::mesh::{MeshError, trust_domain_of};

/// `GET /crl/{authority}`: the newest, current or not; it says itself until when it is good.
pub(super) async fn of_authority(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let form = Form::asked_for(&headers)?;
    let revoked = app.mesh.revoked();
    let Some(served) = revoked.crl(&name) else { return Err(no_crl(&app, &name)) };
    let mut response = respond(if form == Form::Pem { &served.pem } else { &served.der }, &method, &headers);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// `GET /crls.pem`: Istio's `ca-crl.pem`. All CRLs or none: with a set that lacks one, Envoy refuses every certificate of that
/// CA.
pub(super) async fn all(State(app): State<Arc<App>>, method: Method, headers: HeaderMap) -> Result<Response, Problem> {
    let revoked = app.mesh.revoked();
    let set = revoked.complete_set(app.mesh.clock().now()).map_err(|missing| {
        let detail = format!("there is no complete set of CRLs, and a part of one would do harm: {missing}");
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "crl.incomplete", detail).retry_after(Duration::from_secs(60))
    })?;
    Ok(respond(set, &method, &headers))
}

/// `PUT /crl/{authority}`: the CRL of a CA whose key is elsewhere.
pub(super) async fn publish(
    State(app): State<Arc<App>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    administrator: Administrator,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let published = publish_crl(&app, &name, &body).await;
    match published {
        Ok(published) => {
            let number = published.crl.number().map(ToString::to_string).unwrap_or_default();
            audit::granted(&request_id, &administrator.name, "publication of a CRL", &format!("{} number {number}", published.authority));
            Ok(document::answer(StatusCode::OK, &describe(&published)))
        }
        Err(problem) => {
            audit::refused(&request_id, &administrator.name, "publication of a CRL", problem.code(), problem.detail());
            Err(problem)
        }
    }
}

async fn publish_crl(app: &Arc<App>, name: &str, body: &[u8]) -> Result<PublishedCrl, Problem> {
    let bad = |code, detail: String| Problem::new(StatusCode::BAD_REQUEST, code, detail);
    let mut read = Crl::from_pem_or_der(body).map_err(|e| bad(e.code(), e.to_string()))?;
    let (Some(crl), true) = (read.pop(), read.is_empty()) else { return Err(bad("crl.several", "one CRL at a time: the body has several".into())) };
    let (trust_domain, authority) = trust_domain_of(&app.mesh.now(), name).ok_or_else(|| no_such_authority(name))?;
    let published = PublishedCrl { trust_domain, authority, crl };
    let (mesh, given) = (Arc::clone(&app.mesh), published.clone());
    in_mesh(move || Ok(mesh.publish(&given)?)).await?;
    Ok(published)
}

pub(super) fn describe(published: &PublishedCrl) -> serde_json::Value {
    json!({
        "trust_domain": published.trust_domain.as_str(),
        "authority": published.authority.as_str(),
        "number": published.crl.number().map(ToString::to_string),
        "entries": published.crl.len(),
        "this_update": published.crl.this_update().to_string(),
        "next_update": published.crl.next_update().map(|at| at.to_string()),
    })
}

fn no_such_authority(name: &str) -> Problem {
    let name: String = name.chars().take(100).collect();
    Problem::new(StatusCode::NOT_FOUND, "crl.no_such_authority", format!("there is no authority '{}'", name.escape_debug()))
}

fn no_crl(app: &App, name: &str) -> Problem {
    if trust_domain_of(&app.mesh.now(), name).is_none() {
        return no_such_authority(name);
    }
    let detail = format!("there is no CRL of '{name}' yet: its key is not in this store, so it has to be handed in");
    Problem::new(StatusCode::NOT_FOUND, "crl.none", detail)
}

#[derive(PartialEq, Eq)]
enum Form {
    Der,
    Pem,
}

impl Form {
    /// What `Accept` asks for; DER is what RFC 5280 §4.2.1.13 has at a distribution point.
    fn asked_for(headers: &HeaderMap) -> Result<Self, Problem> {
        let known = |range: &str| match range {
            "*/*" | "application/*" | "application/pkix-crl" | "application/octet-stream" => Some(Self::Der),
            "application/x-pem-file" | "text/plain" | "text/*" => Some(Self::Pem),
            _ => None,
        };
        accept::form(headers, Self::Der, known, "a CRL comes as application/pkix-crl or application/x-pem-file")
    }
}

impl From<MeshError> for Problem {
    fn from(e: MeshError) -> Self {
        let code = e.code();
        let status = match &e {
            MeshError::Store(meshroot_store::StoreError::CrlNotNewer { .. }) => StatusCode::CONFLICT,
            MeshError::Store(meshroot_store::StoreError::TooBroad) => StatusCode::BAD_REQUEST,
            MeshError::Store(_) | MeshError::Contended => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let problem = Self::new(status, code, e.to_string());
        if status == StatusCode::SERVICE_UNAVAILABLE { problem.retry_after(Duration::from_secs(2)) } else { problem }
    }
}
