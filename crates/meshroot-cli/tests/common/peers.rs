//! Peers to look at: TLS servers as they are, and as they go wrong.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use meshroot::pem;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion};

/// A server that lives as long as the test's process.
pub struct Peer {
    pub port: u16,
}

/// What a TLS server does.
pub struct Tls {
    pub versions: &'static [&'static SupportedProtocolVersion],
    pub alpn: Vec<Vec<u8>>,
    /// Roots of the clients that it demands a certificate of.
    pub clients: Option<std::path::PathBuf>,
    /// What it answers to the first request, over and over.
    pub answer: Vec<u8>,
}

impl Default for Tls {
    fn default() -> Self {
        Self { versions: rustls::ALL_VERSIONS, alpn: vec![b"h2".to_vec()], clients: None, answer: Vec::new() }
    }
}

impl Peer {
    /// Each connection is handed to this function, in a thread of its own.
    pub fn new(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let serve = Arc::new(serve);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let serve = serve.clone();
                thread::spawn(move || serve(stream));
            }
        });
        Self { port }
    }

    /// Takes connections and never says a word.
    pub fn silent() -> Self {
        Self::new(|stream| {
            thread::sleep(Duration::from_secs(60));
            drop(stream);
        })
    }

    /// Sends this as soon as somebody speaks, and hangs up.
    pub fn saying(said: &'static [u8]) -> Self {
        Self::new(move |mut stream| {
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(said);
            let _ = stream.shutdown(Shutdown::Both);
        })
    }

    /// One byte of a plausible record after the other, for ever.
    pub fn trickling() -> Self {
        Self::new(|mut stream| {
            let _ = stream.write_all(&[0x16, 3, 3, 0x3f, 0xff]);
            while stream.write_all(&[0]).is_ok() {
                thread::sleep(Duration::from_millis(20));
            }
        })
    }

    /// TLS with this chain and key, in PEM.
    pub fn tls(chain: &Path, key: &Path, tls: Tls) -> Self {
        let chain = pem::parse(&std::fs::read(chain).unwrap()).unwrap().iter().map(|block| CertificateDer::from(block.der.clone())).collect();
        let key = PrivateKeyDer::Pkcs8(pem::parse(&std::fs::read(key).unwrap()).unwrap()[0].der.clone().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(tls.versions).unwrap();
        let builder = match &tls.clients {
            None => builder.with_no_client_auth(),
            Some(roots) => {
                let mut store = RootCertStore::empty();
                for block in pem::parse(&std::fs::read(roots).unwrap()).unwrap() {
                    store.add(CertificateDer::from(block.der.clone())).unwrap();
                }
                builder.with_client_cert_verifier(WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider).build().unwrap())
            }
        };
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = tls.alpn;
        let config = Arc::new(config);
        Self::new(move |stream| {
            let mut stream = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&tls.answer);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        })
    }

    pub fn address(&self) -> String {
        format!("tls://127.0.0.1:{}", self.port)
    }
}
