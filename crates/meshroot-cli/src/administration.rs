//! Commands that a running service does, over its socket, or that are done on the store when none runs.

use std::sync::Arc;

use meshroot_service::{Administration, Parts, SystemClock};
use serde_json::Value;

use crate::exit::{Exit, Failure, Result};
use crate::home::Home;
use crate::mesh::Mesh;
use crate::session::Session;

/// Asks; what the service refuses is a failure with its words.
pub(crate) fn ask(session: &Session<'_>, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
    let home = Home::of(session)?;
    let administration = match Administration::of_service(&home.socket()) {
        Some(service) => service,
        None => {
            let mesh = Mesh::open(session)?;
            let data_key = mesh.unlock(session)?;
            let parts = Parts { store: mesh.store, data_key, crypto: session.crypto.clone(), clock: Arc::new(SystemClock) };
            Administration::of_store(parts).map_err(|e| Failure::new(Exit::Store, e.code(), e.to_string()))?
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| Failure::internal(e.to_string()))?;
    let answered = runtime.block_on(administration.ask(method, path, body));
    let (status, document) = answered.map_err(|e| Failure::new(Exit::Store, "service.gone", format!("the service did not answer: {e}")))?;
    if status < 400 {
        return Ok(document);
    }
    let text = |member: &str| document.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let exit = match status {
        400 => Exit::BadInput,
        404 => Exit::NotFound,
        500.. => Exit::Store,
        _ => Exit::Refused,
    };
    Err(Failure { exit, code: "service.refused", message: format!("{} [{}]", text("detail"), text("code")) })
}
