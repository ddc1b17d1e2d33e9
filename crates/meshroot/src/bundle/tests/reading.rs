use crate::bundle::testing::{self, Kind, ca, certificate, domain, jwt_key};
use crate::bundle::{Bundle, BundleError, Ignored, IgnoredReason, Limits, MAX_REFRESH_HINT, NotAnAuthority};
use crate::x509::Certificate;

fn read(json: &str) -> Result<(Bundle, Vec<Ignored>), BundleError> {
    Bundle::from_spiffe_json(domain(), json.as_bytes(), &Limits::default())
}

/// The entry that we would write for a certificate.
fn entry(certificate: &Certificate) -> String {
    let document = testing::bundle(&[ca("any")]).to_spiffe_json();
    // Written for a CA and then given another certificate, so that non-CAs get entries too.
    let mut document: serde_json::Value = serde_json::from_str(&document).unwrap();
    let mut value = document["keys"][0].take();
    use base64::Engine as _;
    let point = certificate.public_key().key_bytes();
    let url = |bytes: &[u8]| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes);
    value["x"] = url(&point[1..33]).into();
    value["y"] = url(&point[33..]).into();
    value["x5c"] = vec![base64::prelude::BASE64_STANDARD.encode(certificate.der())].into();
    value.to_string()
}

fn with(entry: &str, member: &str, value: serde_json::Value) -> String {
    let mut entry: serde_json::Value = serde_json::from_str(entry).unwrap();
    entry[member] = value;
    entry.to_string()
}

fn without(entry: &str, member: &str) -> String {
    let mut entry: serde_json::Value = serde_json::from_str(entry).unwrap();
    entry.as_object_mut().unwrap().remove(member).unwrap();
    entry.to_string()
}

