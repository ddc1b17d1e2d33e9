//! From what a person wrote to what decides: every fault is found, none ends the search.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::checked::{Authority, Cluster, Deny, ISTIO_AUDIENCE, Servers, Terms, Workloads};
use super::data::{CaRule, Defaults, KubernetesCallers, NodeProxyCallers, ServerRule, WorkloadRule};
use super::keys::KeyKind;
use super::network::Network;
use super::pattern::{NamePattern, Template};
use super::{CallerKind, CheckedPolicy, ClusterPolicy, KubernetesIssuer, Policy, PolicyError, PolicyFault, PolicyNote, duration};
use crate::hierarchy::ClusterName;
use crate::issue::is_dns_name;
use crate::spiffe::TrustDomain;

const HOUR: u64 = 3_600;
const WORKLOAD: Duration = Duration::from_secs(24 * HOUR);
const SERVER: Duration = Duration::from_secs(90 * 24 * HOUR);
const CLUSTER_CA: Duration = Duration::from_secs(365 * 24 * HOUR);
/// As [`Expected::audience`](crate::token::Expected::audience).
const TOKEN_AGE: Duration = Duration::from_secs(25 * HOUR);
const TOKEN_LIFETIME: Duration = Duration::from_secs(48 * HOUR);

/// What Istio names every identity.
const DEFAULT_ID: &str = "/ns/{namespace}/sa/{service_account}";

impl Policy {
    /// Judges the whole policy.
    ///
    /// # Errors
    /// Every fault that there is, each with its place.
    pub fn check(&self) -> Result<CheckedPolicy, Vec<PolicyError>> {
        let mut faults = Faults(Vec::new());
        let defaults = Layer::read(&mut faults, "defaults", &self.defaults).over(&Layer::default());
        defaults.check(&mut faults, "defaults", WORKLOAD);
        let clusters: BTreeMap<_, _> =
            self.clusters.iter().filter_map(|(name, cluster)| read_cluster(&mut faults, name, cluster, &defaults)).collect();
        let deny = self.read_deny(&mut faults, &clusters);
        let notes = notes(&clusters);
        if faults.0.is_empty() { Ok(CheckedPolicy { deny, clusters, notes }) } else { Err(faults.0) }
    }

    fn read_deny(&self, faults: &mut Faults, clusters: &BTreeMap<ClusterName, Cluster>) -> Vec<Deny> {
        let mut names = BTreeSet::new();
        let rules = self.deny.iter().enumerate().map(|(index, rule)| {
            let at = format!("deny[{index}]");
            faults.rule_name(&at, &rule.name, &mut names);
            faults.not_empty(&format!("{at}.ids"), &rule.ids, "name the identities");
            let ids = faults.each(&format!("{at}.ids"), &rule.ids, |text| {
                let reason = "write spiffe://TRUST-DOMAIN/PATH, with '*' in a part or '/**' at the end";
                let bad = || PolicyFault::Pattern { text: text.into(), reason };
                let (name, path) = text.strip_prefix("spiffe://").and_then(|rest| rest.split_at_checked(rest.find('/')?)).ok_or_else(bad)?;
                let trust_domain = TrustDomain::parse(name).map_err(PolicyFault::TrustDomain)?;
                let path = Template::fixed_path(path).map_err(|reason| PolicyFault::Pattern { text: text.into(), reason })?;
                if clusters.values().all(|cluster| cluster.trust_domain != trust_domain) {
                    return Err(PolicyFault::DeniesNothing(trust_domain));
                }
                Ok((trust_domain, path))
            });
            Deny { rule: format!("deny/{}", rule.name), ids, because: rule.because.clone() }
        });
        rules.collect()
    }
}

