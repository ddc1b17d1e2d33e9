//! Who may do what: every operation of the OpenAPI document, asked by every kind of caller.
//!
//! To add an operation, add a row to `TABLE`. To add a kind of caller, add it to `CALLERS` and to `Cast::client`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use Expected::{Administrators, Each, Everybody};
use Standing::{Administrator, Known, Unknown};
use hyper::Method;
use meshroot::revocation::{CrlNumber, RevocationList};
use meshroot_service::Clock;
use serde_json::json;
use support::{Client, Running, TRUST_DOMAIN, TestMesh};

const CART: &str = "/ns/shop/sa/cart";

/// What a caller is to operations that are for administrators.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nobody: 401.
    Unknown,
    /// Somebody, but no administrator: 403.
    Known,
    Administrator,
}

const CALLERS: &[(&str, Standing)] = &[
    ("nobody", Unknown),
    ("somebody with garbage for a token", Unknown),
    ("a one-time token", Known),
    ("a one-time token that was used", Known),
    ("a one-time token for a cluster's CA", Known),
    ("a workload of the right cluster", Known),
    ("a workload of another cluster", Known),
    ("a workload whose certificate is revoked", Unknown),
    ("a workload whose certificate has expired", Unknown),
    ("a workload whose certificate nobody recorded", Unknown),
    // Another process on the same store shows the service's own certificate: it proves a server, and authenticates nobody.
    ("a replica", Unknown),
    ("an administrator on the socket", Administrator),
    ("an administrator from the operations CA", Administrator),
];

/// Who gets which status.
enum Expected {
    /// All of them this one, whatever they show.
    Everybody(u16),
    /// Administrators this one; the others 401 or 403.
    Administrators(u16),
    /// Each what stands here; who does not, 401 or 403.
    Each(&'static [(&'static str, u16)]),
}

const TABLE: &[(&str, &str, Expected)] = &[
    (
        "POST",
        "/v1/certificates",
        Each(&[
            ("a one-time token", 201),
            ("a one-time token that was used", 401),
            ("a one-time token for a cluster's CA", 403),
            ("a workload of the right cluster", 201),
            // Its own identity at its own cluster is all that it may have.
            ("a workload of another cluster", 403),
            // Administrators have no identity.
            ("an administrator on the socket", 403),
            ("an administrator from the operations CA", 403),
        ]),
    ),
    ("GET", "/v1/tokens", Administrators(200)),
    ("POST", "/v1/tokens", Administrators(201)),
    ("DELETE", "/v1/tokens/{digest}", Administrators(404)),
    ("GET", "/v1/inventory", Administrators(200)),
    ("GET", "/v1/authorities", Administrators(200)),
    ("GET", "/v1/status", Administrators(200)),
    ("POST", "/v1/store/restored", Administrators(200)),
    ("GET", "/v1/revocations", Administrators(200)),
    ("POST", "/v1/revocations", Administrators(201)),
    ("DELETE", "/v1/denials/{number}", Administrators(404)),
    ("PUT", "/crl/{authority}", Administrators(200)),
    (
        "POST",
        "/v1/clusters/{cluster}/ca",
        Each(&[
            ("a one-time token for a cluster's CA", 202),
            ("an administrator on the socket", 202),
            ("an administrator from the operations CA", 202),
        ]),
    ),
    // Who shows a token that is not the request's is somebody else.
    ("GET", "/v1/clusters/{cluster}/ca/{request}", Administrators(404)),
    ("GET", "/v1/root-requests", Administrators(200)),
    ("POST", "/v1/root-answers", Administrators(400)),
    // What everybody may read is read by everybody, whatever they show.
    ("GET", "/crl/{authority}", Everybody(200)),
    ("GET", "/crls.pem", Everybody(200)),
    ("GET", "/v1/trust-domains/{trust_domain}/bundle", Everybody(200)),
    ("GET", "/v1/bundle-map", Everybody(200)),
    ("GET", "/roots.pem", Everybody(200)),
    ("GET", "/root/{sha256}", Everybody(200)),
    ("GET", "/healthz", Everybody(200)),
    ("GET", "/readyz", Everybody(200)),
    ("GET", "/openapi.json", Everybody(200)),
];

