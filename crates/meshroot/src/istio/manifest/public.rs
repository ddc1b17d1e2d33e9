//! The objects that distribute what is public: roots and CRLs.

use std::collections::BTreeMap;

use super::field::{Written, error, metadata, text, values};
use super::tree::Node;
use super::{ClusterTrustBundleManifest, ConfigMapManifest, ManifestError};

pub(super) fn config_map(object: &Node) -> Result<ConfigMapManifest, ManifestError> {
    let about = metadata(object)?;
    let mut found = BTreeMap::new();
    for (field, written) in [("data", Written::Plain), ("binaryData", Written::Base64)] {
        values(object, field, written, |key, bytes| {
            found.insert(key.to_owned(), bytes.to_vec());
        })?;
    }
    Ok(ConfigMapManifest { name: about.name, namespace: about.namespace, values: found, line: object.line })
}

pub(super) fn cluster_trust_bundle(object: &Node) -> Result<ClusterTrustBundleManifest, ManifestError> {
    let about = metadata(object)?;
    let spec = object.get("spec").ok_or_else(|| error(object, "spec", "is missing"))?;
    let signer_name = text(spec, "signerName", "spec.signerName")?;
    let bundle = text(spec, "trustBundle", "spec.trustBundle")?.ok_or_else(|| error(spec, "spec.trustBundle", "is missing"))?;
    Ok(ClusterTrustBundleManifest { name: about.name, signer_name, trust_bundle: bundle, line: object.line })
}
