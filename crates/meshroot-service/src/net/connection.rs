use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use super::corked::Corked;
use super::turn::{self, Nearby};
use super::{Origin, Peer, resting};
use crate::config::Limits;
use crate::front::{Answering, Front};

/// The most requests at once on one h2 connection.
const STREAMS: u32 = 128;

/// How often an h2 client is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(60);
const PONG: Duration = Duration::from_secs(20);

/// A connection that came in.
pub(super) enum Arrival {
    Tls(TcpStream, SocketAddr, Arc<rustls::ServerConfig>),
    Plain(TcpStream, SocketAddr),
    Socket(UnixStream, u32),
}

/// What is spoken, within the limits.
pub(super) struct Protocols {
    h1: http1::Builder,
    /// The client's first octets tell which.
    either: auto::Builder<TokioExecutor>,
    /// The most octets of an h2 head.
    list: u32,
    idle: Duration,
}

impl Protocols {
    pub(super) fn new(limits: &Limits) -> Self {
        let (head, patience) = (limits.header_bytes, limits.header_timeout.0);
        let list = u32::try_from(head).unwrap_or(u32::MAX);
        // The least that hyper takes, and more than a head may have.
        let (buffer, headers) = (head.max(8 << 10), 64);
        let mut h1 = http1::Builder::new();
        h1.timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(buffer).max_headers(headers);
        let mut either = auto::Builder::new(TokioExecutor::new());
        either.http1().timer(TokioTimer::new()).header_read_timeout(patience).max_buf_size(buffer).max_headers(headers);
        either
            .http2()
            .timer(TokioTimer::new())
            .max_header_list_size(list)
            .max_concurrent_streams(STREAMS)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG);
        Self { h1, either, list, idle: limits.idle_timeout.0 }
    }

    fn h2(&self, nearby: Nearby) -> http2::Builder<Nearby> {
        let mut h2 = http2::Builder::new(nearby);
        h2.timer(TokioTimer::new())
            .max_header_list_size(self.list)
            .max_concurrent_streams(STREAMS)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PONG);
        h2
    }
}

/// A connection, and what it may do.
pub(super) struct Connection {
    pub(super) protocols: Arc<Protocols>,
    pub(super) front: Front,
    /// As long as there is one, the door waits.
    pub(super) watcher: Watcher,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) handshakes: Arc<Semaphore>,
    pub(super) timeout: Duration,
    pub(super) permit: OwnedSemaphorePermit,
}

impl Connection {
    /// What a handshake needs is gone when the connection begins to be served: idle ones are many.
    pub(super) async fn run(self, arrival: Arrival) {
        match arrival {
            Arrival::Plain(stream, address) => self.serve_either(stream, Peer { origin: Origin::Network(address), chain: None }),
            Arrival::Socket(stream, user) => self.serve_either(stream, Peer { origin: Origin::Socket { user }, chain: None }),
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
                        let peer = Peer { origin: Origin::Network(address), chain };
                        // Over TLS h2 is agreed on, or not spoken (RFC 9113 §3.2).
                        match tls.alpn_protocol() == Some(b"h2") {
                            true => self.serve_h2(stream, peer),
                            false => self.serve_h1(Box::new(stream), peer),
                        }
                    }
                    Ok(Err(e)) => debug!(%address, error = %e, "a TLS handshake failed"),
                    Err(_) => debug!(%address, "a TLS handshake took too long"),
                }
            }
        }
    }

    // Each in a task of its own, and in a box: what is moved into an async block and awaited there has its place in the task twice.

    fn serve_h1(self, stream: Box<TlsStream<TcpStream>>, peer: Peer) {
        let Self { protocols, front, watcher, stop, permit, .. } = self;
        tokio::spawn(async move {
            let (origin, idle) = (peer.origin.clone(), protocols.idle);
            let served = resting::serve(stream, &protocols.h1, answering(front, peer), idle, stop);
            ended(&origin, Box::pin(served).await);
            drop((watcher, permit));
        });
    }

    fn serve_h2(self, stream: TlsStream<TcpStream>, peer: Peer) {
        let Self { protocols, front, watcher, permit, .. } = self;
        let origin = peer.origin.clone();
        let (stream, cork) = Corked::new(stream);
        let service = hyper::service::service_fn(answering(front, peer));
        let nearby = Nearby::default();
        let connection = watcher.watch(protocols.h2(nearby.clone()).serve_connection(TokioIo::new(stream), service));
        let connection = Box::pin(connection);
        tokio::spawn(async move {
            let from = origin.clone();
            let served = turn::serve(connection, nearby, move |cx| match cork.release(cx) {
                // Nobody is there any more to send the rest to.
                Poll::Ready(Err(e)) => {
                    debug!(origin = %from, error = %e, "a connection broke off");
                    Some(Ok(()))
                }
                _ => None,
            });
            ended(&origin, served.await);
            drop(permit);
        });
    }

    fn serve_either(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer) {
        let Self { protocols, front, watcher, permit, .. } = self;
        let origin = peer.origin.clone();
        let service = hyper::service::service_fn(answering(front, peer));
        let connection = Box::pin(watcher.watch(protocols.either.serve_connection(TokioIo::new(stream), service).into_owned()));
        tokio::spawn(async move {
            ended(&origin, connection.await);
            drop(permit);
        });
    }
}

/// Hands over the requests of one peer.
fn answering(front: Front, peer: Peer) -> impl Fn(hyper::Request<Incoming>) -> Answering + Send + Sync + 'static {
    move |request| front.answer(&peer, request)
}

fn ended<E: core::fmt::Display>(origin: &Origin, how: Result<(), E>) {
    if let Err(e) = how {
        debug!(%origin, error = %e, "a connection ended badly");
    }
}
