//! Files from which Envoy takes certificate and roots (SDS, `path_config_source`), watching the folder for changes.

use std::path::Path;

use serde_json::{Value, json};

/// The certificate and key, as the resource `default`.
pub(super) fn certificate(folder: &Path) -> String {
    let file = |name: &str| json!({ "filename": folder.join(name).display().to_string() });
    resource(&json!({
        "name": "default",
        "tls_certificate": {
            "certificate_chain": file("svid.pem"),
            "private_key": file("svid-key.pem"),
            "watched_directory": { "path": folder.display().to_string() },
        },
    }))
}

/// The roots of the trust domain, as the resource `ROOTCA`.
pub(super) fn roots(folder: &Path) -> String {
    resource(&json!({
        "name": "ROOTCA",
        "validation_context": {
            "trusted_ca": { "filename": folder.join("bundle.pem").display().to_string() },
            "watched_directory": { "path": folder.display().to_string() },
        },
    }))
}

fn resource(secret: &Value) -> String {
    let mut secret = secret.clone();
    if let Value::Object(members) = &mut secret {
        members.insert("@type".into(), "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret".into());
    }
    format!("{:#}\n", json!({ "resources": [secret] }))
}
