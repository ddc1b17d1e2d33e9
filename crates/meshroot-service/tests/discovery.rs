//! Clusters' token keys, fetched from a real HTTPS server.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use std::time::Duration;

use meshroot_service::config::Seconds;
use meshroot_service::{Config, Service};
use serde_json::json;
use support::https::{Question, Reply, Server};
use support::kubernetes::{ApiServer, ISSUER, POLICY, write};
use support::{Client, Running, TestMesh};

const CONFIGURATION: &str = "/.well-known/openid-configuration";
const KEYS: &str = "/openid/v1/jwks";
const CART: &str = "/ns/shop/sa/cart";
const SECRET: &str = "token-of-the-reader";

/// As an API server answers: only to who may read it, and with how long it is good.
fn publishing(port: impl Fn() -> u16 + Send + Sync + 'static, jwks: String) -> impl Fn(&Question) -> Reply + Send + Sync + 'static {
    move |question| {
        if question.authorization != format!("Bearer {SECRET}") {
            return Reply::json(401, &json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 401 }));
        }
        let cache = Some(("cache-control", "public, max-age=3600".to_owned()));
        match question.path.as_str() {
            CONFIGURATION => {
                let document = json!({
                    "issuer": ISSUER, "jwks_uri": format!("https://localhost:{}{KEYS}", port()), "response_types_supported": ["id_token"],
                    "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
                });
                Reply(200, cache, document.to_string())
            }
            KEYS => Reply(200, cache, jwks.clone()),
            _ => Reply(404, None, String::new()),
        }
    }
}

async fn server(west: &ApiServer) -> Server {
    let server = Server::start(|_| Reply(503, None, String::new())).await;
    publish(&server, west);
    server
}

fn publish(server: &Server, west: &ApiServer) {
    let port = server.address.port();
    server.answer(publishing(move || port, west.jwks()));
}

/// West's keys are fetched from there, east's are in a file.
fn settings(config: &mut Config, mesh: &TestMesh, server: &Server, east: &ApiServer) {
    let folder = mesh.folder.path();
    config.policy.file = Some(write(folder, "policy.toml", POLICY));
    config.policy.jwks.insert("east".into(), write(folder, "east.json", &east.jwks()));
    config.discovery.issuer.insert("west".into(), server.url());
    config.discovery.ca.insert("west".into(), server.ca.clone());
    config.discovery.token_file.insert("west".into(), write(folder, "reader", &format!("{SECRET}\n")));
    config.discovery.unknown_key = Seconds(Duration::from_millis(50));
}

async fn running(server: &Server, east: &ApiServer, change: impl FnOnce(&mut Config)) -> Running {
    let mesh = TestMesh::new();
    let service = mesh
        .serve(|config| {
            settings(config, &mesh, server, east);
            change(config);
        })
        .await;
    Running { mesh, service }
}

async fn ask(running: &Running, token: &str) -> u16 {
    running.stranger().bearer(token).post("/v1/certificates", running.mesh.csr(CART)).await.status
}

