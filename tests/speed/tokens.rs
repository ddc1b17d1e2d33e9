use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

/// What all clusters call themselves.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// The audience of tokens for us, over HTTP, and of those that Istio's agents have.
pub(crate) const AUDIENCE: &str = "meshroot";
const ISTIO: &str = "istio-ca";

/// A cluster's API server, as far as it makes service account tokens: RS256, projected claims, bound to a pod.
pub(crate) struct ApiServer {
    pub(crate) cluster: &'static str,
    key: RsaKeyPair,
    head: String,
}

impl ApiServer {
    pub(crate) fn new(cluster: &'static str) -> Self {
        let made = Command::new("openssl").args(["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]).output();
        let made = made.expect("the API servers' keys are made with openssl: install it (Debian's package: openssl)");
        let key = RsaKeyPair::from_pkcs8(pem::parse(made.stdout).unwrap().contents()).unwrap();
        let head = BASE64_URL_SAFE_NO_PAD.encode(json!({ "alg": "RS256", "kid": cluster }).to_string());
        Self { cluster, key, head }
    }

    pub(crate) fn jwks(&self) -> Value {
        let public: PublicKeyComponents<Vec<u8>> = self.key.public().into();
        let number = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
        json!({ "keys": [{ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.cluster, "n": number(&public.n), "e": number(&public.e) }] })
    }

    /// The token of a pod; `n` tells tokens, and every tenth of them service accounts, apart.
    pub(crate) fn token(&self, n: usize, istio: bool) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let (namespace, account) = (format!("team-{}", n % 10), format!("service-{}", n % 100));
        let uid = |kind: u8| format!("5d9c6b2e-52f2-44a4-8a9b-{kind:04x}{n:08x}");
        let claims = json!({
            "aud": [if istio { ISTIO } else { AUDIENCE }],
            "exp": now + 3_607,
            "iat": now,
            "iss": ISSUER,
            "jti": uid(1),
            "kubernetes.io": {
                "namespace": namespace,
                "node": { "name": format!("node-{}", n % 50), "uid": uid(2) },
                "pod": { "name": format!("{account}-7d9f5c8b6d-{n:05}"), "uid": uid(3) },
                "serviceaccount": { "name": account, "uid": uid(4) },
                "warnafter": now + 3_607,
            },
            "nbf": now,
            "sub": format!("system:serviceaccount:{namespace}:{account}"),
        });
        let signed = format!("{}.{}", self.head, BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}
