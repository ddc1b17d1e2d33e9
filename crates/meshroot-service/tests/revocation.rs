//! Revoking, and what becomes of it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use hyper::Method;
use meshroot::hierarchy::{Authority, ClusterName};
use meshroot::revocation::{Crl, CrlNumber, CrlSet, RevocationList, RevocationReason, Status, Subject};
use meshroot::x509::Certificate;
use meshroot_service::Clock;
use serde_json::{Value, json};
use support::{Client, Running, TRUST_DOMAIN};

const CART: &str = "/ns/shop/sa/cart";
const TILL: &str = "/ns/shop/sa/till";
const DAY: i64 = 86_400;

fn id(path: &str) -> String {
    format!("spiffe://{TRUST_DOMAIN}{path}")
}

/// A workload with a certificate, got with a token.
struct Workload {
    leaf: Certificate,
    client: Client,
}

async fn workload(running: &Running, path: &str) -> Workload {
    let (csr, key) = running.mesh.csr_and_key(path);
    let answer = running.stranger().bearer(&running.token(path).await).post("/v1/certificates", csr).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let chain = answer.json()["chain"].as_str().unwrap().to_owned();
    let client = Client::showing(running.service.address(), &running.mesh.roots_pem, &chain, &key);
    Workload { leaf: meshroot::pem::certificates(chain.as_bytes()).unwrap().remove(0), client }
}

