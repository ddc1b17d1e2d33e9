use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use proptest::prelude::*;
use serde_json::json;

use super::super::testing::*;
use super::super::{Issuers, KeySet};
use crate::key::{Crypto, KeyAlgorithm};

static CLUSTERS: LazyLock<[Cluster; 2]> = LazyLock::new(|| [Cluster::rsa("west", 0), Cluster::generated("east", KeyAlgorithm::EcdsaP256)]);
static ISSUERS: LazyLock<Issuers> = LazyLock::new(|| issuers(&*CLUSTERS));

proptest! {
    #[test]
    fn any_text_is_refused_without_a_panic(text in ".{0,200}") {
        prop_assert!(verify(&ISSUERS, &text).is_err());
    }

    #[test]
    fn any_parts_are_refused_without_a_panic(header in any::<Vec<u8>>(), claims in any::<Vec<u8>>(), signature in any::<Vec<u8>>()) {
        let token = [header, claims, signature].map(|part| BASE64URL.encode(part)).join(".");
        prop_assert!(verify(&ISSUERS, &token).is_err());
    }

    #[test]
    fn any_document_is_read_or_refused_without_a_panic(bytes in any::<Vec<u8>>(), text in r#"\{"keys":\[\{("(kty|n|e|crv|x|y|kid|use)":("RSA"|"EC"|"AQAB"|"P-256"|1|null),?){0,6}\}\]\}"#) {
        for document in [bytes.as_slice(), text.as_bytes()] {
            if let Ok((keys, _)) = KeySet::from_jwks(document, &Crypto::ring()) {
                prop_assert!(keys.is_empty());
            }
        }
    }

    #[test]
    fn signed_nonsense_is_refused_without_a_panic(claim in prop::sample::select(vec!["aud", "iss", "sub", "iat", "exp", "kubernetes.io"]), number in any::<i64>(), text in ".{0,20}", which in 0..3) {
        let west = &CLUSTERS[1];
        let token = west.mint_claims(|claims| claims[claim] = match which { 0 => json!(number), 1 => json!(text), _ => json!([text]) });
        if let Ok(token) = verify(&ISSUERS, &token) {
            prop_assert_eq!(token.service_account(), "cart");
        }
    }
}

/// Every bit of a token counts: RSA and ECDSA alike. All of them, not a sample.
#[test]
fn no_bit_of_a_token_can_be_flipped() {
    for cluster in &*CLUSTERS {
        let token = cluster.mint();
        verify(&ISSUERS, &token).unwrap();
        for at in 0..token.len() {
            for bit in 0..8 {
                let mut bytes = token.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                if let Ok(changed) = String::from_utf8(bytes) {
                    assert!(verify(&ISSUERS, &changed).is_err(), "bit {bit} of character {at}");
                }
            }
        }
    }
}

/// A token cut or grown at any place is another one.
#[test]
fn no_part_of_a_token_can_be_left_out() {
    let token = CLUSTERS[0].mint();
    for at in 0..token.len() {
        assert!(verify(&ISSUERS, &token[..at]).is_err());
        assert!(verify(&ISSUERS, &token[at + 1..]).is_err());
    }
}

#[test]
fn no_error_holds_a_token_or_its_signature() {
    let west = &CLUSTERS[0];
    let stranger = Cluster::generated("west", KeyAlgorithm::EcdsaP256);
    let canary = "c4nary".repeat(20);
    let tokens = [
        west.mint_claims(|claims| claims["aud"] = json!(canary)),
        west.mint_claims(|claims| claims["sub"] = json!(canary)),
        west.mint_claims(|claims| claims["iss"] = json!(canary)),
        west.mint_claims(|claims| claims["exp"] = json!(canary)),
        west.mint_claims(|claims| claims["kubernetes.io"] = json!(canary)),
        west.mint_header(|header| header["alg"] = json!(canary)),
        west.mint_header(|header| header["kid"] = json!(canary)),
        west.mint_header(|header| header["typ"] = json!(canary)),
        west.sign_text(&format!("{{{canary}"), "{}"),
        west.sign_text(&west.header().to_string(), &format!("{{\"iss\":{canary}")),
        stranger.called(&west.kid).mint(),
        format!("{}!", west.mint()),
        format!("{}.{canary}", west.mint()),
        canary.clone(),
    ];
    for token in tokens {
        let error = verify(&ISSUERS, &token).unwrap_err();
        let said = format!("{error} {error:?}");
        // Some claims are shown, at most 60 characters of each.
        assert!(!said.contains(&canary[..61]), "{said}");
        for part in token.split('.') {
            assert!(part.len() < 16 || !said.contains(&part[..16]) || canary.starts_with(&part[..16]), "{said}");
        }
    }
}
