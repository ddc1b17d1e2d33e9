//! Who may do what: every operation of the OpenAPI document, asked by every kind of caller.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::collections::BTreeSet;

use hyper::Method;
use support::{Client, Running, TRUST_DOMAIN};

const CALLERS: [&str; 5] = ["nobody", "token", "used token", "garbage", "administrator"];

/// Operation, then the status for each of the callers.
const TABLE: &[(&str, &str, [u16; 5])] = &[
    ("POST", "/v1/certificates", [401, 201, 401, 401, 403]),
    ("GET", "/v1/tokens", [401, 403, 403, 401, 200]),
    ("POST", "/v1/tokens", [401, 403, 403, 401, 201]),
    ("DELETE", "/v1/tokens/{digest}", [401, 403, 403, 401, 404]),
    ("GET", "/v1/inventory", [401, 403, 403, 401, 200]),
    ("GET", "/v1/authorities", [401, 403, 403, 401, 200]),
    ("GET", "/v1/status", [401, 403, 403, 401, 200]),
    ("POST", "/v1/store/restored", [401, 403, 403, 401, 200]),
    // What everybody may read is read by everybody, whatever they show.
    ("GET", "/v1/trust-domains/{trust_domain}/bundle", [200; 5]),
    ("GET", "/v1/bundle-map", [200; 5]),
    ("GET", "/roots.pem", [200; 5]),
    ("GET", "/root/{sha256}", [200; 5]),
    ("GET", "/healthz", [200; 5]),
    ("GET", "/readyz", [200; 5]),
    ("GET", "/openapi.json", [200; 5]),
];

fn path(template: &str, root: &str) -> String {
    template.replace("{digest}", &"0".repeat(64)).replace("{trust_domain}", TRUST_DOMAIN).replace("{sha256}", root)
}

fn body(running: &Running, method: &str, template: &str) -> String {
    match (method, template) {
        ("POST", "/v1/certificates") => running.mesh.csr("/ns/shop/sa/cart"),
        ("POST", _) => format!(r#"{{"cluster":"west","id":"spiffe://{TRUST_DOMAIN}/ns/shop/sa/cart","ttl":"1m"}}"#),
        _ => String::new(),
    }
}

#[tokio::test]
async fn every_operation_answers_every_caller_as_the_table_says() {
    let running = Running::start().await;
    let root = running.mesh.hierarchy.anchors()[0].der().to_vec();
    let root: String = running.mesh.crypto.sha256(&root).iter().map(|octet| format!("{octet:02x}")).collect();
    let used = running.token("/ns/shop/sa/cart").await;
    let first = running.stranger().bearer(&used).post("/v1/certificates", running.mesh.csr("/ns/shop/sa/cart")).await;
    assert_eq!(first.status, 201, "{}", first.text());
    for (method, template, expected) in TABLE {
        for (caller, expected) in CALLERS.iter().zip(expected) {
            let client: Client = match *caller {
                "token" => running.stranger().bearer(&running.token("/ns/shop/sa/cart").await),
                "used token" => running.stranger().bearer(&used),
                "garbage" => running.stranger().bearer("garbage"),
                "administrator" => running.administrator(),
                _ => running.stranger(),
            };
            let method: Method = method.parse().unwrap();
            let answer = client.ask(method.clone(), &path(template, &root), body(&running, method.as_str(), template)).await;
            assert_eq!(answer.status, *expected, "{method} {template} by {caller}: {}", answer.text());
            assert!(!answer.header("x-request-id").is_empty());
            if answer.status >= 400 {
                assert!(!answer.code().is_empty());
            }
        }
    }
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
    for (_, path, _) in TABLE {
        let wrong = running.stranger().ask(Method::PATCH, &path.replace(['{', '}'], "x"), "").await;
        assert_eq!((wrong.status, wrong.code()), (405, "http.method_not_allowed".into()), "{path}");
    }
}
