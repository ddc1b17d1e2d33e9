use super::*;

#[test]
fn no_policy_means_nothing_is_signed() {
    for empty in [CheckedPolicy::default(), Policy::default().check().unwrap()] {
        for caller in [account("shop", "cart"), svid("spiffe://mesh.example/a", DAY), join(JoinScope::ClusterCa), admin()] {
            for wanted in [Wanted::Workload { id: None }, Wanted::Server { id: None, dns: strings(&["a.example"]), ips: vec![] }, Wanted::ClusterCa] {
                for cluster in [None, Some(cluster("west"))] {
                    let requested = Requested { cluster, wanted: wanted.clone(), ..workload() };
                    let denial = empty.decide(&caller, &requested, NOW).unwrap_err();
                    assert_eq!((denial.code(), denial.rule()), ("policy.no_policy", Some("clusters")));
                }
            }
        }
    }
}

#[test]
fn a_cluster_without_rules_gets_nothing() {
    let policy = west_with(|west| west.workloads.clear());
    for caller in [account("shop", "cart"), svid("spiffe://mesh.example/vm/web-1", DAY), join(JoinScope::Identity(id("spiffe://mesh.example/vm/a")))]
    {
        assert_eq!(policy.decide(&caller, &workload(), NOW).unwrap_err().code(), "policy.no_rule");
    }
    let idle: Vec<_> = policy.notes().iter().map(ToString::to_string).collect();
    assert_eq!(idle.len(), 5, "{idle:?}");
}

#[test]
fn a_caller_asks_its_own_cluster_only() {
    let mut policy = west();
    let east = policy.clusters["west"].clone();
    policy.clusters.insert("east".into(), east);
    let policy = policy.check().unwrap();
    let in_east = Requested { cluster: Some(cluster("east")), ..workload() };
    for caller in [account("shop", "cart"), svid("spiffe://mesh.example/vm/web-1", DAY), join(JoinScope::Cluster)] {
        assert_eq!(policy.decide(&caller, &in_east, NOW).unwrap_err().code(), "policy.other_cluster");
    }
    policy.decide(&account("shop", "cart"), &in_west(workload()), NOW).unwrap();
    let stranger = Caller::Kubernetes { cluster: cluster("north"), namespace: "shop".into(), service_account: "cart".into() };
    assert_eq!(policy.decide(&stranger, &workload(), NOW).unwrap_err(), Denial::UnknownCluster(cluster("north")));
}

#[test]
fn a_kind_of_caller_that_is_not_switched_on_is_not_heard() {
    let web = "spiffe://mesh.example/vm/web-1";
    let callers = [account("shop", "cart"), svid(web, DAY), join(JoinScope::Identity(id(web))), admin()];
    for off in &callers {
        let kind = off.kind();
        let policy = west_with(|west| {
            match kind {
                // Node proxies come with tokens.
                CallerKind::Kubernetes => (west.callers.kubernetes, west.callers.node_proxy) = (None, None),
                CallerKind::NodeProxy => west.callers.node_proxy = None,
                CallerKind::Svid => west.callers.svid = None,
                CallerKind::JoinToken => west.callers.join_token = None,
                CallerKind::Admin => west.callers.admin = None,
            }
            for rule in &mut west.workloads {
                rule.callers.retain(|name| name != kind.as_str() && !(kind == CallerKind::Kubernetes && name == "node_proxy"));
            }
        });
        assert!(!policy.is_on(&cluster("west"), kind));
        for caller in &callers {
            let requested = if caller.kind() == CallerKind::Admin { in_west(naming(web)) } else { workload() };
            let decision = policy.decide(caller, &requested, NOW);
            if caller.kind() == kind {
                let denial = decision.unwrap_err();
                assert_eq!((denial.code(), denial.rule()), ("policy.callers_off", Some(format!("west/callers/{kind}").as_str())));
                assert!(denial.to_string().contains(&format!("[clusters.west.callers.{kind}]")));
            } else {
                decision.unwrap();
            }
        }
    }
}

