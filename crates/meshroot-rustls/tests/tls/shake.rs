//! Two connections that talk through memory.

use std::io::{Cursor, Read, Write};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use meshroot_rustls::Refused;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ConnectionCommon, Error, ServerConfig, ServerConnection};

/// An open connection.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) client: ClientConnection,
    pub(crate) server: ServerConnection,
}

/// A handshake that one side broke off; what the client was told.
#[derive(Debug)]
pub(crate) enum Broken {
    ByClient { said: Error },
    ByServer { said: Error, told: Option<Error> },
}

impl Broken {
    /// The server's refusal of the client.
    pub(crate) fn by_server(self) -> Refused {
        match &self {
            Self::ByServer { said, .. } => Refused::of(said).unwrap_or_else(|| panic!("no refusal of ours: {self:?}")).clone(),
            Self::ByClient { .. } => panic!("the client refused: {self:?}"),
        }
    }

    /// The client's refusal of the server.
    pub(crate) fn by_client(self) -> Refused {
        match &self {
            Self::ByClient { said } => Refused::of(said).unwrap_or_else(|| panic!("no refusal of ours: {self:?}")).clone(),
            Self::ByServer { .. } => panic!("the server refused: {self:?}"),
        }
    }
}

/// The name that is dialled, which no certificate carries.
const DIALLED: &str = "another.name.invalid";

#[allow(clippy::result_large_err, reason = "a test makes a handful of them")]
pub(crate) fn shake(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Result<Pair, Broken> {
    let mut pair = Pair {
        client: ClientConnection::new(Arc::clone(client), ServerName::try_from(DIALLED).unwrap()).unwrap(),
        server: ServerConnection::new(Arc::clone(server)).unwrap(),
    };
    // Three flights and some tickets; the bound is for defects of this harness.
    for _ in 0..10 {
        if let Err(said) = pass(&mut pair.client, &mut pair.server) {
            let told = pass(&mut pair.server, &mut pair.client).err();
            return Err(Broken::ByServer { said, told });
        }
        if let Err(said) = pass(&mut pair.server, &mut pair.client) {
            return Err(Broken::ByClient { said });
        }
        if !pair.client.is_handshaking() && !pair.server.is_handshaking() && !pair.client.wants_write() && !pair.server.wants_write() {
            return Ok(pair);
        }
    }
    panic!("the handshake does not end");
}

impl Pair {
    /// Asks and answers over the open connection.
    pub(crate) fn works(&mut self) -> bool {
        let mut heard = [0; 4];
        self.client.writer().write_all(b"ping").unwrap();
        pass(&mut self.client, &mut self.server).unwrap();
        self.server.reader().read_exact(&mut heard).unwrap();
        self.server.writer().write_all(&heard).unwrap();
        pass(&mut self.server, &mut self.client).unwrap();
        self.client.reader().read_exact(&mut heard).unwrap();
        &heard == b"ping"
    }
}

fn pass<A, B, S, T>(from: &mut A, to: &mut B) -> Result<(), Error>
where
    A: DerefMut<Target = ConnectionCommon<S>>,
    B: DerefMut + Deref<Target = ConnectionCommon<T>>,
{
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    let mut bytes = Cursor::new(bytes);
    while to.read_tls(&mut bytes).unwrap() > 0 {
        to.process_new_packets()?;
    }
    Ok(())
}
