use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A client that trusts the mesh's roots and nobody else.
#[derive(Clone)]
pub struct Client {
    to: To,
    headers: Vec<(String, String)>,
}

#[derive(Clone)]
enum To {
    Network(SocketAddr, Arc<rustls::ClientConfig>),
    Plain(SocketAddr),
    Socket(PathBuf),
}

pub struct Answer {
    pub status: u16,
    pub headers: hyper::HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem's code.
    pub fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        self.json()["code"].as_str().unwrap().to_owned()
    }
}

impl Client {
    pub fn network(address: SocketAddr, roots_pem: &str) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(roots_pem.as_bytes()) {
            roots.add(root.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        Self { to: To::Network(address, Arc::new(config)), headers: Vec::new() }
    }

    /// A client that shows this certificate chain and has its key, both in PEM.
    pub fn showing(address: SocketAddr, roots_pem: &str, chain_pem: &str, key_pem: &str) -> Self {
        let mut roots = rustls::RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(roots_pem.as_bytes()) {
            roots.add(root.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let chain = CertificateDer::pem_slice_iter(chain_pem.as_bytes()).map(|der| der.unwrap().into_owned()).collect();
        let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).unwrap();
        let config = builder.with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap();
        Self { to: To::Network(address, Arc::new(config)), headers: Vec::new() }
    }

    pub fn plain(address: SocketAddr) -> Self {
        Self { to: To::Plain(address), headers: Vec::new() }
    }

    pub fn socket(path: &Path) -> Self {
        Self { to: To::Socket(path.to_owned()), headers: Vec::new() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, String::new()).await
    }

    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.ask(Method::POST, path, body).await
    }

    /// A connection that stays.
    pub async fn connect(&self) -> Kept {
        let stream = self.tls().await;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Kept(tokio::sync::Mutex::new(sender))
    }

    /// A connection on which octets are sent as they are.
    pub async fn raw(&self) -> Raw {
        Raw { stream: self.tls().await, read: Vec::new() }
    }

    async fn tls(&self) -> TlsStream<TcpStream> {
        let To::Network(address, config) = &self.to else { panic!("only over the network") };
        let stream = TcpStream::connect(address).await.unwrap();
        TlsConnector::from(Arc::clone(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
    }

    pub async fn ask(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        match &self.to {
            To::Plain(address) => talk(TcpStream::connect(address).await.unwrap(), request).await,
            To::Socket(path) => talk(UnixStream::connect(path).await.unwrap(), request).await,
            To::Network(..) => talk(self.tls().await, request).await,
        }
    }
}

/// A connection without a client that knows HTTP.
pub struct Raw {
    pub stream: TlsStream<TcpStream>,
    read: Vec<u8>,
}

impl Raw {
    pub async fn send(&mut self, octets: &str) {
        self.stream.write_all(octets.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads one answer, and tells its status.
    pub async fn answer(&mut self) -> u16 {
        loop {
            let text = String::from_utf8_lossy(&self.read).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length =
                    head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ").map(|n| n.parse().unwrap())).unwrap_or(0);
                if body.len() >= length {
                    self.read.drain(..head.len() + 4 + length);
                    return head.split(' ').nth(1).unwrap().parse().unwrap();
                }
            }
            let mut piece = vec![0; 16 << 10];
            let n = self.stream.read(&mut piece).await.unwrap();
            assert_ne!(n, 0, "the connection ended");
            self.read.extend_from_slice(&piece[..n]);
        }
    }
}

/// One connection, for one request after another.
pub struct Kept(tokio::sync::Mutex<hyper::client::conn::http1::SendRequest<Full<Bytes>>>);

impl Kept {
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, "").await
    }

    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.ask(Method::POST, path, body).await
    }

    async fn ask(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("host", "localhost").body(Full::new(body.into())).unwrap();
        let mut sender = self.0.lock().await;
        sender.ready().await.unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        Answer { status: head.status.as_u16(), headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
    }
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, request: Request<Full<Bytes>>) -> Answer {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    connection.abort();
    let status: StatusCode = head.status;
    Answer { status: status.as_u16(), headers: head.headers, body }
}
