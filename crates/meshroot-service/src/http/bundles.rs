use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;

use super::conditional::respond;
use super::{App, Problem, accept, evidence, long_poll};
use crate::config::Seconds;
use crate::mesh::Rendering;
use crate::net::Peer;

/// `?after=SEQUENCE&wait=30s`: answer when the bundle is later than that, or after that time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wait {
    after: Option<u64>,
    wait: Option<Seconds>,
}

/// `GET /v1/trust-domains/{td}/bundle`
pub(super) async fn bundle(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    query: Result<Query<Wait>, QueryRejection>,
    method: Method,
    headers: HeaderMap,
    peer: Option<Extension<Peer>>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|e| malformed_query(&e))?;
    let form = Form::asked_for(&headers)?;
    if let Some(after) = query.after {
        if app.mesh.now().trust_domain(&name).is_some_and(|domain| domain.published.sequence < after) {
            evidence::weigh(&app, &name, after, &headers, peer).await;
        }
        if let Some(wait) = query.wait {
            long_poll::until_later(&app, &name, after, wait.0).await;
        }
    }
    let snapshot = app.mesh.published()?;
    let domain = snapshot.trust_domain(&name).ok_or_else(|| no_bundle(&name))?;
    let rendering = match form {
        Form::Spiffe => &domain.published.spiffe,
        Form::Pem => &domain.published.pem,
    };
    let mut response = respond(rendering, &method, &headers);
    response.headers_mut().insert(header::VARY, header::HeaderValue::from_static("accept"));
    Ok(response)
}

/// `GET /v1/bundle-map`, `?for=envoy`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct For {
    r#for: Option<String>,
}

pub(super) async fn map(
    State(app): State<Arc<App>>,
    query: Result<Query<For>, QueryRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|e| malformed_query(&e))?;
    let snapshot = app.mesh.published()?;
    let rendering = match query.r#for.as_deref() {
        None => &snapshot.map,
        Some("envoy") => snapshot.envoy_map.as_ref().ok_or_else(|| {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "bundle.empty", "no trust domain has a root, and Envoy refuses an empty map");
            problem.retry_after(Duration::from_secs(30))
        })?,
        Some(other) => {
            let detail =
                format!("there is no rendering for '{}': ?for=envoy is the one there is", other.chars().take(40).collect::<String>().escape_debug());
            return Err(Problem::new(StatusCode::BAD_REQUEST, "http.malformed_query", detail));
        }
    };
    Ok(respond(rendering, &method, &headers))
}

/// `GET /roots.pem`
pub(super) async fn roots(State(app): State<Arc<App>>, method: Method, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(respond(&app.mesh.published()?.roots, &method, &headers))
}

/// `GET /root/{sha256}`: one root, by the digest of its DER, as fingerprints are handed around by other means.
pub(super) async fn root(State(app): State<Arc<App>>, Path(digest): Path<String>, method: Method, headers: HeaderMap) -> Result<Response, Problem> {
    let wanted: String = digest.chars().filter(|c| *c != ':').flat_map(char::to_lowercase).collect();
    let snapshot = app.mesh.published()?;
    let crypto = app.mesh.crypto();
    let mut roots = snapshot.trust_domains().iter().flat_map(|domain| domain.published.bundle.x509_authorities());
    let hex = |der: &[u8]| crypto.sha256(der).iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    let found = roots.find(|root| hex(root.der()) == wanted);
    let found = found.ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "bundle.no_such_root", "no root with this SHA-256 digest is published"))?;
    // A root with this digest never changes.
    let rendering = Rendering::new(meshroot::pem::encode_certificates([found]), "application/x-pem-file", Duration::from_secs(300), crypto);
    Ok(respond(&rendering, &method, &headers))
}

enum Form {
    Spiffe,
    Pem,
}

impl Form {
    /// What `Accept` asks for. PEM has no registered type, so all that are in use are known.
    fn asked_for(headers: &HeaderMap) -> Result<Self, Problem> {
        let known = |range: &str| match range {
            "*/*" | "application/*" | "application/json" | "application/spiffe-bundle+json" => Some(Self::Spiffe),
            "application/x-pem-file" | "application/pem-certificate-chain" | "application/x-x509-ca-cert" | "text/plain" | "text/*" => {
                Some(Self::Pem)
            }
            _ => None,
        };
        accept::form(headers, Self::Spiffe, known, "a bundle comes as application/json (SPIFFE) or application/x-pem-file")
    }
}

fn no_bundle(name: &str) -> Problem {
    let name: String = name.chars().take(255).collect();
    Problem::new(StatusCode::NOT_FOUND, "bundle.no_such_trust_domain", format!("this service publishes no bundle for '{}'", name.escape_debug()))
}

pub(super) fn malformed_query(e: &QueryRejection) -> Problem {
    let detail: String = e.body_text().chars().take(300).collect();
    Problem::new(StatusCode::BAD_REQUEST, "http.malformed_query", detail)
}