#[test]
fn a_denied_identity_is_denied_to_everybody() {
    let mut policy = west();
    policy.deny = vec![
        DenyRule { name: "cart".into(), ids: strings(&["spiffe://mesh.example/ns/shop/sa/cart"]), because: "it leaked".into() },
        DenyRule {
            name: "labs".into(),
            ids: strings(&["spiffe://mesh.example/vm/lab-*", "spiffe://mesh.example/ns/team-x/**"]),
            because: String::new(),
        },
    ];
    policy.clusters.get_mut("west").unwrap().workloads[1].id = Some("/vm/*".into());
    let policy = policy.check().unwrap();
    let lab = id("spiffe://mesh.example/vm/lab-1");
    for (caller, requested, rule) in [
        (account("shop", "cart"), workload(), "deny/cart"),
        (svid("spiffe://mesh.example/ns/shop/sa/cart", DAY), workload(), "deny/cart"),
        (account("team-x", "any"), workload(), "deny/labs"),
        (svid(lab.as_str(), DAY), workload(), "deny/labs"),
        (join(JoinScope::Identity(lab.clone())), workload(), "deny/labs"),
        (join(JoinScope::Cluster), naming(lab.as_str()), "deny/labs"),
        (admin(), in_west(naming(lab.as_str())), "deny/labs"),
    ] {
        let denial = policy.decide(&caller, &requested, NOW).unwrap_err();
        assert_eq!((denial.code(), denial.rule()), ("policy.denied", Some(rule)), "{caller}");
    }
    assert_eq!(policy.denies(&id("spiffe://mesh.example/ns/shop/sa/cart")), Some(("deny/cart", "it leaked")));
    let denial = policy.decide(&account("shop", "cart"), &workload(), NOW).unwrap_err();
    assert!(denial.to_string().ends_with("to everybody: it leaked"));
    policy.decide(&account("shop", "pay"), &workload(), NOW).unwrap();
    policy.decide(&account("team-y", "any"), &workload(), NOW).unwrap();
    assert_eq!(policy.denies(&id("spiffe://other.example/ns/shop/sa/cart")), None);
}

#[test]
fn a_name_that_would_reshape_the_path_gets_nothing() {
    let policy = west_with(|west| west.workloads[0].namespaces = strings(&["*"]));
    for (namespace, service_account) in
        [("shop/sa/admin", "x"), ("shop", "a/b"), ("..", "x"), ("shop", ""), ("shop", "."), ("shop", "ä"), ("shop", "a b")]
    {
        let denial = policy.decide(&account(namespace, service_account), &workload(), NOW).unwrap_err();
        assert_eq!((denial.code(), denial.rule()), ("policy.unspeakable", Some("west/workloads/teams")), "{namespace} {service_account}");
    }
    let long = "a".repeat(2048);
    assert_eq!(policy.decide(&account("shop", &long), &workload(), NOW).unwrap_err().code(), "policy.unspeakable");
}

#[test]
fn a_refusal_says_who_asked_why_not_and_what_is_needed() {
    let policy = west().check().unwrap();
    let denial = policy.decide(&account("kube-system", "default"), &workload(), NOW).unwrap_err();
    assert_eq!(
        denial.to_string(),
        "no rule gives the service account kube-system/default of west an identity: west/workloads/teams: the namespace 'kube-system' is none of shop, team-*; \
         west/workloads/machines: it is not for kubernetes callers; needed is a rule for kubernetes callers with the namespace 'kube-system' in it"
    );
    // However many rules there are.
    let many = west_with(|west| {
        let rule = west.workloads[1].clone();
        west.workloads = (0..50).map(|n| WorkloadRule { name: format!("r{n}"), ..rule.clone() }).collect();
    });
    let denial = many.decide(&account("shop", "cart"), &workload(), NOW).unwrap_err();
    assert!(denial.to_string().contains("; and 42 more; needed is") && denial.to_string().len() < 1_000, "{denial}");
}
