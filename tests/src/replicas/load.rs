//! Callers that ask for certificates without a pause, at whichever replica answers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use meshroot::csr::Csr;
use meshroot::key::{Crypto, KeyAlgorithm, PrivateKey};
use meshroot::spiffe::SpiffeId;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;

use super::ID;

const CALLERS: usize = 6;

/// Callers at work.
#[derive(Debug)]
pub struct Load {
    over: Arc<AtomicBool>,
    delivered: Arc<Mutex<Vec<Delivered>>>,
    callers: Vec<JoinHandle<()>>,
}

impl Load {
    /// Some callers, each asking for one certificate after the other, until it is over.
    pub fn start(client: &Client, token: &str) -> Self {
        static LOADS: AtomicUsize = AtomicUsize::new(0);
        let load = LOADS.fetch_add(1, Ordering::SeqCst);
        let (over, delivered): (Arc<AtomicBool>, Arc<Mutex<Vec<Delivered>>>) = Default::default();
        let caller = |caller| {
            let (client, token, over, delivered) = (client.clone(), token.to_owned(), Arc::clone(&over), Arc::clone(&delivered));
            std::thread::spawn(move || call(load, caller, &client, &token, &over, &delivered))
        };
        let callers = (0..CALLERS).map(caller).collect();
        Self { over, delivered, callers }
    }

    /// How many certificates were delivered so far.
    pub fn count(&self) -> usize {
        self.delivered.lock().unwrap().len()
    }

    /// Waits until so many more were delivered.
    pub fn more(&self, what: &str, by: usize) {
        let (start, before) = (Instant::now(), self.count());
        while self.count() < before + by {
            assert!(!self.callers.iter().any(JoinHandle::is_finished), "{what}: a caller has given up");
            assert!(start.elapsed() < Duration::from_secs(120), "{what}: {} certificates in two minutes", self.count() - before);
            std::thread::sleep(Duration::from_millis(20));
        }
        eprintln!("{what}: {by} more after {:?}", start.elapsed());
    }

    /// When the first certificate was delivered that came after this moment.
    pub fn first_after(&self, moment: Instant) -> Option<Instant> {
        self.delivered.lock().unwrap().iter().map(|one| one.at).filter(|at| *at > moment).min()
    }

    /// Lets every caller finish what it is at; all that was delivered.
    pub fn end(self) -> Vec<Delivered> {
        self.over.store(true, Ordering::SeqCst);
        self.callers.into_iter().for_each(|caller| caller.join().unwrap());
        std::mem::take(&mut *self.delivered.lock().unwrap())
    }
}

/// Everything that was delivered is on record, nothing was given twice, and each request got one certificate however often it
/// was sent. `workloads` and `remembered` are the database's own counts.
pub fn nothing_is_lost_or_given_twice(delivered: &[Delivered], log: &BTreeMap<Vec<u8>, super::Entry>) {
    let lost: Vec<_> = delivered.iter().filter(|one| !log.contains_key(&one.certificate)).collect();
    assert!(lost.is_empty(), "{} of {} delivered certificates are not on record", lost.len(), delivered.len());
    let serials: BTreeSet<_> = log.values().map(|entry| &entry.serial).collect();
    assert_eq!(serials.len(), log.len(), "a serial number was used twice");
    let positions: BTreeSet<u64> = log.values().map(|entry| entry.position).collect();
    assert_eq!(positions, (1..=log.len() as u64).collect(), "every position once");
    let requests: BTreeMap<&str, &[u8]> = delivered.iter().map(|one| (one.request.as_str(), one.certificate.as_slice())).collect();
    assert_eq!(requests.len(), delivered.len());
}

/// What a caller received.
#[derive(Clone, Debug)]
pub struct Delivered {
    pub request: String,
    pub csr: String,
    pub certificate: Vec<u8>,
    /// When it came.
    pub at: Instant,
}

/// Asks for certificates until it is over; each request until it is answered, at whichever replica.
fn call(load: usize, caller: usize, client: &Client, token: &str, over: &AtomicBool, delivered: &Mutex<Vec<Delivered>>) {
    for number in 0.. {
        let (request, csr) = (format!("load-{load}-caller-{caller}-request-{number}"), csr());
        let start = Instant::now();
        for attempt in caller.. {
            match client.issue(attempt % client.ports.len(), token, Some(&request), &csr) {
                Ok((200 | 201, body)) => {
                    delivered.lock().unwrap().push(Delivered { request: request.clone(), certificate: leaf(&body), csr, at: Instant::now() });
                    break;
                }
                // Overload, a database that is away: later.
                Ok((429 | 503, _)) => std::thread::sleep(Duration::from_millis(50)),
                Ok((status, body)) => panic!("{status} {body}"),
                // A replica that is gone.
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
            assert!(start.elapsed() < Duration::from_secs(100), "{request} was never answered");
        }
        if over.load(Ordering::SeqCst) {
            return;
        }
    }
}

/// A new key's request for the one identity that is asked for.
pub fn csr() -> String {
    let crypto = Crypto::ring();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256, &crypto).unwrap();
    Csr::for_workload(&*key.signer(&crypto).unwrap(), &SpiffeId::parse(ID).unwrap()).unwrap().to_pem()
}

/// The certificate in an answer.
pub fn leaf(body: &str) -> Vec<u8> {
    let body: Value = serde_json::from_str(body).unwrap();
    CertificateDer::pem_slice_iter(body["chain"].as_str().unwrap().as_bytes()).next().unwrap().unwrap().to_vec()
}

/// Replicas, by their ports.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) ports: Vec<u16>,
    pub(super) config: Arc<rustls::ClientConfig>,
}

impl Client {
    /// Asks one of the replicas for a certificate.
    pub fn issue(&self, replica: usize, token: &str, request: Option<&str>, csr: &str) -> std::io::Result<(u16, String)> {
        let stream = TcpStream::connect(("127.0.0.1", self.ports[replica]))?;
        stream.set_read_timeout(Some(Duration::from_secs(40)))?;
        let connection = rustls::ClientConnection::new(Arc::clone(&self.config), ServerName::try_from("localhost").unwrap()).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        let key = request.map(|request| format!("Idempotency-Key: {request}\r\n")).unwrap_or_default();
        let length = csr.len();
        write!(
            stream,
            "POST /v1/certificates HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{key}Content-Length: {length}\r\n\r\n{csr}"
        )?;
        let mut answer = Vec::new();
        // The other end of a process that was killed says no goodbye; what came may be whole all the same.
        let ended = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let broken = || std::io::Error::other("half an answer");
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| ended.err().unwrap_or_else(broken))?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
        if length.is_some_and(|length| length != body.len()) {
            return Err(broken());
        }
        Ok((status, body.to_owned()))
    }
}
