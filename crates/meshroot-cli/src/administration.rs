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
    let answered = runtime()?.block_on(open(session)?.ask(method, path, body));
    let (status, document) = answered.map_err(|e| gone(&e))?;
    if status < 400 { Ok(document) } else { Err(refused(status, &document)) }
}

/// The CRLs of all CAs in PEM, made anew where their time has come.
pub(crate) fn crls(session: &Session<'_>) -> Result<Vec<u8>> {
    let administration = open(session)?;
    administration.keep_crls().map_err(|e| Failure::new(Exit::Store, e.code(), e.to_string()))?;
    let (status, answer) = runtime()?.block_on(administration.read("/crls.pem")).map_err(|e| gone(&e))?;
    if status < 400 {
        return Ok(answer);
    }
    let failure = refused(status, &serde_json::from_slice(&answer).unwrap_or_default());
    // Not the store's fault: something is missing that somebody has to bring.
    Err(Failure { exit: Exit::Refused, ..failure })
}

fn open(session: &Session<'_>) -> Result<Administration> {
    if let Some(service) = Administration::of_service(&Home::of(session)?.socket()) {
        return Ok(service);
    }
    let mesh = Mesh::open(session)?;
    let data_key = mesh.unlock(session)?;
    let parts = Parts { store: mesh.store, data_key, crypto: session.crypto.clone(), clock: Arc::new(SystemClock) };
    Administration::of_store(parts).map_err(|e| Failure::new(Exit::Store, e.code(), e.to_string()))
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| Failure::internal(e.to_string()))
}

fn gone(e: &std::io::Error) -> Failure {
    Failure::new(Exit::Store, "service.gone", format!("the service did not answer: {e}"))
}

fn refused(status: u16, document: &Value) -> Failure {
    let text = |member: &str| document.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let exit = match status {
        400 => Exit::BadInput,
        404 => Exit::NotFound,
        500.. => Exit::Store,
        _ => Exit::Refused,
    };
    Failure { exit, code: "service.refused", message: format!("{} [{}]", text("detail"), text("code")) }
}
