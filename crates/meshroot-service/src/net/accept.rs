use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tracing::warn;

use super::connection::{Arrival, Connection, Protocols};
use super::stopped;
use crate::config::Limits;
use crate::front::Front;

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
    front: Front,
}

impl Door {
    pub(crate) fn new(entrance: Entrance, limits: Limits, front: impl Into<Front>) -> Self {
        Self { entrance, limits, front: front.into() }
    }

    /// Serves until `stop` turns true; then finishes what was taken, for at most the configured time. Answers whether
    /// everything was finished.
    pub(crate) async fn serve(self, mut stop: watch::Receiver<bool>) -> bool {
        let connections = Arc::new(Semaphore::new(self.limits.connections));
        let handshakes = Arc::new(Semaphore::new(self.limits.handshakes));
        let graceful = GracefulShutdown::new();
        let protocols = Arc::new(Protocols::new(&self.limits));
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
                protocols: Arc::clone(&protocols),
                front: self.front.clone(),
                watcher: graceful.watcher(),
                stop: stop.clone(),
                handshakes: Arc::clone(&handshakes),
                timeout: self.limits.handshake_timeout.0,
                permit,
            };
            tokio::spawn(connection.run(arrival));
        }
        drop(self.entrance);
        tokio::time::timeout(self.limits.shutdown.0, graceful.shutdown()).await.is_ok()
    }
}
