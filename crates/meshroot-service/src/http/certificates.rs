use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use meshroot::csr::{Csr, CsrError, ProvenRequest};
use meshroot::issue::IssueError;
use meshroot::policy::{self, Grant};
use meshroot::spiffe::SpiffeId;
use meshroot::time::Timestamp;
use meshroot_store::{Idempotency, Lost, StoreError, TokenDigest, TokenScope};
use serde::{Deserialize, Serialize};

use super::request_id::RequestId;
use super::{App, Problem, json as document};
use crate::audit;
use crate::caller::{AuthenticationError, Caller};
use crate::config::Seconds;
use crate::issuing::{Answer, IssuingError, Order};

/// `?lifetime=1h`; without it what the policy says. With `dns` or `ips`, each a list with commas, a server's certificate.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    lifetime: Option<Seconds>,
    dns: Option<String>,
    ips: Option<String>,
}

/// The names of a server's certificate; none for a workload's.
#[derive(Debug, Default)]
pub(crate) struct Names {
    dns: Vec<String>,
    ips: Vec<IpAddr>,
}

impl Names {
    fn of(wanted: &Wanted) -> Result<Self, Problem> {
        let list = |text: &Option<String>| text.as_deref().unwrap_or_default().split(',').filter(|one| !one.is_empty()).map(str::to_owned).collect();
        let (dns, ips): (Vec<String>, Vec<String>) = (list(&wanted.dns), list(&wanted.ips));
        let address =
            |text: &String| text.parse().map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "http.not_an_address", "ips holds what is no IP address"));
        Ok(Self { dns, ips: ips.iter().map(address).collect::<Result<_, _>>()? })
    }

    fn wanted(&self, id: Option<SpiffeId>) -> policy::Wanted {
        match self.dns.is_empty() && self.ips.is_empty() {
            true => policy::Wanted::Workload { id },
            false => policy::Wanted::Server { id, dns: self.dns.clone(), ips: self.ips.clone() },
        }
    }
}

impl Wanted {
    /// As metrics have it.
    fn profile(&self) -> &'static str {
        if self.dns.is_some() || self.ips.is_some() { "server" } else { WORKLOAD }
    }
}

/// The profile of what is asked for unless something else is, as metrics have it.
pub(crate) const WORKLOAD: &str = "workload";

/// How long an idempotency key is kept: longer than any client tries.
const KEPT: Duration = Duration::from_secs(86_400);

/// `POST /v1/certificates`
pub(super) async fn create(State(app): State<Arc<App>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    made(&app, head, body).await.unwrap_or_else(IntoResponse::into_response)
}

async fn made(app: &Arc<App>, mut head: Parts, body: Body) -> Result<Response, Problem> {
    let RequestId(request_id) = RequestId::of(&head.extensions);
    let caller = Caller::from_request_parts(&mut head, app).await?;
    let query = Query::<Wanted>::try_from_uri(&head.uri);
    let headers = head.headers;
    let name = caller.name();
    let profile = query.as_ref().map_or(WORKLOAD, |Query(wanted)| wanted.profile());
    let outcome = answer(app, &request_id, &name, caller, query, &headers, body).await;
    match outcome {
        Ok((cluster, answer)) => {
            app.metrics.issued(&cluster, profile, "issued");
            Ok(render(&answer, &headers))
        }
        Err((cluster, problem)) => {
            app.metrics.issued(&cluster, profile, problem.code());
            audit::refused(&request_id, &name, "certificate", problem.code(), problem.detail());
            Err(problem)
        }
    }
}

type Refused = (String, Problem);

