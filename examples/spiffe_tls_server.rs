//! Greets its callers by their SPIFFE IDs over TLS. FOLDER is what `meshroot agent` or `meshroot svid` wrote; what the
//! agent writes later is taken over while connections go on. Further arguments are the SPIFFE IDs that may call.
//!
//!     cargo run -p meshroot-examples --bin spiffe_tls_server -- FOLDER 127.0.0.1:8443 spiffe://mesh.example/ns/shop/sa/cart

use std::error::Error;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{env, thread};

use meshroot::key::Crypto;
use meshroot::spiffe::SpiffeId;
use meshroot_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};
use meshroot_rustls::{Folder, Identity, Peers, Refused, Trust, peer_id, server_config};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, address, callers @ ..] = arguments.as_slice() else { return Err("usage: spiffe_tls_server FOLDER ADDRESS [SPIFFE-ID…]".into()) };
    let callers = callers.iter().map(|id| SpiffeId::parse(id)).collect::<Result<Vec<_>, _>>()?;
    let peers = if callers.is_empty() { Peers::trusted() } else { Peers::ids(callers) };

    let held = Folder::read(Path::new(folder), &Crypto::ring())?;
    let trust = Arc::new(Trust::new(held.bundle.into(), Crypto::ring()));
    let identity = Arc::new(Identity::new(held.credential));
    let config = Arc::new(server_config(&trust, &identity, peers, &[])?);

    let listener = TcpListener::bind(address)?;
    println!("{} listens on {}", identity.id(), listener.local_addr()?);
    for socket in listener.incoming() {
        // A program with more to do watches the folder instead.
        if let Err(e) = refresh(folder, &trust, &identity) {
            println!("going on with what is held: {e}");
        }
        let (socket, config) = (socket?, Arc::clone(&config));
        thread::spawn(move || match greet(socket, config) {
            Ok(caller) => println!("greeted {caller}"),
            Err(e) => println!("{e}"),
        });
    }
    Ok(())
}

/// Takes over what is in the folder now; a bundle that goes back, or a certificate that nobody would accept, is not.
fn refresh(folder: &str, trust: &Trust, identity: &Identity) -> Result<(), Box<dyn Error>> {
    let held = Folder::read(Path::new(folder), &Crypto::ring())?;
    trust.replace(held.bundle.into())?;
    trust.validate(held.credential.chain())?;
    identity.replace(held.credential);
    Ok(())
}

fn greet(mut socket: TcpStream, config: Arc<ServerConfig>) -> Result<SpiffeId, Box<dyn Error>> {
    // Whoever is silent does not keep a thread.
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut tls = ServerConnection::new(config)?;
    if let Err(e) = tls.complete_io(&mut socket) {
        return Err(match Refused::in_io(&e) {
            Some(refused) => format!("refused [{}]: {refused}", refused.code()).into(),
            None => e.into(),
        });
    }
    let caller = tls.peer_certificates().and_then(peer_id).ok_or("a caller without an identity")?;
    let mut stream = StreamOwned::new(tls, socket);
    writeln!(stream, "hello {caller}")?;
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(caller)
}
