//! The witnesses in front of a CA with one defect: each must notice it, or be known not to.
//!
//! The agent and Istio's library take nearly anything; what they then hold is judged as in all other tests ([`Held::judge`]).
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use meshroot_testkit::kubernetes::{ApiServer, KEYS, Node as Machine, Pod, SigningKey, TokenRequest};
use meshroot_tests::exhibits::now;
use meshroot_tests::istio::held::Held;
use meshroot_tests::istio::liar::{Defect, Liar};
use meshroot_tests::istio::mesh::TRUST_DOMAIN;
use meshroot_tests::istio::pilot_agent::{PilotAgent, Sidecar};
use meshroot_tests::istio::programs::wait_for;
use meshroot_tests::istio::ztunnel::{CaClient, Failure, Node, Settings};
use meshroot_tests::judges::Judge;
use serde_json::json;

/// What is said of what is held, as far as it tells defects apart.
const ROOTS: &str = "the trusted roots are not the mesh's";
const PATH: &str = "meshroot verify refuses the chain";
const IDENTITY: &str = "the certificate is for";
const KEY: &str = "the key is another certificate's";
const LATE: &str = "the certificate is past half of its life";
/// What the clients say themselves.
const AGENT_EMPTY: &str = "invalid empty CertChain";
const ZTUNNEL_ROOT: &str = "no root certificate present";

/// Each defect, and what the agent, Istio's library and a ztunnel make of it; nothing where it goes unnoticed and does no harm.
const TABLE: [(Defect, &str, &str); 13] = [
    (Defect::None, "", ""),
    (Defect::RootsNotLast, ROOTS, ROOTS),
    (Defect::RootsApart, ROOTS, ROOTS),
    (Defect::NoRoots, ROOTS, ROOTS),
    (Defect::ForeignRoots, ROOTS, ROOTS),
    (Defect::NoIntermediate, PATH, PATH),
    // The agent hands on all certificates of all elements, a ztunnel the first of each.
    (Defect::IntermediateSecond, "", PATH),
    (Defect::LeafAlone, AGENT_EMPTY, ZTUNNEL_ROOT),
    (Defect::OneElement, AGENT_EMPTY, ZTUNNEL_ROOT),
    (Defect::Empty, AGENT_EMPTY, "the response has no certificates"),
    (Defect::OtherIdentity, IDENTITY, "did not find expected SAN"),
    (Defect::OtherKey, KEY, KEY),
    (Defect::LongAgo, LATE, LATE),
];

fn pod() -> Pod {
    Pod::new(&Machine::new("node-1"), "shop", "cart", "cart-1")
}

fn token() -> String {
    ApiServer::new(SigningKey::from_pem(KEYS[0]).unwrap()).token(&pod(), &TokenRequest::istio(now())).unwrap()
}

fn judged(held: &Held, liar: &Liar) -> String {
    held.judge(&pod().spiffe_id(TRUST_DOMAIN), &liar.roots).err().unwrap_or_default()
}

fn pilot_agent(liar: &Liar) -> String {
    let (pod, roots) = (pod(), liar.roots_file());
    let ca = format!("localhost:{}", liar.address.port());
    let sidecar = Sidecar { cluster: "west", pod: &pod, ca, roots: &roots, token: token(), lifetime: Duration::from_secs(3_600), more: &[] };
    let agent = PilotAgent::start(&sidecar);
    let seen = || agent.files().map(|held| judged(&held, liar)).or_else(|| agent.log().contains(AGENT_EMPTY).then(|| AGENT_EMPTY.into()));
    wait_for(Duration::from_secs(20), seen, || agent.log())
}

fn library(liar: &Liar, judge: &mut Judge) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, token()).unwrap();
    let answer = judge.ask(&json!({
        "ask": "secret", "endpoint": format!("127.0.0.1:{}", liar.address.port()), "roots": liar.roots_file(), "token": file, "cluster": "west",
        "trust_domain": TRUST_DOMAIN, "namespace": "shop", "service_account": "cart", "ttl": 3_600, "curve": "P256",
    }));
    if answer["ok"] != true {
        return answer["reason"].as_str().unwrap().into();
    }
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    judged(&Held { chain: text(&answer["chain"][0]), key: text(&answer["key"]), roots: text(&answer["roots"]) }, liar)
}

fn node_proxy(liar: &Liar, folder: &tempfile::TempDir) -> CaClient {
    let file = folder.path().join("token");
    std::fs::write(&file, token()).unwrap();
    CaClient::new(Settings {
        host: "localhost".into(),
        address: liar.address,
        roots: liar.roots_file(),
        token: file,
        cluster: "west".into(),
        lifetime: Duration::from_secs(3_600),
        shared: true,
    })
}

async fn ztunnel(liar: &Liar) -> String {
    let folder = tempfile::tempdir().unwrap();
    match node_proxy(liar, &folder).fetch(&pod().spiffe_id(TRUST_DOMAIN)).await {
        Ok(certificate) => judged(&certificate.held(), liar),
        Err(Failure::Answer(what)) => what,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_defect_is_noticed() {
    let mut judge = Judge::citadel();
    let mut complaints = Vec::new();
    for (defect, agents, nodes) in TABLE {
        let liar = Liar::start(defect).await;
        let seen =
            [("pilot-agent", agents, pilot_agent(&liar)), ("library", agents, library(&liar, &mut judge)), ("ztunnel", nodes, ztunnel(&liar).await)];
        for (witness, expected, said) in seen {
            // The library wraps what it says.
            let noticed = if expected.is_empty() { said.is_empty() } else { said.contains(expected) };
            if !noticed {
                complaints.push(format!("{defect:?}, {witness}: expected '{expected}', it said '{said}'"));
            }
        }
    }
    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_began_long_ago_makes_a_ztunnel_ask_in_a_tight_loop_and_is_seen_to() {
    let calls = async |defect| {
        let (liar, folder) = (Liar::start(defect).await, tempfile::tempdir().unwrap());
        let _node = Node::start(Arc::new(node_proxy(&liar, &folder)), [pod().spiffe_id(TRUST_DOMAIN)]);
        tokio::time::sleep(Duration::from_secs(2)).await;
        liar.calls()
    };
    assert_eq!(calls(Defect::None).await, 1);
    assert!(calls(Defect::LongAgo).await > 20);
}