async fn answer(
    app: &App,
    request_id: &Arc<str>,
    name: &Arc<str>,
    caller: Caller,
    query: Result<Query<Wanted>, QueryRejection>,
    headers: &HeaderMap,
    body: Body,
) -> Result<(String, Answer), Refused> {
    let nowhere = |problem: Problem| (String::new(), problem);
    let claim = Claim::of(caller).map_err(nowhere)?;
    // Only a cluster that the policy knows may become a label of a metric.
    let cluster = claim.caller.cluster().map(ToString::to_string).unwrap_or_default();
    let here = |problem: Problem| (cluster.clone(), problem);
    let Query(wanted) = query.map_err(|e| here(super::bundles::malformed_query(&e)))?;
    // It is here, as long as it may be, before anybody is asked for.
    let body = body.collect().await.map_err(|e| here(Problem::new(StatusCode::BAD_REQUEST, "http.body", e.to_string())))?.to_bytes();
    let csr = Csr::from_pem_or_der(&body).map_err(|e| here(unusable(&e)))?;
    let names = Names::of(&wanted).map_err(here)?;
    let idempotency = idempotency(app, headers, name, &csr, &wanted).map_err(here)?;
    // Its use is settled where it is recorded. Here it spares the work for one that was used up, unless the same question
    // is asked again.
    if claim.used && idempotency.is_none() {
        return Err(here(AuthenticationError::Used.into()));
    }
    // The policy first: it costs nothing beside a signature.
    let grant = decide(app, &claim.caller, &csr, &names, wanted.lifetime.map(|wanted| wanted.0)).map_err(here)?;
    app.rates.admit(name, &cluster).map_err(|e| here(e.into()))?;
    let request: ProvenRequest = csr.prove(app.mesh.crypto()).map_err(|e| here(unusable(&e)))?;
    let request_id = Arc::clone(request_id);
    let order = Order { request, grant, since: claim.since, caller: Arc::clone(name), request_id, idempotency, consumes: claim.consumes };
    let issued = app.desk.issue(order).await.map_err(|e| here(e.into()))?;
    Ok((cluster, issued))
}

/// What the policy says. The identity in the request grants nothing: it chooses among those that the caller may have, and
/// is contradicted otherwise.
pub(crate) fn decide(app: &App, caller: &policy::Caller, csr: &Csr, names: &Names, lifetime: Option<Duration>) -> Result<Grant, Problem> {
    let id = match csr.uris() {
        [one] => SpiffeId::parse(one).ok(),
        _ => None,
    };
    let requested = policy::Requested { lifetime, wanted: names.wanted(id), ..policy::Requested::workload(csr.public_key().algorithm()) };
    app.permissions.load().policy.decide(caller, &requested, app.mesh.clock().now()).map_err(|denial| {
        let status = match denial.code() {
            "policy.no_lifetime" => StatusCode::BAD_REQUEST,
            "policy.key" => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::FORBIDDEN,
        };
        let problem = Problem::new(status, denial.code(), denial.to_string());
        match denial.rule() {
            Some(rule) => problem.rule(rule),
            None => problem,
        }
    })
}

/// A caller as the policy knows them, and what belongs to it here.
pub(crate) struct Claim {
    pub(crate) caller: policy::Caller,
    pub(crate) since: Option<Timestamp>,
    pub(crate) consumes: Option<TokenDigest>,
    pub(crate) used: bool,
}

impl Claim {
    pub(crate) fn of(caller: Caller) -> Result<Self, Problem> {
        let plain = |caller| Self { caller, since: None, consumes: None, used: false };
        match caller {
            Caller::Nobody => Err(AuthenticationError::Missing.into()),
            Caller::Administrator { .. } => {
                let detail = "administrators make tokens and do not have identities: make one with `meshroot token create`";
                Err(Problem::new(StatusCode::FORBIDDEN, "policy.not_a_workload", detail).rule("administrators have no identity"))
            }
            Caller::ServiceAccount(account) => Ok(plain((&**account).into())),
            Caller::Token(token) => {
                let scope = match token.scope {
                    TokenScope::Workload(id) => policy::JoinScope::Identity(id),
                    TokenScope::ClusterCa => policy::JoinScope::ClusterCa,
                };
                let used = token.used_by.is_some();
                Ok(Self { consumes: Some(token.digest), used, ..plain(policy::Caller::JoinToken { cluster: token.cluster, scope }) })
            }
            Caller::Workload(workload) => {
                let (cluster, id) = (workload.cluster.clone(), workload.id.clone());
                let caller = policy::Caller::Svid { cluster, id, authenticated_at: workload.since };
                Ok(Self { since: Some(workload.since), ..plain(caller) })
            }
        }
    }
}