fn read_cluster(faults: &mut Faults, name: &str, written: &ClusterPolicy, defaults: &Layer) -> Option<(ClusterName, Cluster)> {
    let at = format!("clusters.{name}");
    let cluster_name = faults.keep(&at, ClusterName::parse(name).map_err(PolicyFault::ClusterName));
    let trust_domain = faults.keep(&format!("{at}.trust_domain"), TrustDomain::parse(&written.trust_domain).map_err(PolicyFault::TrustDomain));
    let own = format!("{at}.defaults");
    let defaults = Layer::read(faults, &own, &written.defaults).over(defaults);
    defaults.check(faults, &own, WORKLOAD);
    let mut reader = Reader { faults, at, name, written, defaults };
    let kubernetes = written.callers.kubernetes.as_ref().map(|callers| reader.kubernetes(callers));
    let node_proxy = written.callers.node_proxy.as_ref().map(|callers| reader.node_proxies(callers));
    let svid = written.callers.svid.as_ref().map(|callers| {
        let at = format!("{}.callers.svid.renewable_for", reader.at);
        reader.faults.duration(&at, &callers.renewable_for).unwrap_or_default()
    });
    let (workloads, servers, ca) = (reader.workloads(), reader.servers(), written.ca.as_ref().map(|rule| reader.ca(rule)));
    let (join_token, admin) = (written.callers.join_token.is_some(), written.callers.admin.is_some());
    Some((cluster_name?, Cluster { trust_domain: trust_domain?, kubernetes, node_proxy, svid, join_token, admin, workloads, servers, ca }))
}

struct Reader<'a> {
    faults: &'a mut Faults,
    at: String,
    name: &'a str,
    written: &'a ClusterPolicy,
    defaults: Layer,
}

