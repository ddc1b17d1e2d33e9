use std::io;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::sync::watch;
use tower::ServiceExt;

use crate::caller::Means;
use crate::http::{self, App};
use crate::issuing::Desk;
use crate::mesh::{Mesh, maintenance};
use crate::net::{Origin, Peer};
use crate::permission::{Permissions, Sources};
use crate::{Config, Parts, ServiceError, config};

/// What an administrator asks for, of a service that runs or of the store alone: the same interface, the same code, the
/// same records.
#[derive(Debug)]
pub struct Administration(Way);

#[derive(Debug)]
enum Way {
    Socket(std::path::PathBuf),
    Store(Router, Arc<Mesh>),
}

/// The most that an answer may have: a page of the inventory has a few hundred kB.
const MOST: usize = 16 << 20;

impl Administration {
    /// Over the socket of a service; `None` if none listens there.
    pub fn of_service(socket: &Path) -> Option<Self> {
        std::os::unix::net::UnixStream::connect(socket).ok()?;
        Some(Self(Way::Socket(socket.to_owned())))
    }

    /// Without a service, on the store alone.
    ///
    /// # Errors
    /// When the store cannot be served.
    pub fn of_store(parts: Parts) -> Result<Self, ServiceError> {
        let mesh = Arc::new(Mesh::open(parts.store, parts.data_key, parts.crypto, parts.clock)?);
        // No service does it meanwhile.
        maintenance::catch_up(&mesh, config::Inventory::default().retention.0);
        let desk = Desk::new(Arc::clone(&mesh)).map_err(ServiceError::Thread)?;
        let means = Means::read(&Config::default(), &mesh.now(), mesh.crypto())?;
        // Administrators have no identity, so no policy is needed for what they do.
        let (permissions, _) = Permissions::read(&Sources::default(), &mesh.now(), mesh.crypto())?;
        let app = App::new(Arc::clone(&mesh), desk, config::Limits::default(), permissions, means, watch::channel(false).1);
        Ok(Self(Way::Store(http::public(Arc::new(app)), mesh)))
    }

    /// Without a service, makes the CRLs whose time has come, as a service does all the time.
    ///
    /// # Errors
    /// When they cannot be made or stored.
    pub fn keep_crls(&self) -> Result<(), ServiceError> {
        if let Way::Store(_, mesh) = &self.0 {
            mesh.keep_revocations()?;
        }
        Ok(())
    }

    /// Asks, and answers with the status and the document.
    ///
    /// # Errors
    /// When the service goes away meanwhile, or its answer is no JSON.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<(u16, Value)> {
        let (status, answer) = self.send(method, path, body).await?;
        Ok((status, serde_json::from_slice(&answer).map_err(io::Error::other)?))
    }

    /// Reads what is no JSON document, and answers with the status and the octets.
    ///
    /// # Errors
    /// When the service goes away meanwhile.
    pub async fn read(&self, path: &str) -> io::Result<(u16, Vec<u8>)> {
        let (status, answer) = self.send("GET", path, None).await?;
        Ok((status, answer.to_vec()))
    }

    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> io::Result<(u16, Bytes)> {
        let method = Method::from_bytes(method.as_bytes()).map_err(io::Error::other)?;
        let body = Full::from(body.map(Value::to_string).unwrap_or_default());
        let request = Request::builder().method(method).uri(path).header("host", "localhost").body(body).map_err(io::Error::other)?;
        match &self.0 {
            Way::Store(router, _) => {
                let mut request = request.map(Body::new);
                // Whoever opened the store and unlocked its keys is who the socket would let in.
                let user = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self")?);
                request.extensions_mut().insert(Peer { origin: Origin::Socket { user }, chain: None });
                let Ok(response) = router.clone().oneshot(request).await;
                read(response).await
            }
            Way::Socket(path) => {
                let stream = UnixStream::connect(path).await?;
                let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
                let connection = tokio::spawn(connection);
                let response = sender.send_request(request).await.map_err(io::Error::other)?;
                let answer = read(response).await;
                connection.abort();
                answer
            }
        }
    }
}

async fn read<B>(response: Response<B>) -> io::Result<(u16, Bytes)>
where
    B: hyper::body::Body<Data: Send, Error: Into<Box<dyn core::error::Error + Send + Sync>>>,
{
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), MOST).collect().await.map_err(io::Error::other)?.to_bytes();
    Ok((status, body))
}
