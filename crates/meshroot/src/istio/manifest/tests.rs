use proptest::prelude::*;

use super::*;

/// As `kubectl get secret cacerts -o yaml` prints it.
const KUBECTL: &str = "\
apiVersion: v1
data:
  ca-cert.pem: Q0VSVA==
  ca-key.pem: S0VZ
  notes.txt: aGk=
kind: Secret
metadata:
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {\"apiVersion\":\"v1\",\"kind\":\"Secret\"}
  creationTimestamp: \"2026-11-01T10:00:00Z\"
  managedFields:
  - apiVersion: v1
    fieldsType: FieldsV1
    fieldsV1:
      f:data:
        .: {}
        f:ca-cert.pem: {}
  name: cacerts
  namespace: istio-system
  resourceVersion: \"123\"
type: Opaque
";

#[test]
fn what_kubectl_prints_is_read() {
    let secrets = secrets(KUBECTL.as_bytes()).unwrap();
    assert_eq!(secrets.len(), 1);
    let secret = &secrets[0];
    assert_eq!((secret.name.as_str(), secret.namespace.as_deref(), secret.secret_type.as_deref()), ("cacerts", Some("istio-system"), Some("Opaque")));
    assert_eq!(secret.files.ca_cert.as_deref(), Some(b"CERT".as_slice()));
    assert_eq!(secret.files.ca_key.as_ref().map(|key| key.as_slice()), Some(b"KEY".as_slice()));
    assert_eq!(secret.other_keys, ["notes.txt"]);
    assert_eq!(secret.line, 1);
}

#[test]
fn json_is_read_as_kubectl_and_others_print_it() {
    let pretty = "{\n    \"apiVersion\": \"v1\",\n    \"data\": {\n        \"ca-cert.pem\": \"Q0VSVA==\"\n    },\n    \"kind\": \"Secret\",\n    \"metadata\": {\"name\": \"cacerts\", \"annotations\": {\"a\": \"\\u003ctag\\u003e \\/ \\\"x\\\"\\n\"}}\n}\n";
    let tabs = pretty.replace("    ", "\t");
    let one_line = pretty.replace("\n ", " ").replace('\n', "");
    for text in [pretty, &tabs, &one_line] {
        let secrets = secrets(text.as_bytes()).unwrap();
        assert_eq!(secrets[0].files.ca_cert.as_deref(), Some(b"CERT".as_slice()));
        assert_eq!(secrets[0].namespace, None);
    }
}

#[test]
fn a_long_value_on_one_line_of_json_is_read() {
    let value = "QUFB".repeat(100_000);
    let text = format!("{{\"kind\":\"Secret\",\"metadata\":{{\"name\":\"x\"}},\"data\":{{\"root-cert.pem\":\"{value}\"}}}}");
    assert_eq!(secrets(text.as_bytes()).unwrap()[0].files.root_cert.as_ref().map(Vec::len), Some(300_000));
}

#[test]
fn several_documents_and_lists_are_read_and_other_kinds_passed_over() {
    let text = "\
# a comment
---
kind: ConfigMap
metadata: {name: other}
---
kind: Secret
metadata: {name: west}
---
apiVersion: v1
kind: List
items:
- kind: Secret
  metadata: {name: east, namespace: istio-system}
- kind: Service
  metadata: {name: s}
---
kind: SecretList
items:
- metadata: {name: north}
---
";
    let names: Vec<_> = secrets(text.as_bytes()).unwrap().into_iter().map(|s| (s.name, s.line)).collect();
    assert_eq!(names, [("west".into(), 6), ("east".into(), 12), ("north".into(), 19)]);
}

#[test]
fn plain_text_wins_over_base64_and_base64_may_be_folded() {
    let text = "kind: Secret\nmetadata: {name: x}\ndata:\n  ca-cert.pem: T0xE\n  root-cert.pem: |\n    Uk9P\n    VA==\nstringData:\n  ca-cert.pem: |\n    NEW\n";
    let secrets = secrets(text.as_bytes()).unwrap();
    assert_eq!(secrets[0].files.ca_cert.as_deref(), Some(b"NEW\n".as_slice()));
    assert_eq!(secrets[0].files.root_cert.as_deref(), Some(b"ROOT".as_slice()));
}

#[track_caller]
fn fails(text: &str, code: &str, words: &str) {
    let error = secrets(text.as_bytes()).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn mistakes_are_named_with_line_and_field() {
    fails("", "manifest.no_secret", "kind: Secret");
    fails("---\n---\n", "manifest.no_secret", "kind: Secret");
    fails("kind: ConfigMap\n", "manifest.no_secret", "kind: Secret");
    fails("hello", "manifest.field", "line 1: kind is missing");
    fails("a: b\n", "manifest.field", "line 1: kind is missing");
    fails("kind: Secret\n", "manifest.field", "metadata is missing");
    fails("kind: Secret\nmetadata:\n  namespace: a\n", "manifest.field", "line 3: metadata.name is missing");
    fails("kind: Secret\nmetadata:\n  name: [a]\n", "manifest.field", "line 3: metadata.name is no string");
    fails("kind: Secret\nmetadata: {name: a}\ndata: 7\n", "manifest.field", "line 3: data is no mapping");
    fails("kind: Secret\nmetadata: {name: a}\ndata:\n  ca-key.pem: '!!'\n", "manifest.field", "line 4: data.ca-key.pem is not valid base64");
    fails("kind: Secret\nmetadata: {name: a}\ndata:\n  x: {}\n", "manifest.field", "line 4: data.x is no string");
    fails("kind: Secret\nkind: Secret\n", "manifest.field", "line 2: kind stands twice");
    fails("kind: Secret\nmetadata: [\n", "manifest.syntax", "line ");
    fails("? [a]\n: b\n", "manifest.field", "for a key");
}

#[test]
fn pem_under_data_gets_a_word_of_advice() {
    fails("kind: Secret\nmetadata: {name: a}\ndata:\n  ca-cert.pem: |\n    -----BEGIN CERTIFICATE-----\n", "manifest.field", "stringData");
}

#[test]
fn no_error_quotes_a_value() {
    let error = secrets(b"kind: Secret\nmetadata: {name: a}\ndata:\n  ca-key.pem: U0VDUkVU!\n").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("U0VD"));
}

#[test]
fn what_is_no_text_or_too_long_is_refused() {
    let error = secrets(b"kind: \xff").unwrap_err();
    assert_eq!(error, ManifestError::NotText(6));
    assert_eq!(secrets(&vec![b' '; MAX_MANIFEST + 1]).unwrap_err().code(), "manifest.too_large");
}

#[test]
fn aliases_are_refused_before_they_explode() {
    let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for level in b'b'..=b'i' {
        let (level, below) = (char::from(level), char::from(level - 1));
        bomb.push_str(&format!("{level}: &{level} [{}]\n", vec![format!("*{below}"); 9].join(",")));
    }
    fails(&bomb, "manifest.alias", "line 2");
}

#[test]
fn deep_nesting_is_refused() {
    fails(&format!("{}{}", "[".repeat(100), "]".repeat(100)), "manifest.too_much", "nested");
    fails(&"- ".repeat(1000), "manifest.too_much", "nested");
    // The parser has a bound of its own, and reaches it first where it looks ahead.
    fails(&"[".repeat(100_000), "manifest.syntax", "limit");
    fails(&"{a: ".repeat(100_000), "manifest.syntax", "limit");
}

#[test]
fn a_million_values_are_refused() {
    fails(&"- a\n".repeat(1_000_000), "manifest.too_much", "more values");
}

/// As `kubectl get secret,configmap,clustertrustbundle -o yaml` prints them, shortened.
const EVERYTHING: &str = "\
apiVersion: v1
items:
- apiVersion: v1
  data:
    ca-cert.pem: Q0VSVA==
  kind: Secret
  metadata:
    name: cacerts
    namespace: istio-system
- apiVersion: v1
  binaryData:
    der: AAE=
  data:
    root-cert.pem: |
      ROOT
  kind: ConfigMap
  metadata:
    labels:
      istio.io/config: \"true\"
    name: istio-ca-root-cert
    namespace: shop
- apiVersion: certificates.k8s.io/v1beta1
  kind: ClusterTrustBundle
  metadata:
    name: istio.io:istiod-ca:root-cert
  spec:
    signerName: istio.io/istiod-ca
    trustBundle: |
      ROOT
- kind: Service
  metadata: 7
kind: List
";

#[test]
fn roots_and_crls_are_read_where_istio_distributes_them() {
    let objects = objects(EVERYTHING.as_bytes()).unwrap();
    let [Object::Secret(secret), Object::ConfigMap(map), Object::ClusterTrustBundle(bundle)] = objects.as_slice() else { panic!("{objects:?}") };
    assert_eq!((secret.name.as_str(), secret.line), ("cacerts", 3));
    assert_eq!((map.name.as_str(), map.namespace.as_deref(), map.line), ("istio-ca-root-cert", Some("shop"), 10));
    assert_eq!(map.values, BTreeMap::from([("der".into(), vec![0, 1]), ("root-cert.pem".into(), b"ROOT\n".to_vec())]));
    assert_eq!((bundle.name.as_str(), bundle.signer_name.as_deref()), ("istio.io:istiod-ca:root-cert", Some("istio.io/istiod-ca")));
    assert_eq!((bundle.trust_bundle.as_str(), bundle.line), ("ROOT\n", 22));
}

#[test]
fn lists_of_one_kind_need_not_repeat_it() {
    let text = "kind: ConfigMapList\nitems:\n- metadata: {name: a}\n- metadata: {name: b}\n---\nkind: ClusterTrustBundleList\nitems:\n- metadata: {name: c}\n  spec: {trustBundle: x}\n";
    assert_eq!(objects(text.as_bytes()).unwrap().len(), 3);
}

#[test]
fn a_byte_order_mark_is_no_fault() {
    assert_eq!(objects(format!("\u{feff}{EVERYTHING}").as_bytes()).unwrap().len(), 3);
}

#[test]
fn who_wants_secrets_is_not_disturbed_by_faults_elsewhere() {
    let text = "kind: Secret\nmetadata: {name: x}\n---\nkind: ConfigMap\n";
    assert_eq!(secrets(text.as_bytes()).unwrap().len(), 1);
    assert_eq!(objects(text.as_bytes()).unwrap_err().to_string(), "line 4: metadata is missing");
}

#[test]
fn mistakes_in_config_maps_and_bundles_are_named() {
    let message = |text: &str| objects(text.as_bytes()).unwrap_err().to_string();
    assert_eq!(message("kind: ConfigMap\nmetadata: {name: a}\ndata:\n  root-cert.pem: [x]\n"), "line 4: data.root-cert.pem is no string");
    assert_eq!(message("kind: ConfigMap\nmetadata: {name: a}\nbinaryData:\n  x: '!'\n"), "line 4: binaryData.x is not valid base64");
    assert_eq!(message("kind: ClusterTrustBundle\nmetadata: {name: a}\n"), "line 1: spec is missing");
    assert_eq!(message("kind: ClusterTrustBundle\nmetadata: {name: a}\nspec:\n  signerName: b\n"), "line 4: spec.trustBundle is missing");
    assert_eq!(objects(b"kind: Service\n").unwrap_err().code(), "manifest.no_object");
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = (secrets(&bytes), objects(&bytes));
    }

    #[test]
    fn arbitrary_yaml_like_text_never_panics(text in "([a-c\"'|>#&*!%@`{}\\[\\],:?\\-\n\t ~.0-9]|kind: Secret\n|---\n|\\.\\.\\.\n|\u{feff}|\u{2028}){0,120}") {
        let _ = (secrets(text.as_bytes()), objects(text.as_bytes()));
    }

    #[test]
    fn a_cut_or_changed_manifest_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = EVERYTHING.as_bytes().to_vec();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        let _ = (secrets(&bytes), objects(&bytes));
    }
}
