//! `serve`: the mesh's store behind HTTPS, until it is told to stop.

use std::sync::Arc;

use meshroot_service::{Clock, Config, Parts, Service, SystemClock};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::Serve;
use crate::exit::{Exit, Failure, Result};
use crate::home::Home;
use crate::mesh::Mesh;
use crate::session::Session;

pub(super) fn run(session: &Session<'_>, args: &Serve) -> Result<Exit> {
    let mut config = Config::read(args.config.as_deref(), std::env::vars()).map_err(|e| Failure::new(Exit::BadInput, e.code(), e.to_string()))?;
    if let Some(address) = args.listen {
        config.listen.address = address;
    }
    if let Some(address) = args.health_listen {
        config.health.address = address;
    }
    let home = Home::of(session)?;
    config.administration.socket.get_or_insert_with(|| home.socket());
    let mesh = Mesh::open(session)?;
    let data_key = mesh.unlock(session)?;
    meshroot_service::log_to_stderr(config.log);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let parts = Parts { store: mesh.store, data_key, crypto: session.crypto.clone(), clock };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| Failure::internal(e.to_string()))?;
    runtime.block_on(async {
        let service = Service::start(config, parts).await.map_err(|e| Failure::new(exit_of(&e), e.code(), e.to_string()))?;
        session.out.line(format_args!("serving https://{}, health and metrics on http://{}", service.address(), service.health_address()));
        session.out.document(&json!({ "address": service.address().to_string(), "health_address": service.health_address().to_string() }));
        session.out.flush()?;
        let mut reload = signal(SignalKind::hangup()).map_err(|e| Failure::internal(e.to_string()))?;
        loop {
            tokio::select! {
                told = until_told_to_stop() => break told.map_err(|e| Failure::internal(e.to_string()))?,
                _ = reload.recv() => service.reload(),
            }
        }
        if service.stop().await {
            return Ok(Exit::Ok);
        }
        Err(Failure::new(Exit::Refused, "service.unfinished", "some requests were not finished in the time that the settings allow"))
    })
}

fn exit_of(e: &meshroot_service::ServiceError) -> Exit {
    use meshroot_service::ServiceError;
    match e {
        ServiceError::Mesh(_) => Exit::Store,
        ServiceError::Listen { .. } | ServiceError::Socket { .. } => Exit::CannotWrite,
        _ => Exit::BadInput,
    }
}

pub(super) async fn until_told_to_stop() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
