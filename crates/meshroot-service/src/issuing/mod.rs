//! From an authorised request to a certificate that is on record. Every way to ask, HTTP and gRPC alike, ends here.

mod answer;
mod error;
mod ticket;

use std::sync::Arc;

use meshroot::csr::ProvenRequest;
use meshroot::issue::{Authorized, IssueError, Issued};
use meshroot::key::KeyAlgorithm;
use meshroot::policy::Grant;
use meshroot::profile::Profile;
use meshroot::time::Timestamp;
use meshroot_store::{Idempotency, InFlight, Issuance, Outcome, Recorder, Submission, TokenDigest};

use crate::mesh::{ClusterIssuer, Mesh};
use crate::metrics::Commits;
pub(crate) use answer::Answer;
pub(crate) use error::IssuingError;
use ticket::Ticket;

/// Where certificates are made.
#[derive(Debug)]
pub(crate) struct Desk {
    mesh: Arc<Mesh>,
    recorder: Recorder<Ticket>,
    commits: Commits,
}

/// What somebody may have.
#[derive(Debug)]
pub(crate) struct Order {
    /// Whose key, with proof.
    pub(crate) request: ProvenRequest,
    /// What the policy granted, for who was authenticated and for nothing in the request.
    pub(crate) grant: Grant,
    /// When the identity was last vouched for by something else than its own certificate; `None` for now.
    pub(crate) since: Option<Timestamp>,
    /// Who asks, for the record.
    pub(crate) caller: Arc<str>,
    /// The request's name, for the log.
    pub(crate) request_id: Arc<str>,
    /// The caller's own name for the request.
    pub(crate) idempotency: Option<Idempotency>,
    /// The one-time token that pays for it.
    pub(crate) consumes: Option<TokenDigest>,
}

/// How many submissions wait to be recorded before further ones are refused.
const QUEUE: usize = 1_024;

impl Desk {
    pub(crate) fn new(mesh: Arc<Mesh>) -> std::io::Result<Self> {
        let commits = Commits::default();
        let told = commits.clone();
        let recorder = Recorder::start(Arc::clone(mesh.store()), QUEUE, move |transaction| ticket::settle(transaction, &told))?;
        Ok(Self { mesh, recorder, commits })
    }

    /// The recorder's transactions, counted.
    pub(crate) fn commits(&self) -> &Commits {
        &self.commits
    }

    /// How many certificates wait to be recorded.
    pub(crate) fn waiting(&self) -> usize {
        self.recorder.waiting()
    }

    /// Issues, records, and answers. Once it is signed it is recorded, whether or not somebody still waits for it, and what is
    /// recorded has its line in the log before anybody sees it.
    pub(crate) async fn issue(&self, order: Order) -> Result<Answer, IssuingError> {
        let now = self.mesh.clock().now();
        self.is_not_denied(&order.grant, now)?;
        self.mesh.published()?;
        if let Some(name) = &order.idempotency
            && let Some((position, request)) = self.answered(name.caller.clone(), name.key.clone()).await?
        {
            return if request == name.request {
                self.again(&order.request_id, &order.caller, position).await
            } else {
                Err(IssuingError::OtherRequest)
            };
        }
        let snapshot = self.mesh.now();
        let cluster = order.grant.cluster();
        let (domain, ca) = snapshot.issuer(Some(cluster.as_str())).ok_or_else(|| IssuingError::NoIssuer(cluster.to_string()))?;
        let trust_domain = domain.hierarchy.trust_domain().clone();
        let authorized = Authorized::by_policy(order.request, &order.grant, self.mesh.crypto())?;
        let profile = order.grant.profile();
        let profile_kind = profile.kind();
        let (authority, ca) = (ca.authority.clone(), Arc::clone(ca));
        drop(snapshot);
        let (issued, in_flight) = self.sign(ca, authorized, profile, now).await?;
        let caller = order.caller;
        let issuance = Issuance {
            issued,
            trust_domain,
            authority,
            kind: profile_kind.to_string(),
            caller: caller.to_string(),
            at: now,
            since: order.since.unwrap_or(now),
        };
        let submission = Submission { issuance, idempotency: order.idempotency, consumes: order.consumes };
        let (ticket, outcome) = Ticket::new(Arc::clone(&order.request_id), Arc::clone(&caller), order.grant.lifetime_cut().cloned());
        self.recorder.submit(in_flight, submission, ticket)?;
        let (outcome, cut) = outcome.await.map_err(|_| IssuingError::Interrupted)?;
        match outcome? {
            Outcome::Recorded(recorded) => Ok(Answer::new(&recorded, cut, &order.grant, now, &self.mesh)?),
            Outcome::Answered(position) => self.again(&order.request_id, &caller, position).await,
        }
    }

    /// From memory, to spare the work; the store asks once more, in the transaction that records.
    fn is_not_denied(&self, grant: &Grant, now: Timestamp) -> Result<(), IssuingError> {
        let revoked = self.mesh.revoked();
        let Some(denial) = grant.id().and_then(|id| revoked.denial(id, now)) else { return Ok(()) };
        Err(IssuingError::DeniedIdentity { id: denial.id.clone(), at: denial.at, reason: denial.reason, until: denial.expires_at })
    }

    /// Signs: fast keys here and now, slow ones on a thread of their own, where they hold up nobody else. Nor does the recorder
    /// wait for those.
    async fn sign(&self, ca: Arc<ClusterIssuer>, grant: Authorized, profile: Profile, now: Timestamp) -> Result<(Issued, InFlight), IssuingError> {
        let crypto = self.mesh.crypto().clone();
        let fast = matches!(ca.algorithm(), KeyAlgorithm::EcdsaP256 | KeyAlgorithm::Ed25519);
        let sign = move || ca.issuer.issue(grant, &profile, crypto.entropy(), now);
        if fast {
            let in_flight = self.recorder.enter();
            return Ok((sign()?, in_flight));
        }
        let signed: Result<Issued, IssueError> = tokio::task::spawn_blocking(sign).await.map_err(|_| IssuingError::Interrupted)?;
        Ok((signed?, self.recorder.enter()))
    }

    async fn answered(&self, caller: String, key: String) -> Result<Option<(u64, [u8; 32])>, IssuingError> {
        let store = Arc::clone(self.mesh.store());
        let found = tokio::task::spawn_blocking(move || store.answered(&caller, &key)).await;
        Ok(found.map_err(|_| IssuingError::Interrupted)??)
    }

    /// The answer that a request got before.
    async fn again(&self, request_id: &str, caller: &str, position: u64) -> Result<Answer, IssuingError> {
        let mesh = Arc::clone(&self.mesh);
        let again = tokio::task::spawn_blocking(move || Answer::again(&mesh, position)).await;
        let answer = again.map_err(|_| IssuingError::Interrupted)??;
        ticket::tell(request_id, caller, &answer.serial, position, None);
        Ok(answer)
    }
}
