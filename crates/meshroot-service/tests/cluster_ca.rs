//! CA certificates for clusters that keep their keys to themselves, with the root at hand and away.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::sync::Arc;

use hyper::Method;
use meshroot::csr::Csr;
use meshroot::key::{KeyAlgorithm, PrivateKey};
use meshroot::x509::Certificate;
use meshroot_service::Clock;
use meshroot_service::config::RootStore;
use meshroot_service::root::{RootKeeper, RootRequest};
use meshroot_store::SqliteStore;
use serde_json::Value;
use support::{Running, TestMesh};

/// A new key's request for a CA, in PEM, and the key.
fn csr(mesh: &TestMesh) -> (String, PrivateKey) {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &mesh.crypto).unwrap();
    (Csr::for_key(&*key.signer(&mesh.crypto).unwrap()).unwrap().to_pem(), key)
}

/// The offline root, where it is.
fn root(mesh: &TestMesh) -> RootKeeper {
    let store = SqliteStore::open(&mesh.root_store()).unwrap();
    RootKeeper::open(Arc::new(store), &mesh.root_data_key(), mesh.crypto.clone()).unwrap()
}

fn ca(document: &Value) -> Certificate {
    meshroot::pem::certificates(document["chain"].as_str().unwrap().as_bytes()).unwrap().remove(0)
}

async fn online() -> Running {
    let mesh = TestMesh::new();
    let root = RootStore { store: mesh.root_store(), unlock: mesh.root_unlock() };
    let service = mesh.serve(|config| config.root = Some(root)).await;
    Running { mesh, service }
}

/// What waits for the root.
async fn requests(running: &Running) -> RootRequest {
    let all = running.administrator().get("/v1/root-requests").await.json();
    assert_eq!(all["requests"].as_array().unwrap().len(), 1);
    RootRequest::from_json(all["requests"][0].to_string().as_bytes()).unwrap()
}

#[tokio::test]
async fn with_the_root_at_hand_a_new_cluster_has_its_ca_at_once() {
    let running = online().await;
    let (csr, key) = csr(&running.mesh);
    let answer = running.stranger().bearer(&running.ca_token("north").await).post("/v1/clusters/north/ca", csr).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let document = answer.json();
    let made = ca(&document);
    assert_eq!((made.public_key(), made.basic_constraints().unwrap().path_len), (key.public_key(), Some(0)));
    made.verify_signature(running.mesh.hierarchy.anchors()[0].public_key(), &running.mesh.crypto).unwrap();
    assert_eq!(document["roots"].as_str(), Some(&*running.mesh.roots_pem));
    let listed = running.administrator().get("/v1/authorities").await.json();
    let north = listed["authorities"].as_array().unwrap().iter().find(|one| one["role"] == "north").unwrap().clone();
    assert_eq!((north["id"].as_str(), north["state"].as_str()), (document["authority"].as_str(), Some("active")));
    // It issues for itself, and the service for the others.
    assert_eq!(running.stranger().get("/readyz").await.status, 200);
    running.workload("west", "/ns/shop/sa/cart").await;
    // The root's own log has it, too.
    let log = SqliteStore::open(&running.mesh.root_store()).unwrap();
    let rows = meshroot_store::Store::issuances(&log, &meshroot_store::Query::default()).unwrap();
    assert!(rows.iter().any(|row| row.certificate == made.der() && row.kind == "cluster CA"));
}

