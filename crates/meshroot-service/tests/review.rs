//! Tokens that are reviewed by the API server that made them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects, reason = "tests may be blunt")]
#![allow(clippy::disallowed_methods, reason = "these tests wait, and measure how long")]

mod support;

use meshroot_service::config::{Seconds, Unreachable};
use meshroot_service::{Config, Service};
use serde_json::{Value, json};
use support::https::{Question, Reply, Server};
use support::kubernetes::{ApiServer, POLICY, running_with, write};
use support::{Answer, Running, TestMesh};

const CART: &str = "/ns/shop/sa/cart";
const PATH: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
const REVIEWER: &str = "token-of-the-reviewer";

/// As an API server answers: only to a reviewer, only to a TokenReview, and with the question in the answer.
fn reviewing(status: impl Fn(&Value) -> Value + Send + Sync + 'static) -> impl Fn(&Question) -> Reply + Send + Sync + 'static {
    move |question| {
        let refuse = |code: u16| Reply::json(code, &json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code }));
        if question.authorization != format!("Bearer {REVIEWER}") {
            return refuse(401);
        }
        if (question.method.as_str(), question.path.as_str()) != ("POST", PATH) {
            return refuse(404);
        }
        let mut review: Value = serde_json::from_slice(&question.body).unwrap();
        if review["apiVersion"] != "authentication.k8s.io/v1" || review["kind"] != "TokenReview" || !review["spec"]["token"].is_string() {
            return refuse(400);
        }
        review["status"] = status(&review["spec"]);
        Reply::json(201, &review)
    }
}

/// The pod lives.
fn alive(spec: &Value) -> Value {
    json!({
        "authenticated": true,
        "user": {
            "username": "system:serviceaccount:shop:cart", "uid": "5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0001",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"],
            "extra": { "authentication.kubernetes.io/pod-name": ["cart-7d9f"] },
        },
        "audiences": spec["audiences"],
    })
}

/// As of a pod that was deleted.
fn gone(_: &Value) -> Value {
    json!({ "user": {}, "error": "[invalid bearer token, service account token has been invalidated]" })
}

fn settings(config: &mut Config, server: &Server, token_file: std::path::PathBuf) {
    config.review.server.insert("west".into(), server.url());
    config.review.ca.insert("west".into(), server.ca.clone());
    config.review.token_file.insert("west".into(), token_file);
    config.review.timeout = Seconds::new(2);
}

async fn running(west: &ApiServer, server: &Server, change: impl FnOnce(&mut Config)) -> Running {
    running_with(west, &ApiServer::new("e"), |config| {
        let folder = config.policy.file.as_ref().unwrap().parent().unwrap().to_owned();
        settings(config, server, write(&folder, "reviewer", REVIEWER));
        change(config);
    })
    .await
}

async fn ask(running: &Running, token: &str) -> Answer {
    running.stranger().bearer(token).post("/v1/certificates", running.mesh.csr(CART)).await
}

#[tokio::test]
async fn a_token_of_a_deleted_pod_is_refused_once_the_good_answer_is_old() {
    let west = ApiServer::new("w");
    let server = Server::start(reviewing(alive)).await;
    let running = running(&west, &server, |_| ()).await;
    let token = west.token(&running.mesh, |_| ());
    for _ in 0..4 {
        assert_eq!(ask(&running, &token).await.status, 201);
    }
    assert_eq!(server.count(PATH), 1, "a good answer is remembered");
    let question: Value = serde_json::from_slice(&server.asked()[0].body).unwrap();
    assert_eq!(question["spec"], json!({ "token": token, "audiences": ["meshroot"] }));

    server.answer(reviewing(gone));
    assert_eq!(ask(&running, &token).await.status, 201, "the answer is not old yet");
    running.mesh.clock.advance(61);
    let refused = ask(&running, &token).await;
    assert_eq!((refused.status, refused.code()), (401, "review.refused".into()));
    assert!(refused.text().contains("invalidated") && !refused.text().contains(&token), "{}", refused.text());
}

