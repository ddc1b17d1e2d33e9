//! Whether one name lies within one constraint, by kind (RFC 5280 §4.2.1.10).

use core::net::IpAddr;

/// Where a name stands to a constraint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// All that the name can mean lies inside.
    Inside,
    /// Nothing of it does.
    Outside,
    /// Some of it does (a wildcard), or it cannot be told: it is not permitted, and it is excluded.
    Unclear,
}

impl From<bool> for Fit {
    fn from(inside: bool) -> Self {
        if inside { Self::Inside } else { Self::Outside }
    }
}

/// `host.example` covers itself and everything below; the empty constraint covers every name.
///
/// A constraint with a leading dot or an asterisk is no DNS name (RFC 5280 §4.2.1.10 has the dot for URIs only), so it
/// permits nothing and excludes everything.
pub(super) fn dns(constraint: &str, name: &str) -> Fit {
    let (rest, wildcard) = name.strip_prefix("*.").map_or((name, false), |rest| (rest, true));
    if !is_host(rest) || !(constraint.is_empty() || is_host(constraint)) {
        return Fit::Unclear;
    }
    let (constraint, rest) = (without_root(constraint), without_root(rest));
    if constraint.is_empty() || rest.eq_ignore_ascii_case(constraint) || is_below(constraint, rest) {
        return Fit::Inside;
    }
    // `*.example` may stand for the very host that is constrained.
    if wildcard && is_below(rest, constraint) { Fit::Unclear } else { Fit::Outside }
}

/// An address stands for itself, a host for its mailboxes, a leading dot for those of all hosts below.
pub(super) fn email(constraint: &str, name: &str) -> Fit {
    let Some((local, host)) = mailbox(name) else { return Fit::Unclear };
    match mailbox(constraint) {
        Some((their_local, their_host)) => Fit::from(local == their_local && host.eq_ignore_ascii_case(their_host)),
        None if constraint.contains('@') => Fit::Unclear,
        None => host_or_below(constraint, host),
    }
}

/// The URI's host stands for itself; with a leading dot, the constraint covers what is below and not itself.
pub(super) fn uri(constraint: &str, name: &str) -> Fit {
    uri_host(name).map_or(Fit::Unclear, |host| host_or_below(constraint, host))
}

/// An address within a range given as address and mask. Addresses of the other family lie outside.
pub(super) fn ip(address: &[u8], mask: &[u8], name: &[u8]) -> Fit {
    match name.len() {
        4 | 16 => Fit::from(address.len() == name.len() && name.iter().zip(mask).zip(address).all(|((n, m), a)| n & m == a & m)),
        _ => Fit::Unclear,
    }
}

pub(super) fn host_or_below(constraint: &str, host: &str) -> Fit {
    let (domain, below) = constraint.strip_prefix('.').map_or((constraint, false), |domain| (domain, true));
    if !is_host(domain) || !is_host(host) {
        return Fit::Unclear;
    }
    Fit::from(if below { is_below(domain, host) } else { host.eq_ignore_ascii_case(domain) })
}

/// One `@`, with something on both sides. Quoted local parts, which may hold another, are not judged.
fn mailbox(address: &str) -> Option<(&str, &str)> {
    let (local, host) = address.split_once('@')?;
    (!local.is_empty() && !local.contains('"') && is_host(host)).then_some((local, host))
}

/// Labels of letters, digits, hyphens and, as real hosts have them, underscores; one dot may follow.
pub(super) fn is_host(name: &str) -> bool {
    let label = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    without_root(name).split('.').all(label)
}

/// `host.example.` with the root's dot is `host.example`.
fn without_root(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Whether `name` is `label.domain`, with one label or more.
fn is_below(domain: &str, name: &str) -> bool {
    let Some(at) = name.len().checked_sub(domain.len()) else { return false };
    match (name.get(..at), name.get(at..)) {
        (Some(labels), Some(rest)) => labels.len() > 1 && labels.ends_with('.') && rest.eq_ignore_ascii_case(domain),
        _ => false,
    }
}

/// The host of a URI with an authority. RFC 5280: a URI without one, or with an IP address for it, cannot be judged.
fn uri_host(uri: &str) -> Option<&str> {
    raw_uri_host(uri).filter(|host| !host.is_empty() && host.parse::<IpAddr>().is_err() && !host.starts_with('['))
}

/// What stands where the host does.
pub(super) fn raw_uri_host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Some(host.rsplit_once(':').map_or(host, |(host, _)| host))
}

