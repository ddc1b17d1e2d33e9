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
use rustls::{ClientConnection, ServerConnection};

use crate::mint::Leaf;
use crate::scene::Cluster;
pub(crate) use sides::{believing_client, believing_server};
pub use verifier::Rules;

/// The column's data plane is the server: does it let the row's workload in?
///
/// # Errors
/// The server's reason.
pub fn inbound(row: &Leaf, column: &Cluster, rules: Rules, now: Timestamp, crypto: &Crypto) -> Result<(), String> {
    let server = sides::judging_server(column, rules, now, crypto)?;
    let client = believing_client(row, now);
    match shake(client, server) {
        Err(Side::Server(reason)) => Err(reason),
        Err(Side::Client(reason)) => panic!("the client believes anything, and said {reason}"),
        Ok(()) => Ok(()),
    }
}

/// The column's data plane is the client and wants to speak with this identity: does it go on after it has seen the row's certificate?
///
/// # Errors
/// The client's reason.
pub fn outbound(row: &Leaf, identity: &str, column: &Cluster, rules: Rules, now: Timestamp, crypto: &Crypto) -> Result<(), String> {
    let client = sides::judging_client(identity, column, rules, now, crypto)?;
    let server = believing_server(row, now);
    match shake(client, server) {
        Err(Side::Client(reason)) => Err(reason),
        Err(Side::Server(reason)) => panic!("the server believes anything, and said {reason}"),
        Ok(()) => Ok(()),
    }
}

/// Who gave up, and why.
enum Side {
    Client(String),
    Server(String),
}

fn shake(mut client: ClientConnection, mut server: ServerConnection) -> Result<(), Side> {
    // A TLS 1.3 handshake with client certificates takes three flights; the bound is for defects of this harness.
    for _ in 0..10 {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        feed(&bytes, |cursor| server.read_tls(cursor));
        server.process_new_packets().map_err(|e| Side::Server(said(&e)))?;
        let mut bytes = Vec::new();
        server.write_tls(&mut bytes).unwrap();
        feed(&bytes, |cursor| client.read_tls(cursor));
        client.process_new_packets().map_err(|e| Side::Client(said(&e)))?;
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

fn feed(bytes: &[u8], mut read: impl FnMut(&mut Cursor<&[u8]>) -> std::io::Result<usize>) {
    let mut cursor = Cursor::new(bytes);
    while cursor.position() < bytes.len() as u64 {
        read(&mut cursor).unwrap();
    }
}
