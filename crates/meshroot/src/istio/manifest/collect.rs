//! Which objects of a manifest are read.

use super::field::error;
use super::tree::{Node, Value};
use super::{ManifestError, Object, public, secret};

/// What a caller wants of a manifest: the rest is not even looked into, so that a fault in it disturbs nobody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Secrets,
    Everything,
}

/// Adds the objects of one document: itself, or the items of a List.
pub(super) fn collect(document: &Node, wanted: Wanted, found: &mut Vec<Object>) -> Result<(), ManifestError> {
    // An empty document, as a `---` at the end makes one.
    if matches!(document.value, Value::Null) {
        return Ok(());
    }
    let kind = document.get("kind").and_then(Node::text).ok_or_else(|| error(document, "kind", "is missing: this is no Kubernetes manifest"))?;
    if kind == "List" {
        return items(document)?.iter().try_for_each(|item| collect(item, wanted, found));
    }
    if one(kind, document, wanted, found)? {
        return Ok(());
    }
    if let Some(of) = kind.strip_suffix("List") {
        for item in items(document)? {
            // The items of a SecretList need not say what they are.
            match item.get("kind") {
                None => one(of, item, wanted, found).map(drop)?,
                Some(_) => collect(item, wanted, found)?,
            }
        }
    }
    Ok(())
}

/// Whether it is an object of a kind that is read, and wanted.
fn one(kind: &str, object: &Node, wanted: Wanted, found: &mut Vec<Object>) -> Result<bool, ManifestError> {
    let all = wanted == Wanted::Everything;
    found.push(match kind {
        "Secret" => Object::Secret(Box::new(secret::read(object)?)),
        "ConfigMap" if all => Object::ConfigMap(public::config_map(object)?),
        "ClusterTrustBundle" if all => Object::ClusterTrustBundle(public::cluster_trust_bundle(object)?),
        _ => return Ok(false),
    });
    Ok(true)
}

fn items(list: &Node) -> Result<&[Node], ManifestError> {
    match list.get("items").map(|items| &items.value) {
        Some(Value::List(items)) => Ok(items),
        None | Some(Value::Null) => Ok(&[]),
        Some(_) => Err(error(list, "items", "is no list")),
    }
}
