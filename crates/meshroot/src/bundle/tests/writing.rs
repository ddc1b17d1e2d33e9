use proptest::prelude::*;

use crate::bundle::testing::{Kind, bundle, ca, certificate_with, domain, jwt_key};
use crate::bundle::{Bundle, JwtAuthority, Limits};
use crate::x509::Certificate;

/// Self-signed, CA:TRUE, made by OpenSSL.
const RSA_ROOT: &str = "MIIDGTCCAgGgAwIBAgIUVU2if9g3lJPzasB9vCIYNYE7S+8wDQYJKoZIhvcNAQELBQAwEzERMA8GA1UEAwwIcnNhLXJvb3QwIBcNMjYxMTIyMTc1MTE5WhgPMjEyNjEwMjkxNzUxMTlaMBMxETAPBgNVBAMMCHJzYS1yb290MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0LfS4vGe7i0EM6zmjOqlLXr+U+w0mpicdcVD+j4DJTOC0lik3d7O+C4toH03/obf2YTxdXO0rahdiI/Y/yhgDt3tMd3qVBWhGuezrKg7QxijVoFaLTyZmArL5QiEMJV25kfrxeAkxCK0e8nyBJaka6TKmMC54yThRzw+Fpn4QXhajbEsDTdXqR7XMCb8zOcbrB7S59A3OtM0BNkjnikLJsnFHxsX4Sb3AB3lAPk1EIWpSXFFl5wxENV57qIH6nqnf/TpjFKJndkf9pHTavQCCyw38xWmHMLyC+IHhwVM2GE7mHEBuLwckGtNx+CJqr6o6sx/FfPsBo5tHL2e1iR1NwIDAQABo2MwYTAdBgNVHQ4EFgQUEpTxILxu0lnb1Op7bjEhRLNvvOIwHwYDVR0jBBgwFoAUEpTxILxu0lnb1Op7bjEhRLNvvOIwDwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwDQYJKoZIhvcNAQELBQADggEBAI9zj1NvV0uoVM1C/W9fa/d5m9X1p7q4xCCM5l/C4ICp5rjn/zJSzJapXpBCb60DYsgEE39qnrdrdeJTnJFhjTEnVtwcWhmr1+v6ZaJaNwwISwAJ7g8sAEW/JWNn0MNZMzl3GaAlhYbeRhoidoszWpm2jVm0h1dxl9JZfzdk/Smwu+EontLgPsBDEv/y1Vq+oFQAItDCwm2abaYkq11fLRdScSijP9xnuL6/L0SnNtC1leQDYURf1+64mJgiaeioJEn05yDeRhey2n8uEEz/fKJbd1ZBZDZw5UZ9mL2QYpFRNIFGCWkplFznVK+Q3IiwDj08AlDK/NMf8hOrrIEjDCI=";

fn authorities() -> Vec<Certificate> {
    use base64::Engine as _;
    let rsa = base64::prelude::BASE64_STANDARD.decode(RSA_ROOT).unwrap();
    vec![
        ca("p256"),
        certificate_with("p384", Kind::Ca, &rcgen::PKCS_ECDSA_P384_SHA384),
        certificate_with("ed25519", Kind::Ca, &rcgen::PKCS_ED25519),
        Certificate::from_der(&rsa).unwrap(),
    ]
}

#[test]
fn every_kind_of_key_comes_back_from_its_own_document() {
    let written = bundle(&authorities())
        .with_refresh_hint(std::time::Duration::from_secs(300))
        .with_jwt_authorities([JwtAuthority::from_jwk_json(jwt_key("\"a\\\u{1}").replace("\"\"a\\\u{1}\"", r#""\"a\\\u0001""#).as_bytes()).unwrap()])
        .unwrap();
    let (read, ignored) = Bundle::from_spiffe_json(domain(), written.to_spiffe_json().as_bytes(), &Limits::default()).unwrap();
    assert_eq!(ignored, []);
    assert_eq!(read, written);
    assert_eq!(read.to_spiffe_json(), written.to_spiffe_json());
}

#[test]
fn the_document_has_exactly_the_members_of_the_standard() {
    let document: serde_json::Value =
        serde_json::from_str(&bundle(&authorities()).with_refresh_hint(std::time::Duration::from_secs(300)).to_spiffe_json()).unwrap();
    assert_eq!(document["spiffe_sequence"], 7);
    assert_eq!(document["spiffe_refresh_hint"], 300);
    let members = |index: usize| document["keys"][index].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(0), ["crv", "kty", "use", "x", "x5c", "y"]);
    assert_eq!(members(1), ["crv", "kty", "use", "x", "x5c", "y"]);
    assert_eq!(members(2), ["crv", "kty", "use", "x", "x5c"]);
    assert_eq!(members(3), ["e", "kty", "n", "use", "x5c"]);
    assert_eq!(document["keys"][3]["e"], "AQAB");
    for key in document["keys"].as_array().unwrap() {
        assert_eq!(key["use"], "x509-svid");
        assert_eq!(key["x5c"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn an_empty_bundle_says_so_with_an_array() {
    assert_eq!(Bundle::empty_on_purpose(domain()).to_spiffe_json(), r#"{"keys":[]}"#);
    assert_eq!(Bundle::new(domain()).with_x509_authorities([]).unwrap_err().code(), "bundle.would_be_empty");
}

#[test]
fn only_the_public_half_of_a_jwt_key_is_ever_kept() {
    let key = jwt_key("a").replace('}', r#","d":"c2VjcmV0"}"#);
    assert_eq!(JwtAuthority::from_jwk_json(key.as_bytes()).unwrap_err().code(), "bundle.entry.private_key");
    let key = jwt_key("a").replace('}', r#","alg":"ES256","key_ops":[]}"#);
    assert_eq!(JwtAuthority::from_jwk_json(key.as_bytes()).unwrap().to_jwk_json(), jwt_key("a"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_document_read_and_written_is_the_same_document(sequence in proptest::option::of(any::<u64>()), hint in proptest::option::of(1u64..=2_592_000), kids in proptest::collection::btree_set("\\PC{1,8}", 0..4)) {
        let quoted = |kid: &str| jwt_key("KID").replace("\"KID\"", &serde_json::Value::from(kid).to_string());
        let keys: Vec<_> = kids.iter().map(|kid| quoted(kid)).collect();
        let mut text = String::from("{");
        if let Some(sequence) = sequence { text += &format!("\"spiffe_sequence\":{sequence},"); }
        if let Some(hint) = hint { text += &format!("\"spiffe_refresh_hint\":{hint},"); }
        text += &format!("\"keys\":[{}]}}", keys.join(","));
        let (bundle, ignored) = Bundle::from_spiffe_json(domain(), text.as_bytes(), &Limits::default()).unwrap();
        prop_assert_eq!(ignored, vec![]);
        prop_assert_eq!(bundle.to_spiffe_json(), text);
    }
}
