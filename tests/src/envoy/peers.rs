//! The workloads of the rows: rustls over TCP, with a certificate, believing whatever they are shown.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use meshroot::time::Timestamp;
use rustls::StreamOwned;

use crate::handshake::{believing_client, believing_server};
use crate::mint::Leaf;

/// Calls a sidecar; whether it answered.
pub(super) fn call(address: SocketAddr, leaf: &Leaf, now: Timestamp) -> bool {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut stream = StreamOwned::new(believing_client(leaf, now), socket);
    let mut answer = Vec::new();
    // In TLS 1.3 the client is done before the server has judged it: the refusal arrives where the answer should.
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").and_then(|()| stream.read_to_end(&mut answer));
    answer.starts_with(b"HTTP/1.1 200 ")
}

/// A server with one certificate, until it is dropped.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(leaf: &Leaf, now: Timestamp) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (leaf, stopped) = (leaf.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            for socket in listener.incoming() {
                if stopped.load(Ordering::Acquire) {
                    return;
                }
                // A peer that refuses us hangs up in the middle, which is what is being tried.
                let _ = socket.and_then(|socket| answer(&leaf, socket, now));
            }
        });
        Self { address, stop, thread: Some(thread) }
    }
}

fn answer(leaf: &Leaf, socket: TcpStream, now: Timestamp) -> std::io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut stream = StreamOwned::new(believing_server(leaf, now), socket);
    let mut request = [0; 4096];
    if stream.read(&mut request)? > 0 {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    }
    stream.conn.send_close_notify();
    stream.flush()
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // The thread waits in accept.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
