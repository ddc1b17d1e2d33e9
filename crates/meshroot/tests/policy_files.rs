//! Policies and cases as files: the documentation's examples, and what a reader of the file is told.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failed expectation is what a test is for, in its helpers too")]

use meshroot::hierarchy::ClusterName;
use meshroot::policy::{CaseFile, CheckedPolicy, Policy};
use meshroot::spiffe::TrustDomain;
use meshroot::time::Timestamp;

const NOW: Timestamp = Timestamp::from_unix(1_795_348_800);

/// The two examples of docs/policy.md.
fn examples() -> (&'static str, &'static str) {
    let mut blocks = include_str!("../docs/policy.md").split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let both = (blocks.next().unwrap(), blocks.next().unwrap());
    assert_eq!(blocks.next(), None);
    both
}

fn example() -> CheckedPolicy {
    toml::from_str::<Policy>(examples().0).unwrap().check().unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// The codes of what is wrong with the example after a change to its text.
fn faults(from: &str, to: &str) -> Vec<(String, &'static str)> {
    assert_eq!(examples().0.matches(from).count(), 1, "{from}");
    let policy: Policy = toml::from_str(&examples().0.replace(from, to)).unwrap_or_else(|e| panic!("{e}"));
    let Err(faults) = policy.check() else { return Vec::new() };
    faults.into_iter().map(|fault| (fault.at.clone(), fault.code())).collect()
}

#[test]
fn the_example_has_no_fault_and_its_cases_pass() {
    let policy = example();
    let cases: CaseFile = toml::from_str(examples().1).unwrap();
    let report = policy.test(&cases, NOW);
    assert!(report.is_good(), "{report}");
    assert!(report.to_string().ends_with("17 of 17 cases as expected"), "{report}");
    let notes: Vec<_> = policy.notes().iter().map(|note| note.code()).collect();
    assert_eq!(notes, ["policy.note.shared_issuer"]);
}

#[test]
fn a_case_that_comes_out_otherwise_fails_and_says_how() {
    let policy = example();
    for (from, to, at) in [
        (r#"id = "spiffe://mesh.example/ns/team-blue/sa/cart""#, r#"id = "spiffe://mesh.example/ns/x/sa/y""#, "expect.id"),
        (r#"lifetime = "48h", cut = true"#, r#"lifetime = "49h", cut = true"#, "expect.lifetime"),
        (r#"lifetime = "48h", cut = true"#, r#"cut = false"#, "expect.cut"),
        (r#"denied = "policy.denied""#, r#"denied = "policy.no_rule""#, "expect.denied"),
        (r#"expect = { denied = "policy.denied", rule = "deny/istiod" }"#, "", "expect.denied"),
        (r#"says = "none of shop, team-*""#, r#"says = "please""#, "expect.says"),
        (r#"rule = "west/ca", lifetime"#, r#"rule = "west/workloads/teams", lifetime"#, "expect.rule"),
        (r#"key = "p384" "#, r#"key = "dsa" "#, "ask.key"),
        (r#"ca = true, key"#, r#"ca = true, dns = ["a.example"], key"#, "ask.ca"),
        (r#"renewing_for = "29d""#, r#"renewing_for = "29 days""#, "caller.renewing_for"),
    ] {
        assert_eq!(examples().1.matches(from).count(), 1, "{from}");
        let cases: CaseFile = toml::from_str(&examples().1.replace(from, to)).unwrap();
        let report = policy.test(&cases, NOW);
        let failed: Vec<_> = report.outcomes.iter().flat_map(|outcome| &outcome.mismatches).map(|mismatch| mismatch.at).collect();
        assert_eq!(failed, [at], "{report}");
        assert!(report.to_string().contains("FAIL ") && report.to_string().ends_with("16 of 17 cases as expected"));
        assert_eq!((report.failed(), report.is_good()), (1, false));
    }
    // A file without cases shows nothing.
    assert!(!policy.test(&CaseFile::default(), NOW).is_good());
}

#[test]
fn a_setting_that_does_not_exist_is_an_error_with_its_place() {
    for (from, to, name) in [
        ("[defaults]", "[default]", "default"),
        ("trust_domain = \"mesh.example\"                           # of", "trust_domains = 1 #", "trust_domains"),
        ("renewable_for", "renewable", "renewable"),
        ("join_token = {}", "join_token = { on = true }", "on"),
        ("audiences = [\"meshroot\"]                                # over", "audience = 1 #", "audience"),
        ("service_accounts = [\"*\"]", "service_account = [\"*\"]", "service_account"),
        ("with_id", "with_ids", "with_ids"),
        ("because", "reason", "reason"),
        ("lifetime = \"180d\"", "life = \"180d\"", "life"),
    ] {
        assert_eq!(examples().0.matches(from).count(), 1, "{from}");
        let text = examples().0.replace(from, to);
        let error = toml::from_str::<Policy>(&text).unwrap_err();
        assert!(error.message().contains(&format!("unknown field `{name}`")), "{error}");
        // The reader points into the text.
        let span = error.span().unwrap();
        assert!(text[span].contains(name), "{error}");
    }
    let case = examples().1.replacen("namespace =", "names =", 1);
    assert!(toml::from_str::<CaseFile>(&case).unwrap_err().message().contains("names"));
    let kind = examples().1.replacen("caller.admin", "caller.root", 1);
    assert!(toml::from_str::<CaseFile>(&kind).unwrap_err().message().contains("unknown variant `root`"));
}

#[test]
fn every_fault_has_its_place() {
    let one = |at: &str, code: &'static str| vec![(at.to_owned(), code)];
    for (from, to, at, code) in [
        ("name = \"istiod\"", "name = \"\"", "deny[0].name", "policy.fault.rule_name"),
        ("ids = [\"spiffe://mesh.example/ns/istio-system/sa/istiod*\"]", "ids = []", "deny[0].ids", "policy.fault.empty"),
        ("spiffe://mesh.example/ns/istio-system", "mesh.example/ns/istio-system", "deny[0].ids[0]", "policy.fault.pattern"),
        ("spiffe://mesh.example/ns/istio-system", "spiffe://MESH/ns/istio-system", "deny[0].ids[0]", "policy.fault.trust_domain"),
        ("spiffe://mesh.example/ns/istio-system", "spiffe://mash.example/ns/istio-system", "deny[0].ids[0]", "policy.fault.denies_nothing"),
        ("spiffe://mesh.example/ns/istio-system", "spiffe://mesh.example/ns/{namespace}", "deny[0].ids[0]", "policy.fault.pattern"),
        ("max_lifetime = \"48h\"", "max_lifetime = \"2 days\"", "defaults.max_lifetime", "policy.fault.duration"),
        ("if_longer = \"cut\"", "if_longer = \"clamp\"", "defaults.if_longer", "policy.fault.unknown_word"),
        ("\"p384\", \"ed25519\", \"rsa\"", "\"rsa1024\"", "defaults.keys[1]", "policy.fault.unknown_word"),
        ("keys = [\"p256\"]", "keys = []", "clusters.west.workloads[1].keys", "policy.fault.empty"),
        ("renewable_for = \"30d\"", "renewable_for = \"0d\"", "clusters.west.callers.svid.renewable_for", "policy.fault.zero"),
        ("max_token_age = \"25h\"", "max_token_age = \"25\"", "clusters.west.callers.kubernetes.max_token_age", "policy.fault.duration"),
        ("name = \"short-lived\"", "name = \"teams\"", "clusters.west.workloads[1].name", "policy.fault.twice"),
        ("callers = [\"join_token\", \"svid\", \"admin\"]", "callers = []", "clusters.west.workloads[2].callers", "policy.fault.empty"),
        (
            "callers = [\"join_token\", \"svid\", \"admin\"]",
            "callers = [\"root\"]",
            "clusters.west.workloads[2].callers[0]",
            "policy.fault.unknown_word",
        ),
        (
            "callers = [\"kubernetes\"]\nnamespaces = [\"*\"]",
            "callers = [\"svid\"]\nnamespaces = [\"*\"]",
            "clusters.east.workloads[0].callers[0]",
            "policy.fault.callers_off",
        ),
        ("namespaces = [\"payments\"]", "namespaces = []", "clusters.west.workloads[1].namespaces", "policy.fault.empty"),
        ("namespaces = [\"payments\"]", "namespaces = [\"pay/ments\"]", "clusters.west.workloads[1].namespaces[0]", "policy.fault.pattern"),
        ("service_accounts = [\"*\"]", "service_accounts = []", "clusters.west.workloads[0].service_accounts", "policy.fault.empty"),
        ("id = \"/vm/{cluster}/web-*\"", "id = \"vm\"", "clusters.west.workloads[2].id", "policy.fault.pattern"),
        ("id = \"/vm/{cluster}/web-*\"", "id = \"/vm\"\nnamespaces = [\"*\"]", "clusters.west.workloads[2].namespaces", "policy.fault.useless"),
        (
            "id = \"/vm/{cluster}/web-*\"",
            "id = \"/vm\"\nservice_accounts = [\"*\"]",
            "clusters.west.workloads[2].service_accounts",
            "policy.fault.useless",
        ),
        ("sa/{service_account}\"             # Istio's", "*/{service_account}\" #", "clusters.west.workloads[0].id", "policy.fault.shared_identity"),
        ("\"*.shop.west.example\"", "\"*.*.west..example\"", "clusters.west.servers[0].dns[1]", "policy.fault.pattern"),
        ("10.0.0.0/8", "10.1.0.0/8", "clusters.west.servers[0].ips[0]", "policy.fault.network"),
        ("callers = [\"join_token\", \"admin\"]", "callers = [\"admin\", \"svid\"]", "clusters.west.ca.callers", "policy.fault.callers_of_ca"),
        (
            "[clusters.east]\ntrust_domain = \"mesh.example\"",
            "[clusters.east]\ntrust_domain = \"Mesh\"",
            "clusters.east.trust_domain",
            "policy.fault.trust_domain",
        ),
        (
            "audiences = [\"meshroot\"]                                # over",
            "audiences = [\"istio-ca\"] #",
            "clusters.west.callers.kubernetes.audiences[0]",
            "policy.fault.audience",
        ),
        (
            "audiences = [\"meshroot\"]                                # over",
            "audiences = [\"https://kubernetes.default.svc.cluster.local\"] #",
            "clusters.west.callers.kubernetes.audiences[0]",
            "policy.fault.audience",
        ),
        (
            "audiences = [\"meshroot\"]                                # over",
            "audiences = [] #",
            "clusters.west.callers.kubernetes.audiences",
            "policy.fault.empty",
        ),
        (
            "issuers = [\"https://kubernetes.default.svc.cluster.local\"]   # --",
            "issuers = [\"a\", \"a\"] #",
            "clusters.west.callers.kubernetes.issuers[1]",
            "policy.fault.twice",
        ),
    ] {
        assert_eq!(faults(from, to), one(at, code), "{to}");
    }
    // Where two places make a contradiction, it is told once, where the last word was said.
    assert_eq!(
        faults("max_lifetime = \"24h\"", "max_lifetime = \"12h\""),
        one("clusters.east.defaults.max_lifetime", "policy.fault.lifetime_over_max")
    );
    assert_eq!(
        faults("lifetime = \"1h\"      ", "lifetime = \"2h\"      "),
        one("clusters.west.workloads[1].max_lifetime", "policy.fault.lifetime_over_max")
    );
}

#[test]
fn all_faults_are_told_at_once() {
    let text = r#"
        [defaults]
        lifetime = "3 days"
        [[deny]]
        name = "a b"
        ids = ["x"]
        [clusters."north west"]
        trust_domain = "MESH"
        [[clusters."north west".workloads]]
        name = ""
        callers = ["kubernetes", "x"]
        namespaces = ["**"]
        id = "/{x}"
    "#;
    let faults = toml::from_str::<Policy>(text).unwrap().check().unwrap_err();
    let places: Vec<_> = faults.iter().map(|fault| fault.at.as_str()).collect();
    assert_eq!(
        places,
        [
            "defaults.lifetime",
            "clusters.north west",
            "clusters.north west.trust_domain",
            "clusters.north west.workloads[0].name",
            "clusters.north west.workloads[0].callers[0]",
            "clusters.north west.workloads[0].callers[1]",
            "clusters.north west.workloads[0].id",
            "clusters.north west.workloads[0].namespaces[0]",
            "deny[0].name",
            "deny[0].ids[0]",
        ]
    );
    assert!(faults[0].to_string().starts_with("defaults.lifetime: '3 days' is no duration"));
}

#[test]
fn a_policy_is_held_against_the_clusters_that_there_are() {
    let known = |clusters: &[(&str, &str)]| {
        let read = |(name, trust_domain): &(&str, &str)| (ClusterName::parse(name).unwrap(), TrustDomain::parse(trust_domain).unwrap());
        clusters.iter().map(read).collect::<Vec<_>>()
    };
    let policy = example();
    policy.check_against(&known(&[("east", "mesh.example"), ("west", "mesh.example"), ("north", "other.example")])).unwrap();
    let faults = policy.check_against(&known(&[("west", "other.example"), ("north", "mesh.example")])).unwrap_err();
    let found: Vec<_> = faults.iter().map(|fault| (fault.at.as_str(), fault.code())).collect();
    assert_eq!(found, [("clusters.east", "policy.fault.unknown_cluster"), ("clusters.west.trust_domain", "policy.fault.other_trust_domain")]);
}

#[test]
fn the_empty_file_is_a_policy_that_grants_nothing() {
    let policy = toml::from_str::<Policy>("").unwrap().check().unwrap();
    let mut cases: CaseFile = toml::from_str(examples().1).unwrap();
    for case in &mut cases.case {
        case.expect = meshroot::policy::ExpectedCase { denied: Some("policy.no_policy".into()), ..Default::default() };
    }
    let report = policy.test(&cases, NOW);
    assert!(report.is_good(), "{report}");
}
