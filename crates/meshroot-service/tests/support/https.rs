//! A real HTTPS server that answers as a test says: the part of an API server that we talk to.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::TestMesh;

/// What it was asked.
#[derive(Clone, Debug)]
pub struct Question {
    pub method: String,
    pub path: String,
    pub authorization: String,
    pub body: Vec<u8>,
}

/// What it answers: status, one header if any, body.
pub struct Reply(pub u16, pub Option<(&'static str, String)>, pub String);

impl Reply {
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self(status, None, body.to_string())
    }
}

type Answering = Arc<dyn Fn(&Question) -> Reply + Send + Sync>;

/// Stops when dropped.
pub struct Server {
    pub address: SocketAddr,
    /// The roots by which it is known.
    pub ca: PathBuf,
    answering: Arc<Mutex<Answering>>,
    asked: Arc<Mutex<Vec<Question>>>,
    task: tokio::task::JoinHandle<()>,
    _pki: TestMesh,
}

impl Server {
    pub async fn start(answer: impl Fn(&Question) -> Reply + Send + Sync + 'static) -> Self {
        let pki = TestMesh::new();
        let (chain, key) = pki.server_certificate("localhost");
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).map(|der| der.unwrap().into_owned()).collect();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_no_client_auth().with_single_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answering: Arc<Mutex<Answering>> = Arc::new(Mutex::new(Arc::new(answer)));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let task = tokio::spawn(serve(listener, acceptor, Arc::clone(&answering), Arc::clone(&asked)));
        let ca = pki.folder.path().join("ca.pem");
        std::fs::write(&ca, &pki.roots_pem).unwrap();
        Self { address, ca, answering, asked, task, _pki: pki }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    pub fn answer(&self, answer: impl Fn(&Question) -> Reply + Send + Sync + 'static) {
        *self.answering.lock().unwrap() = Arc::new(answer);
    }

    pub fn asked(&self) -> Vec<Question> {
        self.asked.lock().unwrap().clone()
    }

    /// How often this path was asked for.
    pub fn count(&self, path: &str) -> usize {
        self.asked().iter().filter(|question| question.path == path).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, answering: Arc<Mutex<Answering>>, asked: Arc<Mutex<Vec<Question>>>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, answering, asked) = (acceptor.clone(), Arc::clone(&answering), Arc::clone(&asked));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                let (answering, asked) = (Arc::clone(&answering), Arc::clone(&asked));
                async move {
                    let (head, body) = request.into_parts();
                    let text = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
                    let question = Question {
                        method: head.method.to_string(),
                        path: head.uri.to_string(),
                        authorization: text("authorization"),
                        body: body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default(),
                    };
                    asked.lock().unwrap().push(question.clone());
                    let answer = Arc::clone(&*answering.lock().unwrap());
                    let Reply(status, header, body) = tokio::task::spawn_blocking(move || answer(&question)).await.unwrap();
                    let mut response = Response::builder().status(status);
                    if let Some((name, value)) = header {
                        response = response.header(name, value);
                    }
                    Ok::<_, Infallible>(response.body(Full::new(Bytes::from(body))).unwrap())
                }
            });
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
