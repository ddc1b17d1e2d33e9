//! Istio's own client and secret cache, as a library, in front of the real service.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::path::PathBuf;
use std::time::Duration;

use meshroot::key::KeyAlgorithm;
use meshroot_testkit::kubernetes::{ApiServer, KEYS, Node, Pod, SigningKey, TokenRequest};
use meshroot_tests::exhibits::now;
use meshroot_tests::istio::held::Held;
use meshroot_tests::istio::mesh::{Mesh, TRUST_DOMAIN};
use meshroot_tests::istio::serving::Serving;
use meshroot_tests::istio::ztunnel::Request;
use meshroot_tests::judges::Judge;
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(86_400);

fn cart() -> Pod {
    Pod::new(&Node::new("node-1"), "shop", "cart", "cart-7d9f")
}

fn id() -> String {
    cart().spiffe_id(TRUST_DOMAIN)
}

/// A service, and Istio's client of it.
struct Desk {
    mesh: Mesh,
    service: Serving,
    istio: Judge,
}

impl Desk {
    fn open() -> Self {
        let mesh = Mesh::quickstart(&["west", "east"]);
        let service = mesh.serve();
        Self { mesh, service, istio: Judge::citadel() }
    }

    fn token_file(&self, token: &str) -> PathBuf {
        let path = self.mesh.path("token");
        std::fs::write(&path, token).unwrap();
        path
    }

    fn question(&self, ask: &str, more: &Value) -> Value {
        let mut question = json!({ "ask": ask, "endpoint": format!("127.0.0.1:{}", self.service.address.port()), "roots": self.mesh.roots_file() });
        question.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        question
    }

    /// The agent's secret cache makes a request of its own.
    fn secret(&mut self, more: &Value) -> Value {
        let mut all =
            json!({ "cluster": "west", "trust_domain": TRUST_DOMAIN, "namespace": "shop", "service_account": "cart", "ttl": DAY.as_secs() });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let question = self.question("secret", &all);
        self.istio.ask(&question)
    }

    /// The client sends this request for a certificate.
    fn sign(&mut self, csr: &str, token: Option<&str>, ttl: i64) -> Value {
        let token = token.map(|token| self.token_file(token));
        let question = self.question("sign", &json!({ "cluster": "west", "csr": csr, "token": token.unwrap_or_default(), "ttl": ttl }));
        self.istio.ask(&question)
    }

    fn good_token(&self) -> String {
        self.mesh.token("west", &cart())
    }
}

