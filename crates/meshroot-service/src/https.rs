//! A client for the few documents that the service reads from elsewhere: verified TLS, one host, no redirects, and bounds
//! on everything.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

/// The most that an answer may have: key sets have a few kilobytes.
const MOST: usize = 256 << 10;

/// Longer than any token.
const TOKEN: u64 = 16 << 10;

/// A host that is asked, and how it is known.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    /// As a URL says it: host, and port unless it is 443.
    authority: String,
    host: String,
    port: u16,
    tls: Arc<ClientConfig>,
    /// Read with every request: kubelets replace it.
    token_file: Option<PathBuf>,
    timeout: Duration,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) body: Bytes,
    /// How long it stays good, if it says so (`Cache-Control: max-age`).
    pub(crate) max_age: Option<Duration>,
}

/// Why there is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpsError {
    #[error("'{0}' is no address that is fetched from: it looks like https://host:6443/path")]
    Address(String),
    #[error("{} cannot be used: {detail}", path.display())]
    File { path: PathBuf, detail: String },
    #[error("{host} cannot be reached: {detail}")]
    Unreachable { host: String, detail: String },
    #[error("{host} answered {path} with {status}{}", if (300..400).contains(status) { ": redirections are not followed" } else { "" })]
    Status { host: String, path: String, status: u16 },
}

impl Host {
    /// The host of this URL, and the path in it without a slash at its end. TLS is verified against the roots in the
    /// file, and nothing else.
    pub(crate) fn of(url: &str, roots: &Path, token_file: Option<&Path>, timeout: Duration) -> Result<(Self, String), HttpsError> {
        let (uri, host) = split(url)?;
        let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
        let bad = |detail: String| HttpsError::File { path: roots.into(), detail };
        let pem = fs::read(roots).map_err(|e| bad(e.to_string()))?;
        let mut store = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(&pem) {
            let added = root.map_err(|e| e.to_string()).and_then(|root| store.add(root).map_err(|e| e.to_string()));
            added.map_err(bad)?;
        }
        if store.is_empty() {
            return Err(bad("there is no certificate in it".into()));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(|e| bad(e.to_string()))?;
        let tls = Arc::new(builder.with_root_certificates(store).with_no_client_auth());
        let port = uri.port_u16().unwrap_or(443);
        let path = uri.path().trim_end_matches('/').to_owned();
        Ok((Self { authority, host, port, tls, token_file: token_file.map(Path::to_owned), timeout }, path))
    }

    /// The path of a URL at this very host; `None` if it is at another one.
    pub(crate) fn path_of(&self, url: &str) -> Option<String> {
        let (uri, host) = split(url).ok()?;
        let here = host == self.host && uri.port_u16().unwrap_or(443) == self.port;
        here.then(|| uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string))
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Document, HttpsError> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    /// Posts JSON. The body is not kept.
    pub(crate) async fn post(&self, path: &str, body: Bytes) -> Result<Document, HttpsError> {
        self.ask(Method::POST, path, body).await
    }

    async fn ask(&self, method: Method, path: &str, body: Bytes) -> Result<Document, HttpsError> {
        let mut request = Request::builder().method(method).uri(path).header(HOST, &self.authority).header(ACCEPT, "application/json, */*;q=0.1");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(path) = &self.token_file {
            request = request.header(AUTHORIZATION, bearer(path)?);
        }
        let request = request.body(Full::new(body)).map_err(|_| HttpsError::Address(path.chars().take(200).collect()))?;
        let late = || self.unreachable(format!("no answer within {:?}", self.timeout));
        tokio::time::timeout(self.timeout, self.talk(path, request)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn talk(&self, path: &str, request: Request<Full<Bytes>>) -> Result<Document, HttpsError> {
        let unreachable = |e: &dyn core::fmt::Display| self.unreachable(e.to_string());
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(|e| unreachable(&e))?;
        let name = ServerName::try_from(self.host.clone()).map_err(|e| unreachable(&e))?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await.map_err(|e| unreachable(&e))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| unreachable(&e))?;
        let connection = Ended(tokio::spawn(connection));
        let response = sender.send_request(request).await.map_err(|e| unreachable(&e))?;
        let (head, body) = response.into_parts();
        if !head.status.is_success() {
            return Err(HttpsError::Status { host: self.authority.clone(), path: path.to_owned(), status: head.status.as_u16() });
        }
        let body = Limited::new(body, MOST).collect().await.map_err(|e| unreachable(&e))?.to_bytes();
        drop(connection);
        Ok(Document { body, max_age: max_age(&head.headers) })
    }

    fn unreachable(&self, detail: String) -> HttpsError {
        HttpsError::Unreachable { host: self.authority.clone(), detail }
    }
}

/// A connection that does not outlive its question, however that ends.
struct Ended<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Ended<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn split(url: &str) -> Result<(Uri, String), HttpsError> {
    let bad = || HttpsError::Address(url.chars().take(200).flat_map(char::escape_debug).collect());
    let uri: Uri = url.parse().map_err(|_| bad())?;
    let user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
    if uri.scheme_str() != Some("https") || user {
        return Err(bad());
    }
    let host = uri.host().ok_or_else(bad)?.trim_matches(['[', ']']).to_ascii_lowercase();
    Ok((uri, host))
}

fn bearer(path: &Path) -> Result<HeaderValue, HttpsError> {
    let bad = |detail: &str| HttpsError::File { path: path.into(), detail: detail.into() };
    let size = fs::metadata(path).map_err(|e| bad(&e.to_string()))?.len();
    if size > TOKEN {
        return Err(bad("it is too long for a token"));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|e| bad(&e.to_string()))?);
    let value = Zeroizing::new(format!("Bearer {}", text.trim()));
    let mut value = HeaderValue::from_str(&value).map_err(|_| bad("it holds characters that no token has"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// RFC 9111 §5.2.2: `no-store` and `no-cache` are zero seconds.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    directives.map(str::trim).find_map(|directive| match directive.to_ascii_lowercase().as_str() {
        "no-store" | "no-cache" => Some(Duration::ZERO),
        other => other.strip_prefix("max-age=").and_then(|seconds| seconds.trim_matches('"').parse().ok()).map(Duration::from_secs),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_an_address() {
        for bad in ["http://a", "https://", "a", "https://user@a/", "ftp://a", "/path", ""] {
            assert!(split(bad).is_err(), "{bad}");
        }
        assert_eq!(split("https://[::1]:6443/x").unwrap().1, "::1");
    }

    #[test]
    fn cache_control_says_how_long_a_document_is_good() {
        for (value, seconds) in
            [("max-age=60", Some(60)), ("public, Max-Age=\"60\"", Some(60)), ("no-cache, max-age=60", Some(0)), ("public", None), ("max-age=x", None)]
        {
            let headers = HeaderMap::from_iter([(CACHE_CONTROL, HeaderValue::from_str(value).unwrap())]);
            assert_eq!(max_age(&headers).map(|age| age.as_secs()), seconds, "{value}");
        }
    }
}
