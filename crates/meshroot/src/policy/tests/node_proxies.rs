use super::*;

fn proxy(account: &str, namespace: &str, service_account: &str) -> Caller {
    Caller::NodeProxy { cluster: cluster("west"), proxy: account.into(), namespace: namespace.into(), service_account: service_account.into() }
}

#[test]
fn a_listed_node_proxy_gets_what_the_workload_itself_would_get() {
    let policy = west().check().unwrap();
    let grant = policy.decide(&proxy("istio-system/ztunnel", "shop", "cart"), &naming("spiffe://mesh.example/ns/shop/sa/cart"), NOW).unwrap();
    assert_eq!((grant.id(), grant.rule()), (Some(&id("spiffe://mesh.example/ns/shop/sa/cart")), "west/workloads/teams"));
    // Never an identity of another trust domain, which Istio's own CA would sign.
    let other = policy.decide(&proxy("istio-system/ztunnel", "shop", "cart"), &naming("spiffe://other.example/ns/shop/sa/cart"), NOW);
    assert_eq!(other.unwrap_err().code(), "policy.other_identity");
    let none = policy.decide(&proxy("istio-system/ztunnel", "kube-system", "cart"), &workload(), NOW).unwrap_err();
    assert_eq!(none.code(), "policy.no_rule");
    assert!(none.to_string().contains("a rule for node_proxy callers"), "{none}");
}

#[test]
fn nobody_else_gets_anothers_identity() {
    let policy = west().check().unwrap();
    for account in ["istio-system/ztunnel2", "istio-system2/ztunnel", "shop/cart", "ztunnel", "", "istio-system/ztunnel/x"] {
        let denial = policy.decide(&proxy(account, "shop", "cart"), &workload(), NOW).unwrap_err();
        assert_eq!((denial.code(), denial.rule()), ("policy.not_a_node_proxy", Some("west/callers/node_proxy")), "{account}");
    }
    assert!(policy.is_node_proxy(&cluster("west"), "istio-system", "ztunnel"));
    assert!(!policy.is_node_proxy(&cluster("east"), "istio-system", "ztunnel") && !policy.is_node_proxy(&cluster("west"), "shop", "cart"));
}

#[test]
fn node_proxies_are_off_until_they_are_switched_on_and_a_rule_names_them() {
    let ztunnel = proxy("istio-system/ztunnel", "shop", "cart");
    let off = west_with(|west| {
        west.callers.node_proxy = None;
        west.workloads[0].callers = strings(&["kubernetes"]);
    });
    assert_eq!(off.decide(&ztunnel, &workload(), NOW).unwrap_err().code(), "policy.callers_off");
    let no_rule = west_with(|west| west.workloads[0].callers = strings(&["kubernetes"]));
    assert_eq!(no_rule.decide(&ztunnel, &workload(), NOW).unwrap_err().code(), "policy.no_rule");
}

#[test]
fn what_would_let_a_node_proxy_have_more_is_a_fault() {
    let faults = |edit: &dyn Fn(&mut ClusterPolicy)| {
        let mut policy = west();
        edit(policy.clusters.get_mut("west").unwrap());
        policy.check().map_or_else(|faults| faults.iter().map(|fault| (fault.at.clone(), fault.code())).collect(), |_| Vec::new())
    };
    for account in ["ztunnel", "istio-system/", "/ztunnel", "istio-system/*", "*/ztunnel", "istio.system/ztunnel", "Istio/ztunnel", "a/b/c", ""] {
        let found = faults(&|west| west.callers.node_proxy = Some(NodeProxyCallers { accounts: strings(&[account]) }));
        assert_eq!(found, [("clusters.west.callers.node_proxy.accounts[0]".into(), "policy.fault.account")], "{account}");
    }
    let twice = faults(&|west| west.callers.node_proxy = Some(NodeProxyCallers { accounts: strings(&["a/b", "a/b"]) }));
    assert_eq!(twice[0].1, "policy.fault.twice");
    let none = faults(&|west| west.callers.node_proxy = Some(NodeProxyCallers { accounts: Vec::new() }));
    assert_eq!(none[0].1, "policy.fault.empty");
    let no_tokens = faults(&|west| {
        west.callers.kubernetes = None;
        west.workloads[0].callers = strings(&["node_proxy"]);
    });
    assert_eq!(no_tokens, [("clusters.west.callers.node_proxy".into(), "policy.fault.needs_tokens")]);
    let shared = faults(&|west| {
        west.workloads[0].callers = strings(&["node_proxy"]);
        west.workloads[0].id = Some("/ns/{namespace}".into());
    });
    assert_eq!(shared, [("clusters.west.workloads[0].id".into(), "policy.fault.shared_identity")]);
    let server = faults(&|west| {
        west.servers.push(ServerRule { name: "x".into(), callers: strings(&["node_proxy"]), dns: strings(&["a.example"]), ..Default::default() });
    });
    assert_eq!(server, [("clusters.west.servers[0].callers".into(), "policy.fault.callers_of_server")]);
    let ca = faults(&|west| west.ca = Some(CaRule { callers: strings(&["node_proxy"]), ..Default::default() }));
    assert_eq!(ca, [("clusters.west.ca.callers".into(), "policy.fault.callers_of_ca")]);
}
