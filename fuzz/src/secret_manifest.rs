use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use meshroot::istio::manifest::{ManifestError, SecretManifest, secrets};
use meshroot::istio::{
    CA_CERT, CA_CRL, CA_KEY, CERT_CHAIN, CacertsFiles, ISTIO_GENERATED, ROOT_CERT, TLS_CA, TLS_CRT, TLS_KEY, check, check_together,
};
use meshroot::key::{Crypto, PrivateKey};
use meshroot::time::Timestamp;
use serde_json::{Value, json};

use crate::{NOW, assert_code};

/// A Secret that was read, written as plain JSON by other code, is read the same; where the text is JSON already, a JSON
/// reader sees the same Secret; a set that is called good has a path to a root, and the key that belongs to it.
pub fn secret_manifest(data: &[u8]) {
    // YAML ends lines in LF, CR, or both.
    let lines = data.split(|byte| b"\r\n".contains(byte)).count();
    let found = match secrets(data) {
        Ok(found) => found,
        Err(e) => return wrong(&e, data),
    };
    assert!(!found.is_empty());
    for secret in &found {
        assert!((1..=lines).contains(&secret.line), "line {} of {lines}", secret.line);
        assert!(secret.other_keys.is_sorted());
        let again = secrets(write(secret).to_string().as_bytes()).expect("plain JSON is read");
        let [again] = again.as_slice() else { panic!("{} Secrets of one", again.len()) };
        assert_eq!((&again.name, &again.namespace, &again.secret_type), (&secret.name, &secret.namespace, &secret.secret_type));
        assert!(again.files == secret.files, "other files");
        assert_eq!(again.other_keys, secret.other_keys);
        judge(&secret.files);
    }
    if let (Ok(document), [secret]) = (serde_json::from_slice::<Value>(data), found.as_slice())
        && document["kind"] == "Secret"
    {
        // A number is a name for us, as it is written; a JSON reader writes it in another way.
        if let Some(name) = document["metadata"]["name"].as_str() {
            assert_eq!(name, secret.name);
        }
        let keys = |field: &str| document[field].as_object().map_or(0, serde_json::Map::len);
        let files = contents(&secret.files).len() + secret.other_keys.len();
        assert!(files <= keys("data") + keys("stringData") && files >= keys("data").max(keys("stringData")), "{files} files");
    }
}

fn judge(files: &CacertsFiles) {
    let (crypto, now) = (Crypto::ring(), Timestamp::from_unix(NOW));
    let report = check(files, &crypto, now);
    for finding in report.findings() {
        assert_code(finding.code, &["istio"]);
        assert!(!finding.message.is_empty() && !finding.remedy.is_empty(), "{finding:?}");
    }
    assert!(report.findings().is_sorted_by(|worse, better| worse.severity >= better.severity));
    assert!(check_together(&[("west", &report)]).is_empty(), "one cluster differs from itself");
    if report.is_good() {
        let (Some(first), Some(last)) = (report.path().first(), report.path().last()) else { panic!("a good set without a path") };
        assert!(report.roots().contains(last) && Some(first) == report.signing_ca());
        for pair in report.path().windows(2) {
            assert_eq!(pair[0].issuer().as_der(), pair[1].subject().as_der());
            pair[0].verify_signature(pair[1].public_key(), &crypto).expect("each signs the one before");
        }
        assert!(report.path().iter().all(|ca| ca.is_ca() && ca.validity().contains(now)));
        let pem = if files.tls_crt.is_some() { &files.tls_key } else { &files.ca_key };
        let key = PrivateKey::from_pem(pem.as_deref().map_or(&[], Vec::as_slice), None, &crypto).expect("a good set has a readable key");
        assert_eq!(key.public_key(), first.public_key());
    }
}

fn write(secret: &SecretManifest) -> Value {
    let mut data: BTreeMap<_, _> = contents(&secret.files).into_iter().map(|(name, bytes)| (name, BASE64_STANDARD.encode(bytes))).collect();
    data.extend(secret.other_keys.iter().map(|name| (name.as_str(), String::new())));
    json!({ "kind": "Secret", "metadata": { "name": secret.name, "namespace": secret.namespace }, "type": secret.secret_type, "data": data })
}

fn contents(files: &CacertsFiles) -> Vec<(&'static str, &[u8])> {
    let public = [
        (CA_CERT, &files.ca_cert),
        (CERT_CHAIN, &files.cert_chain),
        (ROOT_CERT, &files.root_cert),
        (CA_CRL, &files.ca_crl),
        (TLS_CRT, &files.tls_crt),
        (TLS_CA, &files.tls_ca),
    ];
    let mut all: Vec<_> = public.into_iter().filter_map(|(name, bytes)| Some((name, bytes.as_ref()?.as_slice()))).collect();
    all.extend([(CA_KEY, &files.ca_key), (TLS_KEY, &files.tls_key)].into_iter().filter_map(|(name, bytes)| Some((name, bytes.as_ref()?.as_slice()))));
    if files.istio_generated {
        all.push((ISTIO_GENERATED, &[]));
    }
    all
}

/// Nothing of a value gets into messages: it may be the key.
fn wrong(e: &ManifestError, data: &[u8]) {
    assert_code(e.code(), &["manifest"]);
    let message = e.to_string();
    assert!(message.len() < 2048, "{} bytes of message", message.len());
    // The names of fields may be shown, what they contain may not.
    let shown = if let ManifestError::Field { reason, .. } = e { reason } else { &message };
    let words = data.split(|byte| !byte.is_ascii_alphanumeric() && !b"+/=".contains(byte)).filter(|word| word.len() >= 32);
    for word in words.filter_map(|word| core::str::from_utf8(word).ok()) {
        assert!(!shown.contains(word), "{message}");
    }
}
