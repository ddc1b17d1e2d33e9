//! Node proxies that ask as ztunnel asks, in front of the real service.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use meshroot_testkit::kubernetes::{Node as Machine, Pod};
use meshroot_tests::istio::mesh::{Mesh, TRUST_DOMAIN};
use meshroot_tests::istio::serving::Serving;
use meshroot_tests::istio::ztunnel::{CaClient, Failure, Node, Request, Settings, State};
use serde_json::Value;

const DAY: Duration = Duration::from_secs(86_400);
const SOON: Duration = Duration::from_secs(20);

/// gRPC's status codes.
const PERMISSION_DENIED: u32 = 7;
const UNAUTHENTICATED: u32 = 16;

/// A node, its ztunnel's pod, and the pods that it proxies.
struct Place {
    machine: Machine,
    ztunnel: Pod,
    pods: Vec<Pod>,
}

impl Place {
    /// A node with `count` pods, every second one with a service account of its own.
    fn new(name: &str, count: usize) -> Self {
        let machine = Machine::new(name);
        let pod = |n: usize| Pod::new(&machine, &format!("team-{}", n % 3), &format!("app-{}", n / 2), &format!("app-{n}-{name}"));
        Self { ztunnel: Pod::new(&machine, "istio-system", "ztunnel", &format!("ztunnel-{name}")), pods: (0..count).map(pod).collect(), machine }
    }

    /// The identities that its ztunnel asks for: one for each service account.
    fn identities(&self) -> Vec<String> {
        let mut all: Vec<_> = self.pods.iter().map(|pod| pod.spiffe_id(TRUST_DOMAIN)).collect();
        all.sort();
        all.dedup();
        all
    }

    fn running(&self) -> Vec<Value> {
        std::iter::once(&self.ztunnel).chain(&self.pods).map(|pod| pod.document("Running")).collect()
    }
}

/// The client of this node's ztunnel, with the token that is mounted into its pod.
fn client(mesh: &Mesh, service: &Serving, cluster: &str, caller: &Pod, lifetime: Duration) -> Arc<CaClient> {
    let token = mesh.path(&format!("{cluster}-{}.token", caller.name));
    std::fs::write(&token, mesh.token(cluster, caller)).unwrap();
    Arc::new(CaClient::new(Settings {
        host: "localhost".into(),
        address: service.address,
        roots: mesh.roots_file(),
        token,
        cluster: cluster.into(),
        lifetime,
        shared: true,
    }))
}

