//! Who vouches for the callers: a Kubernetes API server's key, and what it signs with it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use serde_json::{Value, json};

#[derive(Debug)]
pub(super) struct ApiServer(PrivateKey);

impl ApiServer {
    pub(super) fn new() -> Self {
        Self(PrivateKey::generate(KeyAlgorithm::EcdsaP256, &Crypto::ring()).unwrap())
    }

    pub(super) fn jwks(&self) -> String {
        let point = self.0.public_key().key_bytes();
        let coordinate = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
        let key = json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "w", "x": coordinate(&point[1..33]), "y": coordinate(&point[33..65]) });
        json!({ "keys": [key] }).to_string()
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
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": "ES256", "kid": "w" })), part(&claims));
        let signature = self.0.signer(&Crypto::ring()).unwrap().sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(raw(&signature)))
    }
}

/// An ECDSA signature as JWS carries it: r and s, 32 octets each, out of the DER of X.509.
fn raw(der: &[u8]) -> Vec<u8> {
    let number = |at: usize| {
        let length = usize::from(der[at + 1]);
        let digits = &der[at + 2..at + 2 + length];
        let digits = digits.strip_prefix(&[0]).unwrap_or(digits);
        ([vec![0; 32 - digits.len()], digits.to_vec()].concat(), at + 2 + length)
    };
    let (r, next) = number(2);
    let (s, _) = number(next);
    [r, s].concat()
}
