//! Real handshakes in memory, rustls on both sides, to the second of a chosen time.
//!
//! One side is a data plane of the column, configured as ztunnel configures it, or as strictly as Envoy judges; the other is a workload of the
//! row, which believes anything that it is shown. So the handshake fails exactly when the column refuses the row.

mod sides;
mod strict;
mod verifier;
mod ztunnel;

use std::io::Cursor;

use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use rustls::{ClientConnection, ConnectionCommon, ServerConnection};

use crate::mint::Leaf;
use crate::scene::Cluster;
pub(crate) use sides::{believing_client, believing_server};
pub use verifier::Rules;

/// The column's data plane is the server: does it let the row's workload in?
///
/// # Errors
/// The server's reason, and what the client is told of it.
pub fn inbound(row: &Leaf, column: &Cluster, rules: Rules, now: Timestamp, crypto: &Crypto) -> Result<(), Refusal> {
    let server = sides::judging_server(column, rules, now, crypto).map_err(|reason| Refusal { reason, told: String::new() })?;
    let client = believing_client(row, now);
    match shake(client, server) {
        Err(Side::Server(refusal)) => Err(refusal),
        Err(Side::Client(refusal)) => panic!("the client believes anything, and said {refusal}"),
        Ok(()) => Ok(()),
    }
}

/// The column's data plane is the client and wants to speak with this identity: does it go on after it has seen the row's certificate?
///
/// # Errors
/// The client's reason, and what the server is told of it.
pub fn outbound(row: &Leaf, identity: &str, column: &Cluster, rules: Rules, now: Timestamp, crypto: &Crypto) -> Result<(), Refusal> {
    let client = sides::judging_client(identity, column, rules, now, crypto).map_err(|reason| Refusal { reason, told: String::new() })?;
    let server = believing_server(row, now);
    match shake(client, server) {
        Err(Side::Client(refusal)) => Err(refusal),
        Err(Side::Server(refusal)) => panic!("the server believes anything, and said {refusal}"),
        Ok(()) => Ok(()),
    }
}

/// A handshake that one side broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its reason.
    pub reason: String,
    /// What the other side makes of the alert that it gets.
    pub told: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

/// Who gave up.
enum Side {
    Client(Refusal),
    Server(Refusal),
}

fn shake(mut client: ClientConnection, mut server: ServerConnection) -> Result<(), Side> {
    // A TLS 1.3 handshake with client certificates takes three flights; the bound is for defects of this harness.
    for _ in 0..10 {
        if let Err(reason) = pass(&mut client, &mut server) {
            let told = pass(&mut server, &mut client).err().unwrap_or_default();
            return Err(Side::Server(Refusal { reason, told }));
        }
        if let Err(reason) = pass(&mut server, &mut client) {
            let told = pass(&mut client, &mut server).err().unwrap_or_default();
            return Err(Side::Client(Refusal { reason, told }));
        }
        if !client.is_handshaking() && !server.is_handshaking() && !client.wants_write() && !server.wants_write() {
            assert_eq!(client.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
            assert!(server.peer_certificates().is_some_and(|chain| !chain.is_empty()), "mutual TLS");
            return Ok(());
        }
    }
    panic!("the handshake does not end");
}

/// The reason alone: rustls calls what a verifier says itself unexpected.
fn said(error: &rustls::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("unexpected error: ").map_or(text.clone(), str::to_owned)
}

/// Takes what one side has to say to the other; the other's reason when it breaks off.
fn pass<A, B>(from: &mut ConnectionCommon<A>, to: &mut ConnectionCommon<B>) -> Result<(), String> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut cursor = Cursor::new(bytes.as_slice());
    while cursor.position() < bytes.len() as u64 {
        to.read_tls(&mut cursor).unwrap();
    }
    to.process_new_packets().map(|_| ()).map_err(|e| said(&e))
}
