use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::args::Args;
use crate::client::Connection;
use crate::floor::Floor;
use crate::latency::{Latencies, median};
use crate::mesh::Mesh;
use crate::requests::Requests;
use crate::server::Server;
use crate::wire::Outcome;

/// What came of it when so many asked.
pub(crate) struct Run {
    pub(crate) callers: usize,
    pub(crate) certificates: usize,
    pub(crate) shed: usize,
    pub(crate) seconds: f64,
    pub(crate) latencies: Latencies,
    /// The server's CPU a certificate, in seconds, and how much of it is the kernel's.
    pub(crate) cpu: f64,
    pub(crate) system: f64,
    /// Of the same unit, the work that cannot be done without.
    pub(crate) floor: f64,
    pub(crate) written: f64,
    pub(crate) resident: u64,
    /// The slowest answer of the health check meanwhile, in milliseconds.
    pub(crate) health: f64,
}

/// What one caller got.
#[derive(Default)]
struct Got {
    serials: Vec<String>,
    shed: usize,
    latencies: Latencies,
}

pub(crate) async fn scene(args: &Args, mesh: &Mesh) -> Value {
    let most = args.callers.iter().copied().max().unwrap_or(1);
    heading();
    let mut runs: Vec<Vec<Run>> = args.callers.iter().map(|_| Vec::new()).collect();
    for _ in 0..args.rounds {
        let server = crate::serve(args, mesh, "").await;
        let warm = Requests::make(args, mesh, args.most.min(2_000), 8);
        run(&server, &warm, 8, Duration::from_secs(1)).await;
        for (callers, runs) in args.callers.iter().zip(&mut runs) {
            let result = run(&server, &Requests::make(args, mesh, args.most, most), *callers, args.time()).await;
            result.print();
            runs.push(result);
        }
        server.stop().await;
    }
    runs.iter().map(|runs| medians(runs)).collect()
}

/// Half as many places as callers: what is too much is refused at once, and health does not notice.
pub(crate) async fn overload(args: &Args, mesh: &Mesh) -> Value {
    println!("\noverload: 256 callers, 128 places, refused callers wait as they are told");
    heading();
    let server = crate::serve(args, mesh, "requests = 128\n").await;
    let result = run(&server, &Requests::make(args, mesh, args.most, 256), 256, args.time()).await;
    result.print();
    server.stop().await;
    medians(&[result])
}

pub(crate) async fn run(server: &Server, requests: &Arc<Requests>, callers: usize, time: Duration) -> Run {
    let mut connections = Vec::new();
    for _ in 0..callers {
        connections.push(requests.connect(&server.target).await);
    }
    let granted = server.granted();
    let floor = Floor::start();
    let (health, probing) = tokio::sync::oneshot::channel();
    let probe = tokio::spawn(probe(server.health, probing));
    let before = server.usage();
    let began = Instant::now();
    let tasks: Vec<_> =
        connections.into_iter().enumerate().map(|(n, connection)| tokio::spawn(caller(n, connection, Arc::clone(requests), began + time))).collect();
    let mut all = Got::default();
    for task in tasks {
        let got = task.await.unwrap();
        all.serials.extend(got.serials);
        all.shed += got.shed;
        all.latencies.append(got.latencies);
    }
    let seconds = began.elapsed().as_secs_f64();
    let after = server.usage();
    let floor = floor.stop();
    health.send(()).unwrap();
    let certificates = all.serials.len();
    assert_eq!(all.serials.iter().collect::<HashSet<_>>().len(), certificates, "a serial number came twice");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(usize::try_from(server.granted() - granted).unwrap(), certificates, "the audit log tells of more or fewer");
    all.latencies.sort();
    let each = certificates as f64;
    Run {
        callers,
        certificates,
        shed: all.shed,
        seconds,
        latencies: all.latencies,
        cpu: (after.cpu() - before.cpu()).as_secs_f64() / each,
        system: (after.system - before.system).as_secs_f64() / each,
        floor,
        written: (after.written - before.written) as f64 / each,
        resident: after.resident,
        health: probe.await.unwrap(),
    }
}

async fn caller(n: usize, mut connection: Connection, requests: Arc<Requests>, until: Instant) -> Got {
    let mut got = Got::default();
    while Instant::now() < until {
        let Some(request) = requests.next(n) else { break };
        let began = Instant::now();
        let answer = connection.ask(request).await;
        match requests.outcome(&answer) {
            Outcome::Certificate(serial) => {
                got.latencies.add(began.elapsed());
                got.serials.push(serial);
            }
            Outcome::Later(wait) => {
                got.shed += 1;
                tokio::time::sleep(wait.min(until.saturating_duration_since(Instant::now()))).await;
            }
        }
    }
    got
}

/// Asks for health again and again until told to stop; the slowest answer in milliseconds.
async fn probe(address: std::net::SocketAddr, mut stop: tokio::sync::oneshot::Receiver<()>) -> f64 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut slowest = Duration::ZERO;
    while stop.try_recv().is_err() {
        let began = Instant::now();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        slowest = slowest.max(began.elapsed());
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    slowest.as_secs_f64() * 1e3
}

fn heading() {
    println!(
        "{:>7} {:>9} {:>6} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>8} {:>9}",
        "callers", "certs/s", "shed", "p50 ms", "p99 ms", "p99.9", "cpu µs", "kernel", "floor µs", "× floor", "B/cert", "RSS MB"
    );
}

impl Run {
    fn print(&self) {
        println!(
            "{:>7} {:>9.0} {:>6} {:>8.2} {:>8.2} {:>8.2} {:>8.1} {:>8.1} {:>8.1} {:>9.2} {:>8.0} {:>9.1}",
            self.callers,
            self.certificates as f64 / self.seconds,
            self.shed,
            self.latencies.of_thousand(500),
            self.latencies.of_thousand(990),
            self.latencies.of_thousand(999),
            self.cpu * 1e6,
            self.system * 1e6,
            self.floor * 1e6,
            self.cpu / self.floor,
            self.written,
            self.resident as f64 / 1e6,
        );
    }
}

fn medians(runs: &[Run]) -> Value {
    let of = |value: &dyn Fn(&Run) -> f64| median(runs.iter().map(value));
    json!({
        "callers": runs[0].callers,
        "rounds": runs.len(),
        "certificates": runs.iter().map(|run| run.certificates).sum::<usize>(),
        "shed": runs.iter().map(|run| run.shed).sum::<usize>(),
        "certificates_per_second": of(&|run| run.certificates as f64 / run.seconds),
        "p50_ms": of(&|run| run.latencies.of_thousand(500)),
        "p99_ms": of(&|run| run.latencies.of_thousand(990)),
        "p999_ms": of(&|run| run.latencies.of_thousand(999)),
        "cpu_us": of(&|run| run.cpu * 1e6),
        "kernel_us": of(&|run| run.system * 1e6),
        "floor_us": of(&|run| run.floor * 1e6),
        "times_floor": of(&|run| run.cpu / run.floor),
        "octets_written": of(&|run| run.written),
        "resident_octets": of(&|run| run.resident as f64),
        "slowest_health_ms": of(&|run| run.health),
    })
}
