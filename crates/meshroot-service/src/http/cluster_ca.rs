use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use meshroot::csr::Csr;
use meshroot::hierarchy::ClusterName;
use meshroot::key::Entropy;
use meshroot::profile::{Profile, ProfileKind};
use meshroot::spiffe::TrustDomain;
use meshroot_store::{CaRequest, CaRequestId, JoinToken, StoreError, TokenDigest, TokenScope};
use serde::Deserialize;
use serde_json::{Value, json};

use super::certificates::unusable;
use super::request_id::RequestId;
use super::revocations::in_mesh;
use super::{App, Problem, bundles, json as document};
use crate::audit;
use crate::caller::{self, Audience, AuthenticationError, Caller};
use crate::config::Seconds;
use crate::mesh::{AnsweredCa, Mesh};
use crate::net::Peer;

/// `?profile=subordinate&lifetime=90d`; without them a cluster's CA for a year.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    profile: Option<String>,
    lifetime: Option<Seconds>,
    /// Where the cluster is new and there are several trust domains.
    trust_domain: Option<String>,
}

/// The longest that a CA lives whose key is elsewhere.
const LONGEST: Duration = Duration::from_secs(2 * 366 * 86_400);

/// How long a client that waits for the root should wait before it asks again.
const AGAIN: Duration = Duration::from_secs(30);

/// `POST /v1/clusters/{cluster}/ca`
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    caller: Caller,
    Path(cluster): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    body: Bytes,
) -> Result<Response, Problem> {
    let name = caller.name();
    match ask(&app, caller, &cluster, wanted, &body).await {
        Ok(request) => {
            let state = if request.answered.is_some() { "signed" } else { "waits for the root" };
            let details = format!("request {}, {} for '{}', {state}", request.id, request.profile, request.cluster);
            audit::granted(&request_id, &name, "CA certificate", &details);
            let made = StatusCode::CREATED;
            Ok(render(&app, &request, made))
        }
        Err(problem) => {
            audit::refused(&request_id, &name, "CA certificate", problem.code(), problem.detail());
            Err(problem)
        }
    }
}

async fn ask(
    app: &Arc<App>,
    caller: Caller,
    cluster: &str,
    wanted: Result<Query<Wanted>, QueryRejection>,
    body: &[u8],
) -> Result<CaRequest, Problem> {
    let caller_name = caller.name();
    let bad = |code, detail: String| Problem::new(StatusCode::BAD_REQUEST, code, detail);
    let token = token_of(caller)?;
    let cluster = ClusterName::parse(cluster).map_err(|e| bad(e.code(), e.to_string()))?;
    if let Some(token) = token.as_ref().filter(|token| token.cluster != cluster) {
        let detail = format!("the token is for the CA of '{}', and not for that of '{cluster}'", token.cluster);
        return Err(
            Problem::new(StatusCode::FORBIDDEN, "cluster_ca.other_cluster", detail).rule("a token is good for the cluster that it was made for")
        );
    }
    let Query(wanted) = wanted.map_err(|e| bundles::malformed_query(&e))?;
    let profile = profile(wanted.profile.as_deref())?;
    let lifetime = wanted.lifetime.map_or(profile.lifetime(), |wanted| wanted.0);
    if lifetime.is_zero() || lifetime > LONGEST {
        return Err(bad("cluster_ca.lifetime", "a CA whose key is elsewhere lives between a second and two years".into()));
    }
    let trust_domain = match &token {
        Some(token) => token.trust_domain.clone(),
        None => trust_domain(app, &cluster, wanted.trust_domain.as_deref())?,
    };
    let csr = Csr::from_pem_or_der(body).map_err(|e| unusable(&e))?;
    let der = csr.der().to_vec();
    csr.prove(app.mesh.crypto()).map_err(|e| unusable(&e))?;
    let (id, now) = (new_id(app)?, app.mesh.clock().now());
    let request = CaRequest {
        id,
        number: 0,
        trust_domain,
        cluster,
        profile: profile.kind().to_string(),
        lifetime,
        csr: der,
        caller: caller_name.to_string(),
        token: token.as_ref().map(|token| token.digest),
        at: now,
        answered: None,
    };
    let mesh = Arc::clone(&app.mesh);
    in_mesh(move || {
        if let Some(before) = asked_before(&mesh, &request)? {
            return signed(&mesh, before);
        }
        mesh.store().add_ca_request(&request).map_err(refused)?;
        signed(&mesh, request)
    })
    .await
}

