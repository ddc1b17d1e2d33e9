//! Manifests, as text that we write ourselves: so nothing that a namespace is called becomes more than a name.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::CacertsError;

/// A Secret with these files.
pub(super) fn secret(name: &str, namespace: &str, kind: &str, files: &[(&str, &[u8])]) -> Result<Zeroizing<String>, CacertsError> {
    check_namespace(namespace)?;
    // Large enough from the start: growing would leave copies of the key behind.
    let characters = files.iter().map(|(_, bytes)| bytes.len().div_ceil(3).saturating_mul(4).saturating_add(32));
    let mut text = Zeroizing::new(String::with_capacity(characters.fold(256, usize::saturating_add)));
    // Quoted, since `1e3` is a namespace and a number.
    for part in ["apiVersion: v1\nkind: Secret\nmetadata:\n  name: ", name, "\n  namespace: \"", namespace, "\"\ntype: ", kind, "\ndata:\n"] {
        text.push_str(part);
    }
    for (name, bytes) in files {
        for part in ["  ", name, ": "] {
            text.push_str(part);
        }
        STANDARD.encode_string(bytes, &mut text);
        text.push('\n');
    }
    Ok(text)
}

pub(super) fn check_namespace(namespace: &str) -> Result<(), CacertsError> {
    match is_dns_label(namespace) {
        true => Ok(()),
        false => Err(CacertsError::Namespace(namespace.chars().take(70).flat_map(char::escape_default).collect())),
    }
}

/// RFC 1123, as Kubernetes wants the names of namespaces.
fn is_dns_label(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=63).contains(&name.len()) && name.chars().all(|c| plain(c) || c == '-') && name.starts_with(plain) && name.ends_with(plain)
}
