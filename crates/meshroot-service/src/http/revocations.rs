use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use meshroot::hierarchy::{Authority, AuthorityId};
use meshroot::revocation::RevocationReason;
use meshroot::spiffe::{SpiffeId, TrustDomain};
use meshroot::time::Timestamp;
use meshroot::x509::{Certificate, SerialNumber};
use meshroot_store::{Denial, Lift, Revocation, RevocationChange};
use serde::Deserialize;
use serde_json::{Value, json};

use super::request_id::RequestId;
use super::{App, Problem, crls, json as document};
use crate::audit;
use crate::caller::Administrator;
use crate::config::Seconds;
use crate::mesh::{Mesh, Told};

mod select;
use select::Selection;

/// What shall be revoked: one of `serial`, `id` and `caller`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    serial: Option<String>,
    id: Option<String>,
    caller: Option<String>,
    reason: Option<String>,
    /// The identities of what is revoked get no certificate any more.
    #[serde(default)]
    deny: bool,
    /// For so long; without it, until it is taken back.
    deny_for: Option<Seconds>,
}

/// The longest that a denial with an end holds; one without is better then.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);

/// Certificates that an answer lists; all are on record.
const LISTED: usize = 1_000;

/// Identities that one request denies at most.
const MOST_DENIED: usize = 10_000;

/// `POST /v1/revocations`
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    administrator: Administrator,
    body: Bytes,
) -> Result<Response, Problem> {
    let outcome = revoke(&app, &administrator.name, &body).await;
    match outcome {
        Ok(done) => {
            app.metrics.revoked(done.reason.as_str(), done.revoked.len());
            let (revoked, denied) = (done.revoked.len(), done.denied.len());
            let details = format!("{}, reason {}: {revoked} revoked, {} before, {denied} identities denied", done.what, done.reason, done.before);
            audit::granted(&request_id, &administrator.name, "revocation", &details);
            Ok(document::answer(StatusCode::CREATED, &done.describe()))
        }
        Err(problem) => {
            audit::refused(&request_id, &administrator.name, "revocation", problem.code(), problem.detail());
            Err(problem)
        }
    }
}

/// What was done.
struct Done {
    what: String,
    reason: RevocationReason,
    revoked: Vec<Revocation>,
    /// Certificates that were revoked before already.
    before: usize,
    denied: Vec<Denial>,
    /// CAs that have no certificate left, and issue nothing any more.
    tainted: Vec<AuthorityId>,
    told: Told,
}

async fn revoke(app: &Arc<App>, by: &str, body: &Bytes) -> Result<Done, Problem> {
    let wanted: Wanted = document::read(body)?;
    let selection = Selection::of(&wanted)?;
    let reason = reason(wanted.reason.as_deref())?;
    let deny = wanted.deny || wanted.deny_for.is_some();
    if wanted.deny_for.is_some_and(|span| span.0.is_zero() || span.0 > LONGEST) {
        let detail = "a denial holds for at least a second and at most ten years; without an end it holds until it is taken back";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "revocation.deny_for", detail));
    }
    let (mesh, by) = (Arc::clone(&app.mesh), by.to_owned());
    in_mesh(move || {
        let now = mesh.clock().now();
        selection.check(&mesh)?;
        let expires_at = wanted.deny_for.map(|span| now.plus(span.0));
        let denial = |id: SpiffeId| Denial { number: 0, id, reason, at: now, by: by.clone(), expires_at };
        // The denial first: what is recorded after it is not of a denied identity, so the search behind it finds everything.
        let mut denied = Vec::new();
        let found = match (&selection, deny) {
            (Selection::Id(id), true) => {
                denied = deny_all(&mesh, vec![denial(id.clone())])?;
                selection.find(&mesh, now)?
            }
            (_, false) => selection.find(&mesh, now)?,
            (_, true) => {
                let first = selection.find(&mesh, now)?;
                let ids: HashSet<_> = first.iter().filter_map(|one| one.id.clone()).collect();
                if ids.len() > MOST_DENIED {
                    let detail = format!("these certificates have {} identities, and at most {MOST_DENIED} are denied at once: name them", ids.len());
                    return Err(Problem::new(StatusCode::BAD_REQUEST, "revocation.many_identities", detail));
                }
                denied = deny_all(&mesh, ids.into_iter().map(denial).collect())?;
                selection.find(&mesh, now)?
            }
        };
        if found.is_empty() && denied.is_empty() {
            let detail = format!("there is no unexpired certificate {selection}: nothing was revoked");
            return Err(Problem::new(StatusCode::NOT_FOUND, "revocation.nothing_found", detail));
        }
        let all: Vec<_> = found.into_iter().map(|one| one.revoke(reason, now, &by)).collect();
        let mut new = Vec::new();
        let told = mesh.change_revocations::<Problem>(|held| {
            let known: HashSet<_> = held.revoked.iter().map(|one| (&one.trust_domain, &one.authority, &one.serial)).collect();
            new = all.iter().filter(|one| !known.contains(&(&one.trust_domain, &one.authority, &one.serial))).cloned().collect();
            Ok(RevocationChange { revoked: new.clone(), ..RevocationChange::new(0, now) })
        })?;
        let before = all.len().saturating_sub(new.len());
        let tainted = taint_revoked(&mesh, &new)?;
        Ok(Done { what: selection.to_string(), reason, revoked: new, before, denied, tainted, told })
    })
    .await
}

