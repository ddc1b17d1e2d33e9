use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::Service;
use tracing::{debug, warn};

use super::Peer;
use crate::config::Limits;

/// How a port is secured.
#[derive(Clone)]
pub(crate) enum Security {
    /// TLS with this configuration.
    Tls(Arc<rustls::ServerConfig>),
    /// Nothing: for health and metrics.
    Plain,
}

/// A port that is listened on.
pub(crate) struct Door {
    listener: TcpListener,
    security: Security,
    limits: Limits,
    router: Router,
}

impl Door {
    pub(crate) fn new(listener: TcpListener, security: Security, limits: Limits, router: Router) -> Self {
        Self { listener, security, limits, router }
    }

    /// Serves until `stop` turns true; then finishes what was taken, for at most the configured time. Answers whether
    /// everything was finished.
    pub(crate) async fn serve(self, mut stop: watch::Receiver<bool>) -> bool {
        let connections = Arc::new(Semaphore::new(self.limits.connections));
        let handshakes = Arc::new(Semaphore::new(self.limits.handshakes));
        let graceful = GracefulShutdown::new();
        let http = self.http();
        loop {
            // The permit first: what is not accepted waits in the kernel's queue and costs nothing.
            let permit = tokio::select! {
                permit = Arc::clone(&connections).acquire_owned() => permit,
                () = stopped(&mut stop) => break,
            };
            let Ok(permit) = permit else { break };
            let (stream, address) = tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(e) => {
                        // Out of descriptors, most likely: a moment lets some be closed.
                        warn!(error = %e, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                },
                () = stopped(&mut stop) => break,
            };
            let connection = Connection {
                http: http.clone(),
                router: self.router.clone(),
                watcher: graceful.watcher(),
                handshakes: Arc::clone(&handshakes),
                timeout: self.limits.handshake_timeout.0,
                _permit: permit,
            };
            tokio::spawn(connection.run(stream, address, self.security.clone()));
        }
        drop(self.listener);
        tokio::time::timeout(self.limits.shutdown.0, graceful.shutdown()).await.is_ok()
    }

    fn http(&self) -> auto::Builder<TokioExecutor> {
        let mut http = auto::Builder::new(TokioExecutor::new());
        let header_bytes = self.limits.header_bytes;
        http.http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_timeout.0)
            // The least that hyper takes, and more than a head may have.
            .max_buf_size(header_bytes.max(8 << 10))
            .max_headers(64);
        http.http2()
            .timer(TokioTimer::new())
            .max_header_list_size(u32::try_from(header_bytes).unwrap_or(u32::MAX))
            .max_concurrent_streams(128)
            .keep_alive_interval(Duration::from_secs(60))
            .keep_alive_timeout(Duration::from_secs(20));
        http
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Who lost the sender has nobody left to stop it in good order.
    let _ = stop.wait_for(|stop| *stop).await;
}

struct Connection {
    http: auto::Builder<TokioExecutor>,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
    handshakes: Arc<Semaphore>,
    timeout: Duration,
    _permit: OwnedSemaphorePermit,
}

impl Connection {
    async fn run(self, stream: TcpStream, address: SocketAddr, security: Security) {
        let _ = stream.set_nodelay(true);
        match security {
            Security::Plain => self.serve(stream, Peer { address, chain: None }).await,
            Security::Tls(config) => {
                let handshake = async {
                    let _turn = self.handshakes.acquire().await;
                    TlsAcceptor::from(config).accept(stream).await
                };
                match tokio::time::timeout(self.timeout, handshake).await {
                    Ok(Ok(stream)) => {
                        let chain = stream.get_ref().1.peer_certificates();
                        let chain = chain.map(|chain| chain.iter().map(|der| der.clone().into_owned()).collect());
                        self.serve(stream, Peer { address, chain }).await;
                    }
                    Ok(Err(e)) => debug!(%address, error = %e, "a TLS handshake failed"),
                    Err(_) => debug!(%address, "a TLS handshake took too long"),
                }
            }
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer) {
        let address = peer.address;
        let router = self.router;
        let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer.clone());
            // A router is always ready, and cloning it counts a reference.
            router.clone().call(request)
        });
        let connection = self.http.serve_connection(TokioIo::new(stream), service).into_owned();
        if let Err(e) = self.watcher.watch(connection).await {
            debug!(%address, error = %e, "a connection ended badly");
        }
    }
}
