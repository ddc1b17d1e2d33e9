//! Every way in which a certificate is refused over gRPC: the code, the words, the audit line, and nothing for others to notice.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use meshroot_service::config::Rate;
use prost::Message;
use serde_json::{Value, json};
use support::istio::{CART, IstioMesh};
use support::log::LOG;
use support::{Agent, ApiServer, Refusal, Request, frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const CREATE: &str = "/istio.v1.auth.IstioCertificateService/CreateCertificate";

/// What happens, gRPC's code, ours. The guide has the same table; a test holds one to the other.
const TABLE: &[(&str, i32, &str)] = &[
    ("no credentials", 16, "authentication.missing"),
    ("two authorization headers", 16, "authentication.several"),
    ("a header that is no bearer token", 16, "authentication.malformed"),
    ("a bearer token of no known kind", 16, "authentication.unknown_kind"),
    ("an expired token", 16, "token.expired"),
    ("a token for another audience", 16, "token.audience"),
    ("a forged token", 16, "token.bad_signature"),
    ("a token with alg none", 16, "token.unsigned"),
    ("a token of a cluster that is not known, or of a key that was deleted", 16, "token.unknown_key"),
    ("a one-time token that was used", 16, "authentication.token_used"),
    ("a one-time token that nobody made", 16, "authentication.token_unknown"),
    ("a request for somebody else's identity", 7, "policy.other_identity"),
    ("a namespace that no rule names", 7, "policy.no_rule"),
    ("an identity that an administrator denied", 7, "revocation.denied_identity"),
    ("a lifetime over the maximum, where the policy refuses those", 3, "policy.lifetime"),
    ("a CSR that cannot be read", 3, "csr.malformed"),
    ("a CSR whose signature is not its key's", 3, "csr.no_proof"),
    ("a message that is none", 3, "grpc.malformed"),
    ("garbage instead of frames", 12, "grpc.compressed"),
    ("a message over 4 MB", 8, "grpc.too_long"),
    ("another's identity, asked for by no node proxy", 16, "impersonation.not_a_node_proxy"),
    ("another's identity, asked for without a service account's token", 16, "impersonation.not_by_token"),
    ("an identity whose pod is on another node", 16, "impersonation.not_on_node"),
    ("an identity of another trust domain", 16, "impersonation.other_trust_domain"),
    ("an identity that is none", 16, "impersonation.not_an_id"),
    ("an identity that is no pod's", 16, "impersonation.not_of_a_pod"),
    ("a node proxy's token whose pod does not run, or elsewhere", 16, "impersonation.no_such_proxy"),
    ("a node proxy's token that is bound to no pod", 16, "impersonation.no_pod"),
    ("a node proxy of a cluster whose pods are not known", 16, "impersonation.pods_unknown"),
    ("too many requests of one caller", 8, "limits.caller"),
    ("more requests than can be in hand", 14, "http.overloaded"),
];

/// One kind of refusal: who calls how.
struct Attempt {
    agent: Agent,
    body: Bytes,
    secret: String,
}

async fn attempt(mesh: &IstioMesh, what: &str) -> Attempt {
    let agent = mesh.agent().await;
    let test = &mesh.running.mesh;
    let istio = |claims: &mut Value| claims["aud"] = json!("istio-ca");
    let good = mesh.token(&mesh.west);
    let stranger = ApiServer::new("w");
    let by = |token: String, request: Request| Attempt { agent: agent.bearer(&token), body: frame(&request.encode_to_vec()), secret: token };
    let cart = || Request::new(test.csr(CART));
    let raw = |body: Bytes| Attempt { agent: agent.bearer(&good), body, secret: good.clone() };
    let proxy = |token: String, id: &str| {
        let csr = test.csr(id.strip_prefix("spiffe://mesh.example").unwrap_or(CART));
        by(token, Request::impersonating(csr, id))
    };
    let id = format!("spiffe://mesh.example{CART}");
    match what {
        "no credentials" => Attempt { agent: agent.clone(), body: frame(&cart().encode_to_vec()), secret: "nothing to tell".into() },
        "two authorization headers" => {
            Attempt { agent: agent.bearer(&good), ..by(good.clone(), cart()) }.with("authorization", &format!("Bearer {good}"))
        }
        "a header that is no bearer token" => {
            let agent = agent.with("authorization", format!("Basic {good}"));
            Attempt { agent, body: frame(&cart().encode_to_vec()), secret: good.clone() }
        }
        "a bearer token of no known kind" => by("garbage-of-some-length".into(), cart()),
        "an expired token" => by(
            mesh.west.token(test, |claims| {
                istio(claims);
                claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 3_600);
                claims["iat"] = json!(claims["iat"].as_i64().unwrap() - 7_200);
                claims["nbf"] = claims["iat"].clone();
            }),
            cart(),
        ),
        "a token for another audience" => by(mesh.west.token(test, |_| ()), cart()),
        "a forged token" => by(stranger.token(test, istio), cart()),
        "a token with alg none" => {
            let claims = good.split('.').nth(1).unwrap();
            by(format!("{}.{claims}.", BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#)), cart())
        }
        "a token of a cluster that is not known, or of a key that was deleted" => by(ApiServer::new("n").token(test, istio), cart()),
        "a one-time token that was used" => {
            let token = mesh.running.token(CART).await;
            agent.bearer(&token).create(&cart()).await.unwrap();
            by(token, cart())
        }
        "a one-time token that nobody made" => by("meshroot-join-0123456789abcdefghijklmnopqrstuvwxyz0123456789".into(), cart()),
        "a request for somebody else's identity" => by(good.clone(), Request::new(test.csr("/ns/shop/sa/till"))),
        "a namespace that no rule names" => {
            by(mesh.token_of(&mesh.west, "kube-system/cart", "cart-1", "node-1"), Request::new(test.csr("/ns/kube-system/sa/cart")))
        }
        "an identity that an administrator denied" => {
            let body = json!({ "id": "spiffe://mesh.example/ns/shop/sa/denied", "deny": true });
            let denied = mesh.running.administrator().post("/v1/revocations", body.to_string()).await;
            assert!(denied.status < 300, "{}", denied.text());
            by(mesh.token_of(&mesh.west, "shop/denied", "denied-1", "node-1"), Request::new(test.csr("/ns/shop/sa/denied")))
        }
        "a lifetime over the maximum, where the policy refuses those" => {
            by(mesh.token(&mesh.east), Request { validity_duration: i64::MAX, ..cart() })
        }
        "a CSR that cannot be read" => {
            by(good.clone(), Request::new("-----BEGIN CERTIFICATE REQUEST-----\nMAMCAQA=\n-----END CERTIFICATE REQUEST-----\n"))
        }
        "a CSR whose signature is not its key's" => {
            let csr = meshroot::csr::Csr::from_pem_or_der(test.csr(CART).as_bytes()).unwrap();
            let mut der = csr.der().to_vec();
            // A letter of the identity, which was signed.
            let at = der.windows(4).position(|four| four == b"cart").unwrap();
            der[at + 3] = b'd';
            let pem = meshroot::csr::Csr::from_der(&der).unwrap().to_pem();
            // Asked for by whom it names, so that the policy has nothing against it.
            by(mesh.token_of(&mesh.west, "shop/card", "card-1", "node-1"), Request::new(pem))
        }
        "a message that is none" => raw(frame(&[0xff; 100])),
        "garbage instead of frames" => raw(Bytes::from(vec![0xa5; 60_000])),
        "a message over 4 MB" => raw(frame(&vec![0; (4 << 20) + 1])),
        "another's identity, asked for by no node proxy" => proxy(good.clone(), &id),
        "another's identity, asked for without a service account's token" => proxy(mesh.running.token(CART).await, &id),
        "an identity whose pod is on another node" => proxy(mesh.ztunnel(), "spiffe://mesh.example/ns/shop/sa/till"),
        "an identity of another trust domain" => proxy(mesh.ztunnel(), "spiffe://other.example/ns/shop/sa/cart"),
        "an identity that is none" => proxy(mesh.ztunnel(), &"x".repeat(4_000_000)),
        "an identity that is no pod's" => proxy(mesh.ztunnel(), "spiffe://mesh.example/vm/web-1"),
        "a node proxy's token whose pod does not run, or elsewhere" => {
            proxy(mesh.token_of(&mesh.west, "istio-system/ztunnel", "ztunnel-1", "node-2"), &id)
        }
        "a node proxy's token that is bound to no pod" => {
            let token = mesh.west.token(test, |claims| {
                istio(claims);
                claims["sub"] = json!("system:serviceaccount:istio-system:ztunnel");
                let account = json!({ "name": "ztunnel", "uid": "5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0001" });
                claims["kubernetes.io"] = json!({ "namespace": "istio-system", "serviceaccount": account });
            });
            proxy(token, &id)
        }
        "a node proxy of a cluster whose pods are not known" => proxy(mesh.token_of(&mesh.east, "istio-system/ztunnel", "ztunnel-1", "node-1"), &id),
        "too many requests of one caller" => {
            let busy = mesh.token_of(&mesh.west, "shop/cart", "cart-busy", "node-1");
            while agent.bearer(&busy).create(&cart()).await.is_ok() {}
            by(busy, cart())
        }
        "more requests than can be in hand" => by(good.clone(), cart()),
        other => panic!("{other}"),
    }
}

impl Attempt {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.agent = self.agent.with(name, value);
        self
    }

    async fn make(&self, what: &str) -> (Refusal, String) {
        loop {
            let (answer, request_id) = self.agent.call_with_id(CREATE, self.body.clone()).await;
            match answer {
                Err(refusal) => return (refusal, request_id),
                // On a busy machine its second is over by now; the next one comes at once.
                Ok(_) => assert_eq!(what, "too many requests of one caller"),
            }
        }
    }
}

#[tokio::test]
async fn every_refusal_has_its_code_its_words_and_its_audit_line() {
    LazyLock::force(&LOG);
    let mesh = IstioMesh::with(|config| config.limits.caller = Rate { per_second: 1, burst: 40 }).await;
    let full = IstioMesh::with(|config| config.limits.requests = 0).await;
    let neighbour = mesh.agent().await.bearer(&mesh.token_of(&mesh.west, "shop/till", "till-1", "node-2"));
    let join = |text: &str| Request::new(mesh.running.mesh.csr(text));
    for (what, code, reason) in TABLE {
        let mesh = if *what == "more requests than can be in hand" { &full } else { &mesh };
        let attempt = attempt(mesh, what).await;
        let (refusal, request_id) = attempt.make(what).await;
        assert_eq!((refusal.code, refusal.reason.as_str()), (*code, *reason), "{what}: {}", refusal.message);
        // The words carry our code; nobody reads the details.
        assert!(refusal.message.ends_with(&format!("({reason})")) && refusal.message.len() < 1_500, "{what}: {}", refusal.message);
        let lines = LOG.audit(&request_id);
        assert_eq!(lines.len(), 1, "{what}: {lines:?}");
        assert_eq!((lines[0]["message"].as_str(), lines[0]["code"].as_str()), (Some("refused"), Some(*reason)), "{what}");
        for (place, text) in [("the answer", refusal.message.clone()), ("the log", LOG.text())] {
            assert!(!text.contains(&attempt.secret), "{what}: the token is in {place}");
        }
    }
    // Nobody else noticed.
    neighbour.create(&join("/ns/shop/sa/till")).await.unwrap();
}

#[tokio::test]
async fn the_guide_has_this_table() {
    let guide = include_str!("../docs/istio-clients.md");
    let code = |number| match number {
        3 => "INVALID_ARGUMENT",
        7 => "PERMISSION_DENIED",
        8 => "RESOURCE_EXHAUSTED",
        12 => "UNIMPLEMENTED",
        14 => "UNAVAILABLE",
        16 => "UNAUTHENTICATED",
        other => panic!("{other}"),
    };
    let expected: Vec<String> = TABLE.iter().map(|(what, number, reason)| format!("| {what} | {} | `{reason}` |", code(*number))).collect();
    let rows = guide.lines().skip_while(|line| !line.starts_with("| what happens")).skip(2);
    let found: Vec<&str> = rows.take_while(|line| !line.is_empty()).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_deleted_key_and_a_token_of_another_cluster_open_nothing() {
    let mesh = IstioMesh::start().await;
    let agent = mesh.agent().await;
    let csr = || Request::new(mesh.running.mesh.csr(CART));
    // The header is no credential: the certificate comes from the cluster whose key signed the token.
    let chain = agent.bearer(&mesh.token(&mesh.east)).with("clusterid", "west").create(&csr()).await.unwrap();
    assert!(meshroot::pem::certificates(chain[1].as_bytes()).unwrap()[0].subject().to_string().contains("east"));
    let (token, rotated) = (mesh.token(&mesh.west), ApiServer::new("w2"));
    agent.bearer(&token).create(&csr()).await.unwrap();
    std::fs::write(mesh.running.mesh.folder.path().join("west.json"), rotated.jwks()).unwrap();
    mesh.running.service.reload();
    let until = async {
        while agent.bearer(&token).create(&csr()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), until).await.unwrap();
    assert_eq!(agent.bearer(&token).create(&csr()).await.unwrap_err().reason, "token.unknown_key");
    agent.bearer(&mesh.token(&rotated)).create(&csr()).await.unwrap();
}

#[tokio::test]
async fn megabytes_of_headers_are_not_read() {
    let mesh = IstioMesh::start().await;
    let neighbour = mesh.agent().await.bearer(&mesh.token(&mesh.west));
    let mut agent = mesh.agent().await;
    for n in 0..64 {
        agent = agent.with(&format!("x-{n}"), "y".repeat(64 << 10));
    }
    let answered = tokio::time::timeout(Duration::from_secs(20), agent.send(CREATE, frame(&[]))).await.unwrap();
    if let Ok(response) = answered {
        assert_eq!(response.status(), 431);
    }
    neighbour.create(&Request::new(mesh.running.mesh.csr(CART))).await.unwrap();
}

#[tokio::test]
async fn a_stream_of_garbage_ends_its_own_connection_only() {
    let mesh = IstioMesh::start().await;
    let neighbour = mesh.agent().await.bearer(&mesh.token(&mesh.west));
    for garbage in [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff"[..], b"\x16\x03\x01\x02\x00garbage", &[0; 4_096]] {
        let mut stream = Agent::tls(mesh.running.service.address(), &mesh.running.mesh.roots_pem, "localhost".try_into().unwrap()).await;
        stream.write_all(garbage).await.unwrap();
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "the connection stays open");
    }
    neighbour.create(&Request::new(mesh.running.mesh.csr(CART))).await.unwrap();
}
