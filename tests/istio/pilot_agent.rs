//! The real pilot-agent in front of the real service.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::time::Duration;

use meshroot::key::KeyAlgorithm;
use meshroot_testkit::kubernetes::{ApiServer, KEYS, Node, Pod, SigningKey, TokenRequest};
use meshroot_tests::exhibits::now;
use meshroot_tests::istio::held::Held;
use meshroot_tests::istio::mesh::{Mesh, TRUST_DOMAIN};
use meshroot_tests::istio::pilot_agent::{PilotAgent, Sidecar};
use meshroot_tests::istio::programs::{instant, meshroot, rsa_key, succeed, wait_for};
use meshroot_tests::istio::serving::Serving;

const HOUR: Duration = Duration::from_secs(3_600);

/// The shortest lifetime with which an agent still renews quietly, every ten seconds.
const SHORT: Duration = Duration::from_secs(20);

/// What an agent needs for its next certificate, after half of [`SHORT`] and its own pauses between attempts.
const RENEWED: Duration = Duration::from_secs(25);

/// The same, after a change of the bundle: that is served six seconds after it was written.
const LATER: Duration = Duration::from_secs(40);

fn cart() -> Pod {
    Pod::new(&Node::new("node-1"), "shop", "cart", "cart-7d9f")
}

/// An agent of `cluster` with a token that `token_of` minted.
fn agent(mesh: &Mesh, service: &Serving, cluster: &str, token_of: &str, lifetime: Duration) -> PilotAgent {
    agent_with(mesh, service, cluster, mesh.token(token_of, &cart()), lifetime, &[])
}

fn agent_with(mesh: &Mesh, service: &Serving, cluster: &str, token: String, lifetime: Duration, more: &[(&str, &str)]) -> PilotAgent {
    let roots = mesh.roots_file();
    // Both ways in which an agent may be told of the CA: by the name localhost, for which it wants istiod's, and by an address, for which it sends
    // no name at all.
    let host = if cluster == "west" { "localhost" } else { "127.0.0.1" };
    PilotAgent::start(&Sidecar { cluster, pod: &cart(), ca: format!("{host}:{}", service.address.port()), roots: &roots, token, lifetime, more })
}

fn is_good(mesh: &Mesh, held: &Held) {
    held.judge(&cart().spiffe_id(TRUST_DOMAIN), &mesh.roots()).unwrap_or_else(|e| panic!("{e}\n{}", held.chain));
}

/// The second certificate is the CA of this cluster.
fn is_issued_by(mesh: &Mesh, held: &Held, cluster: &str) {
    let chain = meshroot::pem::certificates(held.chain.as_bytes()).unwrap();
    assert_eq!(chain[1].to_pem(), mesh.cluster_ca(cluster), "the issuer is {}", chain[1].subject());
}

#[test]
fn agents_of_two_clusters_with_one_issuer_get_certificates_each_from_its_own_ca() {
    let mesh = Mesh::quickstart(&["west", "east"]);
    assert_eq!(mesh.api_server("west").issuer(), mesh.api_server("east").issuer());
    let service = mesh.serve();
    for (more, algorithm) in [
        (&[][..], KeyAlgorithm::Rsa(2048)),
        (&[("ECC_SIGNATURE_ALGORITHM", "ECDSA")], KeyAlgorithm::EcdsaP256),
        (&[("ECC_SIGNATURE_ALGORITHM", "ECDSA"), ("ECC_CURVE", "P384"), ("PKCS8_KEY", "true")], KeyAlgorithm::EcdsaP384),
    ] {
        for cluster in ["west", "east"] {
            let held = agent_with(&mesh, &service, cluster, mesh.token(cluster, &cart()), 24 * HOUR, more).first();
            is_good(&mesh, &held);
            is_issued_by(&mesh, &held, cluster);
            assert_eq!(held.leaf().public_key().algorithm(), algorithm);
            let validity = held.leaf().validity();
            assert!(validity.not_after.since(now()) > 23 * HOUR, "the lifetime that the agent asked for: {validity:?}");
        }
    }
    assert_eq!(service.granted().len(), 6, "an audit line for each: {:?}", service.audit());
}