/// Who may ask for a CA: the holder of a token for one, and administrators, who need none.
fn token_of(caller: Caller) -> Result<Option<JoinToken>, Problem> {
    let scope = |detail: &'static str| {
        Err(Problem::new(StatusCode::FORBIDDEN, "cluster_ca.scope", detail).rule("a cluster's CA needs a token for it, or an administrator"))
    };
    match caller {
        Caller::Nobody => Err(AuthenticationError::Missing.into()),
        Caller::Administrator { .. } => Ok(None),
        Caller::Token(token) if token.scope == TokenScope::ClusterCa => Ok(Some(token)),
        Caller::Token(_) => scope("the token is good for a workload's certificate, and not for a cluster's CA"),
        Caller::ServiceAccount(_) | Caller::Workload(_) => scope("workloads get no CA certificates"),
    }
}

/// The same request that is there already: a client that lost the answer asks again.
fn asked_before(mesh: &Mesh, request: &CaRequest) -> Result<Option<CaRequest>, Problem> {
    let same = |before: &CaRequest| {
        (&before.csr, &before.cluster, &before.trust_domain, &before.profile, before.lifetime)
            == (&request.csr, &request.cluster, &request.trust_domain, &request.profile, request.lifetime)
    };
    let found = match &request.token {
        Some(token) => mesh.store().ca_request_of(token).map_err(refused)?,
        None => mesh.store().waiting_ca_requests().map_err(refused)?.into_iter().find(|before| before.token.is_none() && same(before)),
    };
    Ok(found.filter(same))
}

/// The request as it stands, signed if the root is at hand.
fn signed(mesh: &Mesh, request: CaRequest) -> Result<CaRequest, Problem> {
    if request.answered.is_some() || !mesh.sign_at_once(&request)? {
        return Ok(request);
    }
    Ok(mesh.store().ca_request(&request.id).map_err(refused)?.unwrap_or(request))
}

fn refused(e: StoreError) -> Problem {
    match e {
        StoreError::TokenUsed => AuthenticationError::Used.into(),
        StoreError::TokenUnknown => AuthenticationError::Unknown.into(),
        StoreError::TokenExpired(at) => AuthenticationError::Expired(at).into(),
        e => crate::MeshError::from(e).into(),
    }
}

fn profile(name: Option<&str>) -> Result<Profile, Problem> {
    match name {
        None | Some("cluster") => Ok(Profile::cluster_ca()),
        Some("subordinate") => Ok(Profile::subordinate_ca()),
        Some(_) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "cluster_ca.profile",
            "there are two profiles: `cluster`, and `subordinate` for another CA product",
        )),
    }
}

/// The trust domain of a cluster; of a new one, the only one that there is.
fn trust_domain(app: &App, cluster: &ClusterName, named: Option<&str>) -> Result<TrustDomain, Problem> {
    let snapshot = app.mesh.now();
    let all = snapshot.trust_domains();
    let found = match (named, all.iter().find(|domain| domain.hierarchy.clusters().contains(&cluster)), all) {
        (Some(name), ..) => snapshot.trust_domain(name),
        (None, Some(its), _) => Some(its),
        (None, None, [only]) => Some(only),
        (None, None, _) => None,
    };
    let unknown = || {
        let detail = format!("which trust domain shall '{cluster}' be part of? Name one that this service serves, with ?trust_domain=");
        Problem::new(StatusCode::NOT_FOUND, "cluster_ca.trust_domain", detail)
    };
    found.map(|domain| domain.hierarchy.trust_domain().clone()).ok_or_else(unknown)
}

