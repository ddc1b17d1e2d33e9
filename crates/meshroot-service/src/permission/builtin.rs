use std::collections::BTreeMap;

use meshroot::hierarchy::ClusterName;
use meshroot::policy::{Callers, CheckedPolicy, ClusterPolicy, Policy, SvidCallers, SwitchedOn, WorkloadRule};
use meshroot::spiffe::TrustDomain;

use super::PermissionError;

/// What holds without a policy file: an administrator grants each identity by making a token for it, and it may renew
/// itself for 30 days. Nobody else gets anything.
pub(super) fn policy(clusters: &[(ClusterName, TrustDomain)]) -> Result<CheckedPolicy, PermissionError> {
    let of = |(name, trust_domain): &(ClusterName, TrustDomain)| {
        let callers = Callers { join_token: Some(SwitchedOn {}), svid: Some(SvidCallers { renewable_for: "30d".into() }), ..Callers::default() };
        let rule = WorkloadRule {
            name: "granted-by-token".into(),
            callers: vec!["join_token".into(), "svid".into()],
            id: Some("/**".into()),
            ..WorkloadRule::default()
        };
        let cluster = ClusterPolicy { trust_domain: trust_domain.to_string(), callers, workloads: vec![rule], ..ClusterPolicy::default() };
        (name.to_string(), cluster)
    };
    let clusters: BTreeMap<_, _> = clusters.iter().map(of).collect();
    Policy { clusters, ..Policy::default() }.check().map_err(|faults| PermissionError::faults(None, &faults))
}
