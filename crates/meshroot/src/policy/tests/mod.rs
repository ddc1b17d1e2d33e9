#![allow(clippy::arithmetic_side_effects, reason = "the numbers are those written here")]

mod denials;
mod node_proxies;
mod properties;
mod servers;
mod workloads;

use std::time::Duration;

use super::*;
use crate::hierarchy::ClusterName;
use crate::key::KeyAlgorithm;
use crate::spiffe::SpiffeId;
use crate::time::Timestamp;

/// 2026-11-22T12:00:00Z
pub(super) const NOW: Timestamp = Timestamp::from_unix(1_795_348_800);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn cluster(name: &str) -> ClusterName {
    ClusterName::parse(name).unwrap()
}

pub(super) fn id(text: &str) -> SpiffeId {
    SpiffeId::parse(text).unwrap()
}

pub(super) fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// West gives identities to the teams' service accounts, and to machines; every kind of caller is on.
pub(super) fn west() -> Policy {
    let callers = Callers {
        kubernetes: Some(KubernetesCallers {
            issuers: strings(&["https://kubernetes.default.svc.cluster.local"]),
            audiences: strings(&["meshroot"]),
            ..Default::default()
        }),
        node_proxy: Some(NodeProxyCallers { accounts: strings(&["istio-system/ztunnel"]) }),
        svid: Some(SvidCallers { renewable_for: "30d".into() }),
        join_token: Some(SwitchedOn {}),
        admin: Some(SwitchedOn {}),
    };
    let teams = WorkloadRule {
        name: "teams".into(),
        callers: strings(&["kubernetes", "node_proxy", "svid"]),
        namespaces: strings(&["shop", "team-*"]),
        max_lifetime: Some("48h".into()),
        ..Default::default()
    };
    let machines =
        WorkloadRule { name: "machines".into(), callers: strings(&["join_token", "svid", "admin"]), id: Some("/vm/*".into()), ..Default::default() };
    let west = ClusterPolicy { trust_domain: "mesh.example".into(), callers, workloads: vec![teams, machines], ..Default::default() };
    Policy { clusters: [("west".to_owned(), west)].into(), ..Default::default() }
}

/// After a change.
pub(super) fn west_with(edit: impl FnOnce(&mut ClusterPolicy)) -> CheckedPolicy {
    let mut policy = west();
    edit(policy.clusters.get_mut("west").unwrap());
    policy.check().unwrap()
}

pub(super) fn account(namespace: &str, service_account: &str) -> Caller {
    Caller::Kubernetes { cluster: cluster("west"), namespace: namespace.into(), service_account: service_account.into() }
}

pub(super) fn svid(of: &str, age: Duration) -> Caller {
    Caller::Svid { cluster: cluster("west"), id: id(of), authenticated_at: NOW.minus(age) }
}

pub(super) fn join(scope: JoinScope) -> Caller {
    Caller::JoinToken { cluster: cluster("west"), scope }
}

pub(super) fn admin() -> Caller {
    Caller::Admin { name: "ops".into() }
}

pub(super) fn workload() -> Requested {
    Requested::workload(KeyAlgorithm::EcdsaP256)
}

pub(super) fn naming(text: &str) -> Requested {
    Requested { wanted: Wanted::Workload { id: Some(id(text)) }, ..workload() }
}

pub(super) fn in_west(requested: Requested) -> Requested {
    Requested { cluster: Some(cluster("west")), ..requested }
}
