use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use meshroot::bundle::{Bundle, BundleMap, Limits};
use meshroot::csr::Csr;
use meshroot::key::{Crypto, PrivateKey};
use meshroot::revocation::CrlSet;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::verify::Validator;
use meshroot::x509::Certificate;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::AgentError;
use super::held::Identity;

/// What the service answered a request for a certificate with.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) chain: Vec<Certificate>,
    pub(super) id: SpiffeId,
    pub(super) renew_after: Timestamp,
    pub(super) bundle: Bundle,
}

impl Issued {
    /// Whether it is ours and leads where it should: better found out now than by every peer.
    pub(super) fn check(&self, key: &PrivateKey, crypto: &Crypto, now: Timestamp) -> Result<(), AgentError> {
        if self.chain.first().is_none_or(|leaf| leaf.public_key() != key.public_key()) {
            return Err(AgentError::Answer("the certificate is for another key".into()));
        }
        let mut bundles = BundleMap::new();
        bundles.insert(self.bundle.clone());
        let chain: Vec<&[u8]> = self.chain.iter().map(Certificate::der).collect();
        Validator::new(&bundles, crypto.clone()).validate(&chain, &CrlSet::empty(), now)?;
        Ok(())
    }
}

pub(super) fn spiffe_id(leaf: &Certificate) -> Option<SpiffeId> {
    Some(leaf.alt_names()?.spiffe_id()?.to_owned())
}

/// A client of the service.
#[derive(Clone, Debug)]
pub(super) struct Client {
    server: String,
    host: String,
    port: u16,
    roots: RootCertStore,
    tls: Arc<ClientConfig>,
}

/// How long an answer may take, besides what the service was asked to wait.
const PATIENCE: Duration = Duration::from_secs(15);

/// The most that an answer may have.
const MOST: usize = 4 << 20;

impl Client {
    pub(super) fn new(server: &str, roots_pem: &[u8]) -> Result<Self, AgentError> {
        let bad = || AgentError::Address(server.to_owned());
        let uri: Uri = server.parse().map_err(|_| bad())?;
        if uri.scheme_str() != Some("https") || !matches!(uri.path(), "" | "/") {
            return Err(bad());
        }
        let host = uri.host().ok_or_else(bad)?.trim_matches(['[', ']']).to_owned();
        let port = uri.port_u16().unwrap_or(443);
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(roots_pem) {
            let added = root.map_err(|e| e.to_string()).and_then(|root| roots.add(root).map_err(|e| e.to_string()));
            added.map_err(|e| AgentError::Answer(format!("a root cannot be used: {e}")))?;
        }
        if roots.is_empty() {
            return Err(AgentError::NoRoots);
        }
        let tls = builder()?.with_root_certificates(roots.clone()).with_no_client_auth();
        Ok(Self { server: server.to_owned(), host, port, roots, tls: Arc::new(tls) })
    }

    /// The same client, showing a certificate.
    pub(super) fn showing(mut self, identity: &Identity) -> Result<Self, AgentError> {
        let chain = identity.chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
        let unusable = |e: String| AgentError::Answer(format!("the key cannot be used: {e}"));
        let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).map_err(|e| unusable(e.to_string()))?;
        let tls = builder()?.with_root_certificates(self.roots.clone()).with_client_auth_cert(chain, key).map_err(|e| unusable(e.to_string()))?;
        self.tls = Arc::new(tls);
        Ok(self)
    }

    pub(super) async fn certificate(&self, csr: &Csr, token: Option<&str>, lifetime: Option<Duration>, dns: &[String]) -> Result<Issued, AgentError> {
        let lifetime = lifetime.map(|lifetime| format!("lifetime={}s", lifetime.as_secs()));
        let dns = (!dns.is_empty()).then(|| format!("dns={}", dns.join(",")));
        let query: Vec<String> = lifetime.into_iter().chain(dns).collect();
        let path = if query.is_empty() { "/v1/certificates".to_owned() } else { format!("/v1/certificates?{}", query.join("&")) };
        let mut request = Request::builder().method(Method::POST).uri(path);
        if let Some(token) = token {
            let mut value = hyper::header::HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| AgentError::Answer("the token holds characters that no header may have".into()))?;
            value.set_sensitive(true);
            request = request.header("authorization", value);
        }
        let body = self.talk(request, Bytes::from(csr.to_pem()), PATIENCE).await?;
        let bad = |what: &str| AgentError::Answer(format!("its {what} is missing or malformed"));
        let document: Value = serde_json::from_slice(&body).map_err(|e| AgentError::Answer(e.to_string()))?;
        let text = |member: &str| document.get(member).and_then(Value::as_str).ok_or_else(|| bad(member));
        let chain = meshroot::pem::certificates(text("chain")?.as_bytes()).map_err(|e| AgentError::Answer(e.to_string()))?;
        let id = chain.first().and_then(spiffe_id).ok_or_else(|| bad("SPIFFE ID"))?;
        let renew_after = text("renew_after")?.parse().map_err(|_| bad("renew_after"))?;
        let bundle = document.get("bundle").ok_or_else(|| bad("bundle"))?.to_string();
        let (bundle, _) = Bundle::from_spiffe_json(id.trust_domain().to_owned(), bundle.as_bytes(), &Limits::default())?;
        Ok(Issued { chain, id, renew_after, bundle })
    }

    /// The bundle: at once, or with `wait` as soon as it is later than `after`.
    pub(super) async fn bundle(&self, trust_domain: &TrustDomain, after: Option<u64>, wait: Option<Duration>) -> Result<Bundle, AgentError> {
        let mut path = format!("/v1/trust-domains/{trust_domain}/bundle");
        if let Some(after) = after {
            path = format!("{path}?after={after}");
        }
        if let (Some(_), Some(wait)) = (after, wait) {
            path = format!("{path}&wait={}s", wait.as_secs());
        }
        let request = Request::builder().method(Method::GET).uri(path).header("accept", "application/json");
        let body = self.talk(request, Bytes::new(), PATIENCE.saturating_add(wait.unwrap_or_default())).await?;
        Ok(Bundle::from_spiffe_json(trust_domain.clone(), &body, &Limits::default())?.0)
    }

    async fn talk(&self, request: http::request::Builder, body: Bytes, patience: Duration) -> Result<Bytes, AgentError> {
        let unreachable = |detail: String| AgentError::Unreachable { server: self.server.clone(), detail };
        let talk = async {
            let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|e| unreachable(e.to_string()))?;
            let name = ServerName::try_from(self.host.clone()).map_err(|e| unreachable(e.to_string()))?;
            let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await.map_err(|e| unreachable(e.to_string()))?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| unreachable(e.to_string()))?;
            let connection = tokio::spawn(connection);
            let request = request.header("host", &self.host).body(Full::new(body)).map_err(|e| unreachable(e.to_string()))?;
            let response = sender.send_request(request).await.map_err(|e| unreachable(e.to_string()))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MOST).collect().await.map_err(|e| unreachable(e.to_string()))?.to_bytes();
            connection.abort();
            if status.is_success() {
                return Ok(body);
            }
            let document: Value = serde_json::from_slice(&body).unwrap_or_default();
            let text = |member: &str| document.get(member).and_then(Value::as_str).unwrap_or("(nothing was said)").to_owned();
            Err(AgentError::Refused { status: status.as_u16(), code: text("code"), detail: text("detail") })
        };
        tokio::time::timeout(patience, talk).await.unwrap_or_else(|_| Err(unreachable(format!("no answer within {} s", patience.as_secs()))))
    }
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, AgentError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|e| AgentError::Answer(e.to_string()))
}
