use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::Service;
use tracing::{debug, warn};

use super::{Origin, Peer};
use crate::config::Limits;

/// Where connections come in.
#[derive(Debug)]
pub(crate) enum Entrance {
    /// A port with TLS.
    Tls(TcpListener, Arc<rustls::ServerConfig>),
    /// A port without, for health and metrics.
    Plain(TcpListener),
    /// The socket of administrators, and the user whose it is.
    Socket(UnixListener, u32),
}

/// A connection that came in.
enum Arrival {
    Tls(TcpStream, SocketAddr, Arc<rustls::ServerConfig>),
    Plain(TcpStream, SocketAddr),
    Socket(UnixStream, u32),
}

impl Entrance {
    async fn accept(&self) -> io::Result<Arrival> {
        Ok(match self {
            Self::Tls(listener, config) => {
                let (stream, address) = listener.accept().await?;
                Arrival::Tls(stream, address, Arc::clone(config))
            }
            Self::Plain(listener) => {
                let (stream, address) = listener.accept().await?;
                Arrival::Plain(stream, address)
            }
            Self::Socket(listener, owner) => loop {
                let (stream, _) = listener.accept().await?;
                let user = stream.peer_cred()?.uid();
                // The file's mode says the same; a mode can be changed by mistake.
                if user == *owner || user == 0 {
                    break Arrival::Socket(stream, user);
                }
                warn!(user, "a user who is no administrator was turned away from the socket");
            },
        })
    }
}

/// One entrance, and what is behind it.
#[derive(Debug)]
pub(crate) struct Door {
    entrance: Entrance,
    limits: Limits,
    router: Router,
}

impl Door {
    pub(crate) fn new(entrance: Entrance, limits: Limits, router: Router) -> Self {
        Self { entrance, limits, router }
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
            let arrival = tokio::select! {
                arrived = self.entrance.accept() => match arrived {
                    Ok(arrival) => arrival,
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
            tokio::spawn(connection.run(arrival));
        }
        drop(self.entrance);
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
    /// What a handshake needs is gone when the connection begins to be served: idle ones are many.
    async fn run(self, arrival: Arrival) {
        match arrival {
            Arrival::Plain(stream, address) => self.serve(stream, Peer { origin: Origin::Network(address), chain: None }, None),
            Arrival::Socket(stream, user) => self.serve(stream, Peer { origin: Origin::Socket { user }, chain: None }, None),
            Arrival::Tls(stream, address, config) => {
                let _ = stream.set_nodelay(true);
                let handshake = async {
                    let _turn = self.handshakes.acquire().await;
                    TlsAcceptor::from(config).accept(stream).await
                };
                match tokio::time::timeout(self.timeout, handshake).await {
                    Ok(Ok(stream)) => {
                        let tls = stream.get_ref().1;
                        let chain = tls.peer_certificates();
                        let chain = chain.map(|chain| chain.iter().map(|der| der.clone().into_owned()).collect());
                        let http2 = tls.alpn_protocol().map(|protocol| protocol == b"h2");
                        self.serve(stream, Peer { origin: Origin::Network(address), chain }, http2);
                    }
                    Ok(Err(e)) => debug!(%address, error = %e, "a TLS handshake failed"),
                    Err(_) => debug!(%address, "a TLS handshake took too long"),
                }
            }
        }
    }

    /// Serves it in a task of its own. `http2` is what was agreed on; without that the client's first octets tell.
    fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer, http2: Option<bool>) {
        let Self { http, router, watcher, _permit: permit, .. } = self;
        let http = match http2 {
            Some(true) => http.http2_only(),
            Some(false) => http.http1_only(),
            None => http,
        };
        let origin = peer.origin.clone();
        let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(peer.clone());
            // A router is always ready, and cloning it counts a reference.
            router.clone().call(request)
        });
        // In a box: what is moved into an async block and awaited there has its place in the task twice.
        let connection = Box::pin(watcher.watch(http.serve_connection(TokioIo::new(stream), service).into_owned()));
        tokio::spawn(async move {
            if let Err(e) = connection.await {
                debug!(%origin, error = %e, "a connection ended badly");
            }
            drop(permit);
        });
    }
}
