use std::time::Duration;

use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::discovery::KeySets;
use crate::mesh::Mesh;

mod revocations;
use revocations::Revocations;

/// What is counted and measured.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    answers: Family<Answer, Counter>,
    durations: Family<Route, Histogram, fn() -> Histogram>,
    refusals: Family<Refusal, Counter>,
    verdicts: Family<Verdict, Counter>,
    fetches: Family<Fetch, Counter>,
    key_set_age: Family<Cluster, Gauge>,
    issued: Family<Issued, Counter>,
    waiting: Gauge,
    expiry: Family<Authority, Gauge>,
    members: Family<Root, Gauge>,
    sequence: Family<TrustDomain, Gauge>,
    revocations: Revocations,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    kind: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Verdict {
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Fetch {
    cluster: String,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cluster {
    cluster: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Issued {
    cluster: String,
    profile: &'static str,
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Authority {
    trust_domain: String,
    authority: String,
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Root {
    trust_domain: String,
    root: String,
}

/// The recorder's transactions.
#[derive(Clone, Debug)]
pub(crate) struct Commits {
    size: Histogram,
    took: Histogram,
}

impl Default for Commits {
    fn default() -> Self {
        Self { size: Histogram::new(exponential_buckets(1.0, 2.0, 9)), took: histogram() }
    }
}

impl Commits {
    pub(crate) fn observe(&self, size: usize, took: Duration) {
        // A batch has a few hundred submissions at most.
        self.size.observe(f64::from(u32::try_from(size).unwrap_or(u32::MAX)));
        self.took.observe(took.as_secs_f64());
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TrustDomain {
    trust_domain: String,
}

/// From 50 microseconds to 26 seconds.
fn histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_05, 3.0, 13))
}

impl Metrics {
    /// With what the recorder's transactions are counted in.
    pub(crate) fn new(commits: &Commits) -> Self {
        let mut registry = Registry::with_prefix("meshroot");
        let answers = Family::default();
        registry.register("http_answers", "Answers, by route and status", answers.clone());
        let durations = Family::new_with_constructor(histogram as fn() -> Histogram);
        registry.register_with_unit("http_duration", "Time to an answer, by route", Unit::Seconds, durations.clone());
        let refusals = Family::default();
        registry.register("authentication_failures", "Callers who could not be authenticated, by kind", refusals.clone());
        let verdicts = Family::default();
        registry.register("callers", "Callers whose credentials were looked at, by how the verdict was found", verdicts.clone());
        let fetches = Family::default();
        registry.register("key_set_fetches", "Attempts to fetch a cluster's token keys, by result", fetches.clone());
        let key_set_age = Family::default();
        registry.register_with_unit("key_set_age", "Time since a cluster's token keys were fetched", Unit::Seconds, key_set_age.clone());
        let issued = Family::default();
        registry.register("certificates", "Certificates asked for, by cluster, profile and result", issued.clone());
        registry.register("recorder_batch_size", "Certificates that a transaction took", commits.size.clone());
        registry.register_with_unit("recorder_commit", "How long a transaction took", Unit::Seconds, commits.took.clone());
        let waiting = Gauge::default();
        registry.register("recorder_waiting", "Certificates that wait to be recorded", waiting.clone());
        let members = Family::default();
        registry.register_with_unit("bundle_member_expiry", "Time until a root in the published bundle expires", Unit::Seconds, members.clone());
        let expiry = Family::default();
        registry.register_with_unit("authority_expiry", "Time until an authority expires", Unit::Seconds, expiry.clone());
        let sequence = Family::default();
        registry.register("bundle_sequence", "The sequence number of the bundle that is published", sequence.clone());
        let revocations = Revocations::register(&mut registry);
        Self { registry, answers, durations, refusals, verdicts, fetches, key_set_age, issued, waiting, members, expiry, sequence, revocations }
    }

    /// `route` is a pattern, never what a client wrote: clients must not be able to make series.
    pub(crate) fn answered(&self, route: &str, status: StatusCode, took: Duration) {
        let route = if route.is_empty() { "(none)" } else { route };
        self.answers.get_or_create(&Answer { route: route.into(), status: status.as_u16() }).inc();
        self.durations.get_or_create(&Route { route: route.into() }).observe(took.as_secs_f64());
    }

    pub(crate) fn not_authenticated(&self, kind: &'static str) {
        self.refusals.get_or_create(&Refusal { kind }).inc();
    }

    /// `verdict` is how it was found: "remembered" or "judged".
    pub(crate) fn authenticated(&self, verdict: &'static str) {
        self.verdicts.get_or_create(&Verdict { verdict }).inc();
    }

    pub(crate) fn key_set_fetched(&self, cluster: &str, result: &'static str) {
        self.fetches.get_or_create(&Fetch { cluster: cluster.into(), result }).inc();
    }

    /// `cluster` is one that exists, or empty; `profile` is what was asked for; `result` is "issued" or a code.
    pub(crate) fn issued(&self, cluster: &str, profile: &'static str, result: &'static str) {
        self.issued.get_or_create(&Issued { cluster: cluster.into(), profile, result }).inc();
    }

    /// Certificates that were revoked with this reason.
    pub(crate) fn revoked(&self, reason: &'static str, certificates: usize) {
        self.revocations.count(reason, certificates);
    }

    pub(crate) fn render(&self, mesh: &Mesh, key_sets: &KeySets, waiting: usize) -> String {
        let now = mesh.clock().now().unix();
        let snapshot = mesh.now();
        self.expiry.clear();
        self.sequence.clear();
        self.members.clear();
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        for domain in snapshot.trust_domains() {
            let trust_domain = domain.hierarchy.trust_domain().to_string();
            let sequence = i64::try_from(domain.published.sequence).unwrap_or(i64::MAX);
            self.sequence.get_or_create(&TrustDomain { trust_domain: trust_domain.clone() }).set(sequence);
            for member in domain.published.bundle.x509_authorities() {
                let root = member.fingerprint(mesh.crypto()).iter().take(8).map(|octet| format!("{octet:02x}")).collect();
                let labels = Root { trust_domain: trust_domain.clone(), root };
                self.members.get_or_create(&labels).set(member.validity().not_after.unix().saturating_sub(now));
            }
            for authority in domain.hierarchy.authorities() {
                let Some(certificate) = authority.certificate() else { continue };
                let labels =
                    Authority { trust_domain: trust_domain.clone(), authority: authority.id().to_string(), state: authority.state().to_string() };
                self.expiry.get_or_create(&labels).set(certificate.validity().not_after.unix().saturating_sub(now));
            }
        }
        for (cluster, age) in key_sets.ages(mesh) {
            self.key_set_age.get_or_create(&Cluster { cluster: cluster.into() }).set(i64::try_from(age).unwrap_or(i64::MAX));
        }
        self.revocations.set(mesh);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