impl Expected {
    fn status(&self, caller: &str, standing: Standing) -> u16 {
        let otherwise = match standing {
            Unknown => 401,
            Known => 403,
            Administrator => 0,
        };
        match (self, standing) {
            (Everybody(status), _) | (Administrators(status), Administrator) => *status,
            (Administrators(_), _) => otherwise,
            (Each(each), _) => each.iter().find(|(name, _)| *name == caller).map_or(otherwise, |(_, status)| *status),
        }
    }
}

/// A service, and everybody who asks it.
struct Cast {
    running: Running,
    used: String,
    unused: String,
    unused_ca: String,
    west: Client,
    east: Client,
    revoked: Client,
    expired: Client,
    forged: Client,
    replica: Client,
    operator: Client,
    crls: AtomicU64,
}

impl Cast {
    async fn new() -> Self {
        let operations = TestMesh::new();
        let ca = operations.folder.path().join("operations.pem");
        std::fs::write(&ca, &operations.roots_pem).unwrap();
        let running = Running::with(|config| config.administration.ca = Some(ca)).await;
        operations.clock.advance(86_401);
        let show = |(chain, key): (String, String)| Client::showing(running.service.address(), &running.mesh.roots_pem, &chain, &key);
        let expired = show(running.workload("west", CART).await);
        running.mesh.clock.advance(86_401);
        let used = running.token(CART).await;
        let first = running.stranger().bearer(&used).post("/v1/certificates", running.mesh.csr(CART)).await;
        assert_eq!(first.status, 201, "{}", first.text());
        let (chain, key) = running.workload("west", CART).await;
        let serial = meshroot::pem::certificates(chain.as_bytes()).unwrap()[0].serial().to_string();
        let done = running.administrator().post("/v1/revocations", json!({ "serial": serial }).to_string()).await;
        assert_eq!(done.status, 201, "{}", done.text());
        let west = show(running.workload("west", CART).await);
        let east = show(running.workload("east", "/ns/bank/sa/desk").await);
        let (forged, replica, revoked) = (show(running.mesh.forged(CART)), show(running.mesh.replica()), show((chain, key)));
        let operator = show(operations.forged("/operators/alice"));
        let (unused, unused_ca) = (running.token(CART).await, running.ca_token("west").await);
        let cast = Self { used, unused, unused_ca, west, east, revoked, expired, forged, replica, operator, crls: AtomicU64::new(1), running };
        // The root's CRL comes from elsewhere; with it the set is complete.
        let path = cast.path("/crl/{authority}", true);
        let put = cast.running.administrator().ask(Method::PUT, &path, cast.body("PUT", &path)).await;
        assert_eq!(put.status, 200, "{}", put.text());
        cast
    }

    /// `uses`: whether the operation uses a token up, so that each needs its own.
    async fn client(&self, caller: &str, uses: bool) -> Client {
        let stranger = || self.running.stranger();
        match caller {
            "nobody" => stranger(),
            "somebody with garbage for a token" => stranger().bearer("garbage"),
            "a one-time token" if uses => stranger().bearer(&self.running.token(CART).await),
            "a one-time token" => stranger().bearer(&self.unused),
            "a one-time token that was used" => stranger().bearer(&self.used),
            "a one-time token for a cluster's CA" if uses => stranger().bearer(&self.running.ca_token("west").await),
            "a one-time token for a cluster's CA" => stranger().bearer(&self.unused_ca),
            "a workload of the right cluster" => self.west.clone(),
            "a workload of another cluster" => self.east.clone(),
            "a workload whose certificate is revoked" => self.revoked.clone(),
            "a workload whose certificate has expired" => self.expired.clone(),
            "a workload whose certificate nobody recorded" => self.forged.clone(),
            "a replica" => self.replica.clone(),
            "an administrator on the socket" => self.running.administrator(),
            "an administrator from the operations CA" => self.operator.clone(),
            other => panic!("nobody plays '{other}'"),
        }
    }

