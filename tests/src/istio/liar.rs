//! A CA with one defect: what each witness must notice. The library issues none of what is wrong here, so the leaves are made by hand.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use meshroot::csr::{Csr, ProvenRequest};
use meshroot::issue::Authorized;
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::profile::Profile;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::grpc::{CertificateRequest, response};
use crate::exhibits::{self, Mesh, now};
use crate::mint::Ca;

const P256: KeyAlgorithm = KeyAlgorithm::EcdsaP256;
const HOUR: Duration = Duration::from_secs(3_600);
const SECOND: Duration = Duration::from_secs(1);

/// What is wrong with the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// Nothing.
    None,
    /// The root bundle comes before the intermediate, which is then last.
    RootsNotLast,
    /// Each root is an element of its own.
    RootsApart,
    /// There is no root, only leaf and intermediate.
    NoRoots,
    /// The roots are those of somebody else.
    ForeignRoots,
    /// The intermediate is missing.
    NoIntermediate,
    /// The intermediate shares its element with a root that stands before it.
    IntermediateSecond,
    /// The leaf alone.
    LeafAlone,
    /// Everything in one element.
    OneElement,
    /// Nothing at all.
    Empty,
    /// The identity is somebody else's.
    OtherIdentity,
    /// The certificate is for another key.
    OtherKey,
    /// It began three hours ago and ends in one.
    LongAgo,
}

/// A running CA. Dropped, it stops.
#[derive(Debug)]
pub struct Liar {
    /// Where it listens.
    pub address: SocketAddr,
    /// The roots of its mesh, two of them.
    pub roots: String,
    calls: Arc<AtomicUsize>,
    listening: JoinHandle<()>,
    folder: tempfile::TempDir,
}

struct Behind {
    defect: Defect,
    ca: Ca,
    roots: [String; 2],
    foreign: String,
    crypto: Crypto,
    calls: Arc<AtomicUsize>,
}

impl Liar {
    /// Starts it. Within a Tokio runtime.
    pub async fn start(defect: Defect) -> Self {
        Self::start_as(defect, None).await
    }

    /// Starts one that presents this certificate chain with this key, both in PEM, instead of its own.
    pub async fn start_as(defect: Defect, presented: Option<(&str, &str)>) -> Self {
        let crypto = Crypto::ring();
        let mesh = exhibits::mesh("p256", &crypto);
        let roots = [mesh.root.to_pem(), exhibits::mesh("p384", &crypto).root.to_pem()];
        let foreign = exhibits::mesh("ed25519", &crypto).root.to_pem();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("roots.pem"), roots.concat()).unwrap();
        let ca = Ca {
            certificate: mesh.cluster.path().signing().unwrap().clone(),
            key_pem: mesh.cluster_key.to_pkcs8_pem().to_string(),
            signer: mesh.cluster_key.signer(&crypto).unwrap(),
        };
        let acceptor = TlsAcceptor::from(Arc::new(match presented {
            Some((chain, key)) => tls(chain, key),
            None => own_tls(&mesh, &crypto),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Arc::<AtomicUsize>::default();
        let all = roots.concat();
        let behind = Arc::new(Behind { defect, ca, roots, foreign, crypto, calls: Arc::clone(&calls) });
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(acceptor.clone(), stream, Arc::clone(&behind)));
            }
        });
        Self { address, roots: all, calls, listening, folder }
    }

    /// The file with its roots.
    pub fn roots_file(&self) -> PathBuf {
        self.folder.path().join("roots.pem")
    }

    /// Calls so far.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }
}

impl Drop for Liar {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn serve(acceptor: TlsAcceptor, stream: TcpStream, behind: Arc<Behind>) {
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = hyper::service::service_fn(move |request| answer(request, Arc::clone(&behind)));
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, std::convert::Infallible>;

async fn answer(request: Request<Incoming>, behind: Arc<Behind>) -> Result<Response<Body>, hyper::Error> {
    behind.calls.fetch_add(1, Ordering::SeqCst);
    let frame = request.into_body().collect().await?.to_bytes();
    let chain = behind.chain(&CertificateRequest::from_frame(&frame).unwrap());
    let trailers = async { Some(Ok(HeaderMap::from_iter([("grpc-status".parse().unwrap(), "0".parse().unwrap())]))) };
    let body = Full::new(Bytes::from(response(&chain))).with_trailers(trailers).boxed_unsync();
    Ok(Response::builder().header("content-type", "application/grpc").body(body).unwrap())
}

impl Behind {
    fn chain(&self, request: &CertificateRequest) -> Vec<String> {
        let csr = Csr::from_pem_or_der(request.csr.as_bytes()).unwrap();
        let asked = csr.uris()[0].clone();
        let proven = csr.prove(&self.crypto).unwrap();
        let id = if self.defect == Defect::OtherIdentity { format!("{asked}-other") } else { asked };
        let key = if self.defect == Defect::OtherKey {
            PrivateKey::generate(P256, &self.crypto).unwrap().public_key().clone()
        } else {
            proven.public_key().clone()
        };
        let begins = if self.defect == Defect::LongAgo { now().minus(HOUR * 3) } else { now().minus(SECOND) };
        let ends = if self.defect == Defect::LongAgo { now().plus(HOUR) } else { now().plus(SECOND * u32::try_from(request.validity).unwrap()) };
        let leaf = self.ca.leaf_between(&id, &key, begins, ends, &self.crypto).to_pem();
        let (ca, [first, second]) = (self.ca.certificate.to_pem(), &self.roots);
        let both = format!("{first}{second}");
        match self.defect {
            Defect::RootsNotLast => vec![leaf, both, ca],
            Defect::RootsApart => vec![leaf, ca, first.clone(), second.clone()],
            Defect::NoRoots => vec![leaf, ca],
            Defect::ForeignRoots => vec![leaf, ca, self.foreign.clone()],
            Defect::NoIntermediate => vec![leaf, both],
            Defect::IntermediateSecond => vec![leaf, format!("{first}{ca}"), both],
            Defect::LeafAlone => vec![leaf],
            Defect::OneElement => vec![format!("{leaf}{ca}{both}")],
            Defect::Empty => vec![],
            Defect::None | Defect::OtherIdentity | Defect::OtherKey | Defect::LongAgo => vec![leaf, ca, both],
        }
    }
}

fn own_tls(mesh: &Mesh, crypto: &Crypto) -> rustls::ServerConfig {
    let key = PrivateKey::generate(P256, crypto).unwrap();
    let request = ProvenRequest::from_signer(&*key.signer(crypto).unwrap(), crypto).unwrap();
    let names = vec!["istiod.istio-system.svc".to_owned(), "localhost".to_owned()];
    let grant = Authorized::server(request, None, names, vec!["127.0.0.1".parse().unwrap()]).unwrap();
    let issued = mesh.cluster.issue(grant, &Profile::server(), crypto.entropy(), now()).unwrap();
    tls(&issued.chain_pem(), &key.to_pkcs8_pem())
}

fn tls(chain: &str, key: &str) -> rustls::ServerConfig {
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).map(|der| der.unwrap().into_owned()).collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let builder = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let mut config = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}
