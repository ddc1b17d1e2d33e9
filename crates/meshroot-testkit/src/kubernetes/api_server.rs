use std::time::Duration;

use anyhow::Result;
use meshroot::time::Timestamp;
use serde_json::{Value, json};

use super::pod::{Pod, uid};
use super::signing_key::{SigningKey, key_set};

/// What every API server calls itself unless told otherwise; so do all those of a mesh.
pub const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// A cluster's API server.
#[derive(Debug)]
pub struct ApiServer {
    issuer: String,
    /// The first one signs; all of them are published.
    keys: Vec<SigningKey>,
}

/// What a kubelet asks for, by the `serviceAccountToken` volume of a pod.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// `audience`.
    pub audience: String,
    /// `expirationSeconds`.
    pub lifetime: Duration,
    /// When the token is made.
    pub at: Timestamp,
}

impl TokenRequest {
    /// As Istio's charts ask for `istio-token`: audience `istio-ca`, twelve hours.
    pub fn istio(at: Timestamp) -> Self {
        Self { audience: "istio-ca".into(), lifetime: Duration::from_secs(43_200), at }
    }

    /// For another audience.
    #[must_use]
    pub fn for_audience(self, audience: &str) -> Self {
        Self { audience: audience.into(), ..self }
    }
}

impl ApiServer {
    /// An API server with this signing key, which calls itself [`ISSUER`].
    pub fn new(key: SigningKey) -> Self {
        Self { issuer: ISSUER.into(), keys: vec![key] }
    }

    /// The same under another name (`--service-account-issuer`).
    #[must_use]
    pub fn calling_itself(self, issuer: &str) -> Self {
        Self { issuer: issuer.into(), ..self }
    }

    /// What it calls itself.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Signs with this key from now on. The older ones stay in the key set, since tokens by them are still around.
    pub fn rotate(&mut self, key: SigningKey) {
        self.keys.insert(0, key);
    }

    /// Takes the older keys out of the key set (`--service-account-key-file`): tokens by them are worth nothing any more.
    pub fn retire_older_keys(&mut self) {
        self.keys.truncate(1);
    }

    /// The key set, as `kubectl get --raw /openid/v1/jwks` prints it.
    pub fn jwks(&self) -> String {
        key_set(&self.keys)
    }

    /// The token that a pod finds mounted.
    ///
    /// # Errors
    /// When ring does not sign.
    pub fn token(&self, pod: &Pod, request: &TokenRequest) -> Result<String> {
        self.token_with(pod, request, |_| ())
    }

    /// The same after a change to its claims, as no API server would sign it.
    ///
    /// # Errors
    /// When ring does not sign.
    pub fn token_with(&self, pod: &Pod, request: &TokenRequest, change: impl FnOnce(&mut Value)) -> Result<String> {
        let at = request.at.unix();
        let expires = request.at.plus(request.lifetime).unix();
        // The token for the API server itself lives longer than it was asked for, and says when a client should have fetched a new one.
        let extended = request.audience == self.issuer && request.lifetime == Duration::from_secs(3_607);
        let kubernetes = pod.claims(extended.then_some(expires));
        let expires = if extended { request.at.plus(Duration::from_secs(31_536_000)).unix() } else { expires };
        let mut claims = json!({
            "aud": [request.audience],
            "exp": expires,
            "iat": at,
            "iss": self.issuer,
            "jti": uid(&["token", &pod.uid, &request.audience, &at.to_string(), self.keys.first().map_or("", SigningKey::kid)]),
            "kubernetes.io": kubernetes,
            "nbf": at,
            "sub": format!("system:serviceaccount:{}:{}", pod.namespace, pod.service_account),
        });
        change(&mut claims);
        let key = self.keys.first().ok_or_else(|| anyhow::anyhow!("an API server always has a key"))?;
        key.sign(&claims)
    }
}
