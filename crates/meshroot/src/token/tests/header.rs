use base64::Engine as _;
use base64::prelude::{BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD as BASE64URL};
use serde_json::{Value, json};

use super::super::testing::*;
use super::super::{Issuers, MAX_TOKEN_BYTES, TokenError};
use crate::key::{Crypto, KeyAlgorithm};

fn west() -> (Cluster, Issuers) {
    let west = Cluster::rsa("west", 0);
    let issuers = issuers(std::slice::from_ref(&west));
    (west, issuers)
}

#[test]
fn an_unsigned_token_is_nobodys() {
    let (west, issuers) = west();
    for name in ["none", "None", "NONE", "nOnE"] {
        let signed = west.mint_header(|header| header["alg"] = json!(name));
        let (message, _) = signed.rsplit_once('.').unwrap();
        for token in [signed.clone(), format!("{message}.")] {
            assert_eq!(verify(&issuers, &token).unwrap_err(), TokenError::Unsigned, "{name}");
        }
    }
    // An empty signature under an honest name is a bad one.
    let token = west.mint();
    let (message, _) = token.rsplit_once('.').unwrap();
    assert_eq!(verify(&issuers, &format!("{message}.")).unwrap_err(), TokenError::BadSignature);
}

#[test]
fn a_public_key_is_no_secret_to_sign_with() {
    let (west, issuers) = west();
    for name in ["HS256", "HS384", "HS512", "hs256"] {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, west.signer.public_key().spki_der());
        let message = format!("{}.{}", BASE64URL.encode(json!({"alg": name, "kid": west.kid}).to_string()), BASE64URL.encode(claims().to_string()));
        let token = format!("{message}.{}", BASE64URL.encode(ring::hmac::sign(&key, message.as_bytes())));
        assert_eq!(verify(&issuers, &token).unwrap_err(), TokenError::Symmetric, "{name}");
    }
}

#[test]
fn an_algorithm_that_kubernetes_does_not_use_is_refused() {
    let (west, issuers) = west();
    for name in ["RS384", "RS512", "PS256", "ES512", "EdDSA", "ES256K", "rs256", "RS256 ", "", "é"] {
        let token = west.mint_header(|header| header["alg"] = json!(name));
        assert_eq!(verify(&issuers, &token).unwrap_err().code(), "token.unsupported_algorithm", "{name}");
    }
    for alg in [json!(null), json!(256), json!(["RS256"])] {
        let token = west.mint_header(|header| header["alg"] = alg.clone());
        assert_eq!(verify(&issuers, &token).unwrap_err().code(), "token.bad_header", "{alg}");
    }
}

#[test]
fn a_token_does_not_choose_how_a_key_is_used() {
    let p384 = Cluster::generated("west", KeyAlgorithm::EcdsaP384);
    let issuers = issuers(std::slice::from_ref(&p384));
    verify(&issuers, &p384.mint()).unwrap();
    // ES256 belongs to P-256; X.509 would let a P-384 key sign with SHA-256.
    for name in ["ES256", "RS256"] {
        let token = p384.mint_header(|header| header["alg"] = json!(name));
        assert_eq!(verify(&issuers, &token).unwrap_err().code(), "token.unknown_key", "{name}");
        let jws = super::super::jws::Jws::parse(&token).unwrap();
        assert!(jws.algorithm.verify(p384.signer.public_key(), jws.message, &jws.signature, &Crypto::ring()).is_err());
    }
}

#[test]
fn a_critical_extension_is_refused() {
    let (west, issuers) = west();
    for (name, value) in [("crit", json!(["exp"])), ("crit", json!([])), ("b64", json!(false)), ("b64", json!(true))] {
        let token = west.mint_header(|header| header[name] = value.clone());
        assert_eq!(verify(&issuers, &token).unwrap_err(), TokenError::Critical, "{name}: {value}");
    }
}

#[test]
fn a_token_never_brings_its_own_key() {
    let (_, issuers) = west();
    let forger = Cluster::generated("west", KeyAlgorithm::EcdsaP256);
    for (name, value) in [
        ("jwk", bare_jwk(forger.signer.public_key())),
        ("jku", json!("https://forger.example/jwks")),
        ("x5u", json!("https://forger.example/chain")),
        ("x5c", json!(["MIIB"])),
    ] {
        let token = forger.mint_header(|header| header[name] = value);
        assert_eq!(verify(&issuers, &token).unwrap_err(), TokenError::KeyInHeader(name));
    }
    // What only describes a key is not looked at.
    let token = forger.mint_header(|header| header["x5t"] = json!("AAAA"));
    assert_eq!(verify(&issuers, &token).unwrap_err().code(), "token.unknown_key");
}

#[test]
fn another_kind_of_jwt_is_no_service_account_token() {
    let (west, issuers) = west();
    for fine in [json!("JWT"), json!("jwt")] {
        verify(&issuers, &west.mint_header(|header| header["typ"] = fine)).unwrap();
    }
    for other in ["at+jwt", "dpop+jwt", "JOSE", ""] {
        let token = west.mint_header(|header| header["typ"] = json!(other));
        assert_eq!(verify(&issuers, &token).unwrap_err().code(), "token.wrong_type", "{other}");
    }
    let token = west.mint_header(|header| header["typ"] = json!(1));
    assert_eq!(verify(&issuers, &token).unwrap_err().code(), "token.bad_header");
}

