//! Examples that a policy must decide as written: `policy test`.

use core::fmt;
use core::net::IpAddr;
use std::time::Duration;

use super::{Caller, CheckedPolicy, Denial, Grant, Granted, JoinScope, Requested, Wanted, duration};
use crate::hierarchy::ClusterName;
use crate::key::KeyAlgorithm;
use crate::spiffe::SpiffeId;
use crate::time::Timestamp;

/// A file of cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct CaseFile {
    /// The cases, in the file's order.
    pub case: Vec<Case>,
}

/// Somebody asks for something, and what should come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Case {
    /// A sentence that says what is being shown.
    pub name: String,
    /// Who asks.
    pub caller: CallerCase,
    /// What for; a workload's certificate with a P-256 key unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub ask: AskedCase,
    /// What should come of it; a grant, whatever its content, unless said otherwise.
    #[cfg_attr(feature = "serde", serde(default))]
    pub expect: ExpectedCase,
}

/// Who asks in a case.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case", deny_unknown_fields))]
#[non_exhaustive]
pub enum CallerCase {
    /// A service account, by its token.
    Kubernetes {
        /// The cluster.
        cluster: String,
        /// The namespace.
        namespace: String,
        /// The service account.
        service_account: String,
    },
    /// A node proxy, for a service account whose pod runs on its node.
    NodeProxy {
        /// The cluster.
        cluster: String,
        /// The proxy's own service account: `istio-system/ztunnel`.
        proxy: String,
        /// The namespace of the service account that it asks for.
        namespace: String,
        /// The service account that it asks for.
        service_account: String,
    },
    /// A workload, by its certificate.
    Svid {
        /// The cluster that issued it.
        cluster: String,
        /// The identity.
        id: String,
        /// How long it has been renewing itself: `10d`. Nothing unless said otherwise.
        #[cfg_attr(feature = "serde", serde(default))]
        renewing_for: Option<String>,
    },
    /// A one-time token.
    JoinToken {
        /// The cluster.
        cluster: String,
        /// The identity it is for.
        #[cfg_attr(feature = "serde", serde(default))]
        id: Option<String>,
        /// Whether it is for the cluster's CA. Neither this nor `id`: for any identity that the cluster gives to join tokens.
        #[cfg_attr(feature = "serde", serde(default))]
        ca: bool,
    },
    /// An administrator.
    Admin {
        /// The name.
        #[cfg_attr(feature = "serde", serde(default))]
        name: String,
    },
}

/// What a case asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields, default))]
pub struct AskedCase {
    /// The cluster, for administrators.
    pub cluster: Option<String>,
    /// The SPIFFE ID that the request names.
    pub id: Option<String>,
    /// DNS names: a server certificate is asked for.
    pub dns: Vec<String>,
    /// Addresses: likewise.
    pub ips: Vec<String>,
    /// The cluster's CA certificate is asked for.
    pub ca: bool,
    /// `p256` (unless said otherwise), `p384`, `ed25519`, `rsa2048`, `rsa3072`, `rsa4096`.
    pub key: Option<String>,
    /// The lifetime.
    pub lifetime: Option<String>,
}

/// What should come of a case. Everything that is given must be so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields, default))]
pub struct ExpectedCase {
    /// The code of the refusal: `policy.no_rule`. Without it, a grant is expected.
    pub denied: Option<String>,
    /// The rule that decides.
    pub rule: Option<String>,
    /// The SPIFFE ID that is granted.
    pub id: Option<String>,
    /// The lifetime that is granted.
    pub lifetime: Option<String>,
    /// Whether the lifetime was cut.
    pub cut: Option<bool>,
    /// What the refusal's message has in it.
    pub says: Option<String>,
}

/// How the cases of a file came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseReport {
    /// One for each case, in order.
    pub outcomes: Vec<CaseOutcome>,
}

/// How one case came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseOutcome {
    /// The case's name.
    pub name: String,
    /// What the policy decided, in words; nothing if the case could not be read.
    pub decision: Option<String>,
    /// Where it differs from what was expected; empty if it does not.
    pub mismatches: Vec<Mismatch>,
}

