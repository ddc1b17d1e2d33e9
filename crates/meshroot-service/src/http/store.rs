use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::request_id::RequestId;
use super::tokens::in_store;
use super::{App, Problem, json as document};
use crate::audit;
use crate::caller::Administrator;
use crate::mesh::{MeshError, restoration};

/// `POST /v1/store/restored`: the store counts from now on as it is.
pub(super) async fn restored(
    State(app): State<Arc<App>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    administrator: Administrator,
) -> Result<Response, Problem> {
    let (mesh, by) = (Arc::clone(&app.mesh), administrator.name.clone());
    let done = in_store(move || {
        let restoration = match restoration(&**mesh.store(), &by, mesh.crypto(), mesh.clock().now()) {
            Ok(restoration) => restoration,
            Err(MeshError::Store(e)) => return Err(e),
            Err(e) => return Ok(Err((e.code(), e.to_string()))),
        };
        let restored = mesh.store().restored(&restoration)?;
        // What cannot be read anew is said where it is served.
        let _ = mesh.refresh();
        Ok(Ok((restored, restoration)))
    });
    let (restored, restoration) = done.await?.map_err(|(code, why)| Problem::new(StatusCode::CONFLICT, code, why))?;
    app.witnesses.forget();
    let bundles: Vec<Value> = restoration
        .changes
        .iter()
        .map(|change| {
            let sequence = change.bundle.as_ref().map(|bundle| bundle.sequence);
            json!({ "trust_domain": change.trust_domain.as_str(), "sequence": sequence })
        })
        .collect();
    audit::granted(&request_id, &administrator.name, "restoration", &format!("epoch {}, next record {}", restored.epoch, restored.next_position));
    let answer = json!({
        "epoch": restored.epoch,
        "store_version": restored.version,
        "next_record": restored.next_position,
        "bundles": bundles,
    });
    Ok(document::answer(StatusCode::OK, &answer))
}
