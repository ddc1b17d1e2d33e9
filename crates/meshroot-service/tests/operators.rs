//! Administrators over the network.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::fs;
use std::path::PathBuf;

use meshroot::key::{KeyAlgorithm, PrivateKey};
use meshroot_service::Config;
use support::{Client, Running, TestMesh};

const BUNDLE: &str = "/v1/trust-domains/mesh.example/bundle";
const OPERATOR: &str = "/operators/alice";

fn write(mesh: &TestMesh, name: &str, text: &str) -> PathBuf {
    let path = mesh.folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

async fn with_settings(change: impl FnOnce(&TestMesh, &mut Config)) -> Running {
    let mesh = TestMesh::new();
    let mut change = Some(change);
    let service = mesh.serve(|config| (change.take().unwrap())(&mesh, config)).await;
    Running { mesh, service }
}

fn showing(running: &Running, (chain, key): &(String, String)) -> Client {
    Client::showing(running.service.address(), &running.mesh.roots_pem, chain, key)
}

#[tokio::test]
async fn an_operator_of_the_operations_ca_is_an_administrator_and_nobody_else_is() {
    let operations = TestMesh::new();
    let running = with_settings(|mesh, config| config.administration.ca = Some(write(mesh, "operations.pem", &operations.roots_pem))).await;
    let alice = showing(&running, &operations.forged(OPERATOR));
    let answer = alice.get("/v1/status").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = r#"{"cluster":"west","id":"spiffe://mesh.example/ns/shop/sa/cart","ttl":"1m"}"#;
    let made = alice.post("/v1/tokens", body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert!(made.json()["created_by"].as_str().unwrap().contains("operators/alice"), "{}", made.text());

    // A stolen cluster CA makes any name, and no administrator; neither does another CA with the same names.
    for other in [running.mesh.forged(OPERATOR), TestMesh::new().forged(OPERATOR)] {
        let client = showing(&running, &other);
        assert_eq!(client.get("/v1/status").await.status, 401);
        assert_eq!(client.get(BUNDLE).await.status, 200);
    }
    running.mesh.clock.advance(86_401);
    assert_eq!(alice.get("/v1/status").await.status, 401);
    assert_eq!(alice.get(BUNDLE).await.status, 200);
}

#[tokio::test]
async fn a_pinned_key_is_an_administrator_while_its_certificate_is_valid() {
    let elsewhere = TestMesh::new();
    let (alice, mallory) = (elsewhere.forged(OPERATOR), elsewhere.forged(OPERATOR));
    let running = with_settings(|mesh, config| {
        config.administration.public_keys.insert("alice".into(), mesh.key_digest(&alice.0));
    })
    .await;
    let client = showing(&running, &alice);
    assert_eq!(client.get("/v1/tokens").await.status, 200);
    assert_eq!(showing(&running, &mallory).get("/v1/tokens").await.status, 401);
    running.mesh.clock.advance(86_401);
    assert_eq!(client.get("/v1/tokens").await.status, 401);
}

#[tokio::test]
async fn a_service_whose_administrators_would_come_from_the_mesh_does_not_start() {
    let mesh = TestMesh::new();
    let cluster_ca = mesh.forged(OPERATOR).0;
    let cluster_ca = meshroot::pem::certificates(cluster_ca.as_bytes()).unwrap()[1].to_pem();
    let west = mesh.key_digest(&cluster_ca);
    let leaf = meshroot::pem::certificates(TestMesh::new().forged(OPERATOR).0.as_bytes()).unwrap()[0].to_pem();
    let with_ca = |name: &str, text: &str| {
        let path = write(&mesh, name, text);
        move |config: &mut Config| config.administration.ca = Some(path)
    };
    type Change = Box<dyn FnOnce(&mut Config)>;
    let new_key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &mesh.crypto).unwrap().signer(&mesh.crypto).unwrap();
    let cases: [(&str, Change); 9] = [
        ("operators.of_the_mesh", Box::new(with_ca("root.pem", &mesh.roots_pem))),
        ("operators.of_the_mesh", Box::new(with_ca("west.pem", &cluster_ca))),
        ("operators.of_the_mesh", Box::new(with_ca("below.pem", &mesh.unknown_ca(&*new_key)))),
        ("operators.of_the_mesh", Box::new(with_ca("elsewhere.pem", &TestMesh::new().unknown_ca(&*mesh.west_signer())))),
        ("operators.unusable", Box::new(with_ca("leaf.pem", &leaf))),
        ("operators.unusable", Box::new(with_ca("empty.pem", ""))),
        ("operators.unreadable", Box::new(|config| config.administration.ca = Some("/nowhere/ca.pem".into()))),
        ("operators.of_the_mesh", Box::new(move |config| drop(config.administration.public_keys.insert("w".into(), west)))),
        ("operators.digest", Box::new(|config| drop(config.administration.public_keys.insert("w".into(), "abc".into())))),
    ];
    for (code, change) in cases {
        let mut config = Config::default();
        config.listen.address.set_port(0);
        config.health.address.set_port(0);
        change(&mut config);
        let refused = meshroot_service::Service::start(config, support::parts(&mesh)).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
    }
}

#[tokio::test]
async fn an_operations_ca_that_a_cluster_comes_to_hold_makes_no_administrators_any_more() {
    let operations = TestMesh::new();
    let (chain, key) = operations.forged(OPERATOR);
    let ca = meshroot::pem::certificates(chain.as_bytes()).unwrap()[1].to_pem();
    let held = operations.west_signer();
    let running = with_settings(|mesh, config| config.administration.ca = Some(write(mesh, "operations.pem", &ca))).await;
    let alice = showing(&running, &(chain, key));
    assert_eq!(alice.get("/v1/status").await.status, 200);
    running.mesh.join(&*held);
    for _ in 0..200 {
        if alice.get("/v1/status").await.status == 401 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("alice is an administrator still");
}
