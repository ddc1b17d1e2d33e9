//! The decision.

use core::net::IpAddr;

use super::checked::{Cluster, Servers, Terms, Workloads};
use super::pattern::{Captured, NamePattern};
use super::{Caller, CallerKind, CheckedPolicy, Denial, Grant, Granted, JoinScope, PolicyCut, Requested, Wanted};
use crate::hierarchy::ClusterName;
use crate::issue::is_dns_name;
use crate::spiffe::SpiffeId;
use crate::time::Timestamp;

/// Names of a server certificate; more make handshakes slow, and no server of a mesh has them.
const MAX_NAMES: usize = 100;

/// Rules that a refusal explains.
const MAX_MISSES: usize = 8;

impl CheckedPolicy {
    /// Whether `caller` gets what is requested, and by which rule.
    ///
    /// # Errors
    /// Every variant of [`Denial`].
    pub fn decide(&self, caller: &Caller, requested: &Requested, now: Timestamp) -> Result<Grant, Denial> {
        if self.clusters.is_empty() {
            return Err(Denial::NoPolicy { cluster: caller.cluster().or(requested.cluster.as_ref()).cloned() });
        }
        let name = match (caller.cluster(), &requested.cluster) {
            (Some(own), Some(asked)) if own != asked => {
                return Err(Denial::OtherCluster { caller: caller.to_string(), asked: asked.clone(), own: own.clone() });
            }
            (Some(own), _) => own,
            (None, Some(asked)) => asked,
            (None, None) => return Err(Denial::ClusterMissing),
        };
        let cluster = self.clusters.get(name).ok_or_else(|| Denial::UnknownCluster(name.clone()))?;
        let asking = Asking { policy: self, name, cluster, caller };
        asking.may_ask(now)?;
        let (granted, terms) = match &requested.wanted {
            Wanted::Workload { id } => {
                let (id, rule) = asking.workload(id.as_ref())?;
                (Granted::Workload(id), &rule.terms)
            }
            Wanted::Server { id, dns, ips } => {
                let (id, rule) = asking.server(id.as_ref(), dns, ips)?;
                (Granted::Server { id, dns: dns.clone(), ips: ips.clone() }, &rule.terms)
            }
            Wanted::ClusterCa => (Granted::ClusterCa, asking.cluster_ca()?),
        };
        asking.grant(granted, terms, requested)
    }
}

struct Asking<'a> {
    policy: &'a CheckedPolicy,
    name: &'a ClusterName,
    cluster: &'a Cluster,
    caller: &'a Caller,
}

impl<'a> Asking<'a> {
    /// Whether this kind of caller is heard at all.
    fn may_ask(&self, now: Timestamp) -> Result<(), Denial> {
        let kind = self.caller.kind();
        let rule = format!("{}/callers/{kind}", self.name);
        if !self.cluster.is_on(kind) {
            return Err(Denial::CallersOff { cluster: self.name.clone(), kind, rule });
        }
        if let Caller::NodeProxy { proxy, .. } = self.caller
            && !self.cluster.node_proxy.iter().flatten().any(|account| account == proxy)
        {
            let proxy: String = proxy.chars().take(320).flat_map(char::escape_debug).collect();
            return Err(Denial::NotANodeProxy { proxy, cluster: self.name.clone(), rule });
        }
        match (self.caller, self.cluster.svid) {
            (Caller::Svid { authenticated_at, .. }, Some(renewable_for)) if now.since(*authenticated_at) > renewable_for => {
                Err(Denial::RenewedTooLong { authenticated_at: *authenticated_at, renewable_for, now, rule })
            }
            _ => Ok(()),
        }
    }

    /// The caller's identity, by the first rule that gives one.
    fn workload(&self, asked: Option<&SpiffeId>) -> Result<(SpiffeId, &'a Workloads), Denial> {
        let (id, rule) = match self.caller {
            Caller::Kubernetes { namespace, service_account, .. } | Caller::NodeProxy { namespace, service_account, .. } => {
                self.derived(namespace, service_account, asked)?
            }
            Caller::Svid { id, .. } | Caller::JoinToken { scope: JoinScope::Identity(id), .. } => self.own(id, asked)?,
            Caller::JoinToken { scope: JoinScope::Cluster, .. } | Caller::Admin { .. } => {
                let id = asked.ok_or_else(|| Denial::IdMissing { caller: self.caller.to_string() })?;
                (id.clone(), self.rule_for(id)?)
            }
            Caller::JoinToken { scope: JoinScope::ClusterCa, .. } => return Err(self.scope("a workload's certificate")),
        };
        match self.policy.denies(&id) {
            Some((rule, because)) => Err(Denial::Denied { id, rule: rule.into(), because: because.into() }),
            None => Ok((id, rule)),
        }
    }

