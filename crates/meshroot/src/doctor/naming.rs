//! What a cluster is called when nobody says it: after the file or folder its evidence lies in, or after its CA.

use crate::x509::Certificate;

/// What files, folders and objects of Istio are called everywhere, so that it names no cluster.
const COMMON: [&str; 45] = [
    "all",
    "bundle",
    "bundle-map",
    "bundles",
    "ca",
    "ca-cert",
    "ca-certs",
    "ca-chain",
    "ca-crl",
    "cacerts",
    "cert",
    "cert-chain",
    "certificates",
    "certs",
    "chain",
    "cluster",
    "clusters",
    "cm",
    "config",
    "configmap",
    "configmaps",
    "crl",
    "crls",
    "intermediate",
    "istio",
    "istio-ca",
    "istio-ca-crl",
    "istio-ca-root-cert",
    "istio-ca-secret",
    "istio-system",
    "leaf",
    "manifest",
    "manifests",
    "map",
    "mesh",
    "pki",
    "root",
    "root-cert",
    "root-ca",
    "roots",
    "secret",
    "secrets",
    "stdin",
    "svid",
    "tls",
];

const EXTENSIONS: [&str; 9] = [".yaml", ".yml", ".json", ".pem", ".crt", ".cer", ".crl", ".der", ".db"];

/// Characters of a name that are kept; a name is for people.
const LONGEST: usize = 80;
/// Longer than paths that work.
const LONGEST_SOURCE: usize = 4096;

/// The name that a source suggests, and where it comes from in words. A folder `west/cacerts`, a file `west.yaml` and a file
/// `west-cacerts.yaml` suggest `west`; an URL its host.
pub(super) fn from_source(source: &str) -> Option<(String, String)> {
    if let Some((_, rest)) = source.split_once("://") {
        let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
        return Some((clean(host), format!("the address {}", clean(host))));
    }
    let path = without_document(source);
    let parts: Vec<&str> = path.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | ".." | "-")).collect();
    for (above, part) in parts.iter().rev().enumerate() {
        let stem = EXTENSIONS.iter().find_map(|extension| part.strip_suffix(extension)).unwrap_or(part);
        if let Some(name) = telling(stem) {
            let what = if above == 0 && stem != *part { "the file" } else { "the folder" };
            return Some((clean(name), format!("{what} {}", clean(part))));
        }
    }
    None
}

/// The path of a source without the number of a document in it: `all.yaml#2`.
pub(super) fn without_document(source: &str) -> &str {
    match source.rsplit_once('#') {
        Some((path, number)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => path,
        _ => source,
    }
}

/// The part of a name that says which one it is.
fn telling(stem: &str) -> Option<&str> {
    let is_common = |word: &str| word.is_empty() || COMMON.contains(&word.to_ascii_lowercase().as_str());
    if is_common(stem) {
        return None;
    }
    for common in COMMON {
        let before = stem.strip_suffix(common).and_then(|rest| rest.strip_suffix(['-', '_', '.']));
        let behind = stem.strip_prefix(common).and_then(|rest| rest.strip_prefix(['-', '_', '.']));
        if let Some(rest) = before.or(behind).filter(|rest| !is_common(rest)) {
            return Some(rest);
        }
    }
    Some(stem)
}

/// The name that a CA's subject suggests: Istio's Makefile puts the cluster into `L`, we put it at the start of `CN`.
pub(super) fn from_authority(certificate: &Certificate) -> Option<(String, String)> {
    let subject = certificate.subject().to_string();
    let attribute = |name: &str| subject.split(',').find_map(|part| part.strip_prefix(name)).filter(|value| !value.is_empty());
    if let Some(location) = attribute("L=") {
        return Some((clean(location), format!("L={} in its CA's subject", clean(location))));
    }
    let name = attribute("CN=")?;
    // `west 1a2b3c4d`: the cluster, and the start of the key's identifier.
    let first = match name.rsplit_once(' ') {
        Some((first, id)) if id.len() >= 6 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => first,
        _ => name,
    };
    let told = !["Root CA", "Intermediate CA", "istiod", "cluster.local"].contains(&first);
    told.then(|| (clean(first), "the common name of its CA".to_owned()))
}

/// Fit for a terminal: no control characters, not endless.
pub(super) fn clean(text: &str) -> String {
    text.chars().take(LONGEST).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// A source, fit for a terminal.
pub(super) fn clean_source(source: &str) -> String {
    source.chars().take(LONGEST_SOURCE).map(|c| if c.is_control() { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_called_after_its_file_or_folder() {
        for (source, name) in [
            ("west/cacerts", "west"),
            ("mesh/clusters/west/cacerts/", "west"),
            ("west.yaml", "west"),
            ("west-cacerts.yaml#2", "west"),
            ("cacerts-west.json", "west"),
            ("./west/root-cert.pem", "west"),
            ("west", "west"),
            ("tls://10.0.0.1:15012", "10.0.0.1:15012"),
            ("https://bundle.east.example/x", "bundle.east.example"),
        ] {
            assert_eq!(from_source(source).unwrap().0, name, "{source}");
        }
        for source in ["-", "", "cacerts", "../certs/cacerts.yaml", "./all.yaml#3", "istio-system/secrets.yaml"] {
            assert_eq!(from_source(source), None, "{source}");
        }
    }

    #[test]
    fn a_name_never_touches_a_terminal() {
        assert_eq!(from_source("we\u{1b}[31mst").unwrap().0, "we?[31mst");
        assert_eq!(from_source(&"x".repeat(500)).unwrap().0.len(), 80);
    }
}