#[tokio::test]
async fn only_an_answer_about_this_very_account_for_our_audience_counts() {
    let west = ApiServer::new("w");
    let server = Server::start(reviewing(alive)).await;
    let running = running(&west, &server, |_| ()).await;
    type Change = fn(&mut Value);
    let cases: [(&str, Change); 6] = [
        ("not authenticated", |status| status["authenticated"] = json!(false)),
        ("no word about it", |status| drop(status.as_object_mut().unwrap().remove("authenticated"))),
        ("another account", |status| status["user"]["username"] = json!("system:serviceaccount:shop:till")),
        ("an account made anew", |status| status["user"]["uid"] = json!("5d9c6b2e-52f2-44a4-8a9b-1a3f0c5f0009")),
        ("another audience", |status| status["audiences"] = json!(["https://kubernetes.default.svc"])),
        ("a server without audiences", |status| drop(status.as_object_mut().unwrap().remove("audiences"))),
    ];
    for (n, (what, change)) in cases.into_iter().enumerate() {
        server.answer(reviewing(move |spec| {
            let mut status = alive(spec);
            change(&mut status);
            status
        }));
        let token = west.token(&running.mesh, |claims| claims["jti"] = format!("{n}").into());
        let refused = ask(&running, &token).await;
        assert_eq!((refused.status, refused.code()), (401, "review.refused".into()), "{what}");
    }
    server.answer(|_| Reply(201, None, "garbage".into()));
    assert_eq!(ask(&running, &west.token(&running.mesh, |_| ())).await.status, 401);
}

#[tokio::test]
async fn what_happens_while_nobody_can_be_asked_is_a_setting() {
    let west = ApiServer::new("w");
    for (setting, status) in [(Unreachable::Refuse, 503), (Unreachable::Accept, 201)] {
        let server = Server::start(|_| Reply(500, None, String::new())).await;
        let running = running(&west, &server, |config| config.review.unreachable = setting).await;
        let answer = ask(&running, &west.token(&running.mesh, |_| ())).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        if status == 503 {
            assert_eq!((answer.code(), answer.header("retry-after")), ("review.unreachable".into(), "2"));
        }
        // One that does not verify is refused in either case, and nobody is asked.
        let asked = server.asked().len();
        assert_eq!(ask(&running, &ApiServer::new("w").token(&running.mesh, |_| ())).await.status, 401);
        assert_eq!(server.asked().len(), asked);
        // A no is a no, whatever the setting.
        server.answer(reviewing(gone));
        let other = west.token(&running.mesh, |claims| claims["jti"] = "other".into());
        assert_eq!(ask(&running, &other).await.status, 401);
    }
}

#[tokio::test]
async fn a_cluster_without_a_reviewer_is_not_reviewed_and_half_a_reviewer_is_refused() {
    let (west, east) = (ApiServer::new("w"), ApiServer::new("e"));
    let server = Server::start(reviewing(gone)).await;
    let mesh = TestMesh::new();
    let folder = mesh.folder.path().to_owned();
    let change = |config: &mut Config| {
        config.policy.file = Some(write(&folder, "policy.toml", POLICY));
        config.policy.jwks.insert("west".into(), write(&folder, "west.json", &west.jwks()));
        config.policy.jwks.insert("east".into(), write(&folder, "east.json", &east.jwks()));
        settings(config, &server, write(&folder, "reviewer", REVIEWER));
    };
    let service = mesh.serve(change).await;
    let running = Running { mesh, service };
    assert_eq!(ask(&running, &east.token(&running.mesh, |_| ())).await.status, 201);
    assert_eq!(ask(&running, &west.token(&running.mesh, |_| ())).await.status, 401);

    let mut config = Config::default();
    config.listen.address.set_port(0);
    config.health.address.set_port(0);
    change(&mut config);
    config.review.token_file.clear();
    let refused = Service::start(config, support::parts(&running.mesh)).await.unwrap_err();
    assert_eq!(refused.code(), "review.settings", "{refused}");
}
