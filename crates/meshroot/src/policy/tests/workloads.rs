use super::*;

#[test]
fn a_service_account_gets_its_own_identity() {
    let policy = west().check().unwrap();
    let grant = policy.decide(&account("shop", "cart"), &workload(), NOW).unwrap();
    assert_eq!(grant.id(), Some(&id("spiffe://mesh.example/ns/shop/sa/cart")));
    assert_eq!((grant.rule(), grant.cluster(), grant.lifetime()), ("west/workloads/teams", &cluster("west"), DAY));
    assert_eq!(grant.profile(), crate::profile::Profile::workload());
    // The same when it says so; nothing when it says otherwise.
    assert_eq!(policy.decide(&account("shop", "cart"), &naming("spiffe://mesh.example/ns/shop/sa/cart"), NOW).unwrap(), grant);
    let denial = policy.decide(&account("shop", "cart"), &naming("spiffe://mesh.example/ns/shop/sa/pay"), NOW).unwrap_err();
    assert_eq!((denial.code(), denial.rule()), ("policy.other_identity", Some("west/workloads/teams")));
    // Not even what a rule gives to somebody else.
    let denial = policy.decide(&account("shop", "cart"), &naming("spiffe://mesh.example/vm/web-1"), NOW).unwrap_err();
    assert_eq!(denial.code(), "policy.other_identity");
}

#[test]
fn namespaces_and_accounts_that_no_rule_names_get_nothing() {
    let policy = west_with(|west| west.workloads[0].service_accounts = Some(strings(&["cart", "web-*"])));
    for (namespace, service_account, granted) in [
        ("shop", "cart", true),
        ("team-blue", "web-1", true),
        ("team", "cart", false),
        ("shop2", "cart", false),
        ("kube-system", "cart", false),
        ("shop", "web", false),
        ("shop", "admin", false),
    ] {
        let decision = policy.decide(&account(namespace, service_account), &workload(), NOW);
        assert_eq!(decision.is_ok(), granted, "{namespace}/{service_account}");
        if let Err(denial) = decision {
            assert_eq!((denial.code(), denial.rule()), ("policy.no_rule", Some("west/workloads")));
            let said = denial.to_string();
            assert!(
                said.contains("west/workloads/teams: the ") && said.contains("west/workloads/machines: it is not for kubernetes callers"),
                "{said}"
            );
        }
    }
}

#[test]
fn the_first_rule_that_fits_decides_and_a_caller_may_choose_another_one_that_does() {
    let policy = west_with(|west| {
        let mut second = west.workloads[0].clone();
        second.name = "by-cluster".into();
        second.id = Some("/{cluster}/{namespace}/{service_account}".into());
        west.workloads.push(second);
    });
    let cart = account("shop", "cart");
    let by_cluster = "spiffe://mesh.example/west/shop/cart";
    assert_eq!(policy.decide(&cart, &workload(), NOW).unwrap().rule(), "west/workloads/teams");
    let chosen = policy.decide(&cart, &naming(by_cluster), NOW).unwrap();
    assert_eq!((chosen.rule(), chosen.id()), ("west/workloads/by-cluster", Some(&id(by_cluster))));
    let denial = policy.decide(&cart, &naming("spiffe://mesh.example/west/shop/pay"), NOW).unwrap_err();
    assert_eq!(denial.code(), "policy.other_identity");
}

#[test]
fn a_certificate_renews_its_own_identity_and_no_other() {
    let policy = west().check().unwrap();
    for own in ["spiffe://mesh.example/ns/shop/sa/cart", "spiffe://mesh.example/vm/web-1"] {
        let grant = policy.decide(&svid(own, DAY), &workload(), NOW).unwrap();
        assert_eq!(grant.id(), Some(&id(own)));
        let denial = policy.decide(&svid(own, DAY), &naming("spiffe://mesh.example/vm/web-2"), NOW).unwrap_err();
        assert_eq!(denial.code(), "policy.other_identity");
    }
    // Rules that have changed since it was issued hold for its renewal.
    for gone in ["spiffe://mesh.example/ns/kube-system/sa/x", "spiffe://mesh.example/vm/a/b", "spiffe://mesh.example/x"] {
        assert_eq!(policy.decide(&svid(gone, DAY), &workload(), NOW).unwrap_err().code(), "policy.no_rule", "{gone}");
    }
    let denial = policy.decide(&svid("spiffe://other.example/vm/web-1", DAY), &workload(), NOW).unwrap_err();
    assert_eq!(denial.code(), "policy.foreign_trust_domain");
}

#[test]
fn a_certificate_does_not_renew_itself_for_ever() {
    let policy = west().check().unwrap();
    let renew = |age: Duration| policy.decide(&svid("spiffe://mesh.example/vm/web-1", age), &workload(), NOW).map_err(|e| e.code());
    renew(30 * DAY).unwrap();
    assert_eq!(renew(30 * DAY + Duration::from_secs(1)).unwrap_err(), "policy.renewed_too_long");
    // The clock went back since: no reason to refuse.
    let future = Caller::Svid { cluster: cluster("west"), id: id("spiffe://mesh.example/vm/web-1"), authenticated_at: NOW.plus(DAY) };
    policy.decide(&future, &workload(), NOW).unwrap();
}