    fn path(&self, template: &str, write: bool) -> String {
        let mesh = &self.running.mesh;
        let root: String = mesh.crypto.sha256(mesh.hierarchy.anchors()[0].der()).iter().map(|octet| format!("{octet:02x}")).collect();
        let root_id = mesh.hierarchy.active_root().unwrap().id().to_string();
        let west = mesh.hierarchy.authorities()[1].id().to_string();
        let parts = [
            ("{digest}", "0".repeat(64)),
            ("{trust_domain}", TRUST_DOMAIN.to_owned()),
            ("{sha256}", root),
            ("{number}", "999".to_owned()),
            ("{cluster}", "west".to_owned()),
            ("{request}", "0".repeat(32)),
            // Only a CA whose key is elsewhere takes CRLs.
            ("{authority}", if write { root_id } else { west }),
        ];
        parts.iter().fold(template.to_owned(), |path, (name, value)| path.replace(name, value))
    }

    fn body(&self, method: &str, template: &str) -> Vec<u8> {
        let mesh = &self.running.mesh;
        match (method, template) {
            ("POST", "/v1/certificates") => mesh.csr(CART).into_bytes(),
            ("POST", "/v1/tokens") => json!({ "cluster": "west", "id": format!("spiffe://{TRUST_DOMAIN}{CART}"), "ttl": "1m" }).to_string().into(),
            ("POST", "/v1/revocations") => json!({ "id": format!("spiffe://{TRUST_DOMAIN}/ns/none/sa/none"), "deny_for": "1s" }).to_string().into(),
            ("POST", "/v1/clusters/{cluster}/ca") => mesh.csr("").into_bytes(),
            ("PUT", path) if path.starts_with("/crl/") => {
                let (number, now) = (self.crls.fetch_add(1, Ordering::SeqCst), mesh.clock.now());
                let list = RevocationList::new(CrlNumber::from(number), now, now.plus(Duration::from_secs(86_400)));
                list.sign(&mesh.hierarchy.anchors()[0], &*mesh.root_signer, &mesh.crypto).unwrap().der().to_vec()
            }
            _ => Vec::new(),
        }
    }
}

#[tokio::test]
async fn every_operation_answers_every_caller_as_the_table_says() {
    let cast = Cast::new().await;
    let mut wrong = Vec::new();
    for (method, template, expected) in TABLE {
        for (caller, standing) in CALLERS {
            let client = cast.client(caller, matches!(*template, "/v1/certificates" | "/v1/clusters/{cluster}/ca")).await;
            let answer = client.ask(method.parse().unwrap(), &cast.path(template, *method == "PUT"), cast.body(method, template)).await;
            let expected = expected.status(caller, *standing);
            if answer.status != expected {
                wrong.push(format!("{method} {template} by {caller}: {} and not {expected}: {}", answer.status, answer.text()));
            }
            assert!(!answer.header("x-request-id").is_empty());
            if answer.status >= 400 {
                assert!(!answer.code().is_empty());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_table_has_every_operation() {
    let running = Running::start().await;
    let document = running.stranger().get("/openapi.json").await.json();
    let documented: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |method| (method.to_uppercase(), path.clone())))
        .collect();
    let in_table: BTreeSet<_> = TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(documented, in_table);
    for (_, _, expected) in TABLE {
        if let Each(each) = expected {
            assert!(each.iter().all(|(name, _)| CALLERS.iter().any(|(caller, _)| caller == name)), "a row names somebody who is no caller");
            let spoken = |name: &str| each.iter().any(|(caller, _)| *caller == name);
            assert!(CALLERS.iter().all(|(name, standing)| *standing != Administrator || spoken(name)), "a row says nothing of an administrator");
        }
    }
    for (_, path, _) in TABLE {
        let wrong = running.stranger().ask(Method::PATCH, &path.replace(['{', '}'], "x"), "").await;
        assert_eq!((wrong.status, wrong.code()), (405, "http.method_not_allowed".into()), "{path}");
    }
}
