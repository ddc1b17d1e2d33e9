//! A TCP connection that ends by its deadline, and remembers how the other side began.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::NetError;
use crate::clock::Deadline;

/// Of an answer that is not TLS, so much is worth showing.
const FIRST_BYTES: usize = 120;

/// A connection on which each read and write waits only for what is left of the time.
#[derive(Debug)]
pub(super) struct Stream {
    tcp: TcpStream,
    pub(super) deadline: Deadline,
    first: Vec<u8>,
}

impl Stream {
    /// Connects to the first address of the host that answers.
    pub(super) fn open(host: &str, port: u16, deadline: Deadline) -> Result<Self, NetError> {
        let addresses = resolve(host, port, deadline)?;
        let mut last = NetError::Unresolved("an empty answer".into());
        let mut left_to_try = addresses.len();
        for address in addresses {
            // One address that swallows packets (IPv6 without a route, say) must not use up the time of the others.
            let share = u32::try_from(left_to_try).unwrap_or(u32::MAX).max(1);
            let left = deadline.left().map_err(|e| NetError::io(&e, "while connecting"))?;
            left_to_try = left_to_try.saturating_sub(1);
            match TcpStream::connect_timeout(&address, left.checked_div(share).unwrap_or(left).max(Duration::from_millis(1))) {
                Ok(tcp) => {
                    // Without it the last bytes of a handshake may wait for an acknowledgement.
                    let _ = tcp.set_nodelay(true);
                    return Ok(Self { tcp, deadline, first: Vec::new() });
                }
                Err(e) if e.kind() == io::ErrorKind::TimedOut => last = NetError::TimedOut("while connecting"),
                Err(e) => last = NetError::Refused(format!("{address}: {e}")),
            }
        }
        Err(last)
    }

    /// In words, what the other side said first, if that was no TLS record.
    pub(super) fn other_protocol(&self) -> Option<String> {
        // Handshake or alert, of version 3.x.
        if self.first.is_empty() || matches!(self.first.as_slice(), [0x14..=0x17, 3, ..] | [0x14..=0x17]) {
            return None;
        }
        let line = self.first.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
        if line.starts_with(b"HTTP/") {
            return Some(format!("it speaks plain HTTP ('{}')", line.escape_ascii()));
        }
        if line.len() > 3 && line.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ') {
            return Some(format!("it begins with '{}'", line.escape_ascii()));
        }
        Some(format!("it begins with the bytes {:02x?}", self.first.get(..8).unwrap_or(&self.first)))
    }
}

/// The system's resolver knows no time-out: it is asked in a thread of its own, which is left behind if it is too slow.
fn resolve(host: &str, port: u16, deadline: Deadline) -> Result<Vec<SocketAddr>, NetError> {
    let (sender, answer) = mpsc::channel();
    let name = host.to_owned();
    thread::spawn(move || {
        let found = (name.as_str(), port).to_socket_addrs().map(|found| found.take(8).collect::<Vec<_>>());
        // Nobody listens any more when the time was over.
        let _ = sender.send(found);
    });
    let left = deadline.left().map_err(|e| NetError::io(&e, "while its name was looked up"))?;
    match answer.recv_timeout(left) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(e)) => Err(NetError::Unresolved(e.to_string())),
        Err(_) => Err(NetError::TimedOut("while its name was looked up")),
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.deadline.left()?))?;
        let read = self.tcp.read(buffer)?;
        if let Some(room) = FIRST_BYTES.checked_sub(self.first.len()) {
            self.first.extend(buffer.iter().take(read.min(room)));
        }
        Ok(read)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.deadline.left()?))?;
        self.tcp.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}
