//! `tls://host:port?sni=NAME&alpn=A,B`: whom to talk to, and as what.

use std::fmt;

use rustls::pki_types::ServerName;

use super::NetError;

/// What a mesh's peers select a filter chain by, most telling first. A sidecar takes `istio` for mutual TLS (without it
/// a permissive one hands the bytes to the application); ztunnel and istiod want `h2`; everything else is some web server.
const ALPN: [&str; 3] = ["istio", "h2", "http/1.1"];
/// Names in one offer; a ClientHello has room for more, but nobody means more.
const MOST_PROTOCOLS: usize = 16;

/// A TLS endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsAddress {
    pub(super) host: String,
    pub(super) port: u16,
    /// What the ClientHello names; an IP address names nothing (RFC 6066 §3).
    pub(super) server_name: ServerName<'static>,
    pub(super) alpn: Vec<Vec<u8>>,
    /// As it was written.
    text: String,
}

impl TlsAddress {
    pub(crate) const SCHEME: &'static str = "tls://";

    /// Reads an address; `server_name` is what is asked for when the address itself does not say.
    pub(crate) fn parse(text: &str, server_name: Option<&str>) -> Result<Self, NetError> {
        let wrong = |why: &str| NetError::Address(format!("'{}' {why}: write tls://HOST:PORT", text.escape_debug()));
        let rest = text.strip_prefix(Self::SCHEME).ok_or_else(|| wrong("is no TLS address"))?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, port) = host_and_port(place.strip_suffix('/').unwrap_or(place)).ok_or_else(|| wrong("names no host"))?;
        let port = port.ok_or_else(|| wrong("names no port"))?;
        let mut sni = server_name.map(str::to_owned);
        let mut alpn: Vec<Vec<u8>> = ALPN.iter().map(|name| name.as_bytes().to_vec()).collect();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sni", name)) => sni = Some(name.to_owned()),
                Some(("alpn", names)) => alpn = protocols(names).ok_or_else(|| wrong("has an alpn that no protocol is called"))?,
                _ => return Err(wrong("has a part after ? that is neither sni=NAME nor alpn=A,B")),
            }
        }
        let name = sni.as_deref().unwrap_or(&host).to_owned();
        let server_name = ServerName::try_from(name).map_err(|_| wrong("has a server name that is neither a DNS name nor an IP address"))?;
        Ok(Self { host, port, server_name, alpn, text: text.to_owned() })
    }

    /// `host:port`.
    pub(crate) fn place(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Display for TlsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.text.escape_debug())
    }
}

fn protocols(names: &str) -> Option<Vec<Vec<u8>>> {
    let names: Vec<Vec<u8>> = names.split(',').filter(|name| !name.is_empty()).map(|name| name.as_bytes().to_vec()).collect();
    (names.len() <= MOST_PROTOCOLS && names.iter().all(|name| name.len() < 256)).then_some(names)
}

/// `host:port`, `[::1]:port`, or a host alone.
pub(super) fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        // Several colons are an IPv6 address without its brackets: what would be the port?
        None if text.matches(':').count() > 1 => return None,
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':')) {
        return None;
    }
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port| *port > 0)?),
        None => None,
    };
    Some((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<TlsAddress, NetError> {
        TlsAddress::parse(text, None)
    }

    #[test]
    fn the_host_is_the_server_name_unless_another_is_said() {
        let name = |text: &str, asked| TlsAddress::parse(text, asked).unwrap().server_name.to_str().into_owned();
        assert_eq!(name("tls://west.example:15443", None), "west.example");
        assert_eq!(name("tls://10.0.0.1:15443", Some("istiod.istio-system.svc")), "istiod.istio-system.svc");
        let service = "outbound_.8080_._.echo.sample.svc.cluster.local";
        assert_eq!(name(&format!("tls://10.0.0.1:15443?sni={service}"), Some("x.example")), service);
        assert_eq!(name("tls://[::1]:443/", None), "::1");
    }

    #[test]
    fn the_protocols_are_those_of_a_mesh_unless_others_are_said() {
        assert_eq!(parse("tls://a:1").unwrap().alpn, [b"istio".as_slice(), b"h2", b"http/1.1"]);
        assert_eq!(parse("tls://a:1?alpn=istio-peer-exchange,h2").unwrap().alpn, [b"istio-peer-exchange".as_slice(), b"h2"]);
        assert!(parse("tls://a:1?alpn=").unwrap().alpn.is_empty());
    }

    #[test]
    fn what_is_no_address_is_said_to_be_none() {
        for wrong in [
            "tls://",
            "tls://a",
            "tls://a:",
            "tls://a:0",
            "tls://a:70000",
            "tls://:1",
            "tls://::1:443",
            "tls://[::1",
            "tls://a b:1",
            "tls://a:1?x=y",
            "tls://a:1?sni=",
            "tls://a:1?sni=-",
        ] {
            assert!(matches!(parse(wrong), Err(NetError::Address(why)) if why.contains("tls://HOST:PORT")), "{wrong}");
        }
    }
}