#[cfg(test)]
mod tests {
    use super::Fit::{Inside, Outside, Unclear};
    use super::*;

    #[test]
    fn a_uri_constraint_is_a_host_and_a_dot_means_below() {
        let cases = [
            ("mesh.example", "spiffe://mesh.example/ns/a", Inside),
            ("MESH.example", "spiffe://mesh.example", Inside),
            ("mesh.example", "spiffe://west.mesh.example/ns/a", Outside),
            (".mesh.example", "spiffe://west.mesh.example/ns/a", Inside),
            (".mesh.example", "spiffe://mesh.example/ns/a", Outside),
            (".mesh.example", "spiffe://evilmesh.example/ns/a", Outside),
            (".mesh.example", "spiffe://.mesh.example/ns/a", Unclear),
            ("mesh.example", "https://mesh.example:8443/a", Inside),
            ("mesh.example", "https://user@mesh.example?a", Inside),
            ("mesh.example", "spiffe://192.0.2.1/a", Unclear),
            ("mesh.example", "spiffe://[2001:db8::1]/a", Unclear),
            ("mesh.example", "urn:a:b", Unclear),
            ("https://mesh.example", "spiffe://mesh.example/a", Unclear),
        ];
        for (constraint, name, fit) in cases {
            assert_eq!(uri(constraint, name), fit, "{constraint} {name}");
        }
    }

    #[test]
    fn a_dns_constraint_covers_what_is_below() {
        let cases = [
            ("mesh.example", "mesh.example", Inside),
            ("mesh.example", "a.b.MESH.example", Inside),
            ("mesh.example", "mesh.example.", Inside),
            ("", "anything", Inside),
            ("mesh.example", "notmesh.example", Outside),
            ("mesh.example", "example", Outside),
            (".mesh.example", "a.mesh.example", Unclear),
            ("*.mesh.example", "a.mesh.example", Unclear),
            ("mesh.example", ".mesh.example", Unclear),
            ("mesh.example", "a..mesh.example", Unclear),
            ("mesh.example", "a b", Unclear),
        ];
        for (constraint, name, fit) in cases {
            assert_eq!(dns(constraint, name), fit, "{constraint} {name}");
        }
    }

    #[test]
    fn a_wildcard_is_inside_only_when_all_of_it_is() {
        for (constraint, fit) in [("example", Inside), ("mesh.example", Inside), ("a.mesh.example", Unclear), ("other.example", Outside)] {
            assert_eq!(dns(constraint, "*.mesh.example"), fit, "{constraint}");
        }
        assert_eq!(dns("mesh.example", "a.*.mesh.example"), Unclear, "an asterisk stands first or nowhere");
    }

    #[test]
    fn an_email_constraint_is_a_mailbox_a_host_or_hosts_below() {
        let cases = [
            ("a@mesh.example", "a@MESH.example", Inside),
            ("a@mesh.example", "A@mesh.example", Outside),
            ("*@mesh.example", "a@mesh.example", Outside),
            ("**@mesh.example", "**@mesh.example", Inside),
            ("mesh.example", "a@mesh.example", Inside),
            ("mesh.example", "a@b.mesh.example", Outside),
            (".mesh.example", "a@b.mesh.example", Inside),
            (".mesh.example", "a@mesh.example", Outside),
            ("a@b@mesh.example", "a@mesh.example", Unclear),
            ("mesh.example", "a@b@mesh.example", Unclear),
            ("mesh.example", "\"a@b\"@mesh.example", Unclear),
            ("mesh.example", "mesh.example", Unclear),
        ];
        for (constraint, name, fit) in cases {
            assert_eq!(email(constraint, name), fit, "{constraint} {name}");
        }
    }

    #[test]
    fn an_ip_constraint_is_a_range_of_its_own_family() {
        let (net, mask) = ([192, 0, 2, 0], [255, 255, 255, 0]);
        assert_eq!(ip(&net, &mask, &[192, 0, 2, 9]), Inside);
        assert_eq!(ip(&net, &mask, &[192, 0, 3, 9]), Outside);
        assert_eq!(ip(&net, &mask, &[0; 16]), Outside);
        assert_eq!(ip(&net, &mask, &[192, 0, 2, 0, 255, 255, 255, 0]), Unclear, "a range is no address");
    }
}
