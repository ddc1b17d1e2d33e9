//! Tokens that others made.

use std::time::Duration;

use serde_json::Value;

use super::super::algorithm::JwsAlgorithm;
use super::super::jws::Jws;
use super::super::testing::key_set;
use super::super::{ClusterIssuer, Expected, Issuers, KeySet, TokenError};
use crate::hierarchy::ClusterName;
use crate::key::{Crypto, KeyAlgorithm};
use crate::time::Timestamp;

#[test]
fn tokens_of_go_jose_name_their_cluster_by_key() {
    let made: Value = serde_json::from_str(include_str!("../../../testdata/token/go-jose.json")).unwrap();
    let now = Timestamp::from_unix(made["now"].as_i64().unwrap());
    let crypto = Crypto::ring();
    let clusters: Vec<_> = made["clusters"].as_array().unwrap().iter().collect();
    let sets = clusters.iter().map(|made| {
        let (keys, ignored) = KeySet::from_jwks(made["jwks"].to_string().as_bytes(), &crypto).unwrap();
        // P-521 is told when the set is read, not when the first pod is refused.
        let codes: Vec<_> = ignored.iter().map(|ignored| ignored.reason.code()).collect();
        assert_eq!(codes, if made["algorithm"] == "ES512" { vec!["key.unsupported_algorithm"] } else { vec![] });
        ClusterIssuer {
            cluster: ClusterName::parse(made["cluster"].as_str().unwrap()).unwrap(),
            issuer: "https://kubernetes.default.svc.cluster.local".into(),
            keys,
        }
    });
    let (issuers, _) = Issuers::new(sets.collect());
    for made in clusters {
        let verdict = issuers.verify(made["token"].as_str().unwrap(), &Expected::audience("istio-ca"), &crypto, now);
        if made["algorithm"] == "ES512" {
            assert_eq!(verdict.unwrap_err(), TokenError::UnsupportedAlgorithm("ES512".into()));
            continue;
        }
        let token = verdict.unwrap();
        assert_eq!(token.cluster().as_str(), made["cluster"].as_str().unwrap());
        assert_eq!((token.namespace(), token.service_account()), ("shop", "cart"));
        assert_eq!(token.service_account_uid(), "6e2b1c9e-9a1b-4a63-9f38-1d6d1e4f3c55");
        assert_eq!(token.pod().unwrap().name, "cart-5d8f7c9b6-x2x7p");
        assert_eq!(token.node().unwrap().name, "worker-1.west.example");
        assert_eq!(token.id(), Some("b1d0a6a8-3c0e-4f0e-9d3a-0a5f8d5b7a11"));
        assert_eq!((token.issued_at(), token.expires_at()), (now, now.plus(Duration::from_secs(43_200))));
    }
}

/// RFC 7515 A.1 to A.3, and their keys.
const HS256: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const RS256: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const RSA_KEY: &str = r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#;
const EC_KEY: &str =
    r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;

#[test]
fn the_examples_of_rfc_7515_verify() {
    let crypto = Crypto::ring();
    for (token, jwk, algorithm, kind) in
        [(RS256, RSA_KEY, JwsAlgorithm::Rs256, KeyAlgorithm::Rsa(2048)), (ES256, EC_KEY, JwsAlgorithm::Es256, KeyAlgorithm::EcdsaP256)]
    {
        let keys = key_set(&[serde_json::from_str(jwk).unwrap()]);
        let key = &keys.keys[0].key;
        assert_eq!(key.algorithm(), kind);
        let jws = Jws::parse(token).unwrap();
        assert_eq!(jws.algorithm, algorithm);
        jws.algorithm.verify(key, jws.message, &jws.signature, &crypto).unwrap();
        assert_eq!(jws.claims["iss"], super::super::json::Json::Text("joe".into()));

        // They are no service account tokens, though their signature is good.
        let cluster = ClusterName::parse("joe").unwrap();
        let (issuers, _) = Issuers::new(vec![ClusterIssuer { cluster, issuer: "joe".into(), keys }]);
        let at = Timestamp::from_unix(1_300_819_300);
        assert_eq!(issuers.verify(token, &Expected::audience("joe"), &crypto, at).unwrap_err(), TokenError::MissingClaim("aud"));
    }
    assert_eq!(Jws::parse(HS256).map(|_| ()).unwrap_err(), TokenError::Symmetric);
}