/// Reads the entry before a good one, and tells why it was ignored: the good one must always come through.
fn ignored_beside_a_good_one(bad: &str) -> IgnoredReason {
    let good = ca("good");
    let (bundle, mut ignored) = read(&format!(r#"{{"keys":[{bad},{}]}}"#, entry(&good))).unwrap();
    assert_eq!(bundle.x509_authorities(), [good]);
    assert!(bundle.jwt_authorities().is_empty());
    assert_eq!(ignored.len(), 1, "{ignored:?}");
    assert_eq!(ignored[0].at, "keys[0]");
    ignored.remove(0).reason
}

#[test]
fn an_unusable_entry_is_ignored_and_the_others_stay() {
    let root = entry(&ca("root"));
    let jwt = jwt_key("a");
    let other_key = entry(&ca("other"));
    let other_x = serde_json::from_str::<serde_json::Value>(&other_key).unwrap()["x"].clone();
    for (bad, code) in [
        (with(&root, "kty", "AKP".into()), "bundle.entry.unknown_key_type"),
        (with(&root, "kty", "oct".into()), "bundle.entry.unknown_key_type"),
        (without(&root, "kty"), "bundle.entry.missing_member"),
        (with(&root, "kty", 5.into()), "bundle.entry.bad_member"),
        (with(&root, "use", "X509-SVID".into()), "bundle.entry.unknown_use"),
        (with(&root, "use", "wit-svid".into()), "bundle.entry.unknown_use"),
        (without(&root, "use"), "bundle.entry.missing_member"),
        (with(&root, "crv", "P-384".into()), "bundle.entry.bad_member"),
        (with(&root, "crv", "secp256k1".into()), "bundle.entry.unknown_curve"),
        (without(&root, "y"), "bundle.entry.missing_member"),
        (with(&root, "x", other_x), "bundle.entry.key_differs"),
        (with(&root, "d", "AA".into()), "bundle.entry.private_key"),
        (without(&root, "x5c"), "bundle.entry.no_certificate"),
        (with(&root, "x5c", serde_json::json!([])), "bundle.entry.no_certificate"),
        (with(&root, "x5c", serde_json::Value::Null), "bundle.entry.no_certificate"),
        (with(&root, "x5c", "MIIB".into()), "bundle.entry.bad_member"),
        (with(&root, "x5c", serde_json::json!([5])), "bundle.entry.bad_member"),
        (with(&root, "x5c", serde_json::json!(["MIIB_-"])), "bundle.entry.bad_member"),
        (with(&root, "x5c", serde_json::json!(["MIIB"])), "x509.malformed"),
        (without(&jwt, "kid"), "bundle.entry.missing_member"),
        (with(&jwt, "kid", "".into()), "bundle.entry.missing_member"),
        (with(&jwt, "x", "AAAA".into()), "bundle.entry.bad_member"),
        (r#"{"kty":"EC","kty":"EC","use":"jwt-svid"}"#.into(), "bundle.entry.duplicate_member"),
        (entry(&certificate("cart", Kind::Leaf)), "bundle.not_a_ca"),
        (entry(&certificate("mute", Kind::CaThatCannotSign)), "bundle.cannot_sign"),
    ] {
        assert_eq!(ignored_beside_a_good_one(&bad).code(), code, "{bad}");
    }
}

#[test]
fn a_leaf_never_becomes_an_authority() {
    let leaf = certificate("cart", Kind::Leaf);
    let (bundle, ignored) = read(&format!(r#"{{"keys":[{}]}}"#, entry(&leaf))).unwrap();
    assert!(bundle.is_empty());
    assert_eq!(ignored[0].reason, IgnoredReason::NotAnAuthority(NotAnAuthority::NotACa));
    let refused = Bundle::new(domain()).with_x509_authorities([leaf.clone()]).unwrap_err();
    assert_eq!(refused.code(), "bundle.not_a_ca");
    assert_eq!(testing::bundle(&[ca("root")]).add(leaf.clone()).unwrap_err().code(), "bundle.not_a_ca");
    assert_eq!(Bundle::from_pem(domain(), leaf.to_pem().as_bytes()).unwrap_err().code(), "bundle.not_a_ca");
}

#[test]
fn what_producers_must_not_do_and_consumers_may_read_is_read() {
    let root = ca("root");
    let second = entry(&ca("second"));
    let second_x5c = serde_json::from_str::<serde_json::Value>(&second).unwrap()["x5c"][0].clone();
    let first_x5c = serde_json::from_str::<serde_json::Value>(&entry(&root)).unwrap()["x5c"][0].clone();
    for entry in [
        with(&entry(&root), "kid", "no".into()),
        with(&entry(&root), "alg", "ES256".into()),
        with(&entry(&root), "key_ops", serde_json::json!(["verify", {"a": [1]}])),
        with(&entry(&root), "x5c", serde_json::json!([first_x5c, second_x5c, 7, {}])),
    ] {
        let (bundle, ignored) = read(&format!(r#"{{"foo":[{{}}],"keys":[{entry}]}}"#)).unwrap();
        assert_eq!(bundle.x509_authorities(), std::slice::from_ref(&root));
        assert_eq!(ignored, []);
    }
}

#[test]
fn an_authority_counts_once_and_keeps_its_place() {
    let [a, b] = ["a", "b"].map(ca);
    let keys = [&b, &a, &b].map(entry).join(",");
    let (bundle, ignored) = read(&format!(r#"{{"keys":[{keys}]}}"#)).unwrap();
    assert_eq!(bundle.x509_authorities(), [b, a]);
    assert_eq!(ignored, [Ignored { at: "keys[2]".into(), reason: IgnoredReason::Repeated }]);
}

#[test]
fn one_kid_means_one_jwt_key() {
    let other = jwt_key("a").replace(r#""y":"A"#, r#""y":"B"#);
    let keys = [jwt_key("a"), other, jwt_key("a"), jwt_key("b")].join(",");
    let (bundle, ignored) = read(&format!(r#"{{"keys":[{keys}]}}"#)).unwrap();
    assert_eq!(bundle.jwt_authorities().iter().map(|key| key.kid()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(ignored.iter().map(|i| i.reason.code()).collect::<Vec<_>>(), ["bundle.entry.same_kid", "bundle.entry.repeated"]);
    assert_eq!(bundle.jwt_authorities()[0].to_jwk_json(), jwt_key("a"));
}

#[test]
fn a_sequence_number_is_an_unsigned_integer_or_absent() {
    let sequence = |text: &str| read(&format!(r#"{{"spiffe_sequence":{text},"keys":[]}}"#)).map(|(bundle, _)| bundle.sequence());
    assert_eq!(sequence("0"), Ok(Some(0)));
    assert_eq!(sequence("18446744073709551615"), Ok(Some(u64::MAX)));
    assert_eq!(sequence("null"), Ok(None));
    for not_one in ["-1", "-0", "1.0", "1e3", "18446744073709551616", "\"1\"", "true", "[1]", "{}"] {
        assert_eq!(sequence(not_one).unwrap_err().code(), "bundle.not_an_integer", "{not_one}");
    }
}

#[test]
fn a_refresh_hint_that_makes_no_sense_is_cut_or_ignored_and_one_that_is_no_integer_refused() {
    let hint = |text: &str| {
        read(&format!(r#"{{"spiffe_refresh_hint":{text},"keys":[]}}"#))
            .map(|(bundle, ignored)| (bundle.refresh_hint().map(|hint| hint.as_secs()), ignored.first().map(|i| i.reason.clone())))
    };
    let longest = Some(MAX_REFRESH_HINT.as_secs());
    assert_eq!(hint("300"), Ok((Some(300), None)));
    assert_eq!(hint("null"), Ok((None, None)));
    for none in ["0", "-5", "-99999999999999999999999"] {
        assert_eq!(hint(none), Ok((None, Some(IgnoredReason::HintNotPositive))), "{none}");
    }
    for long in ["2592001", "9223372036854775807", "99999999999999999999999"] {
        assert_eq!(hint(long), Ok((longest, Some(IgnoredReason::HintTooLong))), "{long}");
    }
    for not_one in ["1.5", "60.0", "\"60\"", "[]"] {
        assert_eq!(hint(not_one).unwrap_err().code(), "bundle.not_an_integer", "{not_one}");
    }
}

#[test]
fn what_is_no_bundle_is_refused_with_its_place() {
    for (text, code) in [
        ("", "bundle.malformed"),
        ("[]", "bundle.malformed"),
        ("null", "bundle.malformed"),
        ("{}", "bundle.missing_keys"),
        (r#"{"Keys":[]}"#, "bundle.missing_keys"),
        (r#"{"keys":null}"#, "bundle.malformed"),
        (r#"{"keys":{}}"#, "bundle.malformed"),
        (r#"{"keys":["a"]}"#, "bundle.malformed"),
        (r#"{"keys":[]} garbage"#, "bundle.malformed"),
        (r#"{"keys":[]}{"keys":[]}"#, "bundle.malformed"),
        (r#"{"keys":[],}"#, "bundle.malformed"),
        (r#"{"keys":[],"keys":[]}"#, "bundle.duplicate_member"),
        (r#"{"keys":[],"\u006beys":[]}"#, "bundle.duplicate_member"),
        (r#"{"keys":[],"a":1,"a":2}"#, "bundle.duplicate_member"),
        ("{\"keys\":[],\"a\":\"\u{0}\"}", "bundle.malformed"),
    ] {
        assert_eq!(read(text).unwrap_err().code(), code, "{text}");
    }
    let error = Bundle::from_spiffe_json(domain(), b"{\n  \"keys\": 5}", &Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "not a bundle: line 2, column 11: invalid type: integer `5`, expected an array of keys");
    let error = Bundle::from_spiffe_json(domain(), b"{\"keys\":[],\n\"a\":\"\xff\"}", &Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "not a bundle: line 2, column 6: not UTF-8");
}

#[test]
fn no_usable_key_means_an_empty_bundle_and_not_an_error() {
    for document in [r#"{"keys":[]}"#, r#"{"keys":[{"kty":"EC","use":"future"}]}"#] {
        assert!(read(document).unwrap().0.is_empty());
    }
}

#[test]
fn limits_are_named_when_they_are_reached() {
    let bytes = Limits { max_bytes: 11, ..Limits::default() };
    assert!(Bundle::from_spiffe_json(domain(), br#"{"keys":[]}"#, &bytes).is_ok());
    let error = Bundle::from_spiffe_json(domain(), br#"{"keys":[]} "#, &bytes).unwrap_err();
    assert_eq!(error, BundleError::TooLarge { found: 12, limit: 11 });
    assert!(error.to_string().contains("max_bytes"));
    let keys = Limits { max_keys: 1, ..Limits::default() };
    assert!(Bundle::from_spiffe_json(domain(), br#"{"keys":[{}]}"#, &keys).is_ok());
    let error = Bundle::from_spiffe_json(domain(), br#"{"keys":[{},{}]}"#, &keys).unwrap_err();
    assert_eq!(error, BundleError::TooManyKeys { limit: 1 });
    assert!(error.to_string().contains("max_keys"));
}

#[test]
fn pem_goes_out_and_in() {
    let bundle = testing::bundle(&[ca("a"), certificate("old", Kind::ExpiredCa)]);
    let pem = bundle.to_pem();
    let read = Bundle::from_pem(domain(), pem.repeat(2).as_bytes()).unwrap();
    assert_eq!(read.x509_authorities(), bundle.x509_authorities());
    assert!(Bundle::from_pem(domain(), b"").is_err());
}