#[test]
fn one_token_has_one_text() {
    let (west, issuers) = west();
    let token = west.mint();
    verify(&issuers, &token).unwrap();
    let parts: Vec<_> = token.split('.').collect();
    let padded = |part: &str| BASE64_URL_SAFE.encode(BASE64URL.decode(part).unwrap());
    let with = |header: &str, claims: &str, signature: &str| verify(&issuers, &format!("{header}.{claims}.{signature}")).unwrap_err();
    // 256 bytes of RSA leave padding, and unused bits in the last character.
    assert!(padded(parts[2]).ends_with('='));
    assert_eq!(with(parts[0], parts[1], &padded(parts[2])), TokenError::Base64 { part: "signature" });
    let last = parts[2].chars().last().unwrap();
    let next = char::from(u8::try_from(u32::from(last)).unwrap() + 1);
    let other = format!("{}{next}", &parts[2][..parts[2].len() - 1]);
    assert_eq!(with(parts[0], parts[1], &other), TokenError::Base64 { part: "signature" });
    assert_eq!(with(parts[0], &format!("{}=", parts[1]), parts[2]), TokenError::Base64 { part: "claims" });
    assert_eq!(with(&format!("{} ", parts[0]), parts[1], parts[2]), TokenError::Base64 { part: "header" });
    assert_eq!(with(&format!("{}\n", parts[0]), parts[1], parts[2]), TokenError::Base64 { part: "header" });
    assert_eq!(with("+/+/", parts[1], parts[2]), TokenError::Base64 { part: "header" });
    for around in [format!(" {token}"), format!("{token}\n"), format!("Bearer {token}")] {
        assert_eq!(verify(&issuers, &around).unwrap_err().code(), "token.base64", "{}", around.len());
    }
}

#[test]
fn three_parts_make_a_token() {
    let (west, issuers) = west();
    let token = west.mint();
    let parts = |text: &str| match verify(&issuers, text).unwrap_err() {
        TokenError::NotCompact { parts } => parts,
        other => panic!("{other}"),
    };
    assert_eq!((parts(""), parts("a.b"), parts("a.b.c.d"), parts("a.b.c.d.e")), (1, 2, 4, 5));
    assert_eq!(parts(&format!("{token}.")), 4);
    // The JSON serialization of a JWS (RFC 7515 §7.2) is not read, whatever its signatures.
    assert_eq!(parts(&json!({"payload": "e30", "signatures": []}).to_string()), 1);
    assert!(TokenError::NotCompact { parts: 5 }.to_string().contains("encrypted"));
}

#[test]
fn a_member_that_is_there_twice_refuses_the_token() {
    let (west, issuers) = west();
    let (header, claims) = (west.header().to_string(), claims().to_string());
    let twice = |text: &str, member: &str| text.replacen('{', &format!("{{{member},"), 1);
    for (header, claims, part) in [
        (twice(&header, r#""alg":"RS256""#), claims.clone(), "header"),
        (twice(&header, r#""x":1,"x":2"#), claims.clone(), "header"),
        (header.clone(), twice(&claims, r#""sub":"system:serviceaccount:kube-system:admin""#), "claims"),
        (header.clone(), claims.replace(r#""namespace":"shop""#, r#""namespace":"kube-system","namespace":"shop""#), "claims"),
        // The same name in other characters.
        (header.clone(), twice(&claims, r#""\u0073ub":"system:serviceaccount:kube-system:admin""#), "claims"),
    ] {
        assert_eq!(verify(&issuers, &west.sign_text(&header, &claims)).unwrap_err(), TokenError::DuplicateMember { part });
    }
}

#[test]
fn what_is_no_json_object_is_refused() {
    let (west, issuers) = west();
    let good = claims().to_string();
    for bad in ["", "[]", "null", "{", "{}{}", "\"\"", "{\"a\":\"\\ud800\"}"] {
        assert_eq!(verify(&issuers, &west.sign_text(bad, &good)).unwrap_err().code(), "token.json", "header {bad}");
        assert_eq!(verify(&issuers, &west.sign_text(&west.header().to_string(), bad)).unwrap_err().code(), "token.json", "claims {bad}");
    }
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(verify(&issuers, &west.sign_text(&west.header().to_string(), &deep)).unwrap_err().code(), "token.json");
}

#[test]
fn a_long_token_is_not_read() {
    let (west, issuers) = west();
    let padded = |length: usize| {
        let token = west.mint_claims(|claims| claims["filler"] = json!("x".repeat(length)));
        (token.len(), verify(&issuers, &token).map(|_| ()))
    };
    let (mut length, mut fits) = (0, 0);
    while fits < MAX_TOKEN_BYTES - 4 {
        fits = padded(length).0;
        length += ((MAX_TOKEN_BYTES - fits) * 3 / 4).max(1);
    }
    assert_eq!(padded(length - 8).1, Ok(()));
    let (found, verdict) = padded(length + 8);
    assert_eq!(verdict, Err(TokenError::TooLong { found }));
}

#[test]
fn a_long_key_id_is_refused() {
    let (west, issuers) = west();
    let named = |kid: Value| verify(&issuers, &west.mint_header(|header| header["kid"] = kid)).unwrap_err().code();
    assert_eq!(named(json!("k".repeat(1024))), "token.unknown_key");
    assert_eq!(named(json!("k".repeat(1025))), "token.bad_header");
    assert_eq!(named(json!(7)), "token.bad_header");
}
