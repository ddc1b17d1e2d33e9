//! From a token and a policy to a certificate: what a service does with a request.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failed expectation is what a test is for, in its helpers too")]

mod common;

use common::{Counting, Mesh, crypto, id, now};
use meshroot::csr::{Csr, ProvenRequest};
use meshroot::hierarchy::ClusterName;
use meshroot::issue::Authorized;
use meshroot::key::{KeyAlgorithm, PrivateKey, Signer};
use meshroot::policy::{CaRule, Caller, Callers, CheckedPolicy, ClusterPolicy, Grant, KubernetesCallers, Policy, Requested, ServerRule, SwitchedOn};
use meshroot::policy::{JoinScope, Wanted, WorkloadRule};
use meshroot::spiffe::SpiffeId;
use meshroot::token::{ClusterIssuer, Issuers, KeySet};
use meshroot::x509::Certificate;

const CART: &str = "spiffe://mesh.example/ns/shop/sa/cart";
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn policy() -> CheckedPolicy {
    let kubernetes = KubernetesCallers { issuers: texts(&[ISSUER]), audiences: texts(&["meshroot"]), ..Default::default() };
    let cluster = |namespace: &str| ClusterPolicy {
        trust_domain: "mesh.example".into(),
        callers: Callers { kubernetes: Some(kubernetes.clone()), join_token: Some(SwitchedOn {}), ..Default::default() },
        workloads: vec![WorkloadRule {
            name: "teams".into(),
            callers: texts(&["kubernetes"]),
            namespaces: texts(&[namespace]),
            ..Default::default()
        }],
        servers: vec![ServerRule {
            name: "services".into(),
            callers: texts(&["kubernetes"]),
            dns: texts(&["{service_account}.{namespace}.svc"]),
            with_id: true,
            ..Default::default()
        }],
        ca: Some(CaRule { callers: texts(&["join_token"]), ..Default::default() }),
        ..Default::default()
    };
    let clusters = [("west".to_owned(), cluster("shop")), ("east".to_owned(), cluster("other"))];
    Policy { clusters: clusters.into(), ..Default::default() }.check().unwrap()
}

/// The clusters of the tokens that go-jose made, and their tokens.
fn outside() -> (Issuers, Vec<(String, String)>) {
    let made: serde_json::Value = serde_json::from_str(include_str!("../testdata/token/go-jose.json")).unwrap();
    let (mut clusters, mut tokens) = (Vec::new(), Vec::new());
    for made in &made["clusters"].as_array().unwrap()[..3] {
        let name = made["cluster"].as_str().unwrap();
        let (keys, _) = KeySet::from_jwks(made["jwks"].to_string().as_bytes(), &crypto()).unwrap();
        clusters.push(ClusterIssuer { cluster: ClusterName::parse(name).unwrap(), issuer: ISSUER.into(), keys });
        tokens.push((name.to_owned(), made["token"].as_str().unwrap().to_owned()));
    }
    (Issuers::new(clusters).0, tokens)
}

fn key(algorithm: KeyAlgorithm) -> std::sync::Arc<dyn Signer> {
    PrivateKey::generate(algorithm, &crypto()).unwrap().signer(&crypto()).unwrap()
}

fn request(name: Option<&SpiffeId>) -> ProvenRequest {
    let signer = key(KeyAlgorithm::EcdsaP256);
    match name {
        Some(name) => Csr::from_der(Csr::for_workload(&*signer, name).unwrap().der()).unwrap().prove(&crypto()).unwrap(),
        None => ProvenRequest::from_signer(&*signer, &crypto()).unwrap(),
    }
}

fn cart() -> Caller {
    Caller::Kubernetes { cluster: ClusterName::parse("west").unwrap(), namespace: "shop".into(), service_account: "cart".into() }
}

fn grant(wanted: Wanted) -> Grant {
    policy().decide(&cart(), &Requested { wanted, ..Requested::workload(KeyAlgorithm::EcdsaP256) }, now()).unwrap()
}

