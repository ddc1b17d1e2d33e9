use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use meshroot_store::StoreError;
use serde_json::{Value, json};

use super::request_id::RequestId;
use super::revocations::in_mesh;
use super::{App, Problem, crls, json as document};
use crate::MeshError;
use crate::audit;
use crate::caller::Administrator;
use crate::root::{RootAnswer, RootError};

/// `GET /v1/root-requests`: what waits for the roots' keys, a file for each root.
pub(super) async fn requests(State(app): State<Arc<App>>, _: Administrator) -> Result<Response, Problem> {
    let mesh = Arc::clone(&app.mesh);
    let requests = in_mesh(move || Ok(mesh.root_requests()?)).await?;
    let requests: Vec<Value> = requests.iter().filter_map(|request| serde_json::to_value(request).ok()).collect();
    Ok(document::answer(StatusCode::OK, &json!({ "requests": requests })))
}

/// `POST /v1/root-answers`: what a root signed.
pub(super) async fn take(
    State(app): State<Arc<App>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    administrator: Administrator,
    body: Bytes,
) -> Result<Response, Problem> {
    let (mesh, by) = (Arc::clone(&app.mesh), administrator.name.clone());
    let taken = in_mesh(move || Ok(mesh.take(&RootAnswer::from_json(&body)?, &by)?)).await;
    match taken {
        Ok(taken) => {
            let cas: Vec<Value> =
                taken.cas.iter().map(|(request, authority)| json!({ "request": request.to_string(), "authority": authority.as_str() })).collect();
            let crl = taken.crl.as_ref().map(crls::describe);
            let what = format!("{} CA certificates{}", cas.len(), if crl.is_some() { " and a CRL" } else { "" });
            audit::granted(&request_id, &administrator.name, "answer of the root", &what);
            Ok(document::answer(StatusCode::OK, &json!({ "cluster_cas": cas, "crl": crl })))
        }
        Err(problem) => {
            audit::refused(&request_id, &administrator.name, "answer of the root", problem.code(), problem.detail());
            Err(problem)
        }
    }
}

impl From<RootError> for Problem {
    fn from(e: RootError) -> Self {
        let status = match &e {
            RootError::Malformed { .. } => StatusCode::BAD_REQUEST,
            RootError::NoSuchRequest(_) => StatusCode::NOT_FOUND,
            RootError::OtherRoot { .. }
            | RootError::AnsweredOtherwise(_)
            | RootError::Hierarchy(_)
            | RootError::Crl { code: "crl.made_here", .. } => StatusCode::CONFLICT,
            RootError::Store(StoreError::CaRequestAnswered(_)) => StatusCode::CONFLICT,
            RootError::NotWhatWasAsked { .. } | RootError::Crl { .. } | RootError::Unfit { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            RootError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            RootError::Mesh(_) => {
                let RootError::Mesh(e) = e else { return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "root.mesh", "the mesh failed") };
                return answered_or(e);
            }
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let problem = Self::new(status, e.code(), e.to_string());
        if status == StatusCode::SERVICE_UNAVAILABLE { problem.retry_after(Duration::from_secs(2)) } else { problem }
    }
}

/// Of two who bring the same answer at once, the second is told so.
fn answered_or(e: MeshError) -> Problem {
    match &e {
        MeshError::Store(answered @ StoreError::CaRequestAnswered(_)) => Problem::new(StatusCode::CONFLICT, answered.code(), answered.to_string()),
        _ => e.into(),
    }
}
