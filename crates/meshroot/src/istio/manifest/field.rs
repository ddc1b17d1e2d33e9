//! Fields of Kubernetes objects, and what is wrong with them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::ManifestError;
use super::tree::{Node, Value, quoted};

/// `metadata`: name and namespace.
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
}

pub(super) fn metadata(object: &Node) -> Result<Metadata, ManifestError> {
    let metadata = object.get("metadata").ok_or_else(|| error(object, "metadata", "is missing"))?;
    let name = text(metadata, "name", "metadata.name")?.ok_or_else(|| error(metadata, "metadata.name", "is missing"))?;
    let namespace = text(metadata, "namespace", "metadata.namespace")?;
    Ok(Metadata { name, namespace })
}

/// How the values of a field are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Plain,
    Base64,
}

/// Hands over each name of a field like `data`, with its value decoded. It may be a secret.
pub(super) fn values(object: &Node, field: &str, written: Written, mut take: impl FnMut(&str, Zeroizing<Vec<u8>>)) -> Result<(), ManifestError> {
    for (key, value) in entries(object, field)? {
        let path = || format!("{field}.{}", quoted(key));
        let text = match &value.value {
            Value::Null => "",
            Value::Text(text) => text,
            _ => return Err(error(value, &path(), "is no string")),
        };
        let bytes = match written {
            Written::Base64 => decoded(text).map_err(|reason| error(value, &path(), &reason))?,
            Written::Plain => Zeroizing::new(text.into()),
        };
        take(key, bytes);
    }
    Ok(())
}

fn entries<'a>(object: &'a Node, field: &str) -> Result<&'a [(String, Node)], ManifestError> {
    match object.get(field).map(|data| (data, &data.value)) {
        Some((_, Value::Map(entries))) => Ok(entries),
        None | Some((_, Value::Null)) => Ok(&[]),
        Some((data, _)) => Err(error(data, field, "is no mapping of names to values")),
    }
}

/// Base64 as Go's decoder reads it for Kubernetes: padded, and line breaks do not matter.
fn decoded(written: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let compact = Zeroizing::new(written.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>());
    // Decoded into room that suffices, so that no half of a key is left behind by a growing buffer.
    let mut out = Zeroizing::new(Vec::with_capacity(compact.len()));
    match STANDARD.decode_vec(compact.as_slice(), &mut out) {
        Ok(()) => Ok(out),
        Err(_) if written.contains("-----BEGIN") => Err("is plain PEM, but values under `data` are base64: put it under stringData".into()),
        // The decoder's own words would quote a byte of what may be a key.
        Err(_) => Err("is not valid base64".into()),
    }
}

pub(super) fn text(node: &Node, key: &str, path: &str) -> Result<Option<String>, ManifestError> {
    match node.get(key).map(|value| (value, &value.value)) {
        None | Some((_, Value::Null)) => Ok(None),
        Some((_, Value::Text(text))) => Ok(Some(text.to_string())),
        Some((value, _)) => Err(error(value, path, "is no string")),
    }
}

pub(super) fn error(at: &Node, field: &str, reason: &str) -> ManifestError {
    ManifestError::Field { line: at.line, field: field.into(), reason: reason.into() }
}
