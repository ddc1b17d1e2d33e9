use proptest::prelude::*;

use crate::bundle::testing::{bundle, ca, domain, jwt_key};
use crate::bundle::{Bundle, BundleMap, JwtAuthority, Limits};

fn read_all(bytes: &[u8]) {
    let _ = BundleMap::from_json(bytes, &Limits::default());
    let _ = JwtAuthority::from_jwk_json(bytes);
    if let Ok((bundle, _)) = Bundle::from_spiffe_json(domain(), bytes, &Limits::default()) {
        let text = bundle.to_spiffe_json();
        let (again, ignored) = Bundle::from_spiffe_json(domain(), text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(ignored, []);
        assert_eq!(again, bundle);
        assert!(bundle.x509_authorities().iter().all(crate::x509::Certificate::is_ca));
    }
}

#[test]
fn nesting_however_deep_is_an_error_and_not_a_crash() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for place in [
            "{\"keys\":[{\"x5c\":#}]}",
            "{\"keys\":[{\"q\":#}]}",
            "{\"keys\":[],\"a\":#}",
            "{\"keys\":#}",
            "#",
            "{\"spiffe_sequence\":#,\"keys\":[]}",
        ] {
            let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            read_all(place.replace('#', &deep).as_bytes());
        }
    }
}

#[test]
fn an_error_quotes_little_of_a_long_text() {
    let long = format!(r#"{{"keys":["{}"]}}"#, "x".repeat(1_000_000));
    let error = Bundle::from_spiffe_json(domain(), long.as_bytes(), &Limits::default()).unwrap_err();
    assert!(error.to_string().len() < 400, "{}", error.to_string().len());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
        read_all(&bytes);
    }

    #[test]
    fn arbitrary_members_never_panic(members in proptest::collection::vec(("(kty|use|kid|crv|x|y|n|e|x5c|d)", "(\"(EC|RSA|OKP|x509-svid|jwt-svid|P-256|AQAB|[A-Za-z0-9_-]{0,44})\"|null|-?[0-9]{1,20}|\\[\"[A-Za-z0-9+/]{0,12}\"\\]|\\[\\]|\\{\\})"), 0..8)) {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        read_all(format!("{{\"keys\":[{{{}}}]}}", members.join(",")).as_bytes());
    }

    #[test]
    fn one_changed_byte_never_panics(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        use std::sync::LazyLock;
        static DOCUMENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
            let key = JwtAuthority::from_jwk_json(jwt_key("k").as_bytes()).unwrap();
            bundle(&[ca("a")]).with_jwt_authorities([key]).unwrap().to_spiffe_json().into_bytes()
        });
        let mut bytes = DOCUMENT.clone();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        read_all(&bytes);
    }
}