#[test]
fn a_token_decides_the_cluster_and_what_an_agent_says_of_itself_does_not() {
    let mesh = Mesh::quickstart(&["west", "east"]);
    let service = mesh.serve();
    let mut crossed = agent(&mesh, &service, "west", "east", HOUR);
    is_issued_by(&mesh, &crossed.first(), "east");
    drop(crossed);

    // Where each cluster may speak for namespaces of its own alone, a token of the other gets nothing, whatever the agent says.
    mesh.write_policy(|cluster| if cluster == "west" { vec!["shop"] } else { vec!["office"] });
    service.reload();
    let refused = |agent: &PilotAgent, code: &str| {
        wait_for(Duration::from_secs(20), || agent.log().contains(&format!("code = {code}")).then_some(()), || agent.log());
        assert_eq!(agent.files(), None);
    };
    std::thread::sleep(Duration::from_secs(1));
    refused(&agent(&mesh, &service, "west", "east", HOUR), "PermissionDenied");
    let stranger = ApiServer::new(SigningKey::from_pem(KEYS[2]).unwrap());
    let token = stranger.token(&cart(), &TokenRequest::istio(now())).unwrap();
    refused(&agent_with(&mesh, &service, "west", token, HOUR, &[]), "Unauthenticated");
    // And west's own agent goes on.
    is_issued_by(&mesh, &agent(&mesh, &service, "west", "west", HOUR).first(), "west");
}

#[test]
fn an_agent_renews_and_outlives_every_end_of_the_service() {
    let mesh = Mesh::quickstart(&["west"]);
    let service = mesh.serve();
    let mut agent = agent(&mesh, &service, "west", "west", SHORT);
    let first = agent.first();
    is_good(&mesh, &first);
    let start = instant();

    // A crash: the agent has what it has, and finds the next service by itself.
    service.kill();
    std::thread::sleep(Duration::from_secs(2));
    assert!(agent.held().unwrap().is_as(&first));
    let service = mesh.serve();
    let second = agent.wait(RENEWED, "a certificate after the crash", |held| !held.is_as(&first));
    is_good(&mesh, &second);
    assert!(start.elapsed() > SHORT / 3, "renewed after {:?}, long before half of its life", start.elapsed());

    // An orderly end.
    assert!(service.terminate().success());
    std::thread::sleep(Duration::from_secs(2));
    let service = mesh.serve();
    let third = agent.wait(RENEWED, "a certificate after the restart", |held| !held.is_as(&first) && !held.is_as(&second));
    is_good(&mesh, &third);
    assert!(service.granted().len() >= 3, "the log of all three services: {:?}", service.audit());
}

#[test]
fn roots_that_change_reach_an_agent_with_its_next_certificate() {
    let (mesh, other) = (Mesh::quickstart(&["west"]), tempfile::tempdir().unwrap());
    let service = mesh.serve();
    let mut agent = agent(&mesh, &service, "west", "west", SHORT);
    let first = agent.first();
    is_good(&mesh, &first);
    let count = |held: &Held| held.roots.matches("BEGIN CERTIFICATE").count();

    // The second root of a rotation, and the roots of another mesh.
    succeed(meshroot().args(["quickstart", "north", "--trust-domain", "other.example", "--out"]).arg(other.path()));
    let import = other.path().join("bundle.json");
    mesh.publish_a_second_root();
    succeed(meshroot().args(["bundle", "import", "--store"]).arg(mesh.path("mesh")).arg(import));
    let second = agent.wait(LATER, "own and foreign roots", |held| count(held) == 3);
    let foreign = std::fs::read_to_string(other.path().join("root-cert.pem")).unwrap();
    second.judge(&cart().spiffe_id(TRUST_DOMAIN), &format!("{}{foreign}", mesh.roots())).unwrap();

    // And without those of the other mesh again.
    succeed(meshroot().args(["bundle", "remove", "--store"]).arg(mesh.path("mesh")).arg("other.example"));
    let third = agent.wait(LATER, "own roots", |held| count(held) == 2);
    is_good(&mesh, &third);
}

