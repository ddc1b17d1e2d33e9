use core::ops::Range;
use std::collections::HashSet;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::args::Args;
use crate::client::{Connection, Target};
use crate::floor::Floor;
use crate::latency::Latencies;
use crate::mesh::Mesh;
use crate::requests::Requests;
use crate::tokens::ON_A_NODE;
use crate::wire::Outcome;

/// Every pod of a mesh starts. First each asks for itself: it connects, asks once with a token that nobody has seen, and
/// keeps its connection. Then, with another server, the proxies of their nodes ask, each for all pods of its node.
pub(crate) async fn scene(args: &Args, mesh: &Mesh) -> Value {
    let pods = start(args, mesh, Requests::of_pods(mesh, args.pods), 1).await;
    let proxies = start(args, mesh, Requests::of_node_proxies(mesh, args.pods), ON_A_NODE).await;
    json!({ "pods": pods, "node_proxies": proxies })
}

/// `each`: how many certificates every caller asks for, one after the other.
async fn start(args: &Args, mesh: &Mesh, requests: Arc<Requests>, each: usize) -> Value {
    let (pods, within) = (args.pods, Duration::from_secs(args.pods_seconds));
    let who = if each == 1 { "each for itself" } else { "asked for by their nodes' proxies" };
    println!("\ncold start: {pods} pods of {} clusters within {} s, over gRPC, {who}", mesh.api_servers.len(), within.as_secs());
    let server = crate::serve(args, mesh, "").await;
    // A descriptor for each connection, here and there.
    for pid in server.pids().into_iter().chain([std::process::id()]) {
        let descriptors = pods + 1_000;
        let raised = Command::new("prlimit").args(["--pid", &pid.to_string(), &format!("--nofile={descriptors}:{descriptors}")]).status();
        assert!(raised.is_ok_and(|status| status.success()), "{descriptors} descriptors are not allowed");
    }
    let before = server.usage();
    let floor = Floor::start();
    let began = Instant::now();
    let started = |n: usize| tokio::time::Instant::from_std(began + within.mul_f64(n as f64 / pods as f64));
    let callers: Vec<usize> = (0..pods).step_by(each).collect();
    let tasks: Vec<_> =
        callers.iter().map(|n| tokio::spawn(caller(*n..(*n + each).min(pods), server.target.clone(), Arc::clone(&requests), started(*n)))).collect();
    let (mut whole, mut answers, mut certificates, mut connections) = (Latencies::default(), Latencies::default(), HashSet::new(), Vec::new());
    for task in tasks {
        let got = task.await.unwrap();
        whole.add(got.first);
        answers.append(got.answers);
        connections.push(got.connection);
        for certificate in got.certificates {
            assert!(certificates.insert(certificate), "a certificate came twice");
        }
    }
    assert_eq!(certificates.len(), pods);
    let seconds = began.elapsed().as_secs_f64();
    let after = server.usage();
    let floor = floor.stop();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let resident = server.usage().resident.saturating_sub(before.resident) as f64 / connections.len() as f64;
    let cpu = (after.cpu() - before.cpu()).as_secs_f64() / pods as f64;
    drop(connections);
    server.stop().await;
    whole.sort();
    answers.sort();
    println!("all had their certificate after {seconds:.1} s");
    println!(
        "from connecting to the first certificate: p50 {:.2} ms, p99 {:.2} ms; from asking: p99 {:.2} ms",
        whole.of_thousand(500),
        whole.of_thousand(990),
        answers.of_thousand(990)
    );
    println!("CPU, with the handshakes: {:.0} µs a certificate, {:.2} × the floor; {resident:.0} octets a connection", cpu * 1e6, cpu / floor);
    json!({
        "pods": pods,
        "seconds": seconds,
        "p50_ms": whole.of_thousand(500),
        "p99_ms": whole.of_thousand(990),
        "asking_p99_ms": answers.of_thousand(990),
        "cpu_us": cpu * 1e6,
        "times_floor": cpu / floor,
        "octets_a_connection": resident,
    })
}

/// What a pod or a proxy got.
struct Got {
    certificates: Vec<String>,
    /// From connecting to the first certificate.
    first: Duration,
    /// From asking on.
    answers: Latencies,
    connection: Connection,
}

/// Starts at its time, and asks for these, one after the other; comes back when it is told to.
async fn caller(mut wanted: Range<usize>, target: Target, requests: Arc<Requests>, at: tokio::time::Instant) -> Got {
    tokio::time::sleep_until(at).await;
    let began = Instant::now();
    let connection = requests.connect(&target).await;
    let mut got = Got { certificates: Vec::new(), first: Duration::ZERO, answers: Latencies::default(), connection };
    let mut next = wanted.next();
    while let Some(n) = next {
        let asked = Instant::now();
        let answer = got.connection.ask(requests.nth(n, n).unwrap()).await;
        match requests.outcome(&answer) {
            Outcome::Certificate(certificate) => {
                if got.certificates.is_empty() {
                    got.first = began.elapsed();
                }
                got.answers.add(asked.elapsed());
                got.certificates.push(certificate);
                next = wanted.next();
            }
            Outcome::Later(wait) => tokio::time::sleep(wait).await,
        }
    }
    got
}
