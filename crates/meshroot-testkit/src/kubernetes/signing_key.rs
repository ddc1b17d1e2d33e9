use anyhow::{Context, Result, anyhow};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::Value;

/// An API server's RSA key for service account tokens (`--service-account-signing-key-file`).
#[derive(Debug)]
pub struct SigningKey {
    pair: RsaKeyPair,
    kid: String,
}

impl SigningKey {
    /// Reads an unencrypted RSA key in PEM.
    ///
    /// # Errors
    /// When it is none, or one that ring does not sign with.
    pub fn from_pem(pem: &str) -> Result<Self> {
        let key = PrivateKey::from_pem(pem.as_bytes(), None, &Crypto::ring()).context("the key cannot be read")?;
        if !matches!(key.public_key().algorithm(), KeyAlgorithm::Rsa(_)) {
            return Err(anyhow!("the key is no RSA key"));
        }
        // As Kubernetes names a key: the digest of its SubjectPublicKeyInfo.
        let kid = BASE64URL.encode(digest(&SHA256, key.public_key().spki_der()));
        let pair = RsaKeyPair::from_pkcs8(key.pkcs8_der()).map_err(|e| anyhow!("ring refuses the key: {e}"))?;
        Ok(Self { pair, kid })
    }

    /// Its name in tokens and key sets.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its entry in the key set, with the members in the order in which API servers print them.
    pub(super) fn jwk(&self) -> String {
        let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(self.pair.public_key());
        let number = |octets: &[u8]| BASE64URL.encode(octets);
        format!(r#"{{"use":"sig","kty":"RSA","kid":"{}","alg":"RS256","n":"{}","e":"{}"}}"#, self.kid, number(&public.n), number(&public.e))
    }

    /// A compact JWS over these claims.
    pub(super) fn sign(&self, claims: &Value) -> Result<String> {
        let header = format!(r#"{{"alg":"RS256","kid":"{}"}}"#, self.kid);
        let message = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(claims.to_string()));
        let mut signature = vec![0; self.pair.public().modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).map_err(|e| anyhow!("signing failed: {e}"))?;
        Ok(format!("{message}.{}", BASE64URL.encode(signature)))
    }
}
