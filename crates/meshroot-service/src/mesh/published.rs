use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use meshroot::bundle::Bundle;
use meshroot::key::Crypto;

/// A document as it is served, with its headers ready: reading it copies nothing.
#[derive(Clone, Debug)]
pub(crate) struct Rendering {
    pub(crate) body: Bytes,
    pub(crate) etag: HeaderValue,
    pub(crate) content_type: HeaderValue,
    pub(crate) cache_control: HeaderValue,
}

impl Rendering {
    pub(crate) fn new(body: impl Into<Bytes>, content_type: &'static str, refresh: Duration, crypto: &Crypto) -> Self {
        let body = body.into();
        let digest: String = crypto.sha256(&body).iter().take(16).map(|octet| format!("{octet:02x}")).collect();
        let header = |text: String| HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""));
        Self {
            etag: header(format!("\"{digest}\"")),
            content_type: HeaderValue::from_static(content_type),
            cache_control: header(format!("public, max-age={}", refresh.as_secs())),
            body,
        }
    }
}

/// A trust domain's bundle as it is published.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) bundle: Bundle,
    pub(crate) sequence: u64,
    /// The SPIFFE document, byte for byte as the store keeps it, so that every replica serves the same.
    pub(crate) spiffe: Rendering,
    /// The roots, for everybody who reads PEM.
    pub(crate) pem: Rendering,
}

/// How often a bundle without a hint is read again (SPIFFE Trust Domain and Bundle §6.1).
const REFRESH: Duration = Duration::from_secs(300);

impl Published {
    pub(crate) fn new(bundle: Bundle, sequence: u64, document: Vec<u8>, crypto: &Crypto) -> Self {
        let refresh = bundle.refresh_hint().unwrap_or(REFRESH);
        let pem = bundle.to_pem();
        Self {
            sequence,
            spiffe: Rendering::new(document, "application/json", refresh, crypto),
            pem: Rendering::new(pem, "application/x-pem-file", refresh, crypto),
            bundle,
        }
    }
}
