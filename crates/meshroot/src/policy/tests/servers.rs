use core::net::IpAddr;

use super::*;

fn policy(edit: impl FnOnce(&mut ServerRule)) -> CheckedPolicy {
    let mut rule = ServerRule {
        name: "services".into(),
        callers: strings(&["kubernetes", "svid", "join_token", "admin"]),
        dns: strings(&["{service_account}.{namespace}.svc", "*.west.example"]),
        ips: strings(&["10.0.0.0/8", "2001:db8::7"]),
        ..Default::default()
    };
    edit(&mut rule);
    west_with(|west| west.servers.push(rule))
}

fn server(dns: &[&str], ips: &[&str]) -> Requested {
    let ips = ips.iter().map(|ip| ip.parse::<IpAddr>().unwrap()).collect();
    Requested { wanted: Wanted::Server { id: None, dns: strings(dns), ips }, ..workload() }
}

fn with_id(requested: Requested, text: &str) -> Requested {
    let Wanted::Server { dns, ips, .. } = requested.wanted else { panic!("a server") };
    Requested { wanted: Wanted::Server { id: Some(id(text)), dns, ips }, ..requested }
}

#[test]
fn every_name_of_a_server_must_be_allowed() {
    let policy = policy(|_| ());
    let decide = |dns: &[&str], ips: &[&str]| policy.decide(&account("shop", "cart"), &server(dns, ips), NOW).map_err(|e| e.code());
    let grant = decide(&["cart.shop.svc", "a.west.example"], &["10.1.2.3", "2001:db8::7"]).unwrap();
    assert_eq!((grant.rule(), grant.id(), grant.lifetime()), ("west/servers/services", None, 90 * DAY));
    assert_eq!(grant.profile().kind(), crate::profile::ProfileKind::Server);
    for (dns, ips) in [
        (&["pay.shop.svc"][..], &[][..]),
        (&["cart.other.svc"], &[]),
        (&["cart.shop.svc", "evil.example"], &[]),
        (&["a.b.west.example"], &[]),
        (&["west.example"], &[]),
        (&["A.shop.svc"], &[]),
        (&["cart.shop.svc"], &["192.0.2.1"]),
        (&[], &["::ffff:10.0.0.1"]),
    ] {
        assert_eq!(decide(dns, ips).unwrap_err(), "policy.no_rule", "{dns:?} {ips:?}");
    }
    for bad in ["", "*.west.example", "a..west.example", "-a.west.example", "a b.west.example"] {
        assert_eq!(decide(&[bad], &[]).unwrap_err(), "policy.server_names", "{bad}");
    }
    assert_eq!(decide(&[], &[]).unwrap_err(), "policy.server_names");
    let many: Vec<_> = (0..101).map(|n| format!("a{n}.west.example")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    decide(&many[..100], &[]).unwrap();
    assert_eq!(decide(&many, &[]).unwrap_err(), "policy.server_names");
}

#[test]
fn names_of_two_rules_do_not_add_up() {
    let policy = west_with(|west| {
        for name in ["a", "b"] {
            let (callers, dns) = (strings(&["kubernetes"]), vec![format!("{name}.example")]);
            west.servers.push(ServerRule { name: name.into(), callers, dns, ..Default::default() });
        }
    });
    let decide = |dns: &[&str]| policy.decide(&account("shop", "cart"), &server(dns, &[]), NOW).map(|grant| grant.rule().to_owned());
    assert_eq!(decide(&["b.example"]).unwrap(), "west/servers/b");
    assert_eq!(decide(&["a.example", "b.example"]).unwrap_err().code(), "policy.no_rule");
}

#[test]
fn a_rule_may_be_for_some_namespaces_and_accounts() {
    let policy = policy(|rule| {
        rule.namespaces = Some(strings(&["shop"]));
        rule.service_accounts = Some(strings(&["ingress-*"]));
    });
    let decide = |caller: &Caller| policy.decide(caller, &in_west(server(&["a.west.example"], &[])), NOW).map_err(|e| e.code());
    decide(&account("shop", "ingress-1")).unwrap();
    decide(&svid("spiffe://mesh.example/ns/shop/sa/ingress-1", DAY)).unwrap();
    for caller in [
        account("shop", "cart"),
        account("team-a", "ingress-1"),
        svid("spiffe://mesh.example/ns/team-a/sa/ingress-1", DAY),
        // Who has no namespace has not this one.
        svid("spiffe://mesh.example/vm/web-1", DAY),
        join(JoinScope::Cluster),
        admin(),
    ] {
        assert_eq!(decide(&caller).unwrap_err(), "policy.no_rule", "{caller}");
    }
}

#[test]
fn a_placeholder_is_filled_by_the_callers_own_name() {
    let policy = policy(|_| ());
    let decide = |caller: &Caller, name: &str| policy.decide(caller, &in_west(server(&[name], &[])), NOW).is_ok();
    assert!(decide(&svid("spiffe://mesh.example/ns/shop/sa/cart", DAY), "cart.shop.svc"));
    assert!(!decide(&svid("spiffe://mesh.example/ns/shop/sa/cart", DAY), "pay.shop.svc"));
    for nameless in [svid("spiffe://mesh.example/vm/web-1", DAY), join(JoinScope::Cluster), admin()] {
        assert!(!decide(&nameless, "cart.shop.svc"), "{nameless}");
        assert!(decide(&nameless, "a.west.example"), "{nameless}");
    }
}

#[test]
fn a_server_carries_its_spiffe_id_only_where_the_rule_says_so() {
    let names = || server(&["a.west.example"], &[]);
    let own = "spiffe://mesh.example/ns/shop/sa/cart";
    let without = policy(|_| ());
    let denial = without.decide(&account("shop", "cart"), &with_id(names(), own), NOW).unwrap_err();
    assert_eq!((denial.code(), denial.rule()), ("policy.other_identity", Some("west/servers/services")));

    let with = policy(|rule| rule.with_id = true);
    for requested in [names(), with_id(names(), own)] {
        assert_eq!(with.decide(&account("shop", "cart"), &requested, NOW).unwrap().id(), Some(&id(own)));
    }
    // It is the identity that the caller would get as a workload, or none.
    let other = with_id(names(), "spiffe://mesh.example/ns/shop/sa/pay");
    assert_eq!(with.decide(&account("shop", "cart"), &other, NOW).unwrap_err().code(), "policy.other_identity");
    assert_eq!(with.decide(&account("kube-system", "cart"), &names(), NOW).unwrap_err().code(), "policy.no_rule");
    assert_eq!(with.decide(&admin(), &in_west(names()), NOW).unwrap_err().code(), "policy.id_missing");
    assert_eq!(with.decide(&join(JoinScope::ClusterCa), &names(), NOW).unwrap_err().code(), "policy.scope");
}