impl Reader<'_> {
    fn kubernetes(&mut self, written: &KubernetesCallers) -> KubernetesIssuer {
        let at = format!("{}.callers.kubernetes", self.at);
        let (issuers_at, audiences_at) = (format!("{at}.issuers"), format!("{at}.audiences"));
        self.faults.not_empty(&issuers_at, &written.issuers, "name the cluster's --service-account-issuer");
        self.faults.not_empty(&audiences_at, &written.audiences, "name the audience that tokens are projected for, like \"meshroot\"");
        let mut seen = BTreeSet::new();
        let issuers = self.faults.each(&issuers_at, &written.issuers, |text| match text {
            "" => Err(PolicyFault::Empty("write the issuer")),
            _ if !seen.insert(text.to_owned()) => Err(PolicyFault::Twice(text.into())),
            _ => Ok(text.to_owned()),
        });
        let audiences = self.faults.each(&audiences_at, &written.audiences, |text| {
            let foreign = |reason| Err(PolicyFault::Audience { text: text.into(), reason });
            match text {
                "" => Err(PolicyFault::Empty("write the audience")),
                ISTIO_AUDIENCE => foreign("every istiod sees tokens for it, and could use them; it counts over gRPC alone, by itself"),
                _ if written.issuers.iter().any(|issuer| issuer == text) => {
                    foreign("it is the API server's own, so every pod's default token would do, and every leak of one")
                }
                _ => Ok(text.to_owned()),
            }
        });
        let mut limit = |setting: &str, text: &Option<String>, otherwise| {
            let at = format!("{at}.{setting}");
            text.as_ref().map_or(otherwise, |text| self.faults.duration(&at, text).unwrap_or(otherwise))
        };
        let max_age = limit("max_token_age", &written.max_token_age, TOKEN_AGE);
        let max_lifetime = limit("max_token_lifetime", &written.max_token_lifetime, TOKEN_LIFETIME);
        KubernetesIssuer { issuers, audiences, max_age, max_lifetime }
    }

    fn node_proxies(&mut self, written: &NodeProxyCallers) -> Vec<String> {
        let at = format!("{}.callers.node_proxy", self.at);
        if self.written.callers.kubernetes.is_none() {
            self.faults.add(&at, PolicyFault::NeedsTokens);
        }
        let at = format!("{at}.accounts");
        self.faults.not_empty(&at, &written.accounts, "name the service accounts, like \"istio-system/ztunnel\"");
        let mut seen = BTreeSet::new();
        self.faults.each(&at, &written.accounts, |text| {
            let name = |name: &str| is_dns_name(name) && !name.contains('_') && !name.contains(|c: char| c.is_ascii_uppercase());
            match text.split_once('/') {
                Some((namespace, account)) if name(namespace) && !namespace.contains('.') && name(account) => {}
                _ => return Err(PolicyFault::Account(text.into())),
            }
            if seen.insert(text.to_owned()) { Ok(text.to_owned()) } else { Err(PolicyFault::Twice(text.into())) }
        })
    }

    fn workloads(&mut self) -> Vec<Workloads> {
        let mut names = BTreeSet::new();
        let rules = self.written.workloads.iter().enumerate();
        rules.filter_map(|(index, rule)| self.workload(&format!("{}.workloads[{index}]", self.at), rule, &mut names)).collect()
    }

    fn workload(&mut self, at: &str, written: &WorkloadRule, names: &mut BTreeSet<String>) -> Option<Workloads> {
        self.faults.rule_name(at, &written.name, names);
        let callers = self.callers(at, &written.callers);
        let text = written.id.as_deref().unwrap_or(DEFAULT_ID);
        let pattern = |reason| PolicyFault::Pattern { text: text.into(), reason };
        let id = self.faults.keep(&format!("{at}.id"), Template::path(text).map_err(pattern));
        let namespaces_at = format!("{at}.namespaces");
        let namespaces = self.faults.names(&namespaces_at, &written.namespaces);
        let service_accounts = self.accounts(at, written.service_accounts.as_deref());
        if let Some(id) = &id {
            match (id.has_namespace(), written.namespaces.is_empty()) {
                (true, true) => self.faults.add(&namespaces_at, PolicyFault::Empty("name the namespaces, or \"*\" for all of them")),
                (false, false) => self.faults.add(&namespaces_at, PolicyFault::Useless("{namespace}")),
                _ => {}
            }
            if !id.has_service_account() && written.service_accounts.is_some() {
                self.faults.add(&format!("{at}.service_accounts"), PolicyFault::Useless("{service_account}"));
            }
            let one_each = id.has_namespace() && id.has_service_account() && !id.has_star();
            let derived = callers.iter().any(|kind| matches!(kind, CallerKind::Kubernetes | CallerKind::NodeProxy));
            if derived && !one_each {
                self.faults.add(&format!("{at}.id"), PolicyFault::SharedIdentity);
            }
        }
        let layer = Layer::read_rule(self.faults, at, [&written.lifetime, &written.max_lifetime, &written.if_longer], written.keys.as_deref());
        let terms = layer.over(&self.defaults).terms(self.faults, at, layer.says_how_long(), WORKLOAD, self.rule("workloads", &written.name));
        Some(Workloads { callers, id: id?, namespaces, service_accounts, terms })
    }

    fn servers(&mut self) -> Vec<Servers> {
        let mut names = BTreeSet::new();
        let rules = self.written.servers.iter().enumerate();
        rules.map(|(index, rule)| self.server(&format!("{}.servers[{index}]", self.at), rule, &mut names)).collect()
    }

    fn server(&mut self, at: &str, written: &ServerRule, names: &mut BTreeSet<String>) -> Servers {
        self.faults.rule_name(at, &written.name, names);
        let callers = self.callers(at, &written.callers);
        if callers.contains(&CallerKind::NodeProxy) {
            self.faults.add(&format!("{at}.callers"), PolicyFault::CallersOfServer(CallerKind::NodeProxy));
        }
        let namespaces_at = format!("{at}.namespaces");
        if let Some(namespaces) = &written.namespaces {
            self.faults.not_empty(&namespaces_at, namespaces, "name the namespaces, or leave it out");
        }
        let namespaces = self.faults.names(&namespaces_at, written.namespaces.as_deref().unwrap_or_default());
        let service_accounts = self.accounts(at, written.service_accounts.as_deref());
        if written.dns.is_empty() && written.ips.is_empty() {
            self.faults.add(&format!("{at}.dns"), PolicyFault::Empty("name what may be issued, here or in ips"));
        }
        let dns = self.faults.each(&format!("{at}.dns"), &written.dns, |text| {
            Template::dns(text).map_err(|reason| PolicyFault::Pattern { text: text.into(), reason })
        });
        let ips = self.faults.each(&format!("{at}.ips"), &written.ips, |text| Network::parse(text).ok_or_else(|| PolicyFault::Network(text.into())));
        let layer = Layer::read_rule(self.faults, at, [&written.lifetime, &written.max_lifetime, &written.if_longer], written.keys.as_deref());
        // How long workloads live says nothing about servers; which keys are good does.
        let keys = Layer { keys: self.defaults.keys.clone(), ..Layer::default() };
        let terms = layer.over(&keys).terms(self.faults, at, true, SERVER, self.rule("servers", &written.name));
        Servers { callers, namespaces, service_accounts, dns, ips, with_id: written.with_id, terms }
    }

    fn ca(&mut self, written: &CaRule) -> Authority {
        let at = format!("{}.ca", self.at);
        let callers = self.callers(&at, &written.callers);
        for kind in callers.iter().filter(|kind| matches!(kind, CallerKind::Kubernetes | CallerKind::NodeProxy | CallerKind::Svid)) {
            self.faults.add(&format!("{at}.callers"), PolicyFault::CallersOfCa(*kind));
        }
        let layer = Layer::read_rule(self.faults, &at, [&written.lifetime, &written.max_lifetime, &written.if_longer], written.keys.as_deref());
        let rule = format!("{}/ca", self.name);
        Authority { callers, terms: layer.terms(self.faults, &at, true, CLUSTER_CA, rule) }
    }

    /// The kinds of callers of a rule.
    fn callers(&mut self, at: &str, written: &[String]) -> Vec<CallerKind> {
        let at = format!("{at}.callers");
        self.faults.not_empty(&at, written, "name who may ask: kubernetes, node_proxy, svid, join_token, admin");
        let on = &self.written.callers;
        let is_on = |kind| match kind {
            CallerKind::Kubernetes => on.kubernetes.is_some(),
            CallerKind::NodeProxy => on.node_proxy.is_some(),
            CallerKind::Svid => on.svid.is_some(),
            CallerKind::JoinToken => on.join_token.is_some(),
            CallerKind::Admin => on.admin.is_some(),
        };
        self.faults.each(&at, written, |text| {
            let unknown = || PolicyFault::Unknown { text: text.into(), among: "kubernetes, node_proxy, svid, join_token, admin" };
            let kind = CallerKind::parse(text).ok_or_else(unknown)?;
            if is_on(kind) { Ok(kind) } else { Err(PolicyFault::CallersOff { kind }) }
        })
    }

    fn accounts(&mut self, at: &str, written: Option<&[String]>) -> Vec<NamePattern> {
        let at = format!("{at}.service_accounts");
        let Some(written) = written else { return Vec::new() };
        // An empty list would read as "none" and mean "any".
        self.faults.not_empty(&at, written, "name the service accounts, or leave it out");
        self.faults.names(&at, written)
    }

    fn rule(&self, list: &str, name: &str) -> String {
        format!("{}/{list}/{name}", self.name)
    }
}