/// Whether it comes to this within some seconds.
async fn comes_to(running: &Running, token: &str, status: u16) -> bool {
    for _ in 0..300 {
        if ask(running, token).await == status {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

async fn words(running: &Running) -> String {
    running.administrator().get("/v1/status").await.json()["words"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_clusters_keys_are_fetched_and_a_new_one_as_soon_as_a_token_names_it() {
    let (west, east, next) = (ApiServer::new("w"), ApiServer::new("e"), ApiServer::new("w2"));
    let server = server(&west).await;
    let running = running(&server, &east, |_| ()).await;
    let old = west.token(&running.mesh, |_| ());
    assert!(comes_to(&running, &old, 201).await);
    assert!(server.asked().iter().all(|question| question.method == "GET" && question.authorization == format!("Bearer {SECRET}")));

    publish(&server, &next);
    assert!(comes_to(&running, &next.token(&running.mesh, |_| ()), 201).await);
    assert_eq!(ask(&running, &old).await, 401, "its key is gone");
    let metrics = Client::plain(running.service.health_address()).get("/metrics").await.text();
    let fetched = metrics.lines().find_map(|line| line.strip_prefix("meshroot_key_set_fetches_total{cluster=\"west\",result=\"fetched\"} "));
    // On a slow machine it is time for the next one meanwhile.
    assert!(fetched.is_some_and(|n| n.parse::<u32>().unwrap() >= 2), "{metrics}");
    assert!(metrics.contains("meshroot_key_set_age_seconds{cluster=\"west\"}"), "{metrics}");
}

#[tokio::test]
async fn made_up_keys_do_not_make_us_ask_more_often_than_the_settings_allow() {
    let (west, east, stranger) = (ApiServer::new("w"), ApiServer::new("e"), ApiServer::new("nobody"));
    let server = server(&west).await;
    let running = running(&server, &east, |config| config.discovery.unknown_key = Seconds::new(1)).await;
    assert!(comes_to(&running, &west.token(&running.mesh, |_| ()), 201).await);
    let begun = tokio::time::Instant::now();
    for n in 0..30 {
        assert_eq!(ask(&running, &stranger.token(&running.mesh, |claims| claims["jti"] = format!("{n}").into())).await, 401);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // One at the start, one for the first made-up key, and one a second.
    let most = 2 + begun.elapsed().as_secs() + 1;
    let asked = server.count(KEYS) as u64;
    assert!((2..=most).contains(&asked), "{asked} of {most}");
}

#[tokio::test]
async fn the_last_good_keys_are_kept_whatever_the_server_does() {
    let (west, east, stranger) = (ApiServer::new("w"), ApiServer::new("e"), ApiServer::new("nobody"));
    let server = server(&west).await;
    let running = running(&server, &east, |config| config.discovery.timeout = Seconds(Duration::from_millis(500))).await;
    let token = west.token(&running.mesh, |_| ());
    assert!(comes_to(&running, &token, 201).await);

    let port = server.address.port();
    let configuration = move |issuer: &str, uri: &str| json!({ "issuer": issuer, "jwks_uri": uri }).to_string();
    let here = format!("https://localhost:{port}{KEYS}");
    let good = configuration(ISSUER, &here);
    let with_keys = move |keys: String| {
        let good = good.clone();
        Box::new(move |question: &Question| Reply(200, None, if question.path == KEYS { keys.clone() } else { good.clone() })) as Behaviour
    };
    let with_configuration = |text: String| Box::new(move |_: &Question| Reply(200, None, text.clone())) as Behaviour;
    type Behaviour = Box<dyn Fn(&Question) -> Reply + Send + Sync>;
    let cases: Vec<(&str, Behaviour)> = vec![
        ("500", Box::new(|_| Reply(500, None, String::new()))),
        ("redirections are not followed", Box::new(move |_| Reply(302, Some(("location", here.clone())), String::new()))),
        (
            "no answer within 500ms",
            Box::new(|_| {
                std::thread::sleep(Duration::from_secs(1));
                Reply(200, None, String::new())
            }),
        ),
        ("another host", with_configuration(configuration(ISSUER, "https://elsewhere.example/keys"))),
        ("another host", with_configuration(configuration(ISSUER, "http://localhost/keys"))),
        ("calls itself 'https://other'", with_configuration(configuration("https://other", "https://localhost/keys"))),
        ("is not what it should be", with_configuration("{}".into())),
        ("it is empty", with_keys(json!({ "keys": [] }).to_string())),
        ("can be used", with_keys(json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] }).to_string())),
        ("limit", with_keys(" ".repeat(300 << 10))),
        ("not a JSON Web Key Set", with_keys("garbage".into())),
    ];
    for (word, behaviour) in cases {
        let before = server.asked().len();
        server.answer(behaviour);
        let mut said = String::new();
        for _ in 0..300 {
            // A made-up key has it ask anew.
            assert_eq!(ask(&running, &stranger.token(&running.mesh, |_| ())).await, 401);
            tokio::time::sleep(Duration::from_millis(20)).await;
            said = words(&running).await;
            if server.asked().len() > before && said.contains(word) {
                break;
            }
        }
        assert!(said.contains(word), "{word}: {said}");
        assert_eq!(ask(&running, &token).await, 201, "{word}");
        assert!(!said.contains(SECRET));
    }
    let metrics = Client::plain(running.service.health_address()).get("/metrics").await.text();
    for code in ["discovery.unreachable", "discovery.document"] {
        assert!(metrics.contains(&format!("meshroot_key_set_fetches_total{{cluster=\"west\",result=\"{code}\"}}")), "{metrics}");
    }
    publish(&server, &west);
    for _ in 0..300 {
        let _ = ask(&running, &stranger.token(&running.mesh, |_| ())).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        if !words(&running).await.contains("token keys") {
            return;
        }
    }
    panic!("{}", words(&running).await);
}

#[tokio::test]
async fn a_server_that_we_do_not_know_never_sees_the_token() {
    let (west, east) = (ApiServer::new("w"), ApiServer::new("e"));
    let (server, other) = (server(&west).await, Server::start(|_| Reply(200, None, String::new())).await);
    let running = running(&server, &east, |config| drop(config.discovery.ca.insert("west".into(), other.ca.clone()))).await;
    for _ in 0..300 {
        if words(&running).await.contains("there are no token keys of 'west'") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(words(&running).await.contains("there are no token keys of 'west'"));
    assert!(server.asked().is_empty());
    assert_eq!(ask(&running, &west.token(&running.mesh, |_| ())).await, 401);
    // The others are served.
    assert_eq!(ask(&running, &east.token(&running.mesh, |_| ())).await, 201);
}

#[tokio::test]
async fn a_key_that_comes_to_be_in_two_clusters_is_refused_for_both() {
    let (west, east) = (ApiServer::new("w"), ApiServer::new("e"));
    let server = server(&west).await;
    let running = running(&server, &east, |_| ()).await;
    let token = east.token(&running.mesh, |_| ());
    assert_eq!(ask(&running, &token).await, 201);
    // Whoever runs west's API server publishes east's key.
    publish(&server, &east);
    for _ in 0..300 {
        let _ = ask(&running, &ApiServer::new("nobody").token(&running.mesh, |_| ())).await;
        if ask(&running, &token).await == 401 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("east's key still counts");
}

#[tokio::test]
async fn settings_that_do_not_fit_together_are_refused() {
    let (west, east) = (ApiServer::new("w"), ApiServer::new("e"));
    let server = server(&west).await;
    let mesh = TestMesh::new();
    type Change<'a> = Box<dyn FnOnce(&mut Config) + 'a>;
    let cases: [(&str, Change<'_>); 5] = [
        ("discovery.settings", Box::new(|config| drop(config.discovery.ca.remove("west")))),
        ("discovery.settings", Box::new(|config| drop(config.discovery.issuer.insert("west".into(), "http://localhost".into())))),
        ("discovery.settings", Box::new(|config| drop(config.discovery.jwks.insert("west".into(), server.url())))),
        ("permission.missing", Box::new(|config| drop(config.policy.jwks.insert("west".into(), write(mesh.folder.path(), "w.json", &west.jwks()))))),
        ("permission.missing", Box::new(|config| config.discovery = meshroot_service::config::Discovery::default())),
    ];
    for (code, change) in cases {
        let mut config = Config::default();
        config.listen.address.set_port(0);
        config.health.address.set_port(0);
        settings(&mut config, &mesh, &server, &east);
        change(&mut config);
        let refused = Service::start(config, support::parts(&mesh)).await.unwrap_err();
        assert_eq!(refused.code(), code, "{refused}");
    }
}