async fn revoke(running: &Running, body: Value) -> Value {
    let answer = running.administrator().post("/v1/revocations", body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

fn west(running: &Running) -> &Authority {
    running.mesh.hierarchy.active_cluster_ca(&ClusterName::parse("west").unwrap()).unwrap()
}

async fn crl(running: &Running, authority: &str) -> Crl {
    let answer = running.stranger().get(&format!("/crl/{authority}")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/pkix-crl"), "{}", answer.text());
    Crl::from_der(&answer.body).unwrap()
}

/// The root's CRL, made with the root's key, which the service does not have.
fn root_crl(running: &Running, number: u64, revoked: &[&Certificate]) -> Crl {
    let now = running.mesh.clock.now();
    let list = RevocationList::new(CrlNumber::from(number), now, now.plus(std::time::Duration::from_secs(30 * 86_400)));
    let list = revoked.iter().fold(list, |list, ca| list.revoke(ca.serial().clone(), now, Some(RevocationReason::CaCompromise)));
    list.sign(&running.mesh.hierarchy.anchors()[0], &*running.mesh.root_signer, &running.mesh.crypto).unwrap()
}

async fn publish_root_crl(running: &Running, crl: &Crl) -> support::Answer {
    let root = running.mesh.hierarchy.active_root().unwrap().id().to_string();
    running.administrator().ask(Method::PUT, &format!("/crl/{root}"), crl.der().to_vec()).await
}

#[tokio::test]
async fn a_revoked_certificate_renews_nothing_on_a_connection_that_was_open_before() {
    let running = Running::start().await;
    let (cart, other) = (workload(&running, CART).await, workload(&running, CART).await);
    let connection = cart.client.connect().await;
    assert_eq!(connection.post("/v1/certificates", running.mesh.csr(CART)).await.status, 201);
    let done = revoke(&running, json!({ "serial": cart.leaf.serial().to_string(), "reason": "keyCompromise" })).await;
    assert_eq!((done["revoked_count"].as_u64(), done["revoked"][0]["id"].as_str()), (Some(1), Some(&*id(CART))));
    let refused = connection.post("/v1/certificates", running.mesh.csr(CART)).await;
    assert_eq!((refused.status, refused.code()), (401, "authentication.certificate_revoked".into()));
    // Bundles are for everybody, and another certificate of the same identity is another certificate.
    assert_eq!(connection.get("/roots.pem").await.status, 200);
    assert_eq!(other.client.post("/v1/certificates", running.mesh.csr(CART)).await.status, 201);
    // A token vouches for the identity anew.
    workload(&running, CART).await;
}

#[tokio::test]
async fn the_crl_follows_at_once_and_says_why() {
    let running = Running::start().await;
    let ca = west(&running);
    let before = crl(&running, ca.id().as_str()).await;
    assert!(before.is_empty());
    let cart = workload(&running, CART).await;
    revoke(&running, json!({ "serial": cart.leaf.serial().to_string(), "reason": "key-compromise" })).await;
    let after = crl(&running, ca.id().as_str()).await;
    assert!(after.number() > before.number());
    let now = running.mesh.clock.now();
    let set = CrlSet::new(vec![after.clone()]);
    let status = set.status(&Subject::of(&cart.leaf), ca.certificate().unwrap(), &running.mesh.crypto, now);
    assert!(matches!(status, Status::Revoked { reason: Some(RevocationReason::KeyCompromise), .. }), "{status:?}");
    // The other cluster's CRL has nothing to do with it.
    let east = running.mesh.hierarchy.active_cluster_ca(&ClusterName::parse("east").unwrap()).unwrap();
    assert!(crl(&running, east.id().as_str()).await.is_empty());
    // Twice is once.
    let again = running.administrator().post("/v1/revocations", json!({ "serial": cart.leaf.serial().to_string() }).to_string()).await;
    assert_eq!((again.status, again.json()["revoked_count"].as_u64(), again.json()["revoked_before_count"].as_u64()), (201, Some(0), Some(1)));
    assert_eq!(crl(&running, ca.id().as_str()).await, after, "and no CRL is made for nothing");
}

#[tokio::test]
async fn a_crl_is_read_as_a_bundle_is() {
    let running = Running::start().await;
    let path = format!("/crl/{}", west(&running).id());
    let der = running.stranger().get(&path).await;
    assert_eq!((der.header("cache-control"), der.header("vary")), ("public, max-age=300", "accept"));
    let unchanged = running.stranger().with("if-none-match", der.header("etag")).get(&path).await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    let head = running.stranger().ask(Method::HEAD, &path, "").await;
    assert_eq!((head.status, head.header("content-length")), (200, der.body.len().to_string().as_str()));
    let pem = running.stranger().with("accept", "application/x-pem-file").get(&path).await;
    assert_eq!(Crl::from_pem(&pem.body).unwrap()[0].der(), &der.body[..]);
    assert_eq!(running.stranger().with("accept", "image/png").get(&path).await.code(), "http.not_acceptable");
    assert_eq!(running.stranger().get("/crl/west-00000000").await.code(), "crl.no_such_authority");
    let root = running.mesh.hierarchy.active_root().unwrap().id().to_string();
    assert_eq!(running.stranger().get(&format!("/crl/{root}")).await.code(), "crl.none");
}

#[tokio::test]
async fn the_set_of_all_crls_is_served_when_it_is_complete_and_not_before() {
    let running = Running::start().await;
    let root = running.mesh.hierarchy.active_root().unwrap().id().to_string();
    let refused = running.stranger().get("/crls.pem").await;
    assert_eq!((refused.status, refused.code()), (503, "crl.incomplete".into()));
    assert!(refused.text().contains(&format!("there is no CRL of '{root}'")), "{}", refused.text());
    assert!(running.administrator().get("/v1/status").await.json()["crl_set"].as_str().unwrap().contains(&root));

    let published = publish_root_crl(&running, &root_crl(&running, 1, &[])).await;
    assert_eq!(published.status, 200, "{}", published.text());
    let set = running.stranger().get("/crls.pem").await;
    assert_eq!((set.status, set.header("content-type")), (200, "application/x-pem-file"));
    let crls = CrlSet::new(Crl::from_pem(&set.body).unwrap());
    assert_eq!(crls.len(), 3);
    // Every certificate of every chain, the root's own included, has its CRL.
    let now = running.mesh.clock.now();
    for authority in running.mesh.hierarchy.authorities() {
        let ca = authority.certificate().unwrap();
        let issuer = if authority.role().to_string() == "root" { ca } else { &running.mesh.hierarchy.anchors()[0] };
        assert!(matches!(crls.status(&Subject::of(ca), issuer, &running.mesh.crypto, now), Status::Good { .. }), "{}", authority.id());
    }
    // Once the root's is out of date there is no set again, although ours are made anew.
    running.mesh.clock.advance(30 * DAY);
    tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    let refused = running.stranger().get("/crls.pem").await;
    assert_eq!((refused.status, refused.code()), (503, "crl.incomplete".into()));
    assert!(refused.text().contains(&format!("the CRL of '{root}' is out of date")) && !refused.text().contains("west"), "{}", refused.text());
}

#[tokio::test]
async fn a_crl_is_made_anew_long_before_it_is_out_of_date() {
    let running = Running::start().await;
    let authority = west(&running).id().to_string();
    let mut last = crl(&running, &authority).await;
    for _ in 0..3 {
        running.mesh.clock.advance(DAY);
        tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
        let next = crl(&running, &authority).await;
        assert!(next.number() > last.number());
        assert!(next.next_update().unwrap().since(running.mesh.clock.now()).as_secs() > 6 * 86_400);
        last = next;
    }
}

#[tokio::test]
async fn a_service_that_starts_again_serves_the_same_crls_and_numbers_never_go_back() {
    let running = Running::start().await;
    let authority = west(&running).id().to_string();
    running.mesh.clock.advance(7_200);
    let cart = workload(&running, CART).await;
    revoke(&running, json!({ "serial": cart.leaf.serial().to_string() })).await;
    let held = crl(&running, &authority).await;
    let Running { mesh, service } = running;
    assert!(service.stop().await);
    // A clock that went back does not take the numbers with it.
    mesh.clock.advance(-7_200);
    let service = mesh.serve(|_| ()).await;
    let running = Running { mesh, service };
    let other = workload(&running, TILL).await;
    revoke(&running, json!({ "serial": other.leaf.serial().to_string() })).await;
    let next = crl(&running, &authority).await;
    assert!(next.number() > held.number());
    assert!(next.get(cart.leaf.serial()).is_some() && next.get(other.leaf.serial()).is_some());
}

#[tokio::test]
async fn an_entry_leaves_the_crl_some_time_after_its_certificate_expired() {
    let running = Running::start().await;
    let authority = west(&running).id().to_string();
    let cart = workload(&running, CART).await;
    revoke(&running, json!({ "serial": cart.leaf.serial().to_string() })).await;
    let after = |days: i64| {
        running.mesh.clock.advance(days * DAY + 1);
        tokio::time::sleep(std::time::Duration::from_millis(2_500))
    };
    after(1).await;
    assert!(crl(&running, &authority).await.get(cart.leaf.serial()).is_some(), "it is on one that was made after its certificate expired");
    after(3).await;
    assert!(crl(&running, &authority).await.is_empty());
}

#[tokio::test]
async fn all_certificates_of_an_identity_are_revoked_and_a_denied_one_gets_no_more() {
    let running = Running::start().await;
    let (one, two, till) = (workload(&running, CART).await, workload(&running, CART).await, workload(&running, TILL).await);
    let token = running.token(CART).await;
    let done = revoke(&running, json!({ "id": id(CART), "reason": "privilegeWithdrawn", "deny": true })).await;
    assert_eq!(done["revoked_count"].as_u64(), Some(2));
    let number = done["denied"][0]["number"].as_u64().unwrap();
    let list = crl(&running, west(&running).id().as_str()).await;
    assert!(list.get(one.leaf.serial()).is_some() && list.get(two.leaf.serial()).is_some() && list.get(till.leaf.serial()).is_none());
    let with_token = || running.stranger().bearer(&token);
    let refused = with_token().post("/v1/certificates", running.mesh.csr(CART)).await;
    assert_eq!((refused.status, refused.code()), (403, "revocation.denied_identity".into()));
    assert!(refused.json()["rule"].is_string());
    assert_eq!(till.client.post("/v1/certificates", running.mesh.csr(TILL)).await.status, 201);

    let lifted = running.administrator().ask(Method::DELETE, &format!("/v1/denials/{number}"), "").await;
    assert_eq!((lifted.status, lifted.json()["id"].as_str()), (200, Some(&*id(CART))), "{}", lifted.text());
    assert_eq!(running.administrator().ask(Method::DELETE, &format!("/v1/denials/{number}"), "").await.code(), "revocation.no_such_denial");
    // The token was not used up by being refused.
    assert_eq!(with_token().post("/v1/certificates", running.mesh.csr(CART)).await.status, 201);
}

#[tokio::test]
async fn a_revoked_certificate_is_no_answer_to_the_same_request() {
    let running = Running::start().await;
    let client = running.stranger().bearer(&running.token(CART).await).with("idempotency-key", "k-1");
    let csr = running.mesh.csr(CART);
    let first = client.post("/v1/certificates", csr.clone()).await;
    revoke(&running, json!({ "serial": first.json()["serial"] })).await;
    let again = client.post("/v1/certificates", csr).await;
    assert_eq!((again.status, again.code()), (409, "service.answer_revoked".into()));
}

#[tokio::test]
async fn a_denial_that_another_process_made_holds_before_it_was_read() {
    let running = Running::start().await;
    let token = running.token(CART).await;
    let store = running.mesh.open();
    let held = store.revocations(running.mesh.clock.now()).unwrap();
    let at = running.mesh.clock.now();
    let denial = meshroot_store::Denial {
        number: 0,
        id: meshroot::spiffe::SpiffeId::parse(&id(CART)).unwrap(),
        reason: RevocationReason::KeyCompromise,
        at,
        by: "another process".into(),
        expires_at: None,
    };
    let change = meshroot_store::RevocationChange { denied: vec![denial], ..meshroot_store::RevocationChange::new(held.version, at) };
    store.commit_revocations(&change).unwrap();
    let refused = running.stranger().bearer(&token).post("/v1/certificates", running.mesh.csr(CART)).await;
    assert_eq!((refused.status, refused.code()), (403, "revocation.denied_identity".into()));
}

#[tokio::test]
async fn a_denial_can_have_an_end() {
    let running = Running::start().await;
    let done = revoke(&running, json!({ "id": id(CART), "deny_for": "5m" })).await;
    assert_eq!((done["revoked_count"].as_u64(), done["denied"].as_array().unwrap().len()), (Some(0), 1), "it need not have a certificate: {done}");
    let client = running.stranger().bearer(&running.token(CART).await);
    assert_eq!(client.post("/v1/certificates", running.mesh.csr(CART)).await.status, 403);
    running.mesh.clock.advance(300);
    assert_eq!(client.post("/v1/certificates", running.mesh.csr(CART)).await.status, 201);
}

#[tokio::test]
async fn what_a_caller_asked_for_is_revoked() {
    let running = Running::start().await;
    let cart = workload(&running, CART).await;
    let renewed = cart.client.post("/v1/certificates", running.mesh.csr(CART)).await;
    let renewed = meshroot::pem::certificates(renewed.json()["chain"].as_str().unwrap().as_bytes()).unwrap().remove(0);
    // Renewals are asked for by the identity itself.
    let done = revoke(&running, json!({ "caller": id(CART) })).await;
    assert_eq!((done["revoked_count"].as_u64(), done["revoked"][0]["serial"].as_str()), (Some(1), Some(&*renewed.serial().to_string())));
    let nothing = running.administrator().post("/v1/revocations", json!({ "caller": "nobody" }).to_string()).await;
    assert_eq!((nothing.status, nothing.code()), (404, "revocation.nothing_found".into()));
}

#[tokio::test]
async fn a_revoked_cluster_ca_issues_and_vouches_for_nothing_and_the_roots_crl_has_to_say_so() {
    let running = Running::start().await;
    let cart = workload(&running, CART).await;
    let ca = west(&running).certificate().unwrap().clone();
    assert_eq!(publish_root_crl(&running, &root_crl(&running, 1, &[])).await.status, 200);
    let done = revoke(&running, json!({ "serial": ca.serial().to_string(), "reason": "cACompromise" })).await;
    assert_eq!(done["tainted"][0].as_str(), Some(west(&running).id().as_str()), "{done}");
    assert_eq!(done["without_crl"][0]["authority"].as_str(), Some(running.mesh.hierarchy.active_root().unwrap().id().as_str()));
    let renewed = cart.client.post("/v1/certificates", running.mesh.csr(CART)).await;
    assert_eq!(renewed.status, 401, "{}", renewed.text());
    let token = running.stranger().bearer(&running.token(CART).await).post("/v1/certificates", running.mesh.csr(CART)).await;
    assert_eq!((token.status, token.code()), (503, "service.no_issuer".into()));
    let listed = running.administrator().get("/v1/revocations").await.json();
    assert_eq!(listed["revocations"][0]["on_crl"].as_bool(), Some(false));
    // A CRL that does not tell of it is not taken; one that does is.
    let lacking = publish_root_crl(&running, &root_crl(&running, 2, &[])).await;
    assert_eq!((lacking.status, lacking.code()), (422, "crl.lacks_revoked".into()));
    let telling = publish_root_crl(&running, &root_crl(&running, 2, &[&ca])).await;
    assert_eq!(telling.status, 200, "{}", telling.text());
    assert_eq!(running.administrator().get("/v1/revocations").await.json()["revocations"][0]["on_crl"].as_bool(), Some(true));
}

#[tokio::test]
async fn a_crl_from_elsewhere_is_looked_at_before_it_is_published() {
    let running = Running::start().await;
    let stranger = Running::start().await;
    let root = running.mesh.hierarchy.active_root().unwrap().id().to_string();
    let put = |authority: String, body: Vec<u8>| {
        let administrator = running.administrator();
        async move {
            let answer = administrator.ask(Method::PUT, &format!("/crl/{authority}"), body).await;
            (answer.status, answer.code())
        }
    };
    let good = root_crl(&running, 5, &[]);
    assert_eq!(put(root.clone(), b"garbage".to_vec()).await.0, 400);
    assert_eq!(put(root.clone(), root_crl(&stranger, 5, &[]).der().to_vec()).await, (422, "crl.other_issuer".into()));
    let mut forged = good.der().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(put(root.clone(), forged).await, (422, "crl.not_valid".into()));
    let both = format!("{}{}", good.to_pem(), good.to_pem());
    assert_eq!(put(root.clone(), both.into_bytes()).await, (400, "crl.several".into()));
    assert_eq!(put("root-00000000".into(), good.der().to_vec()).await, (404, "crl.no_such_authority".into()));
    let own = crl(&running, west(&running).id().as_str()).await;
    assert_eq!(put(west(&running).id().to_string(), own.der().to_vec()).await, (409, "crl.made_here".into()));
    assert_eq!(publish_root_crl(&running, &good).await.status, 200);
    assert_eq!(put(root.clone(), root_crl(&running, 4, &[]).der().to_vec()).await, (409, "store.crl_not_newer".into()));
    running.mesh.clock.advance(31 * DAY);
    assert_eq!(put(root, good.der().to_vec()).await, (422, "crl.not_current".into()));
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong_and_change_nothing() {
    let running = Running::start().await;
    let cases = [
        (json!({}), 400, "revocation.selection"),
        (json!({ "serial": "01", "id": id(CART) }), 400, "revocation.selection"),
        (json!({ "caller": " " }), 400, "revocation.selection"),
        (json!({ "serial": "xyz" }), 400, "revocation.serial"),
        (json!({ "serial": "0102", "resaon": "keyCompromise" }), 400, "http.malformed_json"),
        (json!({ "serial": "0102", "reason": "stolen" }), 400, "revocation.reason"),
        (json!({ "serial": "0102", "reason": "certificateHold" }), 400, "revocation.reason"),
        (json!({ "serial": "0102", "reason": "removeFromCRL" }), 400, "revocation.reason"),
        (json!({ "serial": "0102" }), 404, "revocation.nothing_found"),
        (json!({ "id": id("") }), 400, "revocation.identity"),
        (json!({ "id": "spiffe://other.example/x", "deny": true }), 404, "revocation.no_such_trust_domain"),
        (json!({ "id": id(CART), "deny_for": "0s" }), 400, "revocation.deny_for"),
        (json!({ "serial": running.mesh.hierarchy.anchors()[0].serial().to_string() }), 400, "revocation.root"),
    ];
    let version = running.mesh.open().revocations_version().unwrap();
    for (body, status, code) in cases {
        let answer = running.administrator().post("/v1/revocations", body.to_string()).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}: {}", answer.text());
    }
    assert_eq!(running.mesh.open().revocations_version().unwrap(), version);
}

#[tokio::test]
async fn metrics_tell_of_revocations_and_of_the_time_that_crls_have_left() {
    let running = Running::start().await;
    let cart = workload(&running, CART).await;
    revoke(&running, json!({ "serial": cart.leaf.serial().to_string(), "reason": "superseded", "deny": true })).await;
    let metrics = Client::plain(running.service.health_address()).get("/metrics").await.text();
    for series in [
        "meshroot_revocations_total{reason=\"superseded\"} 1",
        "meshroot_revoked_certificates 1",
        "meshroot_denied_identities 1",
        "meshroot_crl_set_complete 0",
        &format!("meshroot_crl_next_update_seconds{{trust_domain=\"{TRUST_DOMAIN}\",authority=\"{}\"}} 604800", west(&running).id()),
    ] {
        assert!(metrics.contains(series), "{series}: {metrics}");
    }
}