fn held(answer: &Value) -> Held {
    assert_eq!(answer["ok"], true, "{answer}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    Held { chain: text(&answer["chain"][0]), key: text(&answer["key"]), roots: text(&answer["roots"]) }
}

#[test]
fn istios_secret_cache_takes_our_answer_for_every_kind_of_key() {
    let mut desk = Desk::open();
    let token = desk.token_file(&desk.good_token());
    for (curve, algorithm) in [("", KeyAlgorithm::Rsa(2048)), ("P256", KeyAlgorithm::EcdsaP256), ("P384", KeyAlgorithm::EcdsaP384)] {
        let answer = desk.secret(&json!({ "token": token, "curve": curve }));
        let held = held(&answer);
        held.judge(&id(), &desk.mesh.roots()).unwrap_or_else(|e| panic!("{curve}: {e}"));
        assert_eq!(held.leaf().public_key().algorithm(), algorithm);
        // From these two times the agent reckons when it renews.
        let lived = answer["expires"].as_i64().unwrap() - answer["created"].as_i64().unwrap();
        assert!((86_300..=86_400).contains(&lived), "{lived} seconds");
    }
}

#[test]
fn the_chain_comes_one_certificate_an_element_and_the_whole_bundle_last() {
    let mut desk = Desk::open();
    desk.mesh.publish_a_second_root();
    desk.service.wait_for_roots(2);
    let (request, token) = (Request::new(&id()), desk.good_token());
    let answer = desk.sign(&request.csr, Some(&token), 3_600);
    assert_eq!(answer["ok"], true, "{answer}");
    let chain: Vec<&str> = answer["chain"].as_array().unwrap().iter().map(|element| element.as_str().unwrap()).collect();
    let [leaf, ca, roots] = chain[..] else { panic!("{} elements", chain.len()) };
    for element in [leaf, ca] {
        assert_eq!(element.matches("BEGIN CERTIFICATE").count(), 1, "{element}");
        assert!(element.ends_with("-----END CERTIFICATE-----\n"), "{element:?}");
    }
    assert_eq!(ca, desk.mesh.cluster_ca("west"));
    assert_eq!(roots.matches("BEGIN CERTIFICATE").count(), 2, "{roots}");
    Held { chain: format!("{leaf}{ca}"), key: request.key, roots: roots.into() }.judge(&id(), &desk.mesh.roots()).unwrap();
}

#[test]
fn a_lifetime_is_what_was_asked_for_within_the_policy() {
    let mut desk = Desk::open();
    let token = desk.good_token();
    // Asked for, and what comes of it: Istio's zero means the default; what is over the maximum is cut.
    for (asked, given) in [(3_600, 3_600), (20, 20), (0, 86_400), (86_400, 86_400), (90 * 86_400, 2 * 86_400)] {
        let answer = desk.sign(&Request::new(&id()).csr, Some(&token), asked);
        assert_eq!(answer["ok"], true, "{asked}: {answer}");
        let leaf = meshroot::pem::certificates(answer["chain"][0].as_str().unwrap().as_bytes()).unwrap().remove(0);
        let (validity, at) = (leaf.validity(), now());
        let left = validity.not_after.since(at).as_secs();
        assert!((given - 10..=given).contains(&left), "asked for {asked}: {left} seconds are left");
        let half = validity.not_before.plus(validity.not_after.since(validity.not_before) / 2);
        assert!(half > at, "asked for {asked}: half of its life is over at birth: {validity:?}");
    }
}

#[test]
fn refusals_have_the_codes_that_istio_expects_and_say_no_secrets() {
    let mut desk = Desk::open();
    let (mesh, pod) = (&desk.mesh, cart());
    let request = TokenRequest::istio(now());
    let west = mesh.api_server("west");
    let good = desk.good_token();
    let (head, rest) = good.split_once('.').unwrap();
    let stranger = ApiServer::new(SigningKey::from_pem(KEYS[2]).unwrap());
    let old = TokenRequest { at: now().minus(2 * DAY), ..request.clone() };
    let none = format!("eyJhbGciOiJub25lIn0.{rest}");
    let mine = Request::new(&id()).csr;
    let other = Request::new(&id().replace("cart", "pay")).csr;
    let forged = forged(&mine);
    // What is sent, with which token, for how long; and the status.
    let cases: Vec<(&str, &str, Option<String>, i64, &str)> = vec![
        ("no token", &mine, None, 3_600, "Unauthenticated"),
        ("garbage for a token", &mine, Some("a.b.c".into()), 3_600, "Unauthenticated"),
        ("a token for our HTTP API", &mine, Some(west.token(&pod, &request.clone().for_audience("meshroot")).unwrap()), 3_600, "Unauthenticated"),
        (
            "a token for the API server",
            &mine,
            Some(west.token(&pod, &request.clone().for_audience(west.issuer())).unwrap()),
            3_600,
            "Unauthenticated",
        ),
        ("an expired token", &mine, Some(west.token(&pod, &old).unwrap()), 3_600, "Unauthenticated"),
        ("a stranger's token", &mine, Some(stranger.token(&pod, &request).unwrap()), 3_600, "Unauthenticated"),
        ("alg none", &mine, Some(none), 3_600, "Unauthenticated"),
        ("a token without its signature", &mine, Some(format!("{head}.{}.", rest.split('.').next().unwrap())), 3_600, "Unauthenticated"),
        ("a request for somebody else", &other, Some(good.clone()), 3_600, "PermissionDenied"),
        ("no request", "", Some(good.clone()), 3_600, "InvalidArgument"),
        (
            "garbage for a request",
            "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
            Some(good.clone()),
            3_600,
            "InvalidArgument",
        ),
        ("a request that another key signed", &forged, Some(good.clone()), 3_600, "InvalidArgument"),
    ];
    let mut complaints = Vec::new();
    let count = cases.len();
    for (what, csr, token, ttl, code) in cases {
        let answer = desk.sign(csr, token.as_deref(), ttl);
        if answer["code"] != code {
            complaints.push(format!("{what}: {answer} and not {code}"));
        }
        if token.is_some_and(|token| answer.to_string().contains(&token)) {
            complaints.push(format!("{what}: the token is in the answer"));
        }
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
    let refused = desk.service.refused().len();
    assert!(refused >= count, "{refused} audit lines for {count} refusals");
    let log = desk.service.log();
    assert!(!log.contains(&good), "a token is in the log");
    // And nobody else was disturbed.
    assert_eq!(desk.sign(&mine, Some(&good), 3_600)["ok"], true);
}

/// The request with one bit of its signature turned.
fn forged(csr: &str) -> String {
    let mut der = meshroot::csr::Csr::from_pem_or_der(csr.as_bytes()).unwrap().der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    meshroot_tests::exhibits::armor_as("CERTIFICATE REQUEST", &der)
}

#[test]
fn a_held_certificate_renews_itself_without_a_token() {
    let mut desk = Desk::open();
    let token = desk.token_file(&desk.good_token());
    let first = held(&desk.secret(&json!({ "token": token, "curve": "P256" })));
    let (cert, key) = (desk.mesh.path("cert-chain.pem"), desk.mesh.path("key.pem"));
    std::fs::write(&cert, &first.chain).unwrap();
    std::fs::write(&key, &first.key).unwrap();
    let second = held(&desk.secret(&json!({ "cert": cert, "key": key, "curve": "P256" })));
    second.judge(&id(), &desk.mesh.roots()).unwrap();
    assert_ne!(first.leaf().serial(), second.leaf().serial());
    // Nobody else's identity by that way.
    let other = desk.secret(&json!({ "cert": cert, "key": key, "service_account": "pay" }));
    assert_eq!(other["code"], "PermissionDenied", "{other}");
}

#[test]
fn health_and_the_list_of_services_are_there_for_go() {
    let mut desk = Desk::open();
    let question = desk.question("peek", &json!({}));
    let answer = desk.istio.ask(&question);
    assert_eq!(answer["ok"], true, "{answer}");
    let services: Vec<&str> = answer["services"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    for wanted in ["istio.v1.auth.IstioCertificateService", "grpc.health.v1.Health"] {
        assert!(services.contains(&wanted), "{services:?}");
    }
}

#[test]
fn an_idle_connection_with_frequent_pings_is_left_alone() {
    let mut desk = Desk::open();
    let question = desk.question("idle", &json!({ "seconds": 30 }));
    let answer = desk.istio.ask(&question);
    assert_eq!(answer["ok"], true, "{answer}");
}
