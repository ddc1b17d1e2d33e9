//! Calls a server that has one of the SPIFFE IDs given, whatever its address, and prints what it says. FOLDER is what
//! `meshroot agent` or `meshroot svid` wrote.
//!
//!     cargo run -p meshroot-examples --bin spiffe_tls_client -- FOLDER 127.0.0.1:8443 spiffe://mesh.example/ns/shop/sa/shop

use std::env;
use std::error::Error;
use std::io::Read;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use meshroot::key::Crypto;
use meshroot::spiffe::SpiffeId;
use meshroot_rustls::rustls::pki_types::ServerName;
use meshroot_rustls::rustls::{ClientConnection, StreamOwned};
use meshroot_rustls::{Folder, Identity, Peers, Refused, Trust, client_config, peer_id};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, address, servers @ ..] = arguments.as_slice() else { return Err("usage: spiffe_tls_client FOLDER ADDRESS SPIFFE-ID…".into()) };
    let servers = servers.iter().map(|id| SpiffeId::parse(id)).collect::<Result<Vec<_>, _>>()?;

    let held = Folder::read(Path::new(folder), &Crypto::ring())?;
    let trust = Arc::new(Trust::new(held.bundle.into(), Crypto::ring()));
    let identity = Arc::new(Identity::new(held.credential));
    let config = client_config(&trust, &identity, Peers::ids(servers), &[])?;

    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    // rustls wants a name. No certificate has to carry it: the server is who its X.509-SVID says.
    let name = ServerName::from(socket.peer_addr()?.ip());
    let mut tls = ClientConnection::new(Arc::new(config), name)?;
    if let Err(e) = tls.complete_io(&mut socket) {
        return Err(match Refused::in_io(&e) {
            Some(refused) => format!("refused [{}]: {refused}", refused.code()).into(),
            None => e.into(),
        });
    }
    println!("connected to {}", tls.peer_certificates().and_then(peer_id).ok_or("a server without an identity")?);

    // In TLS 1.3 a server judges the client after the client is done: a refusal shows when reading.
    let mut said = String::new();
    StreamOwned::new(tls, socket).read_to_string(&mut said)?;
    print!("{said}");
    Ok(())
}
