use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use meshroot::hierarchy::ClusterName;
use meshroot::key::Entropy;
use meshroot::spiffe::SpiffeId;
use meshroot_store::{JoinToken, StoreError, TokenDigest, TokenScope};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::request_id::RequestId;
use super::{App, Problem, hex, json as document};
use crate::audit;
use crate::caller::{Administrator, TOKEN_PREFIX};
use crate::config::Seconds;

/// The longest that a token may wait to be used.
const LONGEST: Duration = Duration::from_secs(7 * 86_400);

/// What a token shall be good for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    cluster: String,
    id: Option<String>,
    /// Which one a new cluster joins, where there are several.
    trust_domain: Option<String>,
    ttl: Seconds,
}

/// `POST /v1/tokens`
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    administrator: Administrator,
    body: Bytes,
) -> Result<Response, Problem> {
    let wanted: Wanted = document::read(&body)?;
    let bad = |code, detail: String| Problem::new(StatusCode::BAD_REQUEST, code, detail);
    let cluster = ClusterName::parse(&wanted.cluster).map_err(|e| bad(e.code(), e.to_string()))?;
    let snapshot = app.mesh.now();
    let domain = snapshot.trust_domains().iter().find(|domain| domain.hierarchy.clusters().contains(&&cluster));
    // A cluster that is to join is not there yet; where there are several trust domains, it has to be said which it joins.
    let joins = || match (&wanted.id, &wanted.trust_domain, snapshot.trust_domains()) {
        (None, Some(name), _) => snapshot.trust_domain(name),
        (None, None, [only]) => Some(only),
        _ => None,
    };
    let domain = domain.or_else(joins);
    let domain = domain.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "cluster.not_found", format!("there is no cluster '{cluster}'")))?;
    let trust_domain = domain.hierarchy.trust_domain().clone();
    let scope = match &wanted.id {
        None => TokenScope::ClusterCa,
        Some(id) => {
            let id = SpiffeId::parse(id).map_err(|e| bad(e.code(), e.to_string()))?;
            if id.trust_domain() != trust_domain.as_ref() || id.path().is_empty() {
                return Err(bad(
                    "token.identity",
                    format!("'{id}' is no workload of the trust domain '{trust_domain}', to which the cluster '{cluster}' belongs"),
                ));
            }
            TokenScope::Workload(id)
        }
    };
    if wanted.ttl.0.is_zero() || wanted.ttl.0 > LONGEST {
        return Err(bad("token.ttl", "a token lives between one second and 7 days".into()));
    }
    let (text, digest) = new_token(&app)?;
    let now = app.mesh.clock().now();
    let token = JoinToken {
        digest,
        trust_domain,
        cluster,
        scope,
        created_by: administrator.name.clone(),
        created_at: now,
        expires_at: now.plus(wanted.ttl.0),
        used_by: None,
    };
    let (store, stored) = (Arc::clone(app.mesh.store()), token.clone());
    in_store(move || store.add_token(&stored)).await?;
    audit::granted(&request_id, &administrator.name, "token", &format!("{digest:?} for {}", wanted.id.as_deref().unwrap_or("the cluster's CA")));
    let mut answer = describe(&token);
    if let Value::Object(members) = &mut answer {
        members.insert("token".into(), text.as_str().into());
    }
    Ok(document::answer(StatusCode::CREATED, &answer))
}

/// 256 random bits, in a form that people and scanners recognise.
fn new_token(app: &App) -> Result<(Zeroizing<String>, TokenDigest), Problem> {
    let mut secret = Zeroizing::new([0u8; 32]);
    let entropy: &dyn Entropy = app.mesh.crypto().entropy();
    let none =
        |e: meshroot::key::KeyError| Problem::new(StatusCode::SERVICE_UNAVAILABLE, e.code(), e.to_string()).retry_after(Duration::from_secs(5));
    entropy.fill(&mut *secret).map_err(none)?;
    let mut text = Zeroizing::new(String::with_capacity(TOKEN_PREFIX.len().saturating_add(64)));
    text.push_str(TOKEN_PREFIX);
    for octet in *secret {
        for digit in [octet >> 4, octet & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    let digest = TokenDigest(app.mesh.crypto().sha256(text.as_bytes()));
    Ok((text, digest))
}

/// `GET /v1/tokens`
pub(super) async fn list(State(app): State<Arc<App>>, _: Administrator) -> Result<Response, Problem> {
    let store = Arc::clone(app.mesh.store());
    let tokens = in_store(move || store.tokens()).await?;
    Ok(document::answer(StatusCode::OK, &json!({ "tokens": tokens.iter().map(describe).collect::<Vec<_>>() })))
}

/// `DELETE /v1/tokens/{digest}`
pub(super) async fn withdraw(
    State(app): State<Arc<App>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    administrator: Administrator,
    Path(digest): Path<String>,
) -> Result<Response, Problem> {
    let unknown =
        || Problem::new(StatusCode::NOT_FOUND, "token.not_found", "there is no such token that could be withdrawn: it was used, or never made");
    let octets: [u8; 32] = hex::read(&digest).and_then(|octets| octets.try_into().ok()).ok_or_else(unknown)?;
    let store = Arc::clone(app.mesh.store());
    if !in_store(move || store.withdraw_token(&TokenDigest(octets))).await? {
        return Err(unknown());
    }
    audit::granted(&request_id, &administrator.name, "withdrawal of a token", &digest);
    Ok(document::answer(StatusCode::OK, &json!({ "withdrawn": digest })))
}

fn describe(token: &JoinToken) -> Value {
    let id = match &token.scope {
        TokenScope::Workload(id) => Some(id.as_str()),
        TokenScope::ClusterCa => None,
    };
    json!({
        "digest": token.digest.0.iter().map(|octet| format!("{octet:02x}")).collect::<String>(),
        "trust_domain": token.trust_domain.as_str(),
        "cluster": token.cluster.as_str(),
        "id": id,
        "created_by": token.created_by,
        "created_at": token.created_at.to_string(),
        "expires_at": token.expires_at.to_string(),
        "used_by_record": token.used_by,
    })
}

/// Runs something that blocks on the store.
pub(super) async fn in_store<T: Send + 'static>(work: impl FnOnce() -> Result<T, StoreError> + Send + 'static) -> Result<T, Problem> {
    let failed = |code, detail: String| Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).retry_after(Duration::from_secs(2));
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(e)) => Err(failed(e.code(), e.to_string())),
        Err(_) => Err(failed("service.stopping", "the service is stopping".into())),
    }
}
