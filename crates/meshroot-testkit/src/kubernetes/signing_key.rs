use anyhow::{Context, Result, anyhow};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

/// An API server's key for service account tokens (`--service-account-signing-key-file`).
#[derive(Debug)]
pub struct SigningKey {
    pair: Pair,
    kid: String,
}

#[derive(Debug)]
enum Pair {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl SigningKey {
    /// Reads an unencrypted RSA key in PEM, which signs RS256.
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
        Ok(Self { pair: Pair::Rsa(pair), kid })
    }

    /// Makes a key on P-256, which signs ES256, under this name: quick to make, and never the same.
    ///
    /// # Errors
    /// When ring makes none.
    pub fn p256(kid: &str) -> Result<Self> {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(|e| anyhow!("ring makes no key: {e}"))?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random);
        Ok(Self { pair: Pair::P256(pair.map_err(|e| anyhow!("ring refuses the key: {e}"))?), kid: kid.into() })
    }

    /// Its name in tokens and key sets.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Its entry in the key set, with the members in the order in which API servers print them.
    pub fn jwk(&self) -> String {
        let number = |octets: &[u8]| BASE64URL.encode(octets);
        let kid = &self.kid;
        match &self.pair {
            Pair::Rsa(pair) => {
                let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                format!(r#"{{"use":"sig","kty":"RSA","kid":"{kid}","alg":"RS256","n":"{}","e":"{}"}}"#, number(&public.n), number(&public.e))
            }
            Pair::P256(pair) => {
                // 4, x, y (SEC 1 §2.3.3).
                let (x, y) = pair.public_key().as_ref().get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
                format!(r#"{{"use":"sig","kty":"EC","kid":"{kid}","crv":"P-256","alg":"ES256","x":"{}","y":"{}"}}"#, number(x), number(y))
            }
        }
    }

    /// A compact JWS over these claims.
    ///
    /// # Errors
    /// When ring does not sign.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        let algorithm = match &self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::P256(_) => "ES256",
        };
        let header = json!({ "alg": algorithm, "kid": self.kid });
        let message = format!("{}.{}", BASE64URL.encode(header.to_string()), BASE64URL.encode(claims.to_string()));
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).map(|()| signature)
            }
            Pair::P256(pair) => pair.sign(&random, message.as_bytes()).map(|signature| signature.as_ref().to_vec()),
        };
        let signature = signature.map_err(|e| anyhow!("signing failed: {e}"))?;
        Ok(format!("{message}.{}", BASE64URL.encode(signature)))
    }
}

/// The key set that has these keys, as `kubectl get --raw /openid/v1/jwks` prints it.
pub fn key_set<'a>(keys: impl IntoIterator<Item = &'a SigningKey>) -> String {
    let keys: Vec<_> = keys.into_iter().map(SigningKey::jwk).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}
