//! Keys for odd certificates. Fresh P-256 keys by name; the other kinds are the throw-away keys of `fixtures/keys`.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};

use super::der::{bits, oid, seq, tlv};
use crate::fixtures;

/// A key that signs certificates and that a TLS client can use.
pub struct Key {
    /// What the cases call it.
    pub name: String,
    /// SubjectPublicKeyInfo.
    pub spki: Vec<u8>,
    /// PKCS#8.
    pub pkcs8: Vec<u8>,
    signer: Signing,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

enum Signing {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
    /// ring does not sign with it.
    Outside,
}

/// How a certificate is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the algorithms'")]
pub enum Algorithm {
    EcdsaSha1,
    EcdsaSha256,
    EcdsaSha384,
    EcdsaSha512,
    Ed25519,
    RsaSha1,
    RsaSha256,
    RsaPssSha256,
}

impl Algorithm {
    /// AlgorithmIdentifier.
    pub fn identifier(self) -> Vec<u8> {
        let null = [0x05, 0x00];
        match self {
            Self::EcdsaSha1 => seq(&[&oid("1.2.840.10045.4.1")]),
            Self::EcdsaSha256 => seq(&[&oid("1.2.840.10045.4.3.2")]),
            Self::EcdsaSha384 => seq(&[&oid("1.2.840.10045.4.3.3")]),
            Self::EcdsaSha512 => seq(&[&oid("1.2.840.10045.4.3.4")]),
            Self::Ed25519 => seq(&[&oid("1.3.101.112")]),
            Self::RsaSha1 => seq(&[&oid("1.2.840.113549.1.1.5"), &null]),
            Self::RsaSha256 => seq(&[&oid("1.2.840.113549.1.1.11"), &null]),
            Self::RsaPssSha256 => {
                let sha256 = seq(&[&oid("2.16.840.1.101.3.4.2.1"), &null]);
                let mgf = seq(&[&oid("1.2.840.113549.1.1.8"), &sha256]);
                let parameters = seq(&[&tlv(0xa0, &sha256), &tlv(0xa1, &mgf), &tlv(0xa2, &[2, 1, 32])]);
                seq(&[&oid("1.2.840.113549.1.1.10"), &parameters])
            }
        }
    }

    fn openssl_digest(self) -> &'static str {
        match self {
            Self::EcdsaSha1 | Self::RsaSha1 => "-sha1",
            Self::EcdsaSha384 => "-sha384",
            Self::EcdsaSha512 => "-sha512",
            _ => "-sha256",
        }
    }
}

