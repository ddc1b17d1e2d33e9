use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::tree::{Node, Value, quoted};
use super::{CacertsFiles, ManifestError, SecretManifest};

/// Adds the Secrets of one document: itself, or the items of a List.
pub(super) fn collect(document: &Node, found: &mut Vec<SecretManifest>) -> Result<(), ManifestError> {
    // An empty document, as a `---` at the end makes one.
    if matches!(document.value, Value::Null) {
        return Ok(());
    }
    let kind = document.get("kind").and_then(Node::text).ok_or_else(|| error(document, "kind", "is missing: this is no Kubernetes manifest"))?;
    match kind {
        "Secret" => found.push(read(document)?),
        "List" | "SecretList" => {
            for item in items(document)? {
                // The items of a SecretList need not say what they are.
                if kind == "SecretList" && item.get("kind").is_none() { found.push(read(item)?) } else { collect(item, found)? }
            }
        }
        _ => {}
    }
    Ok(())
}

fn items(list: &Node) -> Result<&[Node], ManifestError> {
    match list.get("items").map(|items| &items.value) {
        Some(Value::List(items)) => Ok(items),
        None | Some(Value::Null) => Ok(&[]),
        Some(_) => Err(error(list, "items", "is no list")),
    }
}

fn read(secret: &Node) -> Result<SecretManifest, ManifestError> {
    let metadata = secret.get("metadata").ok_or_else(|| error(secret, "metadata", "is missing"))?;
    let name = text(metadata, "name", "metadata.name")?.ok_or_else(|| error(metadata, "metadata.name", "is missing"))?;
    let namespace = text(metadata, "namespace", "metadata.namespace")?;
    let secret_type = text(secret, "type", "type")?;
    let mut files = CacertsFiles::default();
    let mut other_keys = BTreeSet::new();
    // stringData wins over data, as in Kubernetes.
    for field in ["data", "stringData"] {
        for (key, value) in entries(secret, field)? {
            let path = || format!("{field}.{}", quoted(key));
            let written = match &value.value {
                Value::Null => "",
                Value::Text(written) => written,
                _ => return Err(error(value, &path(), "is no string")),
            };
            let bytes =
                if field == "data" { decoded(written).map_err(|reason| error(value, &path(), &reason))? } else { Zeroizing::new(written.into()) };
            if !files.set(key, bytes.as_slice()) {
                other_keys.insert(key.clone());
            }
        }
    }
    let other_keys = other_keys.into_iter().collect();
    Ok(SecretManifest { name, namespace, secret_type, files, other_keys, line: secret.line })
}

fn entries<'a>(secret: &'a Node, field: &str) -> Result<&'a [(String, Node)], ManifestError> {
    match secret.get(field).map(|data| (data, &data.value)) {
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

fn text(node: &Node, key: &str, path: &str) -> Result<Option<String>, ManifestError> {
    match node.get(key).map(|value| (value, &value.value)) {
        None | Some((_, Value::Null)) => Ok(None),
        Some((_, Value::Text(text))) => Ok(Some(text.to_string())),
        Some((value, _)) => Err(error(value, path, "is no string")),
    }
}

fn error(at: &Node, field: &str, reason: &str) -> ManifestError {
    ManifestError::Field { line: at.line, field: field.into(), reason: reason.into() }
}
