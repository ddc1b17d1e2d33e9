//! Kubernetes manifests, as `kubectl get -o yaml` or `-o json` prints them: the Secrets, ConfigMaps and
//! ClusterTrustBundles in which a mesh keeps its CAs, roots and CRLs.
//!
//! The text may hold several documents and Lists; what is wanted is picked out of it. It is untrusted: size, depth and number
//! of values are bounded, and YAML's aliases, with which a few bytes can mean gigabytes, are refused.

mod collect;
mod field;
mod public;
mod secret;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;

use super::CacertsFiles;
use collect::Wanted;

/// Bytes of the longest text that is read. Kubernetes keeps no Secret over 1 MiB; base64 and a List make it longer.
pub const MAX_MANIFEST: usize = 4 << 20;

/// One Secret of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecretManifest {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, if it says one.
    pub namespace: Option<String>,
    /// `type`, if it says one, like `Opaque` or `kubernetes.io/tls`.
    pub secret_type: Option<String>,
    /// What istiod would read of it.
    pub files: CacertsFiles,
    /// Its other keys in the order of the alphabet; their values were not kept.
    pub other_keys: Vec<String>,
    /// The line on which the Secret begins, from 1.
    pub line: usize,
}

/// One ConfigMap of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigMapManifest {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.namespace`, if it says one.
    pub namespace: Option<String>,
    /// `data` and `binaryData`, decoded. Kubernetes keeps nothing secret in a ConfigMap.
    pub values: BTreeMap<String, Vec<u8>>,
    /// The line on which the ConfigMap begins, from 1.
    pub line: usize,
}

/// One ClusterTrustBundle of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterTrustBundleManifest {
    /// `metadata.name`; istiod's is `istio.io:istiod-ca:root-cert`.
    pub name: String,
    /// `spec.signerName`, if it says one, like `istio.io/istiod-ca`.
    pub signer_name: Option<String>,
    /// `spec.trustBundle`: roots in PEM.
    pub trust_bundle: String,
    /// The line on which the object begins, from 1.
    pub line: usize,
}

/// An object of one of the kinds that are read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Object {
    /// A Secret.
    Secret(Box<SecretManifest>),
    /// A ConfigMap.
    ConfigMap(ConfigMapManifest),
    /// A ClusterTrustBundle.
    ClusterTrustBundle(ClusterTrustBundleManifest),
}

/// A text in which no Secret can be read. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The text is longer than [`MAX_MANIFEST`].
    #[error("the manifest has {0} bytes: more than {MAX_MANIFEST} are not read")]
    TooLarge(usize),
    /// The text is not UTF-8.
    #[error("the manifest is no UTF-8 text: byte {0} is out of place")]
    NotText(usize),
    /// The text is neither YAML nor JSON.
    #[error("line {line}, column {column}: this is neither YAML nor JSON ({reason})")]
    Syntax {
        /// Where the parser gave up.
        line: usize,
        /// The character in that line, from 1.
        column: usize,
        /// What it says.
        reason: String,
    },
    /// An alias (`*name`), of which a short text can make an endless one.
    #[error("line {0}: YAML aliases (*name) are not read, and kubectl never writes them: write the value out")]
    Alias(usize),
    /// Values are nested too deeply, or there are too many.
    #[error("line {line}: too much: {reason}")]
    TooMuch {
        /// Where the bound was reached.
        line: usize,
        /// Which bound.
        reason: &'static str,
    },
    /// A field has a value that it cannot have.
    #[error("line {line}: {field} {reason}")]
    Field {
        /// The line of the value, or of what should contain it.
        line: usize,
        /// The field's path, like `data.ca-cert.pem`.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no Secret in it.
    #[error("no Secret is in the manifest: a document with `kind: Secret` is expected, as `kubectl get secret cacerts -o yaml` prints it")]
    NoSecret,
    /// There is nothing in it that [`objects`] reads.
    #[error("no Secret, ConfigMap or ClusterTrustBundle is in the manifest, as `kubectl get -o yaml` prints them")]
    NoObject,
}

impl ManifestError {
    /// A stable, machine-readable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "manifest.too_large",
            Self::NotText(_) => "manifest.not_text",
            Self::Syntax { .. } => "manifest.syntax",
            Self::Alias(_) => "manifest.alias",
            Self::TooMuch { .. } => "manifest.too_much",
            Self::Field { .. } => "manifest.field",
            Self::NoSecret => "manifest.no_secret",
            Self::NoObject => "manifest.no_object",
        }
    }
}

/// Reads all Secrets of a manifest in YAML or JSON, in order; documents of other kinds are passed over.
///
/// # Errors
/// The first thing that is wrong, with its line; [`ManifestError::NoSecret`] if there is none.
pub fn secrets(text: &[u8]) -> Result<Vec<SecretManifest>, ManifestError> {
    let found = read(text, Wanted::Secrets)?.into_iter().filter_map(|object| match object {
        Object::Secret(secret) => Some(*secret),
        _ => None,
    });
    let found: Vec<_> = found.collect();
    if found.is_empty() { Err(ManifestError::NoSecret) } else { Ok(found) }
}

/// Reads all Secrets, ConfigMaps and ClusterTrustBundles of a manifest in YAML or JSON, in order; documents of other
/// kinds are passed over.
///
/// # Errors
/// The first thing that is wrong, with its line; [`ManifestError::NoObject`] if there is none.
pub fn objects(text: &[u8]) -> Result<Vec<Object>, ManifestError> {
    let found = read(text, Wanted::Everything)?;
    if found.is_empty() { Err(ManifestError::NoObject) } else { Ok(found) }
}

fn read(text: &[u8], wanted: Wanted) -> Result<Vec<Object>, ManifestError> {
    if text.len() > MAX_MANIFEST {
        return Err(ManifestError::TooLarge(text.len()));
    }
    let text = core::str::from_utf8(text).map_err(|e| ManifestError::NotText(e.valid_up_to()))?;
    // What PowerShell puts before the text that it redirects to a file.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut found = Vec::new();
    for document in tree::documents(text)? {
        collect::collect(&document, wanted, &mut found)?;
    }
    Ok(found)
}
