//! What goes wrong between two machines, each in a sentence that says who should do what.

use std::fmt;
use std::io;

use crate::exit::{Exit, Failure};

/// Why nothing was learnt from a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NetError {
    /// An address that cannot be read.
    Address(String),
    /// The name has no address.
    Unresolved(String),
    /// Nobody takes connections there.
    Refused(String),
    /// Time ran out, in this phase.
    TimedOut(&'static str),
    /// The connection ended without a word of TLS.
    Closed,
    /// It answers, but in another protocol: what it said first.
    NotTls(String),
    /// TLS failed, as the peer's alert or our library says.
    Tls(String),
    /// The server's certificate is not trusted: only HTTPS asks for that.
    Untrusted(String),
    /// An HTTP answer that is not the document.
    Http(String),
    /// A file with credentials or roots that cannot be used.
    Credentials(String),
}

impl NetError {
    pub(crate) fn io(e: &io::Error, phase: &'static str) -> Self {
        match e.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Self::TimedOut(phase),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
                Self::Closed
            }
            _ => Self::Tls(e.to_string()),
        }
    }
}

impl fmt::Display for NetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(why) | Self::Credentials(why) => f.write_str(why),
            Self::Unresolved(why) => write!(f, "the name has no address ({why})"),
            Self::Refused(why) => write!(f, "no connection: {why}"),
            Self::TimedOut(phase) => write!(f, "it was silent for too long {phase} (see --timeout)"),
            Self::Closed => f.write_str(
                "it closed the connection without a word of TLS: is the port right, and, behind an east-west gateway, the server name (?sni=outbound_.PORT_._.SERVICE.NAMESPACE.svc.cluster.local)?",
            ),
            Self::NotTls(said) => write!(f, "it answers, but not in TLS: {said}"),
            Self::Tls(why) => write!(f, "TLS failed: {why}"),
            Self::Untrusted(why) => write!(f, "the server's certificate is not trusted ({why}): name the CA that it comes from with --ca FILE"),
            Self::Http(why) => f.write_str(why),
        }
    }
}

impl From<NetError> for Failure {
    fn from(e: NetError) -> Self {
        let (exit, code) = match e {
            NetError::Address(_) => (Exit::Usage, "net.address"),
            NetError::Unresolved(_) => (Exit::NotFound, "net.unresolved"),
            NetError::Refused(_) => (Exit::NotFound, "net.no_connection"),
            NetError::TimedOut(_) => (Exit::NotFound, "net.timed_out"),
            NetError::Closed => (Exit::BadInput, "net.closed"),
            NetError::NotTls(_) => (Exit::BadInput, "net.not_tls"),
            NetError::Tls(_) => (Exit::BadInput, "net.tls"),
            NetError::Untrusted(_) => (Exit::Refused, "net.untrusted"),
            NetError::Http(_) => (Exit::BadInput, "net.http"),
            NetError::Credentials(_) => (Exit::BadInput, "net.credentials"),
        };
        Self::new(exit, code, e)
    }
}