#[test]
fn a_token_becomes_a_certificate_of_exactly_its_service_account() {
    let (mesh, policy, (issuers, tokens)) = (Mesh::new(&["west"]), policy(), outside());
    for (cluster, token) in tokens {
        // Istio's audience counts only where the service asks for it.
        let over_http = issuers.verify_as(&token, |name| Some(policy.kubernetes(name)?.expected()), &crypto(), now());
        let over_grpc = issuers.verify_as(&token, |name| Some(policy.kubernetes(name)?.expected_of_istio()), &crypto(), now());
        if cluster == "north" {
            // In no policy, so its tokens are nobody's.
            assert_eq!(over_grpc.unwrap_err().code(), "token.not_expected");
            continue;
        }
        assert_eq!(over_http.unwrap_err().code(), "token.audience");
        let token = over_grpc.unwrap();
        let request = request(Some(&id(CART)));
        let decision = policy.decide(&Caller::from(&token), &Requested::workload(request.public_key().algorithm()), now());
        if cluster == "east" {
            // The same account, in a cluster whose rules are for others.
            assert_eq!(decision.unwrap_err().code(), "policy.no_rule");
            continue;
        }
        let grant = decision.unwrap();
        let authorized = Authorized::by_policy(request, &grant, &crypto()).unwrap();
        let issued = mesh.issuer("west").issue(authorized, &grant.profile(), crypto().entropy(), now()).unwrap();
        assert_eq!(Certificate::from_der(issued.der()).unwrap().alt_names().unwrap().uris, [CART]);
    }
}

#[test]
fn a_request_that_names_another_identity_is_refused_whatever_was_granted() {
    let grant = grant(Wanted::Workload { id: None });
    let refused = |name: &str| Authorized::by_policy(request(Some(&id(name))), &grant, &crypto()).unwrap_err().code();
    assert_eq!(refused("spiffe://mesh.example/ns/shop/sa/pay"), "denial.other_identity");
    assert_eq!(refused("spiffe://other.example/ns/shop/sa/cart"), "denial.other_identity");
    Authorized::by_policy(request(None), &grant, &crypto()).unwrap();
    Authorized::by_policy(request(Some(&id(CART))), &grant, &crypto()).unwrap();
}

#[test]
fn a_grant_is_good_for_the_kind_of_key_that_it_was_decided_for() {
    let grant = grant(Wanted::Workload { id: None });
    let other = ProvenRequest::from_signer(&*key(KeyAlgorithm::EcdsaP384), &crypto()).unwrap();
    assert_eq!(Authorized::by_policy(other, &grant, &crypto()).unwrap_err().code(), "denial.other_key");
}

#[test]
fn a_server_gets_the_granted_names_and_its_id() {
    let mesh = Mesh::new(&["west"]);
    let grant = grant(Wanted::Server { id: None, dns: texts(&["cart.shop.svc"]), ips: vec![] });
    let authorized = Authorized::by_policy(request(None), &grant, &crypto()).unwrap();
    let issued = mesh.issuer("west").issue(authorized, &grant.profile(), crypto().entropy(), now()).unwrap();
    let certificate = Certificate::from_der(issued.der()).unwrap();
    let names = certificate.alt_names().unwrap();
    assert_eq!((names.uris, names.dns), (vec![CART], vec!["cart.shop.svc"]));
}

#[test]
fn a_cluster_gets_its_ca_from_the_root() {
    let mesh = Mesh::new(&["west"]);
    let caller = Caller::JoinToken { cluster: ClusterName::parse("west").unwrap(), scope: JoinScope::ClusterCa };
    let requested = Requested { wanted: Wanted::ClusterCa, ..Requested::workload(KeyAlgorithm::EcdsaP256) };
    let grant = policy().decide(&caller, &requested, now()).unwrap();
    let authorized = Authorized::by_policy(request(None), &grant, &crypto()).unwrap();
    let issued = mesh.root_issuer().issue(authorized, &grant.profile(), crypto().entropy(), now()).unwrap();
    let ca = Certificate::from_der(issued.der()).unwrap();
    assert!(ca.is_ca() && ca.subject().to_string().contains("west CA "), "{}", ca.subject());
}

/// What a refused pod's endless retries cost.
#[test]
fn a_token_costs_one_verification_and_one_of_an_unknown_key_none() {
    let (issuers, tokens) = outside();
    let counting = Counting::new();
    let expected = meshroot::token::Expected::audience("istio-ca");
    for (cluster, token) in &tokens {
        issuers.verify(token, &expected, &counting.crypto(), now()).unwrap();
        assert_eq!(counting.take(), (0, 1), "{cluster}");
        let others: Vec<_> = issuers.clusters().iter().filter(|issuer| issuer.cluster.as_str() != cluster).cloned().collect();
        let refused = Issuers::new(others).0.verify(token, &expected, &counting.crypto(), now()).unwrap_err();
        assert_eq!((refused.code(), counting.take()), ("token.unknown_key", (0, 0)), "{cluster}");
    }
}