#[test]
fn an_api_servers_keys_are_rotated_under_an_agent() {
    let mut mesh = Mesh::quickstart(&["west", "east", "north"]);
    let service = mesh.serve();
    let old = mesh.token("north", &cart());
    let mut agent = agent_with(&mesh, &service, "north", old.clone(), SHORT, &[]);
    let first = agent.first();
    is_issued_by(&mesh, &first, "north");

    // Old and new key in the set: both tokens are good.
    mesh.api_server_mut("north").rotate(SigningKey::from_pem(&rsa_key()).unwrap());
    mesh.write_keys();
    service.reload();
    std::thread::sleep(Duration::from_secs(1));
    let new = mesh.token("north", &cart());
    is_issued_by(&mesh, &agent_with(&mesh, &service, "north", old.clone(), HOUR, &[]).first(), "north");
    agent.mount_token(&new);
    let second = agent.wait(RENEWED, "a certificate by the new key's token", |held| !held.is_as(&first));
    is_issued_by(&mesh, &second, "north");

    // The old key is gone: so is what it signed, and only that.
    mesh.api_server_mut("north").retire_older_keys();
    mesh.write_keys();
    service.reload();
    std::thread::sleep(Duration::from_secs(1));
    let late = agent_with(&mesh, &service, "north", old, HOUR, &[]);
    wait_for(Duration::from_secs(20), || late.log().contains("code = Unauthenticated").then_some(()), || late.log());
    assert_eq!(late.files(), None);
    for cluster in ["west", "east"] {
        is_issued_by(&mesh, &agent_with(&mesh, &service, cluster, mesh.token(cluster, &cart()), HOUR, &[]).first(), cluster);
    }
    is_good(&mesh, &agent.wait(RENEWED, "the agent goes on", |held| !held.is_as(&first) && !held.is_as(&second)));
}

#[test]
fn a_machine_renews_by_its_certificate_once_it_has_no_token_any_more() {
    let mesh = Mesh::quickstart(&["west"]);
    let service = mesh.serve();
    let mut joined = agent(&mesh, &service, "west", "west", HOUR);
    let first = joined.first();
    let folder = joined.certificates();
    let proof = [("PROV_CERT", folder.to_str().unwrap())];
    let mut machine = agent_with(&mesh, &service, "west", String::new(), SHORT, &proof);
    let second = machine.first();
    is_good(&mesh, &second);
    assert_ne!(first.leaf().serial(), second.leaf().serial());
    is_good(&mesh, &machine.wait(RENEWED, "a renewed certificate", |held| !held.is_as(&second)));
    // Neither a token nor a certificate: nothing.
    let stranger = agent_with(&mesh, &service, "west", String::new(), SHORT, &[]);
    wait_for(Duration::from_secs(20), || stranger.log().contains("code = Unauthenticated").then_some(()), || stranger.log());
    assert_eq!(stranger.files(), None);
}

#[test]
fn a_denied_workload_gets_no_further_certificate_until_the_denial_is_lifted() {
    let mesh = Mesh::quickstart(&["west"]);
    let service = mesh.serve();
    let mut agent = agent(&mesh, &service, "west", "west", SHORT);
    let first = agent.first();
    let id = cart().spiffe_id(TRUST_DOMAIN);
    let revoke = |more: &[&str]| succeed(meshroot().args(["revoke", "--json", "--store"]).arg(mesh.path("mesh")).args(more));
    revoke(&["--id", &id, "--deny"]);
    wait_for(RENEWED, || agent.log().contains("code = PermissionDenied").then_some(()), || agent.log());
    assert!(agent.held().unwrap().is_as(&first), "it keeps what it has");
    // It is this identity's affair alone.
    let till = Pod::new(&Node::new("node-1"), "shop", "till", "till-1");
    let roots = mesh.roots_file();
    let ca = format!("localhost:{}", service.address.port());
    let token = mesh.token("west", &till);
    let neighbour = Sidecar { cluster: "west", pod: &till, ca, roots: &roots, token, lifetime: HOUR, more: &[] };
    PilotAgent::start(&neighbour).first().judge(&till.spiffe_id(TRUST_DOMAIN), &mesh.roots()).unwrap();

    let listed: serde_json::Value = serde_json::from_str(&revoke(&["--list"])).unwrap();
    let number = listed["denials"][0]["number"].to_string();
    revoke(&["--lift", &number]);
    is_good(&mesh, &agent.wait(RENEWED, "a certificate after the denial was lifted", |held| !held.is_as(&first)));
}
