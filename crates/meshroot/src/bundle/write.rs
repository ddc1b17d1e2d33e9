//! The JSON we write: by hand, so that the same content has the same bytes whatever features serde_json was built with.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::Bundle;
use super::jwk::PublicJwk;
use crate::x509::Certificate;

/// Where a bundle is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// On its own.
    Document,
    /// In a bundle map, without a refresh hint (Trust Domain and Bundle §5.1.1).
    InMap,
    /// In a bundle map for Envoy, which refuses the whole file for one key that is not `x509-svid`.
    Envoy,
}

pub(super) fn bundle(bundle: &Bundle, form: Form) -> String {
    let mut members = Vec::new();
    if let Some(sequence) = bundle.sequence().filter(|_| form != Form::Envoy) {
        members.push(format!(r#""spiffe_sequence":{sequence}"#));
    }
    if let Some(hint) = bundle.refresh_hint().filter(|_| form == Form::Document) {
        members.push(format!(r#""spiffe_refresh_hint":{}"#, hint.as_secs()));
    }
    let mut keys: Vec<_> = bundle.x509_authorities().iter().filter_map(x509_key).collect();
    if form != Form::Envoy {
        keys.extend(bundle.jwt_authorities().iter().map(super::JwtAuthority::to_jwk_json));
    }
    members.push(format!(r#""keys":[{}]"#, keys.join(",")));
    format!("{{{}}}", members.join(","))
}

/// Exactly the members of X509-SVID §6.1, and no `kid`. Every key that a [`Certificate`] can hold has such a form.
fn x509_key(certificate: &Certificate) -> Option<String> {
    let key = PublicJwk::of(certificate.public_key())?;
    let x5c = BASE64_STANDARD.encode(certificate.der());
    Some(format!(r#"{{"kty":"{}","use":"x509-svid",{},"x5c":["{x5c}"]}}"#, key.key_type(), key.members()))
}

/// A text as a JSON string.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
