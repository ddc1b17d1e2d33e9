use crate::bundle::testing::{bundle, ca, jwt_key};
use crate::bundle::{Bundle, BundleError, BundleMap, IgnoredReason, JwtAuthority, Limits};
use crate::spiffe::{TrustDomain, TrustDomainRef};

fn read(json: &str) -> Result<BundleMap, BundleError> {
    BundleMap::from_json(json.as_bytes(), &Limits::default()).map(|(map, _)| map)
}

fn named(name: &str) -> TrustDomain {
    TrustDomain::parse(name).unwrap()
}

fn jwt() -> JwtAuthority {
    JwtAuthority::from_jwk_json(jwt_key("k").as_bytes()).unwrap()
}

#[test]
fn a_map_comes_back_from_its_own_document_without_refresh_hints() {
    let mut map = BundleMap::from(bundle(&[ca("a")]).with_refresh_hint(std::time::Duration::from_secs(60)));
    map.insert(Bundle::new(named("a.example")).with_x509_authorities([ca("b")]).unwrap().with_jwt_authorities([jwt()]).unwrap());
    let text = map.to_json();
    assert!(!text.contains("refresh_hint"));
    let again = read(&text).unwrap();
    assert_eq!(again.to_json(), text);
    assert_eq!(again.len(), 2);
    let names: Vec<_> = again.iter().map(|(name, bundle)| (name.as_str().to_owned(), bundle.trust_domain().clone())).collect();
    assert_eq!(names, [("a.example".into(), named("a.example")), ("mesh.example".into(), named("mesh.example"))]);
}

#[test]
fn a_trust_domain_that_is_there_twice_is_refused() {
    let error = read(r#"{"trust_domains":{"a":{"keys":[]},"a":{"keys":[]}}}"#).unwrap_err();
    assert_eq!(error, BundleError::DuplicateTrustDomain("a".into()));
    assert_eq!(read(r#"{"trust_domains":{"a":{"keys":[]},"\u0061":{"keys":[]}}}"#), Err(error));
}

#[test]
fn a_map_is_read_as_a_whole_or_not_at_all() {
    for (text, code) in [
        (r#"{"trust_domains":{"a":{"keys":[]},"b":{}}}"#, "bundle.missing_keys"),
        (r#"{"trust_domains":{"spiffe://a":{"keys":[]}}}"#, "bundle.trust_domain_name"),
        (r#"{"trust_domains":{"A":{"keys":[]}}}"#, "bundle.trust_domain_name"),
        (r#"{"trust_domains":{"":{"keys":[]}}}"#, "bundle.trust_domain_name"),
        (r#"{"trust_domains":[]}"#, "bundle.malformed"),
        (r#"{"trust_domains":{},"trust_domains":{}}"#, "bundle.duplicate_member"),
        (r#"{"keys":[]}"#, "bundle.missing_trust_domains"),
    ] {
        assert_eq!(read(text).unwrap_err().code(), code, "{text}");
    }
    assert_eq!(read(r#"{"trust_domains":{},"more":1}"#), Ok(BundleMap::new()));
}

#[test]
fn a_bundles_own_refresh_hint_means_nothing_in_a_map() {
    let (map, ignored) = BundleMap::from_json(br#"{"trust_domains":{"a":{"spiffe_refresh_hint":0,"keys":[{}]}}}"#, &Limits::default()).unwrap();
    assert_eq!(map.get(TrustDomainRef::parse("a").unwrap()).unwrap().refresh_hint(), None);
    assert_eq!(ignored.len(), 1);
    assert_eq!(ignored[0].at, r#"trust_domains["a"].keys[0]"#);
    assert_eq!(ignored[0].reason, IgnoredReason::MissingMember("use"));
}

#[test]
fn a_bundle_is_found_under_its_own_name_only() {
    let map = BundleMap::from(bundle(&[ca("a")]));
    assert!(map.get(TrustDomainRef::parse("mesh.example").unwrap()).is_some());
    assert!(map.get(TrustDomainRef::parse("sub.mesh.example").unwrap()).is_none());
}

#[test]
fn envoys_map_has_x509_keys_only_and_never_an_empty_list() {
    let mut map = BundleMap::from(bundle(&[ca("a")]).with_jwt_authorities([jwt()]).unwrap());
    map.insert(Bundle::empty_on_purpose(named("empty.example")));
    map.insert(Bundle::empty_on_purpose(named("jwt.example")).with_jwt_authorities([jwt()]).unwrap());
    let text = map.to_envoy_json().unwrap();
    assert!(!text.contains("jwt-svid") && !text.contains(r#""keys":[]"#), "{text}");
    assert_eq!(read(&text).unwrap().len(), 1);
    map.remove(TrustDomainRef::parse("mesh.example").unwrap());
    assert_eq!(map.to_envoy_json(), Err(BundleError::NothingForEnvoy));
}

#[test]
fn the_number_of_trust_domains_is_limited() {
    let limits = Limits { max_trust_domains: 1, ..Limits::default() };
    let error = BundleMap::from_json(br#"{"trust_domains":{"a":{"keys":[]},"b":{"keys":[]}}}"#, &limits).unwrap_err();
    assert_eq!(error, BundleError::TooManyTrustDomains { limit: 1 });
    assert!(error.to_string().contains("max_trust_domains"));
}