/// A CA all of whose certificates are revoked must not be trusted any more, whoever reads no CRL.
fn taint_revoked(mesh: &Mesh, new: &[Revocation]) -> Result<Vec<AuthorityId>, Problem> {
    let now = mesh.clock().now();
    let mut lost = Vec::new();
    {
        let (snapshot, revoked) = (mesh.now(), mesh.revoked());
        for one in new.iter().filter(|one| one.id.is_none()) {
            let Some(domain) = snapshot.trust_domain(one.trust_domain.as_str()) else { continue };
            let valid = |ca: &&Certificate| ca.validity().not_after >= now;
            let is_revoked =
                |ca: &Certificate| domain.signer_of(ca).is_some_and(|signer| revoked.find(&one.trust_domain, signer.id(), ca.serial()).is_some());
            let of = |authority: &&Authority| authority.certificates().iter().any(|ca| *ca.serial() == one.serial);
            let gone =
                domain.hierarchy.authorities().iter().filter(of).filter(|authority| authority.certificates().iter().filter(valid).all(is_revoked));
            lost.extend(gone.map(|authority| (one.trust_domain.clone(), authority.id().clone())));
        }
    }
    for (trust_domain, authority) in &lost {
        mesh.taint(trust_domain, authority)?;
    }
    Ok(lost.into_iter().map(|(_, authority)| authority).collect())
}

/// Denies what is not denied for as long already, and answers the denials that hold then.
fn deny_all(mesh: &Mesh, wanted: Vec<Denial>) -> Result<Vec<Denial>, Problem> {
    let now = mesh.clock().now();
    mesh.change_revocations::<Problem>(|held| {
        let as_long =
            |one: &Denial, wanted: &Denial| one.id == wanted.id && one.expires_at.is_none_or(|until| wanted.expires_at.is_some_and(|w| w <= until));
        let new = wanted.iter().filter(|wanted| !held.denied.iter().any(|one| as_long(one, wanted)));
        Ok(RevocationChange { denied: new.cloned().collect(), ..RevocationChange::new(0, now) })
    })?;
    let revoked = mesh.revoked();
    Ok(wanted.iter().filter_map(|wanted| revoked.denial(&wanted.id, now).cloned()).collect())
}

/// Which reasons a certificate can be revoked with: what is revoked stays revoked.
fn reason(text: Option<&str>) -> Result<RevocationReason, Problem> {
    let Some(text) = text else { return Ok(RevocationReason::Unspecified) };
    let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "revocation.reason", detail);
    let reason: RevocationReason = text.parse().map_err(|e: meshroot::revocation::InvalidReason| bad(e.to_string()))?;
    match reason {
        RevocationReason::CertificateHold | RevocationReason::RemoveFromCrl => Err(bad(format!(
            "'{reason}' is for certificates that come back, and what is revoked here stays revoked: deny the identity for a time instead"
        ))),
        reason => Ok(reason),
    }
}

