//! What a TLS peer presents, and how it takes to us.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use meshroot::x509::DistinguishedName;
use rustls::{ClientConnection, ConnectionCommon, ProtocolVersion, SideData};

use super::connect::Stream;
use super::recorder::Recorder;
use super::{Identity, NetError, TlsAddress, configuration};
use crate::clock::Deadline;

/// How long a peer is listened to after the handshake: in TLS 1.3 it says only then that it refuses a client.
const AFTERWARDS: Duration = Duration::from_secs(1);
/// Bytes that are read afterwards; what a peer says there is thrown away.
const MOST_AFTERWARDS: usize = 64 << 10;

/// What a peer presented.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// In DER, leaf first; never empty.
    pub(crate) chain: Vec<Vec<u8>>,
    /// Like `TLS 1.3, TLS13_AES_256_GCM_SHA384, ALPN istio`.
    pub(crate) negotiated: String,
    pub(crate) asked: Asked,
}

/// Whether the peer wants a client certificate, and what became of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It did not ask.
    No,
    /// It asked, and is content: with the certificate, or without one.
    Content { issuers: Vec<String>, with_one: bool },
    /// It asked, and ended the connection: what it said.
    Refused { issuers: Vec<String>, with_one: bool, said: String },
}

/// Does a handshake, and looks.
pub(crate) fn look(address: &TlsAddress, identity: Option<&Identity>, timeout: Duration) -> Result<Peer, NetError> {
    let deadline = Deadline::after(timeout);
    let recorder = Recorder::new(identity.cloned());
    let mut config = configuration(recorder.clone())?.with_client_cert_resolver(recorder.clone());
    config.alpn_protocols.clone_from(&address.alpn);
    // What is left from another handshake would hide the chain.
    config.resumption = rustls::client::Resumption::disabled();
    let mut stream = Stream::open(&address.host, address.port, deadline)?;
    let mut tls = ClientConnection::new(Arc::new(config), address.server_name.clone()).map_err(|e| NetError::Tls(e.to_string()))?;
    let shaken = shake_hands(&mut tls, &mut stream);
    let seen = recorder.seen();
    if seen.chain.is_empty() {
        return Err(shaken.err().unwrap_or_else(|| NetError::Tls("it presented no certificate".into())));
    }
    // From here on there is something to tell, however it ended.
    let ended = match shaken {
        Ok(()) if seen.asked => listen(&mut tls, &mut stream),
        Ok(()) => None,
        Err(e) => Some(ending(&e)),
    };
    tls.send_close_notify();
    // The peer may be gone already.
    let _ = tls.write_tls(&mut stream);
    let with_one = identity.is_some();
    let issuers: Vec<String> = seen.issuers.iter().filter_map(|der| DistinguishedName::from_der(der).ok().map(|name| name.to_string())).collect();
    let asked = match ended {
        Some(said) if seen.asked => Asked::Refused { issuers, with_one, said },
        None if seen.asked => Asked::Content { issuers, with_one },
        _ => Asked::No,
    };
    Ok(Peer { chain: seen.chain, negotiated: negotiated(&tls), asked })
}

/// Drives the handshake to its end, and says what stopped it.
pub(super) fn shake_hands<S: SideData>(tls: &mut ConnectionCommon<S>, stream: &mut Stream) -> Result<(), NetError> {
    const PHASE: &str = "during the TLS handshake";
    while tls.is_handshaking() {
        while tls.wants_write() {
            if let Err(e) = tls.write_tls(stream) {
                return Err(last_words(tls, stream).unwrap_or_else(|| NetError::io(&e, PHASE)));
            }
        }
        if tls.is_handshaking() && read(tls, stream)? == 0 {
            return Err(stream.other_protocol().map_or(NetError::Closed, NetError::NotTls));
        }
    }
    while tls.wants_write() {
        tls.write_tls(stream).map_err(|e| NetError::io(&e, PHASE))?;
    }
    Ok(())
}

/// What a peer said before it stopped listening: the alert that explains why it cannot be written to any more.
fn last_words<S: SideData>(tls: &mut ConnectionCommon<S>, stream: &mut Stream) -> Option<NetError> {
    loop {
        match read(tls, stream) {
            Ok(0) | Err(NetError::Closed | NetError::TimedOut(_)) => return None,
            Ok(_) => {}
            Err(said) => return Some(said),
        }
    }
}

fn read<S: SideData>(tls: &mut ConnectionCommon<S>, stream: &mut Stream) -> Result<usize, NetError> {
    let read = tls.read_tls(stream).map_err(|e| NetError::io(&e, "during the TLS handshake"))?;
    if let Err(e) = tls.process_new_packets() {
        // The alert that says why.
        let _ = tls.write_tls(stream);
        return Err(stream.other_protocol().map_or_else(|| in_words(&e), NetError::NotTls));
    }
    Ok(read)
}

/// Listens whether the peer takes back that the handshake went well: `Some`, with what it said, if it does.
fn listen(tls: &mut ClientConnection, stream: &mut Stream) -> Option<String> {
    stream.deadline = stream.deadline.or_after(AFTERWARDS);
    let mut heard = 0usize;
    let mut waste = [0; 4096];
    loop {
        match tls.read_tls(stream) {
            Ok(0) => return Some(ending(&NetError::Closed)),
            Ok(read) => heard = heard.saturating_add(read),
            Err(e) if matches!(e.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => return None,
            Err(e) => return Some(ending(&NetError::io(&e, "after the handshake"))),
        }
        if let Err(e) = tls.process_new_packets() {
            return Some(ending(&in_words(&e)));
        }
        let data = tls.reader().read(&mut waste);
        // A ticket or data is for those who are let in.
        if heard > MOST_AFTERWARDS || tls.tls13_tickets_received() > 0 || data.is_ok_and(|read| read > 0) {
            return None;
        }
    }
}

/// How a connection ended on which TLS was spoken.
fn ending(e: &NetError) -> String {
    match e {
        NetError::Closed => "it closed the connection".to_owned(),
        NetError::Tls(why) => why.clone(),
        e => e.to_string(),
    }
}

pub(super) fn in_words(e: &rustls::Error) -> NetError {
    match e {
        rustls::Error::AlertReceived(alert) => NetError::Tls(format!("the peer says {alert:?}")),
        rustls::Error::InvalidCertificate(why) => NetError::Untrusted(match why {
            rustls::CertificateError::Other(other) => other.to_string(),
            why => why.to_string(),
        }),
        e => NetError::Tls(e.to_string()),
    }
}

fn negotiated(tls: &ClientConnection) -> String {
    let version = match tls.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2".to_owned(),
        Some(other) => format!("{other:?}"),
        None => "TLS".to_owned(),
    };
    let suite = tls.negotiated_cipher_suite().map(|suite| format!(", {:?}", suite.suite())).unwrap_or_default();
    let alpn = tls.alpn_protocol().map_or_else(|| ", no ALPN".to_owned(), |name| format!(", ALPN {}", name.escape_ascii()));
    format!("{version}{suite}{alpn}")
}
