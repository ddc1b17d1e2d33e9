use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where a server is, and how it is known.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    tls: Arc<rustls::ClientConfig>,
}

/// A connection that is kept.
pub(crate) enum Connection {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl Target {
    /// TLS 1.3, and no other trust than these roots.
    pub(crate) fn new(address: SocketAddr, roots_pem: &[u8]) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        CertificateDer::pem_slice_iter(roots_pem).for_each(|root| roots.add(root.unwrap()).unwrap());
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address, tls: Arc::new(tls) }
    }

    pub(crate) async fn http1(&self) -> Connection {
        let (sender, connection) = http1::handshake(self.connect(b"http/1.1").await).await.unwrap();
        tokio::spawn(connection);
        Connection::Http1(sender)
    }

    pub(crate) async fn http2(&self) -> Connection {
        let (sender, connection) = http2::handshake(TokioExecutor::new(), self.connect(b"h2").await).await.unwrap();
        tokio::spawn(connection);
        Connection::Http2(sender)
    }

    async fn connect(&self, protocol: &[u8]) -> TokioIo<tokio_rustls::client::TlsStream<TcpStream>> {
        let mut tls = (*self.tls).clone();
        tls.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TokioIo::new(TlsConnector::from(Arc::new(tls)).connect(name, stream).await.unwrap())
    }
}

impl Connection {
    pub(crate) async fn ask(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let response: Response<Incoming> = match self {
            Self::Http1(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
            Self::Http2(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(request).await.unwrap()
            }
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes(), trailers }
    }
}
