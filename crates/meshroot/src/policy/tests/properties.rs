use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// Two clusters of two trust domains; any namespace, several forms of IDs.
static POLICY: LazyLock<CheckedPolicy> = LazyLock::new(|| {
    let mut policy = west();
    let west = policy.clusters.get_mut("west").unwrap();
    west.workloads[0].namespaces = strings(&["*"]);
    west.workloads[0].service_accounts = Some(strings(&["a*", "*b", "cart"]));
    let mut other_form = west.workloads[0].clone();
    other_form.name = "form".into();
    other_form.service_accounts = None;
    other_form.id = Some("/{cluster}/{service_account}/of/{namespace}".into());
    west.workloads.push(other_form);
    let east = ClusterPolicy { trust_domain: "other.example".into(), ..west.clone() };
    policy.clusters.insert("east".into(), east);
    policy.check().unwrap()
});

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9.-]{0,9}", ".{0,9}", Just("cart".to_owned())]
}

fn spiffe_id() -> impl Strategy<Value = SpiffeId> {
    let path = prop_oneof!["/ns/[a-z]{1,3}/sa/(cart|a|b|c)", "/vm/[a-z]{1,3}", "(/[a-z]{1,3}){0,4}", "/(west|east)/[a-z]/of/[a-z]"];
    (prop::sample::select(vec!["mesh.example", "other.example", "third.example"]), path)
        .prop_map(|(trust_domain, path)| SpiffeId::parse(&format!("spiffe://{trust_domain}{path}")).unwrap())
}

fn caller() -> impl Strategy<Value = Caller> {
    let cluster = || prop::sample::select(vec!["west", "east", "north"]).prop_map(cluster);
    prop_oneof![
        (cluster(), name(), name()).prop_map(|(cluster, namespace, service_account)| Caller::Kubernetes { cluster, namespace, service_account }),
        (cluster(), prop::sample::select(vec!["istio-system/ztunnel", "shop/cart"]), name(), name())
            .prop_map(|(cluster, proxy, namespace, service_account)| Caller::NodeProxy { cluster, proxy: proxy.into(), namespace, service_account }),
        (cluster(), spiffe_id(), 0..40u32).prop_map(|(cluster, id, days)| Caller::Svid { cluster, id, authenticated_at: NOW.minus(DAY * days) }),
        (cluster(), spiffe_id()).prop_map(|(cluster, id)| Caller::JoinToken { cluster, scope: JoinScope::Identity(id) }),
        cluster().prop_map(|cluster| Caller::JoinToken { cluster, scope: JoinScope::Cluster }),
        Just(Caller::Admin { name: "ops".into() }),
    ]
}

fn requested() -> impl Strategy<Value = Requested> {
    let cluster = prop::option::of(prop::sample::select(vec!["west", "east"]).prop_map(cluster));
    let key = prop::sample::select(vec![KeyAlgorithm::EcdsaP256, KeyAlgorithm::Rsa(2048), KeyAlgorithm::Ed25519]);
    (cluster, prop::option::weighted(0.3, spiffe_id()), key, prop::option::of(0..10_000_000u64)).prop_map(|(cluster, id, key, seconds)| Requested {
        cluster,
        wanted: Wanted::Workload { id },
        key,
        lifetime: seconds.map(Duration::from_secs),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn a_grant_is_always_within_the_callers_cluster_and_the_rules(caller in caller(), requested in requested()) {
        let Ok(grant) = POLICY.decide(&caller, &requested, NOW) else { return Ok(()) };
        let id = grant.id().unwrap();
        // Of the caller's cluster, and of its trust domain.
        prop_assert!(caller.cluster().is_none_or(|own| own == grant.cluster()));
        prop_assert!(requested.cluster.as_ref().is_none_or(|asked| asked == grant.cluster()));
        let trust_domain = if grant.cluster().as_str() == "west" { "mesh.example" } else { "other.example" };
        prop_assert_eq!(id.trust_domain().as_str(), trust_domain);
        prop_assert_eq!(grant.trust_domain().as_str(), trust_domain);
        // What the request names is what is granted, or nothing is.
        if let Wanted::Workload { id: Some(asked) } = &requested.wanted {
            prop_assert_eq!(asked, id);
        }
        if let Caller::NodeProxy { proxy, .. } = &caller {
            prop_assert_eq!(proxy, "istio-system/ztunnel");
        }
        // Its own names, in a form of a rule, part by part.
        let parts: Vec<_> = id.path().split('/').skip(1).collect();
        match &caller {
            Caller::Kubernetes { cluster, namespace, service_account } | Caller::NodeProxy { cluster, namespace, service_account, .. } => {
                let istio = ["ns", namespace, "sa", service_account];
                let form = [cluster.as_str(), service_account, "of", namespace];
                prop_assert!(parts == istio || parts == form, "{id} for {caller}");
            }
            Caller::Svid { id: own, authenticated_at, .. } => {
                prop_assert_eq!(own, id);
                prop_assert!(NOW.since(*authenticated_at) <= DAY * 30);
            }
            Caller::JoinToken { scope: JoinScope::Identity(own), .. } => prop_assert_eq!(own, id),
            _ => prop_assert!(parts.len() == 2 && parts[0] == "vm", "{id} for {caller}"),
        }
        prop_assert!(!grant.lifetime().is_zero() && grant.lifetime() <= DAY * 2);
        prop_assert_eq!(grant.lifetime_cut().is_some(), requested.lifetime.is_some_and(|asked| asked > grant.lifetime()));
        prop_assert_eq!(grant.key(), requested.key);
    }

    #[test]
    fn the_empty_policy_denies_everything(caller in caller(), requested in requested()) {
        prop_assert_eq!(CheckedPolicy::default().decide(&caller, &requested, NOW).unwrap_err().code(), "policy.no_policy");
    }

    #[test]
    fn a_refusal_is_short_and_on_one_line(caller in caller(), requested in requested()) {
        if let Err(denial) = POLICY.decide(&caller, &requested, NOW) {
            let said = denial.to_string();
            prop_assert!(said.len() < 2_000 && !said.contains(char::is_control), "{}", said);
        }
    }

    #[test]
    fn any_texts_are_checked_without_a_panic(text in ".{0,20}", pattern in "[/a*{}a-z_.]{0,20}") {
        let mut policy = west();
        let west = policy.clusters.get_mut("west").unwrap();
        west.workloads[0].id = Some(pattern.clone());
        west.workloads[0].namespaces = vec![text.clone(), pattern.clone()];
        west.workloads[0].lifetime = Some(text.clone());
        west.servers.push(ServerRule { name: text.clone(), callers: vec![text.clone()], dns: vec![pattern.clone()], ips: vec![text], ..Default::default() });
        policy.deny.push(DenyRule { name: "x".into(), ids: vec![format!("spiffe://mesh.example{pattern}")], because: String::new() });
        if let Err(faults) = policy.check() {
            prop_assert!(faults.iter().all(|fault| !fault.to_string().is_empty()));
        }
    }
}