#[test]
fn a_join_token_is_good_for_what_it_was_made_for() {
    let policy = west_with(|west| west.ca = Some(CaRule { callers: strings(&["join_token"]), ..Default::default() }));
    let ca = Requested { wanted: Wanted::ClusterCa, ..workload() };
    let one = join(JoinScope::Identity(id("spiffe://mesh.example/vm/web-1")));
    assert_eq!(policy.decide(&one, &workload(), NOW).unwrap().id(), Some(&id("spiffe://mesh.example/vm/web-1")));
    assert_eq!(policy.decide(&one, &naming("spiffe://mesh.example/vm/web-2"), NOW).unwrap_err().code(), "policy.other_identity");
    assert_eq!(policy.decide(&one, &ca, NOW).unwrap_err().code(), "policy.scope");
    // Whoever made the token could not widen the policy by it.
    let wide = join(JoinScope::Identity(id("spiffe://mesh.example/ns/shop/sa/cart")));
    assert_eq!(policy.decide(&wide, &workload(), NOW).unwrap_err().code(), "policy.no_rule");

    let any = join(JoinScope::Cluster);
    assert_eq!(policy.decide(&any, &workload(), NOW).unwrap_err().code(), "policy.id_missing");
    policy.decide(&any, &naming("spiffe://mesh.example/vm/web-2"), NOW).unwrap();
    assert_eq!(policy.decide(&any, &naming("spiffe://mesh.example/ns/shop/sa/cart"), NOW).unwrap_err().code(), "policy.no_rule");
    assert_eq!(policy.decide(&any, &ca, NOW).unwrap_err().code(), "policy.scope");

    let for_ca = join(JoinScope::ClusterCa);
    let grant = policy.decide(&for_ca, &ca, NOW).unwrap();
    assert_eq!((grant.granted(), grant.rule(), grant.lifetime()), (&Granted::ClusterCa, "west/ca", 365 * DAY));
    assert_eq!(grant.profile().kind(), crate::profile::ProfileKind::ClusterCa);
    assert_eq!(policy.decide(&for_ca, &workload(), NOW).unwrap_err().code(), "policy.scope");
}

#[test]
fn an_administrator_gets_what_a_rule_gives_to_administrators() {
    let policy = west().check().unwrap();
    let web = || in_west(naming("spiffe://mesh.example/vm/web-1"));
    assert_eq!(policy.decide(&admin(), &web(), NOW).unwrap().rule(), "west/workloads/machines");
    assert_eq!(policy.decide(&admin(), &Requested { cluster: None, ..web() }, NOW).unwrap_err(), Denial::ClusterMissing);
    assert_eq!(policy.decide(&admin(), &in_west(workload()), NOW).unwrap_err().code(), "policy.id_missing");
    let foreign = in_west(naming("spiffe://mesh.example/ns/shop/sa/cart"));
    assert_eq!(policy.decide(&admin(), &foreign, NOW).unwrap_err().code(), "policy.no_rule");
    // Without a rule, not even they get a CA.
    let ca = in_west(Requested { wanted: Wanted::ClusterCa, ..workload() });
    assert_eq!(policy.decide(&admin(), &ca, NOW).unwrap_err().code(), "policy.no_rule");
}

#[test]
fn a_lifetime_over_the_maximum_is_cut_and_says_so_or_is_refused() {
    let policy = west().check().unwrap();
    let ask = |policy: &CheckedPolicy, lifetime| policy.decide(&account("shop", "cart"), &Requested { lifetime: Some(lifetime), ..workload() }, NOW);
    assert_eq!(ask(&policy, 2 * DAY).unwrap().lifetime_cut(), None);
    assert_eq!(ask(&policy, Duration::from_secs(60)).unwrap().lifetime(), Duration::from_secs(60));
    let grant = ask(&policy, 90 * DAY).unwrap();
    assert_eq!(grant.lifetime(), 2 * DAY);
    assert_eq!(grant.lifetime_cut().unwrap().to_string(), "asked for 90d, and the rule west/workloads/teams allows at most 2d");
    assert_eq!(ask(&policy, Duration::from_millis(999)).unwrap_err().code(), "policy.no_lifetime");

    let strict = west_with(|west| west.defaults.if_longer = Some("refuse".into()));
    assert_eq!(ask(&strict, 90 * DAY).unwrap_err().code(), "policy.lifetime");
    ask(&strict, 2 * DAY).unwrap();
}

#[test]
fn lifetimes_and_keys_come_from_the_nearest_place() {
    let mut policy = west();
    policy.defaults = Defaults { lifetime: Some("12h".into()), max_lifetime: Some("36h".into()), ..Default::default() };
    policy.defaults.keys = Some(strings(&["p256", "rsa3072"]));
    let decide = |policy: &Policy, caller: &Caller| policy.check().unwrap().decide(caller, &workload(), NOW).unwrap().lifetime();
    let machine = svid("spiffe://mesh.example/vm/web-1", DAY);
    assert_eq!(decide(&policy, &machine), Duration::from_secs(12 * 3600));
    policy.clusters.get_mut("west").unwrap().defaults.lifetime = Some("6h".into());
    assert_eq!(decide(&policy, &machine), Duration::from_secs(6 * 3600));
    policy.clusters.get_mut("west").unwrap().workloads[1].lifetime = Some("1h".into());
    assert_eq!(decide(&policy, &machine), Duration::from_secs(3600));
    assert_eq!(decide(&policy, &account("shop", "cart")), Duration::from_secs(6 * 3600));

    let with_key = |key| policy.check().unwrap().decide(&machine, &Requested { key, ..workload() }, NOW).map_err(|e| e.code());
    for (key, fine) in [
        (KeyAlgorithm::EcdsaP256, true),
        (KeyAlgorithm::EcdsaP384, false),
        (KeyAlgorithm::Ed25519, false),
        (KeyAlgorithm::Rsa(2048), false),
        (KeyAlgorithm::Rsa(3072), true),
        (KeyAlgorithm::Rsa(4096), true),
    ] {
        assert_eq!(with_key(key).is_ok(), fine, "{key}");
    }
    assert_eq!(with_key(KeyAlgorithm::Ed25519).unwrap_err(), "policy.key");
}