fn all_available(count: usize) -> impl Fn(&std::collections::BTreeMap<String, State>) -> bool {
    move |states| states.len() == count && states.values().all(|state| matches!(state, State::Available(_)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_many_pods_gets_a_certificate_for_each_service_account_in_one_connection() {
    let mesh = Mesh::quickstart(&["west", "east"]);
    let place = Place::new("node-1", 120);
    mesh.write_pods("west", place.running());
    let service = mesh.serve();
    let client = client(&mesh, &service, "west", &place.ztunnel, DAY);
    let node = Node::start(Arc::clone(&client), place.identities());
    let wanted = place.identities();
    node.wait(SOON, all_available(wanted.len())).await;
    assert_eq!((client.calls(), client.connections()), (wanted.len(), 1), "each asked once, over one connection");
    assert_eq!(client.most_at_once(), 8);
    let roots = mesh.roots();
    for (id, certificate) in node.available().iter().step_by(10) {
        certificate.held().judge(id, &roots).unwrap_or_else(|e| panic!("{id}: {e}"));
    }
    // The record says in whose name, and through whom.
    let granted = service.granted();
    assert_eq!(granted.len(), wanted.len());
    assert!(granted.iter().all(|line| line["caller"].as_str().unwrap().contains("ztunnel")), "{}", granted[0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_proxy_must_not_have_it_does_not_get_and_does_not_ask_in_a_tight_loop() {
    let mesh = Mesh::quickstart(&["west", "east"]);
    let (here, there) = (Place::new("node-1", 4), Place::new("node-2", 0));
    let elsewhere = Pod::new(&there.machine, "shop", "cart", "cart-1");
    let impostor = Pod::new(&here.machine, "shop", "impostor", "impostor-1");
    let failed = Pod::new(&here.machine, "shop", "batch", "batch-1");
    let west =
        || [here.running(), there.running(), vec![elsewhere.document("Running"), impostor.document("Running"), failed.document("Failed")]].concat();
    mesh.write_pods("west", west());
    let service = mesh.serve();
    let good = here.identities().remove(0);
    let refused = async |caller: &Pod, id: &str, code: &str| match client(&mesh, &service, "west", caller, DAY).fetch(id).await {
        Err(Failure::Status(UNAUTHENTICATED | PERMISSION_DENIED, message)) => {
            assert!(message.contains(code) && !message.contains("eyJ"), "{id}: {message} and not {code}");
        }
        other => panic!("{id}: {other:?} and not {code}"),
    };
    let of = |account: &str| format!("spiffe://{TRUST_DOMAIN}/ns/shop/sa/{account}");
    refused(&here.ztunnel, &elsewhere.spiffe_id(TRUST_DOMAIN), "impersonation.not_on_node").await;
    refused(&here.ztunnel, &failed.spiffe_id(TRUST_DOMAIN), "impersonation.not_on_node").await;
    refused(&here.ztunnel, &of("nobody"), "impersonation.not_on_node").await;
    refused(&here.ztunnel, &good.replace(TRUST_DOMAIN, "other.example"), "impersonation.other_trust_domain").await;
    refused(&here.ztunnel, &format!("spiffe://{TRUST_DOMAIN}/shop/cart"), "impersonation.not_of_a_pod").await;
    refused(&impostor, &good, "impersonation.not_a_node_proxy").await;
    // The right account on another node, and one whose pod is gone: its token is still good.
    refused(&there.ztunnel, &good, "impersonation.not_on_node").await;
    let gone = Pod::new(&here.machine, "istio-system", "ztunnel", "ztunnel-before");
    refused(&gone, &good, "impersonation.no_such_proxy").await;
    // East's proxy of the same name and node, at east's pods: there are none.
    match client(&mesh, &service, "east", &here.ztunnel, DAY).fetch(&good).await {
        Err(Failure::Status(UNAUTHENTICATED, message)) => assert!(message.contains("impersonation.no_such_proxy"), "{message}"),
        other => panic!("{other:?}"),
    }
    // A pod that came to this node is there within seconds, and one that left is not.
    let moved = Pod { node: here.machine.clone(), ..elsewhere.clone() };
    mesh.write_pods("west", [west(), vec![moved.document("Running")]].concat());
    tokio::time::sleep(Duration::from_secs(3)).await;
    client(&mesh, &service, "west", &here.ztunnel, DAY).fetch(&moved.spiffe_id(TRUST_DOMAIN)).await.unwrap();
    mesh.write_pods("west", west());
    tokio::time::sleep(Duration::from_secs(3)).await;
    refused(&here.ztunnel, &moved.spiffe_id(TRUST_DOMAIN), "impersonation.not_on_node").await;

    // A ztunnel asks for ever, at longer and longer intervals; and its neighbours do not notice.
    let asking = client(&mesh, &service, "west", &here.ztunnel, DAY);
    let node = Node::start(Arc::clone(&asking), [elsewhere.spiffe_id(TRUST_DOMAIN), good.clone()]);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let states = node.states();
    assert!(matches!(states[&good], State::Available(_)), "{states:?}");
    assert!(matches!(states[&elsewhere.spiffe_id(TRUST_DOMAIN)], State::Unavailable(_)), "{states:?}");
    assert!((3..=5).contains(&asking.calls()), "one for each, and two or three again: {}", asking.calls());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_two_clusters_trust_each_other_and_several_roots() {
    let mesh = Mesh::quickstart(&["west", "east"]);
    let (west, east) = (Place::new("west-1", 2), Place::new("east-1", 2));
    mesh.write_pods("west", west.running());
    mesh.write_pods("east", east.running());
    let service = mesh.serve();
    mesh.publish_a_second_root();
    service.wait_for_roots(2);
    let roots = mesh.roots();
    let mut held = Vec::new();
    for (cluster, place, which) in [("west", &west, 0), ("east", &east, 1)] {
        let id = place.identities().remove(which);
        let certificate = client(&mesh, &service, cluster, &place.ztunnel, DAY).fetch(&id).await.unwrap();
        certificate.held().judge(&id, &roots).unwrap_or_else(|e| panic!("{cluster}: {e}"));
        assert_eq!(certificate.roots(), 2);
        held.push((id, certificate));
    }
    let [(west, of_west), (east, of_east)] = &held[..] else { panic!("two") };
    // mTLS as ztunnels do it, in both directions.
    assert_eq!(of_west.accepts(of_east, east), Ok(()));
    assert_eq!(of_east.accepts(of_west, west), Ok(()));
    assert!(of_west.accepts(of_east, west).is_err(), "another identity was accepted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_renewed_at_half_life_and_no_sooner_however_short_they_are() {
    let mesh = Mesh::quickstart(&["west"]);
    let place = Place::new("node-1", 8);
    mesh.write_pods("west", place.running());
    let service = mesh.serve();
    let count = place.identities().len();
    let seconds = Duration::from_secs;
    let asked: Vec<_> =
        [seconds(20), seconds(90), seconds(3_600), DAY].map(|lifetime| client(&mesh, &service, "west", &place.ztunnel, lifetime)).into();
    let nodes: Vec<_> = asked.iter().map(|client| Node::start(Arc::clone(client), place.identities())).collect();
    for node in &nodes {
        node.wait(SOON, all_available(count)).await;
    }
    tokio::time::sleep(seconds(15)).await;
    let calls: Vec<_> = asked.iter().map(|client| client.calls()).collect();
    // Those of twenty seconds were renewed once, or twice where backdating took a little of their half; the others not at all.
    assert!((2 * count..=3 * count).contains(&calls[0]), "{calls:?}");
    assert_eq!(calls[1..], [count; 3], "{calls:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_keeps_what_it_has_while_the_service_is_away_and_goes_on_with_the_next_one() {
    let mesh = Mesh::quickstart(&["west"]);
    let place = Place::new("node-1", 4);
    mesh.write_pods("west", place.running());
    let service = mesh.serve();
    let client = client(&mesh, &service, "west", &place.ztunnel, Duration::from_secs(20));
    let node = Node::start(Arc::clone(&client), place.identities());
    let count = place.identities().len();
    node.wait(SOON, all_available(count)).await;
    let before = node.available();
    service.kill();
    // Past the half of their life: renewals fail, the certificates stay.
    tokio::time::sleep(Duration::from_secs(12)).await;
    let during = node.available();
    assert_eq!(during.len(), count);
    assert!(before.iter().all(|(id, held)| held.leaf().serial() == during[id].leaf().serial()));
    let _service = mesh.serve();
    let serials = before.clone();
    let renewed = move |states: &std::collections::BTreeMap<String, State>| {
        states.iter().all(|(id, state)| matches!(state, State::Available(held) if held.leaf().serial() != serials[id].leaf().serial()))
    };
    node.wait(SOON, renewed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_clusters_that_start_at_once_are_served_without_a_single_refusal() {
    const CLUSTERS: [&str; 5] = ["one", "two", "three", "four", "five"];
    let mesh = Mesh::quickstart(&CLUSTERS);
    let places = CLUSTERS.map(|cluster| [0, 1, 2, 3].map(|n| Place::new(&format!("{cluster}-{n}"), 50)));
    for (cluster, places) in CLUSTERS.iter().zip(&places) {
        mesh.write_pods(cluster, places.iter().flat_map(Place::running));
    }
    let service = mesh.serve();
    let clients: Vec<_> = CLUSTERS
        .iter()
        .zip(&places)
        .flat_map(|(cluster, places)| places.iter().map(|place| (client(&mesh, &service, cluster, &place.ztunnel, DAY), place)))
        .collect();
    let nodes: Vec<_> = clients.iter().map(|(client, place)| Node::start(Arc::clone(client), place.identities())).collect();
    for (node, (client, place)) in nodes.iter().zip(&clients) {
        node.wait(Duration::from_secs(60), all_available(50)).await;
        assert_eq!((client.calls(), client.connections()), (50, 1), "{}: somebody was refused and asked again", place.machine.name);
    }
    // Each by the CA of its own cluster, whatever the others ask for at the same moment.
    for (node, cluster) in nodes.iter().zip(CLUSTERS.iter().flat_map(|cluster| [cluster; 4])) {
        let ca = meshroot::pem::certificates(mesh.cluster_ca(cluster).as_bytes()).unwrap().remove(0);
        assert!(node.available().values().all(|held| held.leaf().issuer() == ca.subject()), "{cluster}");
    }
}

#[test]
fn our_request_has_the_shape_of_a_ztunnels() {
    let csr = meshroot::csr::Csr::from_pem_or_der(Request::new("spiffe://mesh.example/ns/shop/sa/cart").csr.as_bytes()).unwrap();
    let der = csr.der();
    let has = |part: &[u8]| der.windows(part.len()).any(|window| window == part);
    assert_eq!(csr.public_key().algorithm(), meshroot::key::KeyAlgorithm::EcdsaP256);
    assert!(has(&[0x02, 0x01, 0x00, 0x30, 0x00, 0x30, 0x59]), "version 0, an empty subject, a P-256 key");
    assert!(has(&[0x06, 0x03, 0x55, 0x1d, 0x11, 0x01, 0x01, 0xff]), "a critical SAN");
    assert_eq!(csr.uris(), ["spiffe://mesh.example/ns/shop/sa/cart"]);
}
