use serde::Deserialize;

use super::{Rate, Seconds};

/// What one caller, and all together, may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections that are open at once; further ones wait in the kernel's queue.
    pub connections: usize,
    /// TLS handshakes under way at once.
    pub handshakes: usize,
    /// How long a handshake may take.
    pub handshake_timeout: Seconds,
    /// How long the head of a request may take to arrive.
    pub header_timeout: Seconds,
    /// How long an HTTP/1.1 connection over TLS is kept on which nothing is asked.
    pub idle_timeout: Seconds,
    /// How long a request's body may take to arrive.
    pub body_timeout: Seconds,
    /// Octets of a request's body.
    pub body_bytes: usize,
    /// Octets of a request's head, and headers in it.
    pub header_bytes: usize,
    /// Requests in hand at once, health left out; further ones are refused at once.
    pub requests: usize,
    /// What one caller may ask for, above what a node proxy needs that starts with all the pods of its node.
    pub caller: Rate,
    /// What all callers of one cluster may ask for, so that no cluster takes the service away from the others.
    pub cluster: Rate,
    /// Bad credentials from one address; beyond, credentials that are not known to be good are refused unseen.
    pub failures: Rate,
    /// Callers whose credentials are remembered as good, of each kind. Each takes about a kilobyte.
    pub remembered: usize,
    /// Bundle readers that wait for a change at once; further ones are answered without waiting.
    pub long_polls: usize,
    /// How long a shutdown waits for the requests that were taken.
    pub shutdown: Seconds,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 50_000,
            handshakes: 512,
            handshake_timeout: Seconds::new(10),
            header_timeout: Seconds::new(10),
            idle_timeout: Seconds::new(300),
            body_timeout: Seconds::new(10),
            body_bytes: 64 << 10,
            header_bytes: 16 << 10,
            requests: 1_024,
            caller: Rate { per_second: 50, burst: 2_000 },
            cluster: Rate { per_second: 2_000, burst: 20_000 },
            failures: Rate { per_second: 100, burst: 2_000 },
            remembered: 32_768,
            long_polls: 50_000,
            shutdown: Seconds::new(30),
        }
    }
}
