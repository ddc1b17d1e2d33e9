//! Who may have what: the policy, and the keys by which clusters' tokens are known. Read as a whole, swapped as a whole.

mod accounts;
mod builtin;
mod error;
mod read;

use std::sync::Arc;

use meshroot::hierarchy::ClusterName;
use meshroot::key::Crypto;
use meshroot::policy::CheckedPolicy;
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::token::{ServiceAccountToken, TokenError};

use crate::caller::Digest;
use crate::config;
use crate::mesh::Snapshot;
use accounts::Accounts;
pub(crate) use accounts::Audience;
pub use error::PermissionError;
pub use read::{read_cases, read_policy};

/// What is permitted, at one moment.
#[derive(Debug)]
pub(crate) struct Permissions {
    pub(crate) policy: CheckedPolicy,
    accounts: Accounts,
    /// SHA-256 of everything that was read: whether it has to be read anew.
    digest: [u8; 32],
}

impl Permissions {
    /// Reads the policy and the key sets that the settings name, remembering so many tokens. Any fault in any of them, and
    /// none is used.
    pub(crate) fn read(
        config: &config::Policy,
        remembered: usize,
        snapshot: &Snapshot,
        crypto: &Crypto,
    ) -> Result<(Self, Vec<String>), PermissionError> {
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
        Ok((Self { policy, accounts: Accounts::new(issuers, remembered), digest: crypto.sha256(&all) }, notes))
    }

    pub(crate) fn is_as(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// The verdict about the token with this digest, if it was judged for this audience a moment ago.
    pub(crate) fn known_service_account(
        &self,
        digest: &Digest,
        audience: Audience,
        now: Timestamp,
    ) -> Option<Result<Arc<ServiceAccountToken>, TokenError>> {
        self.accounts.known(digest, audience, now)
    }

    /// Whose token this is. `digest` is its SHA-256.
    pub(crate) fn service_account(
        &self,
        token: &str,
        digest: Digest,
        audience: Audience,
        crypto: &Crypto,
        now: Timestamp,
    ) -> Result<Arc<ServiceAccountToken>, TokenError> {
        let expected = |cluster: &ClusterName| {
            let issuer = self.policy.kubernetes(cluster)?;
            Some(match audience {
                Audience::Ours => issuer.expected(),
                Audience::Istio => issuer.expected_of_istio(),
            })
        };
        self.accounts.judge(token, digest, audience, expected, crypto, now)
    }
}

fn clusters(snapshot: &Snapshot) -> Vec<(ClusterName, TrustDomain)> {
    let of = |domain: &crate::mesh::Domain| {
        let trust_domain = domain.hierarchy.trust_domain().clone();
        domain.hierarchy.clusters().into_iter().map(move |name| (name.clone(), trust_domain.clone())).collect::<Vec<_>>()
    };
    snapshot.trust_domains().iter().flat_map(of).collect()
}
