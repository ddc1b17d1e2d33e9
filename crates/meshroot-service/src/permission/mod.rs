//! Who may have what: the policy, and the keys by which clusters' tokens are known. Read as a whole, swapped as a whole.

mod builtin;
mod error;
mod read;

use meshroot::hierarchy::ClusterName;
use meshroot::key::Crypto;
use meshroot::policy::CheckedPolicy;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::token::{Issuers, ServiceAccountToken, TokenError};

use crate::caller::Audience;
use crate::config;
use crate::mesh::Snapshot;
pub use error::PermissionError;
pub use read::{read_cases, read_policy};

/// What is permitted, at one moment.
#[derive(Debug)]
pub(crate) struct Permissions {
    pub(crate) policy: CheckedPolicy,
    issuers: Issuers,
    /// SHA-256 of everything that was read: whether it has to be read anew.
    digest: [u8; 32],
}

impl Permissions {
    /// Reads the policy and the key sets that the settings name. Any fault in any of them, and none is used.
    pub(crate) fn read(config: &config::Policy, snapshot: &Snapshot, crypto: &Crypto) -> Result<(Self, Vec<String>), PermissionError> {
        let known = clusters(snapshot);
        let mut all = Vec::new();
        let policy = match &config.file {
            None => builtin::policy(&known)?,
            Some(path) => {
                let text = read::text(path)?;
                all.extend_from_slice(text.as_bytes());
                read::parse_policy(path, &text)?
            }
        };
        policy.check_against(&known).map_err(|faults| PermissionError::faults(config.file.as_deref(), &faults))?;
        let mut notes: Vec<String> = policy.notes().iter().map(ToString::to_string).collect();
        let (issuers, read_notes) = read::issuers(config, &policy, crypto, &mut all)?;
        notes.extend(read_notes);
        Ok((Self { policy, issuers, digest: crypto.sha256(&all) }, notes))
    }

    pub(crate) fn is_as(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// Whose token this is.
    pub(crate) fn service_account(
        &self,
        token: &str,
        audience: Audience,
        crypto: &Crypto,
        now: Timestamp,
    ) -> Result<ServiceAccountToken, TokenError> {
        let expected = |cluster: &ClusterName| {
            let issuer = self.policy.kubernetes(cluster)?;
            Some(match audience {
                Audience::Ours => issuer.expected(),
                Audience::Istio => issuer.expected_of_istio(),
            })
        };
        self.issuers.verify_as(token, expected, crypto, now)
    }
}

fn clusters(snapshot: &Snapshot) -> Vec<(ClusterName, TrustDomain)> {
    let of = |domain: &crate::mesh::Domain| {
        let trust_domain = domain.hierarchy.trust_domain().clone();
        domain.hierarchy.clusters().into_iter().map(move |name| (name.clone(), trust_domain.clone())).collect::<Vec<_>>()
    };
    snapshot.trust_domains().iter().flat_map(of).collect()
}
