use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use bytes::{BufMut, Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A client that speaks gRPC as Istio's do, on one connection.
#[derive(Clone)]
pub struct Agent {
    sender: SendRequest<Full<Bytes>>,
    headers: Vec<(String, Vec<u8>)>,
}

/// `IstioCertificateRequest`
#[derive(Clone, PartialEq, Message)]
pub struct Request {
    #[prost(string, tag = "1")]
    pub csr: String,
    #[prost(int64, tag = "3")]
    pub validity_duration: i64,
    #[prost(message, optional, tag = "4")]
    pub metadata: Option<prost_types::Struct>,
}

#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(string, repeated, tag = "1")]
    cert_chain: Vec<String>,
}

/// `google.rpc.Status`
#[derive(Clone, PartialEq, Message)]
struct Details {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<prost_types::Any>,
}

#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
}

/// What a call failed with.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// gRPC's code, by number.
    pub code: i32,
    /// Ours.
    pub reason: String,
    pub message: String,
}

impl Request {
    /// As the istio-agent asks.
    pub fn new(csr: impl Into<String>) -> Self {
        Self { csr: csr.into(), validity_duration: 86_400, metadata: Some(metadata("CertSigner", "")) }
    }

    /// As ztunnel asks for somebody.
    pub fn impersonating(csr: impl Into<String>, id: &str) -> Self {
        Self { csr: csr.into(), validity_duration: 86_400, metadata: Some(metadata("ImpersonatedIdentity", id)) }
    }
}

fn metadata(name: &str, text: &str) -> prost_types::Struct {
    let kind = prost_types::value::Kind::StringValue(text.into());
    prost_types::Struct { fields: [(name.to_owned(), prost_types::Value { kind: Some(kind) })].into() }
}

impl Agent {
    /// Connects with TLS, trusting these roots, as somebody who dials `name`.
    pub async fn connect(address: SocketAddr, roots_pem: &str, name: ServerName<'static>) -> Self {
        let stream = Self::tls(address, roots_pem, name).await;
        let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self::on(sender)
    }

    pub fn on(sender: SendRequest<Full<Bytes>>) -> Self {
        Self { sender, headers: Vec::new() }
    }

    pub async fn tls(address: SocketAddr, roots_pem: &str, name: ServerName<'static>) -> tokio_rustls::client::TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(roots_pem.as_bytes()) {
            roots.add(root.unwrap()).unwrap();
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(address).await.unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        stream
    }

    pub fn with(&self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        let mut agent = self.clone();
        agent.headers.push((name.into(), value.into()));
        agent
    }

    pub fn bearer(&self, token: &str) -> Self {
        self.with("authorization", format!("Bearer {token}"))
    }

    /// `CreateCertificate`
    pub async fn create(&self, request: &Request) -> Result<Vec<String>, Refusal> {
        let answer = self.call("/istio.v1.auth.IstioCertificateService/CreateCertificate", frame(&request.encode_to_vec())).await?;
        Ok(Response::decode(answer).unwrap().cert_chain)
    }

    /// Any unary call, with whatever octets.
    pub async fn call(&self, path: &str, body: Bytes) -> Result<Bytes, Refusal> {
        self.call_with_id(path, body).await.0
    }

    /// The same, with the id that the request got.
    pub async fn call_with_id(&self, path: &str, body: Bytes) -> (Result<Bytes, Refusal>, String) {
        let response = self.send(path, body).await.unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
        (Self::read(response).await, id)
    }

    async fn read(response: hyper::Response<hyper::body::Incoming>) -> Result<Bytes, Refusal> {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/grpc");
        let (head, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap_or(head.headers);
        let code: i32 = trailers["grpc-status"].to_str().unwrap().parse().unwrap();
        if code == 0 {
            let bytes = collected.to_bytes();
            let length = u32::from_be_bytes(bytes[1..5].try_into().unwrap());
            assert_eq!((bytes[0], bytes.len()), (0, 5 + length as usize), "one whole frame");
            return Ok(bytes.slice(5..));
        }
        let details = BASE64_STANDARD_NO_PAD.decode(trailers["grpc-status-details-bin"].as_bytes()).unwrap();
        let details = Details::decode(&details[..]).unwrap();
        assert_eq!(details.code, code);
        let info = details.details.iter().find(|any| any.type_url == "type.googleapis.com/google.rpc.ErrorInfo").unwrap();
        Err(Refusal { code, reason: ErrorInfo::decode(&info.value[..]).unwrap().reason, message: details.message })
    }

    pub async fn send(&self, path: &str, body: Bytes) -> hyper::Result<hyper::Response<hyper::body::Incoming>> {
        let mut request = hyper::Request::post(format!("https://localhost{path}"));
        request = request.header("content-type", "application/grpc").header("te", "trailers");
        for (name, value) in &self.headers {
            request = request.header(name, &value[..]);
        }
        let mut sender = self.sender.clone();
        sender.ready().await.unwrap();
        sender.send_request(request.body(Full::new(body)).unwrap()).await
    }
}

pub fn frame(message: &[u8]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.len()).unwrap());
    bytes.put_slice(message);
    bytes.freeze()
}
