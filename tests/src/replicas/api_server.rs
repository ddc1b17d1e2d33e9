//! Who vouches for the callers: a Kubernetes API server's key, and what it signs with it.

use meshroot_testkit::kubernetes::{SigningKey, key_set};
use serde_json::json;

#[derive(Debug)]
pub(super) struct ApiServer(SigningKey);

impl ApiServer {
    pub(super) fn new() -> Self {
        Self(SigningKey::p256("w").unwrap())
    }

    pub(super) fn jwks(&self) -> String {
        key_set([&self.0])
    }

    /// A pod's projected token.
    pub(super) fn token(&self) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({
            "iss": "https://kubernetes.default.svc.cluster.local",
            "aud": ["meshroot"],
            "sub": "system:serviceaccount:shop:cart",
            "iat": now, "nbf": now, "exp": now + 3_600,
            "kubernetes.io": {
                "namespace": "shop",
                "serviceaccount": { "name": "cart", "uid": "5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0001" },
                "pod": { "name": "cart-7d9f", "uid": "5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0002" },
            },
        });
        self.0.sign(&claims).unwrap()
    }
}