/// A difference between what a case expects and what the policy decides, or a fault in the case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The setting of the case: `expect.rule`.
    pub at: &'static str,
    /// What the case says, or what it should say.
    pub expected: String,
    /// What the policy decides, or what the case says.
    pub found: String,
}

impl CaseReport {
    /// Whether every case came out as expected, and there is one at all.
    pub fn is_good(&self) -> bool {
        !self.outcomes.is_empty() && self.outcomes.iter().all(|outcome| outcome.mismatches.is_empty())
    }

    /// How many cases came out otherwise.
    pub fn failed(&self) -> usize {
        self.outcomes.iter().filter(|outcome| !outcome.mismatches.is_empty()).count()
    }
}

/// `ok   NAME` or `FAIL NAME` with what differs, a case a line, and a last line that counts.
impl fmt::Display for CaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for outcome in &self.outcomes {
            writeln!(f, "{} {}", if outcome.mismatches.is_empty() { "ok  " } else { "FAIL" }, outcome.name)?;
            for Mismatch { at, expected, found } in &outcome.mismatches {
                writeln!(f, "       {at}: expected {expected}, found {found}")?;
            }
            if let (Some(decision), false) = (&outcome.decision, outcome.mismatches.is_empty()) {
                writeln!(f, "       the policy says: {decision}")?;
            }
        }
        write!(f, "{} of {} cases as expected", self.outcomes.len().saturating_sub(self.failed()), self.outcomes.len())
    }
}

impl CheckedPolicy {
    /// Runs every case at the time `now`.
    pub fn test(&self, cases: &CaseFile, now: Timestamp) -> CaseReport {
        let outcomes = cases.case.iter().map(|case| {
            let name = case.name.clone();
            match case.read(now) {
                Err(fault) => CaseOutcome { name, decision: None, mismatches: vec![fault] },
                Ok((caller, requested)) => {
                    let decision = self.decide(&caller, &requested, now);
                    let mismatches = case.expect.compare(&decision);
                    CaseOutcome { name, decision: Some(in_words(&decision)), mismatches }
                }
            }
        });
        CaseReport { outcomes: outcomes.collect() }
    }
}

fn in_words(decision: &Result<Grant, Denial>) -> String {
    match decision {
        Err(denial) => format!("{denial} ({})", denial.code()),
        Ok(grant) => {
            let what = match grant.granted() {
                Granted::Workload(id) => id.to_string(),
                Granted::Server { dns, .. } => format!("a server certificate for {} DNS names", dns.len()),
                Granted::ClusterCa => format!("the certificate of the CA of {}", grant.cluster()),
            };
            let cut = grant.lifetime_cut().map_or_else(String::new, |cut| format!("; {cut}"));
            format!("{what} for {} by the rule {}{cut}", duration::write(grant.lifetime()), grant.rule())
        }
    }
}

impl Case {
    fn read(&self, now: Timestamp) -> Result<(Caller, Requested), Mismatch> {
        let cluster = |text: &str| ClusterName::parse(text).map_err(|_| fault("caller.cluster", "the name of a cluster", text));
        let caller = match &self.caller {
            CallerCase::Kubernetes { cluster: name, namespace, service_account } => {
                Caller::Kubernetes { cluster: cluster(name)?, namespace: namespace.clone(), service_account: service_account.clone() }
            }
            CallerCase::NodeProxy { cluster: name, proxy, namespace, service_account } => Caller::NodeProxy {
                cluster: cluster(name)?,
                proxy: proxy.clone(),
                namespace: namespace.clone(),
                service_account: service_account.clone(),
            },
            CallerCase::Svid { cluster: name, id, renewing_for } => {
                let renewing = renewing_for.as_deref().map_or(Ok(Duration::ZERO), |text| read_duration("caller.renewing_for", text))?;
                Caller::Svid { cluster: cluster(name)?, id: read_id("caller.id", id)?, authenticated_at: now.minus(renewing) }
            }
            CallerCase::JoinToken { cluster: name, id, ca } => {
                let scope = match (id, ca) {
                    (Some(id), false) => JoinScope::Identity(read_id("caller.id", id)?),
                    (None, false) => JoinScope::Cluster,
                    (None, true) => JoinScope::ClusterCa,
                    (Some(id), true) => return Err(fault("caller.id", "an ID or the CA, not both", id)),
                };
                Caller::JoinToken { cluster: cluster(name)?, scope }
            }
            CallerCase::Admin { name } => Caller::Admin { name: name.clone() },
        };
        Ok((caller, self.ask.read()?))
    }
}

