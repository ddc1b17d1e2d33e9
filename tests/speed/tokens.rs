use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use meshroot_testkit::kubernetes::{SigningKey, key_set};
use serde_json::{Value, json};

/// What all clusters call themselves.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// The audience of tokens for us, over HTTP, and of those that Istio's agents have.
pub(crate) const AUDIENCE: &str = "meshroot";
const ISTIO: &str = "istio-ca";

/// A cluster's API server, as far as it makes service account tokens: RS256, projected claims, bound to a pod.
pub(crate) struct ApiServer {
    pub(crate) cluster: &'static str,
    key: SigningKey,
}

impl ApiServer {
    pub(crate) fn new(cluster: &'static str) -> Self {
        let made = Command::new("openssl").args(["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]).output();
        let made = made.expect("the API servers' keys are made with openssl: install it (Debian's package: openssl)");
        let key = SigningKey::from_pem(&String::from_utf8(made.stdout).unwrap()).unwrap();
        Self { cluster, key }
    }

    pub(crate) fn jwks(&self) -> String {
        key_set([&self.key])
    }

    /// The token of a pod.
    pub(crate) fn token(&self, pod: &Pod, istio: bool) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({
            "aud": [if istio { ISTIO } else { AUDIENCE }],
            "exp": now + 3_607,
            "iat": now,
            "iss": ISSUER,
            "jti": pod.uid(1),
            "kubernetes.io": {
                "namespace": pod.namespace,
                "node": { "name": pod.node, "uid": pod.uid(2) },
                "pod": { "name": pod.name, "uid": pod.uid(3) },
                "serviceaccount": { "name": pod.account, "uid": pod.uid(4) },
                "warnafter": now + 3_607,
            },
            "nbf": now,
            "sub": format!("system:serviceaccount:{}:{}", pod.namespace, pod.account),
        });
        self.key.sign(&claims).unwrap()
    }
}

/// A pod, somewhere.
pub(crate) struct Pod {
    number: usize,
    pub(crate) namespace: String,
    pub(crate) account: String,
    name: String,
    node: String,
}

/// How many pods there are on a node, beside its proxy.
pub(crate) const ON_A_NODE: usize = 50;

impl Pod {
    /// One of many: ten namespaces, a hundred service accounts, fifty pods a node.
    pub(crate) fn workload(number: usize) -> Self {
        let account = format!("service-{}", number % 100);
        let name = format!("{account}-7d9f5c8b6d-{number:05}");
        Self { number, namespace: format!("team-{}", number % 10), account, name, node: format!("node-{}", number / ON_A_NODE) }
    }

    /// The proxy of this one's node.
    pub(crate) fn proxy(&self) -> Self {
        let number = 1_000_000 + self.number / ON_A_NODE;
        Self { number, namespace: "istio-system".into(), account: "ztunnel".into(), name: format!("ztunnel-{number}"), node: self.node.clone() }
    }

    fn uid(&self, kind: u8) -> String {
        format!("5d9c6b2e-52f2-44a4-8a9b-{kind:04x}{:08x}", self.number)
    }

    /// As `kubectl get pods -o json` has it.
    pub(crate) fn json(&self) -> Value {
        json!({
            "metadata": { "uid": self.uid(3), "namespace": self.namespace, "name": self.name },
            "spec": { "nodeName": self.node, "serviceAccountName": self.account },
            "status": { "phase": "Running" },
        })
    }
}
