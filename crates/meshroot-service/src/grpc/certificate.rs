use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response, StatusCode};
use meshroot::csr::Csr;
use tokio::sync::SemaphorePermit;
use tracing::info;

use super::body::{drain, unary};
use super::impersonation::impersonator;
use super::message::{IstioCertificateRequest, IstioCertificateResponse};
use super::status::{Code, Status};
use super::{Calls, answer};
use crate::audit;
use crate::caller::{Audience, AuthenticationError, Caller};
use crate::http::{App, Claim, Names, Payload, Problem, RequestId, WORKLOAD, decide, unusable};
use crate::issuing::Order;
use crate::net::Peer;

/// `istio.v1.auth.IstioCertificateService/CreateCertificate`
pub(super) async fn create<B: Payload>(State(calls): State<Arc<Calls>>, request: Request<B>) -> Response<Body> {
    let (head, body) = request.into_parts();
    let RequestId(request_id) = RequestId::of(&head.extensions);
    let app = &calls.app;
    let caller = match who(&calls, &head).await {
        Ok(caller) => caller,
        Err(e) => {
            app.metrics.not_authenticated(e.code());
            let status = Status::from(Problem::from(e));
            audit::refused(&request_id, "nobody", "certificate", status.reason(), status.message());
            drain(body).await;
            return status.into_response();
        }
    };
    let mut name = caller.name();
    tell_of_other_cluster(&request_id, &name, &caller, &head.headers);
    match issue(&calls, &request_id, caller, &mut name, body).await {
        Ok((cluster, chain)) => {
            app.metrics.issued(&cluster, WORKLOAD, "issued");
            answer(&IstioCertificateResponse { cert_chain: chain })
        }
        Err((cluster, status)) => {
            app.metrics.issued(&cluster, WORKLOAD, status.reason());
            audit::refused(&request_id, &name, "certificate", status.reason(), status.message());
            status.into_response()
        }
    }
}

/// Who calls, by the headers and the connection alone.
async fn who(calls: &Calls, head: &Parts) -> Result<Caller, AuthenticationError> {
    match Caller::of(&head.headers, head.extensions.get::<Peer>(), Audience::Istio, &calls.app).await? {
        Caller::Nobody => Err(AuthenticationError::Missing),
        caller => Ok(caller),
    }
}

/// The cluster, for metrics, and the chain with the roots. `name` becomes that of the workload's proxy, when one speaks for it.
async fn issue<B: Payload>(
    calls: &Calls,
    request_id: &Arc<str>,
    caller: Caller,
    name: &mut Arc<str>,
    body: B,
) -> Result<(String, Vec<String>), (String, Status)> {
    let app = &calls.app;
    // Only a cluster that the policy knows may become a label of a metric.
    let cluster = caller.cluster().map(ToString::to_string).unwrap_or_default();
    let here = |e: Status| (cluster.clone(), e);
    // Who asks too much, for whomever.
    let asking = Arc::clone(name);
    let (mut claim, _permit) = match admit(app, caller.clone()) {
        Ok(admitted) => admitted,
        Err(status) => {
            drain(body).await;
            return Err(here(status));
        }
    };
    let request: IstioCertificateRequest = unary(body, app.limits.body_timeout.0).await.map_err(here)?;
    if let Some(id) = request.impersonated().transpose() {
        let permissions = app.permissions.load();
        let impersonator = impersonator(&caller, id, &permissions.policy, &*calls.pods).map_err(|e| here(e.into()))?;
        (claim.caller, *name) = (impersonator.caller, impersonator.name.into());
    }
    let csr = Csr::from_pem_or_der(request.csr.as_bytes()).map_err(|e| here(unusable(&e).into()))?;
    // As Istio's own CA reads it: nothing, and less than nothing, are no wish.
    let lifetime = u64::try_from(request.validity_duration).ok().filter(|seconds| *seconds > 0).map(Duration::from_secs);
    // The policy first: it costs nothing beside a signature.
    let grant = decide(app, &claim.caller, &csr, &Names::default(), lifetime).map_err(|problem| here(problem.into()))?;
    app.rates.admit(&asking, &cluster).map_err(|e| here(Problem::from(e).into()))?;
    let proven = csr.prove(app.mesh.crypto()).map_err(|e| here(unusable(&e).into()))?;
    let trust_domain = grant.trust_domain().clone();
    let (caller, request_id) = (Arc::clone(name), Arc::clone(request_id));
    let order = Order { request: proven, grant, since: claim.since, caller, request_id, idempotency: None, consumes: claim.consumes };
    let answer = app.desk.issue(order).await.map_err(|e| here(Problem::from(e).into()))?;
    let snapshot = app.mesh.now();
    let roots = snapshot.trust_domain(trust_domain.as_str()).map(|domain| domain.workload_roots.as_str()).unwrap_or_default();
    let chain = with_roots(answer.chain, roots).ok_or_else(|| here(no_chain()))?;
    Ok((cluster, chain))
}

/// Who is known may have the service read for them, as much as it can hold at once.
fn admit(app: &App, caller: Caller) -> Result<(Claim, SemaphorePermit<'_>), Status> {
    let claim = Claim::of(caller)?;
    if claim.used {
        return Err(Problem::from(AuthenticationError::Used).into());
    }
    let overloaded = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "http.overloaded", "too many requests are in hand");
    let permit = app.requests.try_acquire().map_err(|_| overloaded().retry_after(Duration::from_secs(1)))?;
    Ok((claim, permit))
}

/// All roots follow in one text: a client takes the last one for its roots, whatever it holds.
fn with_roots(mut chain: Vec<String>, roots_pem: &str) -> Option<Vec<String>> {
    if chain.is_empty() || roots_pem.is_empty() {
        return None;
    }
    chain.push(roots_pem.to_owned());
    Some(chain)
}

/// The header is what the client says of itself. Nothing follows from it; somebody looking for a mistake wants to know.
fn tell_of_other_cluster(request_id: &str, name: &str, caller: &Caller, headers: &HeaderMap) {
    let (Some(own), Some(claimed)) = (caller.cluster(), headers.get("clusterid")) else { return };
    if claimed.as_bytes() != own.as_str().as_bytes() && !claimed.is_empty() {
        let claimed: String = String::from_utf8_lossy(claimed.as_bytes()).chars().take(63).flat_map(char::escape_debug).collect();
        info!(request_id, caller = name, claimed, cluster = %own, "the clusterid header names another cluster than the credentials; it is not believed");
    }
}

/// An answer without roots would make the last intermediate one.
fn no_chain() -> Status {
    Status::new(Code::Internal, "grpc.no_chain", "the certificate was recorded, and there are no roots to send with it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_always_has_a_leaf_and_roots() {
        let texts = |names: &[&str]| names.iter().copied().map(String::from).collect::<Vec<_>>();
        assert_eq!(with_roots(texts(&["leaf", "intermediate"]), "a, b"), Some(texts(&["leaf", "intermediate", "a, b"])));
        assert_eq!(with_roots(texts(&["leaf"]), ""), None);
        assert_eq!(with_roots(texts(&[]), "a"), None);
    }
}