#[tokio::test]
async fn with_the_root_away_a_file_travels_to_it_and_back() {
    let running = Running::start().await;
    let token = running.ca_token("north").await;
    let client = running.stranger().bearer(&token);
    let (csr, key) = csr(&running.mesh);
    let waiting = client.post("/v1/clusters/north/ca?lifetime=90d", csr.clone()).await;
    assert_eq!((waiting.status, waiting.json()["state"].as_str()), (202, Some("waiting")), "{}", waiting.text());
    let location = waiting.header("location").to_owned();
    assert_eq!((client.get(&location).await.status, waiting.header("retry-after")), (202, "30"));

    let request = requests(&running).await;
    assert!(request.summary.iter().any(|line| line.contains("'north'")), "{:?}", request.summary);
    let answer = root(&running.mesh).sign(&request, running.mesh.clock.now()).unwrap();
    let imported = running.administrator().post("/v1/root-answers", answer.to_json()).await;
    assert_eq!(imported.status, 200, "{}", imported.text());

    // The token has expired since, and still proves who asked.
    running.mesh.clock.advance(3_600);
    let fetched = client.get(&location).await;
    assert_eq!((fetched.status, fetched.json()["state"].as_str()), (200, Some("signed")), "{}", fetched.text());
    let made = ca(&fetched.json());
    assert_eq!(made.public_key(), key.public_key());
    let lifetime = made.validity().not_after.since(made.validity().not_before).as_secs();
    assert!((90 * 86_400..91 * 86_400).contains(&lifetime), "{lifetime}");
    // The root's CRL came along; north's own has to come from north.
    let crls = running.stranger().get("/crls.pem").await;
    assert!(crls.status == 503 && crls.text().contains("there is no CRL of 'north-") && !crls.text().contains("root-"), "{}", crls.text());
    // Again is the same; and nothing waits any more.
    assert_eq!(running.administrator().post("/v1/root-answers", answer.to_json()).await.json()["cluster_cas"], imported.json()["cluster_cas"]);
    assert_eq!(running.administrator().get("/v1/root-requests").await.json()["requests"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_request_that_nobody_signs_lapses() {
    let running = Running::start().await;
    assert_eq!(running.administrator().post("/v1/clusters/north/ca", csr(&running.mesh).0).await.status, 202);
    assert_eq!(requests(&running).await.cluster_cas.len(), 1);
    running.mesh.clock.advance(30 * 86_400);
    assert_eq!(requests(&running).await.cluster_cas.len(), 0, "the root's CRL is still asked for");
}

#[tokio::test]
async fn a_token_is_good_for_one_request_of_one_cluster() {
    let running = Running::start().await;
    let token = running.ca_token("north").await;
    let client = running.stranger().bearer(&token);
    let (first, second) = (csr(&running.mesh).0, csr(&running.mesh).0);
    let other = client.post("/v1/clusters/south/ca", first.clone()).await;
    assert_eq!((other.status, other.code()), (403, "cluster_ca.other_cluster".into()));
    let asked = client.post("/v1/clusters/north/ca", first.clone()).await;
    assert_eq!(asked.status, 202, "{}", asked.text());
    // Who lost the answer asks again and is told the same; another key is another request.
    let again = client.post("/v1/clusters/north/ca", first.clone()).await;
    assert_eq!((again.status, again.header("location")), (202, asked.header("location")));
    let used = client.post("/v1/clusters/north/ca", second.clone()).await;
    assert_eq!((used.status, used.code()), (401, "authentication.token_used".into()));
    // For a workload's certificate it is no good, and a workload's token is none for a CA.
    let fresh = running.stranger().bearer(&running.ca_token("west").await);
    assert_eq!(fresh.post("/v1/certificates", running.mesh.csr("/ns/shop/sa/cart")).await.status, 403);
    let workload = running.stranger().bearer(&running.token("/ns/shop/sa/cart").await);
    let scope = workload.post("/v1/clusters/west/ca", second.clone()).await;
    assert_eq!((scope.status, scope.code()), (403, "cluster_ca.scope".into()));
    // What was asked for is for who asked.
    let location = asked.header("location").to_owned();
    let stranger = running.stranger().bearer(&running.ca_token("north").await).get(&location).await;
    assert_eq!((stranger.status, stranger.code()), (403, "cluster_ca.not_yours".into()));
    assert_eq!(running.stranger().get(&location).await.status, 401);
    assert_eq!(running.administrator().get(&location).await.status, 202);
    assert_eq!(running.administrator().get(&location.replace("north", "south")).await.code(), "cluster_ca.no_such_request");
}

#[tokio::test]
async fn an_administrator_asks_without_a_token_and_another_product_may_sign_below() {
    let running = online().await;
    let (csr, _) = csr(&running.mesh);
    let answer = running.administrator().post("/v1/clusters/spire/ca?profile=subordinate", csr).await;
    assert_eq!((answer.status, answer.json()["path_len"].as_u64()), (201, Some(1)), "{}", answer.text());
    assert_eq!(ca(&answer.json()).basic_constraints().unwrap().path_len, Some(1));
}

#[tokio::test]
async fn a_cluster_that_has_a_ca_gets_a_further_one_that_does_not_push_it_aside() {
    let running = online().await;
    let (csr, _) = csr(&running.mesh);
    let answer = running.stranger().bearer(&running.ca_token("west").await).post("/v1/clusters/west/ca", csr).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let listed = running.administrator().get("/v1/authorities").await.json();
    let states: Vec<_> =
        listed["authorities"].as_array().unwrap().iter().filter(|one| one["role"] == "west").map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["active", "prepared"]);
    running.workload("west", "/ns/shop/sa/cart").await;
}

#[tokio::test]
async fn with_the_root_at_hand_the_set_of_crls_is_complete_and_tells_of_a_revoked_ca_at_once() {
    let running = online().await;
    assert_eq!(running.stranger().get("/crls.pem").await.status, 200);
    let root = running.mesh.hierarchy.active_root().unwrap().id().to_string();
    let east = running.mesh.hierarchy.authorities()[2].certificate().unwrap().clone();
    let body = serde_json::json!({ "serial": east.serial().to_string(), "reason": "cACompromise" });
    let done = running.administrator().post("/v1/revocations", body.to_string()).await;
    assert_eq!((done.status, done.json()["without_crl"].as_array().unwrap().len()), (201, 0), "{}", done.text());
    let crl = running.stranger().get(&format!("/crl/{root}")).await;
    assert!(meshroot::revocation::Crl::from_der(&crl.body).unwrap().get(east.serial()).is_some());
    assert_eq!(running.stranger().get("/crls.pem").await.status, 200);
}

#[tokio::test]
async fn the_root_signs_the_same_request_once_and_nothing_that_was_changed_on_the_way() {
    let running = Running::start().await;
    let client = running.administrator();
    assert_eq!(client.post("/v1/clusters/north/ca", csr(&running.mesh).0).await.status, 202);
    let request = requests(&running).await;
    let (keeper, now) = (root(&running.mesh), running.mesh.clock.now());
    let first = keeper.sign(&request, now).unwrap();
    assert_eq!(keeper.sign(&request, now).unwrap().cluster_cas, first.cluster_cas);

    let text = request.to_json();
    // Somebody who changes the file has to change its words as well.
    let renamed = text.replace("\"cluster\": \"north\"", "\"cluster\": \"south\"");
    assert_eq!(RootRequest::from_json(renamed.as_bytes()).unwrap_err().code(), "root.malformed");
    let everywhere = RootRequest::from_json(text.replace("north", "south").as_bytes()).unwrap();
    assert_eq!(keeper.sign(&everywhere, now).unwrap_err().code(), "root.unfit_request", "the name stands for one request");
    let other_key = csr(&running.mesh).0;
    let mut swapped: Value = serde_json::from_str(&text).unwrap();
    swapped["cluster_cas"][0]["csr"] = other_key.into();
    let swapped = RootRequest::from_json(swapped.to_string().as_bytes()).unwrap();
    assert_eq!(keeper.sign(&swapped, now).unwrap_err().code(), "root.unfit_request");
    let stranger = TestMesh::new();
    assert_eq!(root(&stranger).sign(&request, now).unwrap_err().code(), "root.other_root");
}

#[tokio::test]
async fn what_is_brought_is_looked_at_before_anything_of_it_is_used() {
    let running = Running::start().await;
    let other = Running::start().await;
    let bring = |body: String| {
        let administrator = running.administrator();
        async move {
            let answer = administrator.post("/v1/root-answers", body).await;
            (answer.status, answer.code())
        }
    };
    for running in [&running, &other] {
        assert_eq!(running.administrator().post("/v1/clusters/north/ca", csr(&running.mesh).0).await.status, 202);
    }
    let now = running.mesh.clock.now();
    let good = root(&running.mesh).sign(&requests(&running).await, now).unwrap();
    let theirs = root(&other.mesh).sign(&requests(&other).await, now).unwrap();
    let version = running.mesh.open().version().unwrap();
    assert_eq!(bring("garbage".into()).await, (400, "root.malformed".into()));
    let mut mixed = good.clone();
    mixed.crl = None;
    mixed.cluster_cas[0].certificate = theirs.cluster_cas[0].certificate.clone();
    assert_eq!(bring(mixed.to_json()).await, (422, "root.not_what_was_asked".into()));
    let west = running.mesh.hierarchy.authorities()[1].certificate().unwrap().to_pem();
    mixed.cluster_cas[0].certificate = west;
    assert_eq!(bring(mixed.to_json()).await, (422, "root.not_what_was_asked".into()));
    let mut foreign = good.clone();
    foreign.crl = theirs.crl.clone();
    assert_eq!(bring(foreign.to_json()).await.0, 422);
    let mut unknown = good.clone();
    unknown.cluster_cas[0].request = "0".repeat(32);
    assert_eq!(bring(unknown.to_json()).await, (404, "root.no_such_request".into()));
    assert_eq!(running.mesh.open().version().unwrap(), version, "nothing was added");
    assert_eq!(running.administrator().post("/v1/root-answers", good.to_json()).await.status, 200);
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    let running = Running::start().await;
    let good = csr(&running.mesh).0;
    let rsa1024 = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/csr/rsa1024.pem")).unwrap();
    for (path, body, status, code) in [
        ("/v1/clusters/north/ca", "garbage".to_owned(), 400, None),
        ("/v1/clusters/north/ca", rsa1024, 422, None),
        ("/v1/clusters/..north/ca", good.clone(), 400, Some("hierarchy.invalid_cluster_name")),
        ("/v1/clusters/north/ca?profile=root", good.clone(), 400, Some("cluster_ca.profile")),
        ("/v1/clusters/north/ca?lifetime=9999d", good.clone(), 400, Some("cluster_ca.lifetime")),
        ("/v1/clusters/north/ca?lifetme=9d", good.clone(), 400, Some("http.malformed_query")),
        ("/v1/clusters/north/ca?trust_domain=other.example", good.clone(), 404, Some("cluster_ca.trust_domain")),
    ] {
        let answer = running.administrator().post(path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        assert!(code.is_none_or(|code| answer.code() == code), "{path}: {}", answer.text());
    }
    assert_eq!(running.administrator().ask(Method::GET, "/v1/clusters/north/ca/xyz", "").await.code(), "cluster_ca.no_such_request");
    assert!(running.mesh.open().waiting_ca_requests().unwrap().is_empty());
}

#[tokio::test]
async fn a_root_of_another_mesh_is_refused_at_start() {
    let (mesh, other) = (TestMesh::new(), TestMesh::new());
    let mut config = meshroot_service::Config::default();
    config.listen.address.set_port(0);
    config.health.address.set_port(0);
    config.root = Some(RootStore { store: other.root_store(), unlock: other.root_unlock() });
    let refused = meshroot_service::Service::start(config, support::parts(&mesh)).await.unwrap_err();
    assert_eq!(refused.code(), "root.other_root", "{refused}");
}
