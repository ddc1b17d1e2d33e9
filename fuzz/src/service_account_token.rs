use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use meshroot::hierarchy::ClusterName;
use meshroot::key::Crypto;
use meshroot::spiffe::SpiffeId;
use meshroot::time::Timestamp;
use meshroot::token::{ClusterIssuer, Expected, Issuers, KeySet, ServiceAccountToken};
use serde_json::Value;

use crate::credulous::Credulous;
use crate::{NOW, assert_code};

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const AUDIENCE: &str = "istio-ca";
const CODES: [&str; 3] = ["token", "bundle", "key"];

struct World {
    issuers: Issuers,
    /// The only tokens that exist: the keys behind them were thrown away.
    tokens: Vec<String>,
    honest: Crypto,
    credulous: Crypto,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let honest = Crypto::ring();
    let made: Value = serde_json::from_str(include_str!("../../crates/meshroot/testdata/token/go-jose.json")).unwrap();
    let (mut clusters, mut tokens) = (Vec::new(), Vec::new());
    // The fourth signs with ES512, which nobody here verifies.
    for made in &made["clusters"].as_array().unwrap()[..3] {
        let (keys, ignored) = KeySet::from_jwks(made["jwks"].to_string().as_bytes(), &honest).unwrap();
        assert_eq!(ignored, []);
        let cluster = ClusterName::parse(made["cluster"].as_str().unwrap()).unwrap();
        clusters.push(ClusterIssuer { cluster, issuer: ISSUER.into(), keys });
        tokens.push(made["token"].as_str().unwrap().to_owned());
    }
    World { issuers: Issuers::new(clusters).0, tokens, honest, credulous: Credulous::new().crypto() }
});

/// Any text is a token or not. Nobody can sign, so only what was signed is ever accepted; where signatures are believed, what
/// is accepted obeys every rule as a naive second reading sees it, and its names make one SPIFFE ID of four parts. No error depends
/// on what a signature is. Behind `!`, a first line is a header and the rest are claims, so that base64 is in nobody's way. The same bytes are also
/// read as a key set.
pub fn service_account_token(data: &[u8]) {
    let World { issuers, tokens, honest, credulous } = &*WORLD;
    let (expected, now) = (Expected::audience(AUDIENCE), Timestamp::from_unix(NOW));
    key_set(data);
    let token = match data.strip_prefix(b"!") {
        Some(parts) => {
            let end = parts.iter().position(|byte| *byte == b'\n').unwrap_or(parts.len());
            let (header, claims) = parts.split_at(end);
            let signature = [7u8; 64];
            [header, claims.get(1..).unwrap_or_default(), &signature].map(|part| BASE64URL.encode(part)).join(".")
        }
        None => match core::str::from_utf8(data) {
            Ok(text) => text.to_owned(),
            Err(_) => return,
        },
    };
    let other = with_another_signature(&token);
    for (crypto, believes) in [(honest, false), (credulous, true)] {
        match issuers.verify(&token, &expected, crypto, now) {
            // An ECDSA signature has a second valid form, so only what is signed has to be the same.
            Ok(_) if !believes => assert!(tokens.iter().any(|known| signed(known) == signed(&token)), "a forged token was accepted"),
            Ok(read) => obeys_the_rules(&token, &read),
            Err(e) => {
                assert_code(e.code(), &CODES);
                let said = format!("{e} {e:?}");
                // The claims may hold the signature's own text, and be told: so what is looked at is whether the signature makes a difference.
                if let Some(Err(other)) = other.as_ref().map(|other| issuers.verify(other, &expected, crypto, now)) {
                    assert!(other.code() != e.code() || said == format!("{other} {other:?}"), "{said}");
                }
                assert!(said.len() < 8_000, "{} bytes of message", said.len());
            }
        }
    }
}

/// The same header and claims with another signature of the same length, which can be decoded if this one can. What is no token of three
/// parts has no signature to hide.
fn with_another_signature(token: &str) -> Option<String> {
    let (signed, signature) = token.rsplit_once('.')?;
    let other = if BASE64URL.decode(signature).is_ok() { "A" } else { "!" };
    (signed.split('.').count() == 2).then(|| format!("{signed}.{}", other.repeat(signature.len())))
}

fn signed(token: &str) -> &str {
    token.rsplit_once('.').map_or("", |(signed, _)| signed)
}

fn obeys_the_rules(token: &str, read: &ServiceAccountToken) {
    let parts: Vec<_> = token.split('.').collect();
    assert_eq!(parts.len(), 3);
    let [header, claims]: [Value; 2] = [0, 1].map(|part| serde_json::from_slice(&BASE64URL.decode(parts[part]).expect("base64url")).expect("JSON"));
    let algorithm = match read.cluster().as_str() {
        "west" => "RS256",
        "east" => "ES256",
        _ => "ES384",
    };
    assert_eq!(header["alg"], algorithm, "a key was used in another way than its cluster does");
    assert!(["crit", "b64", "jwk", "jku", "x5u", "x5c"].iter().all(|member| header.get(member).is_none()));
    assert_eq!(claims["iss"], ISSUER);
    assert!(claims["aud"] == AUDIENCE || claims["aud"].as_array().is_some_and(|all| all.iter().any(|one| one == AUDIENCE)));
    let time = |claim: &str| claims[claim].as_i64().expect("a whole number");
    assert!(NOW < time("exp") + 30 && NOW + 30 >= time("iat") && time("iat") < time("exp"));
    assert!(claims["nbf"].is_null() || NOW + 30 >= time("nbf"));
    assert!(time("exp") - time("iat") <= 48 * 3600 && NOW - time("iat") <= 25 * 3600 + 30);
    let account = &claims["kubernetes.io"];
    assert_eq!(account["namespace"], read.namespace());
    assert_eq!(account["serviceaccount"]["name"], read.service_account());
    assert_eq!(account["serviceaccount"]["uid"], read.service_account_uid());
    assert_eq!(claims["sub"], format!("system:serviceaccount:{}:{}", read.namespace(), read.service_account()));
    assert_eq!(account.get("pod").is_some_and(|pod| !pod.is_null()), read.pod().is_some());
    let id = format!("spiffe://mesh.example/ns/{}/sa/{}", read.namespace(), read.service_account());
    assert_eq!(SpiffeId::parse(&id).expect("its names fit into an ID").path().split('/').count(), 5);
}

fn key_set(data: &[u8]) {
    match KeySet::from_jwks(data, &WORLD.honest) {
        Ok((keys, ignored)) => {
            assert!(keys.len() + ignored.len() <= 64);
            ignored.iter().for_each(|ignored| assert_code(ignored.reason.code(), &CODES));
            assert!(keys.changes_since(&keys).is_empty());
            assert_eq!(keys.joined_with(&keys), keys);
        }
        Err(e) => assert_code(e.code(), &CODES),
    }
}
