use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::args::Args;
use crate::client::{Answer, Connection, Target};
use crate::latency::median;
use crate::mesh::{Mesh, TRUST_DOMAIN};
use crate::nginx::Nginx;
use crate::process::Usage;

const READERS: usize = 8;
/// The kernel counts in hundredths of a second; this is some dozens of them.
const TURN: Duration = Duration::from_secs(2);
const ROUNDS: usize = 5;

/// A server that is measured: its processes, its connections, and the tag that it gave the bundle.
struct Side {
    pids: Vec<u32>,
    connections: Vec<Connection>,
    etag: String,
}

/// What a read of the bundle costs, whole and unchanged, beside nginx with the same bytes as a file, in turns.
pub(crate) async fn scene(args: &Args, mesh: &Mesh) -> Value {
    let server = crate::serve(args, mesh, "").await;
    let (ours, body) = Side::open(server.pids(), &server.target).await;
    let nginx = (!args.without_nginx).then(|| Nginx::start(&path(), &body));
    let theirs = match &nginx {
        Some(nginx) => {
            let (side, same) = Side::open(nginx.pids(), &nginx.target).await;
            assert_eq!(body, same, "nginx serves something else");
            Some(side)
        }
        None => None,
    };
    let mut sides: Vec<Side> = core::iter::once(ours).chain(theirs).collect();
    println!("\na bundle of {} octets, {READERS} readers: µs of CPU a request", body.len());
    let mut report = json!({ "octets": body.len() });
    for (name, conditional) in [("GET", false), ("304", true)] {
        let mut costs: Vec<Vec<f64>> = sides.iter().map(|_| Vec::new()).collect();
        for _ in 0..ROUNDS {
            for (side, costs) in sides.iter_mut().zip(&mut costs) {
                costs.push(side.turn(conditional).await * 1e6);
            }
        }
        let ours = median(costs[0].iter().copied());
        let mut of_this = json!({ "cpu_us": ours });
        let mut line = format!("{name:>7}   meshroot {ours:>6.1}");
        if let Some(theirs) = costs.get(1) {
            let ratio = median(costs[0].iter().zip(theirs).map(|(ours, theirs)| ours / theirs));
            let theirs = median(theirs.iter().copied());
            of_this["nginx_cpu_us"] = json!(theirs);
            of_this["times_nginx"] = json!(ratio);
            line = format!("{line}   nginx {theirs:>6.1}   {ratio:.2} ×");
        }
        println!("{line}");
        report[name] = of_this;
    }
    drop(sides);
    server.stop().await;
    report
}

impl Side {
    async fn open(pids: Vec<u32>, target: &Target) -> (Self, Bytes) {
        let mut connections = Vec::new();
        for _ in 0..READERS {
            connections.push(target.http1().await);
        }
        let first: Answer = connections[0].ask(request(None)).await;
        assert_eq!(first.status, 200);
        let etag = first.headers["etag"].to_str().unwrap().to_owned();
        (Self { pids, connections, etag }, first.body)
    }

    /// All readers for one turn; seconds of the server's CPU a request.
    async fn turn(&mut self, conditional: bool) -> f64 {
        let etag = conditional.then(|| self.etag.clone());
        let expected = if conditional { 304 } else { 200 };
        let before = Usage::cpu_of_all(&self.pids);
        let until = Instant::now() + TURN;
        let mut tasks = Vec::new();
        for mut connection in self.connections.drain(..) {
            let etag = etag.clone();
            tasks.push(tokio::spawn(async move {
                let mut answers = 0u32;
                while Instant::now() < until {
                    assert_eq!(connection.ask(request(etag.as_deref())).await.status, expected);
                    answers += 1;
                }
                (connection, answers)
            }));
        }
        let mut all = 0;
        for task in tasks {
            let (connection, answers) = task.await.unwrap();
            self.connections.push(connection);
            all += answers;
        }
        (Usage::cpu_of_all(&self.pids) - before).as_secs_f64() / f64::from(all)
    }
}

fn path() -> String {
    format!("/v1/trust-domains/{TRUST_DOMAIN}/bundle")
}

fn request(etag: Option<&str>) -> Request<Full<Bytes>> {
    let request = Request::get(path()).header("host", "localhost");
    let request = match etag {
        Some(etag) => request.header("if-none-match", etag),
        None => request,
    };
    request.body(Full::default()).unwrap()
}
