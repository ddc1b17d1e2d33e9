//! Envoy's admin page, over HTTP/1.1 by hand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// The admin page of one Envoy.
#[derive(Debug)]
pub(super) struct Admin(SocketAddr);

impl Default for Admin {
    fn default() -> Self {
        Self(SocketAddr::from(([127, 0, 0, 1], 0)))
    }
}

impl Admin {
    /// Waits until Envoy serves; `None` when it ends instead, or takes more than half a minute.
    pub(super) fn wait(address: &Path, mut ended: impl FnMut() -> bool) -> Option<Self> {
        for _ in 0..1500 {
            if let Some(address) = std::fs::read_to_string(address).ok().and_then(|text| text.trim().parse().ok())
                && get(address, "/ready").0 == 200
            {
                return Some(Self(address));
            }
            if ended() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// The address that the system gave to a listener.
    pub(super) fn listener(&self, name: &str) -> SocketAddr {
        let all = self.json("/listeners?format=json");
        let found = all["listener_statuses"].as_array().unwrap().iter().find(|listener| listener["name"] == name);
        let address = &found.unwrap_or_else(|| panic!("no listener {name}"))["local_address"]["socket_address"];
        format!("{}:{}", address["address"].as_str().unwrap(), address["port_value"]).parse().unwrap()
    }

    /// The counters that begin with this prefix, without it and without those that have further parts.
    pub(super) fn counters(&self, prefix: &str) -> Vec<(String, u64)> {
        let all = self.json(&format!("/stats?format=json&filter=^{}", prefix.replace('.', "\\.")));
        let entries = all["stats"].as_array().unwrap().iter().filter_map(|entry| {
            let name = entry["name"].as_str()?.strip_prefix(prefix)?;
            (!name.contains('.')).then(|| Some((name.to_owned(), entry["value"].as_u64()?)))?
        });
        let entries: Vec<_> = entries.collect();
        // Silence must not look like zeros: Envoy has these from the start.
        assert!(entries.iter().any(|(name, _)| name == "fail_verify_error"), "no counters at {prefix}: {all}");
        entries
    }

    fn json(&self, path: &str) -> Value {
        let (status, body) = get(self.0, path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|e| panic!("{path}: {e}: {body}"))
    }
}

/// One request: the status, 0 when there is no answer, and the body.
pub(super) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut answer = Vec::new();
    let asked = TcpStream::connect_timeout(&address, Duration::from_secs(5)).and_then(|mut stream| {
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")?;
        stream.read_to_end(&mut answer)
    });
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let Some((head, body)) = answer.split_once("\r\n\r\n").filter(|_| asked.is_ok()) else { return (0, String::new()) };
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
    (status, if chunked { unchunked(body) } else { body.to_owned() })
}

fn unchunked(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        out += &rest[..length];
        body = rest[length..].trim_start_matches("\r\n");
    }
    out
}