/// Lifetimes and keys of one place, or of several laid over each other.
#[derive(Clone, Debug, Default)]
struct Layer {
    lifetime: Option<Duration>,
    max: Option<Duration>,
    refuse_longer: Option<bool>,
    keys: Option<Vec<KeyKind>>,
}

impl Layer {
    fn read(faults: &mut Faults, at: &str, written: &Defaults) -> Self {
        Self::read_rule(faults, at, [&written.lifetime, &written.max_lifetime, &written.if_longer], written.keys.as_deref())
    }

    fn read_rule(faults: &mut Faults, at: &str, [lifetime, max, if_longer]: [&Option<String>; 3], keys: Option<&[String]>) -> Self {
        let mut read = |setting: &str, text: &Option<String>| text.as_ref().and_then(|text| faults.duration(&format!("{at}.{setting}"), text));
        let (lifetime, max) = (read("lifetime", lifetime), read("max_lifetime", max));
        let refuse_longer = if_longer.as_deref().and_then(|word| {
            let read = match word {
                "cut" => Ok(false),
                "refuse" => Ok(true),
                _ => Err(PolicyFault::Unknown { text: word.into(), among: "cut, refuse" }),
            };
            faults.keep(&format!("{at}.if_longer"), read)
        });
        let keys = keys.map(|keys| {
            let at = format!("{at}.keys");
            faults.not_empty(&at, keys, "name the kinds of keys, or leave it out");
            faults.each(&at, keys, |text| {
                let among = "p256, p384, ed25519, rsa, rsa3072, rsa4096";
                KeyKind::parse(text).ok_or_else(|| PolicyFault::Unknown { text: text.into(), among })
            })
        });
        Self { lifetime, max, refuse_longer, keys }
    }

    /// What is left out here is taken from there.
    fn over(&self, wider: &Self) -> Self {
        Self {
            lifetime: self.lifetime.or(wider.lifetime),
            max: self.max.or(wider.max),
            refuse_longer: self.refuse_longer.or(wider.refuse_longer),
            keys: self.keys.clone().or_else(|| wider.keys.clone()),
        }
    }

    fn says_how_long(&self) -> bool {
        self.lifetime.is_some() || self.max.is_some()
    }

