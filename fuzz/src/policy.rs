use std::time::Duration;

use meshroot::hierarchy::ClusterName;
use meshroot::key::KeyAlgorithm;
use meshroot::policy::{Caller, CaseFile, CheckedPolicy, Granted, JoinScope, Policy, Requested, Wanted};
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;

use crate::{NOW, assert_code};

/// A policy file. What it means does not change when it is written in another notation; a fault has a place and a code; and whoever asks
/// a policy without fault, no identity of another trust domain is granted, none that it denies, none to callers that are off, and no
/// lifetime beyond what was asked for. The same text is also read as a file of cases.
pub fn policy(data: &[u8]) {
    let Ok(text) = core::str::from_utf8(data) else { return };
    let Ok(policy) = toml::from_str::<Policy>(text) else {
        if let (Ok(cases), Ok(empty)) = (toml::from_str::<CaseFile>(text), Policy::default().check()) {
            let report = empty.test(&cases, Timestamp::from_unix(NOW));
            assert_eq!(report.is_good(), report.failed() == 0);
        }
        return;
    };
    let json = serde_json::to_value(&policy).expect("a policy is written");
    assert_eq!(serde_json::from_value::<Policy>(json).expect("what we write is read"), policy);
    match policy.check() {
        Ok(checked) => decide(&checked),
        Err(faults) => {
            assert!(!faults.is_empty());
            for fault in faults {
                assert_code(fault.code(), &["policy"]);
                assert!(!fault.to_string().chars().any(char::is_control), "{fault:?}");
            }
        }
    }
}

fn decide(policy: &CheckedPolicy) {
    for note in policy.notes() {
        assert_code(note.code(), &["policy"]);
    }
    let elsewhere = ClusterName::parse("elsewhere").expect("a name");
    let clusters: Vec<_> = policy.clusters().map(|(name, trust_domain)| (name.clone(), trust_domain.clone())).collect();
    assert_eq!(policy.check_against(&clusters), Ok(()));
    for (cluster, trust_domain) in &clusters {
        for id in ids(trust_domain) {
            for caller in callers(cluster, &id) {
                ask(policy, (cluster, trust_domain), &caller, &id);
            }
        }
        let foreign = Caller::JoinToken { cluster: elsewhere.clone(), scope: JoinScope::Cluster };
        let requested = Requested { cluster: Some(cluster.clone()), ..Requested::workload(KeyAlgorithm::EcdsaP256) };
        assert!(cluster == &elsewhere || policy.decide(&foreign, &requested, Timestamp::from_unix(NOW)).is_err());
    }
}

/// One that most rules are about, and one of another trust domain.
fn ids(trust_domain: &TrustDomain) -> [SpiffeId; 3] {
    [
        SpiffeId::from_path(trust_domain.as_ref(), "/ns/shop/sa/cart"),
        SpiffeId::from_path(trust_domain.as_ref(), "/ns/istio-system/sa/istiod"),
        SpiffeId::parse("spiffe://somewhere.else/ns/shop/sa/cart"),
    ]
    .map(|id| id.expect("an ID"))
}

fn callers(cluster: &ClusterName, id: &SpiffeId) -> Vec<Caller> {
    let cluster = || cluster.clone();
    let mut parts = id.path().split('/').skip(2).step_by(2).map(str::to_owned);
    let (namespace, service_account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    vec![
        Caller::Kubernetes { cluster: cluster(), namespace: namespace.clone(), service_account: service_account.clone() },
        Caller::NodeProxy { cluster: cluster(), proxy: "istio-system/ztunnel".into(), namespace, service_account },
        Caller::Svid { cluster: cluster(), id: id.clone(), authenticated_at: Timestamp::from_unix(NOW - 86_400) },
        Caller::JoinToken { cluster: cluster(), scope: JoinScope::Identity(id.clone()) },
        Caller::JoinToken { cluster: cluster(), scope: JoinScope::Cluster },
        Caller::JoinToken { cluster: cluster(), scope: JoinScope::ClusterCa },
        Caller::Admin { name: "somebody".into() },
    ]
}

fn ask(policy: &CheckedPolicy, (cluster, trust_domain): (&ClusterName, &TrustDomain), caller: &Caller, id: &SpiffeId) {
    let now = Timestamp::from_unix(NOW);
    let wanted = [
        Wanted::Workload { id: None },
        Wanted::Workload { id: Some(id.clone()) },
        Wanted::Server { id: Some(id.clone()), dns: vec!["ca.mesh.example".into()], ips: vec!["10.0.0.1".parse().expect("an address")] },
        Wanted::ClusterCa,
    ];
    for (wanted, lifetime) in
        wanted.into_iter().flat_map(|wanted| [None, Some(Duration::from_secs(3_600))].map(|lifetime| (wanted.clone(), lifetime)))
    {
        let requested = Requested { cluster: Some(cluster.clone()), wanted, key: KeyAlgorithm::EcdsaP256, lifetime };
        let grant = match policy.decide(caller, &requested, now) {
            Ok(grant) => grant,
            Err(denial) => {
                assert_code(denial.code(), &["policy"]);
                assert!(!denial.to_string().chars().any(char::is_control), "{denial:?}");
                continue;
            }
        };
        assert_eq!((grant.cluster(), grant.trust_domain(), grant.key()), (cluster, trust_domain, KeyAlgorithm::EcdsaP256));
        assert!(policy.is_on(cluster, caller.kind()), "{caller:?} is off");
        assert!(!grant.rule().is_empty() && grant.rule().starts_with(cluster.as_str()), "{}", grant.rule());
        assert!(!grant.lifetime().is_zero() && lifetime.is_none_or(|asked| grant.lifetime() <= asked), "{grant:?}");
        match grant.lifetime_cut() {
            Some(cut) => assert!(grant.lifetime() == cut.max && cut.max < cut.asked, "{cut:?}"),
            None => assert!(lifetime.is_none_or(|asked| grant.lifetime() == asked), "{grant:?}"),
        }
        if let Some(granted) = grant.id() {
            assert_eq!(granted.trust_domain(), *trust_domain, "an identity of another trust domain");
            assert_eq!(policy.denies(granted), None, "{granted} is denied to everybody");
        }
        match (grant.granted(), &requested.wanted) {
            (Granted::Workload(granted), Wanted::Workload { id }) => assert!(id.as_ref().is_none_or(|id| id == granted), "{granted}"),
            (Granted::Server { dns, ips, .. }, Wanted::Server { dns: asked, ips: addresses, .. }) => assert_eq!((dns, ips), (asked, addresses)),
            (Granted::ClusterCa, Wanted::ClusterCa) => {}
            (granted, wanted) => panic!("{granted:?} for {wanted:?}"),
        }
    }
}
