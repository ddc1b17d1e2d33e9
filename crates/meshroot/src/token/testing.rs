//! Clusters that mint tokens as Kubernetes does, for the tests of this module.
#![allow(clippy::arithmetic_side_effects, reason = "the numbers are those written here")]

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};

use super::{ClusterIssuer, Expected, Issuers, KeySet, ServiceAccountToken, TokenError};
use crate::bundle::jwk::PublicJwk;
use crate::hierarchy::ClusterName;
use crate::key::{Crypto, KeyAlgorithm, PrivateKey, PublicKey, Signer};
use crate::time::Timestamp;
use crate::x509::reader::DerReader;

/// 2026-11-22T12:00:00Z
pub(super) const NOW: Timestamp = Timestamp::from_unix(1_795_348_800);
/// What every API server calls itself unless told otherwise.
pub(super) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
pub(super) const AUDIENCE: &str = "meshroot";

pub(super) const RSA: [&[u8]; 3] = [
    include_bytes!("../../testdata/keys/rsa2048-pkcs8.pem"),
    include_bytes!("../../testdata/token/rsa-east.pem"),
    include_bytes!("../../testdata/token/rsa-north.pem"),
];

/// A cluster with a key of its own.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) name: ClusterName,
    pub(super) signer: Arc<dyn Signer>,
    /// What its key set and its tokens call the key.
    pub(super) kid: String,
    pub(super) alg: &'static str,
}

impl Cluster {
    pub(super) fn rsa(name: &str, which: usize) -> Self {
        Self::new(name, &PrivateKey::from_pem(RSA[which], None, &Crypto::ring()).unwrap())
    }

    pub(super) fn generated(name: &str, algorithm: KeyAlgorithm) -> Self {
        Self::new(name, &PrivateKey::generate(algorithm, &Crypto::ring()).unwrap())
    }

    fn new(name: &str, key: &PrivateKey) -> Self {
        let crypto = Crypto::ring();
        let signer = key.signer(&crypto).unwrap();
        let alg = match signer.public_key().algorithm() {
            KeyAlgorithm::EcdsaP256 => "ES256",
            KeyAlgorithm::EcdsaP384 => "ES384",
            KeyAlgorithm::Ed25519 => "EdDSA",
            KeyAlgorithm::Rsa(_) => "RS256",
        };
        let kid = BASE64URL.encode(crypto.sha256(signer.public_key().spki_der()));
        Self { name: ClusterName::parse(name).unwrap(), signer, kid, alg }
    }

    pub(super) fn called(self, kid: &str) -> Self {
        Self { kid: kid.into(), ..self }
    }

    pub(super) fn jwk(&self) -> Value {
        let mut jwk = bare_jwk(self.signer.public_key());
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.alg);
        jwk["kid"] = json!(self.kid);
        jwk
    }

    pub(super) fn keys(&self) -> KeySet {
        key_set(&[self.jwk()])
    }

    pub(super) fn issuer(&self) -> ClusterIssuer {
        ClusterIssuer { cluster: self.name.clone(), issuer: ISSUER.into(), keys: self.keys() }
    }

    pub(super) fn header(&self) -> Value {
        json!({ "alg": self.alg, "kid": self.kid })
    }

    /// A token of the pod that runs `shop/cart`.
    pub(super) fn mint(&self) -> String {
        self.sign(&self.header(), &claims())
    }

    pub(super) fn mint_claims(&self, edit: impl FnOnce(&mut Value)) -> String {
        let mut claims = claims();
        edit(&mut claims);
        self.sign(&self.header(), &claims)
    }

    pub(super) fn mint_header(&self, edit: impl FnOnce(&mut Value)) -> String {
        let mut header = self.header();
        edit(&mut header);
        self.sign(&header, &claims())
    }

    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    /// Signs what no honest cluster would.
    pub(super) fn sign_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", BASE64URL.encode(header), BASE64URL.encode(claims));
        let signature = self.signer.sign(message.as_bytes()).unwrap();
        let signature = match self.signer.public_key().algorithm() {
            KeyAlgorithm::EcdsaP256 => raw_ecdsa(&signature, 32),
            KeyAlgorithm::EcdsaP384 => raw_ecdsa(&signature, 48),
            _ => signature,
        };
        format!("{message}.{}", BASE64URL.encode(signature))
    }
}

pub(super) fn claims() -> Value {
    let now = NOW.unix();
    json!({
        "aud": [AUDIENCE], "iss": ISSUER, "sub": "system:serviceaccount:shop:cart",
        "iat": now - 60, "nbf": now - 60, "exp": now + 3600, "jti": "b1d0a6a8-3c0e-4f0e-9d3a-0a5f8d5b7a11",
        "kubernetes.io": {
            "namespace": "shop",
            "serviceaccount": { "name": "cart", "uid": "6e2b1c9e-9a1b-4a63-9f38-1d6d1e4f3c55" },
            "pod": { "name": "cart-5d8f7c9b6-x2x7p", "uid": "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9" },
            "node": { "name": "worker-1.west.example", "uid": "5b0e6a53-7c7e-4b1e-8f51-3d6a0a7f9e10" },
        },
    })
}

/// The members of the key alone.
pub(super) fn bare_jwk(key: &PublicKey) -> Value {
    let public = PublicJwk::of(key).unwrap();
    serde_json::from_str(&format!(r#"{{"kty":"{}",{}}}"#, public.key_type(), public.members())).unwrap()
}

pub(super) fn key_set(keys: &[Value]) -> KeySet {
    let (set, ignored) = KeySet::from_jwks(json!({ "keys": keys }).to_string().as_bytes(), &Crypto::ring()).unwrap();
    assert_eq!(ignored, []);
    set
}

/// Three clusters with three keys and one issuer string, as three `kubeadm init` make them.
pub(super) fn three() -> [Cluster; 3] {
    [Cluster::rsa("west", 0), Cluster::rsa("east", 1), Cluster::rsa("north", 2)]
}

pub(super) fn issuers(clusters: &[Cluster]) -> Issuers {
    Issuers::new(clusters.iter().map(Cluster::issuer).collect()).0
}

pub(super) fn expected() -> Expected {
    Expected::audience(AUDIENCE).with_leeway(Duration::from_secs(10))
}

pub(super) fn verify(issuers: &Issuers, token: &str) -> Result<ServiceAccountToken, TokenError> {
    issuers.verify(token, &expected(), &Crypto::ring(), NOW)
}

/// From an `ECDSA-Sig-Value` to `r ‖ s`.
fn raw_ecdsa(der: &[u8], field: usize) -> Vec<u8> {
    let mut numbers = DerReader::new(der).required(0x30).unwrap().inside();
    let mut raw = vec![];
    for _ in 0..2 {
        let number = numbers.required(0x02).unwrap().content;
        let digits: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        raw.extend(vec![0; field.checked_sub(digits.len()).unwrap()]);
        raw.extend(digits);
    }
    raw
}
