//! Who may have what: the policy, and the keys by which clusters' tokens are known. Read as a whole, swapped as a whole.

mod accounts;
mod builtin;
mod error;
mod note;
mod read;

use std::sync::Arc;

use meshroot::hierarchy::ClusterName;
use meshroot::key::Crypto;
use meshroot::policy::{CheckedPolicy, PolicyNote};
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;
use meshroot::token::{Expected, TokenError};

use crate::caller::{Audience, Digest, ServiceAccount};
use crate::config;
use crate::discovery::KeySets;
use crate::mesh::Snapshot;
use accounts::Accounts;
pub use error::PermissionError;
pub(crate) use note::Note;
pub use read::{read_cases, read_policy};

/// Where it is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) policy: config::Policy,
    /// Key sets that are fetched.
    pub(crate) key_sets: Arc<KeySets>,
    /// How many tokens are remembered.
    pub(crate) remembered: usize,
}

/// What is permitted, at one moment.
#[derive(Debug)]
pub(crate) struct Permissions {
    pub(crate) policy: CheckedPolicy,
    accounts: Accounts,
    /// SHA-256 of everything that was read: whether it has to be read anew.
    digest: [u8; 32],
}

impl Permissions {
    /// Reads the policy and the key sets. Any fault in any of them, and none is used.
    pub(crate) fn read(sources: &Sources, snapshot: &Snapshot, crypto: &Crypto) -> Result<(Self, Vec<Note>), PermissionError> {
        let (known, config) = (clusters(snapshot), &sources.policy);
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
        // Clusters with an issuer in common are told of by those who know their keys.
        let told = |note: &&PolicyNote| !matches!(note, PolicyNote::SharedIssuer { .. });
        let mut notes: Vec<Note> = policy.notes().iter().filter(told).map(Note::worry).collect();
        let (issuers, read_notes) = read::issuers(sources, &policy, crypto, &mut all)?;
        notes.extend(read_notes);
        Ok((Self { policy, accounts: Accounts::new(issuers, sources.remembered), digest: crypto.sha256(&all) }, notes))
    }

    pub(crate) fn is_as(&self, other: &Self) -> bool {
        self.digest == other.digest
    }

    /// The clusters that the policy knows by this issuer.
    pub(crate) fn of_issuer(&self, issuer: &str) -> impl Iterator<Item = &ClusterName> {
        let is_known = move |name: &&ClusterName| self.policy.kubernetes(name).is_some_and(|known| known.issuers().iter().any(|one| one == issuer));
        self.policy.clusters().map(|(name, _)| name).filter(is_known)
    }

    /// The audiences of which a token of this cluster must have one.
    pub(crate) fn audiences(&self, cluster: &ClusterName, audience: Audience) -> Vec<String> {
        let expected = self.expected(cluster, audience);
        expected.map(|expected| expected.audiences().to_vec()).unwrap_or_default()
    }

    fn expected(&self, cluster: &ClusterName, audience: Audience) -> Option<Expected> {
        let issuer = self.policy.kubernetes(cluster)?;
        Some(match audience {
            Audience::Ours => issuer.expected(),
            Audience::Istio => issuer.expected_of_istio(),
        })
    }

    /// The verdict about the token with this digest, if it was judged for this audience a moment ago.
    pub(crate) fn known_service_account(
        &self,
        digest: &Digest,
        audience: Audience,
        now: Timestamp,
    ) -> Option<Result<Arc<ServiceAccount>, TokenError>> {
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
    ) -> Result<Arc<ServiceAccount>, TokenError> {
        self.accounts.judge(token, digest, audience, |cluster| self.expected(cluster, audience), crypto, now)
    }
}

fn clusters(snapshot: &Snapshot) -> Vec<(ClusterName, TrustDomain)> {
    let of = |domain: &crate::mesh::Domain| {
        let trust_domain = domain.hierarchy.trust_domain().clone();
        domain.hierarchy.clusters().into_iter().map(move |name| (name.clone(), trust_domain.clone())).collect::<Vec<_>>()
    };
    snapshot.trust_domains().iter().flat_map(of).collect()
}
