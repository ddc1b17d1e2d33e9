use std::fs;
use std::path::Path;

use meshroot::hierarchy::ClusterName;
use meshroot::key::Crypto;
use meshroot::policy::{CallerKind, CaseFile, CheckedPolicy, Policy};
use meshroot::token::{ClusterIssuer, IssuerFinding, Issuers, KeySet};

use super::{Note, PermissionError, Sources};
use crate::config::fault;

/// Longer than any policy or key set.
const MOST: u64 = 4 << 20;

pub(super) fn text(path: &Path) -> Result<String, PermissionError> {
    let failed = |detail: String| PermissionError::Unreadable { path: path.into(), detail };
    let metadata = fs::metadata(path).map_err(|e| failed(e.to_string()))?;
    if !metadata.is_file() || metadata.len() > MOST {
        return Err(failed("it is no file of a reasonable size".into()));
    }
    fs::read_to_string(path).map_err(|e| failed(e.to_string()))
}

pub(super) fn parse_policy(path: &Path, text: &str) -> Result<CheckedPolicy, PermissionError> {
    let malformed = |e: toml::de::Error| PermissionError::Malformed { path: path.into(), detail: fault::of_toml(text, &e) };
    let policy: Policy = toml::from_str(text).map_err(malformed)?;
    policy.check().map_err(|faults| PermissionError::faults(Some(path), &faults))
}

/// Reads a policy file.
///
/// # Errors
/// When it cannot be read, or has any fault; all faults are told.
pub fn read_policy(path: &Path) -> Result<CheckedPolicy, PermissionError> {
    parse_policy(path, &text(path)?)
}

/// Reads a file of cases for a policy.
///
/// # Errors
/// When it cannot be read, or is not well formed.
pub fn read_cases(path: &Path) -> Result<CaseFile, PermissionError> {
    let text = text(path)?;
    toml::from_str(&text).map_err(|e| PermissionError::Malformed { path: path.into(), detail: fault::of_toml(&text, &e) })
}

/// The issuers of all clusters whose tokens the policy takes, with the key sets that the settings name or that were fetched.
pub(super) fn issuers(
    sources: &Sources,
    policy: &CheckedPolicy,
    crypto: &Crypto,
    all: &mut Vec<u8>,
) -> Result<(Issuers, Vec<Note>), PermissionError> {
    let mut clusters = Vec::new();
    let mut notes = Vec::new();
    let mut add = |cluster: &ClusterName, keys: &KeySet| {
        let issuers = policy.kubernetes(cluster).map(|kubernetes| kubernetes.issuers()).unwrap_or_default();
        clusters.extend(issuers.iter().map(|issuer| ClusterIssuer { cluster: cluster.clone(), issuer: issuer.clone(), keys: keys.clone() }));
    };
    let config = &sources.policy;
    for (name, path) in &config.jwks {
        let cluster = taking(policy, name)?;
        let json = text(path)?;
        all.extend_from_slice(json.as_bytes());
        let bad = |detail: String| PermissionError::KeySet { path: path.clone(), detail };
        let (keys, ignored) = KeySet::from_jwks(json.as_bytes(), crypto).map_err(|e| bad(e.to_string()))?;
        if keys.is_empty() {
            return Err(bad("no key in it can be used".into()));
        }
        notes.extend(ignored.iter().map(|key| Note::worry(format!("{}: {key}", path.display()))));
        add(&cluster, &keys);
    }
    for name in sources.key_sets.clusters() {
        let cluster = taking(policy, name)?;
        if config.jwks.contains_key(name) {
            return Err(PermissionError::Missing(format!(
                "the keys of '{name}' are in a file ([policy.jwks]), and fetched ([discovery]): choose one"
            )));
        }
        let fetched = sources.key_sets.document(name).unwrap_or_default();
        all.extend_from_slice(&fetched);
        // One that cannot be read was never taken over; without any, no token of the cluster passes.
        let keys = KeySet::from_jwks(&fetched, crypto).map(|(keys, _)| keys).unwrap_or_default();
        add(&cluster, &keys);
    }
    for (name, _) in policy.clusters() {
        let known = config.jwks.contains_key(name.as_str()) || sources.key_sets.clusters().any(|fetched| fetched == name.as_str());
        if policy.is_on(name, CallerKind::Kubernetes) && !known {
            return Err(PermissionError::Missing(format!(
                "the policy takes Kubernetes tokens from '{name}', and the settings name no key set for it: [policy.jwks] {name} = \"FILE\", or [discovery] issuer.{name} = \"URL\""
            )));
        }
    }
    let (issuers, findings) = Issuers::new(clusters);
    notes.extend(findings.iter().map(|finding| match finding {
        // As every cluster is that was set up the usual way.
        IssuerFinding::SharedIssuer { .. } => Note::remark(finding),
        _ => Note::worry(finding),
    }));
    Ok((issuers, notes))
}

/// A cluster whose tokens the policy takes.
fn taking(policy: &CheckedPolicy, name: &str) -> Result<ClusterName, PermissionError> {
    let cluster = ClusterName::parse(name).ok().filter(|cluster| policy.is_on(cluster, CallerKind::Kubernetes));
    cluster.ok_or_else(|| {
        PermissionError::Missing(format!("there are keys for '{name}', and the policy takes no Kubernetes tokens from such a cluster"))
    })
}
