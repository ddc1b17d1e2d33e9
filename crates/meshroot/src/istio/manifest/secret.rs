use std::collections::BTreeSet;

use super::field::{Written, metadata, text, values};
use super::tree::Node;
use super::{CacertsFiles, ManifestError, SecretManifest};

pub(super) fn read(secret: &Node) -> Result<SecretManifest, ManifestError> {
    let about = metadata(secret)?;
    let secret_type = text(secret, "type", "type")?;
    let mut files = CacertsFiles::default();
    let mut other_keys = BTreeSet::new();
    // stringData wins over data, as in Kubernetes.
    for (field, written) in [("data", Written::Base64), ("stringData", Written::Plain)] {
        values(secret, field, written, |key, bytes| {
            if !files.set(key, bytes.as_slice()) {
                other_keys.insert(key.to_owned());
            }
        })?;
    }
    let other_keys = other_keys.into_iter().collect();
    Ok(SecretManifest { name: about.name, namespace: about.namespace, secret_type, files, other_keys, line: secret.line })
}