    /// A service account's identity is made by the rule. It may have several, by several rules, and then choose.
    fn derived(&self, namespace: &str, service_account: &str, asked: Option<&SpiffeId>) -> Result<(SpiffeId, &'a Workloads), Denial> {
        let names = Captured { namespace: Some(namespace), service_account: Some(service_account) };
        let (mut first, mut misses) = (None, Vec::new());
        for rule in &self.cluster.workloads {
            if let Some(miss) = self.miss(&rule.callers, &rule.namespaces, &rule.service_accounts, names) {
                misses.push(format!("{}: {miss}", rule.terms.rule));
                continue;
            }
            let unspeakable = || Denial::Unspeakable { caller: self.caller.to_string(), rule: rule.terms.rule.clone() };
            // A slash in a name would add a part to the path.
            if [namespace, service_account].iter().any(|name| SpiffeId::check_segment(name).is_err()) {
                return Err(unspeakable());
            }
            let path = rule.id.fill(namespace, service_account, self.name.as_str()).ok_or_else(unspeakable)?;
            let id = SpiffeId::from_path(self.cluster.trust_domain.as_ref(), &path).map_err(|_| unspeakable())?;
            if asked.is_none_or(|asked| *asked == id) {
                return Ok((id, rule));
            }
            first.get_or_insert((id, rule));
        }
        match (first, asked) {
            (Some((granted, rule)), Some(asked)) => {
                Err(Denial::OtherIdentity { asked: asked.clone(), granted: Some(granted), rule: rule.terms.rule.clone() })
            }
            _ => {
                let needed = format!("a rule for {} callers with the namespace '{}' in it", self.caller.kind(), namespace.escape_debug());
                Err(self.no_rule("workloads", "an identity".into(), misses, needed))
            }
        }
    }

    /// An identity that the caller comes with.
    fn own(&self, id: &SpiffeId, asked: Option<&SpiffeId>) -> Result<(SpiffeId, &'a Workloads), Denial> {
        let rule = self.rule_for(id)?;
        match asked.filter(|asked| *asked != id) {
            Some(asked) => Err(Denial::OtherIdentity { asked: asked.clone(), granted: Some(id.clone()), rule: rule.terms.rule.clone() }),
            None => Ok((id.clone(), rule)),
        }
    }

