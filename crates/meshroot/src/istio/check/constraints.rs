use der::Decode;
use x509_cert::ext::pkix::NameConstraints;
use x509_cert::ext::pkix::name::GeneralName;

use super::path::Link;
use super::{CANNOT_VERIFY, Finding, file_of};
use crate::istio::files::Reading;
use crate::spiffe::TrustDomain;
use crate::x509::wire::CertRef;
use crate::x509::{Certificate, extension as ext};

/// The name by which proxies reach istiod. An installation with revisions has more, all in this domain.
const ISTIOD: &str = "istiod.istio-system.svc";
const REMEDY: &str = "make the CA again without name constraints, or with the mesh's own trust domain in them";

/// Name constraints (RFC 5280 §4.2.1.10) of every CA on the way, against the names that will appear below it: those of
/// the CAs, the workloads' trust domain, and istiod's.
pub(super) fn check(links: &[Link<'_>], reading: &Reading<'_>, trust_domain: Option<&TrustDomain>, findings: &mut Vec<Finding>) {
    for (height, link) in links.iter().enumerate() {
        let Some((critical, value)) = extension(link.cert) else { continue };
        let file = file_of(link, reading);
        let who = link.cert.subject();
        let Some(limits) = Limits::decode(&value) else {
            let message = format!("the nameConstraints of {who} are malformed");
            findings.push(
                Finding::refused("istio.bad_extension", file, message, REMEDY).says("failed to parse cert PEM: failed to parse X.509 certificate"),
            );
            continue;
        };
        if limits.others && critical {
            let message = format!("the nameConstraints of {who} limit kinds of names that Go does not know, and are critical");
            findings.push(
                Finding::refused("istio.name_constraint_kind", file, message, REMEDY).says(format!("{CANNOT_VERIFY}unhandled critical extension")),
            );
        }
        for below in links.iter().take(height) {
            findings.extend(ca_names(below.cert, &limits, who, file));
        }
        if let Some(domain) = trust_domain.map(TrustDomain::as_str)
            && !limits.uri.allow(domain, uri_matches)
        {
            let message = format!(
                "the nameConstraints of {who} do not allow the trust domain {domain}: {}. istiod issues certificates that every strict verifier refuses (permitted subtree violation)",
                limits.uri
            );
            findings.push(Finding::breaks("istio.foreign_name_constraint", file, message, REMEDY));
        } else if limits.uri.permits_no_host() {
            let message = format!(
                "the nameConstraints of {who} permit no trust domain at all: {}. A limit on URIs is a host, without scheme and path",
                limits.uri
            );
            findings.push(Finding::breaks("istio.foreign_name_constraint", file, message, REMEDY));
        } else if !limits.uri.is_free() {
            let message = format!(
                "the nameConstraints of {who} limit URIs: {}. rustls, and with it ztunnel, refuses every SPIFFE ID under such a limit; Envoy accepts it",
                limits.uri
            );
            findings.push(Finding::hurts("istio.uri_name_constraint", file, message, "do without them where ambient mode or rustls is used"));
        }
        if !limits.dns.allow(ISTIOD, dns_matches) {
            let message = format!("the nameConstraints of {who} do not allow istiod's name {ISTIOD}: {}. No proxy connects to istiod", limits.dns);
            findings.push(Finding::breaks(
                "istio.foreign_name_constraint",
                file,
                message,
                "allow the DNS names of istiod too, or limit no DNS names",
            ));
        }
    }
}

/// The names inside the CA certificates are under the constraints as well, and those Go checks when istiod starts.
fn ca_names(below: &Certificate, limits: &Limits, who: &crate::x509::DistinguishedName, file: &'static str) -> Option<Finding> {
    let names = below.alt_names()?;
    let uris = names.uris.iter().filter(|uri| !host(uri).is_some_and(|host| limits.uri.allow(host, uri_matches)) && !limits.uri.is_free());
    let dns = names.dns.iter().filter(|name| !limits.dns.allow(name, dns_matches));
    let culprit = uris.chain(dns).next()?;
    let message = format!("the nameConstraints of {who} do not allow the name {} of the CA {}", culprit.escape_default(), below.subject());
    let says = format!("{CANNOT_VERIFY}a root or intermediate certificate is not authorized to sign for this name: …");
    Some(Finding::refused("istio.ca_name_not_permitted", file, message, REMEDY).says(says))
}

fn extension(cert: &Certificate) -> Option<(bool, Vec<u8>)> {
    let parsed = CertRef::parse(cert.der()).ok()?;
    let extension = parsed.tbs.extension(ext::NAME_CONSTRAINTS)?;
    Some((extension.critical, extension.value.to_vec()))
}

/// What one extension says about the two kinds of names that matter in a mesh.
#[derive(Default)]
struct Limits {
    uri: Subtrees,
    dns: Subtrees,
    /// Kinds that Go's verifier does not know: directory names and rarer ones.
    others: bool,
}

#[derive(Default)]
struct Subtrees {
    permitted: Vec<String>,
    excluded: Vec<String>,
}

impl Limits {
    fn decode(value: &[u8]) -> Option<Self> {
        let decoded = NameConstraints::from_der(value).ok()?;
        let mut limits = Self::default();
        for (permitted, subtrees) in [(true, decoded.permitted_subtrees), (false, decoded.excluded_subtrees)] {
            for subtree in subtrees.unwrap_or_default() {
                let (kind, text) = match subtree.base {
                    GeneralName::UniformResourceIdentifier(uri) => (&mut limits.uri, uri.as_str().to_ascii_lowercase()),
                    GeneralName::DnsName(name) => (&mut limits.dns, name.as_str().to_ascii_lowercase()),
                    GeneralName::Rfc822Name(_) | GeneralName::IpAddress(_) => continue,
                    _ => {
                        limits.others = true;
                        continue;
                    }
                };
                if permitted { kind.permitted.push(text) } else { kind.excluded.push(text) }
            }
        }
        Some(limits)
    }
}

impl Subtrees {
    fn is_free(&self) -> bool {
        self.permitted.is_empty() && self.excluded.is_empty()
    }

    /// All that is permitted looks like `spiffe://mesh.example`, which no host equals.
    fn permits_no_host(&self) -> bool {
        !self.permitted.is_empty() && self.permitted.iter().all(|constraint| constraint.contains(['/', ':']))
    }

    fn allow(&self, name: &str, matches: fn(&str, &str) -> bool) -> bool {
        let any = |constraints: &[String]| constraints.iter().any(|constraint| matches(name, constraint));
        (self.permitted.is_empty() || any(&self.permitted)) && !any(&self.excluded)
    }
}

/// `permitted a.example, b.example; excluded c.example`
impl core::fmt::Display for Subtrees {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let lists = [("permitted", &self.permitted), ("excluded", &self.excluded)];
        let said: Vec<_> = lists.iter().filter(|(_, list)| !list.is_empty()).map(|(word, list)| format!("{word} {}", shown(list))).collect();
        f.write_str(&said.join("; "))
    }
}

fn shown(list: &[String]) -> String {
    let mut names: Vec<_> = list.iter().take(5).map(|name| name.escape_default().to_string()).collect();
    if list.len() > 5 {
        names.push(format!("and {} more", list.len().saturating_sub(5)));
    }
    names.join(", ")
}

/// RFC 5280 §4.2.1.10: a host means that host alone; with a dot in front, everything below it.
fn uri_matches(host: &str, constraint: &str) -> bool {
    if constraint.starts_with('.') { host.ends_with(constraint) && host.len() > constraint.len() } else { host == constraint }
}

/// A DNS name allows itself and everything below it; a dot in front means the latter alone, as Go reads it.
fn dns_matches(name: &str, constraint: &str) -> bool {
    let name = name.to_ascii_lowercase();
    match name.strip_suffix(constraint) {
        Some("") => !constraint.starts_with('.'),
        Some(rest) => constraint.is_empty() || constraint.starts_with('.') || rest.ends_with('.'),
        None => false,
    }
}

fn host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())
}