    fn check(&self, faults: &mut Faults, at: &str, otherwise: Duration) {
        let lifetime = self.lifetime.unwrap_or(otherwise);
        if let Some(max) = self.max.filter(|max| lifetime > *max) {
            let fault = PolicyFault::LifetimeOverMax { lifetime: duration::write(lifetime), max: duration::write(max) };
            faults.add(&format!("{at}.max_lifetime"), fault);
        }
    }

    /// `own`: whether a contradiction can be of this place's making, so that it is told once.
    fn terms(&self, faults: &mut Faults, at: &str, own: bool, otherwise: Duration, rule: String) -> Terms {
        if own {
            self.check(faults, at, otherwise);
        }
        let lifetime = self.lifetime.unwrap_or(otherwise);
        Terms {
            rule,
            lifetime,
            max: self.max.unwrap_or(lifetime),
            refuse_longer: self.refuse_longer.unwrap_or(false),
            keys: self.keys.clone().unwrap_or_else(|| KeyKind::ALL.to_vec()),
        }
    }
}

struct Faults(Vec<PolicyError>);

impl Faults {
    fn add(&mut self, at: &str, fault: PolicyFault) {
        self.0.push(PolicyError { at: at.into(), fault });
    }

    fn keep<T>(&mut self, at: &str, read: Result<T, PolicyFault>) -> Option<T> {
        read.map_err(|fault| self.add(at, fault)).ok()
    }

    /// Reads every element, each fault with its place.
    fn each<T>(&mut self, at: &str, texts: &[String], mut read: impl FnMut(&str) -> Result<T, PolicyFault>) -> Vec<T> {
        texts.iter().enumerate().filter_map(|(index, text)| self.keep(&format!("{at}[{index}]"), read(text))).collect()
    }

    fn names(&mut self, at: &str, texts: &[String]) -> Vec<NamePattern> {
        self.each(at, texts, |text| NamePattern::parse(text).map_err(|reason| PolicyFault::Pattern { text: text.into(), reason }))
    }

    fn not_empty<T>(&mut self, at: &str, list: &[T], needed: &'static str) {
        if list.is_empty() {
            self.add(at, PolicyFault::Empty(needed));
        }
    }

    fn duration(&mut self, at: &str, text: &str) -> Option<Duration> {
        let read = match duration::parse(text) {
            None => Err(PolicyFault::Duration(text.chars().take(60).collect())),
            Some(Duration::ZERO) => Err(PolicyFault::Zero),
            Some(duration) => Ok(duration),
        };
        self.keep(at, read)
    }

    fn rule_name(&mut self, at: &str, name: &str, seen: &mut BTreeSet<String>) {
        let good = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if !(1..=63).contains(&name.len()) || !name.bytes().all(good) {
            self.add(&format!("{at}.name"), PolicyFault::RuleName(name.chars().take(80).collect()));
        } else if !seen.insert(name.into()) {
            self.add(&format!("{at}.name"), PolicyFault::Twice(name.into()));
        }
    }
}

fn notes(clusters: &BTreeMap<ClusterName, Cluster>) -> Vec<PolicyNote> {
    let mut by_issuer = BTreeMap::<&str, Vec<ClusterName>>::new();
    for (name, cluster) in clusters {
        for issuer in cluster.kubernetes.iter().flat_map(|kubernetes| &kubernetes.issuers) {
            by_issuer.entry(issuer).or_default().push(name.clone());
        }
    }
    let shared = by_issuer.into_iter().filter(|(_, clusters)| clusters.len() > 1);
    let shared = shared.map(|(issuer, clusters)| PolicyNote::SharedIssuer { issuer: issuer.into(), clusters });
    let idle = clusters.iter().flat_map(|(name, cluster)| {
        let used = |kind: &CallerKind| {
            cluster.workloads.iter().any(|rule| rule.callers.contains(kind))
                || cluster.servers.iter().any(|rule| rule.callers.contains(kind))
                || cluster.ca.iter().any(|rule| rule.callers.contains(kind))
        };
        let idle = CallerKind::ALL.into_iter().filter(move |kind| cluster.is_on(*kind) && !used(kind));
        idle.map(|kind| PolicyNote::CallersWithoutRule { cluster: name.clone(), kind })
    });
    shared.chain(idle).collect()
}
