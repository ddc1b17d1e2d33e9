use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::{HeaderMap, Request as HttpRequest, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::crypto::ring::cipher_suite::{TLS13_AES_128_GCM_SHA256, TLS13_AES_256_GCM_SHA384};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;

use super::{Request, WorkloadCertificate};
use crate::istio::grpc::{CREATE_CERTIFICATE, CertificateRequest, chain_of};

/// Where a ztunnel stands, and whom it asks.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `CA_ADDRESS`: the host is both what is dialled and what the certificate must be for.
    pub host: String,
    /// Where that host is.
    pub address: SocketAddr,
    /// `CA_ROOT_CA`.
    pub roots: PathBuf,
    /// The file of the projected token; its bytes are sent as they are.
    pub token: PathBuf,
    /// `CLUSTER_ID`.
    pub cluster: String,
    /// `SECRET_TTL`.
    pub lifetime: Duration,
    /// Whether it runs for a whole node (`PROXY_MODE=shared`) and asks in its workloads' names.
    pub shared: bool,
}

/// Why there is no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No connection, or it broke off.
    Connection(String),
    /// The CA said no: the gRPC status and its message.
    Status(u32, String),
    /// The CA's answer is not what it should be.
    Answer(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connection(why) => write!(f, "no connection: {why}"),
            Self::Status(code, message) => write!(f, "status {code}: {message}"),
            Self::Answer(what) => f.write_str(what),
        }
    }
}

/// ztunnel's client of the CA: one HTTP/2 connection for all identities.
#[derive(Debug)]
pub struct CaClient {
    settings: Settings,
    tls: Arc<ClientConfig>,
    connection: Mutex<Option<SendRequest<Full<Bytes>>>>,
    calls: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
    connections: AtomicUsize,
}

impl CaClient {
    /// A client that has not connected yet.
    pub fn new(settings: Settings) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(CertificateDer::pem_file_iter(&settings.roots).unwrap().map(Result::unwrap));
        // ztunnel has no ChaCha20, and no TLS 1.2.
        let cipher_suites = vec![TLS13_AES_256_GCM_SHA384, TLS13_AES_128_GCM_SHA256];
        let provider = rustls::crypto::CryptoProvider { cipher_suites, ..rustls::crypto::ring::default_provider() };
        let builder = ClientConfig::builder_with_provider(Arc::new(provider)).with_protocol_versions(&[&rustls::version::TLS13]).unwrap();
        let mut tls = builder.with_root_certificates(roots).with_no_client_auth();
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let count = AtomicUsize::default;
        Self { settings, tls: Arc::new(tls), connection: Mutex::default(), calls: count(), now: count(), most: count(), connections: count() }
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The most calls that were under way at one moment.
    pub fn most_at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// Connections so far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Asks for a certificate for this identity.
    ///
    /// # Errors
    /// Whatever goes wrong on the way, or is wrong with the answer.
    pub async fn fetch(&self, id: &str) -> Result<WorkloadCertificate, Failure> {
        let request = Request::new(id);
        let chain = self.ask(id, &request.csr).await?;
        WorkloadCertificate::read(&chain, &request.key, id)
    }

    /// Sends a request for a certificate, and answers the chain as it came. `id` is whom a shared ztunnel asks for.
    ///
    /// # Errors
    /// Whatever goes wrong on the way.
    pub async fn ask(&self, id: &str, csr: &str) -> Result<Vec<String>, Failure> {
        let metadata = self.settings.shared.then(|| ("ImpersonatedIdentity".to_owned(), id.to_owned())).into_iter().collect();
        let validity = i64::try_from(self.settings.lifetime.as_secs()).unwrap();
        let frame = CertificateRequest { csr: csr.into(), validity, metadata }.to_frame();
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let answer = self.call(frame).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    async fn call(&self, frame: Vec<u8>) -> Result<Vec<String>, Failure> {
        let mut sender = self.connected().await?;
        let token = std::fs::read(&self.settings.token).map_err(connection)?;
        // hyper takes `:authority` from here: the host with its port.
        let uri = format!("https://{}:{}{CREATE_CERTIFICATE}", self.settings.host, self.settings.address.port());
        let request = HttpRequest::post(uri)
            .header("te", "trailers")
            .header("content-type", "application/grpc")
            .header("authorization", [b"Bearer ", &token[..]].concat())
            .header("clusterid", &self.settings.cluster)
            .body(Full::new(frame.into()))
            .map_err(connection)?;
        let response = sender.send_request(request).await.map_err(connection)?;
        chain(response).await
    }

    async fn connected(&self) -> Result<SendRequest<Full<Bytes>>, Failure> {
        let mut held = self.connection.lock().await;
        if let Some(sender) = held.as_ref().filter(|sender| !sender.is_closed()) {
            return Ok(sender.clone());
        }
        self.connections.fetch_add(1, Ordering::SeqCst);
        let dial = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(self.settings.address));
        let stream = dial.await.map_err(connection)?.map_err(connection)?;
        let name = ServerName::try_from(self.settings.host.clone()).map_err(connection)?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await.map_err(connection)?;
        let (sender, driver) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(Duration::from_secs(10))
            .handshake(TokioIo::new(stream))
            .await
            .map_err(connection)?;
        tokio::spawn(driver);
        *held = Some(sender.clone());
        Ok(sender)
    }
}

/// A unary answer: status in the trailers, or in the headers when there is nothing else.
async fn chain(response: Response<Incoming>) -> Result<Vec<String>, Failure> {
    let (head, body) = response.into_parts();
    if !head.status.is_success() {
        return Err(Failure::Connection(format!("HTTP status {}", head.status)));
    }
    let body = body.collect().await.map_err(connection)?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    let status = |map: &HeaderMap| map.get("grpc-status").and_then(|code| code.to_str().ok()?.parse::<u32>().ok());
    let message = |map: &HeaderMap| map.get("grpc-message").map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned()).unwrap_or_default();
    match status(&trailers).map(|code| (code, message(&trailers))).or_else(|| status(&head.headers).map(|code| (code, message(&head.headers)))) {
        None => Err(Failure::Answer("there is no grpc-status".into())),
        Some((0, _)) => chain_of(&body.to_bytes()).ok_or_else(|| Failure::Answer("the message cannot be read".into())),
        Some((code, message)) => Err(Failure::Status(code, message)),
    }
}

fn connection(e: impl std::fmt::Display) -> Failure {
    Failure::Connection(e.to_string())
}