/// `GET /v1/revocations`
pub(super) async fn list(State(app): State<Arc<App>>, _: Administrator) -> Response {
    let now = app.mesh.clock().now();
    let revoked = app.mesh.revoked();
    let mut all: Vec<&Revocation> = revoked.revocations().filter(|one| one.not_after >= now).collect();
    all.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| a.serial.cmp(&b.serial)));
    let mut denials: Vec<&Denial> = revoked.denials().filter(|denial| denial.holds(now)).collect();
    denials.sort_by_key(|denial| denial.number);
    let untold: HashSet<_> = revoked.untold().map(|one| (&one.authority, &one.serial)).collect();
    let described = all.iter().take(LISTED).map(|one| {
        let mut row = describe(one);
        if let Value::Object(members) = &mut row {
            members.insert("on_crl".into(), (!untold.contains(&(&one.authority, &one.serial))).into());
        }
        row
    });
    let document = json!({
        "total": all.len(),
        "revocations": described.collect::<Vec<_>>(),
        "denials": denials.into_iter().map(describe_denial).collect::<Vec<_>>(),
        "crl_set": match revoked.complete_set(now) {
            Ok(_) => "complete".to_owned(),
            Err(missing) => missing,
        },
    });
    document::answer(StatusCode::OK, &document)
}

/// `DELETE /v1/denials/{number}`
pub(super) async fn lift(
    State(app): State<Arc<App>>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    administrator: Administrator,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "revocation.no_such_denial", "there is no such denial that holds");
    let number: u64 = number.parse().map_err(|_| unknown())?;
    let (mesh, by) = (Arc::clone(&app.mesh), administrator.name.clone());
    let id = in_mesh(move || {
        let now = mesh.clock().now();
        let mut id = None;
        mesh.change_revocations::<Problem>(|held| {
            let denial = held.denied.iter().find(|denial| denial.number == number && denial.holds(now)).ok_or_else(unknown)?;
            id = Some(denial.id.clone());
            Ok(RevocationChange { lifted: vec![Lift { denial: number, by: by.clone() }], ..RevocationChange::new(0, now) })
        })?;
        id.ok_or_else(unknown)
    })
    .await?;
    audit::granted(&request_id, &administrator.name, "end of a denial", &format!("number {number}, {id}"));
    Ok(document::answer(StatusCode::OK, &json!({ "lifted": number, "id": id.as_str() })))
}

impl Done {
    fn describe(&self) -> Value {
        let untold: Vec<Value> = self.told.untold.iter().map(|(authority, why)| json!({ "authority": authority.as_str(), "why": why })).collect();
        json!({
            "reason": self.reason.as_str(),
            "revoked_count": self.revoked.len(),
            "revoked_before_count": self.before,
            "revoked": self.revoked.iter().take(LISTED).map(describe).collect::<Vec<_>>(),
            "tainted": self.tainted.iter().map(AuthorityId::as_str).collect::<Vec<_>>(),
            "denied": self.denied.iter().map(describe_denial).collect::<Vec<_>>(),
            "crls": self.told.crls.iter().map(crls::describe).collect::<Vec<_>>(),
            "without_crl": untold,
        })
    }
}

fn describe(one: &Revocation) -> Value {
    json!({
        "trust_domain": one.trust_domain.as_str(),
        "authority": one.authority.as_str(),
        "serial": one.serial.to_string(),
        "id": one.id.as_ref().map(SpiffeId::as_str),
        "not_after": one.not_after.to_string(),
        "reason": one.reason.as_str(),
        "revoked_at": one.at.to_string(),
        "revoked_by": one.by,
    })
}

fn describe_denial(denial: &Denial) -> Value {
    json!({
        "number": denial.number,
        "id": denial.id.as_str(),
        "reason": denial.reason.as_str(),
        "denied_at": denial.at.to_string(),
        "denied_by": denial.by,
        "expires_at": denial.expires_at.map(|at| at.to_string()),
    })
}

/// Runs something that blocks on the mesh.
pub(super) async fn in_mesh<T: Send + 'static>(work: impl FnOnce() -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
    let stopping =
        |_| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "service.stopping", "the service is stopping").retry_after(Duration::from_secs(2));
    tokio::task::spawn_blocking(work).await.map_err(stopping)?
}

/// An unexpired certificate that was found.
struct Found {
    trust_domain: TrustDomain,
    authority: AuthorityId,
    serial: SerialNumber,
    id: Option<SpiffeId>,
    not_after: Timestamp,
}

impl Found {
    fn revoke(self, reason: RevocationReason, at: Timestamp, by: &str) -> Revocation {
        Revocation {
            trust_domain: self.trust_domain,
            authority: self.authority,
            serial: self.serial,
            id: self.id,
            not_after: self.not_after,
            reason,
            at,
            by: by.to_owned(),
        }
    }
}