fn new_id(app: &App) -> Result<CaRequestId, Problem> {
    let mut octets = [0u8; 16];
    let entropy: &dyn Entropy = app.mesh.crypto().entropy();
    entropy
        .fill(&mut octets)
        .map_err(|e| Problem::new(StatusCode::SERVICE_UNAVAILABLE, e.code(), e.to_string()).retry_after(Duration::from_secs(5)))?;
    Ok(CaRequestId(octets))
}

/// `GET /v1/clusters/{cluster}/ca/{request}`: with the credentials that the request was made with, or an administrator's. A
/// token that was used and has expired since is still proof of who asked.
pub(super) async fn fetch(
    State(app): State<Arc<App>>,
    peer: Option<Extension<Peer>>,
    Path((cluster, request)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    // First: a token that has expired since is no failure to authenticate here.
    let shown = caller::shown_token(&headers, &app);
    if shown.is_none() {
        match Caller::of(&headers, peer.as_ref().map(|Extension(peer)| peer), Audience::Ours, &app).await? {
            Caller::Administrator { .. } => {}
            Caller::Nobody => return Err(AuthenticationError::Missing.into()),
            _ => return Err(not_yours()),
        }
    }
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "cluster_ca.no_such_request", "there is no such request for a CA certificate");
    let id = CaRequestId::parse(&request);
    let mesh = Arc::clone(&app.mesh);
    let found = in_mesh(move || {
        let Some(id) = id else { return Ok(None) };
        let found = mesh.store().ca_request(&id).map_err(refused)?.filter(|request| request.cluster.as_str() == cluster);
        found.map(|request| permitted(request, shown).and_then(|request| signed(&mesh, request))).transpose()
    })
    .await?;
    match (found, shown) {
        (Some(request), _) => Ok(render(&app, &request, StatusCode::OK)),
        // Who shows a token that is not this request's learns nothing about requests.
        (None, Some(_)) => Err(not_yours()),
        (None, None) => Err(unknown()),
    }
}

fn permitted(request: CaRequest, shown: Option<TokenDigest>) -> Result<CaRequest, Problem> {
    if shown.is_none() || request.token == shown { Ok(request) } else { Err(not_yours()) }
}

fn not_yours() -> Problem {
    let detail = "a CA certificate is fetched with the token that it was asked for with, or by an administrator";
    Problem::new(StatusCode::FORBIDDEN, "cluster_ca.not_yours", detail).rule("an answer belongs to who asked")
}

fn render(app: &App, request: &CaRequest, done: StatusCode) -> Response {
    let location = format!("/v1/clusters/{}/ca/{}", request.cluster, request.id);
    let (status, body) = match app.mesh.answered_ca(request) {
        Some(answered) => (done, signed_document(request, &answered)),
        None => {
            let file = app.mesh.root_request(request).and_then(|file| serde_json::to_value(file).ok());
            let words = "the root's key is away: it signs with `meshroot root sign`, and the certificate is here then";
            let request = request.id.to_string();
            (StatusCode::ACCEPTED, json!({ "request": request, "state": "waiting", "words": words, "location": location, "request_file": file }))
        }
    };
    let mut response = document::answer(status, &body);
    if let Ok(value) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    if status == StatusCode::ACCEPTED {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(AGAIN.as_secs()));
    }
    response
}

fn signed_document(request: &CaRequest, answered: &AnsweredCa) -> Value {
    let bundle: Value = serde_json::from_slice(&answered.bundle).unwrap_or_default();
    let validity = answered.certificate.validity();
    json!({
        "request": request.id.to_string(),
        "state": "signed",
        "authority": answered.authority.as_str(),
        "chain": answered.certificate.to_pem(),
        "serial": answered.certificate.serial().to_string(),
        "not_before": validity.not_before.to_string(),
        "not_after": validity.not_after.to_string(),
        "signed_at": answered.at.to_string(),
        "path_len": if request.profile == ProfileKind::SubordinateCa.to_string() { 1 } else { 0 },
        "roots": answered.roots_pem,
        "bundle": bundle,
        "bundle_sequence": answered.sequence,
    })
}