impl AskedCase {
    fn read(&self) -> Result<Requested, Mismatch> {
        let address = |text: &String| text.parse::<IpAddr>().map_err(|_| fault("ask.ips", "an address", text));
        let id = self.id.as_deref().map(|text| read_id("ask.id", text)).transpose()?;
        let wanted = match (self.ca, self.dns.is_empty() && self.ips.is_empty()) {
            (true, true) if id.is_none() => Wanted::ClusterCa,
            (true, _) => return Err(fault("ask.ca", "the CA without other names", "both")),
            (false, true) => Wanted::Workload { id },
            (false, false) => Wanted::Server { id, dns: self.dns.clone(), ips: self.ips.iter().map(address).collect::<Result<_, _>>()? },
        };
        let name = |text: &str| ClusterName::parse(text).map_err(|_| fault("ask.cluster", "the name of a cluster", text));
        let key = self.key.as_deref().unwrap_or("p256");
        Ok(Requested {
            cluster: self.cluster.as_deref().map(name).transpose()?,
            wanted,
            key: key.parse::<KeyAlgorithm>().map_err(|_| fault("ask.key", "p256, p384, ed25519, rsa2048, rsa3072 or rsa4096", key))?,
            lifetime: self.lifetime.as_deref().map(|text| read_duration("ask.lifetime", text)).transpose()?,
        })
    }
}

impl ExpectedCase {
    fn compare(&self, decision: &Result<Grant, Denial>) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        let mut differ = |at, expected: &str, found: String| {
            if expected != found {
                mismatches.push(Mismatch { at, expected: expected.into(), found });
            }
        };
        let none = || "nothing".to_owned();
        let code = decision.as_ref().err().map(|denial| denial.code().to_owned());
        differ("expect.denied", self.denied.as_deref().unwrap_or("a grant"), code.unwrap_or_else(|| "a grant".into()));
        let rule = match decision {
            Ok(grant) => Some(grant.rule()),
            Err(denial) => denial.rule(),
        };
        if let Some(expected) = &self.rule {
            differ("expect.rule", expected, rule.map_or_else(none, str::to_owned));
        }
        let grant = decision.as_ref().ok();
        if let Some(expected) = &self.id {
            differ("expect.id", expected, grant.and_then(Grant::id).map_or_else(none, ToString::to_string));
        }
        if let Some(expected) = &self.lifetime {
            // 24h and 1d are the same.
            let expected = duration::parse(expected).map_or_else(|| expected.clone(), duration::write);
            differ("expect.lifetime", &expected, grant.map_or_else(none, |grant| duration::write(grant.lifetime())));
        }
        if let Some(expected) = self.cut {
            let cut = grant.is_some_and(|grant| grant.lifetime_cut().is_some());
            differ("expect.cut", &expected.to_string(), cut.to_string());
        }
        if let Some(expected) = &self.says {
            let message = decision.as_ref().err().map_or_else(none, ToString::to_string);
            if !message.contains(expected.as_str()) {
                differ("expect.says", expected, message);
            }
        }
        mismatches
    }
}

fn fault(at: &'static str, expected: &str, found: &str) -> Mismatch {
    Mismatch { at, expected: expected.into(), found: format!("'{}'", found.escape_debug()) }
}

fn read_id(at: &'static str, text: &str) -> Result<SpiffeId, Mismatch> {
    SpiffeId::parse(text).map_err(|_| fault(at, "a SPIFFE ID", text))
}

fn read_duration(at: &'static str, text: &str) -> Result<Duration, Mismatch> {
    duration::parse(text).ok_or_else(|| fault(at, "a duration like 24h", text))
}
