//! The four ends of a connection.

use std::sync::Arc;
use std::time::Duration;

use meshroot::key::Crypto;
use meshroot::time::Timestamp;
use rustls::client::Resumption;
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::verifier::{Believer, Judge, Peer, Rules, provider};
use crate::mint::Leaf;
use crate::scene::Cluster;

/// The column, as a server that wants a client certificate.
pub(super) fn judging_server(column: &Cluster, rules: Rules, now: Timestamp, crypto: &Crypto) -> Result<ServerConnection, String> {
    let judge = Judge::new(column, rules, Peer::ComesIn, now)?;
    let (chain, key) = certified(&column.workload(now, crypto));
    let config = ServerConfig::builder_with_details(provider(), clock(now)).with_protocol_versions(&[&TLS13]).unwrap();
    let config = config.with_client_cert_verifier(Arc::new(judge)).with_single_cert(chain, key).unwrap();
    Ok(ServerConnection::new(Arc::new(config)).unwrap())
}

/// The column, as a client that judges the server.
pub(super) fn judging_client(identity: &str, column: &Cluster, rules: Rules, now: Timestamp, crypto: &Crypto) -> Result<ClientConnection, String> {
    let judge = Judge::new(column, rules, Peer::IsCalled(identity), now)?;
    Ok(client(Arc::new(judge), &column.workload(now, crypto), now))
}

/// The row, as a client that accepts every server.
pub(crate) fn believing_client(row: &Leaf, now: Timestamp) -> ClientConnection {
    client(Arc::new(Believer), row, now)
}

/// The row, as a server that accepts every client.
pub(crate) fn believing_server(row: &Leaf, now: Timestamp) -> ServerConnection {
    let (chain, key) = certified(row);
    let config = ServerConfig::builder_with_details(provider(), clock(now)).with_protocol_versions(&[&TLS13]).unwrap();
    let config = config.with_client_cert_verifier(Arc::new(Believer)).with_single_cert(chain, key).unwrap();
    ServerConnection::new(Arc::new(config)).unwrap()
}

fn client(verifier: Arc<dyn rustls::client::danger::ServerCertVerifier>, own: &Leaf, now: Timestamp) -> ClientConnection {
    let (chain, key) = certified(own);
    let config = ClientConfig::builder_with_details(provider(), clock(now)).with_protocol_versions(&[&TLS13]).unwrap();
    let mut config = config.dangerous().with_custom_certificate_verifier(verifier).with_client_auth_cert(chain, key).unwrap();
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    ClientConnection::new(Arc::new(config), ServerName::try_from("0.0.0.0").unwrap()).unwrap()
}

fn certified(leaf: &Leaf) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let chain = leaf.chain.iter().map(|certificate| CertificateDer::from(certificate.der().to_vec())).collect();
    (chain, PrivateKeyDer::try_from(leaf.key.clone()).unwrap())
}

fn clock(now: Timestamp) -> Arc<dyn TimeProvider> {
    Arc::new(Fixed(UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.unix()).unwrap()))))
}

#[derive(Debug)]
struct Fixed(UnixTime);

impl TimeProvider for Fixed {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0)
    }
}
