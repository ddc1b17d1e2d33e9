use meshroot::bundle::{Bundle, BundleMap, Change, Ignored, Limits, MAX_REFRESH_HINT};
use meshroot::spiffe::TrustDomain;
use serde_json::Value;

use crate::assert_code;

fn trust_domain() -> TrustDomain {
    TrustDomain::parse("mesh.example").unwrap()
}

/// A bundle that was read is written, and read again, as itself; nothing is ignored in what we write; every entry of
/// the document was either taken or named as ignored; only CAs are taken; a size limit is kept.
pub fn bundle_json(data: &[u8]) {
    let small = Limits { max_bytes: 256, ..Limits::default() };
    if data.len() > small.max_bytes {
        assert!(Bundle::from_spiffe_json(trust_domain(), data, &small).is_err());
    }
    let (bundle, ignored) = match Bundle::from_spiffe_json(trust_domain(), data, &Limits::default()) {
        Ok(read) => read,
        Err(e) => return assert_code(e.code(), &["bundle"]),
    };
    if let Ok(document) = serde_json::from_slice::<Value>(data) {
        let entries = document["keys"].as_array().expect("keys is an array").len();
        let named = ignored.iter().filter(|ignored| ignored.at.starts_with("keys[")).count();
        assert_eq!(entries, bundle.x509_authorities().len() + bundle.jwt_authorities().len() + named, "{ignored:?}");
        assert_eq!(document.get("spiffe_sequence").filter(|number| !number.is_null()).and_then(Value::as_u64), bundle.sequence());
    }
    codes(&ignored);
    sound(&bundle);

    let written = bundle.to_spiffe_json();
    let (again, ignored) = Bundle::from_spiffe_json(trust_domain(), written.as_bytes(), &Limits::default()).expect("what we write is read");
    assert_eq!(ignored, []);
    assert_eq!(again, bundle);
    assert_eq!(again.to_spiffe_json(), written);
    assert_eq!(again.supersedes(&bundle), Ok(Change::Unchanged));
    if let Some(sequence) = bundle.sequence().and_then(|sequence| sequence.checked_sub(1)) {
        let older = bundle.clone().with_sequence(sequence);
        assert!(older.supersedes(&bundle).is_err() && bundle.supersedes(&older).is_ok());
    }
    if !bundle.x509_authorities().is_empty() {
        let from_pem = Bundle::from_pem(trust_domain(), bundle.to_pem().as_bytes()).expect("our PEM is read");
        assert_eq!(from_pem.x509_authorities(), bundle.x509_authorities());
    }
}

/// A bundle map likewise; and what Envoy gets holds X.509 authorities only, none of them lost.
pub fn bundle_map(data: &[u8]) {
    let (map, ignored) = match BundleMap::from_json(data, &Limits::default()) {
        Ok(read) => read,
        Err(e) => return assert_code(e.code(), &["bundle"]),
    };
    codes(&ignored);
    for (name, bundle) in map.iter() {
        assert_eq!(name, bundle.trust_domain());
        assert_eq!(map.get(name.as_ref()), Some(bundle));
        assert_eq!(bundle.refresh_hint(), None);
        sound(bundle);
    }
    let written = map.to_json();
    let (again, ignored) = BundleMap::from_json(written.as_bytes(), &Limits::default()).expect("what we write is read");
    assert_eq!(ignored, []);
    assert_eq!(again, map);
    assert_eq!(again.to_json(), written);
    let usable: Vec<_> = map.iter().filter(|(_, bundle)| !bundle.x509_authorities().is_empty()).collect();
    match map.to_envoy_json() {
        Ok(envoy) => {
            let (read, ignored) = BundleMap::from_json(envoy.as_bytes(), &Limits::default()).expect("what we write is read");
            assert_eq!(ignored, []);
            assert_eq!(read.len(), usable.len());
            for ((name, bundle), (as_read, for_envoy)) in usable.into_iter().zip(read.iter()) {
                assert_eq!((name, bundle.x509_authorities()), (as_read, for_envoy.x509_authorities()));
                assert!(for_envoy.jwt_authorities().is_empty());
            }
        }
        Err(e) => assert!(usable.is_empty(), "{e}"),
    }
}

fn sound(bundle: &Bundle) {
    for (index, authority) in bundle.x509_authorities().iter().enumerate() {
        assert!(authority.is_ca());
        assert!(!bundle.x509_authorities()[..index].contains(authority), "an authority twice");
    }
    for (index, authority) in bundle.jwt_authorities().iter().enumerate() {
        assert!(bundle.jwt_authorities()[..index].iter().all(|earlier| earlier.kid() != authority.kid()), "a kid twice");
    }
    assert!(bundle.refresh_hint().is_none_or(|hint| !hint.is_zero() && hint <= MAX_REFRESH_HINT));
    let written: Value = serde_json::from_str(&bundle.to_spiffe_json()).expect("JSON");
    for entry in written["keys"].as_array().expect("keys is never null") {
        let x509 = entry["use"] == "x509-svid";
        assert_eq!(x509, entry.get("x5c").is_some());
        assert_eq!(!x509, entry.get("kid").is_some(), "a kid belongs to jwt-svid keys only");
        assert!(["d", "p", "q", "k"].iter().all(|private| entry.get(private).is_none()), "a private key was passed on");
    }
}

fn codes(ignored: &[Ignored]) {
    for ignored in ignored {
        assert_code(ignored.reason.code(), &["bundle", "x509", "key"]);
    }
}
