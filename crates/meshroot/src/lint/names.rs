//! The syntax of the names in a subjectAltName (RFC 5280 §4.2.1.6). Runs before every signature: nothing is allocated
//! while all is well.

use super::Finding;
use crate::x509::AltNames;

const FIELD: &str = "subjectAltName";
const SOURCE: &str = "RFC 5280 §4.2.1.6";

/// One finding for each kind of name, about the first that is wrong.
pub(super) fn syntax(names: &AltNames<'_>, out: &mut Vec<Finding>) {
    if let Some((name, why)) = names.dns.iter().find_map(|name| Some((name, dns(name)?))) {
        out.push(Finding::error("lint.dns_name", FIELD, format!("the DNS name '{}' is malformed: {why}", shown(name)), SOURCE));
    }
    if let Some((name, why)) = names.emails.iter().find_map(|name| Some((name, email(name)?))) {
        out.push(Finding::error("lint.email_address", FIELD, format!("the e-mail address '{}' is malformed: {why}", shown(name)), SOURCE));
    }
    if let Some(ip) = names.ips.iter().find(|ip| ip.len() != 4 && ip.len() != 16) {
        out.push(Finding::error("lint.ip_length", FIELD, format!("an IP address has {} octets: it must have 4 or 16", ip.len()), SOURCE));
    }
    if let Some(name) = names.uris.iter().find(|name| !has_scheme(name)) {
        out.push(Finding::error("lint.relative_uri", FIELD, format!("the URI '{}' has no scheme", shown(name)), SOURCE));
    }
}

/// Why it is no host name in the preferred syntax (RFC 1034 §3.5, RFC 1123 §2.1), a wildcard allowed for its first label
/// (RFC 9525 §6.3).
fn dns(name: &str) -> Option<&'static str> {
    if name.is_empty() || name == " " {
        return Some("it is empty");
    }
    if name.len() > 253 {
        return Some("it is longer than 253 bytes");
    }
    if name.ends_with('.') {
        return Some("it ends with a dot");
    }
    let labels = name.strip_prefix("*.").unwrap_or(name);
    if labels.contains('*') {
        return Some("a wildcard may only be the whole first label");
    }
    labels.split('.').find_map(|label| {
        let fits = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match label.len() {
            0 => Some("it has an empty label"),
            64.. => Some("it has a label of more than 63 bytes"),
            _ if !fits => Some("only letters, digits, hyphens and dots may stand in it"),
            _ if label.starts_with('-') || label.ends_with('-') => Some("a label begins or ends with a hyphen"),
            _ => None,
        }
    })
}

/// Why it is no Mailbox (RFC 5321 §4.1.2), as far as certificates are told apart by it.
fn email(address: &str) -> Option<&'static str> {
    match address.rsplit_once('@') {
        None => Some("it has no @"),
        Some(("", _)) => Some("nothing stands before the @"),
        Some((_, host)) if host.starts_with('[') => None,
        Some((_, host)) => dns(host).map(|_| "what stands behind the @ is no host name"),
    }
}

/// RFC 3986 §3.1. What the scheme means is judged elsewhere.
fn has_scheme(uri: &str) -> bool {
    let Some((scheme, _)) = uri.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Untrusted text as a message can show it.
fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_letters_digits_and_hyphens() {
        for good in ["a", "west.mesh.example", "*.mesh.example", "xn--bcher-kva.example", "1.example", &"a".repeat(63)] {
            assert_eq!(dns(good), None, "{good}");
        }
        let long = "a".repeat(64);
        for bad in ["", " ", ".", "a.", ".a", "a..b", "a b", "a_b", "*", "*a.b", "a.*.b", "-a", "a-", "ä", "a\0", &long, &"a.".repeat(127)] {
            assert!(dns(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn addresses_have_two_halves_and_uris_a_scheme() {
        assert_eq!(email("ops@mesh.example"), None);
        assert_eq!(email("ops@[192.0.2.1]"), None);
        for bad in ["ops", "@mesh.example", "ops@", "ops@a b"] {
            assert!(email(bad).is_some(), "{bad:?}");
        }
        assert!(has_scheme("spiffe://mesh.example") && has_scheme("urn:a"));
        assert!(!has_scheme("mesh.example/ns") && !has_scheme("://a") && !has_scheme("1a:b") && !has_scheme(""));
    }
}
