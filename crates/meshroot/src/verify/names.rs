//! Name constraints (RFC 5280 §4.2.1.10): what names may appear below a CA.

use core::net::IpAddr;

use der::{Decode, Encode};
use x509_cert::ext::pkix;
use x509_cert::ext::pkix::name::GeneralName;

use super::Reason;
use crate::x509::AltNames;

/// One CA's constraints, read.
#[derive(Debug)]
pub(super) struct NameConstraints {
    permitted: Vec<Constraint>,
    excluded: Vec<Constraint>,
}

#[derive(Debug)]
enum Constraint {
    Dns(String),
    Email(String),
    Uri(String),
    Ip {
        address: Vec<u8>,
        mask: Vec<u8>,
    },
    /// The RDNs of a Name, each in DER.
    Directory(Vec<Vec<u8>>),
}

/// One name of a certificate.
enum Candidate<'a> {
    Dns(&'a str),
    Email(&'a str),
    Uri(&'a str),
    Ip(&'a [u8]),
    Directory(Vec<Vec<u8>>),
}

impl NameConstraints {
    pub(super) fn decode(value: &[u8]) -> Result<Self, Reason> {
        let malformed = Reason::MalformedExtension("nameConstraints");
        let decoded = pkix::NameConstraints::from_der(value).map_err(|_| malformed)?;
        let read = |subtrees: Option<Vec<pkix::constraints::name::GeneralSubtree>>| {
            subtrees.unwrap_or_default().into_iter().map(Constraint::read).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self { permitted: read(decoded.permitted_subtrees)?, excluded: read(decoded.excluded_subtrees)? })
    }

    /// Judges every name of a certificate below.
    pub(super) fn check(&self, subject: &[u8], names: Option<&AltNames<'_>>) -> Result<(), Reason> {
        let mut candidates: Vec<Candidate<'_>> = Vec::new();
        if subject != [0x30, 0x00] {
            candidates.push(Candidate::Directory(rdns(subject).ok_or(Reason::MalformedExtension("subject"))?));
        }
        if let Some(names) = names {
            candidates.extend(names.dns.iter().map(|name| Candidate::Dns(name)));
            candidates.extend(names.emails.iter().map(|name| Candidate::Email(name)));
            candidates.extend(names.uris.iter().map(|name| Candidate::Uri(name)));
            candidates.extend(names.ips.iter().map(|name| Candidate::Ip(name)));
            for name in &names.directory_names {
                candidates.push(Candidate::Directory(rdns(name).ok_or(Reason::MalformedExtension("subjectAltName"))?));
            }
        }
        candidates.iter().try_for_each(|candidate| self.check_one(candidate))
    }

    fn check_one(&self, name: &Candidate<'_>) -> Result<(), Reason> {
        if let Some(hit) = self.excluded.iter().find(|constraint| constraint.matches(name) != Some(false) && constraint.same_kind(name)) {
            return Err(Reason::NameConstraint { name: name.show(), constraint: format!("{} is excluded", hit.show()) });
        }
        let mut of_this_kind = self.permitted.iter().filter(|constraint| constraint.same_kind(name)).peekable();
        if of_this_kind.peek().is_none() {
            return Ok(());
        }
        if of_this_kind.any(|constraint| constraint.matches(name) == Some(true)) {
            return Ok(());
        }
        let permitted: Vec<String> = self.permitted.iter().filter(|c| c.same_kind(name)).map(Constraint::show).collect();
        Err(Reason::NameConstraint { name: name.show(), constraint: format!("only {} is permitted", permitted.join(", ")) })
    }
}

impl Constraint {
    fn read(subtree: pkix::constraints::name::GeneralSubtree) -> Result<Self, Reason> {
        // RFC 5280 §4.2.1.10: minimum is zero and maximum absent.
        if subtree.minimum != 0 || subtree.maximum.is_some() {
            return Err(Reason::UnsupportedNameConstraint);
        }
        Ok(match subtree.base {
            GeneralName::DnsName(name) => Self::Dns(name.to_string()),
            GeneralName::Rfc822Name(name) => Self::Email(name.to_string()),
            GeneralName::UniformResourceIdentifier(name) => Self::Uri(name.to_string()),
            GeneralName::IpAddress(octets) => match octets.as_bytes() {
                both @ ([_, _, _, _, _, _, _, _]
                | [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]) => {
                    let (address, mask) = both.split_at(both.len() / 2);
                    Self::Ip { address: address.into(), mask: mask.into() }
                }
                _ => return Err(Reason::MalformedExtension("nameConstraints")),
            },
            GeneralName::DirectoryName(name) => {
                let der = name.to_der().map_err(|_| Reason::MalformedExtension("nameConstraints"))?;
                Self::Directory(rdns(&der).ok_or(Reason::MalformedExtension("nameConstraints"))?)
            }
            _ => return Err(Reason::UnsupportedNameConstraint),
        })
    }

    fn same_kind(&self, name: &Candidate<'_>) -> bool {
        matches!(
            (self, name),
            (Self::Dns(_), Candidate::Dns(_))
                | (Self::Email(_), Candidate::Email(_))
                | (Self::Uri(_), Candidate::Uri(_))
                | (Self::Ip { .. }, Candidate::Ip(_))
                | (Self::Directory(_), Candidate::Directory(_))
        )
    }

    /// Whether the name lies inside; `None` when it cannot be told, which permits nothing and excludes everything.
    fn matches(&self, name: &Candidate<'_>) -> Option<bool> {
        match (self, name) {
            (Self::Dns(constraint), Candidate::Dns(name)) => Some(dns_matches(constraint, name)),
            (Self::Email(constraint), Candidate::Email(name)) => email_matches(constraint, name),
            (Self::Uri(constraint), Candidate::Uri(name)) => Some(host_matches(constraint, uri_host(name)?)),
            (Self::Ip { address, mask }, Candidate::Ip(name)) => {
                let same_length = address.len() == name.len();
                Some(same_length && name.iter().zip(mask).zip(address).all(|((n, m), a)| n & m == a & m))
            }
            (Self::Directory(constraint), Candidate::Directory(name)) => Some(name.starts_with(constraint)),
            _ => Some(false),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Dns(name) => format!("DNS:{name}"),
            Self::Email(name) => format!("email:{name}"),
            Self::Uri(name) => format!("URI:{name}"),
            Self::Ip { address, mask } => format!("IP:{address:?}/{mask:?}"),
            Self::Directory(name) => format!("a directory name of {} parts", name.len()),
        }
    }
}

impl Candidate<'_> {
    fn show(&self) -> String {
        match self {
            Self::Dns(name) | Self::Email(name) | Self::Uri(name) => (*name).to_owned(),
            Self::Ip(octets) => format!("{octets:?}"),
            Self::Directory(_) => "the subject".to_owned(),
        }
    }
}

/// `host.example` covers itself and everything below; so does `.host.example`, by custom, without itself.
fn dns_matches(constraint: &str, name: &str) -> bool {
    if constraint.is_empty() {
        return true;
    }
    let (constraint, below_only) = constraint.strip_prefix('.').map_or((constraint, false), |rest| (rest, true));
    is_below(constraint, name) || (!below_only && name.eq_ignore_ascii_case(constraint))
}

/// RFC 5280: a host stands for itself; with a leading dot, for everything below and not itself.
fn host_matches(constraint: &str, host: &str) -> bool {
    match constraint.strip_prefix('.') {
        Some(domain) => is_below(domain, host),
        None => host.eq_ignore_ascii_case(constraint),
    }
}

/// Whether `name` is `label.domain`, with one label or more.
fn is_below(domain: &str, name: &str) -> bool {
    let Some(at) = name.len().checked_sub(domain.len()) else { return false };
    match (name.get(..at), name.get(at..)) {
        (Some(labels), Some(rest)) => labels.len() > 1 && labels.ends_with('.') && rest.eq_ignore_ascii_case(domain),
        _ => false,
    }
}

/// An address stands for itself, a host for its mailboxes, a leading dot for those of hosts below.
fn email_matches(constraint: &str, name: &str) -> Option<bool> {
    let (local, host) = name.rsplit_once('@')?;
    Some(match constraint.rsplit_once('@') {
        Some((their_local, their_host)) => local == their_local && host.eq_ignore_ascii_case(their_host),
        None => host_matches(constraint, host),
    })
}

/// The host of a URI with an authority. RFC 5280: a URI without one, or with an IP address for it, cannot be judged.
fn uri_host(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    (!host.is_empty() && host.parse::<IpAddr>().is_err() && !host.starts_with('[')).then_some(host)
}

/// The RDNs of a Name, each in DER.
fn rdns(name: &[u8]) -> Option<Vec<Vec<u8>>> {
    let name = x509_cert::name::Name::from_der(name).ok()?;
    name.iter_rdn().map(|rdn| rdn.to_der().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_constraint_is_a_host_and_a_dot_means_below() {
        assert!(host_matches("mesh.example", "mesh.example"));
        assert!(!host_matches("mesh.example", "west.mesh.example"));
        assert!(host_matches(".mesh.example", "west.mesh.example"));
        assert!(!host_matches(".mesh.example", "mesh.example"));
        assert!(!host_matches(".mesh.example", "evilmesh.example"));
        assert!(!host_matches(".mesh.example", ".mesh.example"));
    }

    #[test]
    fn a_dns_constraint_covers_what_is_below() {
        assert!(dns_matches("mesh.example", "a.b.mesh.example"));
        assert!(dns_matches("", "anything"));
        assert!(!dns_matches("mesh.example", "notmesh.example"));
    }

    #[test]
    fn a_uri_without_a_name_for_its_host_cannot_be_judged() {
        assert_eq!(uri_host("spiffe://mesh.example/ns/a"), Some("mesh.example"));
        assert_eq!(uri_host("spiffe://192.0.2.1/a"), None);
        assert_eq!(uri_host("urn:a:b"), None);
    }
}