/// The `Idempotency-Key` header, bound to the caller and to what is asked for.
fn idempotency(app: &App, headers: &HeaderMap, caller: &str, csr: &Csr, wanted: &Wanted) -> Result<Option<Idempotency>, Problem> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let usable = |text: &&str| (1..=255).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_graphic());
    let (Some(key), None) = (value.to_str().ok().filter(usable), values.next()) else {
        let detail = "an Idempotency-Key is one header of 1 to 255 visible ASCII characters";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "http.idempotency_key", detail));
    };
    let mut asked = csr.der().to_vec();
    asked.extend_from_slice(&wanted.lifetime.map_or(0, |wanted| wanted.0.as_secs()).to_be_bytes());
    // Nothing of a workload's, so that what was remembered before there were servers is still the same.
    for names in [&wanted.dns, &wanted.ips].into_iter().flatten() {
        asked.push(0);
        asked.extend_from_slice(names.as_bytes());
    }
    let expires_at = app.mesh.clock().now().plus(KEPT);
    Ok(Some(Idempotency { caller: caller.to_owned(), key: key.to_owned(), request: app.mesh.crypto().sha256(&asked), expires_at }))
}

fn render(answer: &Answer, headers: &HeaderMap) -> Response {
    let wants_pem = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("pem"));
    if wants_pem {
        let mut response = (StatusCode::CREATED, answer.chain.concat()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/pem-certificate-chain"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return response;
    }
    let cut = answer.lifetime_cut.as_ref();
    let document = Document {
        bundle_sequence: answer.sequence,
        chain: &answer.chain.concat(),
        lifetime_cut: cut.map(|cut| Cut { asked_seconds: cut.asked.as_secs(), got_seconds: cut.got.as_secs(), reason: &cut.reason }),
        not_after: answer.validity.not_after.to_string(),
        not_before: answer.validity.not_before.to_string(),
        renew_after: answer.renew_after.to_string(),
        serial: answer.serial.to_string(),
    };
    document::answer_with(StatusCode::CREATED, "bundle", &answer.bundle, &document)
}

/// The answer, without the bundle, which is a document already.
#[derive(Serialize)]
struct Document<'a> {
    bundle_sequence: u64,
    chain: &'a str,
    lifetime_cut: Option<Cut<'a>>,
    not_after: String,
    not_before: String,
    renew_after: String,
    serial: String,
}

#[derive(Serialize)]
struct Cut<'a> {
    asked_seconds: u64,
    got_seconds: u64,
    reason: &'a str,
}

/// A request that cannot be read is malformed; one with a key that we refuse was read well.
pub(crate) fn unusable(e: &CsrError) -> Problem {
    let status = match e {
        CsrError::Key(_) | CsrError::SignatureAlgorithm(_) => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, e.code(), e.to_string())
}

/// Seen before it was issued, or by the store while it was.
fn denied_identity(detail: String) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "revocation.denied_identity", detail).rule("a denied identity gets no certificate")
}

impl From<IssuingError> for Problem {
    fn from(e: IssuingError) -> Self {
        let detail = e.to_string();
        let busy = |code| Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail.clone()).retry_after(Duration::from_secs(1));
        match e {
            IssuingError::Denied(denial) => Self::new(StatusCode::FORBIDDEN, denial.code(), detail).rule("the request must fit what was granted"),
            IssuingError::Issue(e @ (IssueError::CaExpired { .. } | IssueError::ClockBeforeCa { .. })) => busy(e.code()),
            IssuingError::Issue(e) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, e.code(), detail),
            IssuingError::DeniedIdentity { .. } => denied_identity(detail),
            IssuingError::NoIssuer(_) => busy("service.no_issuer"),
            IssuingError::OtherRequest => Self::new(StatusCode::CONFLICT, "store.idempotency_mismatch", detail),
            IssuingError::Lost(Lost::Full) => busy("service.overloaded"),
            IssuingError::Lost(Lost::Refused(e)) => match &*e {
                StoreError::TokenUsed => AuthenticationError::Used.into(),
                StoreError::TokenUnknown => AuthenticationError::Unknown.into(),
                StoreError::TokenExpired(at) => AuthenticationError::Expired(*at).into(),
                StoreError::IdempotencyMismatch => Self::new(StatusCode::CONFLICT, e.code(), detail),
                StoreError::Denied(_) => denied_identity(detail),
                _ => busy(e.code()),
            },
            // Whether it is on record is not known: the same idempotency key finds out.
            IssuingError::Lost(Lost::Batch(e)) => busy(e.code()),
            IssuingError::Lost(_) => busy("service.overloaded"),
            IssuingError::Store(e) => busy(e.code()),
            IssuingError::Unpublished(e) => e.into(),
            IssuingError::Interrupted => busy("service.stopping"),
            IssuingError::Revoked => Self::new(StatusCode::CONFLICT, "service.answer_revoked", detail),
            IssuingError::Gone => Self::new(StatusCode::CONFLICT, "service.answer_gone", detail),
        }
    }
}