    /// The first rule that gives this identity to this kind of caller.
    fn rule_for(&self, id: &SpiffeId) -> Result<&'a Workloads, Denial> {
        if id.trust_domain() != self.cluster.trust_domain {
            let trust_domain = self.cluster.trust_domain.clone();
            let rule = format!("{}/trust_domain", self.name);
            return Err(Denial::ForeignTrustDomain { id: id.clone(), cluster: self.name.clone(), trust_domain, rule });
        }
        let mut misses = Vec::new();
        for rule in &self.cluster.workloads {
            let miss = match rule.id.matches(id.path(), self.name.as_str()) {
                None => Some(format!("it is for {}", rule.id.as_str())),
                Some(names) => self.miss(&rule.callers, &rule.namespaces, &rule.service_accounts, names),
            };
            match miss {
                None => return Ok(rule),
                Some(miss) => misses.push(format!("{}: {miss}", rule.terms.rule)),
            }
        }
        let needed = format!("a rule for {} callers that the path {} fits", self.caller.kind(), id.path());
        Err(self.no_rule("workloads", id.to_string(), misses, needed))
    }

    /// Every name must be allowed by one and the same rule.
    fn server(&self, asked: Option<&SpiffeId>, dns: &[String], ips: &[IpAddr]) -> Result<(Option<SpiffeId>, &'a Servers), Denial> {
        if matches!(self.caller, Caller::JoinToken { scope: JoinScope::ClusterCa, .. }) {
            return Err(self.scope("a server's certificate"));
        }
        let count = dns.len().saturating_add(ips.len());
        if count == 0 || count > MAX_NAMES {
            return Err(Denial::ServerNames(format!("a server certificate has 1 to {MAX_NAMES} names, and the request has {count}")));
        }
        if let Some(bad) = dns.iter().find(|name| !is_dns_name(name)) {
            let bad: String = bad.chars().take(80).flat_map(char::escape_debug).collect();
            return Err(Denial::ServerNames(format!("'{bad}' is no DNS name that a server certificate may carry")));
        }
        let names = self.names();
        let mut misses = Vec::new();
        for rule in &self.cluster.servers {
            match self.miss_server(rule, names, dns, ips) {
                Some(miss) => misses.push(format!("{}: {miss}", rule.terms.rule)),
                None => return Ok((self.server_id(rule, asked)?, rule)),
            }
        }
        let needed = format!("a rule for {} callers that allows each of the names", self.caller.kind());
        Err(self.no_rule("servers", "a server certificate for these names".into(), misses, needed))
    }

    fn server_id(&self, rule: &Servers, asked: Option<&SpiffeId>) -> Result<Option<SpiffeId>, Denial> {
        match asked {
            _ if rule.with_id => self.workload(asked).map(|(id, _)| Some(id)),
            None => Ok(None),
            Some(asked) => Err(Denial::OtherIdentity { asked: asked.clone(), granted: None, rule: rule.terms.rule.clone() }),
        }
    }

    fn cluster_ca(&self) -> Result<&'a Terms, Denial> {
        let wanted = || format!("the certificate of the CA of {}", self.name);
        let needed = || format!("[clusters.{}.ca] with {} among its callers", self.name, self.caller.kind());
        let Some(rule) = &self.cluster.ca else { return Err(self.no_rule("ca", wanted(), Vec::new(), needed())) };
        if !rule.callers.contains(&self.caller.kind()) {
            let miss = format!("{}: it is not for {} callers", rule.terms.rule, self.caller.kind());
            return Err(self.no_rule("ca", wanted(), vec![miss], needed()));
        }
        if matches!(self.caller, Caller::JoinToken { scope, .. } if *scope != JoinScope::ClusterCa) {
            return Err(self.scope("a CA's certificate"));
        }
        Ok(&rule.terms)
    }

    /// The caller's namespace and service account, as far as it has them.
    fn names(&self) -> Captured<'a> {
        match self.caller {
            Caller::Kubernetes { namespace, service_account, .. } => Captured { namespace: Some(namespace), service_account: Some(service_account) },
            Caller::Svid { id, .. } | Caller::JoinToken { scope: JoinScope::Identity(id), .. } if id.trust_domain() == self.cluster.trust_domain => {
                let mut rules = self.cluster.workloads.iter().filter(|rule| rule.callers.contains(&self.caller.kind()));
                rules.find_map(|rule| rule.id.matches(id.path(), self.name.as_str())).unwrap_or_default()
            }
            _ => Captured::default(),
        }
    }

    /// Why a rule does not fit, in words.
    fn miss(&self, callers: &[CallerKind], namespaces: &[NamePattern], accounts: &[NamePattern], names: Captured<'_>) -> Option<String> {
        if !callers.contains(&self.caller.kind()) {
            return Some(format!("it is not for {} callers", self.caller.kind()));
        }
        for (what, patterns, name) in [("namespace", namespaces, names.namespace), ("service account", accounts, names.service_account)] {
            match name {
                _ if patterns.is_empty() => {}
                None => return Some(format!("it is for callers with a {what}")),
                Some(name) if patterns.iter().any(|pattern| pattern.fits(name)) => {}
                Some(name) => {
                    let allowed: Vec<_> = patterns.iter().take(MAX_MISSES).map(NamePattern::as_str).collect();
                    let name: String = name.chars().take(80).flat_map(char::escape_debug).collect();
                    return Some(format!("the {what} '{name}' is none of {}", allowed.join(", ")));
                }
            }
        }
        None
    }

    fn miss_server(&self, rule: &Servers, names: Captured<'_>, dns: &[String], ips: &[IpAddr]) -> Option<String> {
        if let Some(miss) = self.miss(&rule.callers, &rule.namespaces, &rule.service_accounts, names) {
            return Some(miss);
        }
        // A placeholder stands for the caller's own name; who has none cannot fill it.
        let own = |found: Option<&str>, own: Option<&str>| found.is_none_or(|found| own == Some(found));
        let allowed = |name: &&String| {
            rule.dns
                .iter()
                .filter_map(|pattern| pattern.matches(name, self.name.as_str()))
                .any(|found| own(found.namespace, names.namespace) && own(found.service_account, names.service_account))
        };
        if let Some(name) = dns.iter().find(|name| !allowed(name)) {
            return Some(format!("it does not allow {name}"));
        }
        let foreign = |address: &&IpAddr| !rule.ips.iter().any(|network| network.contains(**address));
        ips.iter().find(foreign).map(|address| format!("it does not allow {address}"))
    }

    fn no_rule(&self, list: &str, wanted: String, mut misses: Vec<String>, needed: String) -> Denial {
        if misses.len() > MAX_MISSES {
            let more = misses.len().saturating_sub(MAX_MISSES);
            misses.truncate(MAX_MISSES);
            misses.push(format!("and {more} more"));
        }
        Denial::NoRule { caller: self.caller.to_string(), wanted, misses, needed, rule: format!("{}/{list}", self.name) }
    }

    fn scope(&self, wanted: &'static str) -> Denial {
        Denial::Scope { caller: self.caller.to_string(), wanted, rule: format!("{}/callers/{}", self.name, CallerKind::JoinToken) }
    }

    fn grant(&self, granted: Granted, terms: &Terms, requested: &Requested) -> Result<Grant, Denial> {
        let rule = terms.rule.clone();
        if !terms.keys.iter().any(|kind| kind.allows(requested.key)) {
            let allowed: Vec<_> = terms.keys.iter().map(ToString::to_string).collect();
            return Err(Denial::Key { found: requested.key, allowed: allowed.join(", "), rule });
        }
        let (lifetime, cut) = match requested.lifetime {
            None => (terms.lifetime, None),
            Some(asked) if asked.as_secs() == 0 => return Err(Denial::NoLifetime { rule }),
            Some(asked) if asked <= terms.max => (asked, None),
            Some(asked) if terms.refuse_longer => return Err(Denial::Lifetime { asked, max: terms.max, rule }),
            Some(asked) => (terms.max, Some(PolicyCut { asked, max: terms.max, rule: rule.clone() })),
        };
        let (cluster, trust_domain) = (self.name.clone(), self.cluster.trust_domain.clone());
        Ok(Grant { cluster, trust_domain, granted, key: requested.key, lifetime, cut, rule })
    }
}
