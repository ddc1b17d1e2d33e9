//! `https://host[:port]/path`.

use std::fmt;

use rustls::pki_types::ServerName;

use super::NetError;
use super::address::host_and_port;

/// Characters of the longest URL that is asked for.
const LONGEST: usize = 2048;

/// Where a document is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HttpsUrl {
    pub(crate) host: String,
    pub(super) port: u16,
    pub(super) server_name: ServerName<'static>,
    /// What stands in the `Host` header.
    pub(super) authority: String,
    /// Path and query.
    pub(super) target: String,
    /// As it was written.
    text: String,
}

impl HttpsUrl {
    pub(crate) const SCHEME: &'static str = "https://";

    /// Reads a URL. Plain HTTP is not one: a bundle that anybody on the way can change is worse than none.
    pub(crate) fn parse(text: &str) -> Result<Self, NetError> {
        let wrong = |why: &str| NetError::Address(format!("'{}' {why}", text.escape_debug()));
        let rest = text.strip_prefix(Self::SCHEME).ok_or_else(|| wrong("is no https URL"))?;
        if text.len() > LONGEST {
            return Err(NetError::Address("the URL has more than 2048 characters".into()));
        }
        let rest = rest.split('#').next().unwrap_or(rest);
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            return Err(wrong("has a user name in it, which SPIFFE Federation §5.2 forbids"));
        }
        // It becomes a line of the request: nothing in it may end that line.
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(wrong("has characters in its path that must be percent-encoded"));
        }
        let (host, port) = host_and_port(authority).ok_or_else(|| wrong("names no host"))?;
        let server_name = ServerName::try_from(host.clone()).map_err(|_| wrong("names a host that is neither a DNS name nor an IP address"))?;
        let target = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { host, port: port.unwrap_or(443), server_name, authority: authority.to_owned(), target, text: text.to_owned() })
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let url = HttpsUrl::parse("https://mesh.example:8443/bundle?x=1#top").unwrap();
        assert_eq!(
            (url.host.as_str(), url.port, url.authority.as_str(), url.target.as_str()),
            ("mesh.example", 8443, "mesh.example:8443", "/bundle?x=1")
        );
        assert_eq!(HttpsUrl::parse("https://mesh.example").unwrap().target, "/");
        assert_eq!(HttpsUrl::parse("https://mesh.example?x").unwrap().target, "/?x");
        assert_eq!(HttpsUrl::parse("https://[::1]:1/").unwrap().port, 1);
    }

    #[test]
    fn what_could_end_a_line_of_the_request_is_no_url() {
        for wrong in ["https://", "https://a b/", "https://a/b c", "https://a/\r\nX: y", "https://u:p@a/", "http://a/", "https://a:b/", "https://ä/"]
        {
            assert!(matches!(HttpsUrl::parse(wrong), Err(NetError::Address(_))), "{wrong}");
        }
        assert!(HttpsUrl::parse(&format!("https://a/{}", "x".repeat(3000))).is_err());
    }
}
