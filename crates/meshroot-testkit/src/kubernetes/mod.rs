//! Kubernetes clusters, as far as a mesh's CA sees them: their API servers mint service account tokens for pods, and publish their keys.
//!
//! What is minted here has the form that a Kubernetes 1.30 API server or later gives it: RS256, the key's name made from the key, the claims of
//! a projected token bound to its pod, with the pod's node. ring makes no RSA keys, so they come from outside ([`KEYS`], or OpenSSL). Where only the
//! claims matter, [`SigningKey::p256`] signs what a test writes down.

mod api_server;
mod pod;
mod signing_key;

pub use api_server::{ApiServer, ISSUER, TokenRequest};
pub use pod::{Node, Pod, pod_list};
pub use signing_key::{SigningKey, key_set};

/// Throw-away RSA keys in PEM (PKCS#8), published with the source code and therefore worth nothing: enough for three clusters.
pub const KEYS: [&str; 3] = [
    include_str!("../../../meshroot/testdata/keys/rsa2048-pkcs8.pem"),
    include_str!("../../../meshroot/testdata/token/rsa-east.pem"),
    include_str!("../../../meshroot/testdata/token/rsa-north.pem"),
];
