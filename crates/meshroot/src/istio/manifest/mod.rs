//! Kubernetes Secret manifests, as `kubectl get secret -o yaml` or `-o json` prints them.
//!
//! The text may hold several documents and Lists; Secrets are picked out of it. It is untrusted: size, depth and number
//! of values are bounded, and YAML's aliases, with which a few bytes can mean gigabytes, are refused.

mod secret;
#[cfg(test)]
mod tests;
mod tree;

use super::CacertsFiles;

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
        }
    }
}

/// Reads all Secrets of a manifest in YAML or JSON, in order; documents of other kinds are passed over.
///
/// # Errors
/// The first thing that is wrong, with its line; [`ManifestError::NoSecret`] if there is none.
pub fn secrets(text: &[u8]) -> Result<Vec<SecretManifest>, ManifestError> {
    if text.len() > MAX_MANIFEST {
        return Err(ManifestError::TooLarge(text.len()));
    }
    let text = core::str::from_utf8(text).map_err(|e| ManifestError::NotText(e.valid_up_to()))?;
    let mut found = Vec::new();
    for document in tree::documents(text)? {
        secret::collect(&document, &mut found)?;
    }
    if found.is_empty() { Err(ManifestError::NoSecret) } else { Ok(found) }
}
