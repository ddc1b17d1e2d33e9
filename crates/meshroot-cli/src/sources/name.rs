//! A source as people write it: `[NAME=]PLACE`.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::exit::{Failure, Result};
use crate::input;
use crate::net::{HttpsUrl, TlsAddress};

/// Characters of the longest cluster name.
const LONGEST_NAME: usize = 253;

/// One source.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The cluster that it is about, if a person said so.
    pub(crate) cluster: Option<String>,
    pub(crate) place: Place,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Stdin,
    Path(PathBuf),
    Tls(TlsAddress),
    Https(HttpsUrl),
}

impl Source {
    /// Reads what was written; `server_name` is what TLS endpoints are asked for.
    pub(crate) fn parse(text: &str, server_name: Option<&str>) -> Result<Self> {
        let (cluster, place) = match named(text) {
            Some((cluster, place)) => (Some(cluster.to_owned()), place),
            None => (None, text),
        };
        let place = match place.split_once("://") {
            Some(("tls", _)) => Place::Tls(TlsAddress::parse(place, server_name)?),
            Some(("https", _)) => Place::Https(HttpsUrl::parse(place)?),
            Some(("http", _)) => {
                let message = format!("'{}': whoever is on the way can change what comes over plain HTTP: use https", place.escape_debug());
                return Err(Failure::usage("doctor.plain_http", message));
            }
            Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !Path::new(place).exists() => {
                let message = format!("'{}': sources are read from files, https:// and tls://", place.escape_debug());
                return Err(Failure::usage("doctor.scheme", message));
            }
            None if place == "-" => Place::Stdin,
            _ => Place::Path(PathBuf::from(place)),
        };
        Ok(Self { cluster, place })
    }
}

/// `west=somewhere`, unless that is a file.
fn named(text: &str) -> Option<(&str, &str)> {
    let (name, place) = text.split_once('=')?;
    let is_name =
        (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'));
    (is_name && !place.is_empty() && !Path::new(text).exists()).then_some((name, place))
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cluster {
            Some(cluster) => write!(f, "{cluster}={}", self.place),
            None => write!(f, "{}", self.place),
        }
    }
}

/// As it was written.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str(&input::named(Path::new("-"))),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Tls(address) => write!(f, "{address}"),
            Self::Https(url) => write!(f, "{url}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Source {
        Source::parse(text, None).unwrap()
    }

    #[test]
    fn a_name_stands_before_an_equals_sign() {
        let source = parse("west=a/b=c");
        assert_eq!((source.cluster.as_deref(), source.place), (Some("west"), Place::Path("a/b=c".into())));
        for whole in ["a/b=c", "=x", "west=", "no name=x"] {
            let source = parse(whole);
            assert_eq!((source.cluster, source.place), (None, Place::Path(whole.into())), "{whole}");
        }
        let source = parse("east=tls://10.0.0.1:15443?sni=a.b");
        assert!(matches!(source.place, Place::Tls(_)) && source.cluster.as_deref() == Some("east"));
        assert!(parse("https://mesh.example/?a=b").cluster.is_none());
        assert_eq!(parse("west=-").place, Place::Stdin);
    }

    #[test]
    fn other_schemes_are_refused() {
        let code = |text| Source::parse(text, None).unwrap_err().code;
        assert_eq!(code("http://a/bundle.json"), "doctor.plain_http");
        assert_eq!(code("ftp://a/bundle.json"), "doctor.scheme");
        assert_eq!(code("tls://a"), "net.address");
    }
}