impl Key {
    /// A P-256 key, made when its name is first used.
    pub fn p256(name: &str) -> &'static Self {
        static MADE: LazyLock<Mutex<HashMap<String, &'static Key>>> = LazyLock::new(Mutex::default);
        MADE.lock().unwrap().entry(name.to_owned()).or_insert_with(|| {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new()).unwrap();
            Box::leak(Box::new(Self::from_pkcs8(name, pkcs8.as_ref().to_vec())))
        })
    }

    /// A throw-away key of `fixtures/keys`, by its kind: `p256`, `p384`, `p521`, `ed25519`, `rsa1024`, `rsa2048`, `rsa4096`, `secp256k1`.
    pub fn fixture(kind: &str) -> &'static Self {
        static READ: LazyLock<Mutex<HashMap<String, &'static Key>>> = LazyLock::new(Mutex::default);
        READ.lock().unwrap().entry(kind.to_owned()).or_insert_with(|| {
            let file = format!("keys/{kind}-pkcs8{}.pem", if kind == "ed25519" { "-v1" } else { "" });
            Box::leak(Box::new(Self::from_pkcs8(kind, unarmor(&fixtures::bytes(&file)))))
        })
    }

    fn from_pkcs8(name: &str, pkcs8: Vec<u8>) -> Self {
        let random = SystemRandom::new();
        let ec = |curve: &str, point: &[u8]| seq(&[&seq(&[&oid("1.2.840.10045.2.1"), &oid(curve)]), &bits(point)]);
        let (signer, spki) = if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &pkcs8, &random) {
            let spki = ec("1.2.840.10045.3.1.7", pair.public_key().as_ref());
            (Signing::Ec(pair), spki)
        } else if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P384_SHA384_ASN1_SIGNING, &pkcs8, &random) {
            let spki = ec("1.3.132.0.34", pair.public_key().as_ref());
            (Signing::Ec(pair), spki)
        } else if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8) {
            let spki = seq(&[&seq(&[&oid("1.3.101.112")]), &bits(pair.public_key().as_ref())]);
            (Signing::Ed(pair), spki)
        } else if let Ok(pair) = RsaKeyPair::from_pkcs8(&pkcs8) {
            let spki = seq(&[&seq(&[&oid("1.2.840.113549.1.1.1"), &[5, 0]]), &bits(pair.public_key().as_ref())]);
            (Signing::Rsa(Box::new(pair)), spki)
        } else {
            (Signing::Outside, unarmor(&fixtures::bytes(&format!("views/{name}.pub.pem"))))
        };
        Self { name: name.to_owned(), spki, pkcs8, signer }
    }

    /// Its key identifier: SHA-1 of the SPKI, which is as good as RFC 5280's method (1).
    pub fn identifier(&self) -> Vec<u8> {
        digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.spki).as_ref().to_vec()
    }

    /// The private key, in PEM.
    pub fn pem(&self) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(&self.pkcs8))
    }

    /// The usual algorithm of such a key.
    pub fn algorithm(&self) -> Algorithm {
        match (&self.signer, self.name.as_str()) {
            (Signing::Ec(_), "p384") => Algorithm::EcdsaSha384,
            (Signing::Ed(_), _) => Algorithm::Ed25519,
            (Signing::Rsa(_), _) | (Signing::Outside, "rsa1024") => Algorithm::RsaSha256,
            (Signing::Outside, "p521") => Algorithm::EcdsaSha512,
            _ => Algorithm::EcdsaSha256,
        }
    }

    /// Signs. What ring does not do was signed by OpenSSL once and is kept in `fixtures/views/signatures.json`.
    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match (&self.signer, algorithm) {
            (Signing::Ec(pair), usual) if usual == self.algorithm() => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            (Signing::Ed(pair), Algorithm::Ed25519) => pair.sign(message).as_ref().to_vec(),
            (Signing::Rsa(pair), Algorithm::RsaSha256 | Algorithm::RsaPssSha256) => {
                let padding: &dyn signature::RsaEncoding =
                    if algorithm == Algorithm::RsaSha256 { &signature::RSA_PKCS1_SHA256 } else { &signature::RSA_PSS_SHA256 };
                let mut out = vec![0; pair.public().modulus_len()];
                pair.sign(padding, &random, message, &mut out).unwrap();
                out
            }
            _ => self.signed_outside(algorithm, message),
        }
    }

    fn signed_outside(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        static LOCK: Mutex<()> = Mutex::new(());
        let _one = LOCK.lock().unwrap();
        let path = fixtures::path("views/signatures.json");
        let mut kept: std::collections::BTreeMap<String, String> = serde_json::from_slice(&std::fs::read(&path).unwrap_or(b"{}".to_vec())).unwrap();
        let hex: String = digest(&SHA256, message).as_ref().iter().map(|b| format!("{b:02x}")).collect();
        let label = format!("{} {algorithm:?} {hex}", self.name);
        if let Some(signature) = kept.get(&label) {
            return STANDARD.decode(signature).unwrap();
        }
        assert!(
            std::env::var_os("MESHROOT_RECORD").is_some(),
            "{label}: fixtures/views/signatures.json has no such signature: run this with MESHROOT_RECORD=1 (it asks openssl)"
        );
        let folder = tempfile::tempdir().unwrap();
        let [key, tbs] = [("key.pem", self.pem().into_bytes()), ("tbs", message.to_vec())].map(|(name, bytes)| {
            let file = folder.path().join(name);
            std::fs::write(&file, bytes).unwrap();
            file
        });
        let out = std::process::Command::new("openssl").args(["dgst", algorithm.openssl_digest(), "-sign"]).arg(key).arg(tbs).output().unwrap();
        assert!(out.status.success(), "{label}: {}", String::from_utf8_lossy(&out.stderr));
        kept.insert(label, STANDARD.encode(&out.stdout));
        std::fs::write(&path, serde_json::to_string_pretty(&kept).unwrap() + "\n").unwrap();
        out.stdout
    }
}

fn unarmor(pem: &[u8]) -> Vec<u8> {
    let text: String = String::from_utf8_lossy(pem).lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(text).unwrap()
}
